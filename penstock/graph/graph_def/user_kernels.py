"""Kernels of users for ops of files that have no row in the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from penstock.core.dtypes import DType, as_dtype
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.table import TYPE_LIST, OpDef, has

Kernel = Callable[..., Any]

_KERNELS: Final[dict[str, tuple[Kernel, tuple[Any, ...]]]] = {}


def op_kernel(name: str, outputs: Sequence[Any] = ("T",)) -> Callable[[Kernel], Kernel]:
    """Give an op that penstock lacks a kernel, so that models which use it run.

    The decorated function takes the inputs of a node as numpy arrays, and its attrs by keyword;
    it gives an array, or a tuple of them. It must be there before a function with the op is
    first called, and has no gradient.

    Args:
        name: the op, as models name it.
        outputs: dtype of each output, or the name of the attr that holds it.

    Raises:
        ValueError: penstock has the op, or it has a kernel already.

    Example:
        >>> @tf.saved_model.experimental.op_kernel("MyScale")
        ... def my_scale(x, *, factor, **_):
        ...     return x * factor
    """
    if has(name) or name in _KERNELS:
        raise ValueError(f"op {name!r} has a kernel already")

    def add(kernel: Kernel) -> Kernel:
        _KERNELS[name] = kernel, tuple(outputs)
        return kernel

    return add


def remove_kernel(name: str) -> None:
    """Forget the kernel of an op, if it has one."""
    _KERNELS.pop(name, None)


def has_kernel(name: str) -> bool:
    """Whether a user gave the op a kernel."""
    return name in _KERNELS


def user_row(name: str, attrs: Mapping[str, Any], node: str) -> tuple[OpDef, tuple[DType, ...]]:
    """A row for one node, and the dtypes of its outputs.

    Args:
        name: the op.
        attrs: attrs of the node.
        node: its name, for messages.

    Raises:
        InvalidArgumentError: an attr that holds a dtype is missing.
    """
    kernel, outputs = _KERNELS[name]
    dtypes = tuple(_dtype(each, attrs, node) for each in outputs)

    def run(inputs: Sequence[Any], **_: Any) -> tuple[Any, ...]:
        result = kernel(*(np.asarray(value) for value in inputs), **attrs)
        results = result if isinstance(result, tuple) else (result,)
        if len(results) != len(dtypes):
            raise InvalidArgumentError(
                f"the kernel of {name!r} must give {len(dtypes)} arrays, got {len(results)}"
            )
        return tuple(
            np.asarray(value, dtype.np) for value, dtype in zip(results, dtypes, strict=True)
        )

    row = OpDef(
        name=name,
        inputs=("inputs: Tin",),
        outputs=("outputs: Tout",),
        device=None,
        host=run,
        attrs={"Tin": TYPE_LIST, "Tout": TYPE_LIST},
        stateful=True,
        differentiable=False,
        shape=lambda _, *, Tout, **__: tuple(TensorShape(None) for _ in Tout),  # noqa: N803
    )
    return row, dtypes


def _dtype(told: Any, attrs: Mapping[str, Any], node: str) -> DType:
    if isinstance(told, str) and told in attrs:
        return as_dtype(attrs[told])
    try:
        return as_dtype(told)
    except TypeError:
        raise InvalidArgumentError(
            f"node {node!r} must have the attr {told!r}, which tells the dtype of an output"
        ) from None
