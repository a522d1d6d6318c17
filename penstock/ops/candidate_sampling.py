"""Samplers of classes for losses that look at few of many.

A generator's words are read one by one, as TensorFlow reads them, so these run on the host.
"""

from __future__ import annotations

import csv
import math
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.namespace import is_concrete
from penstock.ops.philox import Generator, unit_float32, unit_float64
from penstock.ops.random_stateful import initial_state, stateful_row
from penstock.ops.table import REQUIRED, op

# Words that TensorFlow sets aside per candidate.
_RESERVED_WORDS: Final = 2048
_OUTPUTS: Final = (
    "sampled_candidates: int64",
    "true_expected_count: float",
    "sampled_expected_count: float",
)
_ATTRS: Final = {
    "num_true": REQUIRED,
    "num_sampled": REQUIRED,
    "unique": REQUIRED,
    "range_max": REQUIRED,
}


class _Words:
    """The words of a stream, one after another."""

    def __init__(self, generator: Generator) -> None:
        self._stream = self._read(generator)

    def _read(self, generator: Generator) -> Iterator[int]:
        blocks = 16
        while True:
            yield from generator.words(4 * blocks).tolist()
            generator = generator.skip(blocks)
            blocks = min(2 * blocks, 4096)

    def word(self) -> int:
        """The next 32 bits."""
        return next(self._stream)

    def double_word(self) -> int:
        """The next 64 bits."""
        low = self.word()
        return low | self.word() << 32

    def below(self, bound: int, bits: int) -> int:
        """A number below `bound`, without bias, of words of 32 or 64 bits."""
        draw = self.word if bits == 32 else self.double_word
        if bound & (bound - 1) == 0:
            return draw() & (bound - 1)
        largest = (1 << bits) - 1
        rest = largest % bound + 1
        number = draw()
        while number < rest:
            number = draw()
        return number % bound

    def fraction(self) -> float:
        """A float32 in [0, 1)."""
        return float(unit_float32(np.array([self.word()], np.uint32))[0])

    def long_fraction(self) -> float:
        """A float64 in [0, 1)."""
        high, low = (np.array([self.word()], np.uint64) for _ in range(2))
        return float(unit_float64(high, low)[0])


class _Uniform:
    """Every class alike."""

    def __init__(self, size: int) -> None:
        self.size = size

    def sample(self, words: _Words) -> int:
        """Draw a class."""
        return words.below(self.size, 64)

    def probability(self, classes: Any) -> Any:
        """Probability of each class."""
        return np.full(np.shape(classes), 1.0 / self.size)


