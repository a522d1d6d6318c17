"""Single sizes. Expected values: TensorFlow 2.21."""

import pickle

import numpy as np
import pytest

from penstock.core.dimension import Dimension, as_dimension, dimension_value


def test_a_dimension_is_an_integer_or_unknown():
    assert Dimension(3).value == 3
    assert Dimension(None).value is None
    assert Dimension(Dimension(3)).value == 3
    assert type(Dimension(np.int64(3)).value) is int
    assert repr(Dimension(None)) == "Dimension(None)"
    assert str(Dimension(None)) == "?"
    assert str(Dimension(3)) == "3"


@pytest.mark.parametrize("value", [2.5, "a", b"a", [2]])
def test_other_values_are_no_dimension(value):
    with pytest.raises(TypeError, match="must be integer or None or have an __index__"):
        Dimension(value)


def test_a_dimension_is_not_negative():
    with pytest.raises(ValueError, match="Dimension -1 must be >= 0"):
        Dimension(-1)


def test_arithmetic_gives_dimensions():
    results = [
        Dimension(3) + 2,
        2 + Dimension(3),
        Dimension(3) - 1,
        7 - Dimension(3),
        Dimension(3) * 2,
        2 * Dimension(3),
        Dimension(7) // 2,
        7 // Dimension(2),
        Dimension(7) % 2,
        7 % Dimension(2),
    ]

    assert all(type(result) is Dimension for result in results)
    assert [result.value for result in results] == [5, 5, 2, 4, 6, 6, 3, 3, 1, 1]


def test_the_unknown_spreads():
    assert (Dimension(3) + None).value is None
    assert (Dimension(None) * 2).value is None
    assert (Dimension(3) < Dimension(None)) is None
    assert (Dimension(None) == Dimension(None)) is None
    assert (Dimension(None) != 3) is None


def test_comparison_of_known_sizes():
    assert Dimension(3) == 3
    assert Dimension(3) != 4
    assert Dimension(3) < 4
    assert Dimension(3) >= 3
    assert (Dimension(3) == "a") is False


def test_true_division_is_refused():
    with pytest.raises(TypeError, match="please use // instead"):
        Dimension(7) / 2
    with pytest.raises(TypeError, match="please use // instead"):
        2 / Dimension(7)
    with pytest.raises(TypeError, match="unsupported operand"):
        Dimension(7) + "a"


def test_a_dimension_serves_as_an_index_but_not_as_a_key():
    assert [1, 2, 3][Dimension(1)] == 2
    assert int(Dimension(3)) == 3
    with pytest.raises(TypeError):
        int(Dimension(None))
    with pytest.raises(TypeError, match="unhashable"):
        hash(Dimension(3))


def test_merging_keeps_what_is_known():
    assert Dimension(3).merge_with(None).value == 3
    assert Dimension(None).merge_with(4).value == 4
    assert Dimension(3).is_compatible_with(None)
    assert not Dimension(3).is_compatible_with(4)
    with pytest.raises(ValueError, match="Dimensions 3 and 4 are not compatible"):
        Dimension(3).merge_with(4)


def test_conversions():
    one = Dimension(1)

    assert as_dimension(one) is one
    assert dimension_value(one) == 1
    assert dimension_value("a") == "a"
    assert pickle.loads(pickle.dumps(one)).value == 1  # noqa: S301  (our own bytes)
