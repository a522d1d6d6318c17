"""Elements of datasets: nested structures of tensors, and the flat tuples of values inside.

Within a pipeline an element is a tuple of values, one for each tensor: numpy arrays, or objects
for variants. A `Structure` knows the specs and turns one form into the other.
"""

# ruff: noqa: SLF001  (the underscored methods are the protocol of specs)
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock.core import data_nest, nest, type_spec_registry
from penstock.core.composite_tensor import CompositeTensor
from penstock.core.dtypes import dtype_of_numpy
from penstock.core.errors import InvalidArgumentError
from penstock.core.nest_kinds import DATA
from penstock.core.tensor_shape import TensorShape
from penstock.core.type_spec import TensorSpec, TypeSpec, type_spec_from_value
from penstock.runtime.convert import convert_to_tensor, to_numpy
from penstock.runtime.sparse_tensor import SparseTensor
from penstock.runtime.tensor import EagerTensor, Tensor, TensorLike, wrap

Element = tuple[Any, ...]


@type_spec_registry.register("tf.NoneTensorSpec")
class NoneTensorSpec(TypeSpec):
    """Spec of `None` within an element; it is made of no tensors."""

    __slots__ = ()

    @property
    def value_type(self) -> type:
        """The class of `None`."""
        return type(None)

    def _serialize(self) -> tuple[Any, ...]:
        return ()

    @property
    def _component_specs(self) -> Any:
        return ()

    def _to_components(self, value: Any) -> Any:
        del value
        return ()

    def _from_components(self, components: Any) -> Any:
        del components

    @classmethod
    def from_value(cls, value: Any) -> NoneTensorSpec:
        """Make the spec of `None`."""
        del value
        return cls()

    def most_specific_compatible_shape(self, other: Any) -> NoneTensorSpec:
        """Return this spec, which is all that is compatible with it.

        Raises:
            ValueError: `other` is of another kind.
        """
        if type(other) is not type(self):
            raise ValueError(f"No `TypeSpec` is compatible with both {self} and {other}")
        return self

    def _batch(self, batch_size: int | None) -> NoneTensorSpec:
        del batch_size
        return self

    def _unbatch(self) -> NoneTensorSpec:
        return self

    def __repr__(self) -> str:
        return "NoneTensorSpec()"


class Structure:
    """How elements of one spec are nested, and what tensors they are made of.

    Args:
        spec: nested structure of specs, in which a list is no structure.
    """

    __slots__ = ("_counts", "_dtypes", "_kind", "dense", "leaves", "spec", "tensor_specs")

    def __init__(self, spec: Any) -> None:
        self.spec = spec
        self.leaves: list[Any] = data_nest.flatten(spec)
        flat: list[Any] = []
        self._counts: list[int] = []
        for leaf in self.leaves:
            parts = leaf._flat_tensor_specs
            self._counts.append(len(parts))
            flat.extend(parts)
        self.tensor_specs: list[Any] = flat
        self._dtypes = [part.dtype for part in flat]
        self.dense = all(isinstance(leaf, TensorSpec) for leaf in self.leaves)
        self._kind = DATA[type(spec)]

    @property
    def types(self) -> tuple[Any, ...]:
        """Dtypes of the tensors."""
        return tuple(self._dtypes)

    @property
    def shapes(self) -> tuple[TensorShape, ...]:
        """Shapes of the tensors, as far as they are known."""
        return tuple(part.shape for part in self.tensor_specs)

    def wrap(self, values: Sequence[Any]) -> Any:
        """Build the structure of eager tensors of an element."""
        if self.dense:
            if self._kind is None:
                return wrap(values[0], self._dtypes[0])
            return self._pack(map(wrap, values, self._dtypes))
        return self.build([wrap(v, t) for v, t in zip(values, self._dtypes, strict=True)])

    def build(self, tensors: Sequence[Any]) -> Any:
        """Build the structure of tensors, eager or symbolic."""
        if self.dense:
            return tensors[0] if self._kind is None else self._pack(iter(tensors))
        parts = []
        start = 0
        for leaf, count in zip(self.leaves, self._counts, strict=True):
            parts.append(
                tensors[start]
                if isinstance(leaf, TensorSpec)
                else leaf._from_compatible_tensor_list(list(tensors[start : start + count]))
            )
            start += count
        return parts[0] if self._kind is None else self._pack(iter(parts))

    def _pack(self, leaves: Any) -> Any:
        assert self._kind is not None
        return nest.pack_by(DATA, self._kind, self.spec, leaves)

    def leaf_ranges(self) -> list[tuple[Any, int, int]]:
        """Each leaf of the spec with the range of its tensors in a flat element."""
        ranges = []
        start = 0
        for leaf, count in zip(self.leaves, self._counts, strict=True):
            ranges.append((leaf, start, start + count))
            start += count
        return ranges

    def map_leaves(self, function: Callable[[Any], Any]) -> Any:
        """Return the spec with `function` of each leaf."""
        mapped = [function(leaf) for leaf in self.leaves]
        return mapped[0] if self._kind is None else self._pack(iter(mapped))


