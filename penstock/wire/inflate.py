"""Reading compressed files piece by piece."""

import zlib
from typing import BinaryIO, Final

from penstock.core.errors import DataLossError

_INPUT_BYTES: Final = 64 * 1024


class InflatingFile:
    """The decompressed bytes of a zlib or gzip file; never more in memory than asked for.

    Args:
        file: the compressed bytes.
        wire_bits: as in `zlib.decompressobj`: 15 for zlib, 31 for gzip.
        name: how an error calls the file.
    """

    def __init__(self, file: BinaryIO, wire_bits: int, name: str) -> None:
        self._file = file
        self._bits = wire_bits
        self._name = name
        self._inflate = zlib.decompressobj(wire_bits)
        self._pending = b""
        self._is_fresh = True

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; none at the end.

        Raises:
            DataLossError: the file is damaged, or ends within the compressed data.
        """
        while True:
            if self._inflate.eof:
                # A gzip file may be several, one after the other.
                self._pending = self._inflate.unused_data
                self._inflate = zlib.decompressobj(self._bits)
                self._is_fresh = True
            self._pending = self._pending or self._file.read(_INPUT_BYTES)
            if not self._pending:
                if self._is_fresh:
                    return b""
                raise DataLossError(f"compressed file '{self._name}' ends too early")
            try:
                data = self._inflate.decompress(self._pending, size)
            except zlib.error as error:
                raise DataLossError(
                    f"compressed file '{self._name}' is damaged: {error}"
                ) from error
            self._is_fresh = False
            self._pending = self._inflate.unconsumed_tail
            if data:
                return data
