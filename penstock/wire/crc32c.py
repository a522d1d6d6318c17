"""CRC-32C, the checksum of every TensorFlow file.

Where the package google-crc32c has an extension for the machine, the processor's own
instruction computes it. Elsewhere numpy does, as follows.

The checksum is the remainder of the data, as a polynomial over GF(2), by one of degree 32. That
divides a polynomial of four terms only, so that a stretch of the data may be taken away and
added in three later places instead: long data are folded into short data by plain XOR, at the
speed of memory. What is left is cut into lanes, which advance together four bytes a step; short
data are one table look-up per byte, by its distance from the end, and a reduction.

Source: RFC 3720, appendix B.4; the masking is LevelDB's; folding by a sparse multiple follows
Russell, "Chorba: A novel CRC32 implementation" (2024), with a multiple found for CRC-32C.
"""

import functools
import warnings
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

with warnings.catch_warnings():
    # Without an extension it warns that it is slow; it is not used then.
    warnings.simplefilter("ignore")
    import google_crc32c

Words = NDArray[np.uint32]
Bytes = NDArray[np.uint8]
Places = NDArray[np.int64]
Buffer = bytes | bytearray | memoryview

_POLYNOMIAL: Final = 0x82F63B78
_ONES: Final = 0xFFFFFFFF
_MOVABLE: Final = (bytearray, memoryview)
_MASK_DELTA: Final = 0xA282EAD8
_FEW: Final = 48  # bytes for which a plain loop beats numpy's calls
_BLOCK: Final = 1024
_LANES_FROM: Final = 16 * _BLOCK
_SHORT_LANE, _LONG_LANE = 64, 256
_MOST_LANES: Final = 4096
# x^(8 u 5685) is x^(8 u 1362) + x^(8 u 426) + 1, as remainders, for every power of two u.
_TERMS: Final = (5685, 1362, 426)
_SPAN: Final = _TERMS[0]
_STEP: Final = _TERMS[0] - _TERMS[1]  # what is taken at once reaches no place among itself
_LONGEST_SIDE_BY_SIDE: Final = 16 * 1024
_FEW_STRETCHES: Final = 8
_FOLD_FROM: Final = 64 * 1024
# Bytes of a unit and steps in a block. A block and its span stay in the second-level cache.
_FOLDS: Final = ((8, 7), (8, 1), (1, 1))

_native: Callable[[int, Any], int] | None = (
    google_crc32c.extend if google_crc32c.implementation == "c" else None
)


def crc32c(data: Buffer | NDArray[Any], crc: int = 0) -> int:
    """Checksum of `data`.

    Args:
        data: bytes, or a contiguous array.
        crc: checksum of the data before, to go on from.

    Example:
        >>> hex(crc32c(b"123456789"))
        '0xe3069283'
    """
    if _native is not None:
        # It takes objects whose memory cannot move: bytes, and arrays over the others.
        return _native(crc, np.frombuffer(data, np.uint8) if type(data) in _MOVABLE else data)
    if isinstance(data, np.ndarray):
        data = data.reshape(-1).view(np.uint8).data
    view = memoryview(data)
    state = crc ^ _ONES
    if len(view) >= _FOLD_FROM:
        view, state = _folded(np.frombuffer(view, np.uint8), state).data, 0
    position, size = 0, len(view)
    while size - position >= _LANES_FROM:
        lanes, lane = _cut(size - position)
        state = _advance_lanes(state, view[position : position + lanes * lane], lanes)
        position += lanes * lane
    while size - position > _FEW:
        block = view[position : position + _BLOCK]
        state = _advance_block(state, block)
        position += len(block)
    table = _byte_list()
    for byte in view[position:]:
        state = table[(state ^ byte) & 0xFF] ^ (state >> 8)
    return state ^ _ONES


