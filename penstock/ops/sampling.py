"""Random ops with parameters: gamma, Poisson, binomial, categorical numbers, and shuffles."""

from __future__ import annotations

import math
from typing import Any, Final

import jax
import numpy as np

from penstock.core.dtypes import DType, int64
from penstock.core.errors import InvalidArgumentError
from penstock.ops import rejection
from penstock.ops.checks import require
from penstock.ops.namespace import namespace
from penstock.ops.philox import Generator, unit_float64
from penstock.ops.random import dims_of, keyed, seeded
from penstock.ops.table import REQUIRED, gradient, op
from penstock.ops.truncated import truncated_batches


def _per_parameter(shape: tuple[int, ...], parameters: tuple[int, ...]) -> tuple[int, Any]:
    """Places in the stream of numbers of `shape`, whose last axes are those of `parameters`.

    All numbers of one parameter follow one another in the stream; in the result they are apart.

    Returns:
        How many numbers each parameter gets, and the places, uint64 [numbers].
    Errors: InvalidArgumentError when `shape` does not end with `parameters`.
    """
    if parameters and shape[len(shape) - len(parameters) :] != parameters:
        raise InvalidArgumentError(
            f"shape must end with the parameters' shape {list(parameters)}, got {list(shape)}"
        )
    count = math.prod(parameters)
    each = math.prod(shape[: len(shape) - len(parameters)])
    places = np.arange(count) * each + np.arange(each)[:, None]
    return each, places.astype(np.uint64).reshape(-1)


def gamma_numbers(generator: Generator, shape: tuple[int, ...], alpha: Any) -> Any:
    """Gamma numbers of `shape`, which ends with alpha's shape, in the type of `alpha`."""
    xp = namespace(generator.key, alpha)
    each, places = _per_parameter(shape, tuple(alpha.shape))
    wide = xp.tile(alpha.astype(np.float64).reshape(-1), each)
    return rejection.gamma(generator, places, wide).astype(alpha.dtype).reshape(shape)


def poisson_numbers(
    generator: Generator, shape: tuple[int, ...], rate: Any, dtype: DType
) -> Any:
    """Poisson numbers of `shape`, which ends with the shape of `rate`."""
    xp = namespace(generator.key, rate)
    each, places = _per_parameter(shape, tuple(rate.shape))
    wide = xp.tile(rate.astype(np.float64).reshape(-1), each)
    numbers = rejection.poisson(generator, places, wide, float(dtype.max))
    with np.errstate(invalid="ignore", over="ignore"):
        return numbers.astype(dtype.np).reshape(shape)


@op(
    "StatelessRandomGammaV2",
    inputs=("shape: T", "seed: Tseed", "alpha: dtype"),
    outputs=("output: dtype",),
    constant_inputs=("shape",),
)
def stateless_random_gamma_v2(shape: Any, seed: Any, alpha: Any) -> Any:
    """Gamma numbers of scale 1.

    Shape: shape [d], seed [2], alpha [...] -> output [shape], which ends with alpha's shape.
    """
    return gamma_numbers(seeded(seed), dims_of(shape), alpha)


@op(
    "StatelessRandomGammaV3",
    inputs=(
        "shape: shape_dtype",
        "key: uint64",
        "counter: uint64",
        "alg: int32",
        "alpha: dtype",
    ),
    outputs=("output: dtype",),
    constant_inputs=("shape",),
)
def stateless_random_gamma_v3(shape: Any, key: Any, counter: Any, alg: Any, alpha: Any) -> Any:
    """Gamma numbers of scale 1.

    Shape: shape [d], key [1], counter [2], alg [], alpha [...] -> output [shape].
    """
    return gamma_numbers(keyed(key, counter, alg), dims_of(shape), alpha)


@op(
    "RandomGammaGrad",
    inputs=("alpha: T", "sample: T"),
    outputs=("output: T",),
    kernel="device",
    differentiable=False,
)
def random_gamma_grad(alpha: Any, sample: Any) -> Any:
    """Derivative of a gamma number with respect to its parameter.

    Shape: alpha [...], sample [...] -> output [...], broadcast together.
    Source: Figurnov, Mohamed and Mnih, "Implicit reparameterization gradients", 2018.
    """
    alpha, sample = jax.numpy.broadcast_arrays(alpha, sample)
    return jax.lax.random_gamma_grad(alpha, sample)


