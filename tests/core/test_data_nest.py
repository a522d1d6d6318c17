"""Nested structures of datasets. Expected values: TensorFlow 2.21's `data.util.nest`."""

import collections
from collections import OrderedDict, namedtuple

import pytest

from penstock.core import data_nest

Point = namedtuple("Point", "b a")
SparseTensorValue = namedtuple("SparseTensorValue", "indices values dense_shape")


class ListWrapper(list):
    pass


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((), True),
        ({}, True),
        (Point(1, 2), True),
        (range(2), True),
        (collections.deque([1]), True),
        ([], False),
        (ListWrapper([1]), False),
        (SparseTensorValue([[0]], [1], [1]), False),
        ("a", False),
        (None, False),
    ],
    ids=repr,
)
def test_a_list_is_a_leaf(value, expected):
    assert data_nest.is_nested(value) is expected


def test_flattening_stops_at_lists():
    assert data_nest.flatten(([1, 2], {"b": 3, "a": 4}, None)) == [[1, 2], 4, 3, None]
    assert data_nest.flatten([1, 2]) == [[1, 2]]
    assert data_nest.flatten(Point(1, [2])) == [1, [2]]


def test_packing():
    assert data_nest.pack_sequence_as((1, {"b": 2, "a": 3}), [4, 5, 6]) == (4, {"b": 6, "a": 5})
    assert data_nest.pack_sequence_as((1, 2), (5, 6)) == (5, 6)
    assert data_nest.pack_sequence_as([1, 2], [5]) == 5
    with pytest.raises(ValueError, match="had 2 elements, but argument `flat_sequence` had 1"):
        data_nest.pack_sequence_as((1, 2), [4])
    with pytest.raises(ValueError, match="is a scalar but"):
        data_nest.pack_sequence_as(1, [4, 5])
    with pytest.raises(TypeError, match=r"must be a sequence\. Got 'int'"):
        data_nest.pack_sequence_as((1, 2), 5)


def test_mapping():
    assert data_nest.map_structure(lambda x: x * 2, ([1], 2)) == ([1, 1], 4)
    assert data_nest.map_structure(lambda x, y: (x, y), ([1], 2), (3, 4)) == (([1], 3), (2, 4))
    with pytest.raises(TypeError, match="same sequence type"):
        data_nest.map_structure(lambda x, y: x, (1, 2), Point(3, 4))
    assert data_nest.map_structure(
        lambda x, y: x + y, (1, 2), Point(3, 4), check_types=False
    ) == (4, 6)
    with pytest.raises(ValueError, match="at least one structure"):
        data_nest.map_structure(lambda x: x)
    with pytest.raises(TypeError, match="must be callable"):
        data_nest.map_structure(3, (1,))


def test_comparing():
    data_nest.assert_same_structure({"a": 1}, OrderedDict(a=1))
    data_nest.assert_same_structure([1], 3)
    with pytest.raises(ValueError, match="is a sequence, while substructure"):
        data_nest.assert_same_structure((1, 2), (1, (2,)))
    with pytest.raises(ValueError, match="same number of elements"):
        data_nest.assert_same_structure((1, 2), (1,))
    with pytest.raises(TypeError, match="same sequence type"):
        data_nest.assert_same_structure((1, 2), Point(1, 2))
    with pytest.raises(ValueError, match="same set of keys"):
        data_nest.assert_same_structure({"a": 1}, {"b": 1})
    with pytest.raises(ValueError, match="is a sequence, while substructure"):
        data_nest.assert_same_structure([1], (1,))


def test_comparing_the_upper_part():
    data_nest.assert_shallow_structure((1, 2), (1, (2,)))
    data_nest.assert_shallow_structure((1, 2), Point(1, 2))
    with pytest.raises(TypeError, match="Input has type: 'int'"):
        data_nest.assert_shallow_structure((1, 2), 5)
    with pytest.raises(TypeError, match="'dict', while shallow structure has type 'tuple'"):
        data_nest.assert_shallow_structure((1, 2), {"a": 1, "b": 2})
    with pytest.raises(ValueError, match="has length 1, while shallow structure has length 2"):
        data_nest.assert_shallow_structure((1, 2), (1,))
    with pytest.raises(ValueError, match="don't have the same keys"):
        data_nest.assert_shallow_structure({"a": 1}, {"b": 1})


def test_flattening_and_mapping_up_to():
    assert data_nest.flatten_up_to((1, 2), (1, (2, 3))) == [1, (2, 3)]
    assert data_nest.map_structure_up_to((1, 2), lambda x: x, (1, (2, 3))) == (1, (2, 3))
    assert data_nest.map_structure_up_to((1, 2), lambda x, y: (x, y), (1, [2]), (3, 4)) == (
        (1, 3),
        ([2], 4),
    )
    with pytest.raises(ValueError, match="Cannot map over no sequences"):
        data_nest.map_structure_up_to((1,), lambda x: x)
