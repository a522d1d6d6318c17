"""Functions of single elements on ragged tensors, and Python's operators."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from penstock.core.composite_tensor import CompositeTensor
from penstock.core.errors import InvalidArgumentError
from penstock.runtime import operators  # noqa: F401  (tensors need theirs)
from penstock.runtime.ragged.broadcasting import broadcast
from penstock.runtime.ragged.indexing import get_item
from penstock.runtime.ragged.tensor import RaggedTensor, as_values


def unary(function: Callable[[Any], Any], x: RaggedTensor) -> RaggedTensor:
    """Apply `function` to each element."""
    return x.with_flat_values(function(x.flat_values))


def binary(function: Callable[[Any, Any], Any], x: Any, y: Any) -> RaggedTensor:
    """Apply `function` to pairs of elements, after broadcasting.

    Raises:
        InvalidArgumentError: rows differ in length.
    """
    if not isinstance(x, RaggedTensor):
        x = as_values(x, dtype_hint=y.dtype)
    y = as_values(y, dtype_hint=x.dtype)
    x, y = broadcast(x, y)
    like = x if isinstance(x, RaggedTensor) else y
    left = x.flat_values if isinstance(x, RaggedTensor) else x
    right = y.flat_values if isinstance(y, RaggedTensor) else y
    return like.with_flat_values(function(left, right))


def _operator(name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    function = getattr(operator, f"__{name}__")

    def forward(self: RaggedTensor, other: Any) -> Any:
        if _declines(other):
            return NotImplemented
        return binary(function, self, other)

    def reverse(self: RaggedTensor, other: Any) -> Any:
        if _declines(other):
            return NotImplemented
        return binary(function, other, self)

    return forward, reverse


def _declines(other: Any) -> bool:
    return isinstance(other, CompositeTensor) and not isinstance(other, RaggedTensor)


def _equal(self: RaggedTensor, other: Any) -> Any:
    return _compare(operator.eq, self, other, when_unlike=False)


def _not_equal(self: RaggedTensor, other: Any) -> Any:
    return _compare(operator.ne, self, other, when_unlike=True)


def _compare(function: Callable[..., Any], x: Any, y: Any, *, when_unlike: bool) -> Any:
    if y is None:
        return when_unlike
    try:
        return binary(function, x, y)
    except (InvalidArgumentError, ValueError):
        # Rows of other lengths are not equal.
        return when_unlike


def _install(ragged: Any) -> None:
    for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor"):
        python = {"and": "and", "or": "or"}.get(name, name)
        forward, reverse = _operator(python)
        setattr(ragged, f"__{name}__", forward)
        setattr(ragged, f"__r{name}__", reverse)
    ragged.__div__, ragged.__rdiv__ = ragged.__truediv__, ragged.__rtruediv__
    for name in ("lt", "le", "gt", "ge"):
        setattr(ragged, f"__{name}__", _operator(name)[0])
    ragged.__eq__ = _equal
    ragged.__ne__ = _not_equal
    ragged.__neg__ = lambda self: unary(operator.neg, self)
    ragged.__abs__ = lambda self: unary(operator.abs, self)
    ragged.__invert__ = lambda self: unary(operator.invert, self)
    ragged.__getitem__ = get_item


_install(RaggedTensor)