def joined(crc: int, following: int, size: int) -> int:
    """Checksum of data and what follows them, from the checksums of both.

    Args:
        crc: of the data.
        following: of what follows.
        size: how many bytes follow.
    """
    state: Words = np.array([crc], np.uint32)
    while size:
        lowest = size & -size
        state = _shift(state, lowest)
        size ^= lowest
    return int(state[0]) ^ following


def mask(crc: int) -> int:
    """Hide a checksum that is stored among data which are themselves checksummed."""
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & _ONES


def unmask(masked: int) -> int:
    """Undo `mask`."""
    rotated = (masked - _MASK_DELTA) & _ONES
    return (rotated >> 17 | rotated << 15) & _ONES


def masked_crc32c(data: Buffer | NDArray[Any]) -> int:
    """Masked checksum of `data`, as records and table blocks store it."""
    return mask(crc32c(data))


def crc32c_each(pieces: Sequence[bytes]) -> Words:
    """Checksums of many byte strings."""
    if _native is not None:
        return np.fromiter(map(_native, repeat(0), pieces), np.uint32, len(pieces))
    sums: Words = np.empty(len(pieces), np.uint32)
    data: Bytes = np.frombuffer(b"".join(pieces), np.uint8)
    lengths = np.fromiter(map(len, pieces), np.int64, len(pieces))
    starts = np.cumsum(lengths) - lengths
    # By power of two, so that short stretches are not drawn out to the length of long ones.
    classes = np.frexp(lengths.astype(np.float64))[1]
    classes[(lengths < 4) | (lengths > _LONGEST_SIDE_BY_SIDE)] = -1
    for kind in np.unique(classes):
        members = np.flatnonzero(classes == kind)
        if kind < 0 or len(members) < _FEW_STRETCHES:
            sums[members] = [crc32c(pieces[i]) for i in members.tolist()]
        else:
            sums[members] = _side_by_side(data, starts[members], lengths[members])
    return sums


