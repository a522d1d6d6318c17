"""Stacks: what the forward part of a loop of TensorFlow 1 keeps for its gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.table import REQUIRED, op

Array = Any


class Stack:
    """What is behind the handle of a stack.

    Args:
        limit: the most items, negative for any number.
    """

    __slots__ = ("items", "limit")

    def __init__(self, limit: int) -> None:
        self.items: list[Any] = []
        self.limit = limit


@op(
    "StackV2",
    inputs=("max_size: int32",),
    outputs=("handle: resource",),
    attrs={"elem_type": REQUIRED, "stack_name": ""},
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=lambda *_, **__: TensorShape([]),
)
def stack_v2(max_size: Array, *, elem_type: Any, stack_name: str) -> Any:  # noqa: ARG001
    """Make an empty stack.

    Shape: max_size [] -> handle [].
    """
    return Stack(int(max_size))


@op(
    "StackPushV2",
    inputs=("handle: resource", "elem: T"),
    outputs=("output: T",),
    attrs={"swap_memory": False},
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=lambda _, elem, **__: elem.shape,
)
def stack_push_v2(handle: Stack, elem: Any, *, swap_memory: bool) -> Any:  # noqa: ARG001
    """Put a tensor on top, and give it back.

    Shape: handle [], elem [...] -> output [...].
    Errors: InvalidArgumentError when the stack is full.
    """
    if 0 <= handle.limit <= len(handle.items):
        raise InvalidArgumentError(
            f"a stack must hold at most {handle.limit} tensors, got one more"
        )
    handle.items.append(elem)
    return elem


@op(
    "StackPopV2",
    inputs=("handle: resource",),
    outputs=("elem: elem_type",),
    attrs={"elem_type": REQUIRED},
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=lambda *_, **__: TensorShape(None),
)
def stack_pop_v2(handle: Stack, *, elem_type: Any) -> Any:  # noqa: ARG001
    """Take the tensor on top off.

    Shape: handle [] -> elem [...].
    Errors: InvalidArgumentError when the stack is empty.
    """
    if not handle.items:
        raise InvalidArgumentError("a stack must hold a tensor to take one off, got none")
    value = handle.items.pop()
    return np.asarray(value) if isinstance(value, (int, float)) else value


@op(
    "StackCloseV2",
    inputs=("handle: resource",),
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=lambda *_, **__: (),
)
def stack_close_v2(handle: Stack) -> Any:
    """Forget what is on a stack.

    Shape: handle [].
    """
    handle.items.clear()
    return ()
