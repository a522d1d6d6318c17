"""A tensor and a composite for tests of rooms that have neither."""

import numpy as np

from penstock.core.composite_tensor import CompositeTensor
from penstock.core.dtypes import as_dtype, dtype_of_numpy
from penstock.core.tensor_shape import TensorShape
from penstock.core.type_spec import TensorSpec, TypeSpec


class FakeTensor:
    """Stands for a tensor: an array with a `TensorShape` and a `DType`."""

    def __init__(self, value, dtype=None):
        self.array = np.asarray(value, dtype)
        self.known_shape = TensorShape(self.array.shape)

    @property
    def shape(self):
        return TensorShape(self.array.shape)

    @property
    def dtype(self):
        return dtype_of_numpy(self.array.dtype)

    def set_shape(self, shape):
        self.known_shape = self.known_shape.merge_with(shape)


class PairSpec(TypeSpec):
    """Spec of a `Pair`."""

    def __init__(self, shape, dtype, tag="t"):
        self.facts = (TensorShape(shape), as_dtype(dtype), tag)

    @property
    def value_type(self):
        return Pair

    def _serialize(self):
        return self.facts

    @property
    def _component_specs(self):
        shape, dtype, _ = self.facts
        return [TensorSpec(shape, dtype), TensorSpec([], "int64")]

    def _to_components(self, value):
        return [value.data, value.count]

    def _from_components(self, components):
        return Pair(*components)


class Pair(CompositeTensor):
    """Stands for a composite: made of two tensors."""

    def __init__(self, data, count):
        self.data, self.count = data, count

    @property
    def _type_spec(self):
        return PairSpec(self.data.shape, self.data.dtype)


class OtherPair(Pair):
    """A composite of another kind."""

    @property
    def _type_spec(self):
        return OtherSpec(self.data.shape, self.data.dtype)


class OtherSpec(PairSpec):
    """Spec of an `OtherPair`."""


def pair(data):
    """Make a `Pair`."""
    return Pair(FakeTensor(data, np.float32), FakeTensor(len(data), np.int64))
