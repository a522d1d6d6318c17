"""A loaded model as the protocols use it: checked inputs in, outputs out, batched if wanted."""

import asyncio
import time
from collections.abc import Callable

from penstock.core.errors import InvalidArgumentError, OpError
from penstock.serving.batcher import Batcher, Then, model_error, waited
from penstock.serving.batching_parameters import BatchingParameters
from penstock.serving.call import Call
from penstock.serving.executor import Cost, Executor
from penstock.serving.servable import DEFAULT_SIGNATURE, Array, Arrays, Servable, SignatureSpec


class Engine:
    """Runs one servable on one device. Lives in one event loop.

    Args:
        servable: the loaded model.
        executor: runs its calls.
        batching: limits for sharing calls; `None` runs each request alone.
        clock: seconds, rising.
    """

    def __init__(
        self,
        servable: Servable,
        executor: Executor,
        batching: BatchingParameters | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.servable = servable
        # Whether `start` makes the checks that a call asks for.
        self.checks_rows = True
        self._clock = clock
        self._executor = executor
        self._batching = batching
        self._batchers: dict[str, Batcher] = {}
        self._costs: dict[str, Cost] = {}

    def signature(self, name: str) -> SignatureSpec:
        """Return the signature of that name; the empty name is the default signature.

        Raises:
            InvalidArgumentError: there is none.
        """
        name = name or DEFAULT_SIGNATURE
        found = self.servable.signatures.get(name)
        if found is None:
            raise InvalidArgumentError(
                f'Serving signature name: "{name}" not found in signature def'
            )
        return found

    def start(self, name: str, inputs: Arrays, call: Call, then: Then) -> Callable[[], object]:
        """Begin to compute the outputs of a signature.

        Args:
            name: of the signature.
            inputs: that `SignatureSpec.check` has let through.
            call: that wants them; it hears of times and sizes.
            then: takes the outputs or what went wrong, after this function has returned.

        Returns:
            What cancels the request.

        Raises:
            OpError: the server is too busy, or there is no such signature.
        """
        batcher = self._batchers.get(name)
        if batcher is not None:
            return batcher.start(inputs, call, then)
        signature = self.signature(name)
        if self._batching is None or not signature.is_batchable:
            return self._start_alone(name, inputs, call, then)
        run = self.servable.run
        batcher = self._batchers[name] = Batcher(
            lambda rows: run(name, rows),
            self._batching,
            self._executor,
            signature,
        )
        return batcher.start(inputs, call, then)

    async def run(self, name: str, inputs: Arrays, call: Call) -> dict[str, Array]:
        """Compute the outputs of a signature. See `start`.

        Raises:
            OpError: the model failed, or the server is too busy.
        """
        return await waited(lambda then: self.start(name, inputs, call, then))

    def queued_rows(self) -> int:
        """Rows that wait for the model."""
        return sum([batcher.queued_rows for batcher in self._batchers.values()])

    def _start_alone(
        self, name: str, inputs: Arrays, call: Call, then: Then
    ) -> Callable[[], object]:
        for each in call.checks:
            each.check(call, self.signature(name), inputs)
        rows = next((len(value) for value in inputs.values() if value.ndim), 1)
        call.rows += rows
        call.batch_size = call.padded_size = rows
        cost = self._costs.setdefault(name, Cost())
        arrived = self._clock()

        def compute() -> dict[str, Array]:
            start = self._clock()
            call.queue_s += start - arrived
            outputs = self.servable.run(name, inputs)
            call.compute_s += self._clock() - start
            call.led += 1
            return outputs

        task = asyncio.ensure_future(self._executor.run(cost, compute))
        task.add_done_callback(lambda done: _settle(done, then))
        return task.cancel


def _settle(done: "asyncio.Future[dict[str, Array]]", then: Then) -> None:
    if done.cancelled():
        return
    error = done.exception()
    if error is None:
        then(done.result(), None)
    elif isinstance(error, OpError):
        then(None, error)
    else:
        then(None, model_error(error if isinstance(error, Exception) else RuntimeError(error)))
