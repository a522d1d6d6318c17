"""The metrics that penstock counts: one row each, whatever exports them.

A row is a module constant at the end. Counting takes the lock of one cell and nothing else;
keep the cell of `labels(...)` where the same labels come again and again. Who counts very
often may keep notes and add them up in lots: see `add_before_reading`.
"""

from __future__ import annotations

import threading
import weakref
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from penstock.core.errors import AlreadyExistsError, InvalidArgumentError, NotFoundError

# Labels may come from requests; what comes beyond this many is counted together.
_CELL_LIMIT = 2_000
_OVERFLOW = "_other"
_NEW_LIMIT = 256
# Values from which sorting them into buckets all at once is quicker.
_MANY = 64

# Methods that bring cells up to date; they end with their objects.
_notes: list[weakref.WeakMethod[Callable[[], None]]] = []


def add_before_reading(add_up: Callable[[], None]) -> None:
    """Have a method called whenever a value is about to be read.

    Args:
        add_up: a bound method, of which no strong reference is kept. It counts what has only
            been noted so far, from any thread, and is quick when there is nothing.
    """
    _notes[:] = [each for each in _notes if each() is not None]
    _notes.append(weakref.WeakMethod(add_up))


def _add_up() -> None:
    for each in _notes:
        method = each()
        if method is not None:
            method()


class Counter:
    """A number that only grows."""

    __slots__ = ("_lock", "_value")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._value: float = 0

    def increment(self, by: float = 1) -> None:
        """Add `by`, which must not be negative."""
        if by < 0:
            raise InvalidArgumentError(f"a counter must not decrease, got {by}")
        with self._lock:
            self._value += by

    def advance_to(self, total: float) -> None:
        """Take over a sum that somebody else keeps; one below the last is passed over."""
        with self._lock:
            self._value = max(self._value, total)

    def value(self) -> float:
        """Return the sum so far."""
        _add_up()
        return self._value


class Gauge:
    """A number that goes up and down."""

    __slots__ = ("_lock", "_value")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._value: float = 0

    def set(self, value: float) -> None:
        """Put `value` in place of the number."""
        self._value = value

    def increment(self, by: float = 1) -> None:
        """Add `by`, which may be negative."""
        with self._lock:
            self._value += by

    def value(self) -> float:
        """Return the number."""
        return self._value


@dataclass(frozen=True, slots=True)
class HistogramValue:
    """What a histogram holds: a count for each bucket and one beyond the last, and the sum."""

    counts: tuple[int, ...]
    sum: float

    @property
    def count(self) -> int:
        """How many values were observed."""
        return sum(self.counts)


