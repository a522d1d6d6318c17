"""Random numbers that are functions of a key and a counter, or of a seed.

The ops of the second version take the key and counter that `StatelessRandomGetKeyCounter` makes
of a seed; those of the first take the seed. Only Philox exists here, as on TensorFlow's CPU.
"""

from __future__ import annotations

import functools
import math
from typing import Any, Final

import jax
import numpy as np

from penstock.core.dtypes import DType, dtype_of_numpy, float32, uint64
from penstock.core.errors import InvalidArgumentError
from penstock.ops import distributions
from penstock.ops.checks import require
from penstock.ops.namespace import namespace
from penstock.ops.philox import Generator, from_seed
from penstock.ops.table import op

PHILOX: Final = 1
_AUTO: Final = 3

_SHAPE_KEY = ("shape: Tshape", "key: uint64", "counter: uint64", "alg: int32")
_SHAPE_SEED = ("shape: T", "seed: Tseed")


def dims_of(shape: Any) -> tuple[int, ...]:
    """The sizes that a shape input holds.

    Errors: InvalidArgumentError when it is no vector, or a size is negative.
    """
    sizes = np.asarray(shape)
    if sizes.ndim != 1:
        raise InvalidArgumentError(f"shape must be a vector, got one of rank {sizes.ndim}")
    dims = tuple(sizes.tolist())
    if any(size < 0 for size in dims):
        raise InvalidArgumentError(f"shape must have no negative sizes, got {dims}")
    return dims


def seeded(seed: Any) -> Generator:
    """The generator of a stateless seed.

    Errors: InvalidArgumentError unless it has two elements.
    """
    if seed.shape != (2,):
        raise InvalidArgumentError(f"seed must have shape [2], not {list(seed.shape)}")
    if seed.dtype.kind not in "iu":
        raise InvalidArgumentError(f"seed must be int32 or int64, got {seed.dtype}")
    return from_seed(seed)


def keyed(key: Any, counter: Any, alg: Any) -> Generator:
    """The generator of a key and a counter.

    Errors: InvalidArgumentError for another algorithm than Philox, or wrong shapes.
    """
    message = (
        f"alg must be {PHILOX} (philox) or {_AUTO} (auto_select); others are not supported"
    )
    require((alg == PHILOX) | (alg == _AUTO), InvalidArgumentError, message)
    if key.shape != (1,):
        raise InvalidArgumentError(f"key must have shape [1], not {list(key.shape)}")
    if counter.ndim != 1 or counter.shape[0] < 2:
        raise InvalidArgumentError(
            f"counter must be a vector with length at least 2, got shape {list(counter.shape)}"
        )
    return Generator(key, counter[:2])


@op(
    "StatelessRandomGetKeyCounter",
    inputs=("seed: Tseed",),
    outputs=("key: uint64", "counter: uint64"),
    differentiable=False,
)
def stateless_random_get_key_counter(seed: Any) -> tuple[Any, Any]:
    """Key and counter of a seed, scrambled so that near seeds give unrelated streams.

    Shape: seed [2] -> key [1], counter [2].
    """
    generator = seeded(seed)
    return generator.key, generator.counter


@op("StatelessRandomGetAlg", outputs=("alg: int32",), differentiable=False)
def stateless_random_get_alg() -> Any:
    """Number of the algorithm that `auto_select` stands for: Philox, on every device.

    Shape: -> alg [].
    """
    return np.int32(PHILOX)


@op(
    "StatelessRandomGetKeyCounterAlg",
    inputs=("seed: Tseed",),
    outputs=("key: uint64", "counter: uint64", "alg: int32"),
    differentiable=False,
)
def stateless_random_get_key_counter_alg(seed: Any) -> tuple[Any, Any, Any]:
    """Key, counter and algorithm of a seed.

    Shape: seed [2] -> key [1], counter [2], alg [].
    """
    return (*stateless_random_get_key_counter(seed), np.int32(PHILOX))


