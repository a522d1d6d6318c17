"""`padded_batch`: elements of different sizes stacked, after padding them to one shape."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from penstock.api.data_structure import NoneTensorSpec, Structure, value_of
from penstock.core import data_nest, dtypes
from penstock.core.dtypes import DType
from penstock.core.errors import DataLossError, InvalidArgumentError, UnimplementedError
from penstock.core.tensor_shape import TensorShape
from penstock.core.type_spec import TensorSpec
from penstock.data.dataset.base import DatasetV2, is_symbolic, method, scalar
from penstock.data.run import Run
from penstock.graph.symbol import Symbol
from penstock.ops.dataset import Element
from penstock.runtime.convert import convert_to_tensor

Shape = tuple[int | None, ...]


def _pad(values: Sequence[Any], shape: Shape, fill: Any) -> Any:
    """Stack values, each padded at its ends; None asks for the greatest size.

    Raises:
        DataLossError: a value is greater than that.
        InvalidArgumentError: a value has another rank.
    """
    for value in values:
        if value.ndim != len(shape):
            raise InvalidArgumentError(
                "All elements in a batch must have the same rank as the padded shape for "
                f"component: expected rank {len(shape)} but got element with rank {value.ndim}"
            )
    sizes = [
        max(value.shape[axis] for value in values) if size is None else size
        for axis, size in enumerate(shape)
    ]
    padded = np.full((len(values), *sizes), fill, values[0].dtype)
    for i, value in enumerate(values):
        if any(have > size for have, size in zip(value.shape, sizes, strict=True)):
            raise DataLossError("Attempted to pad to a smaller size than the input element.")
        place: Any = (i, *map(slice, value.shape))
        padded[place] = value
    return padded


class _PaddedBatches(Iterator[Element]):
    """Pads and stacks what comes, so many at a time."""

    def __init__(
        self,
        elements: Iterator[Element],
        size: int,
        shapes: Sequence[Shape],
        fills: Sequence[Any],
        *,
        drop_remainder: bool,
    ) -> None:
        self._elements = elements
        self._size = size
        self._shapes = shapes
        self._fills = fills
        self._drop_remainder = drop_remainder

    def __next__(self) -> Element:
        found = list(itertools.islice(self._elements, self._size))
        if not found or (self._drop_remainder and len(found) < self._size):
            raise StopIteration
        columns = zip(*found, strict=True)
        return tuple(map(_pad, columns, self._shapes, self._fills))


class _PaddedBatchDataset(DatasetV2):
    def __init__(
        self,
        parent: DatasetV2,
        size: Any,
        drop_remainder: Any,
        shapes: Sequence[Any],
        fills: Sequence[Any],
    ) -> None:
        self._shapes = [_static(shape) for shape in shapes]
        self._known_size = size if not is_symbolic(size) and drop_remainder is True else None
        super().__init__((parent,), (size, drop_remainder, *shapes, *fills))

    def _check(self) -> None:
        if self._operands[0] <= 0:
            raise InvalidArgumentError("Batch size must be greater than zero.")

    def _make_structure(self) -> Structure:
        shapes = iter(self._shapes)

        def batched(leaf: Any) -> Any:
            if isinstance(leaf, NoneTensorSpec):
                return leaf
            return TensorSpec((self._known_size, *next(shapes)), leaf.dtype)

        return Structure(self._parents[0]._structure.map_leaves(batched))

    def _start(self, run: Run) -> Iterator[Element]:
        size, drop, *rest = self._operands
        count = len(rest) // 2
        shapes = [_known(shape) for shape in rest[:count]]
        return _PaddedBatches(
            self._parents[0]._start(run), size, shapes, rest[count:], drop_remainder=drop
        )

    def _count(self) -> int:
        count = self._parents[0]._count()
        size, drop = self._operands[:2]
        if count < 0:
            return count
        return count // size if drop else -(-count // size)


def _static(shape: Any) -> Shape:
    """What is known of a padded shape, which may be a vector of a graph."""
    return (None,) * (shape.shape[0] or 0) if isinstance(shape, Symbol) else shape


def _known(shape: Any) -> Shape:
    """A padded shape with the values of this run."""
    return tuple(shape.tolist()) if isinstance(shape, np.ndarray) else shape


def as_shape(value: Any) -> TensorShape:
    """A padded shape as the user gives it: -1 and None both mean unknown."""
    if isinstance(value, TensorShape):
        return value
    if hasattr(value, "numpy") or isinstance(value, np.ndarray):
        value = np.asarray(value).tolist()
    if isinstance(value, int):
        value = [value]
    return TensorShape([None if size is None or int(size) < 0 else int(size) for size in value])


def _shapes(structure: Structure, padded_shapes: Any) -> list[Any]:
    leaves = [leaf for leaf in structure.leaves if not isinstance(leaf, NoneTensorSpec)]
    if padded_shapes is None:
        wanted: list[Any] = []
        for i, leaf in enumerate(leaves):
            if leaf.shape.rank is None:
                raise ValueError(
                    "You must provide `padded_shapes` argument because component "
                    f"{i} has unknown rank."
                )
            wanted.append(leaf.shape)
    else:
        wanted = data_nest.flatten_up_to(_without_none(structure), padded_shapes)
    found: list[Any] = []
    for leaf, value in zip(leaves, wanted, strict=True):
        if isinstance(value, Symbol):
            found.append(value)
            continue
        shape = as_shape(value)
        if leaf.shape.rank is not None and not _can_pad(leaf.shape, shape):
            raise ValueError(
                f"The padded shape {_text(shape)} is not compatible with the shape "
                f"{_text(leaf.shape)} of the corresponding input component."
            )
        found.append(tuple(shape.as_list()))
    return found


def _without_none(structure: Structure) -> Any:
    if any(isinstance(leaf, NoneTensorSpec) for leaf in structure.leaves):
        raise UnimplementedError("padded_shapes for elements with None is not implemented")
    return structure.spec


def _can_pad(have: TensorShape, wanted: TensorShape) -> bool:
    if have.rank != wanted.rank:
        return False
    pairs = zip(have.as_list(), wanted.as_list(), strict=True)
    return all(a is None or b is None or a <= b for a, b in pairs)


def _text(shape: TensorShape) -> str:
    return str(tuple(shape.as_list())) if shape.rank is not None else str(shape)


def _fills(structure: Structure, padding_values: Any) -> list[Any]:
    leaves = [leaf for leaf in structure.leaves if not isinstance(leaf, NoneTensorSpec)]
    if padding_values is None:
        given = [None] * len(leaves)
    elif data_nest.is_nested(padding_values) and len(leaves) > 0:
        given = data_nest.flatten_up_to(structure.spec, padding_values)
    else:
        given = [padding_values] * len(leaves)
    return [_fill(value, leaf.dtype) for value, leaf in zip(given, leaves, strict=True)]


def _fill(value: Any, dtype: DType) -> Any:
    if value is None:
        return b"" if dtype == dtypes.string else np.zeros((), dtype.np)[()]
    tensor = convert_to_tensor(value)
    if tensor.dtype != dtype:
        raise TypeError(
            f"Invalid `padding_values`. `padding_values` values type {tensor.dtype} does not "
            f"match type {dtype} of the corresponding input component."
        )
    found = value_of(tensor)
    return found if isinstance(found, Symbol) else np.asarray(found)[()]


@method
def padded_batch(
    self: DatasetV2,
    batch_size: Any,
    padded_shapes: Any = None,
    padding_values: Any = None,
    drop_remainder: Any = False,
    name: str | None = None,
) -> DatasetV2:
    """Return a dataset of consecutive elements stacked, after padding them to one shape.

    Args:
        batch_size: number of elements.
        padded_shapes: shapes to pad to, nested like an element; None and -1 mean the greatest
            size in the batch. The element spec's shapes unless given.
        padding_values: what to pad with, nested like an element or one for all; zero or the
            empty string unless given.
        drop_remainder: whether a last batch of fewer elements is left out.
        name: accepted for compatibility.

    Raises:
        ValueError: a shape does not fit, or is needed because a rank is unknown.
        TypeError: a padding value has another dtype than its component.
        DataLossError: while iterating, an element is greater than its padded shape.

    Example:
        >>> dataset = DatasetV2.from_tensor_slices([1, 3]).map(lambda n: [n] * 2)
        >>> [part.tolist() for part in dataset.padded_batch(2, padded_shapes=[3])]
        [[[1, 1, 0], [3, 3, 0]]]
    """
    for leaf in self._structure.leaves:
        if not isinstance(leaf, (TensorSpec, NoneTensorSpec)):
            raise TypeError(
                f"`padded_batch` is only supported for datasets that produce tensor elements "
                f"but type of elements in the input dataset contains {type(leaf)}."
            )
    return _PaddedBatchDataset(
        self,
        scalar(batch_size, dtypes.int64, "batch_size"),
        scalar(drop_remainder, dtypes.bool, "drop_remainder"),
        _shapes(self._structure, padded_shapes),
        _fills(self._structure, padding_values),
    )
