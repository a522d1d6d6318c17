"""Values of several elements put together along a new first axis, and taken apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from penstock.api.data_structure import NoneTensorSpec, Structure
from penstock.core.errors import InvalidArgumentError, UnimplementedError
from penstock.core.type_spec import TensorSpec
from penstock.data.composites import (
    is_supported,
    number_of_rows,
    rows_of_tensor,
    rows_of_values,
    stack,
    stack_values,
)
from penstock.ops.dataset import Element


def stacker(structure: Structure, caller: str) -> Callable[[Sequence[Element]], Element]:
    """Return the function that makes one element of several.

    Raises:
        UnimplementedError: the structure has parts that cannot be stacked.
    """
    _check(structure, caller)
    if structure.dense:
        return _stack_dense
    ranges = structure.leaf_ranges()

    def stack_all(elements: Sequence[Element]) -> Element:
        values: list[Any] = []
        for leaf, begin, end in ranges:
            if isinstance(leaf, TensorSpec):
                values.append(stack([element[begin] for element in elements]))
            elif end > begin:
                values.extend(stack_values(leaf, [element[begin:end] for element in elements]))
        return tuple(values)

    return stack_all


def _stack_dense(elements: Sequence[Element]) -> Element:
    return tuple(map(stack, zip(*elements, strict=True)))


def unstacker(structure: Structure, caller: str) -> Callable[[Element], Iterator[Element]]:
    """Return the function that gives the rows of an element.

    Raises:
        UnimplementedError: the structure has parts that have no rows.
    """
    _check(structure, caller)
    ranges = [part for part in structure.leaf_ranges() if part[2] > part[1]]

    def rows(element: Element) -> Iterator[Element]:
        _check_sizes(
            [
                np.shape(element[begin])[0]
                if isinstance(leaf, TensorSpec)
                else number_of_rows(leaf, element[begin:end])
                for leaf, begin, end in ranges
            ]
        )
        columns = [_rows(leaf, element[begin:end]) for leaf, begin, end in ranges]
        return map(_joined, zip(*columns, strict=True))

    return rows


def _joined(parts: Sequence[Element]) -> Element:
    return parts[0] if len(parts) == 1 else tuple([value for part in parts for value in part])


def _rows(leaf: Any, values: Element) -> Iterator[Element]:
    if not isinstance(leaf, TensorSpec):
        return rows_of_values(leaf, values)
    return rows_of_tensor(np.asarray(values[0]))


def common_size(element: Element) -> int:
    """Return the first size of all parts of an element of tensors.

    Raises:
        InvalidArgumentError: they differ.
    """
    sizes = [np.shape(part)[0] for part in element]
    _check_sizes(sizes)
    return int(sizes[0])


def _check_sizes(sizes: Sequence[int]) -> None:
    for i, size in enumerate(sizes):
        if size != sizes[0]:
            raise InvalidArgumentError(
                "Input element must have the same batch size in each component. Component 0 "
                f"had size {sizes[0]} but component {i} had size, {size}."
            )


def _check(structure: Structure, caller: str) -> None:
    for leaf in structure.leaves:
        if not (isinstance(leaf, (TensorSpec, NoneTensorSpec)) or is_supported(leaf)):
            raise UnimplementedError(
                f"Dataset.{caller}() of a {type(leaf).__name__} is not implemented"
            )


def batched(structure: Structure, size: int | None, caller: str) -> Structure:
    """Return the structure of `size` elements stacked.

    Raises:
        UnimplementedError: the structure has parts that cannot be stacked.
    """
    _check(structure, caller)
    return Structure(structure.map_leaves(lambda leaf: leaf._batch(size)))


def unbatched(structure: Structure, caller: str) -> Structure:
    """Return the structure of the rows of an element.

    Raises:
        UnimplementedError: the structure has parts that have no rows.
        ValueError: a part is a scalar.
    """
    _check(structure, caller)

    def unbatch(leaf: Any) -> Any:
        if isinstance(leaf, TensorSpec) and leaf.shape.rank is None:
            return TensorSpec(None, leaf.dtype)
        return leaf._unbatch()

    return Structure(structure.map_leaves(unbatch))
