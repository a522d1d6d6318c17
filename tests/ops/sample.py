"""One test row of the op table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Sample:
    """A call of an op and what must come out.

    Args:
        op: name of the op.
        inputs: numpy arrays (a list input is a tuple of arrays).
        expected: an array, or a tuple of arrays for several outputs.
        attrs: attrs that differ from the defaults.
        differentiable: whether the gradients of the floating inputs are checked too.
        tolerance: relative and absolute tolerance, where the table by dtype is too strict.
    """

    op: str
    inputs: tuple[Any, ...]
    expected: Any
    attrs: dict[str, Any] = field(default_factory=dict)
    differentiable: bool = True
    tolerance: float | None = None