class Histogram:
    """How many values fell into each bucket; a bucket holds what is not above its bound."""

    __slots__ = ("_bounds", "_counts", "_lock", "_new", "_sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._lock = threading.Lock()
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum: float = 0
        # Values that are not in a bucket yet: adding to a list takes a tenth of the time.
        self._new: list[float] = []

    def observe(self, value: float) -> None:
        """Count `value`."""
        new = self._new
        new.append(value)
        if len(new) >= _NEW_LIMIT:
            self._sort_in()

    def observe_all(self, values: Sequence[float]) -> None:
        """Count several values."""
        self._new.extend(values)
        if len(self._new) >= _NEW_LIMIT:
            self._sort_in()

    def value(self) -> HistogramValue:
        """Return a snapshot."""
        _add_up()
        self._sort_in()
        with self._lock:
            return HistogramValue(tuple(self._counts), self._sum)

    def _sort_in(self) -> None:
        with self._lock:
            new, counts, bounds = self._new, self._counts, self._bounds
            # Other threads may add to the list meanwhile, so only what was seen is taken out.
            seen = new[:]
            del new[: len(seen)]
            if len(seen) < _MANY:
                for value in seen:
                    counts[bisect_left(bounds, value)] += 1
            else:
                places = np.searchsorted(bounds, seen)
                for place, more in enumerate(np.bincount(places).tolist()):
                    counts[place] += more
            self._sum += sum(seen)


_Cell = TypeVar("_Cell", Counter, Gauge, Histogram)


class Metric(Generic[_Cell]):
    """One row of the table, with a cell for each combination of labels that was met.

    Args:
        name: as in TF Serving where it has one, such as `:tensorflow:serving:request_count`.
        cell: the class of the cells.
        help_text: one sentence for those who read the numbers.
        labels: names of the labels.
        unit: of the values, such as `microseconds`; empty for plain counts.
        bounds: upper bounds of the buckets of a histogram, rising.
    """

    _KINDS: ClassVar[dict[type, str]] = {
        Counter: "counter",
        Gauge: "gauge",
        Histogram: "histogram",
    }

    def __init__(
        self,
        name: str,
        cell: type[_Cell],
        help_text: str,
        *,
        labels: Sequence[str] = (),
        unit: str = "",
        bounds: Sequence[float] = (),
    ) -> None:
        self.name = name
        self.kind = self._KINDS[cell]
        self.help = help_text
        self.label_names = tuple(labels)
        self.unit = unit
        self.bounds = tuple(bounds)
        self._cell: type[_Cell] = cell
        self._lock = threading.Lock()
        self._cells: dict[tuple[str, ...], _Cell] = {}

    def labels(self, *values: str) -> _Cell:
        """Return the cell of these label values, in the order of `label_names`."""
        cell = self._cells.get(values)
        return self._make(values) if cell is None else cell

    def _make(self, values: tuple[str, ...]) -> _Cell:
        if len(values) != len(self.label_names):
            raise InvalidArgumentError(
                f"metric {self.name!r} has the labels {list(self.label_names)}, "
                f"got {list(values)}"
            )
        with self._lock:
            if len(self._cells) >= _CELL_LIMIT:
                values = (_OVERFLOW,) * len(values)
            arguments: tuple[Any, ...] = (self.bounds,) if self._cell is Histogram else ()
            return self._cells.setdefault(values, self._cell(*arguments))

    def collect(self) -> list[tuple[tuple[str, ...], _Cell]]:
        """Return (label values, cell) for every combination met, sorted."""
        _add_up()
        with self._lock:
            return sorted(self._cells.items(), key=lambda item: item[0])

    def forget(self, **labels: str) -> int:
        """Forget the cells that have these values; return how many they were."""
        wanted = [(self.label_names.index(name), value) for name, value in labels.items()]
        with self._lock:
            found = [v for v in self._cells if all(v[at] == value for at, value in wanted)]
            for values in found:
                del self._cells[values]
        return len(found)

    def clear(self) -> None:
        """Forget all cells; those handed out before are no longer collected."""
        with self._lock:
            self._cells.clear()


_Row = Metric[Counter] | Metric[Gauge] | Metric[Histogram]
_TABLE: dict[str, _Row] = {}


def rows() -> tuple[_Row, ...]:
    """Return every metric, sorted by name."""
    return tuple(_TABLE[name] for name in sorted(_TABLE))


def lookup(name: str) -> _Row:
    """Return the metric of that name.

    Raises:
        NotFoundError: the table has no such row.
    """
    try:
        return _TABLE[name]
    except KeyError:
        raise NotFoundError(f"no metric named {name!r} among {len(_TABLE)} metrics") from None


def _add(row: Any) -> Any:
    if row.name in _TABLE:
        raise AlreadyExistsError(f"metric {row.name!r} has a row; choose another name")
    _TABLE[row.name] = row
    return row


def counter(
    name: str, help_text: str, labels: Sequence[str] = (), unit: str = ""
) -> Metric[Counter]:
    """Add a row whose values only grow."""
    return _add(Metric(name, Counter, help_text, labels=labels, unit=unit))  # type: ignore[no-any-return]


def gauge(
    name: str, help_text: str, labels: Sequence[str] = (), unit: str = ""
) -> Metric[Gauge]:
    """Add a row whose values go up and down."""
    return _add(Metric(name, Gauge, help_text, labels=labels, unit=unit))  # type: ignore[no-any-return]


def histogram(
    name: str,
    help_text: str,
    bounds: Sequence[float],
    labels: Sequence[str] = (),
    unit: str = "",
) -> Metric[Histogram]:
    """Add a row that counts values by bucket; `bounds` are the upper bounds, rising."""
    if any(low >= high for low, high in pairwise(bounds)):
        raise InvalidArgumentError(f"bounds must rise, got {list(bounds)}")
    return _add(  # type: ignore[no-any-return]
        Metric(name, Histogram, help_text, labels=labels, unit=unit, bounds=bounds)
    )


def exponential_bounds(first: float, factor: float, count: int) -> tuple[float, ...]:
    """Return `count` bounds, each `factor` times the one before."""
    return tuple(first * factor**power for power in range(count))


# From 10 microseconds to about 20 minutes, as in TF Serving.
_LATENCY_BOUNDS = exponential_bounds(10, 1.8, 33)

REQUEST_COUNT = counter(
    ":tensorflow:serving:request_count",
    "requests answered, by outcome",
    ("model_name", "status"),
)
REQUEST_LATENCY = histogram(
    ":tensorflow:serving:request_latency",
    "time from the arrival of a request to its answer",
    _LATENCY_BOUNDS,
    ("model_name", "API", "entrypoint"),
    "microseconds",
)
RUNTIME_LATENCY = histogram(
    ":tensorflow:serving:runtime_latency",
    "time spent executing the model",
    _LATENCY_BOUNDS,
    ("model_name", "API", "runtime"),
    "microseconds",
)
REQUEST_EXAMPLE_COUNTS = histogram(
    ":tensorflow:serving:request_example_counts",
    "examples in one request",
    exponential_bounds(1, 2, 15),
    ("model",),
)
REQUEST_EXAMPLE_COUNT_TOTAL = counter(
    ":tensorflow:serving:request_example_count_total", "examples in all requests", ("model",)
)
REQUEST_LOG_COUNT = counter(
    ":tensorflow:serving:request_log_count",
    "requests written to the request log, by outcome",
    ("model_name", "status"),
)
MODEL_WARMUP_LATENCY = histogram(
    ":tensorflow:serving:model_warmup_latency",
    "time of running the recorded requests of a version before it is served",
    _LATENCY_BOUNDS,
    ("model_path", "status"),
    "microseconds",
)
BATCH_QUEUING_LATENCY = histogram(
    ":tensorflow:serving:batching_session:queuing_latency",
    "time that a request waited for its batch",
    exponential_bounds(100, 1.2, 52),
    ("thread_pool_name",),
    "microseconds",
)
BATCH_INPUT_SIZE = histogram(
    ":tensorflow:serving:batching_session:input_batch_size",
    "rows of one request",
    exponential_bounds(1, 2, 15),
    ("model_name",),
)
BATCH_PROCESSED_SIZE = histogram(
    ":tensorflow:serving:batching_session:processed_batch_size",
    "rows of one call of the model, with padding",
    exponential_bounds(1, 2, 15),
    ("model_name",),
)
BATCH_PADDING_SIZE = histogram(
    ":tensorflow:serving:batching_session:padding_size",
    "rows of one call of the model that only fill it up",
    (0, *exponential_bounds(1, 2, 14)),
    ("model_name", "execution_batch_size"),
)

# Ours: in seconds, and with the labels that operators miss in TF Serving's.
_SECONDS = (
    *(1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
_MODEL = ("model_name", "version", "signature")

REQUESTS = counter(
    "penstock_serving_requests_total",
    "requests answered, by all that tells them apart",
    (*_MODEL, "API", "entrypoint", "status"),
)
REQUEST_SECONDS = histogram(
    "penstock_serving_request_seconds",
    "time from the arrival of a request to its answer",
    _SECONDS,
    _MODEL,
    "seconds",
)
QUEUE_SECONDS = histogram(
    "penstock_serving_queue_seconds",
    "time that a request waited for the model",
    _SECONDS,
    _MODEL,
    "seconds",
)
COMPUTE_SECONDS = histogram(
    "penstock_serving_compute_seconds",
    "time of the calls of the model that a request was part of",
    _SECONDS,
    _MODEL,
    "seconds",
)
BATCH_ROWS = histogram(
    "penstock_serving_batch_rows",
    "rows of requests in one call of the model, without padding",
    exponential_bounds(1, 2, 11),
    _MODEL,
)
ROWS = counter(
    "penstock_serving_rows_total", "rows that the model computed for requests", _MODEL
)
PADDING_ROWS = counter(
    "penstock_serving_padding_rows_total",
    "rows that only filled a call up: its waste, beside penstock_serving_rows_total",
    _MODEL,
)
REQUEST_BYTES = counter("penstock_serving_request_bytes_total", "bytes of requests", _MODEL)
INPUT_VIOLATIONS = counter(
    "penstock_serving_input_violations_total",
    "inputs that broke a rule of the model's schema",
    ("model_name", "signature", "feature", "rule"),
)
REQUEST_LOG_DROPPED = counter(
    "penstock_serving_request_log_dropped_total",
    "sampled requests that were not logged because the writer was behind",
    ("model_name",),
)
MODEL_AVAILABLE = gauge(
    "penstock_serving_model_available",
    "1 for each version that answers",
    ("model_name", "version"),
)
PROCESS_CPU = counter(
    "process_cpu_seconds_total", "processor time of this process", unit="seconds"
)
PROCESS_MEMORY = gauge("process_resident_memory_bytes", "memory of this process", unit="bytes")
PROCESS_VIRTUAL_MEMORY = gauge(
    "process_virtual_memory_bytes", "address space of this process", unit="bytes"
)
PROCESS_START = gauge(
    "process_start_time_seconds", "when this process was started, in Unix time", unit="seconds"
)
PROCESS_THREADS = gauge("process_threads", "threads of this process")
PROCESS_OPEN_FILES = gauge("process_open_fds", "open files of this process")
PROCESS_MAX_FILES = gauge("process_max_fds", "files that this process may open")
DEVICE_MEMORY = gauge(
    "penstock_device_memory_bytes",
    "memory of an accelerator: in use, its peak, and the limit",
    ("device", "kind"),
    unit="bytes",
)
