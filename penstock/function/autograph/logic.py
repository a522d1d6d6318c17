"""What `not`, `and`, `or`, `==` and assert statements mean over tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.function.autograph.symbols import is_symbolic, scalar
from penstock.graph.branching import cond as graph_cond
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call


def not_(a: Any) -> Any:
    """`not a`."""
    return call("LogicalNot", scalar(a)) if is_symbolic(a) else not a


def and_(a: Callable[[], Any], b: Callable[[], Any]) -> Any:
    """`a and b`; `b` is looked at only when `a` is true."""
    first = a()
    if is_symbolic(first):
        return graph_cond(scalar(first), lambda: scalar(b()), lambda: convert_to_tensor(False))
    return first and b()


def or_(a: Callable[[], Any], b: Callable[[], Any]) -> Any:
    """`a or b`; `b` is looked at only when `a` is false."""
    first = a()
    if is_symbolic(first):
        return graph_cond(scalar(first), lambda: convert_to_tensor(True), lambda: scalar(b()))
    return first or b()


def eq(a: Any, b: Any) -> Any:
    """`a == b`."""
    return a == b


def not_eq(a: Any, b: Any) -> Any:
    """`a != b`."""
    return a != b


def assert_stmt(expression1: Any, expression2: Callable[[], Any]) -> None:
    """`assert a, b`."""
    if is_symbolic(expression1):
        call("Assert", scalar(expression1), [convert_to_tensor(str(expression2()))])
        return
    assert expression1, expression2()
