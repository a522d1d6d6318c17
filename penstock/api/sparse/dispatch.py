"""What ordinary functions do with sparse tensors. Importing this module registers it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.api.composite import Arguments, handles, register
from penstock.api.counting import counted_length
from penstock.core import dtypes
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.sparse_tensor import SparseTensor

Function = Callable[..., Any]

# Functions of single elements that are 0 at 0, so that what is not held stays so.
_KEEP_ZERO = (
    "abs", "asin", "asinh", "atan", "atanh", "erf", "negative", "sign", "sin", "sqrt", "square",
    "tan", "tanh", "conj", "real", "imag",
)  # fmt: skip


def _elementwise(function: Function, arguments: Arguments) -> Any:
    first, *_ = arguments
    value = arguments[first]
    if not isinstance(value, SparseTensor):
        return NotImplemented
    rest = {name: each for name, each in arguments.items() if name != first}
    return value.with_values(function(value.values, **rest))


for _name in _KEEP_ZERO:
    register(f"elementwise.{_name}", SparseTensor, _elementwise)
for _name in ("bessel_i0e", "bessel_i1e"):
    register(f"special.{_name}", SparseTensor, _elementwise)
for _full in ("activations.tanh", "casting.cast", "framework.stop_gradient"):
    register(_full, SparseTensor, _elementwise)


def rows_counted(
    op: str, parts: list[Any], values: Any, weights: Any, options: Arguments
) -> Any:
    """How often each number occurs in each row of a composite.

    Args:
        op: the op that counts.
        parts: what the op takes before the values.
        values: the numbers.
        weights: what each counts instead of 1, or None.
        options: arguments of `tf.math.bincount`.

    Raises:
        ValueError: both weights and `binary_output` are given.
    """
    if weights is not None and options["binary_output"]:
        raise ValueError("weights and binary_output exclude each other; give one of them")
    size = counted_length(values, options["minlength"], options["maxlength"])
    if weights is None:
        weights = np.zeros((0,), dtypes.as_dtype(options["dtype"]).np)
    after = [] if op == "RaggedBincount" else parts[1:]
    return call(
        op,
        parts[0],
        values,
        *after,
        size,
        convert_to_tensor(weights),
        binary_output=bool(options["binary_output"]),
    )


@handles(SparseTensor, "counting.bincount")
def _bincount(function: Function, arguments: Arguments) -> Any:
    sparse, weights = arguments["arr"], arguments["weights"]
    rest = {n: v for n, v in arguments.items() if n not in ("arr", "weights")}
    if not isinstance(sparse, SparseTensor):
        return NotImplemented
    counted = weights.values if isinstance(weights, SparseTensor) else weights
    if arguments["axis"] in (None, 0):
        return function(sparse.values, counted, **{**rest, "axis": None})
    if arguments["axis"] != -1:
        raise ValueError(f"axis must be None, 0 or -1, got {arguments['axis']}")
    parts = [sparse.indices, sparse.dense_shape]
    return rows_counted("SparseBincount", parts, sparse.values, counted, rest)
