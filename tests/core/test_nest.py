"""Nested structures. Expected values: TensorFlow 2.21's `tf.nest`."""

import array
import collections
import dataclasses
import re
import types
from collections import OrderedDict, defaultdict, namedtuple
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core import nest
from penstock.core.tensor_shape import TensorShape
from penstock.core.type_spec import TensorSpec
from tests.core.composites import OtherPair, PairSpec, pair


def _label(value):
    """A name for a case that is the same in every process."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


Point = namedtuple("Point", "b a")
SamePoint = namedtuple("Point", "b a")
OtherPoint = namedtuple("OtherPoint", "b a")


class SubPoint(Point):
    pass


class Attrs:
    """What the attrs package makes of a class with two fields, as far as nests look."""

    __attrs_attrs__ = (types.SimpleNamespace(name="z"), types.SimpleNamespace(name="y"))

    def __init__(self, z, y):
        self.z, self.y = z, y

    def __eq__(self, other):
        return (self.z, self.y) == (other.z, other.y)

    __hash__ = None


@dataclasses.dataclass
class Plain:
    x: int


@dataclasses.dataclass
class Custom:
    x: int
    y: int

    def __tf_flatten__(self):
        return ("metadata",), (self.x, self.y)

    @classmethod
    def __tf_unflatten__(cls, metadata, components):
        assert metadata == ("metadata",)
        return cls(*components)


class ListWrapper(list):
    pass


class TupleWrapper(tuple):
    __slots__ = ()


class ReadOnly(Mapping):
    def __init__(self, items):
        self.items_ = dict(items)

    def __getitem__(self, key):
        return self.items_[key]

    def __iter__(self):
        return iter(self.items_)

    def __len__(self):
        return len(self.items_)


STRUCTURES = [
    [],
    (),
    {},
    bytearray(b"ab"),
    array.array("i", [1]),
    collections.deque([1]),
    {1: 2}.keys(),
    {1: 2}.values(),
    collections.UserList([1]),
    collections.UserDict({1: 2}),
    range(3),
    Point(1, 2),
    Attrs(1, 2),
    Custom(1, 2),
    ListWrapper([1]),
    ReadOnly({"a": 1}),
    collections.Counter("ab"),
]
LEAVES = [
    "a",
    b"a",
    None,
    1,
    np.zeros(2),
    {1},
    frozenset([1]),
    iter([1]),
    Plain(1),
    TensorShape([1]),
    TensorSpec([1]),
    types.SimpleNamespace(a=1),
    pair([1.0]),
]


@pytest.mark.parametrize("value", STRUCTURES, ids=lambda value: type(value).__name__)
def test_structures(value):
    assert nest.is_nested(value)
    assert nest.is_nested_or_composite(value)


@pytest.mark.parametrize("value", LEAVES, ids=lambda value: type(value).__name__)
def test_leaves(value):
    assert not nest.is_nested(value)
    assert nest.flatten(value) == [value]


@pytest.mark.parametrize(
    ("structure", "leaves"),
    [
        ({"b": 1, "a": [2, (3, None)]}, [2, 3, None, 1]),
        (OrderedDict([("b", 1), ("a", 2)]), [2, 1]),
        ({3: 2, 1: 4}.values(), [2, 4]),
        ({3: 2, 1: 4}.items(), [3, 2, 1, 4]),
        (Attrs(1, [2]), [1, 2]),
        (Point(1, 2), [1, 2]),
        (Custom(1, 2), [1, 2]),
        (collections.deque([1, 2]), [1, 2]),
        (range(2), [0, 1]),
        ([[], {}], []),
        (5, [5]),
    ],
    ids=_label,
)
def test_flattening_sorts_keys_and_keeps_sequences(structure, leaves):
    assert nest.flatten(structure) == leaves


@pytest.mark.parametrize(
    ("structure", "expected"),
    [
        ({"b": 1, "a": 2}, {"b": 4, "a": 3}),
        (OrderedDict([("b", 1), ("a", 2)]), OrderedDict([("b", 4), ("a", 3)])),
        (Point(1, 2), Point(3, 4)),
        (SubPoint(1, 2), SubPoint(3, 4)),
        (Attrs(1, 2), Attrs(3, 4)),
        (Custom(1, 2), Custom(3, 4)),
        (ListWrapper([1, 2]), ListWrapper([3, 4])),
        (TupleWrapper([1, 2]), TupleWrapper([3, 4])),
        (collections.deque([1, 2]), collections.deque([3, 4])),
        (range(2), [3, 4]),
        ({3: 2, 1: 4}.keys(), [3, 4]),
        ([1, (2,)], [3, (4,)]),
        ({"a": [1], "b": {}, "c": (2,)}, {"a": [3], "b": {}, "c": (4,)}),
    ],
    ids=_label,
)
def test_packing_builds_the_same_kind(structure, expected):
    packed = nest.pack_sequence_as(structure, [3, 4])

    assert packed == expected
    assert type(packed) is type(expected)


def test_packing_keeps_the_order_and_default_of_dicts():
    like = defaultdict(list, b=1, a=2)

    packed = nest.pack_sequence_as(like, [3, 4])

    assert list(packed.items()) == [("b", 4), ("a", 3)]
    assert packed.default_factory is list
    assert nest.pack_sequence_as(ReadOnly({"b": 1, "a": 2}), [3, 4]).items_ == {"b": 4, "a": 3}


def test_packing_errors():
    with pytest.raises(
        ValueError, match="Structure had 2 atoms, but flat_sequence had 1 items"
    ):
        nest.pack_sequence_as([1, 2], [3])
    with pytest.raises(
        ValueError, match="Structure had 2 atoms, but flat_sequence had 3 items"
    ):
        nest.pack_sequence_as([1, 2], [3, 4, 5])
    with pytest.raises(ValueError, match="Structure had 0 atoms"):
        nest.pack_sequence_as([[], {}], [1])
    with pytest.raises(ValueError, match="nest cannot guarantee"):
        nest.pack_sequence_as(1, [3, 4])
    with pytest.raises(TypeError, match="Attempted to pack value"):
        nest.pack_sequence_as([1], np.array([5]))
    with pytest.raises(KeyError):
        nest.pack_sequence_as([1], {"a": 5})
    with pytest.raises(TypeError, match="Error creating an object of type"):
        nest.pack_sequence_as(types.MappingProxyType({"a": 1}), [3])
    assert nest.pack_sequence_as(1, [3]) == 3


def test_keys_that_cannot_be_sorted_are_an_error():
    with pytest.raises(TypeError, match="sortable keys"):
        nest.flatten({1: 1, "a": 2})


def test_mapping_over_structures():
    assert nest.map_structure(lambda x: x + 1, [1, (2,)]) == [2, (3,)]
    assert nest.map_structure(lambda x, y: x + y, [1, (2,)], [3, (4,)]) == [4, (6,)]
    assert nest.map_structure(lambda x: x, 5) == 5
    assert nest.map_structure(lambda x, y: x + y, [1, (2,)], [3, [4]], check_types=False) == [
        4,
        (6,),
    ]
    assert nest.map_structure(lambda x, y: x + y, [1], {"a": 3}, check_types=False) == [4]


def test_mapping_errors():
    with pytest.raises(TypeError, match="func must be callable, got: 1"):
        nest.map_structure(1, [1])
    with pytest.raises(ValueError, match="Must provide at least one structure"):
        nest.map_structure(lambda x: x)
    with pytest.raises(ValueError, match=r"Only valid keyword arguments .* not: `foo`"):
        nest.map_structure(lambda x: x, [1], foo=2)
    with pytest.raises(TypeError, match="don't have the same nested structure"):
        nest.map_structure(lambda x, y: x + y, [1, (2,)], [3, [4]])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (1.5, "abc"),
        (None, 1),
        ("abc", np.array([1, 2])),
        (ListWrapper([1]), [1]),
        ({"a": 1}, OrderedDict(a=2)),
        ({"a": 1}, ReadOnly({"a": 2})),
        (Point(1, 2), SamePoint(3, 4)),
        (Custom(1, 2), Custom(3, 4)),
        (pair([1.0]), 3),
    ],
    ids=_label,
)
def test_structures_that_are_the_same(first, second):
    nest.assert_same_structure(first, second)
    nest.assert_same_structure(second, first)


@pytest.mark.parametrize(
    ("first", "second", "error", "message"),
    [
        ([1], [1, 2], ValueError, "same number of elements"),
        ([1], 1, ValueError, "is a sequence, while substructure"),
        ([1], np.zeros(1), ValueError, "is a sequence, while substructure"),
        ([3, [1]], [3, 4], ValueError, "is a sequence, while substructure"),
        ([[1, 2], 3], [[1], 3], ValueError, "same number of elements"),
        ([1], (1,), TypeError, "same sequence type"),
        (TupleWrapper([1]), (1,), TypeError, "same sequence type"),
        ({"a": 1}, {"b": 1}, ValueError, "same set of keys"),
        ({"a": 1}, ReadOnly({"b": 1}), ValueError, "same set of keys"),
        (Point(1, 2), OtherPoint(1, 2), TypeError, "same sequence type"),
        (Point(1, 2), SubPoint(1, 2), TypeError, "same sequence type"),
        (Point(1, 2), (1, 2), TypeError, "same sequence type"),
        (Attrs(1, 2), [1, 2], TypeError, "same sequence type"),
        (Custom(1, 2), (1, 2), TypeError, "same sequence type"),
        ({}, [], TypeError, "same sequence type"),
        (range(2), [1, 2], TypeError, "same sequence type"),
    ],
    ids=_label,
)
def test_structures_that_differ(first, second, error, message):
    for one, two in ((first, second), (second, first)):
        with pytest.raises(error, match=message) as caught:
            nest.assert_same_structure(one, two)
        assert "don't have the same nested structure" in str(caught.value)
        assert "Entire first structure:" in str(caught.value)


def test_types_are_not_compared_when_not_wanted():
    nest.assert_same_structure([1], (1,), check_types=False)
    nest.assert_same_structure({"a": 1}, {"b": 1}, check_types=False)
    nest.assert_same_structure(Point(1, 2), OtherPoint(1, 2), check_types=False)


def test_the_message_shows_the_skeletons():
    with pytest.raises(TypeError, match=r"first structure:\n\[\., \(\.,\)\]\nEntire second"):
        nest.assert_same_structure([1, (2,)], [3, [4]])


def test_shallow_structures():
    nest.assert_shallow_structure([1, 2], [1, [2]])
    nest.assert_shallow_structure([1, 2], (1, 2), check_types=False)
    nest.assert_shallow_structure(1, [1])
    nest.assert_shallow_structure({"a": 1}, OrderedDict(a=[1]))


@pytest.mark.parametrize(
    ("shallow", "deep", "error", "message"),
    [
        ([1, 2], [1], ValueError, "has length 1, while shallow structure has length 2"),
        ([1, 2], (1, 2), TypeError, "don't have the same sequence type"),
        ([1], 3, TypeError, "If shallow structure is a sequence, input must also be"),
        ([], 3, TypeError, "If shallow structure is a sequence, input must also be"),
        ({"a": 1}, {"b": 1}, ValueError, r"not in the input_tree: \['a'\]"),
        ({"a": 1}, {"a": 1, "b": 2}, ValueError, "has length 2"),
        (Point(1, 2), OtherPoint(1, 2), TypeError, "don't have the same sequence type"),
    ],
)
def test_structures_that_are_not_deep_enough(shallow, deep, error, message):
    with pytest.raises(error, match=message):
        nest.assert_shallow_structure(shallow, deep)


def test_flattening_up_to():
    assert nest.flatten_up_to([1, 2], [1, [2, 3]]) == [1, [2, 3]]
    assert nest.flatten_up_to([1, 2], (1, [2, 3]), check_types=False) == [1, [2, 3]]
    assert nest.flatten_up_to(1, [1]) == [[1]]
    assert nest.flatten_with_tuple_paths_up_to([1, 2], [1, [2]]) == [((0,), 1), ((1,), [2])]
    assert list(nest.yield_flattened_up_to({"a": 0}, {"a": [1, 2]})) == [[1, 2]]
    with pytest.raises(TypeError, match="don't have the same sequence type"):
        nest.flatten_up_to([1, 2], (1, [2, 3]))


def test_mapping_up_to():
    mapped = nest.map_structure_up_to([1, 2], lambda x, y: (x, y), [1, [2]], [3, [4]])

    assert mapped == [(1, 3), ([2], [4])]
    assert nest.map_structure_up_to([1], lambda x, k: x + k, [2], k=5) == [7]
    with pytest.raises(ValueError, match="Cannot map over no sequences"):
        nest.map_structure_up_to([1, 2], lambda x: x)


def test_paths():
    structure = {"a": [1, Point(2, 3)], "z": Attrs(1, 2)}

    assert nest.flatten_with_tuple_paths(structure) == [
        (("a", 0), 1),
        (("a", 1, "b"), 2),
        (("a", 1, "a"), 3),
        (("z", "z"), 1),
        (("z", "y"), 2),
    ]
    assert nest.flatten_with_joined_string_paths({"a": [1]}, separator=".") == [("a.0", 1)]
    assert nest.flatten_with_tuple_paths(1) == [((), 1)]
    assert list(nest.yield_flat_paths([5, {"k": 6}])) == [(0,), (1, "k")]
    assert nest.map_structure_with_paths(lambda p, x: (p, x), {"a": [1]}) == {"a": [("a/0", 1)]}
    assert nest.map_structure_with_tuple_paths(lambda p, x: (p, x), [1]) == [((0,), 1)]


def test_composites_are_leaves_unless_expanded():
    value = pair([1.0, 2.0])
    structure = {"b": 7, "a": value}

    assert nest.flatten(structure) == [value, 7]
    assert nest.flatten(structure, expand_composites=True) == [value.data, value.count, 7]
    assert nest.flatten_with_tuple_paths(value, expand_composites=True) == [
        (("Pair", 0), value.data),
        (("Pair", 1), value.count),
    ]


def test_composites_and_their_specs_are_packed_into_composites():
    value = pair([1.0, 2.0])
    parts = [value.data, value.count]

    for like in (value, value._type_spec):
        packed = nest.pack_sequence_as([like], parts, expand_composites=True)[0]
        assert type(packed) is type(value)
        assert (packed.data, packed.count) == (value.data, value.count)


def test_specs_of_composites_flatten_to_the_specs_of_their_parts():
    spec = PairSpec([2], "float32")

    assert nest.flatten([spec, TensorSpec([3])], expand_composites=True) == [
        TensorSpec([2]),
        TensorSpec([], "int64"),
        TensorSpec([3]),
    ]
    assert nest.flatten(spec) == [spec]


def test_expanded_composites_must_have_compatible_specs():
    value = pair([1.0, 2.0])
    other = OtherPair(value.data, value.count)

    nest.assert_same_structure(value, pair([1.0]), expand_composites=True)
    nest.assert_same_structure(value, value._type_spec, expand_composites=True)
    nest.assert_shallow_structure(value._type_spec, value, expand_composites=True)
    nest.assert_same_structure(value, other)
    for check_types in (True, False):
        with pytest.raises(ValueError, match="Incompatible CompositeTensor TypeSpecs"):
            nest.assert_same_structure(value, other, check_types, expand_composites=True)
    with pytest.raises(ValueError, match="Incompatible CompositeTensor TypeSpecs"):
        nest.assert_shallow_structure(value, other, expand_composites=True)
    with pytest.raises(TypeError, match="same sequence type"):
        nest.assert_same_structure(value, [1], expand_composites=True)
    with pytest.raises(TypeError, match="same sequence type"):
        nest.assert_shallow_structure(value, [1], expand_composites=True)
    with pytest.raises(ValueError, match="is a sequence, while substructure"):
        nest.assert_same_structure(value, 1, expand_composites=True)


def test_predicates():
    assert nest.is_namedtuple(Point(1, 2))
    assert nest.is_namedtuple(SubPoint(1, 2))
    assert not nest.is_namedtuple(SubPoint(1, 2), strict=True)
    assert not nest.is_namedtuple((1,))
    assert nest.same_namedtuples(Point(1, 2), SamePoint(3, 4))
    assert not nest.same_namedtuples(Point(1, 2), OtherPoint(3, 4))
    assert nest.is_mapping(ReadOnly({}))
    assert not nest.is_mapping([])
    assert nest.is_attrs(Attrs(1, 2))


def test_lists_become_tuples():
    assert nest.list_to_tuple([1, [2, (3, [4])], {"a": [5]}]) == (
        1,
        (2, (3, (4,))),
        {"a": (5,)},
    )


def test_sequence_like_builds_one_level():
    assert nest.sequence_like({"b": 0, "a": 0}, [1, 2]) == {"b": 2, "a": 1}
    assert nest.sequence_like((0,), [[1]]) == ([1],)


def test_a_walk_can_stop_early():
    walk = nest.get_traverse_shallow_structure

    assert walk(lambda s: isinstance(s, list), [1, (2, 3), [4]]) == [False, False, [False]]
    assert walk(lambda s: [True, False] if isinstance(s, list) else True, [1, 2]) == [
        True,
        False,
    ]
    with pytest.raises(TypeError, match="returned a non-bool scalar: 3"):
        walk(lambda _: 3, [1])
    with pytest.raises(TypeError, match="for non-structure: 1"):
        walk(lambda _: [True, False], [1, 2])


nests = st.recursive(
    st.integers(),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.dictionaries(st.text(max_size=2), inner, max_size=3),
        st.builds(Point, inner, inner),
    ),
    max_leaves=12,
)


@given(nests)
def test_packing_undoes_flattening(structure):
    leaves = nest.flatten(structure)

    assert nest.pack_sequence_as(structure, leaves) == structure
    assert [leaf for _, leaf in nest.flatten_with_tuple_paths(structure)] == leaves
    assert nest.map_structure(lambda x: x, structure) == structure
    nest.assert_same_structure(structure, nest.map_structure(str, structure))
