"""Dropout: zeros at random, and what is left scaled so that the mean stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.api import random
from penstock.api.composite import open_to_composites
from penstock.core.dtypes import DType
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.tensor import Tensor, TensorLike

__all__ = ["dropout", "general_dropout", "stateless_dropout"]


def dropout(
    x: Any, rate: Any, noise_shape: Any = None, seed: int | None = None, name: str | None = None
) -> Any:
    """Set entries of `x` to zero with probability `rate`, and scale the others up.

    Args:
        x: floats.
        rate: share of the entries to drop, at least 0 and below 1.
        noise_shape: shape of the decisions, which broadcasts to that of `x`; None for one each.
        seed: seed of the op.
        name: name of the op.

    Raises:
        ValueError: `rate` is out of range, or `x` no floats.

    Example:
        >>> import penstock as tf
        >>> sorted(set(tf.nn.dropout(tf.ones([100]), rate=0.5, seed=1).numpy().tolist()))
        [0.0, 2.0]
    """

    def sample(shape: Any, dtype: DType) -> Any:
        return random.uniform(shape, seed=seed, dtype=dtype)

    return _dropout(x, rate, noise_shape, sample, name)


def stateless_dropout(
    x: Any,
    rate: Any,
    seed: Any,
    rng_alg: Any = None,
    noise_shape: Any = None,
    name: str | None = None,
) -> Any:
    """`dropout` whose decisions are a function of `seed`.

    Args:
        x: floats.
        rate: share of the entries to drop, at least 0 and below 1.
        seed: two integers.
        rng_alg: algorithm of the random numbers; None for "auto_select".
        noise_shape: shape of the decisions, which broadcasts to that of `x`.
        name: name of the op.

    Raises:
        ValueError: `rate` is out of range, or `x` no floats.
    """

    def sample(shape: Any, dtype: DType) -> Any:
        return random.stateless_uniform(
            shape, seed=seed, dtype=dtype, alg=rng_alg or "auto_select"
        )

    return _dropout(x, rate, noise_shape, sample, name)


def general_dropout(
    x: Any,
    rate: Any,
    uniform_sampler: Callable[..., Any],
    noise_shape: Any = None,
    name: str | None = None,
) -> Any:
    """`dropout` whose decisions come from `uniform_sampler`.

    Args:
        x: floats.
        rate: share of the entries to drop, at least 0 and below 1.
        uniform_sampler: called as `uniform_sampler(shape=..., dtype=...)` for numbers in [0,
        1). noise_shape: shape of the decisions, which broadcasts to that of `x`. name: name of
        the op.

    Raises:
        ValueError: `rate` is out of range, or `x` no floats.
    """
    return _dropout(x, rate, noise_shape, uniform_sampler, name)


def _dropout(
    x: Any, rate: Any, noise_shape: Any, sample: Callable[..., Any], name: str | None
) -> Any:
    x = convert_to_tensor(x)
    if not x.dtype.is_floating:
        raise ValueError(f"x must be floats, since it is scaled, got {x.dtype.name}")
    fixed = isinstance(rate, (int, float))
    if fixed and not 0 <= rate < 1:
        raise ValueError(f"rate must be at least 0 and below 1, got {rate}")
    if fixed and rate == 0:
        return call("Identity", x, name=name)
    if fixed:
        scaled = x * convert_to_tensor(1 / (1 - rate), dtype=x.dtype)
    else:
        if isinstance(rate, (Tensor, TensorLike)) and not rate.dtype.is_compatible_with(
            x.dtype
        ):
            raise ValueError(
                f"rate must have the dtype {x.dtype.name} of x, got {rate.dtype.name}"
            )
        rate = convert_to_tensor(rate, dtype=x.dtype)
        if rate.shape.rank:
            raise ValueError(f"rate must be a scalar, got shape {rate.shape}")
        scaled = call("RealDiv", x, 1 - rate)
    kept = call("GreaterEqual", sample(shape=_noise_shape(x, noise_shape), dtype=x.dtype), rate)
    return call("SelectV2", kept, scaled, convert_to_tensor(0, dtype=x.dtype), name=name)


def _noise_shape(x: Any, noise_shape: Any) -> Any:
    """Shape of the decisions; None within it stands for the length of that axis of `x`."""
    if noise_shape is None:
        return x.shape.as_list() if x.shape.is_fully_defined() else call("Shape", x)
    if isinstance(noise_shape, Tensor):
        return noise_shape
    lengths = noise_shape.as_list() if hasattr(noise_shape, "as_list") else list(noise_shape)
    if any(length is None for length in lengths) and x.shape.rank == len(lengths):
        known = x.shape.as_list()
        lengths = [known[i] if each is None else each for i, each in enumerate(lengths)]
        if None in lengths:
            shape = call("Shape", x)
            lengths = [shape[i] if each is None else each for i, each in enumerate(lengths)]
    return lengths


open_to_composites(globals())