def gamma_gradient(g: Any, grad: Any, position: int) -> tuple[Any, ...]:
    """Gradients of a gamma op whose parameter is input `position`."""
    gradients = [None] * len(g.inputs)
    if g.needs(position):
        alpha = g.inputs[position]
        slope = g.call("RandomGammaGrad", alpha, g.outputs[0])
        gradients[position] = g.reduce_to(g.call("Mul", grad, slope), alpha)
    return tuple(gradients)


@gradient("StatelessRandomGammaV2")
def stateless_random_gamma_v2_gradient(g: Any, grad: Any) -> tuple[Any, ...]:
    """Let the numbers move with their parameter."""
    return gamma_gradient(g, grad, 2)


@gradient("StatelessRandomGammaV3")
def stateless_random_gamma_v3_gradient(g: Any, grad: Any) -> tuple[Any, ...]:
    """Let the numbers move with their parameter."""
    return gamma_gradient(g, grad, 4)


@op(
    "StatelessRandomPoisson",
    inputs=("shape: T", "seed: Tseed", "lam: Rtype"),
    outputs=("output: dtype",),
    attrs={"dtype": REQUIRED},
    constant_inputs=("shape",),
    differentiable=False,
)
def stateless_random_poisson(shape: Any, seed: Any, lam: Any, *, dtype: DType) -> Any:
    """Poisson numbers.

    Shape: shape [d], seed [2], lam [...] -> output [shape], which ends with lam's shape.
    """
    return poisson_numbers(seeded(seed), dims_of(shape), lam, dtype)


def binomial_numbers(
    generator: Generator, shape: tuple[int, ...], counts: Any, probs: Any, dtype: DType
) -> Any:
    """Binomial numbers of `shape`, which ends with the parameters' broadcast shape."""
    xp = namespace(generator.key, counts, probs)
    try:
        counts, probs = xp.broadcast_arrays(counts, probs)
    except ValueError:
        raise InvalidArgumentError(
            f"counts and probs must broadcast, got {counts.shape} and {probs.shape}"
        ) from None
    each, places = _per_parameter(shape, tuple(counts.shape))
    wide = [xp.tile(value.astype(np.float64).reshape(-1), each) for value in (counts, probs)]
    numbers = rejection.binomial(generator, places, *wide)
    with np.errstate(invalid="ignore", over="ignore"):
        return numbers.astype(dtype.np).reshape(shape)


@op(
    "StatelessRandomBinomial",
    inputs=("shape: S", "seed: Tseed", "counts: T", "probs: T"),
    outputs=("output: dtype",),
    attrs={"dtype": int64},
    constant_inputs=("shape",),
    differentiable=False,
)
def stateless_random_binomial(
    shape: Any, seed: Any, counts: Any, probs: Any, *, dtype: DType
) -> Any:
    """Numbers of successes among `counts` trials.

    Shape: shape [d], seed [2], counts [...], probs [...] -> output [shape], which ends with the
        broadcast shape of counts and probs.
    """
    return binomial_numbers(seeded(seed), dims_of(shape), counts, probs, dtype)


def categorical_numbers(
    generator: Generator, logits: Any, num_samples: Any, dtype: DType
) -> Any:
    """Classes drawn with unnormalised log-probabilities `logits`, row after row of one stream.

    Errors: InvalidArgumentError unless logits is a matrix with a class and num_samples >= 0.
    """
    if logits.ndim != 2 or logits.shape[1] == 0:
        raise InvalidArgumentError(
            f"logits must be a matrix with at least one class, got shape {list(logits.shape)}"
        )
    each = int(num_samples)
    if each < 0:
        raise InvalidArgumentError(f"num_samples must not be negative, got {each}")
    xp = namespace(generator.key, logits)
    words = generator.double_words(logits.shape[0] * each)
    numbers = unit_float64(words & np.uint64(0xFFFFFFFF), words >> np.uint64(32))
    finite = xp.isfinite(logits.astype(np.float64))
    wide = xp.where(finite, logits.astype(np.float64), -np.inf)
    largest = xp.max(wide, axis=1, keepdims=True)
    weights = xp.exp(wide - xp.where(xp.isfinite(largest), largest, 0.0))
    totals = xp.cumsum(weights, axis=1)
    wanted = numbers.reshape(-1, each) * totals[:, -1:]
    if xp is np:
        rows = [
            np.searchsorted(row, at, side="right")
            for row, at in zip(totals, wanted, strict=True)
        ]
        return np.array(rows, dtype.np).reshape(wanted.shape)
    find: Any = jax.vmap(lambda row, at: xp.searchsorted(row, at, side="right"))
    return find(totals, wanted).astype(dtype.np)


