"""FarmHash's Fingerprint64: the hash by which TensorFlow puts strings into buckets.

Strings of one length are hashed together, as columns of 64-bit words.

Source: Google's FarmHash (2014), `farmhashna::Hash64`; TensorFlow's `Fingerprint64`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np

Words = Any  # uint64 arrays, one element for each string

_K0: Final = np.uint64(0xC3A5C85C97CB3127)
_K1: Final = np.uint64(0xB492B66FBE98F273)
_K2: Final = np.uint64(0x9AE16A3B2F90404F)
_CAT: Final = np.uint64(0xC6A4A7935BD1E995)
_47: Final = np.uint64(47)


def fingerprints(strings: Iterable[bytes]) -> Words:
    """Fingerprint64 of each string, as a vector of uint64."""
    items = list(strings)
    result = np.empty((len(items),), np.uint64)
    lengths = np.fromiter((len(item) for item in items), np.int64, len(items))
    with np.errstate(over="ignore"):
        for length in np.unique(lengths).tolist():
            places = np.flatnonzero(lengths == length)
            joined = b"".join([items[place] for place in places.tolist()])
            block = np.frombuffer(joined, np.uint8).reshape(len(places), length)
            result[places] = _hash(_Block(block), length)
    return result


def concatenated(first: Words, second: Words) -> Words:
    """Fingerprint of two fingerprints, where their order matters: `FingerprintCat64`."""
    with np.errstate(over="ignore"):
        result = first ^ _CAT
        result = result ^ (_shift_mix(second * _CAT) * _CAT)
        result = result * _CAT
        return _shift_mix(_shift_mix(result) * _CAT)


class _Block:
    """Strings of one length, as rows of bytes."""

    def __init__(self, rows: Any) -> None:
        self._rows = rows

    def byte(self, place: int) -> Words:
        return self._rows[:, place].astype(np.uint64)

    def word(self, place: int) -> Words:
        """The eight bytes from `place` on, the lowest first."""
        return np.ascontiguousarray(self._rows[:, place : place + 8]).view("<u8")[:, 0]

    def half(self, place: int) -> Words:
        """The four bytes from `place` on, the lowest first."""
        four = np.ascontiguousarray(self._rows[:, place : place + 4]).view("<u4")[:, 0]
        return four.astype(np.uint64)


def _rotate(value: Words, by: int) -> Words:
    return (value >> np.uint64(by)) | (value << np.uint64(64 - by))


def _shift_mix(value: Words) -> Words:
    return value ^ (value >> _47)


def _pair(u: Words, v: Words, mul: Words) -> Words:
    a = _shift_mix((u ^ v) * mul)
    return _shift_mix((v ^ a) * mul) * mul


def _hash(block: _Block, length: int) -> Words:
    if length <= 16:
        return _up_to_16(block, length)
    if length <= 32:
        return _up_to_32(block, length)
    return _up_to_64(block, length) if length <= 64 else _long(block, length)


def _multiplier(length: int) -> Words:
    return _K2 + np.uint64(2 * length)


def _up_to_16(block: _Block, length: int) -> Words:
    size, mul = np.uint64(length), _multiplier(length)
    if length >= 8:
        a = block.word(0) + _K2
        b = block.word(length - 8)
        c = _rotate(b, 37) * mul + a
        d = (_rotate(a, 25) + b) * mul
        return _pair(c, d, mul)
    if length >= 4:
        first = size + (block.half(0) << np.uint64(3))
        return _pair(first, block.half(length - 4), mul)
    if length:
        y = block.byte(0) + (block.byte(length >> 1) << np.uint64(8))
        z = size + (block.byte(length - 1) << np.uint64(2))
        return _shift_mix(y * _K2 ^ z * _K0) * _K2
    return _K2


def _up_to_32(block: _Block, length: int) -> Words:
    mul = _multiplier(length)
    a, b = block.word(0) * _K1, block.word(8)
    c, d = block.word(length - 8) * mul, block.word(length - 16) * _K2
    return _pair(_rotate(a + b, 43) + _rotate(c, 30) + d, a + _rotate(b + _K2, 18) + c, mul)


def _up_to_64(block: _Block, length: int) -> Words:
    mul = _multiplier(length)
    a, b = block.word(0) * _K2, block.word(8)
    c, d = block.word(length - 8) * mul, block.word(length - 16) * _K2
    y = _rotate(a + b, 43) + _rotate(c, 30) + d
    z = _pair(y, a + _rotate(b + _K2, 18) + c, mul)
    e, f = block.word(16) * mul, block.word(24)
    g = (y + block.word(length - 32)) * mul
    h = (z + block.word(length - 24)) * mul
    return _pair(_rotate(e + f, 43) + _rotate(g, 30) + h, e + _rotate(f + a, 18) + g, mul)


def _weak(block: _Block, place: int, a: Words, b: Words) -> tuple[Words, Words]:
    w, x, y, z = (block.word(place + offset) for offset in (0, 8, 16, 24))
    a = a + w
    b = _rotate(b + a + z, 21)
    c = a
    a = a + x + y
    return a + z, b + _rotate(a, 44) + c


def _long(block: _Block, length: int) -> Words:
    nine = np.uint64(9)
    x = np.uint64(81) * _K2 + block.word(0)
    y = np.uint64(81) * _K1 + np.uint64(113)
    z = _shift_mix(y * _K2 + np.uint64(113)) * _K2
    zero = np.zeros_like(x)
    v, w = (zero, zero), (zero, zero)
    end = (length - 1) // 64 * 64
    for s in range(0, end, 64):
        x = _rotate(x + y + v[0] + block.word(s + 8), 37) * _K1
        y = _rotate(y + v[1] + block.word(s + 48), 42) * _K1
        x = x ^ w[1]
        y = y + v[0] + block.word(s + 40)
        z = _rotate(z + w[0], 33) * _K1
        v = _weak(block, s, v[1] * _K1, x + w[0])
        w = _weak(block, s + 32, z + w[1], y + block.word(s + 16))
        z, x = x, z
    mul = _K1 + ((z & np.uint64(0xFF)) << np.uint64(1))
    s = end + ((length - 1) & 63) - 63
    w = (w[0] + np.uint64((length - 1) & 63), w[1])
    v = (v[0] + w[0], v[1])
    w = (w[0] + v[0], w[1])
    x = _rotate(x + y + v[0] + block.word(s + 8), 37) * mul
    y = _rotate(y + v[1] + block.word(s + 48), 42) * mul
    x = x ^ (w[1] * nine)
    y = y + v[0] * nine + block.word(s + 40)
    z = _rotate(z + w[0], 33) * mul
    v = _weak(block, s, v[1] * mul, x + w[0])
    w = _weak(block, s + 32, z + w[1], y + block.word(s + 16))
    z, x = x, z
    first = _pair(v[0], w[0], mul) + _shift_mix(y) * _K0 + z
    return _pair(first, _pair(v[1], w[1], mul) + x, mul)
