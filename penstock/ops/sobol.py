"""Sobol's quasi-random points."""

from __future__ import annotations

import functools
import importlib
from types import ModuleType
from typing import Any

from penstock.core import dtypes
from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.shapes import scalar_of, value_of
from penstock.ops.table import op

_MOST_DIMENSIONS = 21200


@functools.cache
def _quasi_monte_carlo() -> ModuleType:
    # It holds the table of direction numbers, and takes a second to load.
    return importlib.import_module("scipy.stats.qmc")


def _shape(dim: Any, num_results: Any, skip: Any, *, dtype: DType) -> TensorShape:
    del skip, dtype
    return TensorShape([value_of(num_results), value_of(dim)])


@op(
    "SobolSample",
    inputs=("dim: int32", "num_results: int32", "skip: int32"),
    outputs=("samples: dtype",),
    attrs={"dtype": dtypes.float32},
    constant_inputs=("dim", "num_results", "skip"),
    shape=_shape,
    differentiable=False,
)
def sobol_sample(dim: Any, num_results: Any, skip: Any, *, dtype: DType) -> Any:
    """Points that fill the unit cube evenly, without the origin, which comes first.

    Shape: dim scalar, num_results scalar, skip scalar -> samples [num_results, dim].
    Errors: InvalidArgumentError when a number is not positive, or dim is above 21200.
    Source: S. Joe and F. Y. Kuo, direction numbers of 2008.
    """
    axes, count = scalar_of(dim, "dim"), scalar_of(num_results, "num_results")
    if not 1 <= axes <= _MOST_DIMENSIONS:
        raise InvalidArgumentError(f"dim must be 1 to {_MOST_DIMENSIONS}, got {axes}")
    if count < 1:
        raise InvalidArgumentError(f"num_results must be at least 1, got {count}")
    first = scalar_of(skip, "skip") + 1
    if first < 1:
        raise InvalidArgumentError(f"skip must not be negative, got {first - 1}")
    sequence = _quasi_monte_carlo().Sobol(axes, scramble=False, bits=32)
    sequence.fast_forward(first)
    return sequence.random(count).astype(dtype.np)
