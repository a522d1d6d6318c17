"""A loaded model as the protocols use it: checked inputs in, outputs out, batched if wanted."""

import time
from collections.abc import Callable

from penstock.core.errors import InternalError, InvalidArgumentError, OpError
from penstock.serving.batcher import Batcher, BatchingParameters
from penstock.serving.call import Call
from penstock.serving.executor import Cost, Executor
from penstock.serving.servable import DEFAULT_SIGNATURE, Array, Arrays, Servable, SignatureSpec


class Engine:
    """Runs one servable on one device. Lives in one event loop.

    Args:
        batching: limits for sharing calls; `None` runs each request alone.
    """

    def __init__(
        self,
        servable: Servable,
        executor: Executor,
        batching: BatchingParameters | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._clock = clock
        self.servable = servable
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

    async def run(self, name: str, inputs: Arrays, call: Call) -> dict[str, Array]:
        """Compute the outputs of a signature.

        Args:
            name: of the signature.
            inputs: that `SignatureSpec.check` has let through.
            call: that wants them; it hears of times and sizes.

        Raises:
            OpError: the model failed, or the server is too busy.
        """
        signature = self.signature(name)
        if self._batching is not None and signature.is_batchable:
            batcher = self._batchers.get(name)
            if batcher is None:
                run = self.servable.run
                batcher = Batcher(lambda rows: run(name, rows), self._batching, self._executor)
                self._batchers[name] = batcher
            return await batcher.submit(inputs, call.deadline, call)
        cost = self._costs.setdefault(name, Cost())
        rows = next((len(value) for value in inputs.values() if value.ndim), 1)
        call.rows += rows
        call.batch_size = call.padded_size = rows
        start = self._clock()
        try:
            outputs = await self._executor.run(cost, lambda: self.servable.run(name, inputs))
            call.compute_s += self._clock() - start
            return outputs
        except OpError:
            raise
        except Exception as error:
            raise InternalError(f"the model failed: {type(error).__name__}: {error}") from error
