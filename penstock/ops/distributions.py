"""Uniform and normal numbers from a Philox stream, bit for bit as TensorFlow's CPU makes them.

Every function takes a generator and a count and returns a flat array. Normal numbers may differ
from TensorFlow's in the last place where logarithm, sine and cosine are rounded otherwise.
"""

from __future__ import annotations

import functools
import math
from types import ModuleType
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np

from penstock.core.dtypes import DType, bfloat16, float16, float32, float64
from penstock.ops.philox import Generator, unit_float32, unit_float64, unit_narrow

_TWO_PI: Final = 2.0 * math.pi
_SMALLEST: Final = 1e-7  # keeps the logarithm finite
_TRUNCATED_AT: Final = 2.0

# Each group of truncated normals starts afresh, so that groups can be made in any order:
# TensorFlow reserves 256 words per number.
_RESERVED: Final = 256

# From so many groups on, compiled code makes the candidates even where numpy could.
_MANY: Final = 1 << 15


def uniform(generator: Generator, count: int, dtype: DType) -> Any:
    """Uniform numbers in [0, 1).

    Shape: -> dtype [count].
    """
    if dtype is float32:
        return unit_float32(generator.words(count))
    if dtype is float64:
        words = generator.double_words(count)
        # The low word of a pair gives the high bits.
        return unit_float64(words & np.uint64(0xFFFFFFFF), words >> np.uint64(32))
    if dtype is float16:
        return unit_narrow(generator.words(count), dtype.np, 10, 15 << 10)
    return unit_narrow(generator.words(count), bfloat16.np, 7, 127 << 7)


def uniform_full_int(generator: Generator, count: int, dtype: DType) -> Any:
    """Integers over the whole range of `dtype`.

    Shape: -> dtype [count].
    """
    words = generator.double_words(count) if dtype.size == 8 else generator.words(count)
    return words.view(dtype.np)


def uniform_int(generator: Generator, count: int, dtype: DType, low: Any, high: Any) -> Any:
    """Integers in [low, high), with TensorFlow's small bias towards `low`.

    Shape: low [], high [] -> dtype [count].
    """
    unsigned = np.dtype(f"u{dtype.size}")
    words = generator.double_words(count) if dtype.size == 8 else generator.words(count)
    # Reshaped to vectors because numpy warns when scalars wrap around.
    low, high = low.reshape(1).astype(unsigned), high.reshape(1).astype(unsigned)
    return (low + words % (high - low)).view(dtype.np)


def normal(generator: Generator, count: int, dtype: DType) -> Any:
    """Standard normal numbers.

    Shape: -> dtype [count].
    """
    if dtype is float64:
        return _normal_float64(generator, count)
    return _normal_float32(generator, count).astype(dtype.np)


def _normal_float32(generator: Generator, count: int) -> Any:
    xp = generator.xp
    if xp is np:
        words = generator.words(count + count % 2).reshape(-1, 2)
        return np.stack(polar_float32(np, words[:, 0], words[:, 1]), axis=-1).reshape(-1)[
            :count
        ]
    index, four = generator.lanes(count, 4)
    second_pair, odd = (index & np.uint64(2)) != 0, (index & np.uint64(1)) != 0
    first = xp.where(second_pair, four[2], four[0]).astype(np.uint32)
    second = xp.where(second_pair, four[3], four[1]).astype(np.uint32)
    sine, cosine = polar_float32(xp, first, second)
    return xp.where(odd, cosine, sine)


