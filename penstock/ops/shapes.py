"""Shape arithmetic that kernels, shape rules and gradient rules share."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import Any

import numpy as np

from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape, unknown_shape

Sizes = tuple[int | None, ...]


def axis_in(axis: int, rank: int, name: str = "axis") -> int:
    """Count a negative axis from the end, and refuse one outside of the rank."""
    if not -rank <= axis < rank:
        raise InvalidArgumentError(f"{name} must be in [{-rank}, {rank}), got {axis}")
    return axis + rank if axis < 0 else axis


def axes_in(axes: Iterable[int], rank: int, name: str = "axis") -> tuple[int, ...]:
    """Count negative axes from the end, and refuse duplicates and those outside of the rank."""
    found = tuple([axis_in(axis, rank, name) for axis in axes])
    if len(set(found)) != len(found):
        raise InvalidArgumentError(f"{name} must not name an axis twice, got {list(axes)}")
    return found


def scalar_of(value: Any, name: str) -> int:
    """Read an integer from an array of one element."""
    if value.size != 1:
        raise InvalidArgumentError(f"{name} must be a scalar, got shape {list(value.shape)}")
    return int(value.item())


def sizes_of(value: Any, name: str) -> list[int]:
    """Read sizes from a vector, or one from a scalar, and refuse negative ones."""
    if value.ndim > 1 or (value.size and value.dtype.kind not in "iu"):
        raise InvalidArgumentError(
            f"{name} must be a vector of integers, got {value.dtype}{list(value.shape)}"
        )
    sizes: list[int] = value.tolist() if value.ndim else [value.item()]
    for size in sizes:
        if size < 0:
            raise InvalidArgumentError(f"{name} must not be negative, got {sizes}")
    return sizes


def concrete(value: Any) -> Any:
    """Return `value` as a numpy array; while tracing, what is not known fails as JAX fails."""
    return value if isinstance(value, np.ndarray) else np.asarray(value)


def same_rank(xp: ModuleType, *arrays: Any) -> tuple[Any, ...]:
    """Put axes of size 1 in front of the arrays of lower rank."""
    if xp is np:
        return arrays
    rank = max(array.ndim for array in arrays)
    return tuple(
        array
        if array.ndim == rank
        else xp.reshape(array, (1,) * (rank - array.ndim) + tuple(array.shape))
        for array in arrays
    )


def blank(dtype: Any) -> Any:
    """Return what fills the empty places of an array: the empty string, or zero."""
    return b"" if dtype.kind == "O" else np.zeros((), dtype)


def filled(shape: Any, value: Any, dtype: Any) -> Any:
    """Return a numpy array that holds `value` everywhere."""
    out = np.empty(shape, dtype)
    out[...] = value
    return out


def length_of(spec: Any) -> int | None:
    """Number of elements of a vector, as far as its spec tells."""
    rank = spec.shape.rank
    return 1 if rank == 0 else spec.shape[0] if rank == 1 else None


def known_value(tensor: Any) -> Any:
    """Value of a tensor as a numpy array where it is known already, else None."""
    value = getattr(tensor, "_value", None)
    if value is None:
        value = getattr(tensor, "static_value", None)
    return None if value is None else np.asarray(value)


def values_of(spec: Any) -> list[int] | None:
    """Elements of a vector whose value is known when shapes are inferred."""
    return None if spec.value is None else np.asarray(spec.value).ravel().tolist()


def value_of(spec: Any) -> int | None:
    """The integer of a scalar whose value is known when shapes are inferred."""
    return None if spec.value is None else int(np.asarray(spec.value).item())


def shape_from(spec: Any) -> TensorShape:
    """Shape that a shape-like input asks for: its values, or else a rank, or nothing."""
    sizes: Any = values_of(spec)
    if sizes is None:
        sizes = getattr(spec, "sizes", None)
    if sizes is None:
        return unknown_shape(length_of(spec))
    return TensorShape.of(tuple([None if size is None or size < 0 else size for size in sizes]))


def product_of(sizes: Iterable[int | None]) -> int | None:
    """Product of sizes; None when one is unknown, unless another is zero."""
    result: int | None = 1
    for size in sizes:
        if size == 0:
            return 0
        result = None if size is None or result is None else result * size
    return result


def with_size(shape: TensorShape, axis: int, size: int | None) -> TensorShape:
    """Replace one size of a shape of known rank."""
    sizes = list(shape.as_tuple())
    sizes[axis] = size
    return TensorShape.of(tuple(sizes))
