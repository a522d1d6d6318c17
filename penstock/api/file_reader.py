"""`tf.io.gfile.GFile`: a file that is read or written piece by piece."""

from __future__ import annotations

from types import TracebackType
from typing import Any, BinaryIO, Final, Self

from penstock.core.errors import InvalidArgumentError, OutOfRangeError, PermissionDeniedError
from penstock.wire.file_system import as_path, file_system_of

_MODES: Final = ("r", "w", "a", "r+", "w+", "a+")


class GFile:
    """A file, opened when it is first used.

    Args:
        name: its name.
        mode: "r", "w", "a", "r+", "w+" or "a+", with "b" for bytes in place of text.

    Raises:
        InvalidArgumentError: there is no such mode.

    Example:
        >>> import penstock as tf
        >>> with tf.io.gfile.GFile("/tmp/penstock_example.txt", "w") as file:
        ...     file.write("one line")
        >>> tf.io.gfile.GFile("/tmp/penstock_example.txt").read()
        'one line'
    """

    def __init__(self, name: Any, mode: str = "r") -> None:
        self._name = name
        self._path = as_path(name)
        self._mode = mode
        self._bare_mode = mode.replace("b", "")
        if self._bare_mode not in _MODES:
            raise InvalidArgumentError(
                "mode is not 'r' or 'w' or 'a' or 'r+' or 'w+' or 'a+', got " + repr(mode)
            )
        self._is_binary = "b" in mode
        self._file: BinaryIO | None = None

    @property
    def name(self) -> Any:
        """Name of the file."""
        return self._name

    @property
    def mode(self) -> str:
        """How it was opened."""
        return self._mode

    # -- opening --------------------------------------------------------------------------

    def _open(self) -> BinaryIO:
        if self._file is None:
            letter, plus = self._bare_mode[0], self._bare_mode[1:]
            self._file = file_system_of(self._path).open(self._path, f"{letter}b{plus}")
        return self._file

    def _readable(self) -> BinaryIO:
        if self._bare_mode in ("w", "a"):
            raise PermissionDeniedError("File isn't open for reading")
        return self._open()

    def _writable(self) -> BinaryIO:
        if self._bare_mode == "r":
            raise PermissionDeniedError("File isn't open for writing")
        return self._open()

    def _shown(self, data: bytes) -> Any:
        return data if self._is_binary else data.decode()

    # -- reading --------------------------------------------------------------------------

    def read(self, n: int = -1) -> Any:
        """Read `n` bytes, or all that are left; as text unless the mode has a "b".

        Raises:
            NotFoundError: there is no such file.
            PermissionDeniedError: it is open for writing.
        """
        return self._shown(self._readable().read(n))

    def readline(self) -> Any:
        """Read up to the end of a line, which is kept."""
        return self._shown(self._readable().readline())

    def readlines(self) -> list[Any]:
        """Read all lines that are left."""
        return [self._shown(line) for line in self._readable().readlines()]

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    def next(self) -> Any:
        """Read a line.

        Raises:
            StopIteration: there are none left.
        """
        return next(self)

    def size(self) -> int:
        """Size in bytes."""
        if self._file is not None and self._bare_mode != "r":
            self._file.flush()
        return file_system_of(self._path).statistics(self._path).length

    # -- writing --------------------------------------------------------------------------

    def write(self, file_content: Any) -> None:
        """Write text or bytes.

        Raises:
            PermissionDeniedError: the file is open for reading.
        """
        file = self._writable()
        file.write(file_content if isinstance(file_content, bytes) else file_content.encode())

    def flush(self) -> None:
        """Hand what has been written to the operating system."""
        if self._file is not None:
            self._file.flush()

    # -- places ---------------------------------------------------------------------------

    def seek(self, offset: int | None = None, whence: int = 0, position: Any = None) -> None:
        """Go to a place.

        Args:
            offset: how far from `whence`.
            whence: 0 for the beginning, 1 for the current place, 2 for the end.
            position: an older name of `offset`.

        Raises:
            TypeError: no place is given.
            InvalidArgumentError: there is no such `whence`.
            OutOfRangeError: the place is before the beginning.
        """
        offset = position if offset is None else offset
        if offset is None:
            raise TypeError("seek(): offset argument required")
        if whence not in (0, 1, 2):
            raise InvalidArgumentError(
                f"Invalid whence argument: {whence}. Valid values are 0, 1, or 2."
            )
        file = self._readable()
        start = (0, file.tell(), self.size())[whence]
        if start + offset < 0:
            raise OutOfRangeError(f"the place must be at least 0, got {start + offset}")
        file.seek(start + offset)

    def seekable(self) -> bool:
        """Whether one can go to a place: always."""
        return True

    def tell(self) -> int:
        """The current place, in bytes from the beginning."""
        return self._open().tell()

    # -- closing --------------------------------------------------------------------------

    def close(self) -> None:
        """Close the file."""
        if self._file is None and self._bare_mode in ("w", "w+"):
            self._open()  # an empty file is a file
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        file = getattr(self, "_file", None)
        if file is not None:
            file.close()
