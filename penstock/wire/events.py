"""TensorBoard's event files: TFRecord files of `Event` messages.

Source: TensorFlow's `EventsWriter` and `tf.compat.v1.train.summary_iterator`.
"""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

from penstock.core.errors import DataLossError, FailedPreconditionError
from penstock.wire import protos
from penstock.wire.records import PathLike, RecordReader, frame

FILE_VERSION: Final = "brain.Event:2"
_SERIAL: Final = count()


class EventFileWriter:
    """Appends events to a file of its own.

    The file begins with the version of the format. Each event reaches the operating system as
    one write at `flush` at the latest, so that a reader of a growing file sees whole records
    and at most one that is not complete.

    Args:
        directory: made if it does not exist.
        filename_suffix: end of the file's name.
        clock: seconds since 1970.

    Example:
        >>> with EventFileWriter("logs/train") as writer:
        ...     writer.add_event(step=1, graph_def=b"")
    """

    def __init__(
        self,
        directory: PathLike,
        filename_suffix: str = ".v2",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        serial = f"{os.getpid()}.{next(_SERIAL)}"
        host = socket.gethostname()
        self.path: Final = (
            folder / f"events.out.tfevents.{int(clock()):010d}.{host}.{serial}{filename_suffix}"
        )
        self._file: BinaryIO = self.path.open("ab")
        self.add_event(
            file_version=FILE_VERSION, source_metadata={"writer": "penstock.wire.events"}
        )
        self.flush()

    def add_event(self, event: Any = None, /, **fields: Any) -> None:
        """Append an `Event`, given whole or by its fields; without a time it gets the clock's.

        Raises:
            FailedPreconditionError: the writer is closed.
        """
        event = protos.Event(**fields) if event is None else event
        if not event.wall_time:
            event.wall_time = self._clock()
        self.add_serialized(event.SerializeToString())

    def add_serialized(self, event: bytes) -> None:
        """Append the bytes of an `Event`.

        Raises:
            FailedPreconditionError: the writer is closed.
        """
        framed = frame(event)
        with self._lock:
            if self._file.closed:
                raise FailedPreconditionError(f"event file '{self.path}' is closed")
            self._file.write(framed)

    def flush(self) -> None:
        """Hand what has been written to the operating system."""
        with self._lock:
            if not self._file.closed:
                self._file.flush()

    def close(self) -> None:
        """Flush and close the file; further events are refused."""
        with self._lock:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def read_events(path: PathLike, *, is_growing: bool = False) -> Iterator[Any]:
    """Yield the `Event` messages of a file.

    Args:
        path: the file.
        is_growing: somebody still writes it, so an incomplete last record is no error.

    Raises:
        NotFoundError: there is no such file.
        DataLossError: the file is damaged.
    """
    with RecordReader(path) as reader:
        while True:
            offset = reader.offset
            try:
                record = next(reader, None)
            except DataLossError as error:
                if is_growing and "truncated" in error.message:
                    return
                raise
            if record is None:
                return
            yield protos.parse(protos.Event, record, f"event at {offset} of '{path}'")
