"""Samplers that draw until they accept, each number from a stream of its own.

Number `i` of an op reads the blocks from `256 * i` on, so all numbers can be made at once.
A sampler is a function that makes one attempt for every number; `_repeat` runs it until all
have accepted: compressed to the unfinished ones under numpy, masked in a loop under JAX.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

import jax
import numpy as np

from penstock.ops.distributions import polar_float64
from penstock.ops.namespace import namespace
from penstock.ops.philox import Generator, unit_float64

RESERVED_BLOCKS: Final = 256

Step = Callable[["Streams", dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Streams:
    """One stream per number: the generator they share and the array library in use."""

    generator: Generator
    xp: ModuleType

    def uniform(self, state: dict[str, Any], wanted: Any) -> tuple[Any, dict[str, Any]]:
        """Take a float64 in [0, 1) from each stream where `wanted`; a block holds two.

        The second one of a block comes first, as in TensorFlow.
        """
        return self._take(state, wanted, "uniform", self._uniform_pair)

    def normal(self, state: dict[str, Any], wanted: Any) -> tuple[Any, dict[str, Any]]:
        """Take a standard normal float64 from each stream where `wanted`."""
        return self._take(state, wanted, "normal", self._normal_pair)

    def _uniform_pair(self, block: Any) -> tuple[Any, Any]:
        w0, w1, w2, w3 = self.generator.blocks(block)
        return unit_float64(w0, w1), unit_float64(w2, w3)

    def _normal_pair(self, block: Any) -> tuple[Any, Any]:
        return polar_float64(self.xp, *self.generator.blocks(block))

    def _take(
        self, state: dict[str, Any], wanted: Any, kind: str, pair: Callable[..., Any]
    ) -> tuple[Any, dict[str, Any]]:
        where = self.xp.where
        kept, has_kept = state[kind], state[f"has_{kind}"]
        first, second = pair(state["block"])
        fresh = wanted & ~has_kept
        value = where(has_kept, kept, second)
        changed = {
            "block": where(fresh, state["block"] + np.uint64(1), state["block"]),
            kind: where(fresh, first, kept),
            f"has_{kind}": has_kept ^ wanted,
        }
        return value, {**state, **changed}


def _repeat(
    generator: Generator,
    step: Step,
    index: Any,
    given: dict[str, Any],
    spacing: Any = None,
) -> Any:
    """Run `step` until each number is accepted.

    Args:
        generator: the stream.
        step: takes and returns the state; sets `value` and, where it accepts, `done`.
        index: uint64 [n], the place of each number.
        given: further arrays [n] that the step reads.
        spacing: uint64 [n], blocks between the streams of two neighbours; by default 256.
    """
    xp = namespace(generator.key, generator.counter, *given.values())
    size, zero = index.shape, xp.zeros(index.shape, np.float64)
    no = xp.zeros(size, np.bool_)
    state = {
        **given,
        "block": index * np.uint64(RESERVED_BLOCKS) if spacing is None else index * spacing,
        "value": zero,
        "done": no,
        "uniform": zero,
        "has_uniform": no,
        "normal": zero,
        "has_normal": no,
    }
    streams = Streams(generator, xp)
    if xp is np:
        with np.errstate(all="ignore"):
            return _repeat_on_host(streams, step, state)

    def unfinished(state: dict[str, Any]) -> Any:
        return ~xp.all(state["done"])

    def attempt(state: dict[str, Any]) -> dict[str, Any]:
        done = state["done"]
        after = step(streams, state)
        return {name: xp.where(done, state[name], after[name]) for name in state}

    return jax.lax.while_loop(unfinished, attempt, state)["value"]


def _repeat_on_host(streams: Streams, step: Step, state: dict[str, Any]) -> Any:
    result = state["value"].copy()
    left = np.arange(len(result))
    while len(left):
        state = step(streams, state)
        done = state["done"]
        result[left[done]] = state["value"][done]
        left = left[~done]
        state = {name: array[~done] for name, array in state.items()}
    return result


def gamma(generator: Generator, index: Any, alpha: Any) -> Any:
    """Gamma numbers of scale 1.

    Shape: index uint64 [n], alpha float64 [n] -> float64 [n].
    Source: Marsaglia and Tsang, "A simple method for generating gamma variables", 2000.
    """
    return _repeat(generator, _gamma_attempt, index, {"alpha": alpha})


def _gamma_attempt(streams: Streams, state: dict[str, Any]) -> dict[str, Any]:
    xp, alpha = streams.xp, state["alpha"]
    exponential, small = alpha == 1.0, alpha < 1.0
    d = alpha + xp.where(small, 2.0 / 3, -1.0 / 3)
    c = 1.0 / 3 / xp.sqrt(d)
    x, state = streams.normal(state, ~exponential)
    v = 1 + c * x
    possible = exponential | (v > 0)
    v = xp.where(v > 0, v * v * v, 1.0)
    u, state = streams.uniform(state, possible)
    quick = u < 1 - 0.0331 * (x * x) * (x * x)
    slow = xp.log(u) < 0.5 * x * x + d * (1 - v + xp.log(v))
    # A NaN for alpha accepts nothing and would draw for ever.
    accepted = (possible & (exponential | quick | slow)) | xp.isnan(alpha)
    boost, state = streams.uniform(state, accepted & small)
    value = xp.where(small, d * v * boost ** (1 / alpha), d * v)
    value = xp.where(exponential, -xp.log1p(-u), value)
    return {**state, "value": value, "done": accepted}


def poisson(generator: Generator, index: Any, rate: Any, largest: float) -> Any:
    """Poisson numbers that do not exceed `largest`; NaN for a rate that is negative or NaN.

    Shape: index uint64 [n], rate float64 [n] -> float64 [n].
    Source: Knuth's products below a rate of 10; above it Hörmann, "The transformed rejection
        method for generating Poisson random variables", 1993, algorithm PTRS.
    """
    xp = namespace(generator.key, generator.counter, rate)
    given = {"rate": rate, "product": xp.ones(rate.shape), "count": xp.zeros(rate.shape)}

    def attempt(streams: Streams, state: dict[str, Any]) -> dict[str, Any]:
        return _poisson_attempt(streams, state, largest)

    return _repeat(generator, attempt, index, given)


def _poisson_attempt(streams: Streams, state: dict[str, Any], largest: float) -> dict[str, Any]:
    xp, rate = streams.xp, state["rate"]
    low, hopeless = rate < 10, ~(rate >= 0) | xp.isinf(rate)
    u, state = streams.uniform(state, ~hopeless)
    product = state["product"] * u
    few = low & (product <= xp.exp(-rate)) & (state["count"] <= largest)

    v, state = streams.uniform(state, ~low & ~hopeless)
    high = xp.where(low | hopeless, 10.0, rate)
    b = 0.931 + 2.53 * xp.sqrt(high)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    u = u - 0.5
    shifted = 0.5 - xp.abs(u)
    k = xp.floor((2 * a / shifted + b) * u + high + 0.43)
    quick = (shifted >= 0.07) & (v <= 0.9277 - 3.6224 / (b - 2))
    outside = (k < 0) | ((shifted < 0.013) & (v > shifted))
    s = xp.log(v * inverse_alpha / (a / (shifted * shifted) + b))
    t = -high + k * xp.log(high) - _log_factorial(xp, xp.maximum(k, 0.0))
    many = ~low & (k <= largest) & (quick | (~outside & (s <= t)))

    value = xp.where(low, state["count"], k)
    value = xp.where(hopeless, xp.where(xp.isinf(rate) & (rate > 0), rate, np.nan), value)
    changed = {"product": product, "count": state["count"] + 1, "value": value}
    return {**state, **changed, "done": few | many | hopeless}


_FACTORIALS: Final = np.array([math.lgamma(k + 1.0) for k in range(10)])


def _log_factorial(xp: ModuleType, k: Any) -> Any:
    """Logarithm of `k!` for whole `k`: a table, then Stirling's series."""
    x = xp.maximum(k, 10.0) + 1.0
    square = x * x
    tail = (
        1 / 12
        - (1 / 360 - (1 / 1260 - (1 / 1680 - 1 / 1188 / square) / square) / square) / square
    ) / x
    stirling = (x - 0.5) * xp.log(x) - x + 0.5 * math.log(2 * math.pi) + tail
    small = xp.asarray(_FACTORIALS)[xp.minimum(k, 9.0).astype(np.int64)]
    return xp.where(k < 10, small, stirling)


