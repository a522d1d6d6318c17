"""Integers as rows of bits."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from penstock.ops.elementwise import INTEGERS, binary, unary
from penstock.ops.table import op


@op(
    "BitwiseAnd",
    inputs=("x: T", "y: T"),
    outputs=("z: T",),
    shape="broadcast",
    differentiable=False,
)
def bitwise_and(x: Any, y: Any) -> Any:
    """Bits set in both.

    Shape: x [...], y [...] -> z [...], broadcast together.
    """
    return binary("BitwiseAnd", x, y, INTEGERS).bitwise_and(x, y)


@op(
    "BitwiseOr",
    inputs=("x: T", "y: T"),
    outputs=("z: T",),
    shape="broadcast",
    differentiable=False,
)
def bitwise_or(x: Any, y: Any) -> Any:
    """Bits set in at least one.

    Shape: x [...], y [...] -> z [...], broadcast together.
    """
    return binary("BitwiseOr", x, y, INTEGERS).bitwise_or(x, y)


@op(
    "BitwiseXor",
    inputs=("x: T", "y: T"),
    outputs=("z: T",),
    shape="broadcast",
    differentiable=False,
)
def bitwise_xor(x: Any, y: Any) -> Any:
    """Bits set in exactly one.

    Shape: x [...], y [...] -> z [...], broadcast together.
    """
    return binary("BitwiseXor", x, y, INTEGERS).bitwise_xor(x, y)


@op("Invert", inputs=("x: T",), outputs=("y: T",), shape="same", differentiable=False)
def invert(x: Any) -> Any:
    """Every bit flipped.

    Shape: x [...] -> y [...].
    """
    return unary("Invert", x, INTEGERS).invert(x)


def _distance(xp: Any, x: Any, y: Any) -> Any:
    """Places to shift by, kept within the width: beyond it the result is undefined in C."""
    return xp.clip(y, y.dtype.type(0), y.dtype.type(8 * x.dtype.itemsize - 1))


@op(
    "LeftShift",
    inputs=("x: T", "y: T"),
    outputs=("z: T",),
    shape="broadcast",
    differentiable=False,
)
def left_shift(x: Any, y: Any) -> Any:
    """Bits moved y places up; y is kept between 0 and the width less one.

    Shape: x [...], y [...] -> z [...], broadcast together.
    """
    xp = binary("LeftShift", x, y, INTEGERS)
    return xp.left_shift(x, _distance(xp, x, y))


@op(
    "RightShift",
    inputs=("x: T", "y: T"),
    outputs=("z: T",),
    shape="broadcast",
    differentiable=False,
)
def right_shift(x: Any, y: Any) -> Any:
    """Bits moved y places down, the sign kept; y is kept between 0 and the width less one.

    Shape: x [...], y [...] -> z [...], broadcast together.
    """
    xp = binary("RightShift", x, y, INTEGERS)
    return xp.right_shift(x, _distance(xp, x, y))


@op(
    "PopulationCount",
    inputs=("x: T",),
    outputs=("y: uint8",),
    shape="same",
    differentiable=False,
)
def population_count(x: Any) -> Any:
    """Number of bits that are set.

    Shape: x [...] -> y [...].
    """
    xp = unary("PopulationCount", x, INTEGERS)
    if xp is np:
        # numpy counts the bits of the absolute value of a signed number.
        unsigned = x.astype(f"uint{8 * x.dtype.itemsize}")
        return np.bitwise_count(unsigned).astype(np.uint8)
    return jax.lax.population_count(x).astype(np.uint8)
