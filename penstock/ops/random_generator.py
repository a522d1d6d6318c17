"""Random ops whose generator's state is a variable: what `tf.random.Generator` is made of.

The variable holds int64 numbers: the two halves of the counter, low one first, and the key.
"""

from __future__ import annotations

import math
import secrets
from typing import Any, Final

import numpy as np

from penstock.core.dtypes import DType, float32, int64, uint64
from penstock.core.errors import InvalidArgumentError
from penstock.ops import distributions, sampling
from penstock.ops.checks import require
from penstock.ops.namespace import namespace
from penstock.ops.philox import Generator
from penstock.ops.random import PHILOX, dims_of, shaped, uniform_ints
from penstock.ops.table import op

_STATE_SIZE: Final = 3
# Blocks that TensorFlow sets aside per number.
_RESERVED: Final = 256
_BINOMIAL_ATTEMPTS: Final = 100


def _generator(resource: Any, algorithm: Any) -> Generator:
    require(
        algorithm == PHILOX,
        InvalidArgumentError,
        f"algorithm must be {PHILOX} (philox); others are not supported",
    )
    if resource.ndim != 1 or resource.shape[0] < _STATE_SIZE or resource.dtype != np.int64:
        raise InvalidArgumentError(
            "the state must be an int64 vector of at least 3 elements, got "
            f"{resource.dtype}{list(resource.shape)}"
        )
    words = resource.astype(np.uint64)
    return Generator(words[2:3], words[:2])


def _advanced(resource: Any, generator: Generator, blocks: Any) -> Any:
    """The variable's value once `generator` has moved on by `blocks`."""
    after = generator.skip(blocks)
    words = namespace(resource, after.counter).concatenate([after.counter, after.key])
    return words.astype(np.int64)


def _reserved(shape: Any) -> int:
    return math.prod(dims_of(shape)) * _RESERVED


_INPUTS = ("resource: resource", "algorithm: int64", "shape: shape_dtype")


@op(
    "StatefulUniform",
    inputs=_INPUTS,
    outputs=("output: dtype",),
    attrs={"dtype": float32},
    constant_inputs=("shape",),
    reads=("resource",),
    writes=("resource",),
    stateful=True,
    differentiable=False,
)
def stateful_uniform(resource: Any, algorithm: Any, shape: Any, *, dtype: DType) -> Any:
    """Uniform numbers in [0, 1).

    Shape: resource [], algorithm [], shape [d] -> output [shape].
    """
    generator = _generator(resource, algorithm)
    sample = shaped(distributions.uniform, generator, shape, dtype)
    return sample, _advanced(resource, generator, _reserved(shape))


@op(
    "StatefulStandardNormalV2",
    inputs=_INPUTS,
    outputs=("output: dtype",),
    attrs={"dtype": float32},
    constant_inputs=("shape",),
    reads=("resource",),
    writes=("resource",),
    stateful=True,
    differentiable=False,
)
def stateful_standard_normal_v2(
    resource: Any, algorithm: Any, shape: Any, *, dtype: DType
) -> Any:
    """Standard normal numbers.

    Shape: resource [], algorithm [], shape [d] -> output [shape].
    """
    generator = _generator(resource, algorithm)
    sample = shaped(distributions.normal, generator, shape, dtype)
    return sample, _advanced(resource, generator, _reserved(shape))


@op(
    "StatefulTruncatedNormal",
    inputs=_INPUTS,
    outputs=("output: dtype",),
    attrs={"dtype": float32},
    constant_inputs=("shape",),
    reads=("resource",),
    writes=("resource",),
    stateful=True,
    differentiable=False,
)
def stateful_truncated_normal(
    resource: Any, algorithm: Any, shape: Any, *, dtype: DType
) -> Any:
    """Standard normal numbers between -2 and 2.

    Shape: resource [], algorithm [], shape [d] -> output [shape].
    """
    generator = _generator(resource, algorithm)
    sample = shaped(distributions.truncated_normal, generator, shape, dtype)
    return sample, _advanced(resource, generator, _reserved(shape))


