"""Writing summaries: whether to, under which name and step, and how."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from penstock.core import dtypes
from penstock.graph.branching import cond
from penstock.graph.func_graph import FuncGraph
from penstock.graph.symbol import constant_value
from penstock.runtime.context import name_scope
from penstock.runtime.context import state as context
from penstock.runtime.convert import constant, convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.tensor import Tensor
from penstock.summary.graph_view import graph_message
from penstock.summary.writer import SummaryWriter, state
from penstock.wire import protos

_NOT_IN_SCOPE: Final = re.compile(r"[^A-Za-z0-9_.\-/]")
_NO_STEP: Final = (
    "No step set. Please specify one either through the `step` argument or through "
    "tf.summary.experimental.set_step()"
)


def get_step() -> Any:
    """Step of summaries that give none, or None."""
    return state.step


def set_step(step: Any) -> None:
    """Set the step of summaries that give none, on this thread.

    Args:
        step: integer, int64 tensor or variable. A function that is traced keeps an integer as
            it was; a variable is read each time.
    """
    state.step = step


def should_record_summaries() -> Any:
    """Whether summaries are recorded: there is a writer, and the condition holds."""
    if state.writer is None:
        return constant(False)
    condition = state.condition() if callable(state.condition) else state.condition
    return constant(True) if condition is None else convert_to_tensor(condition, dtypes.bool)


@contextmanager
def record_if(condition: Any) -> Iterator[None]:
    """Record summaries that are made inside only if a condition holds.

    Args:
        condition: bool, boolean tensor, or callable that gives one and is asked each time.
    """
    before = state.condition
    state.condition = condition
    try:
        yield
    finally:
        state.condition = before


@contextmanager
def summary_scope(
    name: str | None, default_name: str = "summary", values: Any = None
) -> Iterator[tuple[str, str]]:
    """Open the name scope of a summary.

    Args:
        name: name of the summary.
        default_name: name where none is given.
        values: accepted for compatibility.

    Yields:
        The tag, which is the name below the scopes in force, and the scope.
    """
    del values
    name = name or default_name
    around = f"{getattr(context.graph, 'scope_around', '')}{context.name_scope}".rstrip("/")
    tag = f"{around}/{name}" if around else name
    with name_scope(_NOT_IN_SCOPE.sub("", name) or default_name) as scope:
        yield tag, scope


def write(
    tag: str,
    tensor: Any,
    step: Any = None,
    metadata: Any = None,
    name: str | None = None,
) -> Any:
    """Write a tensor to the default writer, if there is one.

    Args:
        tag: name of the summary.
        tensor: the value, or a callable that gives it and is asked only if it is recorded.
        step: default: the step in force.
        metadata: a SummaryMetadata message or its bytes; says which plugin shows the value.
        name: name of the node.

    Returns:
        Boolean scalar: whether the summary was written.

    Raises:
        ValueError: no step is given, and none is in force.
    """
    writer = state.writer
    if writer is None:
        return constant(False)
    # `None` is no step, and a boolean test of a tensor of a graph is an error.
    at = state.step if step is None else step
    if at is None:
        raise ValueError(_NO_STEP)
    if metadata is None:
        serialized = b""
    elif hasattr(metadata, "SerializeToString"):
        serialized = metadata.SerializeToString()
    else:
        serialized = metadata

    def record() -> Any:
        value = convert_to_tensor(tensor() if callable(tensor) else tensor)
        number = convert_to_tensor(at, dtypes.int64)
        call("WriteSummary", writer.handle, number, value, tag, serialized, name=name)
        return constant(True)

    return _if_recorded(record)


def _if_recorded(record: Callable[[], Any]) -> Any:
    decision = should_record_summaries()
    known = constant_value(decision)
    if known is not None:
        return record() if bool(known) else constant(False)
    return cond(decision, record, lambda: constant(False))


def write_raw_pb(tensor: Any, step: Any = None, name: str | None = None) -> Any:
    """Write serialized `Summary` messages to the default writer, if there is one.

    Args:
        tensor: strings.
        step: default: the step in force.
        name: name of the node.

    Returns:
        Boolean scalar: whether they were written.

    Raises:
        ValueError: no step is given, and none is in force.
        DataLossError: a string is no such message.
    """
    writer = state.writer
    if writer is None:
        return constant(False)
    at = state.step if step is None else step
    if at is None:
        raise ValueError(_NO_STEP)

    def record() -> Any:
        messages = convert_to_tensor(tensor, dtypes.string)
        number = convert_to_tensor(at, dtypes.int64)
        call("WriteRawProtoSummary", writer.handle, number, messages, name=name)
        return constant(True)

    return _if_recorded(record)


def graph(graph_data: Any) -> Any:
    """Write a graph to the default writer, if there is one.

    Args:
        graph_data: graph of a `ConcreteFunction`, or a GraphDef message.

    Returns:
        Boolean scalar: whether it was written.

    Raises:
        ValueError: it is no graph, or it is written from within a function.
    """
    if context.graph is not None:
        raise ValueError("graph() cannot be invoked inside a graph context.")
    writer = state.writer
    if writer is None:
        return constant(False)
    decision = should_record_summaries()
    if not bool(constant_value(decision)):
        return constant(False)
    if isinstance(graph_data, FuncGraph):
        message = graph_message(graph_data)
    elif isinstance(graph_data, protos.GraphDef) or _is_graph_def(graph_data):
        message = graph_data
    else:
        raise ValueError(
            "Argument 'graph_data' is not tf.Graph or tf.compat.v1.GraphDef. Received "
            f"graph_data={graph_data} of type {type(graph_data).__name__}."
        )
    call("WriteGraphSummary", writer.handle, _int64(0), message.SerializeToString())
    return constant(True)


def _is_graph_def(value: Any) -> bool:
    """Whether a value is the message of another protobuf pool."""
    descriptor = getattr(value, "DESCRIPTOR", None)
    return getattr(descriptor, "full_name", None) == "tensorflow.GraphDef"


def _int64(value: int) -> Tensor:
    return convert_to_tensor(value, dtypes.int64)


def flush(writer: SummaryWriter | None = None, name: str | None = None) -> Any:
    """Hand what was written to the operating system.

    Args:
        writer: default: the one in force, if there is one.
        name: name of the node.
    """
    del name
    chosen = state.writer if writer is None else writer
    return None if chosen is None else chosen.flush()