def binomial(generator: Generator, index: Any, count: Any, probability: Any) -> Any:
    """Numbers of successes; NaN where a parameter is impossible.

    Shape: index uint64 [n], count float64 [n], probability float64 [n] -> float64 [n].
    Source: sums of geometric numbers below a mean of 10; above it Hörmann, "The generation of
        binomial random variates", 1993, algorithm BTRS.
    """
    xp = namespace(generator.key, generator.counter, count, probability)
    zero = xp.zeros(count.shape)
    p = xp.where(probability > 0.5, 1 - probability, probability)
    impossible = ~(xp.isfinite(count) & (count >= 0) & (p >= 0) & (p <= 0.5))
    trivial = ((p == 0) | (count == 0)) & ~impossible
    given = {
        "count": count,
        "p": p,
        "many": (count * p >= 10) & ~impossible,
        "stop": impossible | trivial,
        "sum": zero,
        "successes": zero,
    }
    # TensorFlow spaces the two methods differently.
    spacing = xp.where(given["many"], np.uint64(RESERVED_BLOCKS), np.uint64(42))
    value = _repeat(generator, _binomial_attempt, index, given, spacing)
    value = xp.where(probability > 0.5, count - value, value)
    return xp.where(impossible, np.nan, value)


def _binomial_attempt(streams: Streams, state: dict[str, Any]) -> dict[str, Any]:
    xp, n, p = streams.xp, state["count"], state["p"]
    stop, many = state["stop"], state["many"]
    u, state = streams.uniform(state, ~stop)
    total = state["sum"] + xp.ceil(xp.log(u) / xp.log1p(-p))
    v, state = streams.uniform(state, many)
    k, accepted = _btrs(xp, xp.where(many, n, 40.0), xp.where(many, p, 0.5), u, v)
    changed = {
        "sum": total,
        "successes": state["successes"] + 1,
        "value": xp.where(many, k, xp.where(stop, 0.0, state["successes"])),
        "done": stop | xp.where(many, accepted, total > n),
    }
    return {**state, **changed}


