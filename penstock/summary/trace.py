"""`tf.summary.trace_on` and `trace_export`: the graphs of functions that run meanwhile."""

from __future__ import annotations

import threading
import warnings
from typing import Any, Final

from penstock.function.concrete_function import ConcreteFunction, observers
from penstock.runtime import profiling
from penstock.runtime.context import executing_eagerly
from penstock.summary.graph_view import graph_message
from penstock.summary.recording import write
from penstock.summary.writer import state
from penstock.wire import protos

# A graph is shown once however often it runs; a run of very many is cut off.
_MAX_GRAPHS: Final = 1000


class _Trace:
    """The functions that ran since the trace was switched on, each once."""

    def __init__(self, *, graph: bool, profiler: bool) -> None:
        self.graph = graph
        self.profiler = profiler
        self.functions: dict[int, ConcreteFunction] = {}

    def called(self, function: ConcreteFunction) -> None:
        """Note a function that runs."""
        if len(self.functions) < _MAX_GRAPHS:
            self.functions.setdefault(id(function), function)

    def message(self) -> Any:
        """RunMetadata with the graphs."""
        metadata = protos.RunMetadata()
        for function in self.functions.values():
            graph = graph_message(function.graph)
            metadata.partition_graphs.add().CopyFrom(graph)
            shown = metadata.function_graphs.add()
            shown.pre_optimization_graph.CopyFrom(graph)
            shown.partition_graphs.add().CopyFrom(graph)
        return metadata


_lock = threading.Lock()
_current: list[_Trace] = []


def trace_on(
    graph: bool = True, profiler: bool = False, profiler_outdir: str | None = None
) -> None:
    """Collect the graphs of functions that run from now on, and profile.

    Args:
        graph: whether graphs are collected.
        profiler: whether to profile.
        profiler_outdir: directory of the profile; without one there is none.
    """
    if not executing_eagerly():
        return
    if profiler and profiler_outdir is None:
        warnings.warn(
            "no `profiler_outdir` is passed to trace_on(), so there will be no profile",
            stacklevel=2,
        )
        profiler = False
    with _lock:
        if _current:
            return
        trace = _Trace(graph=graph, profiler=profiler)
        if graph:
            observers.append(trace)
        if profiler:
            profiling.start(str(profiler_outdir))
        _current.append(trace)


def trace_export(name: str, step: Any = None, profiler_outdir: str | None = None) -> None:
    """Write what was collected since `trace_on`, and end collecting.

    Args:
        name: name of the summary.
        step: default: the step in force.
        profiler_outdir: accepted for compatibility; `trace_on` takes the directory.

    Raises:
        ValueError: there is no trace, no writer, or no step.
    """
    del profiler_outdir
    if not executing_eagerly():
        return
    with _lock:
        trace = _current[0] if _current else None
    if trace is None:
        raise ValueError("Must enable trace before export through tf.summary.trace_on.")
    if state.writer is None and trace.graph:
        raise ValueError("a trace needs a default writer; use `writer.as_default()`")
    if trace.graph:
        metadata = protos.SummaryMetadata()
        metadata.plugin_data.plugin_name = "graph_run_metadata_graph"
        metadata.plugin_data.content = b"1"
        write(name, trace.message().SerializeToString(), step, metadata)
    trace_off()


def trace_off() -> None:
    """End collecting, and forget what was collected."""
    with _lock:
        trace = _current.pop() if _current else None
        if trace is None:
            return
        if trace.graph:
            observers.remove(trace)
        if trace.profiler:
            profiling.stop()
