"""The operators that converted code calls for each statement, by their names there.

The converter rewrites a function so that each of these calls an operator here. With Python
values they do what Python does; with symbolic tensors they write control flow down.
"""

from __future__ import annotations

from typing import Any

from malt.operators import function_wrappers

from penstock.function.autograph.branch import if_exp, if_stmt
from penstock.function.autograph.builtins import BUILTINS
from penstock.function.autograph.logic import and_, assert_stmt, eq, not_, not_eq, or_
from penstock.function.autograph.loop import for_stmt, graph_loop, while_stmt
from penstock.function.autograph.symbols import is_symbolic, is_undefined


class FunctionScope(function_wrappers.FunctionScope):  # type: ignore[misc]
    """The scope of one converted function, which checks what the function returns."""

    def __init__(self, function_name: str, scope_name: str, options: Any) -> None:
        super().__init__(function_name, scope_name, options)
        self._function_name = function_name

    def ret(self, value: Any, did_return: Any) -> Any:
        """Return what the function gives.

        Raises:
            ValueError: whether the function returns a value depends on a tensor.
        """
        if is_symbolic(did_return) and value is not None and not is_undefined(value):
            raise ValueError(
                f"{self._function_name} must return a value whatever its conditions on tensors "
                "are; add a return statement to its other branches, or after its loop"
            )
        return super().ret(value, did_return)


def with_function_scope(thunk: Any, scope_name: str, options: Any) -> Any:
    """Call the body of a lambda inside a scope of its own."""
    with FunctionScope("lambda_", scope_name, options) as scope:
        return thunk(scope)


OPERATORS: dict[str, Any] = {
    "if_stmt": if_stmt,
    "if_exp": if_exp,
    "while_stmt": while_stmt,
    "for_stmt": for_stmt,
    "not_": not_,
    "and_": and_,
    "or_": or_,
    "eq": eq,
    "not_eq": not_eq,
    "assert_stmt": assert_stmt,
    "FunctionScope": FunctionScope,
    "with_function_scope": with_function_scope,
}

__all__ = ["BUILTINS", "OPERATORS", "graph_loop", "is_symbolic"]
