"""Random ops that go on where their last call ended.

Each instance of such an op owns a Philox generator made of its attrs `seed` and `seed2`. As a
function the op takes and returns the generator's state, uint64 [3]: the two halves of the
counter, low one first, and the key. `STATEFUL_TO_STATELESS` holds these functions for
whoever threads the state through a graph. In eager execution an instance is a combination of op
and attrs, and `EagerGenerators` remembers its state.
"""

from __future__ import annotations

import math
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from penstock.core.dtypes import DType, int64
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.ops import distributions, sampling
from penstock.ops.namespace import namespace
from penstock.ops.philox import Generator
from penstock.ops.random import dims_of, shaped, uniform_ints
from penstock.ops.shapes import shape_from, value_of
from penstock.ops.table import REQUIRED, gradient, op
from penstock.ops.truncated import truncated_batches

# Blocks that TensorFlow sets aside per number, whatever the number needs.
_RESERVED: Final = 256

# Of `ParameterizedTruncatedNormal`: numbers per batch, and attempts that a number may take.
_BATCH: Final = 100
_ITERATIONS: Final = 1000

_REMEMBERED: Final = 1 << 16

StatelessForm = Callable[..., tuple[Any, Any]]
STATEFUL_TO_STATELESS: dict[str, StatelessForm] = {}


def initial_state(seed: int, seed2: int) -> Any:
    """The state of an op instance before its first call; both seeds 0 ask for a random one."""
    if seed == 0 and seed2 == 0:
        seed, seed2 = secrets.randbits(64), secrets.randbits(64)
    mask = 0xFFFFFFFFFFFFFFFF
    return np.array([0, seed2 & mask, seed & mask], np.uint64)


class EagerGenerators:
    """The states of the op instances of eager execution, the last used ones."""

    def __init__(self) -> None:
        self._states: OrderedDict[Any, Any] = OrderedDict()
        self._lock = threading.Lock()
        # How often everything started afresh: what remembers states elsewhere compares this.
        self.epoch = 0

    def run(self, name: str, inputs: Sequence[Any], attrs: Mapping[str, Any]) -> Any:
        """Call the op `name` and keep its new state."""
        key = (name, tuple(sorted(attrs.items(), key=lambda item: item[0])))
        with self._lock:
            state = self._states.pop(key, None)
            if state is None:
                state = initial_state(attrs["seed"], attrs["seed2"])
            sample, self._states[key] = STATEFUL_TO_STATELESS[name](state, *inputs, **attrs)
            while len(self._states) > _REMEMBERED:
                self._states.popitem(last=False)
        return sample

    def clear(self) -> None:
        """Let every instance start afresh: what setting the global seed does."""
        with self._lock:
            self._states.clear()
            self.epoch += 1


EAGER_GENERATORS: Final = EagerGenerators()


def _drawn_shape(shape: Any, *_: Any, **__: Any) -> TensorShape:
    return shape_from(shape)


def _each_shape(shape: Any, parameter: Any, **_: Any) -> TensorShape:
    """A block of numbers for each parameter."""
    block: TensorShape = shape_from(shape)
    return block.concatenate(parameter.shape)


def _classes_shape(logits: Any, num_samples: Any, **_: Any) -> TensorShape:
    if logits.shape.rank is None:
        return TensorShape.of((None, value_of(num_samples)))
    return TensorShape.of((logits.shape[0], value_of(num_samples)))


def stateful_row(
    name: str,
    *,
    inputs: Sequence[str],
    outputs: Sequence[str] = ("output: dtype",),
    attrs: Mapping[str, Any] | None = None,
    constant_inputs: Sequence[str] = ("shape",),
    shape: Any = _drawn_shape,
    differentiable: bool = False,
) -> Callable[[Callable[..., tuple[Any, int]]], Callable[..., tuple[Any, int]]]:
    """Make a row of a function that takes a generator and returns numbers and blocks used."""

    def add(function: Callable[..., tuple[Any, int]]) -> Callable[..., tuple[Any, int]]:
        def stateless(
            state: Any, *arrays: Any, seed: int, seed2: int, **attrs: Any
        ) -> tuple[Any, Any]:
            del seed, seed2  # they made the first state
            sample, used = function(Generator(state[2:3], state[:2]), *arrays, **attrs)
            after = Generator(state[2:3], state[:2]).skip(used)
            return sample, namespace(state).concatenate([after.counter, after.key])

        def host(*arrays: Any, **attrs: Any) -> Any:
            return EAGER_GENERATORS.run(name, arrays, attrs)

        host.__doc__ = function.__doc__
        STATEFUL_TO_STATELESS[name] = stateless
        op(
            name,
            inputs=inputs,
            outputs=outputs,
            attrs={"seed": 0, "seed2": 0, **(attrs or {})},
            kernel="host",
            constant_inputs=constant_inputs,
            stateful=True,
            differentiable=differentiable,
            shape=shape,
        )(host)
        return function

    return add


@stateful_row("RandomUniform", inputs=("shape: T",), attrs={"dtype": REQUIRED})
def random_uniform(generator: Generator, shape: Any, *, dtype: DType) -> tuple[Any, int]:
    """Uniform numbers in [0, 1).

    Shape: shape [d] -> output [shape].
    """
    sample = shaped(distributions.uniform, generator, shape, dtype)
    return sample, math.prod(sample.shape) * _RESERVED


