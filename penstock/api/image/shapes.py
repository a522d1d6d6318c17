"""Images as batches, and their heights and widths, known or not."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.tensor import Tensor


def at_least_3d(image: Any, name: str = "image") -> Any:
    """Return `image` as a tensor.

    Raises:
        ValueError: it has a rank below 3.
    """
    image = convert_to_tensor(image)
    if image.shape.rank is not None and image.shape.rank < 3:
        raise ValueError(f"{name} must have at least three axes, got shape {image.shape}")
    return image


def as_batch(image: Any, name: str = "image") -> tuple[Any, bool]:
    """Return `image` with a batch axis, and whether that was added.

    Raises:
        ValueError: it has neither rank 3 nor 4.
    """
    image = convert_to_tensor(image)
    rank = image.shape.rank
    if rank == 3:
        return call("ExpandDims", image, 0), True
    if rank not in (None, 4):
        raise ValueError(f"{name} must have either 3 or 4 axes, got shape {image.shape}")
    return image, False


def unbatched(image: Any, added: bool) -> Any:
    """Take away the batch axis that `as_batch` added."""
    return call("Squeeze", image, squeeze_dims=(0,)) if added else image


def size_of(image: Any) -> tuple[Any, Any]:
    """Height and width of `[..., h, w, c]`: integers, or scalar tensors where not known."""
    known = image.shape.as_list() if image.shape.rank is not None else [None] * 4
    if known[-3] is not None and known[-2] is not None:
        return known[-3], known[-2]
    lengths = call("Shape", image)
    return (
        lengths[-3] if known[-3] is None else known[-3],
        lengths[-2] if known[-2] is None else known[-2],
    )


def known_integer(value: Any) -> int | None:
    """The integer that `value` is known to be now, else None."""
    if isinstance(value, Tensor):
        found = getattr(value, "_value", None)
        if found is None:
            found = getattr(value, "static_value", None)
        return None if found is None else int(np.asarray(found))
    return int(value)


def require(condition: Any, message: str) -> None:
    """Raise ValueError unless `condition` holds, or is a tensor that is not known yet."""
    if isinstance(condition, Tensor):
        found = getattr(condition, "_value", None)
        if found is None:
            return
        condition = bool(np.asarray(found).all())
    if not condition:
        raise ValueError(message)


def pack(*values: Any) -> Any:
    """int32 vector of integers and scalar tensors."""
    if not any(isinstance(value, Tensor) for value in values):
        return np.array([int(value) for value in values], np.int32)
    return call("Pack", [convert_to_tensor(value, dtype=np.int32) for value in values], axis=0)
