"""Signatures of traces as text, in TensorFlow's form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from penstock.core.type_spec import TensorSpec, TypeSpec


def type_text(value: Any) -> str:
    """One argument or result: specs as they are, nests by kind, other values as literals."""
    if isinstance(value, TypeSpec):
        return repr(value)
    if isinstance(value, Mapping):
        return f"Dict[{', '.join(f'[{k!r}, {type_text(v)}]' for k, v in value.items())}]"
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        pairs = (f"[{k!r}, {type_text(v)}]" for k, v in zip(value._fields, value, strict=True))
        return f"{type(value).__name__}[{', '.join(pairs)}]"
    if isinstance(value, (tuple, list)):
        kind = "Tuple" if isinstance(value, tuple) else "List"
        return f"{kind}[{', '.join(map(type_text, value))}]"
    return f"Literal[{value!r}]"


def short_text(args: Sequence[Any], kwargs: Mapping[str, Any], names: Sequence[str]) -> str:
    """The parameters on one line, as in a Python signature."""
    parts = [f"{name}: {type_text(value)}" for name, value in zip(names, args, strict=True)]
    if kwargs:
        parts.append("*")
    parts += [f"{name}: {type_text(value)}" for name, value in kwargs.items()]
    return f"({', '.join(parts)})"


def long_text(
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    names: Sequence[str],
    outputs: Any,
    captures: Sequence[Any],
) -> str:
    """Parameters, result and captured tensors, one a line."""
    lines = ["Input Parameters:"]
    lines += [
        f"  {name} (POSITIONAL_OR_KEYWORD): {type_text(value)}"
        for name, value in zip(names, args, strict=True)
    ]
    lines += [f"  {name} (KEYWORD_ONLY): {type_text(value)}" for name, value in kwargs.items()]
    lines += ["Output Type:", f"  {type_text(outputs)}", "Captures:"]
    specs = [(id(t), TensorSpec(t.shape, t.dtype)) for t in captures]
    lines += [f"  {number}: {spec!r}" for number, spec in specs] or ["  None"]
    return "\n".join(lines)