def _side_by_side(data: Bytes, starts: Places, lengths: Places) -> Words:
    width = -(-int(lengths.max()) // 4) * 4
    # All end together: zeros before the first byte leave a state of zero as it is.
    skipped = width - lengths
    places = (starts - skipped)[:, np.newaxis] + np.arange(width)
    rows: Bytes = data.take(places, mode="clip")
    if skipped.any():
        rows[np.arange(width) < skipped[:, np.newaxis]] = 0
    # The state at the start is the same as its four bytes added to the data.
    first = skipped[:, np.newaxis] + np.arange(4)
    rows[np.arange(len(rows))[:, np.newaxis], first] ^= 0xFF
    columns: Words = np.ascontiguousarray(rows.view("<u4").T)
    states: Words = np.zeros(len(rows), np.uint32)
    _advance_columns(states, columns)
    return states ^ np.uint32(_ONES)


def mask_each(sums: Words) -> Words:
    """Hide many checksums, see `mask`."""
    return (sums >> np.uint32(15) | sums << np.uint32(17)) + np.uint32(_MASK_DELTA)


def _folded(data: Bytes, state: int) -> Bytes:
    """Short data whose state, from zero on, is that of `data` from `state` on."""
    head = np.frombuffer(state.to_bytes(4, "little"), np.uint8)
    for unit, steps in _FOLDS:
        span, block = _SPAN * unit, _STEP * unit * steps
        if len(data) < block + span:
            continue
        carried: Bytes = np.zeros(block + span, np.uint8)
        # A state is the same as its four bytes added to the data.
        carried[: len(head)] = head
        position = 0
        while len(data) - position >= block + span:
            part = carried[:block]
            np.bitwise_xor(part, data[position : position + block], out=part)
            _fold(carried.view(np.uint64) if unit == 8 else carried, _STEP * steps)
            carried[:span] = carried[block:].copy()
            carried[span:] = 0
            position += block
        data = data[position:].copy()
        data[:span] ^= carried[:span]
        head = head[:0]
    return data


def _fold(words: NDArray[Any], size: int) -> None:
    """Take away the first `size` words of an array, step by step, by adding them later."""
    for start in range(0, size, _STEP):
        taken = words[start : start + _STEP]
        for term in (0, *_TERMS[1:]):
            place = start + _SPAN - term
            added = words[place : place + _STEP]
            np.bitwise_xor(added, taken, out=added)


def _cut(size: int) -> tuple[int, int]:
    """Number and length of the lanes for data of that size; powers of two, for the joining."""
    lane = _SHORT_LANE if size < _MOST_LANES * _SHORT_LANE else _LONG_LANE
    return min(_MOST_LANES, 1 << ((size // lane).bit_length() - 1)), lane


def _advance_columns(states: Words, columns: Words) -> None:
    """Advance states by four bytes each with every column."""
    low_table, high_table = _word_tables()
    halves = states.view(np.uint16)
    low, high = np.empty_like(states), np.empty_like(states)
    for column in columns:
        np.bitwise_xor(states, column, out=states)
        # With "clip" numpy writes to `out` directly; every index is in range anyway.
        low_table.take(halves[0::2], out=low, mode="clip")
        high_table.take(halves[1::2], out=high, mode="clip")
        np.bitwise_xor(low, high, out=states)


def _advance_lanes(state: int, data: memoryview, lanes: int) -> int:
    columns = np.ascontiguousarray(np.frombuffer(data, "<u4").reshape(lanes, -1).T)
    states: Words = np.zeros(lanes, np.uint32)
    states[0] = state
    _advance_columns(states, columns)
    length = len(data) // lanes
    while len(states) > 1:
        states = _shift(states[0::2], length) ^ states[1::2]
        length *= 2
    return int(states[0])


def _advance_block(state: int, data: memoryview) -> int:
    table, offsets = _distance_table()
    indices = np.frombuffer(data, np.uint8) + offsets[-len(data) :]
    # A state is the same as its four bytes added to the data.
    for i in range(4):
        indices[i] ^= state >> 8 * i & 0xFF
    return int(np.bitwise_xor.reduce(table.take(indices, mode="clip")))


def _shift(states: Words, length: int) -> Words:
    """States after `length` zero bytes, a power of two."""
    table = _shift_table(length)
    quarters = np.ascontiguousarray(states).view(np.uint8).reshape(-1, 4)
    shifted: Words = table[0][quarters[:, 0]]
    for i in range(1, 4):
        shifted = shifted ^ table[i][quarters[:, i]]
    return shifted


@functools.cache
def _byte_table() -> Words:
    table: Words = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, table >> 1 ^ np.uint32(_POLYNOMIAL), table >> 1)
    return table


@functools.cache
def _byte_list() -> list[int]:
    return _byte_table().tolist()


def _one_byte_on(states: Words) -> Words:
    return _byte_table()[states & 0xFF] ^ (states >> 8)


@functools.cache
def _word_tables() -> tuple[Words, Words]:
    """States four bytes after each value of the low and of the high half."""
    high = _one_byte_on(_one_byte_on(np.arange(1 << 16, dtype=np.uint32)))
    return _one_byte_on(_one_byte_on(high)), high


@functools.cache
def _shift_table(length: int) -> Words:
    """Shape: table [4, 256], for each byte of the state its share of the state later."""
    values = np.arange(256, dtype=np.uint32)
    states = np.stack([values << np.uint32(8 * i) for i in range(4)]).ravel()
    if length == 1:
        return _one_byte_on(states).reshape(4, 256)
    return _shift(_shift(states, length // 2), length // 2).reshape(4, 256)


@functools.cache
def _distance_table() -> tuple[Words, NDArray[np.intp]]:
    """For each place in a block and each byte there its share of the state at the end."""
    table = _byte_table()[np.newaxis]
    while len(table) < _BLOCK:
        table = np.concatenate([_shift(table.ravel(), len(table)).reshape(table.shape), table])
    return table.ravel(), np.arange(_BLOCK, dtype=np.intp) * 256
