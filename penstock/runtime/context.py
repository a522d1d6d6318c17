"""What is in force on this thread: interpreter, tapes, device and name scopes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from penstock.ops.table import OpDef


class Interpreter(Protocol):
    """What to do with an op call: run it, or write it down."""

    def apply(self, row: OpDef, inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
        """Give the outputs of the op `row` on `inputs`."""

    def constant(self, value: Any, dtype: Any) -> Any:
        """Give a tensor with the value of a numpy array."""


class Recorder(Protocol):
    """A tape or accumulator, which is told of every op call after it was made."""

    def record(
        self,
        row: OpDef,
        attrs: dict[str, Any],
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        lengths: Sequence[int | None],
    ) -> None:
        """Keep what is needed to differentiate the call."""


class State(threading.local):
    """State of one thread.

    `graph` is the interpreter that writes calls down, or None when calls are run at once.
    """

    def __init__(self) -> None:
        self.graph: Any = None
        self.graphs: list[Any] = []
        self.recorders: list[Any] = []
        self.device: str | None = None
        self.name_scope: str = ""
        self.control_inputs: list[Any] = []
        self.replica_context: Any = None
        self.variable_creators: list[Any] = []
        # Told of every variable that is made while a function is traced.
        self.on_variable: Callable[[], None] | None = None


state = State()


@contextmanager
def graph_scope(graph: Any) -> Iterator[Any]:
    """Make `graph` (None for eager execution) the interpreter, without the tapes outside."""
    saved = state.graph, state.recorders, state.name_scope
    state.graphs.append(saved)
    state.graph, state.recorders, state.name_scope = graph, [], ""
    try:
        yield graph
    finally:
        state.graphs.pop()
        state.graph, state.recorders, state.name_scope = saved


@contextmanager
def init_scope() -> Iterator[None]:
    """Lift what is inside out of all function graphs, into eager execution."""
    saved = state.graph, state.recorders, state.name_scope, state.control_inputs
    state.graph, state.recorders, state.control_inputs = None, [], []
    try:
        yield
    finally:
        state.graph, state.recorders, state.name_scope, state.control_inputs = saved


def push_recorder(recorder: Any) -> None:
    """Tell `recorder` of the op calls from here on.

    Forward accumulators come after all tapes: what they compute of a call is recorded by the
    tapes, and depends on what the call gave.
    """
    # A fresh list: other scopes may hold on to the one in force.
    recorders = [*state.recorders]
    place = len(recorders)
    if not getattr(recorder, "is_accumulator", False):
        while place and getattr(recorders[place - 1], "is_accumulator", False):
            place -= 1
    recorders.insert(place, recorder)
    state.recorders = recorders


@contextmanager
def not_recording() -> Iterator[None]:
    """Hide op calls inside from all tapes."""
    saved = state.recorders
    state.recorders = []
    try:
        yield
    finally:
        state.recorders = saved


@contextmanager
def name_scope(name: str | None) -> Iterator[str]:
    """Prefix the names of ops made inside, as `tf.name_scope` does.

    Yields:
        The scope's full name with a trailing slash; empty for None.
    """
    saved = state.name_scope
    if not name:
        state.name_scope = ""
    elif name.endswith("/"):
        state.name_scope = name
    else:
        full = f"{saved}{name}"
        if state.graph is not None:
            full = state.graph.unique_name(full, mark_as_used=True)
        state.name_scope = f"{full}/"
    try:
        yield state.name_scope
    finally:
        state.name_scope = saved


@contextmanager
def not_taping() -> Iterator[None]:
    """Hide op calls inside from tapes, but not from forward accumulators."""
    saved = state.recorders
    state.recorders = [
        recorder for recorder in saved if getattr(recorder, "is_accumulator", False)
    ]
    try:
        yield
    finally:
        state.recorders = saved


@contextmanager
def only_tapes() -> Iterator[None]:
    """Hide op calls inside from forward accumulators."""
    saved = state.recorders
    state.recorders = [
        recorder for recorder in saved if not getattr(recorder, "is_accumulator", False)
    ]
    try:
        yield
    finally:
        state.recorders = saved


def executing_eagerly() -> bool:
    """Whether op calls are run at once."""
    return state.graph is None


def inside_function() -> bool:
    """Whether a function graph is being built."""
    return state.graph is not None
