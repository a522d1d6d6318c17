"""Bytes of an HDF5 file, each read checked against the length of the file.

Source: HDF5 File Format Specification 3.0.
"""

from __future__ import annotations

import os
from typing import BinaryIO, Final

from penstock.core.errors import DataLossError

# Structures that refer to each other again and again make a reader read more than there is.
_READS_PER_BYTE: Final = 16
_LEAST_READS: Final = 1 << 22


class UnfamiliarError(Exception):
    """A file uses a form that is not known here, which does not make it a damaged one."""


class Cursor:
    """Reads numbers from bytes, one after the other.

    Args:
        data: the bytes.
        what: how errors call them.
        address_bytes: how many bytes an address takes.
        length_bytes: how many bytes a length takes.
    """

    __slots__ = ("_address_bytes", "_data", "_length_bytes", "_what", "place")

    def __init__(
        self, data: bytes, what: str, address_bytes: int = 8, length_bytes: int = 8
    ) -> None:
        self._data = data
        self._what = what
        self._address_bytes = address_bytes
        self._length_bytes = length_bytes
        self.place = 0

    @property
    def left(self) -> int:
        """How many bytes follow."""
        return len(self._data) - self.place

    def take(self, count: int) -> bytes:
        """The next bytes.

        Raises:
            DataLossError: there are fewer.
        """
        if count > len(self._data) - self.place:
            raise DataLossError(
                f"{self._what} must have {count} more bytes, {self.left} follow"
            )
        start = self.place
        self.place = start + count
        return self._data[start : self.place]

    def number(self, count: int) -> int:
        """The next bytes as a number."""
        return int.from_bytes(self.take(count), "little")

    def length(self) -> int:
        """The next bytes as a length."""
        return self.number(self._length_bytes)

    def address(self) -> int | None:
        """The next bytes as an address, None for one that leads nowhere."""
        value = self.number(self._address_bytes)
        return None if value == (1 << 8 * self._address_bytes) - 1 else value

    def sub(self, count: int) -> Cursor:
        """A cursor over the next bytes."""
        return Cursor(self.take(count), self._what, self._address_bytes, self._length_bytes)

    def skip_to_multiple(self, unit: int, start: int = 0) -> None:
        """Go on where the distance from `start` is a multiple of `unit`."""
        self.take(-(self.place - start) % unit)

    def text(self) -> bytes:
        """The bytes up to the next zero, which is passed.

        Raises:
            DataLossError: no zero follows.
        """
        end = self._data.find(b"\0", self.place)
        if end < 0:
            raise DataLossError(f"{self._what} must have names that end")
        found = self._data[self.place : end]
        self.place = end + 1
        return found


class Source:
    """A file whose parts are read by address.

    Args:
        file: where to read.
        what: how errors call it.
    """

    def __init__(self, file: BinaryIO, what: str) -> None:
        self._file = file
        self.what = what
        self.size = file.seek(0, os.SEEK_END)
        self._left = max(_LEAST_READS, self.size * _READS_PER_BYTE)
        self.address_bytes = self.length_bytes = 8

    def fail(self, message: str) -> DataLossError:
        """The error of damaged bytes."""
        return DataLossError(f"{self.what} must be a whole HDF5 file: {message}")

    def check(self, address: int | None, count: int, part: str) -> int:
        """The address, which must have bytes behind it.

        Raises:
            DataLossError: the file ends before.
        """
        if address is None or address + count > self.size:
            place = "nowhere" if address is None else f"at {address}"
            raise self.fail(f"{part} lies {place}, {count} bytes, of {self.size}")
        return address

    def read(self, address: int | None, count: int, part: str) -> bytes:
        """Bytes of a part.

        Raises:
            DataLossError: the file ends before, or its parts refer to each other without end.
        """
        start = self.check(address, count, part)
        self._left -= count + 16
        if self._left < 0:
            raise self.fail("its parts refer to each other too often")
        self._file.seek(start)
        data = self._file.read(count)
        if len(data) < count:
            raise self.fail(f"{part} ends after {len(data)} of {count} bytes")
        return data

    def cursor(self, address: int | None, count: int, part: str) -> Cursor:
        """A cursor over the bytes of a part."""
        data = self.read(address, count, part)
        return Cursor(data, f"{part} of {self.what}", self.address_bytes, self.length_bytes)

    def signed(self, address: int | None, count: int, signature: bytes, part: str) -> Cursor:
        """A cursor over a part that begins with a signature, behind it."""
        cursor = self.cursor(address, count, part)
        found = cursor.take(len(signature))
        if found != signature:
            raise self.fail(f"{part} at {address} begins with {found!r} and not {signature!r}")
        return cursor
