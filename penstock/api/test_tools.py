"""Benchmarks, comparisons of graphs, and what `tf.test` has besides test cases."""

from __future__ import annotations

import functools
import sys
import time
import unittest
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from penstock.core import nest
from penstock.core.errors import UnimplementedError
from penstock.runtime.devices import wait_for_devices
from penstock.runtime.tensor import TensorLike
from penstock.wire import protos

__all__ = [
    "Benchmark",
    "assert_equal_graph_def",
    "benchmark_config",
    "create_local_cluster",
    "disable_with_predicate",
    "experimental",
    "with_eager_op_as_function",
]


class Benchmark:
    """A base for benchmarks, whose methods `benchmark...` measure and report.

    Source: `tf.test.Benchmark`.
    """

    @classmethod
    def is_abstract(cls) -> bool:
        """Whether this is the base, and no benchmark."""
        return cls is Benchmark

    def evaluate(self, tensors: Any) -> Any:
        """Return tensors as arrays, in the nest in which they came."""
        return nest.map_structure(
            lambda item: item.numpy() if isinstance(item, TensorLike) else item,  # type: ignore[attr-defined]
            tensors,
        )

    def report_benchmark(
        self,
        iters: int | None = None,
        cpu_time: float | None = None,
        wall_time: float | None = None,
        throughput: float | None = None,
        extras: dict[str, Any] | None = None,
        name: str | None = None,
        metrics: list[dict[str, Any]] | None = None,
    ) -> dict[str, Any]:
        """Write a measurement to standard output, one line of text.

        Args:
            iters: number of rounds.
            cpu_time: seconds of a processor for each.
            wall_time: seconds for each.
            throughput: megabytes a second.
            extras: other values by name.
            name: name; None takes the class and the method that calls.
            metrics: further measurements, each with `name` and `value`.

        Returns:
            The measurement.
        """
        given = {
            "name": name or self._name_of_caller(),
            "iters": iters,
            "cpu_time": cpu_time,
            "wall_time": wall_time,
            "throughput": throughput,
            "extras": extras,
            "metrics": metrics,
        }
        entry = {key: value for key, value in given.items() if value is not None}
        sys.stdout.write(" ".join(f"{key}: {value}" for key, value in entry.items()) + "\n")
        return entry

    def _name_of_caller(self) -> str:
        frame = sys._getframe(1)  # noqa: SLF001  (CPython's way to the caller)
        while frame is not None and not frame.f_code.co_name.startswith("benchmark"):
            frame = frame.f_back  # type: ignore[assignment]
        if frame is None:
            raise ValueError("Unable to determine calling Benchmark class.")
        return f"{type(self).__name__}.{frame.f_code.co_name}"

    def run_op_benchmark(
        self,
        sess: Any,
        op_or_tensor: Any,
        feed_dict: Any = None,
        burn_iters: int = 2,
        min_iters: int = 10,
        store_trace: bool = False,
        store_memory_usage: bool = True,
        name: str | None = None,
        extras: dict[str, Any] | None = None,
        mbs: float = 0,
    ) -> dict[str, Any]:
        """Measure how long a session takes for an op, and report it.

        Args:
            sess: the session, or anything with its method `run`.
            op_or_tensor: what it runs.
            feed_dict: values for tensors.
            burn_iters: rounds before the clock starts.
            min_iters: rounds that are measured.
            store_trace: not supported.
            store_memory_usage: accepted for compatibility: memory is not measured.
            name: name of the measurement.
            extras: other values by name.
            mbs: megabytes that a round goes through.

        Returns:
            The measurement: rounds, median time, and their spread.

        Raises:
            UnimplementedError: a trace is asked for.
        """
        if store_trace:
            raise UnimplementedError("store_trace of tf.test.Benchmark is not implemented")
        for _ in range(burn_iters):
            sess.run(op_or_tensor, feed_dict=feed_dict)
        times = np.array(
            [_timed(sess, op_or_tensor, feed_dict) for _ in range(min_iters)] or [-1.0]
        )
        median = float(np.median(times))
        spread = {
            "wall_time_mean": float(np.mean(times)),
            "wall_time_stdev": float(np.std(times)),
            "wall_time_q1": float(np.percentile(times, 25)),
            "wall_time_q3": float(np.percentile(times, 75)),
        }
        return self.report_benchmark(
            iters=min_iters,
            wall_time=median,
            throughput=mbs / median if mbs else None,
            extras={**spread, **(extras or {})},
            name=name,
        )


