"""Schema files, and the checks that are made of them."""

import time

import ml_dtypes
import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError, NotFoundError
from penstock.monitor.rules import check_of
from penstock.monitor.schema import Feature, from_metadata_text, from_toml, read_schema

TOML = """
unknown_features = "refuse"
nan = "refuse"

[features.age]
min = 0
max = 120

[features.colour]
vocabulary = ["red", "green"]
required = true

[features.pixels]
shape = [784]
nan = "accept"
"""

METADATA = """
feature {
  name: "age" type: INT
  presence { min_fraction: 1.0 min_count: 1 }
  shape { dim { size: 1 } }
  int_domain { min: 0 max: 120 }
}
feature { name: "colour" type: BYTES domain: "colours" value_count { min: 1 max: 3 } }
feature { name: "price" type: FLOAT float_domain { min: 0.5 disallow_nan: true } }
feature { name: "flag" type: BYTES bool_domain { true_value: "y" false_value: "n" } }
feature { name: "old" deprecated: true int_domain { max: 1 } }
string_domain { name: "colours" value: "red" value: "green" }
annotation { tag: "nobody reads this" }
"""


def test_a_toml_file_says_what_holds(tmp_path):
    file = tmp_path / "schema.toml"
    file.write_text(TOML)

    schema = read_schema(file)

    assert schema.unknown == "refuse"
    assert schema.features["age"] == Feature("age", 0, 120, nan="refuse")
    assert schema.features["colour"].vocabulary == {b"red", b"green"}
    assert schema.features["colour"].required
    assert schema.features["pixels"].shape == (784,)
    assert schema.features["pixels"].nan == "accept"


def test_the_text_of_tensorflow_metadata_says_the_same(tmp_path):
    file = tmp_path / "schema.pbtxt"
    file.write_text(METADATA)

    features = read_schema(file).features

    assert features["age"] == Feature("age", 0, 120, required=True, shape=(1,))
    assert features["colour"].vocabulary == {b"red", b"green"}
    assert (features["colour"].min_values, features["colour"].max_values) == (1, 3)
    assert (features["price"].minimum, features["price"].nan) == (0.5, "refuse")
    assert features["flag"].vocabulary == {b"y", b"n"}
    assert "old" not in features


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("features = 3", "features of f must be tables"),
        ("[features.x]\nmn = 1", "must only have .* got mn"),
        ("[features.x]\nmin = 'a'", "min of feature 'x' of f must be int or float, got 'a'"),
        ("[features.x]\nmin = true", "must be int or float, got True"),
        ("[features.x]\nmin = 2\nmax = 1", "min of feature 'x' must be at most max 1, got 2"),
        ("[features.x]\nnan = 'maybe'", "must be 'accept' or 'refuse', got 'maybe'"),
        ("unknown_features = 'no'", "must be 'accept' or 'refuse', got 'no'"),
        ("= 1", "f must be TOML"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(text, line):
    with pytest.raises(InvalidArgumentError, match=line):
        from_toml(text, "f")


def test_a_domain_that_is_not_there_is_refused():
    with pytest.raises(InvalidArgumentError, match="names the domain 'x'"):
        from_metadata_text('feature { name: "a" domain: "x" }')


def test_a_file_that_is_not_there_is_not_found(tmp_path):
    with pytest.raises(NotFoundError, match="none"):
        read_schema(tmp_path / "none")


X = Feature("x", 0, 120)


@pytest.mark.parametrize(
    ("feature", "values", "rule", "line"),
    [
        (X, [1.0, 130.0, 5.0], "range", "input 'x' must be from 0 to 120, got 130 in row 1"),
        (X, [-1.0], "range", "input 'x' must be from 0 to 120, got -1"),
        (X, [np.inf], "range", "input 'x' must be from 0 to 120, got inf"),
        (X, [1.0, np.nan, np.nan], "nan", "input 'x' must not be NaN in row 1 and 1 more"),
        (Feature("x", 0.5), [0.25], "range", "input 'x' must be at least 0.5, got 0.25"),
        (Feature("x", nan="refuse"), [np.nan], "nan", "input 'x' must not be NaN"),
        (Feature("x", infinity="refuse"), [-np.inf], "infinity", "input 'x' must be finite"),
        (
            Feature("x", vocabulary=frozenset({b"a", b"b"})),
            np.array([b"a", b"c"], object),
            "vocabulary",
            "input 'x' must be one of 'a', 'b', got 'c' in row 1",
        ),
        (
            Feature("x", vocabulary=frozenset({1, 2})),
            np.array([2, 3]),
            "vocabulary",
            "input 'x' must be one of 1, 2, got 3 in row 1",
        ),
        (
            Feature("x", max_bytes=2),
            np.array([b"abc"], object),
            "length",
            "input 'x' must have at most 2 bytes, got 3",
        ),
        (
            Feature("x", shape=(2, -1)),
            np.zeros((1, 3, 4)),
            "shape",
            "a row of input 'x' must have the shape [2, ?], got [3, 4]",
        ),
        (
            Feature("x", max_values=3),
            np.zeros((1, 4)),
            "value_count",
            "a row of input 'x' must have at most 3 values, got 4",
        ),
    ],
)
def test_each_rule_has_its_line(feature, values, rule, line):
    violation = check_of(feature)(np.asarray(values))

    assert (violation.rule, violation.message) == (rule, line)


@pytest.mark.parametrize(
    ("feature", "values"),
    [
        (X, [0.0, 120.0]),
        (X, np.array([0, 120], np.uint8)),
        (X, np.zeros((0, 3), np.float32)),
        (X, np.array([1, 2], ml_dtypes.bfloat16)),
        (Feature("x", 0, 1, nan="accept"), [np.nan, 1.0]),
        (Feature("x", -5), np.array([np.inf])),
    ],
)
def test_what_holds_passes(feature, values):
    assert check_of(feature)(np.asarray(values)) is None


def test_a_feature_without_rules_has_no_check():
    assert check_of(Feature("x")) is None


def test_a_row_of_784_numbers_is_checked_in_five_microseconds():
    check = check_of(Feature("x", 0, 1, nan="refuse", infinity="refuse"))
    row = np.random.default_rng(0).random((1, 784), np.float32)
    best = float("inf")
    for _ in range(100):
        start = time.perf_counter()
        for _ in range(20):
            assert check(row) is None
        best = min(best, (time.perf_counter() - start) / 20)

    assert best < 5e-6
