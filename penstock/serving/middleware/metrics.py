"""Counts calls, their times and their batches: TF Serving's metrics, and ours beside them."""

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from penstock.core import metrics
from penstock.core.metrics import Counter, Histogram, Metric
from penstock.serving.call import Call

UNKNOWN = "_unknown"
_KEPT = 4_000
_KEPT_S = 3600.0
# Calls that are noted before they are counted: for a lot of them it takes a third of the time.
_LOT = 256

# A model that is trained every hour must not fill the tables with versions of the past.
_OF_VERSIONS: tuple[Metric[Any], ...] = (
    *(metrics.REQUESTS, metrics.REQUEST_SECONDS, metrics.QUEUE_SECONDS),
    *(metrics.COMPUTE_SECONDS, metrics.BATCH_ROWS, metrics.ROWS, metrics.PADDING_ROWS),
    metrics.REQUEST_BYTES,
)

# Of a call: seconds, bytes, rows, seconds of queue and of computation, shared calls that it
# led, their rows without padding and with it.
_Note = tuple[float, int, int, float, float, int, int, int]

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
        self._lock = threading.Lock()
        self._noted: list[_Cells] = []  # those with notes
        metrics.add_before_reading(self._add_up)

    def done(self, call: Call) -> None:
        """Note a call."""
        key = (
            call.spec.name,
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
        notes = cells.notes
        notes.append(
            (
                self._clock() - call.start,
                call.body_bytes,
                call.rows,
                call.queue_s,
                call.compute_s,
                call.led,
                call.batch_size,
                call.padded_size,
            )
        )
        # In this order: whoever adds up at this moment clears the mark before it looks.
        if not cells.is_noted:
            cells.is_noted = True
            self._noted.append(cells)
        elif len(notes) >= _LOT:
            with self._lock:
                cells.add_up()

    def keep(self, available: Iterable[tuple[str, int]]) -> None:
        """Let go of the rows of versions that have been gone for an hour.

        Args:
            available: name and number of each version that answers.
        """
        self._add_up()
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

    def _add_up(self) -> None:
        """Count what is noted."""
        noted = self._noted
        if not noted:
            return
        with self._lock:
            for _ in range(len(noted)):
                cells = noted.pop(0)
                cells.is_noted = False
                cells.add_up()

    def _find(self, key: _Key) -> "_Cells":
        # Names come from clients, so no cell is kept for those that nobody serves.
        if not self._is_known(key[0]):
            key = (UNKNOWN, None, "", *key[3:])
            found = self._cells.get(key)
            if found is not None:
                return found
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
        *("_name", "_paddings", "is_noted", "notes"),
    )

    def __init__(self, key: _Key) -> None:
        name, version, signature, api, protocol, status = key
        model = (name, "" if version is None else str(version), signature)
        self._name = name
        self._paddings: dict[int, Histogram] = {}
        self.notes: list[_Note] = []
        self.is_noted = False
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

    def add_up(self) -> None:
        """Count what is noted. One thread at a time."""
        # Calls may be noted meanwhile, so only what was seen is taken out.
        seen = self.notes[:]
        del self.notes[: len(seen)]
        if not seen:
            return
        seconds, sizes, *_ = zip(*seen, strict=True)
        self.count.increment(len(seen))
        self.requests.increment(len(seen))
        self.request_bytes.increment(sum(sizes))
        self.seconds.observe_all(seconds)
        self.latency.observe_all([each * 1e6 for each in seconds])
        with_rows = [note for note in seen if note[2]]
        if with_rows:
            self._add_rows(with_rows)

    def _add_rows(self, notes: list[_Note]) -> None:
        rows = [note[2] for note in notes]
        self.example_counts.observe_all(rows)
        self.examples.increment(sum(rows))
        self.input_size.observe_all(rows)
        computed = [note for note in notes if note[4]]
        if computed:
            self.rows.increment(sum([note[2] for note in computed]))
            queue = [note[3] for note in computed]
            compute = [note[4] for note in computed]
            self.queue.observe_all(queue)
            self.queuing.observe_all([each * 1e6 for each in queue])
            self.compute.observe_all(compute)
            self.runtime.observe_all([each * 1e6 for each in compute])
        for note in notes:
            if note[5]:
                self._add_shared(*note[5:])

    def _add_shared(self, led: int, size: int, padded: int) -> None:
        self.batch_rows.observe_all([size] * led)
        self.processed_size.observe_all([padded] * led)
        self.padding(padded).observe_all([padded - size] * led)
        if padded > size:
            self.padding_rows.increment((padded - size) * led)

    def padding(self, size: int) -> Histogram:
        """Return the cell of one size of a padded call."""
        found = self._paddings.get(size)
        if found is None:
            found = metrics.BATCH_PADDING_SIZE.labels(self._name, str(size))
            self._paddings[size] = found
        return found