@op(
    "StatelessMultinomial",
    inputs=("logits: T", "num_samples: int32", "seed: Tseed"),
    outputs=("output: output_dtype",),
    attrs={"output_dtype": int64},
    constant_inputs=("num_samples",),
    differentiable=False,
)
def stateless_multinomial(
    logits: Any, num_samples: Any, seed: Any, *, output_dtype: DType
) -> Any:
    """Classes drawn with unnormalised log-probabilities.

    Shape: logits [n, c], num_samples [], seed [2] -> output [n, num_samples].
    """
    return categorical_numbers(seeded(seed), logits, num_samples, output_dtype)


def permutation(generator: Generator, size: int) -> Any:
    """An order of `size` rows: each place in turn swaps with one behind it, or with itself.

    Shape: -> int64 [size].
    """
    words = generator.words(size)
    xp = generator.xp
    if xp is np:
        order = list(range(size))
        left = size
        for i, word in enumerate(words[: size - 1].tolist()):
            j = i + word % left
            order[i], order[j] = order[j], order[i]
            left -= 1
        return np.array(order, np.int64)
    offsets = words % xp.arange(size, 0, -1).astype(np.uint32)

    def swap(i: Any, order: Any) -> Any:
        j = i + offsets[i].astype(np.int64)
        here, there = order[i], order[j]
        return order.at[i].set(there).at[j].set(here)

    return jax.lax.fori_loop(0, max(size - 1, 0), swap, xp.arange(size))


def shuffled(generator: Generator, value: Any) -> Any:
    """The rows of `value` in a random order.

    Errors: InvalidArgumentError when `value` is a scalar.
    """
    if value.ndim == 0:
        return value
    if value.shape[0] < 2:
        return value
    return namespace(generator.key, value).take(
        value, permutation(generator, value.shape[0]), axis=0
    )


@op(
    "StatelessShuffle",
    inputs=("value: T", "key: uint64", "counter: uint64", "alg: int32"),
    outputs=("output: T",),
    shape="same",
    differentiable=False,
)
def stateless_shuffle(value: Any, key: Any, counter: Any, alg: Any) -> Any:
    """Rows in a random order.

    Shape: value [n, ...], key [1], counter [2], alg [] -> output [n, ...].
    """
    return shuffled(keyed(key, counter, alg), value)


_MIN_BLOCK_BITS: Final = 16
_SCHEDULE_BITS: Final = 0x7369F885192C0EF5
_SCHEDULE_CONSTANT: Final = 0xFFFFFFFC
_LOOSE_KEY_WORDS: Final = 3


@op(
    "RandomIndexShuffle",
    inputs=("index: dtype", "seed: Tseed", "max_index: dtype"),
    outputs=("output: dtype",),
    attrs={"rounds": 4},
    differentiable=False,
)
def random_index_shuffle(index: Any, seed: Any, max_index: Any, *, rounds: int) -> Any:
    """Place of `index` after a random permutation of 0 .. max_index.

    Shape: index [] or [n], seed [3] or [n, 3], max_index [] or [n] -> output [] or [n].
    Errors: InvalidArgumentError for negative or too large indices, or another seed shape.
    Source: the block cipher Simon (Beaulieu et al., 2013) with blocks just wide enough, applied
        until the result is in range.
    """
    if rounds < 4 or rounds % 2:
        raise InvalidArgumentError(f"rounds must be even and at least 4, got {rounds}")
    if seed.ndim not in (1, 2) or seed.shape[-1] != _LOOSE_KEY_WORDS:
        raise InvalidArgumentError(
            f"seed must have shape [3] or [n, 3], got {list(seed.shape)}"
        )
    xp = namespace(index, seed, max_index)
    require(
        (index >= 0) & (index <= max_index),
        InvalidArgumentError,
        "index must be in [0, max_index]",
    )
    sizes = {array.shape[0] for array in (index, max_index) if array.ndim}
    sizes |= {seed.shape[0]} if seed.ndim == 2 else set()
    if len(sizes) > 1:
        raise InvalidArgumentError(f"vectors must be of one length, got {sorted(sizes)}")
    size = sizes.pop() if sizes else 1
    is_scalar = not (index.ndim or max_index.ndim or seed.ndim == 2)
    start, last = (
        xp.broadcast_to(array.reshape(-1).astype(np.uint64), (size,))
        for array in (index, max_index)
    )
    words = xp.broadcast_to(seed.reshape(-1, 3), (size, 3)).astype(np.uint32).astype(np.uint64)
    result = _cycle(xp, start, last, words, rounds).astype(index.dtype)
    return result.reshape(()) if is_scalar else result


