"""`tf.random.Generator`: random numbers whose state is a variable."""

from __future__ import annotations

from collections.abc import Sequence
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
from penstock.runtime.context import init_scope
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.trackable import AutoTrackable
from penstock.runtime.variable import Variable

_FLOATS = ("float16", "bfloat16", "float32", "float64")
_INTEGERS = ("int32", "int64", "uint32", "uint64")
_WORDS = {Algorithm.PHILOX.value: 3, Algorithm.THREEFRY.value: 2}


def _known_algorithm(alg: Any) -> int:
    number = algorithm_number(Algorithm.PHILOX if alg is None else alg)
    return Algorithm.PHILOX.value if number == Algorithm.AUTO_SELECT.value else number


def _seed_words(seed: Any, count: int) -> Any:
    """The first `count` words of 64 bits of a seed: an integer of any size, or words."""
    if isinstance(seed, int) and not isinstance(seed, bool):
        parts = [seed >> 64 * i & 0xFFFFFFFFFFFFFFFF for i in range(count)]
        return np.array(parts, np.uint64).astype(np.int64)
    words = np.asarray(seed)
    if words.dtype.kind not in "iu" or words.ndim > 1:
        raise ValueError(f"seed must be an integer or a vector of integers, got {seed!r}")
    words = words.astype(np.int64).reshape(-1)[:count]
    return np.concatenate([np.zeros(count - len(words), np.int64), words])


def create_rng_state(seed: Any, alg: Any) -> Any:
    """The state of a generator, as an int64 vector.

    Args:
        seed: an integer of any size, or a vector of integers.
        alg: name, number or member of `tf.random.Algorithm`.

    Example:
        >>> import penstock as tf
        >>> tf.random.create_rng_state(7, "philox").numpy().tolist()
        [7, 0, 0]
    """
    return convert_to_tensor(_seed_words(seed, _WORDS[_known_algorithm(alg)]), dtypes.int64)


