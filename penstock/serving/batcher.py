"""Requests that arrive together share one call of the model."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from penstock.core.errors import (
    DeadlineExceededError,
    InternalError,
    InvalidArgumentError,
    OpError,
    UnavailableError,
)
from penstock.serving.batching_parameters import BatchingParameters
from penstock.serving.call import (
    FOREVER,
    PREDICT,
    REST,
    RETRY_AFTER_S,
    Call,
    ModelSpec,
)
from penstock.serving.executor import Cost, Executor
from penstock.serving.joining import join, rows_of
from penstock.serving.servable import Array, Arrays, SignatureSpec

Run = Callable[[dict[str, Array]], dict[str, Array]]
Result = dict[str, Array] | Exception
# Takes the outputs, or what went wrong.
Then = Callable[[dict[str, Array] | None, Exception | None], None]
Shapes = tuple[tuple[int, ...], ...]

_log = logging.getLogger("penstock.serving")
_WEIGHT_OF_LATEST = 0.2


class Waiting:
    """Rows on their way through a batcher; `then` is `None` when nobody waits any more."""

    __slots__ = ("_batcher", "call", "inputs", "is_queued", "shapes", "since", "size", "then")

    def __init__(
        self, batcher: "Batcher", inputs: Arrays, size: int, call: Call, then: Then
    ) -> None:
        self._batcher = batcher
        self.inputs = inputs
        self.size = size
        self.call = call
        self.then: Then | None = then
        self.shapes: Shapes = ()
        self.since = time.perf_counter()
        self.is_queued = True

    def cancel(self) -> None:
        """Want no answer any more; rows that still wait are not computed."""
        if self.then is not None:
            self.then = None
            self._batcher.forget(self)


class Batcher:
    """Queue and calls of one signature of one servable. Lives in one event loop.

    Args:
        run: the model; rows in, as many rows out. It may be called again for each request
            alone when a batch failed, so that one bad request does not spoil the others.
        parameters: limits.
        executor: runs the calls.
        signature: that `run` computes; it says whether rows of any two requests have the same
            shape, and calls may ask for checks of it.
    """

    def __init__(
        self,
        run: Run,
        parameters: BatchingParameters,
        executor: Executor,
        signature: SignatureSpec | None = None,
    ) -> None:
        self._run = run
        self._parameters = parameters
        self._limit = parameters.largest
        self._most_rows = parameters.largest * parameters.max_enqueued_batches
        self._timeout_s = parameters.batch_timeout_micros / 1e6
        self._executor = executor
        self._signature = signature
        has_fixed_shapes = signature is not None and signature.has_fixed_rows
        self._has_one_shape = has_fixed_shapes or parameters.pad_variable_length_inputs
        self._costs = {size: Cost() for size in parameters.allowed_batch_sizes}
        self._row_s = 0.0
        first: deque[Waiting] = deque()
        # One queue for each priority that was met, the highest first.
        self._queues: dict[int, deque[Waiting]] = {0: first}
        self._queued_rows = 0
        self._running_rows = 0
        self._is_scheduled = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def queued_rows(self) -> int:
        """Rows that wait."""
        return self._queued_rows

    def wait_s(self) -> float:
        """Time that rows which came now would wait, by what the latest ones took."""
        return (self._queued_rows + self._running_rows) * self._row_s

    def start(self, inputs: Arrays, call: Call, then: Then) -> Callable[[], object]:
        """Queue the rows of one request; `then` hears of the result, unless it is cancelled.

        Args:
            inputs: arrays with the same number of rows, at least one.
            call: that wants them; it hears of times and sizes.
            then: called once, after this function has returned.

        Returns:
            What cancels the request.

        Raises:
            InvalidArgumentError: the inputs have no rows, not the same number of them, or more
                than a call takes and may not be cut.
            UnavailableError: the queue is full, or its rows would take too long.
        """
        size = rows_of(inputs)
        if self._queued_rows or self._running_rows:
            self._admit(size, call)
        call.rows += size
        if size <= self._limit:
            return self._enqueue(inputs, size, call, then).cancel
        if not self._parameters.enable_large_batch_splitting:
            raise InvalidArgumentError(
                f"a request must have at most {self._limit} rows (max_batch_size), got {size}"
            )
        if call.checks:
            # What is wrong is told by the row of the request, not of one of its parts.
            for check in call.checks:
                check.check(call, self._checked_signature, inputs)
            call.checks = ()
        return _Split(inputs, size, self._limit, then).start(
            lambda part, count, done: self._enqueue(part, count, call, done)
        )

    async def submit(
        self, inputs: Arrays, deadline: float = FOREVER, call: Call | None = None
    ) -> dict[str, Array]:
        """Queue the rows of one request and wait for their share of the result.

        Raises as `start` does, and:
            DeadlineExceededError: the time was over before the call began.
        """
        call = call or Call(REST, PREDICT, ModelSpec(""), deadline)
        return await waited(lambda then: self.start(inputs, call, then))

    def _admit(self, size: int, call: Call) -> None:
        queued = self._queued_rows
        if queued + size > max(self._most_rows, size):
            raise UnavailableError(
                f"{queued} rows are waiting and {size} more are over max_enqueued_batches "
                f"{self._parameters.max_enqueued_batches} of max_batch_size {self._limit}; "
                "try again later",
                payloads={RETRY_AFTER_S: self.wait_s()},
            )
        wait_s = (queued + self._running_rows) * self._row_s
        limit_s = self._parameters.max_queue_wait_s
        if wait_s > limit_s:
            raise UnavailableError(
                f"{queued} rows are waiting, which take {wait_s:.2g} s, and the limit is "
                f"{limit_s:g} s; try again later",
                payloads={RETRY_AFTER_S: wait_s - limit_s},
            )
        if wait_s and call.deadline != FOREVER:
            left_s = call.deadline - asyncio.get_running_loop().time()
            # What is wanted sooner than it can be had would only make others wait.
            if wait_s > left_s:
                raise UnavailableError(
                    f"{queued} rows are waiting, which take {wait_s:.2g} s, and the deadline "
                    f"is in {max(left_s, 0):.2g} s; try again later",
                    payloads={RETRY_AFTER_S: wait_s},
                )

    def _enqueue(self, inputs: Arrays, size: int, call: Call, then: Then) -> Waiting:
        waiting = Waiting(self, inputs, size, call, then)
        if not self._has_one_shape:
            waiting.shapes = tuple(value.shape[1:] for value in inputs.values())
        queue = self._queues.get(call.priority)
        if queue is None:
            queue = deque()
            queues = {**self._queues, call.priority: queue}
            self._queues = {key: queues[key] for key in sorted(queues, reverse=True)}
        queue.append(waiting)
        self._queued_rows += size
        if not self._is_scheduled:
            self._schedule(asyncio.get_running_loop())
        return waiting

    def forget(self, waiting: Waiting) -> None:
        """Count rows that nobody waits for no more; their place in the queue is skipped."""
        if waiting.is_queued:
            waiting.is_queued = False
            self._queued_rows -= waiting.size

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        """Arrange for the next call, unless one is on its way."""
        if self._is_scheduled or not self._queued_rows:
            return
        if self._timeout_s and self._queued_rows < self._limit:
            if self._timer is None:
                first = min(queue[0].since for queue in self._queues.values() if queue)
                rest_s = first + self._timeout_s - time.perf_counter()
                self._timer = loop.call_later(max(rest_s, 0), self._on_timer, loop)
            return
        # The turn of the loop that read this request reads all others that have come, too.
        self._is_scheduled = True
        loop.call_soon(self._flush, loop)

    def _on_timer(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        if not self._is_scheduled and self._queued_rows:
            self._is_scheduled = True
            self._flush(loop)

    def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        batch = self._take(loop.time())
        if not batch:
            self._is_scheduled = False
            self._schedule(loop)
            return
        rows = sum([waiting.size for waiting in batch])
        size = self._parameters.padded(rows)
        cost = self._costs[size]
        self._running_rows = rows
        if self._executor.is_quick(cost):
            start = time.perf_counter()
            results = self._executor.measure(cost, lambda: self._results(batch, size))
            self._finish(loop, batch, results, start)
            return
        start = time.perf_counter()
        try:
            running = self._executor.submit(cost, lambda: self._results(batch, size))
        except UnavailableError as error:
            self._finish(loop, batch, [error] * len(batch), start)
            return
        running.add_done_callback(
            lambda done: self._finish(
                loop,
                batch,
                [UnavailableError("the server is shutting down")] * len(batch)
                if done.cancelled()
                else done.result(),
                start,
            )
        )

    def _finish(
        self,
        loop: asyncio.AbstractEventLoop,
        batch: list[Waiting],
        results: Sequence[Result],
        start: float,
    ) -> None:
        row_s = (time.perf_counter() - start) / self._running_rows
        self._row_s += (_WEIGHT_OF_LATEST if self._row_s else 1.0) * (row_s - self._row_s)
        self._running_rows = 0
        self._is_scheduled = False
        # The next call is arranged first: what answers lead to comes after it anyway.
        self._schedule(loop)
        _deliver(batch, results)

    def _take(self, now: float) -> list[Waiting]:
        """Take from the queues what goes into the next call: the first and all that fit it."""
        limit = self._good_size(self._queued_rows)
        batch: list[Waiting] = []
        size = 0
        for queue in self._queues.values():
            while queue:
                first = queue[0]
                if first.then is None:  # the caller hung up
                    queue.popleft()
                    continue
                if batch and (size + first.size > limit or first.shapes != batch[0].shapes):
                    return batch
                queue.popleft()
                first.is_queued = False
                self._queued_rows -= first.size
                if first.call.deadline < now:
                    error = DeadlineExceededError(
                        "the request waited in the queue past its deadline"
                    )
                    _deliver([first], [error])
                    continue
                batch.append(first)
                size += first.size
        return batch

    def _good_size(self, rows: int) -> int:
        """How many of the waiting rows the next call takes at most.

        Padding 33 rows to 64 may cost more than a call of 32 and one of 1; what calls have
        taken so far decides.
        """
        if rows >= self._limit:
            return self._limit
        size = self._parameters.padded(rows)
        whole = self._costs[size].typical_s
        if size == rows or whole is None:
            return size
        below = max((s for s in self._parameters.allowed_batch_sizes if s < rows), default=0)
        if not below:
            return size
        first = self._costs[below].typical_s
        rest = self._costs[self._parameters.padded(rows - below)].typical_s
        if first is None or rest is None or first + rest >= whole:
            return size
        return below

    def _results(self, batch: list[Waiting], size: int) -> list[Result]:
        start = time.perf_counter()
        try:
            joined = join([waiting.inputs for waiting in batch], size)
            call = batch[0].call
            for check in call.checks:
                if not check.accepts(call, self._checked_signature, joined):
                    return self._sifted(batch)
            outputs = self._run(joined)
            results = list(_split(batch, size, outputs))
        except Exception as error:  # noqa: BLE001  (each caller must hear of it)
            if len(batch) == 1:
                return [error]
            # Any of them may be to blame, so each is asked alone.
            alone = self._parameters.padded
            return [each for w in batch for each in self._results([w], alone(w.size))]
        end = time.perf_counter()
        rows = sum([waiting.size for waiting in batch])
        for waiting in batch:
            call = waiting.call
            call.queue_s += start - waiting.since
            call.compute_s += end - start
            call.batch_size = rows
            call.padded_size = size
        batch[0].call.led += 1
        return results  # type: ignore[return-value]

    def _sifted(self, batch: list[Waiting]) -> list[Result]:
        """Find the requests whose rows are wrong, and compute the others."""
        refused: dict[int, Result] = {}
        good = []
        for waiting in batch:
            call = waiting.call
            try:
                for check in call.checks:
                    check.check(call, self._checked_signature, waiting.inputs)
            except OpError as error:
                refused[id(waiting)] = error
                call.rows -= waiting.size
            else:
                good.append(waiting)
            call.checks = ()
        size = sum([waiting.size for waiting in good])
        results = iter(self._results(good, self._parameters.padded(size)) if good else ())
        return [refused.get(id(waiting)) or next(results) for waiting in batch]

    @property
    def _checked_signature(self) -> SignatureSpec:
        assert self._signature is not None, "only a batcher of a signature checks its rows"
        return self._signature


class _Split:
    """A request of more rows than one call takes: its parts, and what became of them."""

    def __init__(self, inputs: Arrays, size: int, limit: int, then: Then) -> None:
        self._inputs = inputs
        self._starts = list(range(0, size, limit))
        self._size = size
        self._limit = limit
        self._then: Then | None = then
        self._left = len(self._starts)
        self._results: list[dict[str, Array] | None] = [None] * self._left
        self._parts: list[Waiting] = []

    def start(self, enqueue: Callable[[Arrays, int, Then], Waiting]) -> Callable[[], object]:
        """Queue the parts, and return what cancels them."""
        for number, start in enumerate(self._starts):
            end = min(start + self._limit, self._size)
            part = {name: value[start:end] for name, value in self._inputs.items()}

            def then(
                outputs: dict[str, Array] | None, error: Exception | None, number: int = number
            ) -> None:
                self._settle(number, outputs, error)

            self._parts.append(enqueue(part, end - start, then))
        return self.cancel

    def cancel(self) -> None:
        """Want no part any more."""
        self._then = None
        for part in self._parts:
            part.cancel()

    def _settle(
        self, number: int, outputs: dict[str, Array] | None, error: Exception | None
    ) -> None:
        then = self._then
        if then is None:
            return
        if error is not None:
            self.cancel()
            then(None, error)
            return
        self._results[number] = outputs
        self._left -= 1
        if not self._left:
            self._then = None
            results: list[Any] = self._results
            then(
                {name: np.concatenate([r[name] for r in results]) for name in results[0]}, None
            )


async def waited(start: Callable[[Then], Callable[[], object]]) -> dict[str, Array]:
    """Start something that calls back, and wait for it; cancelling the wait cancels it."""
    answer: asyncio.Future[dict[str, Array]] = asyncio.get_running_loop().create_future()

    def then(outputs: dict[str, Array] | None, error: Exception | None) -> None:
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            assert outputs is not None
            answer.set_result(outputs)

    cancel = start(then)
    try:
        return await answer
    except asyncio.CancelledError:
        cancel()
        raise


def _split(
    batch: list[Waiting], size: int, outputs: dict[str, Array]
) -> Iterator[dict[str, Array]]:
    for name, value in outputs.items():
        if value.ndim == 0 or len(value) != size:
            raise InternalError(
                f"output '{name}' must have a row for each of {size} rows, "
                f"got shape {list(value.shape)}; serve the model without batching"
            )
    if len(outputs) == 1:
        ((name, value),) = outputs.items()
        end = 0
        for waiting in batch:
            start, end = end, end + waiting.size
            yield {name: value[start:end]}
        return
    ends = accumulate(waiting.size for waiting in batch)
    for waiting, end in zip(batch, ends, strict=True):
        yield {name: value[end - waiting.size : end] for name, value in outputs.items()}


def _deliver(batch: list[Waiting], results: Sequence[Result]) -> None:
    for waiting, result in zip(batch, results, strict=True):
        then = waiting.then
        if then is None:
            continue
        waiting.then = None
        try:
            if isinstance(result, dict):
                then(result, None)
            else:
                then(None, model_error(result))
        except Exception:  # noqa: BLE001  (the others of the batch must not suffer)
            _log.exception("an answer of %s was lost", waiting.call.spec.name)


def model_error(error: Exception) -> OpError:
    """Return what a client hears of a failure of the model."""
    if isinstance(error, OpError):
        return error
    failed = InternalError(f"the model failed: {type(error).__name__}: {error}")
    failed.__cause__ = error
    return failed
