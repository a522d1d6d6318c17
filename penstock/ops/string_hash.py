"""Strings in buckets, and fingerprints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.farmhash import fingerprints
from penstock.ops.string import mapped
from penstock.ops.table import REQUIRED, op

_MASK: Final = 0xFFFFFFFFFFFFFFFF
_MURMUR: Final = 0xC6A4A7935BD1E995
_MURMUR_SEED: Final = 0xDECAFCAFFE


def _check_buckets(num_buckets: int) -> None:
    if num_buckets < 1:
        raise InvalidArgumentError(f"num_buckets must be at least 1, got {num_buckets}")


@op(
    "StringToHashBucketFast",
    inputs=("input: string",),
    outputs=("output: int64",),
    attrs={"num_buckets": REQUIRED},
    kernel="host",
    differentiable=False,
    shape="same",
)
def string_to_hash_bucket_fast(x: Any, *, num_buckets: int) -> Any:
    """FarmHash fingerprints modulo the number of buckets.

    Shape: input [...] -> output [...].
    """
    _check_buckets(num_buckets)
    hashes = fingerprints(x.reshape(-1)) % np.uint64(num_buckets)
    return hashes.astype(np.int64).reshape(x.shape)


@op(
    "StringToHashBucket",
    inputs=("string_tensor: string",),
    outputs=("output: int64",),
    attrs={"num_buckets": REQUIRED},
    kernel="host",
    differentiable=False,
    shape="same",
)
def string_to_hash_bucket(string_tensor: Any, *, num_buckets: int) -> Any:
    """MurmurHash64A hashes modulo the number of buckets.

    Shape: string_tensor [...] -> output [...].
    """
    _check_buckets(num_buckets)
    return mapped(lambda text: murmur(text) % num_buckets, string_tensor, np.int64)


@op(
    "StringToHashBucketStrong",
    inputs=("input: string",),
    outputs=("output: int64",),
    attrs={"num_buckets": REQUIRED, "key": REQUIRED},
    kernel="host",
    differentiable=False,
    shape="same",
)
def string_to_hash_bucket_strong(x: Any, *, num_buckets: int, key: Sequence[int]) -> Any:
    """Hashes under a key of two numbers that an adversary cannot aim at, modulo the buckets.

    Shape: input [...] -> output [...].
    """
    _check_buckets(num_buckets)
    if len(key) != 2:
        raise InvalidArgumentError(f"key must have 2 elements, got {len(key)}")
    k0, k1 = (number & _MASK for number in key)
    return mapped(lambda text: sip_hash(text, k0, k1) % num_buckets, x, np.int64)


def murmur(text: bytes) -> int:
    """MurmurHash64A.

    Source: Austin Appleby's MurmurHash2.
    """
    value = _MURMUR_SEED ^ (len(text) * _MURMUR & _MASK)
    whole = len(text) // 8 * 8
    for i in range(0, whole, 8):
        word = int.from_bytes(text[i : i + 8], "little") * _MURMUR & _MASK
        word = (word ^ word >> 47) * _MURMUR & _MASK
        value = (value ^ word) * _MURMUR & _MASK
    if whole < len(text):
        value = (value ^ int.from_bytes(text[whole:], "little")) * _MURMUR & _MASK
    value = (value ^ value >> 47) * _MURMUR & _MASK
    return value ^ value >> 47


def sip_hash(text: bytes, k0: int, k1: int) -> int:
    """SipHash-2-4.

    Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012.
    """
    state = [
        0x736F6D6570736575 ^ k0,
        0x646F72616E646F6D ^ k1,
        0x6C7967656E657261 ^ k0,
        0x7465646279746573 ^ k1,
    ]
    whole = len(text) // 8 * 8
    words = [int.from_bytes(text[i : i + 8], "little") for i in range(0, whole, 8)]
    words.append(int.from_bytes(text[whole:], "little") | (len(text) & 0xFF) << 56)
    for word in words:
        state[3] ^= word
        _rounds(state, 2)
        state[0] ^= word
    state[2] ^= 0xFF
    _rounds(state, 4)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _rotate(value: int, by: int) -> int:
    return (value << by | value >> 64 - by) & _MASK


def _rounds(state: list[int], count: int) -> None:
    a, b, c, d = state
    for _ in range(count):
        a = a + b & _MASK
        b = _rotate(b, 13) ^ a
        a = _rotate(a, 32)
        c = c + d & _MASK
        d = _rotate(d, 16) ^ c
        a = a + d & _MASK
        d = _rotate(d, 21) ^ a
        c = c + b & _MASK
        b = _rotate(b, 17) ^ c
        c = _rotate(c, 32)
    state[:] = a, b, c, d


def _fingerprint_shape(data: Any, *_: Any) -> TensorShape:
    return TensorShape([None if data.shape.rank is None else data.shape.as_list()[0], 8])


@op(
    "Fingerprint",
    inputs=("data: T", "method: string"),
    outputs=("fingerprint: uint8",),
    kernel="host",
    differentiable=False,
    shape=_fingerprint_shape,
)
def fingerprint(data: Any, method: Any) -> Any:
    """Fingerprint of each row, as bytes, the low one first.

    Shape: data [n, ...], method [] -> fingerprint [n, 8].
    Errors: InvalidArgumentError unless the method is "farmhash64".
    """
    name = np.asarray(method, object).reshape(-1)[0]
    if name != b"farmhash64":
        raise InvalidArgumentError(f"method must be 'farmhash64', got {name!r}")
    if data.ndim == 0:
        raise InvalidArgumentError("data must have rank 1 or more, got a scalar")
    if data.dtype == object:
        hashes = fingerprints(data.reshape(-1))
        if data.ndim > 1:
            rows = hashes.astype("<u8").reshape(len(data), -1)
            hashes = fingerprints(row.tobytes() for row in rows)
    else:
        plain = np.ascontiguousarray(data)
        hashes = fingerprints(row.tobytes() for row in plain)
    return hashes.astype("<u8").view(np.uint8).reshape(len(data), 8)