# From so many numbers on, compiled code makes them even where numpy could.
_MANY: Final = 1 << 17
_COMPILED_WHERE_MANY: Final = (
    distributions.uniform,
    distributions.normal,
    distributions.uniform_full_int,
)


def shaped(sampler: Any, generator: Generator, shape: Any, dtype: DType, *more: Any) -> Any:
    """Call a sampler of flat numbers and give the result its shape."""
    dims = dims_of(shape)
    count = math.prod(dims)
    if count >= _MANY and sampler in _COMPILED_WHERE_MANY and generator.xp is np:
        return _many(sampler, generator, count, dtype).reshape(dims)
    return sampler(generator, count, dtype, *more).reshape(dims)


def _many(sampler: Any, generator: Generator, count: int, dtype: DType) -> Any:
    # Numbers depend on their place alone, so that one computation serves all lesser counts.
    room = 1 << (count - 1).bit_length()
    with jax.ensure_compile_time_eval():
        numbers = _compiled(sampler, room, dtype)(generator.key, generator.counter)
    return np.asarray(numbers)[:count]


@functools.lru_cache(maxsize=64)
def _compiled(sampler: Any, count: int, dtype: DType) -> Any:
    return jax.jit(lambda key, counter: sampler(Generator(key, counter), count, dtype))


@op(
    "StatelessRandomUniformV2",
    inputs=_SHAPE_KEY,
    outputs=("output: dtype",),
    attrs={"dtype": float32},
    constant_inputs=("shape",),
    differentiable=False,
)
def stateless_random_uniform_v2(
    shape: Any, key: Any, counter: Any, alg: Any, *, dtype: DType
) -> Any:
    """Uniform numbers in [0, 1).

    Shape: shape [d], key [1], counter [2], alg [] -> output [shape].
    """
    return shaped(distributions.uniform, keyed(key, counter, alg), shape, dtype)


@op(
    "StatelessRandomUniform",
    inputs=_SHAPE_SEED,
    outputs=("output: dtype",),
    attrs={"dtype": float32},
    constant_inputs=("shape",),
    differentiable=False,
)
def stateless_random_uniform(shape: Any, seed: Any, *, dtype: DType) -> Any:
    """Uniform numbers in [0, 1).

    Shape: shape [d], seed [2] -> output [shape].
    """
    return shaped(distributions.uniform, seeded(seed), shape, dtype)


@op(
    "StatelessRandomNormalV2",
    inputs=_SHAPE_KEY,
    outputs=("output: dtype",),
    attrs={"dtype": float32},
    constant_inputs=("shape",),
    differentiable=False,
)
def stateless_random_normal_v2(
    shape: Any, key: Any, counter: Any, alg: Any, *, dtype: DType
) -> Any:
    """Standard normal numbers.

    Shape: shape [d], key [1], counter [2], alg [] -> output [shape].
    """
    return shaped(distributions.normal, keyed(key, counter, alg), shape, dtype)


@op(
    "StatelessRandomNormal",
    inputs=_SHAPE_SEED,
    outputs=("output: dtype",),
    attrs={"dtype": float32},
    constant_inputs=("shape",),
    differentiable=False,
)
def stateless_random_normal(shape: Any, seed: Any, *, dtype: DType) -> Any:
    """Standard normal numbers.

    Shape: shape [d], seed [2] -> output [shape].
    """
    return shaped(distributions.normal, seeded(seed), shape, dtype)


@op(
    "StatelessTruncatedNormalV2",
    inputs=_SHAPE_KEY,
    outputs=("output: dtype",),
    attrs={"dtype": float32},
    constant_inputs=("shape",),
    differentiable=False,
)
def stateless_truncated_normal_v2(
    shape: Any, key: Any, counter: Any, alg: Any, *, dtype: DType
) -> Any:
    """Standard normal numbers between -2 and 2.

    Shape: shape [d], key [1], counter [2], alg [] -> output [shape].
    """
    return shaped(distributions.truncated_normal, keyed(key, counter, alg), shape, dtype)


