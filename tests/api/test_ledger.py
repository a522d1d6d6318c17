"""The list of TensorFlow's names, and the comparison with it."""

import types

import pytest

import penstock as tf
from penstock.api.ledger import Entry, comparison, entries, split
from penstock.api.ledger import tested as names_tested
from penstock.api.ledger.comparison import compare


@pytest.fixture
def listed(monkeypatch):
    """Stand in for the list."""

    def use(*rows):
        monkeypatch.setattr(comparison, "entries", lambda: {row.name: row for row in rows})
        monkeypatch.setattr(comparison, "tested", lambda: frozenset({"math.add"}))

    return use


def _root(function):
    return types.SimpleNamespace(math=types.SimpleNamespace(add=function), add=function)


def _verdict(function):
    return next(iter(compare(_root(function))))


def test_the_list_knows_kinds_parameters_and_members():
    known = entries()

    assert known["math.add"] == Entry("math.add", "function", ("x", "y", "name=None"))
    assert known["math"].kind == "module"
    assert known["zeros"].parameters[1] == "dtype=tf.float32"
    assert "watch" in known["GradientTape"].members


def test_names_whose_values_were_compared_are_names_of_the_list():
    listed = {name for name in names_tested() if not name.startswith(("compat.v1", "raw_ops"))}

    # Methods and members of enums stand under their class.
    assert {name for name in listed if name not in entries()} <= {
        name for name in listed if name.rpartition(".")[0] in entries()
    }


def test_commas_in_defaults_do_not_part_parameters():
    assert split("x, axis=(1, 2), text=', ', *args") == (
        "x",
        "axis=(1, 2)",
        "text=', '",
        "*args",
    )


def test_the_same_parameters_are_the_same(listed):
    listed(Entry("math.add", "function", ("x", "y", "name=None")))

    verdict = _verdict(lambda x, y, name=None: x)

    assert (verdict.state, verdict.is_tested) == ("same", True)


def test_an_alias_of_a_tested_name_is_tested(listed):
    listed(Entry("add", "function", ("x",)))

    assert _verdict(lambda x: x).is_tested


@pytest.mark.parametrize(
    ("function", "difference"),
    [
        (lambda x, y: x, "takes no name"),
        (lambda y, x, name=None: x, "takes y, x, name"),
        (lambda x, y, name="": x, "has name='' for None"),
    ],
)
def test_other_parameters_are_a_partial_likeness(listed, function, difference):
    listed(Entry("math.add", "function", ("x", "y", "name=None")))

    verdict = _verdict(function)

    assert (verdict.state, verdict.difference) == ("partial", difference)


def test_a_class_without_a_member_is_partial(listed):
    listed(Entry("add", "class", None, ("run", "stop")))

    class Runner:
        def run(self):
            """Stand in for a method."""

    verdict = _verdict(Runner)

    assert (verdict.state, verdict.difference) == ("partial", "lacks stop")


def test_a_name_that_is_missing_is_absent(listed):
    listed(Entry("math.subtract", "function", ("x",)))

    assert _verdict(lambda x: x).state == "absent"


def test_whoever_asks_for_an_absent_name_is_told_that_tensorflow_has_it():
    absent = [each.name for each in compare(tf) if each.state == "absent" and "." in each.name]
    space = next((name for name in absent if name.startswith("config.")), None)
    if space is None:
        pytest.skip("nothing of tf.config is absent")
    module, _, name = space.rpartition(".")
    if module != "config":
        pytest.skip("what is absent of tf.config lies deeper")

    with pytest.raises(
        AttributeError, match=f"has tf.config.{name}, but it is not implemented"
    ):
        getattr(tf.config, name)


def test_whoever_asks_for_no_name_of_tensorflow_is_told_so():
    with pytest.raises(AttributeError, match=r"tf\.math\.addd is not a name of TensorFlow"):
        tf.math.addd  # noqa: B018
    with pytest.raises(AttributeError, match=r"tf\.addd is not a name of TensorFlow"):
        tf.addd  # noqa: B018
    assert not hasattr(tf.math, "addd")
