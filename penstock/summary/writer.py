"""Summary writers, and which one is in force."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Any, Final

from penstock.core.errors import UnimplementedError
from penstock.runtime.context import init_scope
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.resources import TrackableResource

_MAX_QUEUE: Final = 10
_FLUSH_MILLIS: Final = 120_000
_SUFFIX: Final = ".v2"


class _State(threading.local):
    """What is in force on this thread.

    `condition` says whether to record: a bool, a boolean tensor, what gives one, or None.
    """

    writer: FileWriter | None = None
    step: Any = None
    condition: Any = None


state = _State()


class SummaryWriter:
    """What summaries are written to; made by `create_file_writer` or `create_noop_writer`."""

    def set_as_default(self, step: Any = None) -> None:
        """Write summaries of this thread here from now on.

        Args:
            step: step of summaries that give none.
        """
        raise UnimplementedError(f"{type(self).__name__} must say how it becomes the default")

    def as_default(self, step: Any = None) -> AbstractContextManager[SummaryWriter]:
        """Write summaries that are made inside here; they are flushed at the end.

        Args:
            step: step of summaries that give none.
        """
        raise UnimplementedError(f"{type(self).__name__} must say how it becomes the default")

    def init(self) -> Any:
        """Make the file, which exists already when the writer does."""
        raise UnimplementedError(f"{type(self).__name__} must say how it is made ready")

    def flush(self) -> Any:
        """Hand what was written to the operating system."""
        raise UnimplementedError(f"{type(self).__name__} must say how it is flushed")

    def close(self) -> Any:
        """Flush, and end writing."""
        raise UnimplementedError(f"{type(self).__name__} must say how it is closed")


class NoopWriter(SummaryWriter):
    """A writer that leaves everything as it is."""

    def set_as_default(self, step: Any = None) -> None:
        """Change nothing."""

    @contextmanager
    def as_default(self, step: Any = None) -> Iterator[SummaryWriter]:
        """Change nothing."""
        yield self

    def init(self) -> None:
        """Do nothing."""

    def flush(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class FileWriter(SummaryWriter):
    """A writer that appends to an event file of its own.

    Args:
        logdir: directory of the file.
        max_queue: events that may wait to be written.
        flush_millis: time after which an event does not wait any longer.
        filename_suffix: end of the file's name.
        shared_name: writers of one name share a file.
    """

    def __init__(
        self,
        logdir: Any,
        max_queue: int,
        flush_millis: int,
        filename_suffix: str,
        shared_name: str = "",
    ) -> None:
        self._arguments = (logdir, max_queue, flush_millis, filename_suffix)
        self._shared_name = shared_name
        self._closed = False
        # Lifted out of a function that is being traced: its graph captures the handle.
        with init_scope():
            self._writer_handle = self._make_handle()
            self._open()

    def _make_handle(self) -> Any:
        return call("SummaryWriter", shared_name=self._shared_name)

    @property
    def handle(self) -> Any:
        """Handle of the resource behind the writer."""
        return self._writer_handle

    def _open(self) -> None:
        call("CreateSummaryFileWriter", self.handle, *self._arguments)

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError(f"SummaryWriter {self!r} is already closed")

    def set_as_default(self, step: Any = None) -> None:
        """Write summaries of this thread here from now on.

        Raises:
            RuntimeError: the writer is closed.
        """
        self._check_open()
        state.writer = self
        if step is not None:
            state.step = step

    def as_default(self, step: Any = None) -> AbstractContextManager[SummaryWriter]:
        """Write summaries that are made inside here; they are flushed at the end.

        Raises:
            RuntimeError: the writer is closed.
        """
        self._check_open()
        return _Default(self, step)

    def init(self) -> None:
        """Make the file, which exists already when the writer does.

        Raises:
            RuntimeError: the writer is closed.
        """
        self._check_open()

    def flush(self) -> None:
        """Hand what was written to the operating system."""
        if not self._closed:
            call("FlushSummaryWriter", self.handle)

    def close(self) -> None:
        """Flush and close the file; done again it changes nothing."""
        if not self._closed:
            with init_scope():
                call("CloseSummaryWriter", self.handle)
            self._closed = True


class _Default(AbstractContextManager[SummaryWriter]):
    """A writer in force. No generator: one that is forgotten must not undo what it did."""

    def __init__(self, writer: FileWriter, step: Any) -> None:
        self._writer = writer
        self._step = step
        self._before: tuple[FileWriter | None, Any] = (None, None)

    def __enter__(self) -> SummaryWriter:
        self._before = state.writer, state.step
        self._writer.set_as_default(self._step)
        return self._writer

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._writer.flush()
        finally:
            state.writer, state.step = self._before


class TrackableFileWriter(FileWriter, TrackableResource):
    """A writer that a SavedModel can hold: loaded again, it has a file of its own."""

    def __init__(self, *arguments: Any) -> None:
        TrackableResource.__init__(self)
        FileWriter.__init__(self, *arguments)

    def _make_handle(self) -> Any:
        return self.resource_handle

    def _create_resource(self) -> Any:
        return call("SummaryWriter", shared_name=self._shared_name)

    def _initialize(self) -> None:
        call("CreateSummaryFileWriter", self.resource_handle, *self._arguments)

    def _destroy_resource(self) -> None:
        call("CloseSummaryWriter", self.resource_handle)


def create_file_writer(
    logdir: Any,
    max_queue: int | None = None,
    flush_millis: int | None = None,
    filename_suffix: str | None = None,
    name: str | None = None,
    experimental_trackable: bool = False,
    experimental_mesh: Any = None,
) -> SummaryWriter:
    """Return a writer with an event file of its own in a directory.

    Args:
        logdir: the directory; made if it does not exist.
        max_queue: events that may wait to be written, default 10.
        flush_millis: time after which an event does not wait any longer, default 120,000.
        filename_suffix: end of the file's name, default `.v2`.
        name: name of the op.
        experimental_trackable: whether a SavedModel shall hold the writer.
        experimental_mesh: accepted for compatibility.

    Raises:
        ValueError: there is no directory given.
        NotFoundError: the directory cannot be made.

    Example:
        >>> import penstock as tf
        >>> writer = tf.summary.create_file_writer("/tmp/penstock_example/logs")
        >>> with writer.as_default(step=1):
        ...     written = tf.summary.scalar("loss", 0.5)
    """
    del name, experimental_mesh
    if logdir is None:
        raise ValueError("Argument `logdir` cannot be None")
    place = os.fspath(logdir) if isinstance(logdir, (str, os.PathLike)) else logdir
    with init_scope():
        place = convert_to_tensor(place)
    kind = TrackableFileWriter if experimental_trackable else FileWriter
    return kind(
        place,
        _MAX_QUEUE if max_queue is None else max_queue,
        _FLUSH_MILLIS if flush_millis is None else flush_millis,
        _SUFFIX if filename_suffix is None else filename_suffix,
    )


def create_noop_writer() -> SummaryWriter:
    """Return a writer that leaves everything as it is, where code wants a writer."""
    return NoopWriter()
