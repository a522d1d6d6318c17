"""Gradient rules that programs register under a name, for ops that are told to use them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final

from penstock.ops.table import has

Rule = Callable[..., Any]
_rules: Final[dict[str, tuple[Rule, str]]] = {}


class RegisterGradient:
    """Decorator that registers a gradient function under a name.

    The function takes an op of a graph, with `inputs`, `outputs` and `get_attr`, and the
    gradients of its outputs, and gives those of its inputs. Ops use it inside
    `tf.Graph.gradient_override_map`.

    Args:
        op_type: the name.

    Raises:
        TypeError: the name is no text.
        KeyError: it is the name of an op, or was registered before.

    Source: `tf.RegisterGradient`.
    """

    def __init__(self, op_type: str) -> None:
        if not isinstance(op_type, str):
            raise TypeError("op_type must be a string")
        self._op_type = op_type

    def __call__(self, f: Rule) -> Rule:
        """Register `f`."""
        name = self._op_type
        if name in _rules or has(name):
            where = _rules[name][1] if name in _rules else "the op's own"
            raise KeyError(
                f"Registering two gradient with name '{name}'! (Previous registration was in "
                f"{where})"
            )
        code = inspect.unwrap(f).__code__
        _rules[name] = f, f"{f.__name__} {code.co_filename}:{code.co_firstlineno}"
        return f


def registered(name: str) -> Rule:
    """Return the gradient function of a name.

    Raises:
        LookupError: there is none.
    """
    if name not in _rules:
        raise LookupError(f"gradient registry has no entry for: {name}")
    return _rules[name][0]