def _cycle(xp: Any, start: Any, last: Any, words: Any, rounds: int) -> Any:
    one = np.uint64(1)
    powers = np.array([1 << shift for shift in range(64)], np.uint64)
    bits = xp.searchsorted(powers, last).astype(np.uint64)
    width = xp.maximum(bits + bits % np.uint64(2), np.uint64(_MIN_BLOCK_BITS)) >> one
    mask = (one << width) - one
    keys = _schedule(words, width, mask, rounds)

    def encrypt(value: Any) -> Any:
        left, right = (value >> width) & mask, value & mask
        for first, second in zip(keys[::2], keys[1::2], strict=True):
            left = left ^ _mix(right, width, mask) ^ first
            right = right ^ _mix(left, width, mask) ^ second
        return (left << width) | right

    value = encrypt(start)
    if xp is np:
        while (value > last).any():
            value = np.where(value > last, encrypt(value), value)
        return value
    return jax.lax.while_loop(
        lambda value: xp.any(value > last),
        lambda value: xp.where(value > last, encrypt(value), value),
        value,
    )


def _rotate(value: Any, left: int, width: Any, mask: Any) -> Any:
    shift = np.uint64(left)
    return ((value << shift) | (value >> (width - shift))) & mask


def _mix(value: Any, width: Any, mask: Any) -> Any:
    return (_rotate(value, 1, width, mask) & _rotate(value, 8, width, mask)) ^ _rotate(
        value, 2, width, mask
    )


def _schedule(words: Any, width: Any, mask: Any, rounds: int) -> list[Any]:
    keys = [words[:, i] & mask for i in range(_LOOSE_KEY_WORDS)]
    back = width - np.uint64(3), width - np.uint64(4)
    for i in range(_LOOSE_KEY_WORDS, rounds):
        last = keys[-1]
        turned = [
            ((last >> np.uint64(n)) | (last << shift)) & mask
            for n, shift in zip((3, 4), back, strict=True)
        ]
        bit = np.uint64(_SCHEDULE_BITS >> (i - _LOOSE_KEY_WORDS) & 1)
        constant = np.uint64(_SCHEDULE_CONSTANT) & mask
        keys.append(constant ^ bit ^ keys[i - 3] ^ turned[0] ^ turned[1])
    return keys


@op(
    "StatelessParameterizedTruncatedNormal",
    inputs=(
        "shape: S",
        "seed: Tseed",
        "means: dtype",
        "stddevs: dtype",
        "minvals: dtype",
        "maxvals: dtype",
    ),
    outputs=("output: dtype",),
    kernel="host",
    constant_inputs=("shape",),
    differentiable=False,
)
def stateless_parameterized_truncated_normal(  # noqa: PLR0917  (as many inputs as the op has)
    shape: Any, seed: Any, means: Any, stddevs: Any, minvals: Any, maxvals: Any
) -> Any:
    """Normal numbers between two bounds.

    Shape: shape [d], seed [2], means [...], stddevs [...], minvals [...], maxvals [...] ->
        output [shape], which ends with the parameters' broadcast shape.
    Errors: InvalidArgumentError unless stddev > 0, minval < maxval and one of them is finite.
    """
    dims = dims_of(shape)
    parameters = np.broadcast_arrays(means, stddevs, minvals, maxvals)
    each, _ = _per_parameter(dims, parameters[0].shape)
    rows = np.stack([array.reshape(-1) for array in parameters], axis=-1)
    batches = truncated_batches(seeded(seed), rows, each)
    return np.ascontiguousarray(batches.T).reshape(dims)