def plain_tensor(value: Any) -> Any:
    """A leaf as a tensor; numpy arrays are taken as they are, without a copy.

    Raises:
        ValueError: nothing that could be a tensor.
    """
    if isinstance(value, Tensor):
        return value
    if isinstance(value, np.ndarray):
        kind = value.dtype.kind
        if kind not in "OUSMm" and value.dtype.isnative:
            dtype_of_numpy(value.dtype)  # refuses dtypes that TensorFlow lacks
            return wrap(value)
        return convert_to_tensor(to_numpy(value))
    return convert_to_tensor(value)


def _is_composite(value: Any) -> bool:
    return isinstance(value, CompositeTensor)


def normalize(structure: Any) -> Any:
    """Turn the leaves of a structure into tensors; composites and `None` stay as they are.

    Raises:
        ValueError: a leaf can be no tensor.
    """
    return _mapped(_normal_leaf, structure)


def _normal_leaf(leaf: Any) -> Any:
    if leaf is None or _is_composite(leaf):
        return leaf
    return plain_tensor(leaf)


def _mapped(function: Callable[[Any], Any], structure: Any) -> Any:
    kind = DATA[type(structure)]
    if kind is None:
        return function(structure)
    leaves = [function(leaf) for leaf in data_nest.flatten(structure)]
    return nest.pack_by(DATA, kind, structure, iter(leaves))


def spec_of(structure: Any) -> Any:
    """Return the spec of an element whose leaves are tensors, composites or `None`."""
    return _mapped(_leaf_spec, structure)


def _leaf_spec(leaf: Any) -> Any:
    if leaf is None:
        return NoneTensorSpec()
    if isinstance(leaf, Tensor):
        return TensorSpec(leaf.shape, leaf.dtype)
    if isinstance(leaf, TensorLike):
        return TensorSpec(leaf.shape, leaf.dtype)  # type: ignore[attr-defined]
    return type_spec_from_value(leaf)._without_tensor_names()


def tensors_of(structure: Any, shape: Structure) -> list[Any]:
    """Take an element apart into its tensors, in the order of `shape.tensor_specs`."""
    flat: list[Any] = []
    for leaf, part in zip(data_nest.flatten(structure), shape.leaves, strict=True):
        if isinstance(part, TensorSpec):
            flat.append(leaf)
        else:
            flat.extend(part._to_tensor_list(leaf))
    return flat


def value_of(tensor: Any) -> Any:
    """The value of a tensor within a pipeline: numpy or an object; a symbol stays a symbol."""
    if isinstance(tensor, EagerTensor):
        value = tensor._value
        if isinstance(value, (np.ndarray, np.generic)) or not hasattr(value, "__array__"):
            return value
        return np.asarray(value)
    return tensor


def are_compatible(first: Any, second: Any) -> bool:
    """Whether elements of two specs can stand for each other."""
    try:
        data_nest.assert_same_structure(first, second)
    except (TypeError, ValueError):
        return False
    return all(
        a.is_compatible_with(b)
        for a, b in zip(data_nest.flatten(first), data_nest.flatten(second), strict=True)
    )


def common(first: Any, second: Any) -> Any:
    """The narrowest spec that covers two.

    Raises:
        TypeError: there is none.
    """
    try:
        data_nest.assert_same_structure(first, second)
        merged = [
            a.most_specific_common_supertype([b])
            for a, b in zip(data_nest.flatten(first), data_nest.flatten(second), strict=True)
        ]
    except (TypeError, ValueError):
        merged = [None]
    if any(leaf is None for leaf in merged):
        raise TypeError(f"Incompatible dataset elements:\n  {first} vs.   {second}")
    return data_nest.pack_sequence_as(first, merged)


def numpy_of(structure: Any) -> Any:
    """An element with numpy values in place of tensors."""
    return _mapped(_numpy_leaf, structure)


def _numpy_leaf(leaf: Any) -> Any:
    if isinstance(leaf, EagerTensor):
        array = np.asarray(leaf._value)
        if array.ndim == 0:
            return array[()]
        # A view, because the array may belong to the dataset.
        array = array.view()
        array.setflags(write=False)
        return array
    if leaf is None:
        return None
    if isinstance(leaf, SparseTensor):
        return _dense_numpy(leaf)
    if not hasattr(leaf, "numpy"):
        raise InvalidArgumentError(f"a {type(leaf).__name__} has no numpy form")
    return leaf.numpy()


def _dense_numpy(sparse: SparseTensor) -> Any:
    values = np.asarray(sparse.values)
    dense = np.zeros(np.asarray(sparse.dense_shape), values.dtype)
    if values.dtype == object:
        dense.fill(b"")
    dense[tuple(np.asarray(sparse.indices).T)] = values
    return dense
