"""Values of several elements put together along a new first axis, and taken apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock.api.data_structure import NoneTensorSpec, Structure
from penstock.core.errors import InvalidArgumentError, UnimplementedError
from penstock.core.type_spec import TensorSpec
from penstock.ops.dataset import Element


def stack(values: Sequence[Any]) -> Any:
    """Stack arrays of one shape and dtype.

    Raises:
        InvalidArgumentError: shapes differ.
    """
    first = values[0]
    if len({value.shape for value in values}) > 1:
        other = next(value for value in values if value.shape != first.shape)
        raise InvalidArgumentError(
            "Cannot add tensor to the batch: number of elements does not match. Shapes are: "
            f"[tensor]: {list(other.shape)}, [batch]: {list(first.shape)}"
        )
    if first.ndim:
        return np.concatenate(values).reshape((len(values), *first.shape))
    if first.dtype == object:
        stacked = np.empty(len(values), object)
        stacked[:] = [value[()] for value in values]
        return stacked
    return np.array(values, first.dtype)


def stacker(structure: Structure, caller: str) -> Callable[[Sequence[Element]], Element]:
    """Return the function that makes one element of several.

    Raises:
        UnimplementedError: the structure has parts that cannot be stacked.
    """
    parts: list[Callable[[list[Element]], list[Any]] | None] = []
    for leaf, _, _ in structure.leaf_ranges():
        if isinstance(leaf, TensorSpec):
            parts.append(None)
        elif not isinstance(leaf, NoneTensorSpec):
            own = getattr(leaf, "_stack_values", None)
            if own is None:
                raise UnimplementedError(
                    f"Dataset.{caller}() of a {type(leaf).__name__} is not implemented"
                )
            parts.append(own)
    if all(part is None for part in parts):
        return _stack_dense
    ranges = structure.leaf_ranges()

    def stack_all(elements: Sequence[Element]) -> Element:
        values: list[Any] = []
        for leaf, begin, end in ranges:
            if isinstance(leaf, TensorSpec):
                values.append(stack([element[begin] for element in elements]))
            elif end > begin:
                values.extend(leaf._stack_values([element[begin:end] for element in elements]))
        return tuple(values)

    return stack_all


def _stack_dense(elements: Sequence[Element]) -> Element:
    return tuple(map(stack, zip(*elements, strict=True)))


def batched(structure: Structure, size: int | None, caller: str) -> Structure:
    """Return the structure of `size` elements stacked.

    Raises:
        UnimplementedError: the structure has parts that cannot be stacked.
    """

    def batch(leaf: Any) -> Any:
        own = getattr(leaf, "_batch", None)
        if own is None:
            raise UnimplementedError(
                f"Dataset.{caller}() of a {type(leaf).__name__} is not implemented"
            )
        return own(size)

    return Structure(structure.map_leaves(batch))
