"""Random numbers that go on from call to call, under the global seed."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.api.random.arguments import accepted, scaled, shape_input, spread
from penstock.core import dtypes
from penstock.core.dtypes import as_dtype
from penstock.runtime import random_state
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call

_DRAWN = ("float16", "bfloat16", "float32", "float64", "int32", "int64")


def set_seed(seed: int) -> None:
    """Set the global seed, of which ops without a seed of their own make theirs.

    Args:
        seed: any integer.

    Example:
        >>> import penstock as tf
        >>> tf.random.set_seed(7)
        >>> first = tf.random.uniform([2])
        >>> tf.random.set_seed(7)
        >>> bool(tf.reduce_all(first == tf.random.uniform([2])))
        True
    """
    random_state.set_seed(seed)


def uniform(
    shape: Any,
    minval: Any = 0,
    maxval: Any = None,
    dtype: Any = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Any:
    """Uniform numbers in [minval, maxval).

    Args:
        shape: shape of the result.
        minval: lower bound.
        maxval: upper bound, excluded; None for 1 with floating types.
        dtype: type of the result.
        seed: seed of this op; together with the global one it decides the sequence.
        name: name of the node in a graph.

    Raises:
        ValueError: the dtype is none that can be drawn, or an integer type lacks `maxval`.
    """
    kind = accepted(dtype, _DRAWN)
    seeds = random_state.op_seeds(seed)
    if kind.is_integer:
        if maxval is None:
            raise ValueError(f"maxval must be given for {kind.name}, got None")
        low, high = convert_to_tensor(minval, kind), convert_to_tensor(maxval, kind)
        return call("RandomUniformInt", shape_input(shape), low, high, name=name, **seeds)
    rnd = call("RandomUniform", shape_input(shape), dtype=kind, **seeds)
    return scaled(rnd, minval, 1 if maxval is None else maxval, kind, name)


def normal(
    shape: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Any:
    """Normal numbers.

    Args:
        shape: shape of the result.
        mean: mean of the numbers.
        stddev: their standard deviation.
        dtype: type of the result.
        seed: see `uniform`.
        name: name of the node in a graph.
    """
    kind = as_dtype(dtype)
    seeds = random_state.op_seeds(seed)
    rnd = call("RandomStandardNormal", shape_input(shape), dtype=kind, **seeds)
    return spread(rnd, mean, stddev, kind, name)


def truncated_normal(
    shape: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Any:
    """Normal numbers within two standard deviations of the mean.

    Args:
        shape: shape of the result.
        mean: mean of the numbers.
        stddev: standard deviation before the truncation.
        dtype: type of the result.
        seed: see `uniform`.
        name: name of the node in a graph.
    """
    kind = as_dtype(dtype)
    seeds = random_state.op_seeds(seed)
    rnd = call("TruncatedNormal", shape_input(shape), dtype=kind, **seeds)
    return spread(rnd, mean, stddev, kind, name)


def gamma(
    shape: Any,
    alpha: Any,
    beta: Any = None,
    dtype: Any = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Any:
    """Gamma numbers, differentiable with respect to both parameters.

    Args:
        shape: shape of the numbers drawn for each pair of parameters.
        alpha: shape parameter.
        beta: inverse scale; None for 1.
        dtype: type of the parameters and of the result.
        seed: see `uniform`.
        name: name of the node in a graph.

    Returns:
        Numbers of shape `shape` followed by the broadcast shape of alpha and beta.
    """
    kind = as_dtype(dtype)
    alpha = convert_to_tensor(alpha, kind)
    beta = convert_to_tensor(1 if beta is None else beta, kind)
    joint = call("BroadcastArgs", call("Shape", alpha), call("Shape", beta))
    spread_alpha = call("BroadcastTo", alpha, joint)
    seeds = random_state.op_seeds(seed)
    rnd = call("RandomGamma", shape_input(shape), spread_alpha, **seeds)
    return call("Maximum", np.finfo(kind.np).tiny, rnd / beta, name=name)


def poisson(
    shape: Any,
    lam: Any,
    dtype: Any = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Any:
    """Poisson numbers.

    Args:
        shape: shape of the numbers drawn for each mean.
        lam: means.
        dtype: type of the result.
        seed: see `uniform`.
        name: name of the node in a graph.

    Returns:
        Numbers of shape `shape` followed by the shape of `lam`.
    """
    seeds = random_state.op_seeds(seed)
    kind = as_dtype(dtype)
    return call("RandomPoissonV2", shape_input(shape), lam, dtype=kind, name=name, **seeds)


def categorical(
    logits: Any,
    num_samples: Any,
    dtype: Any = None,
    seed: int | None = None,
    name: str | None = None,
) -> Any:
    """Classes drawn with unnormalised log-probabilities.

    Args:
        logits: one row per distribution.
        num_samples: numbers drawn for each row.
        dtype: int32 or int64; None for int64.
        seed: see `uniform`.
        name: name of the node in a graph.

    Returns:
        Classes, [rows, num_samples].
    """
    kind = dtypes.int64 if dtype is None else as_dtype(dtype)
    seeds = random_state.op_seeds(seed)
    return call("Multinomial", logits, num_samples, output_dtype=kind, name=name, **seeds)


def shuffle(value: Any, seed: int | None = None, name: str | None = None) -> Any:
    """Rows of `value` in a random order.

    Args:
        value: a tensor.
        seed: see `uniform`.
        name: name of the node in a graph.
    """
    return call("RandomShuffle", value, name=name, **random_state.op_seeds(seed))
