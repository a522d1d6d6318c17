"""Large values between memory and a file, with their checksum: several pieces at a time."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from penstock.wire.crc32c import crc32c, joined
from penstock.wire.files import reserve, start_writing

Bytes = NDArray[np.uint8]

# A piece stays in the cache of the processor between being copied and being summed.
PIECE_BYTES: Final = 1 << 22
_THREADS: Final = min(4, os.cpu_count() or 1)


def read_summed(file: Any, raw: Bytes, start: int) -> int:
    """Fill an array with the bytes of a file, and return their checksum.

    Args:
        file: opened for reading, buffered; where it stands afterwards is not said.
        raw: what is to be filled.
        start: where the bytes begin.

    Raises:
        EOFError: the file ends before.
    """
    if len(raw) <= PIECE_BYTES or not hasattr(os, "preadv"):
        file.seek(start)
        if file.readinto(raw.data) != len(raw):
            raise EOFError
        return crc32c(raw)
    descriptor = file.fileno()

    def read(begin: int) -> int:
        piece = raw[begin : begin + PIECE_BYTES]
        done = 0
        while done < len(piece):
            count = os.preadv(descriptor, [piece[done:].data], start + begin + done)
            if count == 0:
                raise EOFError
            done += count
        return crc32c(piece)

    return _side_by_side(read, len(raw))


def write_summed(file: Any, raw: Bytes, start: int) -> int:
    """Append an array to a file, and return the checksum of its bytes.

    Args:
        file: opened for writing, buffered; it stands at `start`, and at the end afterwards.
        raw: the bytes.
        start: where they will begin.
    """
    if len(raw) <= PIECE_BYTES or not hasattr(os, "pwrite"):
        file.write(raw.data)
        return crc32c(raw)
    file.flush()
    descriptor = file.fileno()
    reserve(descriptor, start, len(raw))

    def write(begin: int) -> int:
        piece = raw[begin : begin + PIECE_BYTES]
        done = 0
        while done < len(piece):
            done += os.pwrite(descriptor, piece[done:].data, start + begin + done)
        start_writing(descriptor, start + begin, len(piece))
        return crc32c(piece)

    total = _side_by_side(write, len(raw))
    file.seek(start + len(raw))
    return total


def _side_by_side(work: Callable[[int], int], size: int) -> int:
    """Do the work of each piece, which gives its checksum, and return that of the whole."""
    begins = range(0, size, PIECE_BYTES)
    total = 0
    with ThreadPoolExecutor(min(_THREADS, len(begins)), "penstock-pieces") as pool:
        for begin, checksum in zip(begins, pool.map(work, begins), strict=True):
            total = joined(total, checksum, min(PIECE_BYTES, size - begin))
    return total
