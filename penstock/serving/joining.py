"""Rows of several requests put below one another."""

from collections.abc import Sequence

import numpy as np

from penstock.core.errors import InvalidArgumentError
from penstock.serving.servable import Array, Arrays


def rows_of(inputs: Arrays) -> int:
    """Return the number of rows that all inputs have.

    Raises:
        InvalidArgumentError: they have none, or not the same number of them.
    """
    if len(inputs) == 1:
        for value in inputs.values():
            if value.ndim and len(value):
                return len(value)
    sizes = [len(value) if value.ndim else 0 for value in inputs.values()]
    size = sizes[0] if sizes else 0
    if not size or (len(sizes) > 1 and len(set(sizes)) > 1):
        raise InvalidArgumentError(
            "inputs of a batch must have the same number of rows, at least one, got shapes "
            + ", ".join(f"{name}{list(value.shape)}" for name, value in inputs.items())
        )
    return size


def join(parts: Sequence[Arrays], size: int) -> dict[str, Array]:
    """Put rows below one another, and repeat the last one up to `size`.

    Rows that differ in their other dimensions are filled up to the largest, each with its own
    first element, as TF Serving does.
    """
    joined = {}
    for name, first in parts[0].items():
        arrays = [part[name] for part in parts]
        if len(arrays) > 1 and any(array.shape[1:] != first.shape[1:] for array in arrays):
            arrays = _same_shape(name, arrays)
        count = sum([len(array) for array in arrays])
        if len(arrays) == 1 and count == size:
            joined[name] = first
            continue
        whole = np.empty((size, *arrays[0].shape[1:]), first.dtype)
        np.concatenate(arrays, out=whole[:count])
        # A real row is sure to be valid, which zeros or empty strings need not be.
        whole[count:] = whole[count - 1]
        joined[name] = whole
    return joined


def _same_shape(name: str, arrays: Sequence[Array]) -> list[Array]:
    if len({array.ndim for array in arrays}) > 1:
        raise InvalidArgumentError(
            f"input '{name}' must have as many dimensions in all requests of a batch, "
            f"got shapes {[list(array.shape) for array in arrays]}"
        )
    shape = tuple(np.max([array.shape[1:] for array in arrays], axis=0))
    return [_filled(array, shape) for array in arrays]


def _filled(array: Array, shape: tuple[int, ...]) -> Array:
    if array.shape[1:] == shape:
        return array
    filled = np.empty((len(array), *shape), array.dtype)
    if array.size:
        filled[...] = array.ravel()[0]
    else:
        filled[...] = b"" if array.dtype == object else 0
    filled[tuple(slice(size) for size in array.shape)] = array
    return filled
