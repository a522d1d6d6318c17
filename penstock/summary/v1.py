"""`tf.compat.v1.summary`: event files written by hand, message by message."""

from __future__ import annotations

import os
from typing import Any

from penstock.core.errors import MissingNameError
from penstock.graph.func_graph import FuncGraph
from penstock.summary.graph_view import graph_message
from penstock.wire import protos
from penstock.wire.summaries import SummaryFile

_SECOND = 1000
# Messages, whose classes are made when they are first named.
_MESSAGES = ("Event", "SessionLog", "Summary", "SummaryDescription", "TaggedRunMetadata")


class FileWriter:
    """Appends messages to an event file of its own.

    Args:
        logdir: directory of the file; made if it does not exist.
        graph: graph to write at once.
        max_queue: events that may wait to be written.
        flush_secs: time after which an event does not wait any longer.
        graph_def: GraphDef message to write at once.
        filename_suffix: end of the file's name.
        session: accepted for compatibility.
    """

    def __init__(
        self,
        logdir: str | os.PathLike[str],
        graph: Any = None,
        max_queue: int = 10,
        flush_secs: int = 120,
        graph_def: Any = None,
        filename_suffix: str | None = None,
        session: Any = None,
    ) -> None:
        del session
        self._logdir = os.fspath(logdir)
        self._options = (max_queue, flush_secs * _SECOND, filename_suffix or "")
        self._file: SummaryFile | None = SummaryFile(self._logdir, *self._options)
        shown = graph if graph is not None else graph_def
        if shown is not None:
            self.add_graph(shown)

    def _opened(self) -> SummaryFile:
        """The file; a closed writer goes on in a new one, as TensorFlow's does."""
        if self._file is None:
            self._file = SummaryFile(self._logdir, *self._options)
        return self._file

    def get_logdir(self) -> str:
        """Directory of the file."""
        return self._logdir

    def add_event(self, event: Any) -> None:
        """Append an `Event` message."""
        self._opened().add_serialized_event(event.SerializeToString())

    def add_summary(self, summary: Any, global_step: int | None = None) -> None:
        """Append a `Summary`, as a message or serialized.

        Raises:
            DataLossError: the bytes are no such message.
        """
        serialized = summary if isinstance(summary, bytes) else summary.SerializeToString()
        self._opened().add_serialized_summary(int(global_step or 0), serialized)

    def add_session_log(self, session_log: Any, global_step: int | None = None) -> None:
        """Append a `SessionLog` message."""
        log = protos.SessionLog.FromString(session_log.SerializeToString())
        self._opened().add(int(global_step or 0), session_log=log)

    def add_graph(
        self, graph: Any, global_step: int | None = None, graph_def: Any = None
    ) -> None:
        """Append a graph, as such or as a GraphDef message.

        Raises:
            TypeError: it is neither.
        """
        shown = graph if graph is not None else graph_def
        message = graph_message(shown) if isinstance(shown, FuncGraph) else shown
        if not hasattr(message, "SerializeToString"):
            raise TypeError(
                f"The passed graph must be an instance of `Graph` or `GraphDef`, got {shown!r}"
            )
        serialized = message.SerializeToString()
        self._opened().add_serialized_graph(int(global_step or 0), serialized)

    def add_meta_graph(self, meta_graph_def: Any, global_step: int | None = None) -> None:
        """Append a `MetaGraphDef` message."""
        serialized = meta_graph_def.SerializeToString()
        self._opened().add(int(global_step or 0), meta_graph_def=serialized)

    def add_run_metadata(
        self, run_metadata: Any, tag: str, global_step: int | None = None
    ) -> None:
        """Append a `RunMetadata` message under a tag."""
        tagged = protos.TaggedRunMetadata(
            tag=tag, run_metadata=run_metadata.SerializeToString()
        )
        self._opened().add(int(global_step or 0), tagged_run_metadata=tagged)

    def flush(self) -> None:
        """Hand what was written to the operating system."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """Flush and close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def reopen(self) -> None:
        """Go on after `close`, in a new file."""
        self._opened()

    def __enter__(self) -> FileWriter:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def __getattr__(name: str) -> Any:
    if name in _MESSAGES:
        value = globals()[name] = getattr(protos, name)
        return value
    if name.startswith("_"):
        raise AttributeError(name)
    raise MissingNameError(f"tf.compat.v1.summary.{name} is not implemented")
