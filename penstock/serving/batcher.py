"""Requests that arrive together share one call of the model."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, takewhile

import numpy as np

from penstock.core.errors import (
    DeadlineExceededError,
    InternalError,
    InvalidArgumentError,
    OpError,
    UnavailableError,
)
from penstock.serving.call import Call
from penstock.serving.executor import Cost, Executor
from penstock.serving.servable import Array, Arrays

Run = Callable[[dict[str, Array]], dict[str, Array]]
Shapes = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class BatchingParameters:
    """Limits of one batcher. Field names follow TF Serving's batching parameters.

    There is no `batch_timeout_micros`: a batch is what arrived while the loop or the device
    was busy, and a lone request never waits.

    Args:
        max_batch_size: rows of one call.
        max_enqueued_batches: full batches that may wait before requests are refused.
        allowed_batch_sizes: sizes to which batches are padded, rising, the last one being
            `max_batch_size`; by default the powers of two. Few sizes mean few compilations.
    """

    max_batch_size: int = 64
    max_enqueued_batches: int = 64
    allowed_batch_sizes: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        limit = self.max_batch_size
        if limit < 1:
            raise InvalidArgumentError(f"max_batch_size must be at least 1, got {limit}")
        if self.max_enqueued_batches < 1:
            raise InvalidArgumentError(
                f"max_enqueued_batches must be at least 1, got {self.max_enqueued_batches}"
            )
        sizes = self.allowed_batch_sizes
        if not sizes:
            powers = accumulate([1] * limit.bit_length(), lambda size, _: size * 2)
            sizes = (*takewhile(lambda size: size < limit, powers), limit)
            object.__setattr__(self, "allowed_batch_sizes", sizes)
        if sizes[0] < 1 or sizes[-1] != limit or list(sizes) != sorted(set(sizes)):
            raise InvalidArgumentError(
                f"allowed_batch_sizes must rise and end with max_batch_size {limit}, "
                f"got {list(sizes)}"
            )

    def padded(self, size: int) -> int:
        """Smallest allowed size that holds `size` rows."""
        return next(allowed for allowed in self.allowed_batch_sizes if allowed >= size)


@dataclass(slots=True)
class _Waiting:
    inputs: Arrays
    size: int
    shapes: Shapes
    deadline: float
    answer: asyncio.Future[dict[str, Array]]
    call: Call | None
    since: float


class Batcher:
    """Queue and calls of one signature of one servable. Lives in one event loop.

    Args:
        run: the model; rows in, as many rows out. It may be called again for each request
            alone when a batch failed, so that one bad request does not spoil the others.
    """

    def __init__(self, run: Run, parameters: BatchingParameters, executor: Executor) -> None:
        self._run = run
        self._parameters = parameters
        self._executor = executor
        self._costs: dict[int, Cost] = {}
        self._queue: deque[_Waiting] = deque()
        self._queued_rows = 0
        self._is_scheduled = False

    async def submit(
        self, inputs: Arrays, deadline: float = float("inf"), call: Call | None = None
    ) -> dict[str, Array]:
        """Queue the rows of one request and wait for their share of the result.

        Args:
            inputs: arrays with the same number of rows, at least one.
            deadline: time of the event loop after which nobody wants the answer.
            call: that wants them; it hears of times and sizes.

        Raises:
            InvalidArgumentError: the inputs have no rows, or not the same number of them.
            UnavailableError: the queue is full.
            DeadlineExceededError: the time was over before the call began.
        """
        size = _rows(inputs)
        if call is not None:
            call.rows += size
        limit = self._parameters.max_batch_size
        if self._queued_rows + size > limit * max(
            self._parameters.max_enqueued_batches, -(-size // limit)
        ):
            raise UnavailableError(
                f"{self._queued_rows} rows are waiting and {size} more are over "
                f"max_enqueued_batches {self._parameters.max_enqueued_batches} of "
                f"max_batch_size {limit}; try again later"
            )
        if size <= limit:
            return await self._enqueue(inputs, size, deadline, call)
        parts = [
            {name: value[start : start + limit] for name, value in inputs.items()}
            for start in range(0, size, limit)
        ]
        answers = [self._enqueue(part, _rows(part), deadline, call) for part in parts]
        results = await asyncio.gather(*answers)
        return {name: np.concatenate([r[name] for r in results]) for name in results[0]}

    def _enqueue(
        self, inputs: Arrays, size: int, deadline: float, call: Call | None
    ) -> asyncio.Future[dict[str, Array]]:
        loop = asyncio.get_running_loop()
        shapes = tuple(value.shape[1:] for value in inputs.values())
        waiting = _Waiting(
            inputs, size, shapes, deadline, loop.create_future(), call, time.perf_counter()
        )
        self._queue.append(waiting)
        self._queued_rows += size
        self._schedule(loop)
        return waiting.answer

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        # The turn of the loop that read this request reads all others that have come, too.
        if not self._is_scheduled and self._queue:
            self._is_scheduled = True
            loop.call_soon(self._flush, loop)

    def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        batch = self._take(loop.time())
        if not batch:
            self._is_scheduled = False
            return
        size = self._parameters.padded(sum(w.size for w in batch))
        cost = self._costs.setdefault(size, Cost())
        if self._executor.is_quick(cost):
            _deliver(batch, self._executor.measure(cost, lambda: self._results(batch, size)))
            self._is_scheduled = False
            self._schedule(loop)
            return
        try:
            running = self._executor.submit(cost, lambda: self._results(batch, size))
        except UnavailableError as error:
            _deliver(batch, [error] * len(batch))
            self._is_scheduled = False
            return
        running.add_done_callback(lambda done: self._finish(loop, batch, done))

    def _finish(
        self,
        loop: asyncio.AbstractEventLoop,
        batch: list[_Waiting],
        done: "asyncio.Future[list[dict[str, Array] | Exception]]",
    ) -> None:
        if done.cancelled():
            _deliver(batch, [UnavailableError("the server is shutting down")] * len(batch))
        else:
            _deliver(batch, done.result())
        self._is_scheduled = False
        self._schedule(loop)

    def _take(self, now: float) -> list[_Waiting]:
        """Take from the queue what goes into the next call: the first and all that fit it."""
        batch: list[_Waiting] = []
        size = 0
        while self._queue:
            first = self._queue[0]
            if batch and (
                size + first.size > self._parameters.max_batch_size
                or first.shapes != batch[0].shapes
            ):
                break
            self._queue.popleft()
            self._queued_rows -= first.size
            if first.answer.done():  # the caller hung up
                continue
            if first.deadline < now:
                first.answer.set_exception(
                    DeadlineExceededError("the request waited in the queue past its deadline")
                )
                continue
            batch.append(first)
            size += first.size
        return batch

    def _results(self, batch: list[_Waiting], size: int) -> list[dict[str, Array] | Exception]:
        start = time.perf_counter()
        try:
            results = self._split(batch, size, self._run(_join(batch, size)))
            _tell(batch, size, start, time.perf_counter())
            return results
        except Exception as error:  # noqa: BLE001  (each caller must hear of it)
            if len(batch) == 1:
                return [error]
            # Any of them may be to blame, so each is asked alone.
            alone = self._parameters.padded
            return [each for w in batch for each in self._results([w], alone(w.size))]

    def _split(
        self, batch: list[_Waiting], size: int, outputs: dict[str, Array]
    ) -> list[dict[str, Array] | Exception]:
        for name, value in outputs.items():
            if value.ndim == 0 or len(value) != size:
                raise InternalError(
                    f"output '{name}' must have a row for each of {size} rows, "
                    f"got shape {list(value.shape)}; serve the model without batching"
                )
        ends = accumulate(w.size for w in batch)
        return [
            {name: value[end - w.size : end] for name, value in outputs.items()}
            for w, end in zip(batch, ends, strict=True)
        ]


def _rows(inputs: Arrays) -> int:
    sizes = {len(value) if value.ndim else 0 for value in inputs.values()}
    if len(sizes) != 1 or sizes == {0}:
        raise InvalidArgumentError(
            "inputs of a batch must have the same number of rows, at least one, got shapes "
            + ", ".join(f"{name}{list(value.shape)}" for name, value in inputs.items())
        )
    return sizes.pop()


def _join(batch: list[_Waiting], size: int) -> dict[str, Array]:
    """Rows of a batch below one another, the last one repeated up to `size`."""
    if len(batch) == 1 and batch[0].size == size:
        return dict(batch[0].inputs)
    joined = {}
    for name, value in batch[0].inputs.items():
        rows = np.empty((size, *value.shape[1:]), value.dtype)
        end = 0
        for waiting in batch:
            start, end = end, end + waiting.size
            rows[start:end] = waiting.inputs[name]
        # A real row is sure to be valid, which zeros or empty strings need not be.
        rows[end:] = rows[end - 1]
        joined[name] = rows
    return joined


def _tell(batch: list[_Waiting], size: int, start: float, end: float) -> None:
    rows = sum(w.size for w in batch)
    for waiting in batch:
        call = waiting.call
        if call is not None:
            call.queue_s += start - waiting.since
            call.compute_s += end - start
            call.batch_size = rows
            call.padded_size = size


def _deliver(batch: list[_Waiting], results: Sequence[dict[str, Array] | Exception]) -> None:
    for waiting, result in zip(batch, results, strict=True):
        if waiting.answer.done():
            continue
        if isinstance(result, OpError):
            waiting.answer.set_exception(result)
        elif isinstance(result, Exception):
            error = InternalError(f"the model failed: {type(result).__name__}: {result}")
            error.__cause__ = result
            waiting.answer.set_exception(error)
        else:
            waiting.answer.set_result(result)