class Generator(AutoTrackable):
    """A stream of random numbers; each draw moves it on.

    Args:
        copy_from: a generator whose state and algorithm to take.
        state: int64 numbers, see `from_state`; with `alg`, where `copy_from` is not given.
        alg: name, number or member of `tf.random.Algorithm`.

    Example:
        >>> import penstock as tf
        >>> generator = tf.random.Generator.from_seed(1)
        >>> generator.normal([2, 3]).shape
        TensorShape([2, 3])
    """

    def __init__(
        self, copy_from: Generator | None = None, state: Any = None, alg: Any = None
    ) -> None:
        if copy_from is not None:
            if state is not None or alg is not None:
                raise ValueError("state and alg must not be given together with copy_from")
            self._alg = copy_from.algorithm
            first = copy_from.state
        else:
            if state is None or alg is None:
                raise ValueError("state and alg must be given where copy_from is not")
            self._alg = _known_algorithm(alg)
            first = convert_to_tensor(state, dtypes.int64)
        if first.shape.rank != 1 or (first.shape[0] or 0) < _WORDS[self._alg]:
            raise ValueError(
                f"state must be a vector of at least {_WORDS[self._alg]} numbers, got shape "
                f"{first.shape}"
            )
        self._state_var = Variable(
            first.read_value() if isinstance(first, Variable) else first,
            trainable=False,
            name="StateVar",
            dtype=dtypes.int64,
        )

    @classmethod
    def from_state(cls, state: Any, alg: Any) -> Generator:
        """Make a generator of a state.

        Args:
            state: int64 numbers: the two halves of the counter, low one first, and the key.
            alg: name, number or member of `tf.random.Algorithm`.
        """
        return cls(state=state, alg=alg)

    @classmethod
    def from_seed(cls, seed: Any, alg: Any = None) -> Generator:
        """Make a generator of a seed: an integer of any size, or a vector of integers."""
        number = _known_algorithm(alg)
        return cls(state=create_rng_state(seed, number), alg=number)

    @classmethod
    def from_non_deterministic_state(cls, alg: Any = None) -> Generator:
        """Make a generator that nobody can foretell."""
        number = _known_algorithm(alg)
        with init_scope():
            words = call("NonDeterministicInts", [_WORDS[number]], dtype=dtypes.int64)
            return cls(state=words, alg=number)

    @classmethod
    def from_key_counter(cls, key: Any, counter: Any, alg: Any) -> Generator:
        """Make a generator of a key, a scalar, and a counter of two numbers, low half first."""
        return cls(state=_state_of(key, counter), alg=alg)

    @property
    def state(self) -> Variable:
        """The variable that holds the state."""
        return self._state_var

    @property
    def algorithm(self) -> int:
        """Number of the algorithm, see `tf.random.Algorithm`."""
        return self._alg

    @property
    def key(self) -> Any:
        """The key, a scalar."""
        return self._state_var[-1]

    def reset(self, state: Any) -> None:
        """Put the generator into a state, see `from_state`."""
        self._state_var.assign(convert_to_tensor(state, dtypes.int64))

    def reset_from_seed(self, seed: Any) -> None:
        """Put the generator into the state that `from_seed` gives."""
        self.reset(create_rng_state(seed, self._alg))

    def reset_from_key_counter(self, key: Any, counter: Any) -> None:
        """Put the generator into the state that `from_key_counter` gives."""
        self.reset(_state_of(key, counter))

    def skip(self, delta: Any) -> Any:
        """Move on as if `delta` numbers had been drawn.

        Returns:
            The state before.
        """
        delta = convert_to_tensor(delta)
        if delta.dtype is not dtypes.uint64:
            delta = call("Cast", delta, DstT=dtypes.uint64)
        return call("RngReadAndSkip", self._state_var.handle, np.int32(self._alg), delta)

    def _draw(self, op: str, shape: Any, *more: Any, **attrs: Any) -> Any:
        """Call a stateless op with the key and counter of here, and move on."""
        shape = convert_to_tensor(shape_input(shape))
        count = call("Prod", shape, np.zeros(1, np.int32), keep_dims=False)
        before = self.skip(count)
        words = call("Bitcast", before, type=dtypes.uint64)
        return call(op, shape, words[2:3], words[:2], np.int32(self._alg), *more, **attrs)

    def normal(
        self,
        shape: Any,
        mean: Any = 0.0,
        stddev: Any = 1.0,
        dtype: Any = dtypes.float32,
        name: str | None = None,
    ) -> Any:
        """Normal numbers.

        Args:
            shape: shape of the result.
            mean: mean of the numbers.
            stddev: their standard deviation.
            dtype: type of the result.
            name: name of the node in a graph.
        """
        kind = as_dtype(dtype)
        rnd = self._draw("StatelessRandomNormalV2", shape, dtype=kind)
        return spread(rnd, mean, stddev, kind, name)

    def truncated_normal(
        self,
        shape: Any,
        mean: Any = 0.0,
        stddev: Any = 1.0,
        dtype: Any = dtypes.float32,
        name: str | None = None,
    ) -> Any:
        """Normal numbers within two standard deviations of the mean.

        Args:
            shape: shape of the result.
            mean: mean of the numbers.
            stddev: standard deviation before the truncation.
            dtype: type of the result.
            name: name of the node in a graph.
        """
        kind = as_dtype(dtype)
        rnd = self._draw("StatelessTruncatedNormalV2", shape, dtype=kind)
        return spread(rnd, mean, stddev, kind, name)

    def uniform(
        self,
        shape: Any,
        minval: Any = 0,
        maxval: Any = None,
        dtype: Any = dtypes.float32,
        name: str | None = None,
    ) -> Any:
        """Uniform numbers in [minval, maxval).

        Args:
            shape: shape of the result.
            minval: lower bound.
            maxval: upper bound, excluded; None for 1 with floating types.
            dtype: type of the result.
            name: name of the node in a graph.
        """
        kind = as_dtype(dtype)
        if kind.is_integer:
            if (minval is None) != (maxval is None):
                raise ValueError(
                    f"minval and maxval must both be None or not None for {kind.name}, got "
                    f"minval={minval} and maxval={maxval}"
                )
            if minval is None:
                return self.uniform_full_int(shape, kind, name)
            low, high = convert_to_tensor(minval, kind), convert_to_tensor(maxval, kind)
            return self._draw("StatelessRandomUniformIntV2", shape, low, high, name=name)
        rnd = self._draw("StatelessRandomUniformV2", shape, dtype=accepted(kind, _FLOATS))
        return scaled(rnd, minval, 1 if maxval is None else maxval, kind, name)

    def uniform_full_int(
        self, shape: Any, dtype: Any = dtypes.uint64, name: str | None = None
    ) -> Any:
        """Integers over the whole range of their type.

        Args:
            shape: shape of the result.
            dtype: int32, int64, uint32 or uint64.
            name: name of the node in a graph.
        """
        kind = accepted(dtype, _INTEGERS)
        return self._draw("StatelessRandomUniformFullIntV2", shape, dtype=kind, name=name)

    def binomial(
        self,
        shape: Any,
        counts: Any,
        probs: Any,
        dtype: Any = dtypes.int32,
        name: str | None = None,
    ) -> Any:
        """Numbers of successes.

        Args:
            shape: shape of the result; ends with the broadcast shape of counts and probs.
            counts: numbers of trials.
            probs: probabilities of success.
            dtype: type of the result.
            name: name of the node in a graph.
        """
        counts = convert_to_tensor(counts)
        probs = convert_to_tensor(probs, dtype_hint=counts.dtype)
        return call(
            "StatefulRandomBinomial",
            self._state_var.handle,
            np.int64(self._alg),
            shape_input(shape),
            counts,
            probs,
            dtype=as_dtype(dtype),
            name=name,
        )

    def make_seeds(self, count: Any = 1) -> Any:
        """Seeds for stateless functions.

        Args:
            count: how many.

        Returns:
            An int64 matrix [2, count]; each column is a seed.
        """
        keys = self.uniform_full_int([count], dtypes.int64)
        return call("Pack", [keys, call("ZerosLike", keys)], axis=0)

    def split(self, count: int = 1) -> list[Generator]:
        """Independent generators made of this one, which moves on.

        Args:
            count: how many.
        """
        keys = self.uniform_full_int([count], dtypes.int64)
        zeros = [0] * (_WORDS[self._alg] - 1)
        return [type(self)(state=[*zeros, keys[i]], alg=self._alg) for i in range(count)]


def _state_of(key: Any, counter: Any) -> Any:
    key, counter = (
        convert_to_tensor(key, dtypes.int64),
        convert_to_tensor(counter, dtypes.int64),
    )
    if key.shape.rank != 0 or counter.shape.rank != 1:
        raise ValueError(
            f"key must be a scalar and counter a vector, got shapes {key.shape} and "
            f"{counter.shape}"
        )
    return call("ConcatV2", [counter, call("ExpandDims", key, 0)], 0)


_global: list[Generator] = []


def get_global_generator() -> Generator:
    """The generator that the whole process shares; unpredictable until it is set."""
    if not _global:
        set_global_generator(Generator.from_non_deterministic_state())
    return _global[0]


def set_global_generator(generator: Generator) -> None:
    """Replace the generator that the whole process shares."""
    _global[:] = [generator]


__all__: Sequence[str] = [
    "Generator",
    "create_rng_state",
    "get_global_generator",
    "set_global_generator",
]