class _LogUniform:
    """Classes by about the inverse of their rank (Zipf's law)."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._log = math.log(size + 1)

    def sample(self, words: _Words) -> int:
        """Draw a class."""
        return (int(math.exp(words.long_fraction() * self._log)) - 1) % self.size

    def probability(self, classes: Any) -> Any:
        """Probability of each class."""
        return np.log((np.asarray(classes) + 2.0) / (np.asarray(classes) + 1.0)) / self._log


class _Weighted:
    """Classes by given weights (Walker's alias method)."""

    def __init__(self, weights: Sequence[float]) -> None:
        self._weights = np.array(weights, np.float32).astype(np.float64)
        total = float(self._weights.sum())
        self._share = self._weights / total
        count = self.size = len(self._weights)
        left = [float(weight) * count / total for weight in self._weights]
        self._other = list(range(count))
        high = [i for i, share in enumerate(left) if share >= 1]
        low = [i for i, share in enumerate(left) if share < 1]
        while high and low:
            small, large = low.pop(), high.pop()
            self._other[small] = large
            left[large] -= 1.0 - left[small]
            (low if left[large] < 1.0 else high).append(large)
        for i in (*high, *low):  # rounding left them a little off
            left[i] = 1.0
        self._keep = np.array(left, np.float32)

    def sample(self, words: _Words) -> int:
        """Draw a class."""
        chance = words.fraction()
        place = words.below(len(self._other), 32)
        return place if chance < self._keep[place] else self._other[place]

    def probability(self, classes: Any) -> Any:
        """Probability of each class."""
        return self._share[np.asarray(classes)]


class _Learned:
    """Classes by how often they were seen; all count once from the start."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.counts = np.ones(size, np.int64)

    def sample(self, words: _Words) -> int:
        """Draw a class."""
        edges = np.cumsum(self.counts)
        place = words.below(int(edges[-1]), 32)
        return int(np.searchsorted(edges, place, side="right"))

    def probability(self, classes: Any) -> Any:
        """Probability of each class."""
        return self.counts[np.asarray(classes)] / self.counts.sum()


def _draw(sampler: Any, words: _Words, count: int, unique: bool) -> tuple[Any, int]:
    """Candidates, and how many draws they took.

    Errors: InvalidArgumentError for more distinct candidates than classes.
    """
    if not unique:
        return np.array([sampler.sample(words) for _ in range(count)], np.int64), count
    size = sampler.size
    if count > size:
        raise InvalidArgumentError(
            f"num_sampled must be at most range_max {size} where unique, got {count}"
        )
    found: dict[int, None] = {}
    draws = 0
    while len(found) < count:
        found.setdefault(sampler.sample(words))
        draws += 1
    return np.array(list(found), np.int64), draws


def _expected(probability: Any, count: int, draws: int) -> Any:
    """How often classes are expected among the candidates."""
    if draws == count:
        return (probability * count).astype(np.float32)
    return (-np.expm1(draws * np.log1p(-probability))).astype(np.float32)


def _check(true_classes: Any, num_true: int, num_sampled: int, size: int) -> None:
    if not is_concrete(true_classes):
        np.asarray(true_classes)  # not known while compiling: the caller runs it on the host
    if true_classes.ndim != 2 or true_classes.shape[1] != num_true:
        raise InvalidArgumentError(
            f"true_classes must be [n, {num_true}], got shape {list(true_classes.shape)}"
        )
    if num_sampled <= 0:
        raise InvalidArgumentError(f"num_sampled must be positive, got {num_sampled}")
    if true_classes.size and not (true_classes.min() >= 0 and true_classes.max() < size):
        raise InvalidArgumentError(
            f"true_classes must be in [0, {size}), got {true_classes.min()} to "
            f"{true_classes.max()}"
        )


def _candidates(
    sampler: Any, generator: Generator, true_classes: Any, num_sampled: int, unique: bool
) -> tuple[Any, int]:
    words = _Words(generator)
    sampled, draws = _draw(sampler, words, num_sampled, unique)
    outputs = (
        sampled,
        _expected(sampler.probability(true_classes), num_sampled, draws),
        _expected(sampler.probability(sampled), num_sampled, draws),
    )
    return outputs, _RESERVED_WORDS * num_sampled // 4


def _shapes(true_classes: Any, *, num_sampled: int, **_: Any) -> tuple[TensorShape, ...]:
    return TensorShape([num_sampled]), true_classes.shape, TensorShape([num_sampled])


_ROW: Final[dict[str, Any]] = {
    "inputs": ("true_classes: int64",),
    "outputs": _OUTPUTS,
    "constant_inputs": (),
    "shape": _shapes,
}


@stateful_row("UniformCandidateSampler", attrs=_ATTRS, **_ROW)
def uniform_candidate_sampler(
    generator: Generator,
    true_classes: Any,
    *,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
) -> tuple[Any, int]:
    """Classes below `range_max`, all alike.

    Shape: true_classes [n, num_true] -> sampled_candidates [num_sampled],
        true_expected_count [n, num_true], sampled_expected_count [num_sampled].
    """
    _check(true_classes, num_true, num_sampled, range_max)
    sampler = _Uniform(range_max)
    return _candidates(sampler, generator, true_classes, num_sampled, unique)


@stateful_row("LogUniformCandidateSampler", attrs=_ATTRS, **_ROW)
def log_uniform_candidate_sampler(
    generator: Generator,
    true_classes: Any,
    *,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
) -> tuple[Any, int]:
    """Classes below `range_max`, the rarer the higher they are.

    Shape: true_classes [n, num_true] -> sampled_candidates [num_sampled],
        true_expected_count [n, num_true], sampled_expected_count [num_sampled].
    """
    _check(true_classes, num_true, num_sampled, range_max)
    sampler = _LogUniform(range_max)
    return _candidates(sampler, generator, true_classes, num_sampled, unique)


def _file_weights(path: str, distortion: float) -> list[float]:
    """Weights in the last column of a file of comma-separated lines."""
    with Path(path).open(newline="") as file:
        rows = [row for row in csv.reader(file) if row]
    return [float(row[-1]) ** distortion for row in rows]


@stateful_row(
    "FixedUnigramCandidateSampler",
    attrs={
        **_ATTRS,
        "vocab_file": "",
        "distortion": 1.0,
        "num_reserved_ids": 0,
        "num_shards": 1,
        "shard": 0,
        "unigrams": (),
    },
    **_ROW,
)
def fixed_unigram_candidate_sampler(
    generator: Generator,
    true_classes: Any,
    *,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    vocab_file: str,
    distortion: float,
    num_reserved_ids: int,
    num_shards: int,
    shard: int,
    unigrams: Sequence[float],
) -> tuple[Any, int]:
    """Classes by given weights, of a file or of `unigrams`.

    Shape: true_classes [n, num_true] -> sampled_candidates [num_sampled],
        true_expected_count [n, num_true], sampled_expected_count [num_sampled].
    Errors: InvalidArgumentError unless weights come from one place, and fit `range_max`.
    """
    if bool(vocab_file) == bool(unigrams):
        raise InvalidArgumentError("exactly one of vocab_file and unigrams must be given")
    if vocab_file:
        given = _file_weights(vocab_file, distortion)
    else:
        given = [float(weight) ** distortion for weight in unigrams]
    weights = ([0.0] * num_reserved_ids + given)[shard::num_shards]
    if len(weights) != range_max:
        raise InvalidArgumentError(f"range_max must be {len(weights)}, got {range_max}")
    _check(true_classes, num_true, num_sampled, range_max)
    sampler = _Weighted(weights)
    return _candidates(sampler, generator, true_classes, num_sampled, unique)


class _LearnedState:
    """Counts and generators of the instances of learned samplers."""

    def __init__(self) -> None:
        self._instances: dict[Any, tuple[_Learned, Any]] = {}
        self._lock = threading.Lock()

    def run(self, true_classes: Any, attrs: dict[str, Any]) -> Any:
        """Sample, then count the true classes."""
        key = tuple(sorted(attrs.items()))
        with self._lock:
            found = self._instances.get(key)
            if found is None:
                state = initial_state(attrs["seed"], attrs["seed2"])
                found = (_Learned(attrs["range_max"]), Generator(state[2:3], state[:2]))
            sampler, generator = found
            count, unique = attrs["num_sampled"], attrs["unique"]
            outputs, used = _candidates(sampler, generator, true_classes, count, unique)
            np.add.at(sampler.counts, true_classes.reshape(-1), 1)
            self._instances[key] = (sampler, generator.skip(used))
        return outputs


_LEARNED: Final = _LearnedState()


def _learned(true_classes: Any, **attrs: Any) -> Any:
    """Classes by how often the true classes named them in earlier calls.

    Shape: true_classes [n, num_true] -> sampled_candidates [num_sampled],
        true_expected_count [n, num_true], sampled_expected_count [num_sampled].
    """
    _check(true_classes, attrs["num_true"], attrs["num_sampled"], attrs["range_max"])
    return _LEARNED.run(true_classes, attrs)


for _name in ("LearnedUnigramCandidateSampler", "ThreadUnsafeUnigramCandidateSampler"):
    op(
        _name,
        inputs=("true_classes: int64",),
        outputs=_OUTPUTS,
        attrs={**_ATTRS, "seed": 0, "seed2": 0},
        kernel="host",
        stateful=True,
        differentiable=False,
        shape=_shapes,
    )(_learned)


@op(
    "AllCandidateSampler",
    inputs=("true_classes: int64",),
    outputs=_OUTPUTS,
    attrs={
        "num_true": REQUIRED,
        "num_sampled": REQUIRED,
        "unique": REQUIRED,
        "seed": 0,
        "seed2": 0,
    },
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=_shapes,
)
def all_candidate_sampler(
    true_classes: Any, *, num_true: int, num_sampled: int, unique: bool, seed: int, seed2: int
) -> tuple[Any, Any, Any]:
    """All classes, for checking the other samplers.

    Shape: true_classes [n, num_true] -> sampled_candidates [num_sampled],
        true_expected_count [n, num_true], sampled_expected_count [num_sampled].
    """
    del unique, seed, seed2  # every class comes once, whatever they say
    _check(true_classes, num_true, num_sampled, num_sampled)
    return (
        np.arange(num_sampled),
        np.ones(true_classes.shape, np.float32),
        np.ones(num_sampled, np.float32),
    )