def _btrs(xp: ModuleType, n: Any, p: Any, u: Any, v: Any) -> tuple[Any, Any]:
    """One attempt of Hörmann's algorithm: the number and whether it is accepted."""
    deviation = xp.sqrt(n * p * (1 - p))
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * p
    c = n * p + 0.5
    ratio = p / (1 - p)
    alpha = (2.83 + 5.1 / b) * deviation
    mode = xp.floor((n + 1) * p)
    u = u - 0.5
    shifted = 0.5 - xp.abs(u)
    k = xp.floor((2 * a / shifted + b) * u + c)
    quick = (shifted >= 0.07) & (v <= 0.92 - 4.2 / b)
    inside = (k >= 0) & (k <= n)
    safe = xp.clip(k, 0.0, n)
    bound = (
        (mode + 0.5) * xp.log((mode + 1) / (ratio * (n - mode + 1)))
        + (n + 1) * xp.log((n - mode + 1) / (n - safe + 1))
        + (safe + 0.5) * xp.log(ratio * (n - safe + 1) / (safe + 1))
        + _stirling_tail(xp, mode)
        + _stirling_tail(xp, n - mode)
        - _stirling_tail(xp, safe)
        - _stirling_tail(xp, n - safe)
    )
    slow = inside & (xp.log(v * alpha / (a / (shifted * shifted) + b)) <= bound)
    return k, quick | slow


_TAILS: Final = np.array(
    [
        math.lgamma(k + 1.0)
        - ((k + 0.5) * math.log(k + 1.0) - (k + 1.0) + 0.5 * math.log(2 * math.pi))
        for k in range(10)
    ]
)


def _stirling_tail(xp: ModuleType, k: Any) -> Any:
    """What Stirling's formula lacks of `log(k!)`."""
    square = (k + 1) * (k + 1)
    series = (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (k + 1)
    return xp.where(k < 10, xp.asarray(_TAILS)[xp.clip(k, 0, 9).astype(np.int64)], series)