def _normal_float64(generator: Generator, count: int) -> Any:
    xp = generator.xp
    if xp is np:
        four = generator.blocks(np.arange(-(-count // 2), dtype=np.uint64))
        return np.stack(polar_float64(np, *four), axis=-1).reshape(-1)[:count]
    index, four = generator.lanes(count, 2)
    sine, cosine = polar_float64(xp, *four)
    return xp.where((index & np.uint64(1)) != 0, cosine, sine)


def polar_float32(xp: ModuleType, first: Any, second: Any) -> tuple[Any, Any]:
    """Turn two arrays of words into two of normal numbers (Box and Muller).

    Shape: first uint32 [n], second uint32 [n] -> twice float32 [n].
    """
    radius = xp.maximum(unit_float32(first), np.float32(_SMALLEST))
    angle = (unit_float32(second).astype(np.float64) * _TWO_PI).astype(np.float32)
    if xp is np:
        # Rounding float64 results gives the nearest float32, as TensorFlow's C library does.
        wide = angle.astype(np.float64)
        log = np.log(radius.astype(np.float64)).astype(np.float32)
        sine, cosine = np.sin(wide).astype(np.float32), np.cos(wide).astype(np.float32)
    else:
        log, sine, cosine = xp.log(radius), xp.sin(angle), xp.cos(angle)
    scale = xp.sqrt(np.float32(-2) * log)
    return sine * scale, cosine * scale


def polar_float64(xp: ModuleType, w0: Any, w1: Any, w2: Any, w3: Any) -> tuple[Any, Any]:
    """Turn blocks, held in uint64, into two arrays of normal numbers.

    Shape: four times uint64 [n] -> twice float64 [n].
    """
    radius = xp.maximum(unit_float64(w0, w1), _SMALLEST)
    angle = unit_float64(w2, w3) * _TWO_PI
    scale = xp.sqrt(-2.0 * xp.log(radius))
    return xp.sin(angle) * scale, xp.cos(angle) * scale


def truncated_normal(generator: Generator, count: int, dtype: DType) -> Any:
    """Standard normal numbers, drawn again while they lie 2 or more from 0.

    Shape: -> dtype [count].
    """
    per_group = 2 if dtype is float64 else 4
    groups = -(-count // per_group)
    xp = generator.xp
    start = xp.arange(groups, dtype=np.uint64) * np.uint64(per_group * _RESERVED // 4)
    fill = _fill_on_host if xp is np else _fill_on_device
    result = fill(generator, start, per_group)
    return result.reshape(-1)[:count].astype(dtype.np)


def _candidates(xp: ModuleType, generator: Generator, index: Any, per_group: int) -> Any:
    """Normal numbers of the blocks `index`: float [groups, per_group], in stream order."""
    four = generator.blocks(index)
    if per_group == 2:
        return xp.stack(polar_float64(xp, *four), axis=-1)
    w0, w1, w2, w3 = (word.astype(np.uint32) for word in four)
    return xp.stack([*polar_float32(xp, w0, w1), *polar_float32(xp, w2, w3)], axis=-1)


def _many_candidates(generator: Generator, index: Any, per_group: int) -> Any:
    """As `_candidates`, in compiled code where it is worth it."""
    count = len(index)
    if count < _MANY:
        return _candidates(np, generator, index, per_group)
    room = 1 << (count - 1).bit_length()
    padded = np.pad(index, (0, room - count))
    with jax.ensure_compile_time_eval():
        columns = _compiled_candidates(per_group)(generator.key, generator.counter, padded)
    # XLA is slow at interleaving what numpy interleaves in passing.
    result = np.empty((count, per_group), columns[0].dtype)
    for i, column in enumerate(columns):
        result[:, i] = np.asarray(column)[:count]
    return result


@functools.cache
def _compiled_candidates(per_group: int) -> Any:
    def columns(key: Any, counter: Any, index: Any) -> tuple[Any, ...]:
        four = Generator(key, counter).blocks(index)
        if per_group == 2:
            return polar_float64(jnp, *four)
        w0, w1, w2, w3 = (word.astype(np.uint32) for word in four)
        return (*polar_float32(jnp, w0, w1), *polar_float32(jnp, w2, w3))

    return jax.jit(columns)


def _append(xp: ModuleType, result: Any, filled: Any, candidates: Any) -> tuple[Any, Any]:
    """Append the acceptable candidates of each row to those that `result` has already."""
    size = result.shape[1]
    accepted = xp.abs(candidates) < _TRUNCATED_AT
    place = filled[:, None] + xp.cumsum(accepted, axis=1) - 1
    for i in range(size):
        here = accepted[:, i : i + 1] & (place[:, i : i + 1] == xp.arange(size))
        result = xp.where(here, candidates[:, i : i + 1], result)
    return result, filled + accepted.sum(axis=1)


def _fill_on_host(generator: Generator, start: Any, per_group: int) -> Any:
    kind = np.float64 if per_group == 2 else np.float32
    result = np.empty((len(start), per_group), kind)
    filled = np.zeros(len(start), np.int64)
    left, index = np.arange(len(start)), start
    while len(left):
        candidates = _many_candidates(generator, index, per_group)
        whole = (filled[left] == 0) & (np.abs(candidates) < _TRUNCATED_AT).all(axis=1)
        result[left[whole]] = candidates[whole]
        rest = left[~whole]
        result[rest], filled[rest] = _append(np, result[rest], filled[rest], candidates[~whole])
        unfinished = filled[rest] < per_group
        left, index = rest[unfinished], index[~whole][unfinished] + np.uint64(1)
    return result


def _fill_on_device(generator: Generator, start: Any, per_group: int) -> Any:
    xp = generator.xp
    kind = np.float64 if per_group == 2 else np.float32
    empty = xp.zeros((start.shape[0], per_group), kind)

    def unfinished(state: Any) -> Any:
        return xp.any(state[1] < per_group)

    def more(state: Any) -> Any:
        result, filled, block = state
        candidates = _candidates(xp, generator, start + block, per_group)
        return (*_append(xp, result, filled, candidates), block + np.uint64(1))

    state = (empty, xp.zeros(start.shape[0], np.int64), xp.zeros((), np.uint64))
    return jax.lax.while_loop(unfinished, more, state)[0]
