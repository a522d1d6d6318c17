"""Shapes. Expected values: TensorFlow 2.21."""

# ruff: noqa: RUF005, SIM300  (the operators of shapes are under test)

import pickle
from types import SimpleNamespace

import numpy as np
import pytest

from penstock.core.tensor_shape import (
    Dimension,
    TensorShape,
    as_shape,
    broadcast_static_shape,
    dimension_at_index,
    unknown_shape,
)

UNKNOWN = TensorShape(None)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, [3]),
        (Dimension(3), [3]),
        ([2, None], [2, None]),
        ((), []),
        ([Dimension(3), Dimension(None)], [3, None]),
        (np.array([1, 2]), [1, 2]),
        ([np.int64(3), np.int32(2)], [3, 2]),
        (TensorShape([1]), [1]),
        (range(3), [0, 1, 2]),
        ({3: 4}, [3]),
        ([2**40], [2**40]),
    ],
    ids=repr,
)
def test_a_shape_is_made_of_what_tensorflow_takes(value, expected):
    shape = TensorShape(value)

    assert shape.as_list() == expected
    assert all(size is None or type(size) is int for size in shape)


@pytest.mark.parametrize("value", [[2.5], ["a"], "ab", 2.5, [1, [2]], b"ab"], ids=repr)
def test_what_is_no_shape_is_refused(value):
    with pytest.raises(TypeError):
        TensorShape(value)


def test_a_negative_size_is_refused():
    with pytest.raises(ValueError, match="Dimension -1 must be >= 0"):
        TensorShape([-1])


def test_a_shape_message_is_read_with_minus_one_as_unknown():
    sizes = [SimpleNamespace(size=2), SimpleNamespace(size=-1)]

    assert TensorShape(SimpleNamespace(dim=sizes, unknown_rank=False)).as_list() == [2, None]
    assert TensorShape(SimpleNamespace(dim=[], unknown_rank=True)).rank is None


def test_the_quick_constructor_trusts_its_caller():
    assert TensorShape.of((2, None)) == TensorShape([2, None])
    assert TensorShape.of(None) == UNKNOWN


def test_a_shape_shows_itself_as_in_tensorflow():
    assert repr(TensorShape([2, None])) == "TensorShape([2, None])"
    assert str(TensorShape([2, None])) == "(2, None)"
    assert str(TensorShape([2])) == "(2,)"
    assert str(TensorShape([])) == "()"
    assert (repr(UNKNOWN), str(UNKNOWN)) == ("TensorShape(None)", "<unknown>")


def test_rank_and_sizes():
    shape = TensorShape([1, None])

    assert (shape.rank, shape.ndims, len(shape)) == (2, 2, 2)
    assert [dimension.value for dimension in shape.dims] == [1, None]
    assert shape.as_tuple() == (1, None)
    assert (UNKNOWN.rank, UNKNOWN.ndims, UNKNOWN.dims) == (None, None, None)
    assert TensorShape([2, 3]).num_elements() == 6
    assert TensorShape([]).num_elements() == 1
    assert TensorShape([0, None]).num_elements() is None
    assert UNKNOWN.num_elements() is None
    assert TensorShape([2]).is_fully_defined()
    assert not shape.is_fully_defined()
    assert not UNKNOWN.is_fully_defined()


def test_an_unknown_rank_has_no_sizes():
    with pytest.raises(ValueError, match="as_list"):
        UNKNOWN.as_list()
    with pytest.raises(ValueError, match="as_tuple"):
        UNKNOWN.as_tuple()
    with pytest.raises(ValueError, match="Cannot take the length"):
        len(UNKNOWN)
    with pytest.raises(ValueError, match="Cannot iterate"):
        list(UNKNOWN)


def test_indexing():
    shape = TensorShape([2, 3, 4])

    assert shape[0] == 2
    assert shape[-1] == 4
    assert shape[1:] == TensorShape([3, 4])
    assert isinstance(shape[1:], TensorShape)
    assert shape[::2] == [2, 4]
    assert shape[Dimension(1)] == 3
    assert shape[np.int64(1)] == 3
    assert 3 in shape
    assert list(reversed(shape)) == [4, 3, 2]
    with pytest.raises(IndexError):
        shape[5]
    with pytest.raises(TypeError):
        shape["a"]


def test_indexing_an_unknown_rank():
    assert UNKNOWN[0] is None
    assert UNKNOWN[0:2] == [None, None]
    assert UNKNOWN[1:] == UNKNOWN
    assert UNKNOWN[-1:] == UNKNOWN
    assert UNKNOWN[:-1] == UNKNOWN
    with pytest.raises(ValueError, match="Steps are not yet handled"):
        UNKNOWN[0:4:2]


def test_equality_accepts_whatever_is_a_shape():
    assert TensorShape([2]) == [2]
    assert TensorShape([2]) == (2,)
    assert TensorShape([2]) == 2
    assert TensorShape([2]) != "a"
    assert TensorShape([2]) != object()
    assert TensorShape([2]) != None  # noqa: E711  (None is the unknown shape)
    assert UNKNOWN == None  # noqa: E711
    assert UNKNOWN == TensorShape(None)
    assert TensorShape([None]) == TensorShape([None])
    assert hash(TensorShape([2])) == hash(TensorShape((2,)))


