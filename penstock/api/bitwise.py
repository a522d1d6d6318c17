"""Integers as rows of bits: `tf.bitwise`."""

from __future__ import annotations

from typing import Any

from penstock.api.composite import open_to_composites
from penstock.runtime.dispatch import call

__all__ = [
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "left_shift",
    "right_shift",
    "invert",
]


def bitwise_and(x: Any, y: Any, name: str | None = None) -> Any:
    """Bits set in both."""
    return call("BitwiseAnd", x, y, name=name)


def bitwise_or(x: Any, y: Any, name: str | None = None) -> Any:
    """Bits set in at least one."""
    return call("BitwiseOr", x, y, name=name)


def bitwise_xor(x: Any, y: Any, name: str | None = None) -> Any:
    """Bits set in exactly one."""
    return call("BitwiseXor", x, y, name=name)


def left_shift(x: Any, y: Any, name: str | None = None) -> Any:
    """Bits moved y places up."""
    return call("LeftShift", x, y, name=name)


def right_shift(x: Any, y: Any, name: str | None = None) -> Any:
    """Bits moved y places down, the sign kept."""
    return call("RightShift", x, y, name=name)


def invert(x: Any, name: str | None = None) -> Any:
    """Every bit flipped."""
    return call("Invert", x, name=name)


open_to_composites(globals())
