"""Random numbers of datasets: the same streams as TensorFlow's, word for word."""

from __future__ import annotations

import itertools
import secrets
import threading
from collections.abc import Iterator

import numpy as np

from penstock.data.run import Drawn
from penstock.ops.philox import _SCRAMBLE_KEY as SCRAMBLE_KEY
from penstock.ops.philox import Generator, unit_float64
from penstock.ops.philox import _encrypt as encrypt
from penstock.runtime import random_state

_MASK = 0xFFFFFFFFFFFFFFFF
_FIRST_BLOCKS = 16
_MOST_BLOCKS = 1024


def words(seed: int, seed2: int) -> Iterator[int]:
    """Yield the 32-bit words of the Philox stream of two seeds, without end."""
    stream = Generator(
        np.array([seed & _MASK], np.uint64), np.array([0, seed2 & _MASK], np.uint64)
    )
    blocks = _FIRST_BLOCKS
    while True:
        yield from stream.words(4 * blocks).tolist()
        stream = stream.skip(blocks)
        blocks = min(2 * blocks, _MOST_BLOCKS)


def unit_doubles(seed: int, seed2: int) -> Iterator[float]:
    """Yield numbers in [0, 1): the first that each stateless seed gives.

    The stateless seeds are pairs of words of the stream of `seed` and `seed2`. This is how
    TensorFlow draws a dataset to sample from.
    """
    stream = words(seed, seed2)
    count = _FIRST_BLOCKS
    while True:
        pairs = np.array(list(itertools.islice(stream, 2 * count)), np.uint64).reshape(-1, 2)
        w0, w1, w2, w3 = encrypt(pairs[:, 0], pairs[:, 1], np.uint64(SCRAMBLE_KEY))
        key, high = w0 | w1 << np.uint64(32), w2 | w3 << np.uint64(32)
        first, second, _, _ = encrypt(np.zeros_like(high), high, key)
        yield from unit_float64(first, second).tolist()
        count = min(2 * count, _MOST_BLOCKS)


class SeedGenerator:
    """Gives each new iterator of a dataset its two seeds.

    Args:
        op_seed: seed of the transformation, or None.
        varies: whether each iterator gets other seeds; else all get the seeds made at first.
    """

    def __init__(self, op_seed: int | None, *, varies: bool) -> None:
        first, second = random_state.get_seed(op_seed)
        if first is None or second is None:
            first, second = secrets.randbits(64), secrets.randbits(64)
        self._seeds = (first, second)
        self._varies = varies
        self._lock = threading.Lock()
        self._position = 0
        self._stream = words(first, second)

    def draw(self) -> Drawn:
        """Return two seeds, and the number of this draw."""
        if not self._varies:
            return (*self._seeds, 0)
        with self._lock:
            number = self._position
            self._position += 1
            return next(self._stream), next(self._stream), number

    def go_after(self, number: int) -> None:
        """Go on as after the draw of that number."""
        with self._lock:
            if number + 1 < self._position:
                self._stream = words(*self._seeds)
                self._position = 0
            while self._position <= number:
                next(self._stream)
                next(self._stream)
                self._position += 1
