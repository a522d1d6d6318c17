"""Random numbers that are a function of their seed."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.api.random.arguments import (
    Algorithm,
    accepted,
    algorithm_number,
    scaled,
    shape_input,
    spread,
)
from penstock.core import dtypes
from penstock.core.dtypes import as_dtype
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call

_FLOATS = ("float16", "bfloat16", "float32", "float64")
_INTEGERS = ("int32", "int64", "uint32", "uint64")

# What is added before a seed of two numbers, because a block cipher's key has three.
_KEY_WORD = 498247692


def _keyed(op: str, shape: Any, seed: Any, alg: Any, *more: Any, **attrs: Any) -> Any:
    """Call an op that takes a key, a counter and an algorithm."""
    number = algorithm_number(alg)
    key, counter = call("StatelessRandomGetKeyCounter", seed)
    if number == Algorithm.AUTO_SELECT.value:
        number = Algorithm.PHILOX.value
    return call(op, shape, key, counter, np.int32(number), *more, **attrs)


def stateless_uniform(
    shape: Any,
    seed: Any,
    minval: Any = 0,
    maxval: Any = None,
    dtype: Any = dtypes.float32,
    name: str | None = None,
    alg: Any = "auto_select",
) -> Any:
    """Uniform numbers in [minval, maxval) that depend on the arguments alone.

    Args:
        shape: shape of the result.
        seed: two integers.
        minval: lower bound; None together with `maxval` for all values of an integer type.
        maxval: upper bound, excluded; None for 1 with floating types.
        dtype: type of the result.
        name: name of the node in a graph.
        alg: "philox", "threefry" (not available on CPUs) or "auto_select".

    Raises:
        ValueError: the dtype is none that can be drawn, or one bound alone is None.

    Example:
        >>> import penstock as tf
        >>> drawn = tf.random.stateless_uniform([3], [1, 2], maxval=100, dtype=tf.int32)
        >>> drawn.numpy().tolist()
        [40, 49, 94]
    """
    kind = accepted(dtype, (*_FLOATS, *_INTEGERS))
    if not kind.is_integer:
        rnd = _keyed("StatelessRandomUniformV2", shape_input(shape), seed, alg, dtype=kind)
        return scaled(rnd, minval, 1 if maxval is None else maxval, kind, name)
    if (minval is None) != (maxval is None):
        raise ValueError(
            f"minval and maxval must both be None or not None for {kind.name}, got "
            f"minval={minval} and maxval={maxval}"
        )
    if minval is None:
        return _keyed(
            "StatelessRandomUniformFullIntV2",
            shape_input(shape),
            seed,
            alg,
            dtype=kind,
            name=name,
        )
    if kind.is_unsigned:
        raise ValueError(f"minval and maxval must be None for {kind.name}, got minval={minval}")
    low, high = convert_to_tensor(minval, kind), convert_to_tensor(maxval, kind)
    op = "StatelessRandomUniformIntV2"
    return _keyed(op, shape_input(shape), seed, alg, low, high, name=name)


def stateless_normal(
    shape: Any,
    seed: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = dtypes.float32,
    name: str | None = None,
    alg: Any = "auto_select",
) -> Any:
    """Normal numbers that depend on the arguments alone.

    Args:
        shape: shape of the result.
        seed: two integers.
        mean: mean of the numbers.
        stddev: their standard deviation.
        dtype: type of the result.
        name: name of the node in a graph.
        alg: see `stateless_uniform`.
    """
    kind = as_dtype(dtype)
    rnd = _keyed("StatelessRandomNormalV2", shape_input(shape), seed, alg, dtype=kind)
    return spread(rnd, mean, stddev, kind, name)


def stateless_truncated_normal(
    shape: Any,
    seed: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = dtypes.float32,
    name: str | None = None,
    alg: Any = "auto_select",
) -> Any:
    """Normal numbers within two standard deviations that depend on the arguments alone.

    Args:
        shape: shape of the result.
        seed: two integers.
        mean: mean of the numbers.
        stddev: standard deviation before the truncation.
        dtype: type of the result.
        name: name of the node in a graph.
        alg: see `stateless_uniform`.
    """
    kind = as_dtype(dtype)
    rnd = _keyed("StatelessTruncatedNormalV2", shape_input(shape), seed, alg, dtype=kind)
    return spread(rnd, mean, stddev, kind, name)


def stateless_binomial(
    shape: Any,
    seed: Any,
    counts: Any,
    probs: Any,
    output_dtype: Any = dtypes.int32,
    name: str | None = None,
) -> Any:
    """Numbers of successes that depend on the arguments alone.

    Args:
        shape: shape of the result; ends with the shape of `counts` and `probs`.
        seed: two integers.
        counts: numbers of trials.
        probs: probabilities of success.
        output_dtype: type of the result.
        name: name of the node in a graph.
    """
    probs = convert_to_tensor(probs, dtype_hint=dtypes.float32)
    counts = convert_to_tensor(counts, dtype_hint=probs.dtype)
    return call(
        "StatelessRandomBinomial",
        shape_input(shape),
        seed,
        counts,
        probs,
        dtype=as_dtype(output_dtype),
        name=name,
    )


def stateless_gamma(
    shape: Any,
    seed: Any,
    alpha: Any,
    beta: Any = None,
    dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Any:
    """Gamma numbers that depend on the arguments alone.

    Args:
        shape: shape of the result; ends with the broadcast shape of `alpha` and `beta`.
        seed: two integers.
        alpha: shape parameter.
        beta: inverse scale; None for 1.
        dtype: type of the parameters and of the result.
        name: name of the node in a graph.
    """
    kind = as_dtype(dtype)
    alpha = convert_to_tensor(alpha, kind)
    beta = convert_to_tensor(1 if beta is None else beta, kind)
    joint = call("BroadcastArgs", call("Shape", alpha), call("Shape", beta))
    spread_alpha = call("BroadcastTo", alpha, joint)
    op = "StatelessRandomGammaV3"
    rnd = _keyed(op, shape_input(shape), seed, "auto_select", spread_alpha)
    return call("Maximum", np.finfo(kind.np).tiny, rnd / beta, name=name)


def stateless_poisson(
    shape: Any, seed: Any, lam: Any, dtype: Any = dtypes.int32, name: str | None = None
) -> Any:
    """Poisson numbers that depend on the arguments alone.

    Args:
        shape: shape of the result; ends with the shape of `lam`.
        seed: two integers.
        lam: mean.
        dtype: type of the result.
        name: name of the node in a graph.
    """
    kind = as_dtype(dtype)
    op = "StatelessRandomPoisson"
    return call(op, shape_input(shape), seed, lam, dtype=kind, name=name)


def stateless_categorical(
    logits: Any,
    num_samples: Any,
    seed: Any,
    dtype: Any = dtypes.int64,
    name: str | None = None,
) -> Any:
    """Classes drawn with probabilities, depending on the arguments alone.

    Args:
        logits: unnormalised log-probabilities, one row per distribution.
        num_samples: numbers drawn for each row.
        seed: two integers.
        dtype: type of the result, int32 or int64.
        name: name of the node in a graph.

    Returns:
        Classes, [rows, num_samples].
    """
    return call(
        "StatelessMultinomial",
        logits,
        num_samples,
        seed,
        output_dtype=as_dtype(dtype),
        name=name,
    )


def stateless_parameterized_truncated_normal(
    shape: Any,
    seed: Any,
    means: Any = 0.0,
    stddevs: Any = 1.0,
    minvals: Any = -2.0,
    maxvals: Any = 2.0,
    name: str | None = None,
) -> Any:
    """Normal numbers between bounds that depend on the arguments alone.

    Args:
        shape: shape of the result; ends with the broadcast shape of the parameters.
        seed: two integers.
        means: means before the truncation.
        stddevs: standard deviations before the truncation.
        minvals: lower bounds.
        maxvals: upper bounds.
        name: name of the node in a graph.
    """
    op = "StatelessParameterizedTruncatedNormal"
    return call(op, shape_input(shape), seed, means, stddevs, minvals, maxvals, name=name)


def split(seed: Any, num: Any = 2, alg: Any = "auto_select") -> Any:
    """Make seeds of a seed.

    Args:
        seed: two integers.
        num: how many seeds.
        alg: see `stateless_uniform`.

    Returns:
        Seeds [num, 2] in the type of `seed`.
    """
    seed = convert_to_tensor(seed)
    return stateless_uniform([num, 2], seed, None, None, seed.dtype, alg=alg)


def fold_in(seed: Any, data: Any, alg: Any = "auto_select") -> Any:
    """Make a seed of a seed and a number.

    Args:
        seed: two integers.
        data: an integer, for instance the number of a step.
        alg: see `stateless_uniform`.

    Returns:
        A seed [2] in the type of `data`.
    """
    data = convert_to_tensor(data)
    first = stateless_uniform([], seed, None, None, data.dtype, alg=alg)
    return call("Pack", [first, data], axis=0)


def index_shuffle(index: Any, seed: Any, max_index: Any) -> Any:
    """Place of `index` in a random order of 0 .. max_index, without making the whole order.

    Args:
        index: an integer or a vector of them, in [0, max_index].
        seed: two integers, or a matrix with two columns.
        max_index: largest index, an integer or a vector.
    """
    seed = convert_to_tensor(seed)
    rank = seed.shape.rank or 1
    paddings = [[1, 0]] + [[0, 0]] * (rank - 1) if rank == 1 else [[0, 0], [1, 0]]
    words = call("PadV2", seed, np.array(paddings, np.int32), _KEY_WORD)
    return call("RandomIndexShuffle", index, words, max_index, rounds=4)


def stateless_shuffle(
    value: Any, seed: Any, alg: Any = "auto_select", name: str | None = None
) -> Any:
    """Rows of `value` in an order that depends on the arguments alone.

    Args:
        value: a tensor of rank 1 or more.
        seed: two integers.
        alg: see `stateless_uniform`.
        name: name of the node in a graph.
    """
    return _keyed("StatelessShuffle", value, seed, alg, name=name)
