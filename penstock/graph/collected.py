"""What a loop collects, one item a turn: tensors that are stacked, rows that become ragged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from penstock.core import dtypes, nest
from penstock.core.errors import InvalidArgumentError
from penstock.core.type_spec import TensorSpec
from penstock.graph.tensor_array import TensorArray
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.extension_type import BatchableExtensionTypeSpec
from penstock.runtime.ragged_tensor import RaggedTensor, RaggedTensorSpec, as_values
from penstock.runtime.sparse_tensor import SparseTensor, SparseTensorSpec
from penstock.runtime.tensor import Tensor


class Collected(Protocol):
    """Items of one kind, kept in tensor arrays that a loop carries along."""

    arrays: list[TensorArray]

    def write(self, arrays: Sequence[Any], i: Any, item: Any) -> list[Any]:
        """Put an item at place `i`, and return the arrays after that."""

    def joined(self, arrays: Sequence[Any]) -> Any:
        """All items as one value."""


def collected(spec: Any, length: Any) -> Collected:
    """Make the arrays for `length` items of a spec or dtype."""
    if isinstance(spec, RaggedTensorSpec):
        return _Rows(spec, length)
    if isinstance(spec, SparseTensorSpec):
        return _Sparse(spec, length)
    if isinstance(spec, BatchableExtensionTypeSpec):
        return _Encoded(spec, length)
    return _Stacked(spec, length)


class _Stacked:
    """Tensors of one shape."""

    def __init__(self, spec: Any, length: Any) -> None:
        shape = spec.shape if isinstance(spec, TensorSpec) else None
        dtype = getattr(spec, "dtype", spec)
        self.arrays = [TensorArray(dtype, size=length, element_shape=shape)]

    def write(self, arrays: Sequence[Any], i: Any, item: Any) -> list[Any]:
        """Put an item at place `i`.

        Raises:
            InvalidArgumentError: the item has another dtype.
        """
        (array,) = arrays
        if isinstance(item, Tensor) and item.dtype != array.dtype:
            raise InvalidArgumentError(
                f"the function must give {array.dtype.name}, got {item.dtype.name}; tell its "
                "dtype by fn_output_signature"
            )
        return [array.write(i, convert_to_tensor(item, array.dtype))]

    def joined(self, arrays: Sequence[Any]) -> Any:
        """All items as one tensor."""
        return arrays[0].stack()


class _Rows:
    """Ragged tensors, or tensors of different lengths: their values and the lengths of rows."""

    def __init__(self, spec: RaggedTensorSpec, length: Any) -> None:
        self._levels = spec.ragged_rank
        self._kind = spec.row_splits_dtype
        inner = None
        if spec.shape.rank is not None:
            inner = [None, *spec.shape.as_list()[spec.ragged_rank + 1 :]]
        self.arrays = [
            TensorArray(spec.dtype, size=length, element_shape=inner, infer_shape=False),
            TensorArray(self._kind, size=length, element_shape=[]),
            *(
                TensorArray(self._kind, size=length, element_shape=[None], infer_shape=False)
                for _ in range(self._levels)
            ),
        ]

    def write(self, arrays: Sequence[Any], i: Any, item: Any) -> list[Any]:
        """Put the values and row lengths of an item at place `i`.

        Raises:
            InvalidArgumentError: the item has another number of ragged axes.
        """
        item = as_values(item)
        levels = item.ragged_rank if isinstance(item, RaggedTensor) else 0
        if levels < self._levels and not isinstance(item, RaggedTensor):
            item = RaggedTensor.from_tensor(item, ragged_rank=self._levels)
            levels = self._levels
        if levels != self._levels or item.shape.rank == 0:
            raise InvalidArgumentError(
                f"the function must give a ragged tensor with {self._levels} ragged axes, got "
                f"one of shape {item.shape} with {levels}"
            )
        values, count, *lengths = arrays
        if not levels:
            size = call("Shape", item, out_type=self._kind)[0]
            return [values.write(i, item), count.write(i, size)]
        item = item.with_row_splits_dtype(self._kind)
        return [
            values.write(i, item.flat_values),
            count.write(i, item.nrows()),
            *(
                array.write(i, each)
                for array, each in zip(lengths, item.nested_row_lengths(), strict=True)
            ),
        ]

    def joined(self, arrays: Sequence[Any]) -> RaggedTensor:
        """All items as the rows of one ragged tensor."""
        values, count, *lengths = arrays
        nested = [count.stack(), *(each.concat() for each in lengths)]
        result: RaggedTensor = RaggedTensor.from_nested_row_lengths(
            values.concat(), nested, validate=False
        )
        return result


class _Sparse:
    """Sparse tensors: their places, values and shapes."""

    def __init__(self, spec: SparseTensorSpec, length: Any) -> None:
        self._spec = spec
        rank = spec.shape.rank
        self.arrays = [
            TensorArray(
                dtypes.int64, size=length, element_shape=[None, rank], infer_shape=False
            ),
            TensorArray(spec.dtype, size=length, element_shape=[None], infer_shape=False),
            TensorArray(dtypes.int64, size=length, element_shape=[rank]),
            TensorArray(dtypes.int64, size=length, element_shape=[]),
        ]

    def write(self, arrays: Sequence[Any], i: Any, item: Any) -> list[Any]:
        """Put the parts of an item at place `i`.

        Raises:
            InvalidArgumentError: the item is not a sparse tensor of the shape and dtype.
        """
        if not self._spec.is_compatible_with(item):
            raise InvalidArgumentError(f"the function must give a {self._spec}, got {item!r}")
        count = call("Size", item.values, out_type=dtypes.int64)
        parts = (item.indices, item.values, item.dense_shape, count)
        return [array.write(i, part) for array, part in zip(arrays, parts, strict=True)]

    def joined(self, arrays: Sequence[Any]) -> SparseTensor:
        """All items as one sparse tensor, as large as the largest."""
        indices, values, shapes, counts = arrays
        sizes = shapes.stack()
        rows = call("Shape", sizes, out_type=dtypes.int64)[:1]
        zero, one = convert_to_tensor(0, dtypes.int64), convert_to_tensor(1, dtypes.int64)
        ends = call("Cumsum", counts.stack(), 0)
        places = indices.concat()
        number = call("Range", zero, call("Shape", places, out_type=dtypes.int64)[0], one)
        # The first row that ends beyond an element is its own.
        row = call("UpperBound", ends[None], number[None], out_type=dtypes.int64)[0]
        whole = SparseTensor(
            call("ConcatV2", [row[:, None], places], 1),
            values.concat(),
            call("ConcatV2", [rows, call("Max", sizes, [0])], 0),
        )
        shape = self._spec.shape
        if shape.rank is not None:
            whole.set_shape([None, *shape.as_list()])
        return whole


class _Encoded:
    """Values of a batchable extension type: what they are encoded as."""

    def __init__(self, spec: BatchableExtensionTypeSpec, length: Any) -> None:
        self._spec = spec
        self._encoder = spec.__batch_encoder__
        self._form = self._encoder.encoding_specs(spec)
        self._parts = [collected(part, length) for part in nest.flatten(self._form)]
        self.arrays = [array for part in self._parts for array in part.arrays]

    def write(self, arrays: Sequence[Any], i: Any, item: Any) -> list[Any]:
        """Put the encoding of an item at place `i`.

        Raises:
            InvalidArgumentError: the item is of another type.
        """
        if not self._spec.is_compatible_with(item):
            raise InvalidArgumentError(f"the function must give a {self._spec}, got {item!r}")
        left = list(arrays)
        written: list[Any] = []
        encoding = nest.flatten(self._encoder.encode(self._spec, item))
        for part, value in zip(self._parts, encoding, strict=True):
            count = len(part.arrays)
            written.extend(part.write(left[:count], i, value))
            left = left[count:]
        return written

    def joined(self, arrays: Sequence[Any]) -> Any:
        """All items as one value."""
        left = list(arrays)
        values = []
        for part in self._parts:
            count = len(part.arrays)
            values.append(part.joined(left[:count]))
            left = left[count:]
        whole = self._encoder.batch(self._spec, None)
        return self._encoder.decode(whole, nest.pack_sequence_as(self._form, values))