def _timed(sess: Any, op_or_tensor: Any, feed_dict: Any) -> float:
    start = time.perf_counter()
    sess.run(op_or_tensor, feed_dict=feed_dict)
    return time.perf_counter() - start


def benchmark_config() -> Any:
    """Return a `ConfigProto` for benchmarks, whose ops are not taken out as unneeded."""
    config = protos.ConfigProto()
    rewriting = config.graph_options.rewrite_options
    rewriting.dependency_optimization = type(rewriting).OFF
    return config


def assert_equal_graph_def(expected: Any, actual: Any) -> None:
    """Check that two `GraphDef`s have the same nodes, in whichever order.

    Raises:
        AssertionError: they differ.
        TypeError: an argument is no `GraphDef`.
    """
    for name, given in (("expected", expected), ("actual", actual)):
        if type(given).__name__ != "GraphDef":
            raise TypeError(f"Expected tf.GraphDef for {name}, got {type(given).__name__}")
    one, other = _nodes(expected), _nodes(actual)
    for name, text in one.items():
        if name not in other:
            raise AssertionError(f"node {name!r} is missing")
        if text != other[name]:
            raise AssertionError(f"node {name!r} differs:\n{text}\nand\n{other[name]}")
    extra = sorted(set(other) - set(one))
    if extra:
        raise AssertionError(f"node {extra[0]!r} was not expected")


def _nodes(graph: Any) -> dict[str, str]:
    """Nodes as text, by name; inputs that only order them have no order of their own."""
    found = {}
    for node in graph.node:
        copy = type(node)()
        copy.CopyFrom(node)
        plain = [text for text in node.input if not text.startswith("^")]
        control = sorted(text for text in node.input if text.startswith("^"))
        del copy.input[:]
        copy.input.extend([*plain, *control])
        found[node.name] = str(copy)
    return found


def create_local_cluster(
    num_workers: int,
    num_ps: int,
    protocol: str = "grpc",
    worker_config: Any = None,
    ps_config: Any = None,
) -> Any:
    """Raise `UnimplementedError`: there are no TensorFlow servers.

    Args:
        num_workers: accepted for compatibility.
        num_ps: accepted for compatibility.
        protocol: accepted for compatibility.
        worker_config: accepted for compatibility.
        ps_config: accepted for compatibility.
    """
    del protocol, worker_config, ps_config
    raise UnimplementedError(
        f"tf.test.create_local_cluster needs {num_workers} + {num_ps} TensorFlow servers"
    )


def disable_with_predicate(
    pred: Callable[[], bool], skip_message: str
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate a test that is skipped when a function says so.

    Args:
        pred: asked when the test runs.
        skip_message: reason to tell.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def test(*args: Any, **kwargs: Any) -> Any:
            if pred():
                raise unittest.SkipTest(skip_message)
            return function(*args, **kwargs)

        return test

    return decorate


def with_eager_op_as_function(cls: Any = None, only_as_function: bool = False) -> Any:
    """Return a test class as it is: an op alone runs as it does in a function.

    Args:
        cls: the class; None gives a decorator.
        only_as_function: accepted for compatibility.
    """
    del only_as_function
    return (lambda given: given) if cls is None else cls


def sync_devices() -> None:
    """Wait until all devices have done what they were given."""
    wait_for_devices()


experimental = SimpleNamespace(sync_devices=sync_devices)
