"""Counts calls, their times and their batches: TF Serving's metrics, and ours beside them."""

import time
from collections.abc import Callable, Iterable
from typing import Any

from penstock.core import metrics
from penstock.core.metrics import Counter, Histogram, Metric
from penstock.serving.call import Call

UNKNOWN = "_unknown"
_KEPT = 4_000
_KEPT_S = 3600.0

# A model that is trained every hour must not fill the tables with versions of the past.
_OF_VERSIONS: tuple[Metric[Any], ...] = (
    *(metrics.REQUESTS, metrics.REQUEST_SECONDS, metrics.QUEUE_SECONDS),
    *(metrics.COMPUTE_SECONDS, metrics.BATCH_ROWS, metrics.ROWS, metrics.PADDING_ROWS),
    metrics.REQUEST_BYTES,
)

# What is told apart: model, version, signature, API, protocol, outcome.
_Key = tuple[str, int | None, str, str, str, str]


class CallMetrics:
    """Middleware that counts the calls that ask a model to compute.

    Args:
        is_known: whether a model of that name is served. Clients can invent names without
            end, and each would be a row of the metrics.
        clock: the gateway's.
    """

    def __init__(
        self, is_known: Callable[[str], bool], clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._is_known = is_known
        self._clock = clock
        self._cells: dict[_Key, _Cells] = {}
        self._gone: dict[tuple[str, int | None], float] = {}

    def done(self, call: Call) -> None:
        """Count a call."""
        spec = call.spec
        key = (
            spec.name,
            call.version,
            call.signature_name,
            call.api,
            call.protocol,
            call.status,
        )
        cells = self._cells.get(key)
        if cells is None:
            if call.api.startswith("Get"):
                return
            cells = self._find(key)
        elapsed = self._clock() - call.start
        cells.count.increment()
        cells.requests.increment()
        cells.request_bytes.increment(call.body_bytes)
        cells.latency.observe(elapsed * 1e6)
        cells.seconds.observe(elapsed)
        if call.rows:
            self._count_rows(call, cells)

    def keep(self, available: Iterable[tuple[str, int]]) -> None:
        """Let go of the rows of versions that have been gone for an hour.

        Args:
            available: name and number of each version that answers.
        """
        now = self._clock()
        current = set(available)
        known = {(key[0], key[1]) for key in self._cells if key[1] is not None}
        for gone in known - current:
            if now - self._gone.setdefault(gone, now) < _KEPT_S:
                continue
            name, version = gone
            del self._gone[gone]
            for key in [key for key in self._cells if key[:2] == gone]:
                del self._cells[key]
            for row in _OF_VERSIONS:
                row.forget(model_name=name, version=str(version))
        for back in current & self._gone.keys():
            del self._gone[back]

    def _count_rows(self, call: Call, cells: "_Cells") -> None:
        rows = call.rows
        cells.example_counts.observe(rows)
        cells.examples.increment(rows)
        cells.input_size.observe(rows)
        if call.compute_s:
            cells.rows.increment(rows)
            cells.runtime.observe(call.compute_s * 1e6)
            cells.compute.observe(call.compute_s)
            cells.queue.observe(call.queue_s)
            cells.queuing.observe(call.queue_s * 1e6)
        if call.led:
            padding = call.padded_size - call.batch_size
            for _ in range(call.led):
                cells.batch_rows.observe(call.batch_size)
                cells.processed_size.observe(call.padded_size)
                cells.padding(call.padded_size).observe(padding)
            if padding:
                cells.padding_rows.increment(padding * call.led)

    def _find(self, key: _Key) -> "_Cells":
        # Names come from clients, so no cell is kept for those that nobody serves.
        name = key[0]
        if not self._is_known(name):
            return _Cells((UNKNOWN, None, "", *key[3:]))
        if len(self._cells) >= _KEPT:
            self._cells.clear()
        cells = self._cells[key] = _Cells(key)
        return cells


class _Cells:
    """The cells of one combination of labels, found once."""

    __slots__ = (
        *("batch_rows", "compute", "count", "example_counts", "examples", "input_size"),
        *("latency", "padding_rows", "processed_size", "queue", "queuing", "request_bytes"),
        *("requests", "rows", "runtime", "seconds"),
        *("_name", "_paddings"),
    )

    def __init__(self, key: _Key) -> None:
        name, version, signature, api, protocol, status = key
        model = (name, "" if version is None else str(version), signature)
        self._name = name
        self._paddings: dict[int, Histogram] = {}
        self.count: Counter = metrics.REQUEST_COUNT.labels(name, status)
        self.latency: Histogram = metrics.REQUEST_LATENCY.labels(name, api, protocol)
        self.runtime: Histogram = metrics.RUNTIME_LATENCY.labels(name, api, "penstock")
        self.example_counts: Histogram = metrics.REQUEST_EXAMPLE_COUNTS.labels(name)
        self.examples: Counter = metrics.REQUEST_EXAMPLE_COUNT_TOTAL.labels(name)
        self.input_size: Histogram = metrics.BATCH_INPUT_SIZE.labels(name)
        self.processed_size: Histogram = metrics.BATCH_PROCESSED_SIZE.labels(name)
        self.queuing: Histogram = metrics.BATCH_QUEUING_LATENCY.labels(name)
        self.requests: Counter = metrics.REQUESTS.labels(*model, api, protocol, status)
        self.request_bytes: Counter = metrics.REQUEST_BYTES.labels(*model)
        self.seconds: Histogram = metrics.REQUEST_SECONDS.labels(*model)
        self.queue: Histogram = metrics.QUEUE_SECONDS.labels(*model)
        self.compute: Histogram = metrics.COMPUTE_SECONDS.labels(*model)
        self.batch_rows: Histogram = metrics.BATCH_ROWS.labels(*model)
        self.rows: Counter = metrics.ROWS.labels(*model)
        self.padding_rows: Counter = metrics.PADDING_ROWS.labels(*model)

    def padding(self, size: int) -> Histogram:
        """Return the cell of one size of a padded call."""
        found = self._paddings.get(size)
        if found is None:
            found = metrics.BATCH_PADDING_SIZE.labels(self._name, str(size))
            self._paddings[size] = found
        return found