@op(
    "StatefulUniformFullInt",
    inputs=_INPUTS,
    outputs=("output: dtype",),
    attrs={"dtype": uint64},
    constant_inputs=("shape",),
    reads=("resource",),
    writes=("resource",),
    stateful=True,
    differentiable=False,
)
def stateful_uniform_full_int(
    resource: Any, algorithm: Any, shape: Any, *, dtype: DType
) -> Any:
    """Integers over the whole range of their type.

    Shape: resource [], algorithm [], shape [d] -> output [shape].
    """
    generator = _generator(resource, algorithm)
    sample = shaped(distributions.uniform_full_int, generator, shape, dtype)
    return sample, _advanced(resource, generator, _reserved(shape))


@op(
    "StatefulUniformInt",
    inputs=(*_INPUTS, "minval: dtype", "maxval: dtype"),
    outputs=("output: dtype",),
    constant_inputs=("shape",),
    reads=("resource",),
    writes=("resource",),
    stateful=True,
    differentiable=False,
)
def stateful_uniform_int(
    resource: Any, algorithm: Any, shape: Any, minval: Any, maxval: Any
) -> Any:
    """Integers in [minval, maxval).

    Shape: resource [], algorithm [], shape [d], minval [], maxval [] -> output [shape].
    Errors: InvalidArgumentError unless minval < maxval.
    """
    generator = _generator(resource, algorithm)
    sample = uniform_ints(generator, shape, minval, maxval)
    return sample, _advanced(resource, generator, _reserved(shape))


@op(
    "StatefulRandomBinomial",
    inputs=("resource: resource", "algorithm: int64", "shape: S", "counts: T", "probs: T"),
    outputs=("output: dtype",),
    attrs={"dtype": int64},
    constant_inputs=("shape",),
    reads=("resource",),
    writes=("resource",),
    stateful=True,
    differentiable=False,
)
def stateful_random_binomial(
    resource: Any, algorithm: Any, shape: Any, counts: Any, probs: Any, *, dtype: DType
) -> Any:
    """Numbers of successes among `counts` trials.

    Shape: resource [], algorithm [], shape [d], counts [...], probs [...] -> output [shape],
        which ends with the broadcast shape of counts and probs.
    """
    generator = _generator(resource, algorithm)
    dims = dims_of(shape)
    sample = sampling.binomial_numbers(generator, dims, counts, probs, dtype)
    batches = math.prod(np.broadcast_shapes(tuple(counts.shape), tuple(probs.shape)))
    each = math.prod(dims) // max(batches, 1)
    reserved = batches * 2 * _BINOMIAL_ATTEMPTS * (each + 3) // 4 * _RESERVED
    return sample, _advanced(resource, generator, reserved)


@op(
    "RngSkip",
    inputs=("resource: resource", "algorithm: int64", "delta: int64"),
    reads=("resource",),
    writes=("resource",),
    stateful=True,
    differentiable=False,
)
def rng_skip(resource: Any, algorithm: Any, delta: Any) -> Any:
    """Move a generator on, as if `delta` numbers had been drawn.

    Shape: resource [], algorithm [], delta [].
    """
    generator = _generator(resource, algorithm)
    return (
        _advanced(
            resource, generator, delta.reshape(1).astype(np.uint64) * np.uint64(_RESERVED)
        ),
    )


@op(
    "RngReadAndSkip",
    inputs=("resource: resource", "alg: int32", "delta: uint64"),
    outputs=("value: int64",),
    reads=("resource",),
    writes=("resource",),
    stateful=True,
    differentiable=False,
)
def rng_read_and_skip(resource: Any, alg: Any, delta: Any) -> Any:
    """Read a generator's state and move it on, as if `delta` numbers had been drawn.

    Shape: resource [], alg [], delta [] -> value [3].
    """
    generator = _generator(resource, alg)
    skipped = delta.reshape(1) * np.uint64(_RESERVED)
    return resource, _advanced(resource, generator, skipped)


@op(
    "NonDeterministicInts",
    inputs=("shape: shape_dtype",),
    outputs=("output: dtype",),
    attrs={"dtype": int64},
    kernel="host",
    constant_inputs=("shape",),
    stateful=True,
    differentiable=False,
)
def non_deterministic_ints(shape: Any, *, dtype: DType) -> Any:
    """Integers over the whole range of their type, from the operating system.

    Shape: shape [d] -> output [shape].
    """
    dims = dims_of(shape)
    bytes_wanted = math.prod(dims) * dtype.size
    return np.frombuffer(secrets.token_bytes(bytes_wanted), dtype.np).reshape(dims).copy()