def test_a_list_that_is_no_shape_differs_from_every_shape():
    # TensorFlow raises here; an answer serves better where shapes are searched in a list.
    assert TensorShape([2]) != [-1]


def test_truth_says_whether_the_rank_is_known():
    assert TensorShape([])
    assert TensorShape([0])
    assert not UNKNOWN


def test_joining_shapes():
    assert TensorShape([2, 3]) + TensorShape([4]) == [2, 3, 4]
    assert TensorShape([2]) + [4] == [2, 4]
    assert [4] + TensorShape([2]) == [4, 2]
    assert TensorShape([2]).concatenate(4) == [2, 4]
    assert UNKNOWN + [4] == UNKNOWN


def test_merging_shapes():
    assert TensorShape([2, None]).merge_with([None, 3]) == [2, 3]
    assert TensorShape([2]).merge_with(None) == [2]
    assert UNKNOWN.merge_with([2]) == [2]
    with pytest.raises(ValueError, match=r"Shapes \(2,\) and \(3,\) are not compatible"):
        TensorShape([2]).merge_with([3])
    with pytest.raises(ValueError, match="are not compatible"):
        TensorShape([2]).merge_with([3, 4])


def test_compatibility_and_its_order():
    two, some = TensorShape([2]), TensorShape([None])

    assert two.is_compatible_with([None])
    assert two.is_compatible_with(None)
    assert not two.is_compatible_with([2, 3])
    assert not two.is_compatible_with([3])
    assert two.is_subtype_of(some)
    assert not some.is_subtype_of(two)
    assert two.is_subtype_of(UNKNOWN)
    assert UNKNOWN.is_subtype_of(UNKNOWN)
    assert not UNKNOWN.is_subtype_of(two)
    assert not two.is_subtype_of([2])


def test_the_narrowest_shape_that_fits_both():
    two = TensorShape([2])

    assert two.most_specific_compatible_shape([3]) == [None]
    assert two.most_specific_compatible_shape([2]) == [2]
    assert two.most_specific_compatible_shape([2, 3]) == UNKNOWN
    assert two.most_specific_compatible_shape(None) == UNKNOWN
    assert two.most_specific_common_supertype([TensorShape([3]), two]) == [None]
    assert two.most_specific_common_supertype([[3]]) is None


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (lambda s: s.with_rank(2), r"Shape \(2,\) must have rank 2"),
        (lambda s: s.with_rank_at_least(2), r"Shape \(2,\) must have rank at least 2"),
        (lambda s: s.with_rank_at_most(0), r"Shape \(2,\) must have rank at most 0"),
        (lambda s: s.assert_has_rank(2), r"Shape \(2,\) must have rank 2"),
        (lambda s: s.assert_same_rank([2, 3]), r"\(2,\) and \(2, 3\) must have the same rank"),
        (lambda s: s.assert_is_compatible_with([3]), "are incompatible"),
        (lambda s: (s + [None]).assert_is_fully_defined(), "is not fully defined"),
    ],
)
def test_claims_that_do_not_hold_are_errors(check, message):
    with pytest.raises(ValueError, match=message):
        check(TensorShape([2]))


def test_claims_that_hold():
    shape = TensorShape([2])

    shape.assert_has_rank(1)
    shape.assert_same_rank([5])
    shape.assert_is_compatible_with([None])
    shape.assert_is_fully_defined()
    UNKNOWN.assert_has_rank(7)
    assert shape.with_rank(1) is shape
    assert shape.with_rank_at_least(1) is shape
    assert shape.with_rank_at_most(1) is shape
    assert UNKNOWN.with_rank(2) == [None, None]
    assert UNKNOWN.with_rank_at_least(2) == UNKNOWN


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        ([2, 1], [3], [2, 3]),
        ([None], [3], [3]),
        ([None], [1], [None]),
        ([None], [None], [None]),
        ([None, 1], [5, None], [5, None]),
        (None, [1], None),
        ([], [4], [4]),
        ([0], [1], [0]),
    ],
)
def test_broadcasting(x, y, expected):
    assert broadcast_static_shape(TensorShape(x), TensorShape(y)) == TensorShape(expected)
    assert broadcast_static_shape(TensorShape(y), TensorShape(x)) == TensorShape(expected)


def test_sizes_that_do_not_broadcast_are_an_error():
    with pytest.raises(ValueError, match="Incompatible shapes for broadcasting"):
        broadcast_static_shape(TensorShape([2]), TensorShape([3]))


def test_conversions():
    shape = TensorShape([1, None])

    assert as_shape(shape) is shape
    assert as_shape([1]) == TensorShape([1])
    assert unknown_shape() == UNKNOWN
    assert unknown_shape(2) == [None, None]
    assert dimension_at_index(shape, 0).value == 1
    assert dimension_at_index(None, 0).value is None
    assert pickle.loads(pickle.dumps(shape)) == shape  # noqa: S301  (our own bytes)
    assert np.zeros(TensorShape([2, 3])).shape == (2, 3)
