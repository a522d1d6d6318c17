"""Tensors handed to other libraries, and taken from them, without a copy."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from penstock.core.errors import InvalidArgumentError
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.tensor import EagerTensor, wrap


def to_dlpack(tf_tensor: Any) -> Any:
    """Return a capsule that refers to the memory of an eager tensor.

    Args:
        tf_tensor: the tensor; other libraries must not write to it.

    Raises:
        InvalidArgumentError: it is no eager tensor, or holds strings or handles.
    """
    if not isinstance(tf_tensor, EagerTensor):
        raise InvalidArgumentError(
            "The argument to `to_dlpack` must be a TF tensor, not Python object"
        )
    value = tf_tensor._value
    if not isinstance(value, jax.Array):
        array = np.asarray(value)
        if array.dtype.hasobject or array.dtype.names is not None:
            raise InvalidArgumentError(
                f"a tensor of dtype {tf_tensor.dtype.name} has no form in DLPack"
            )
        value = jnp.asarray(array)
    try:
        return value.__dlpack__()
    except (BufferError, TypeError, ValueError) as error:
        raise InvalidArgumentError(
            f"a tensor of dtype {tf_tensor.dtype.name} has no form in DLPack: {error}"
        ) from error


class _Capsule:
    """A capsule of the host's memory, with the methods by which libraries ask for it."""

    def __init__(self, capsule: Any) -> None:
        self._capsule = capsule

    def __dlpack__(self, **_: Any) -> Any:
        return self._capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0


def from_dlpack(dlcapsule: Any) -> EagerTensor:
    """Make an eager tensor of a capsule, or of an array of another library.

    Args:
        dlcapsule: what `to_dlpack` of some library gave, of memory of the host; or an object
            with a method `__dlpack__`. Its memory must not be written to any more.

    Raises:
        TypeError: it is neither.
    """
    if isinstance(dlcapsule, EagerTensor):
        return dlcapsule
    given = dlcapsule if hasattr(type(dlcapsule), "__dlpack__") else _Capsule(dlcapsule)
    if isinstance(given, _Capsule) and type(dlcapsule).__name__ != "PyCapsule":
        raise TypeError(f"a DLPack capsule is needed, got {type(dlcapsule).__name__}")
    value = jax.dlpack.from_dlpack(given)
    if host_memory(value):
        made: EagerTensor = convert_to_tensor(np.asarray(value))
        return made
    return wrap(value)


def host_memory(value: jax.Array) -> bool:
    """Whether an array is in the memory of the host."""
    return all(device.platform == "cpu" for device in value.devices())