@stateful_row("RandomStandardNormal", inputs=("shape: T",), attrs={"dtype": REQUIRED})
def random_standard_normal(
    generator: Generator, shape: Any, *, dtype: DType
) -> tuple[Any, int]:
    """Standard normal numbers.

    Shape: shape [d] -> output [shape].
    """
    sample = shaped(distributions.normal, generator, shape, dtype)
    return sample, math.prod(sample.shape) * _RESERVED


@stateful_row("TruncatedNormal", inputs=("shape: T",), attrs={"dtype": REQUIRED})
def truncated_normal(generator: Generator, shape: Any, *, dtype: DType) -> tuple[Any, int]:
    """Standard normal numbers between -2 and 2.

    Shape: shape [d] -> output [shape].
    """
    sample = shaped(distributions.truncated_normal, generator, shape, dtype)
    return sample, math.prod(sample.shape) * _RESERVED


@stateful_row(
    "RandomUniformInt",
    inputs=("shape: T", "minval: Tout", "maxval: Tout"),
    outputs=("output: Tout",),
)
def random_uniform_int(
    generator: Generator, shape: Any, minval: Any, maxval: Any
) -> tuple[Any, int]:
    """Integers in [minval, maxval).

    Shape: shape [d], minval [], maxval [] -> output [shape].
    Errors: InvalidArgumentError unless minval < maxval.
    """
    sample = uniform_ints(generator, shape, minval, maxval)
    return sample, math.prod(sample.shape) * _RESERVED


@stateful_row(
    "RandomGamma",
    inputs=("shape: S", "alpha: T"),
    outputs=("output: T",),
    shape=_each_shape,
    differentiable=True,
)
def random_gamma(generator: Generator, shape: Any, alpha: Any) -> tuple[Any, int]:
    """Gamma numbers of scale 1.

    Shape: shape [d], alpha [...] -> output [shape, ...].
    """
    sample = sampling.gamma_numbers(generator, dims_of(shape) + tuple(alpha.shape), alpha)
    return sample, math.prod(sample.shape) * _RESERVED


@gradient("RandomGamma")
def random_gamma_gradient(g: Any, grad: Any) -> tuple[Any, ...]:
    """Let the numbers move with their parameter."""
    return sampling.gamma_gradient(g, grad, 1)


@stateful_row(
    "RandomPoissonV2",
    inputs=("shape: S", "rate: R"),
    attrs={"dtype": int64},
    shape=_each_shape,
)
def random_poisson_v2(
    generator: Generator, shape: Any, rate: Any, *, dtype: DType
) -> tuple[Any, int]:
    """Poisson numbers.

    Shape: shape [d], rate [...] -> output [shape, ...].
    """
    dims = dims_of(shape) + tuple(rate.shape)
    sample = sampling.poisson_numbers(generator, dims, rate, dtype)
    return sample, math.prod(dims) * _RESERVED


@stateful_row(
    "Multinomial",
    inputs=("logits: T", "num_samples: int32"),
    outputs=("output: output_dtype",),
    attrs={"output_dtype": int64},
    constant_inputs=("num_samples",),
    shape=_classes_shape,
)
def multinomial(
    generator: Generator, logits: Any, num_samples: Any, *, output_dtype: DType
) -> tuple[Any, int]:
    """Classes drawn with unnormalised log-probabilities.

    Shape: logits [n, c], num_samples [] -> output [n, num_samples].
    """
    sample = sampling.categorical_numbers(generator, logits, num_samples, output_dtype)
    each = -(-sample.shape[1] // 4) * 8  # a class takes two words
    return sample, sample.shape[0] * each * _RESERVED


@stateful_row(
    "RandomShuffle",
    inputs=("value: T",),
    outputs=("output: T",),
    constant_inputs=(),
    shape="same",
)
def random_shuffle(generator: Generator, value: Any) -> tuple[Any, int]:
    """Rows in a random order.

    Shape: value [n, ...] -> output [n, ...].
    """
    rows = value.shape[0] if value.ndim else 0
    used = -(-(rows - 1) // 4) if rows > 1 and math.prod(value.shape) > 1 else 0
    return sampling.shuffled(generator, value), used


@stateful_row(
    "ParameterizedTruncatedNormal",
    inputs=("shape: T", "means: dtype", "stdevs: dtype", "minvals: dtype", "maxvals: dtype"),
)
def parameterized_truncated_normal(  # noqa: PLR0917  (as many inputs as the op has)
    generator: Generator, shape: Any, means: Any, stdevs: Any, minvals: Any, maxvals: Any
) -> tuple[Any, int]:
    """Normal numbers between two bounds, one set of parameters per row.

    Shape: shape [d], means [] or [n], stdevs [] or [n], minvals [] or [n], maxvals [] or [n] ->
        output [shape], whose first size is n.
    Errors: InvalidArgumentError unless stdev > 0, minval < maxval and one of them is finite.
    """
    dims = dims_of(shape)
    if not dims:
        raise InvalidArgumentError("shape must have at least one element, got []")
    given = np.broadcast_arrays(means, stdevs, minvals, maxvals)
    rows = np.stack([array.reshape(-1) for array in given], axis=-1)
    size = math.prod(dims)
    if len(rows) == 1:
        # Equal rows are cut into batches of this size, whatever the shape says.
        rows = np.repeat(rows, -(-size // _BATCH), axis=0)
        each = _BATCH
    elif len(rows) == dims[0]:
        each = size // len(rows) if len(rows) else 0
    else:
        raise InvalidArgumentError(
            f"parameters must be scalars or vectors of length {dims[0]}, got {len(rows)} rows"
        )
    sample = truncated_batches(generator, rows, each).reshape(-1)[:size].reshape(dims)
    return sample, len(rows) * 2 * _ITERATIONS * (each + 3) // 4
