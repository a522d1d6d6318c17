"""`from_tensors` and `from_tensor_slices`: datasets of values in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from penstock.api.data_structure import Structure, normalize, spec_of, tensors_of, value_of
from penstock.core.errors import InvalidArgumentError
from penstock.core.type_spec import TensorSpec
from penstock.data.composites import number_of_rows
from penstock.data.dataset.base import DatasetV2, Rows, source
from penstock.data.run import Run
from penstock.data.stacking import unbatched, unstacker
from penstock.ops.dataset import Element


class Source(DatasetV2):
    """A dataset that takes from no other."""

    def __init__(self, structure: Structure, operands: Sequence[Any] = ()) -> None:
        self.__dict__["_structure"] = structure
        super().__init__(operands=operands)


class _TensorDataset(Source):
    def _start(self, run: Run) -> Iterator[Element]:
        return iter((self._operands,))

    def _count(self) -> int:
        return 1


class ArrayRows:
    """The rows of arrays as elements; a batch of neighbours is a view, others are copied."""

    def __init__(self, arrays: Sequence[Any]) -> None:
        self._arrays = [np.asarray(array) for array in arrays]
        self.length = len(self._arrays[0])

    def element(self, index: int) -> Element:
        """Return one row of each array."""
        # The ellipsis keeps a string an array; without it the bare object would come out.
        return tuple([array[index, ...] for array in self._arrays])

    def gather(self, indices: Any) -> Element:
        """Return rows of each array, stacked."""
        first, last = int(indices[0]), int(indices[-1])
        if last - first == len(indices) - 1 and bool((np.diff(indices) == 1).all()):
            return tuple([array[first : last + 1] for array in self._arrays])
        return tuple([array.take(indices, axis=0) for array in self._arrays])


class _TensorSliceDataset(Source):
    def _check(self) -> None:
        lengths = {len(part) if np.ndim(part) else None for part in self._operands}
        if None in lengths or len(lengths) > 1:
            raise InvalidArgumentError(
                "all components must have one first dimension, got shapes "
                f"{[np.shape(part) for part in self._operands]}"
            )

    def _rows(self) -> Rows | None:
        rows = self.__dict__.get("_array_rows")
        if rows is None:
            rows = self._array_rows = ArrayRows(self._operands)
        return rows

    def _indices(self, run: Run) -> Iterator[int]:
        return iter(range(self._count()))

    def _start(self, run: Run) -> Iterator[Element]:
        arrays = [np.asarray(part) for part in self._operands]
        if any(array.dtype == object for array in arrays):
            return map(ArrayRows(arrays).element, range(self._count()))
        return zip(*arrays, strict=True)

    def _count(self) -> int:
        return len(self._operands[0])


class _CompositeSliceDataset(Source):
    """Slices of structures with ragged or sparse parts."""

    def __init__(self, structure: Structure, whole: Structure, values: Sequence[Any]) -> None:
        self._whole = whole
        super().__init__(structure, values)

    def _start(self, run: Run) -> Iterator[Element]:
        return unstacker(self._whole, "from_tensor_slices")(self._operands)

    def _count(self) -> int:
        for leaf, begin, end in self._whole.leaf_ranges():
            if end > begin and not isinstance(leaf, TensorSpec):
                return number_of_rows(leaf, self._operands[begin:end])
        return len(self._operands[0])


@source
def from_tensors(tensors: Any, name: str | None = None) -> DatasetV2:
    """Return a dataset of one element.

    Args:
        tensors: the element; numpy arrays are taken without a copy.
        name: accepted for compatibility.

    Example:
        >>> dataset = DatasetV2.from_tensors(([1, 2], "a"))
        >>> list(dataset.as_numpy_iterator())
        [(array([1, 2], dtype=int32), b'a')]
    """
    normal = normalize(tensors)
    structure = Structure(spec_of(normal))
    if not structure.leaves:
        raise InvalidArgumentError("an element must have at least one component, got none")
    return _TensorDataset(structure, [value_of(t) for t in tensors_of(normal, structure)])


@source
def from_tensor_slices(tensors: Any, name: str | None = None) -> DatasetV2:
    """Return a dataset whose elements are the slices of `tensors` along their first axis.

    Args:
        tensors: nested structure of tensors of equal first size; numpy arrays are taken without
            a copy.
        name: accepted for compatibility.

    Raises:
        ValueError: a component is a scalar, or first sizes differ.
    """
    normal = normalize(tensors)
    whole = Structure(spec_of(normal))
    if not whole.leaves:
        raise ValueError("Invalid `tensors`. `tensors` should not be empty.")
    structure = unbatched(whole, "from_tensor_slices")
    _check_first_sizes(whole)
    values = [value_of(part) for part in tensors_of(normal, whole)]
    if whole.dense:
        return _TensorSliceDataset(structure, values)
    return _CompositeSliceDataset(structure, whole, values)


def _check_first_sizes(whole: Structure) -> None:
    first = None
    for spec in whole.leaves:
        shape = getattr(spec, "shape", None)
        size = shape[0] if shape is not None and shape.rank else None
        if size is None:
            continue
        if first is not None and size != first:
            raise ValueError(f"Dimensions {first} and {size} are not compatible")
        first = size