@op(
    "StatelessTruncatedNormal",
    inputs=_SHAPE_SEED,
    outputs=("output: dtype",),
    attrs={"dtype": float32},
    constant_inputs=("shape",),
    differentiable=False,
)
def stateless_truncated_normal(shape: Any, seed: Any, *, dtype: DType) -> Any:
    """Standard normal numbers between -2 and 2.

    Shape: shape [d], seed [2] -> output [shape].
    """
    return shaped(distributions.truncated_normal, seeded(seed), shape, dtype)


@op(
    "StatelessRandomUniformFullIntV2",
    inputs=_SHAPE_KEY,
    outputs=("output: dtype",),
    attrs={"dtype": uint64},
    constant_inputs=("shape",),
    differentiable=False,
)
def stateless_random_uniform_full_int_v2(
    shape: Any, key: Any, counter: Any, alg: Any, *, dtype: DType
) -> Any:
    """Integers over the whole range of their type.

    Shape: shape [d], key [1], counter [2], alg [] -> output [shape].
    """
    return shaped(distributions.uniform_full_int, keyed(key, counter, alg), shape, dtype)


@op(
    "StatelessRandomUniformFullInt",
    inputs=_SHAPE_SEED,
    outputs=("output: dtype",),
    attrs={"dtype": uint64},
    constant_inputs=("shape",),
    differentiable=False,
)
def stateless_random_uniform_full_int(shape: Any, seed: Any, *, dtype: DType) -> Any:
    """Integers over the whole range of their type.

    Shape: shape [d], seed [2] -> output [shape].
    """
    return shaped(distributions.uniform_full_int, seeded(seed), shape, dtype)


def uniform_ints(generator: Generator, shape: Any, minval: Any, maxval: Any) -> Any:
    """Integers in [minval, maxval), in the type of the bounds.

    Errors: InvalidArgumentError unless both are scalars and `minval` is the lesser.
    """
    for name, bound in (("minval", minval), ("maxval", maxval)):
        if bound.ndim:
            raise InvalidArgumentError(f"{name} must be 0-D, got shape {list(bound.shape)}")
    require(minval < maxval, InvalidArgumentError, "minval must be less than maxval")
    # Where compiled code goes on after a failed check, the division needs a divisor.
    safe = maxval
    if namespace(minval, maxval) is not np:
        xp = namespace(minval, maxval)
        safe = xp.where(minval < maxval, maxval, minval + xp.ones_like(minval))
    dtype = dtype_of_numpy(np.dtype(minval.dtype))
    return shaped(distributions.uniform_int, generator, shape, dtype, minval, safe)


@op(
    "StatelessRandomUniformIntV2",
    inputs=(*_SHAPE_KEY, "minval: dtype", "maxval: dtype"),
    outputs=("output: dtype",),
    constant_inputs=("shape",),
    differentiable=False,
)
def stateless_random_uniform_int_v2(  # noqa: PLR0917  (as many inputs as the op has)
    shape: Any, key: Any, counter: Any, alg: Any, minval: Any, maxval: Any
) -> Any:
    """Integers in [minval, maxval).

    Shape: shape [d], key [1], counter [2], alg [], minval [], maxval [] -> output [shape].
    Errors: InvalidArgumentError unless minval < maxval.
    """
    return uniform_ints(keyed(key, counter, alg), shape, minval, maxval)


@op(
    "StatelessRandomUniformInt",
    inputs=(*_SHAPE_SEED, "minval: dtype", "maxval: dtype"),
    outputs=("output: dtype",),
    constant_inputs=("shape",),
    differentiable=False,
)
def stateless_random_uniform_int(shape: Any, seed: Any, minval: Any, maxval: Any) -> Any:
    """Integers in [minval, maxval).

    Shape: shape [d], seed [2], minval [], maxval [] -> output [shape].
    Errors: InvalidArgumentError unless minval < maxval.
    """
    return uniform_ints(seeded(seed), shape, minval, maxval)
