"""Where a model runs: in the event loop when it is quick, else on the device's thread."""

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from penstock.core.errors import UnavailableError

T = TypeVar("T")

# A hop to a thread and back costs about 0.1 ms under load, and the two threads then take the
# interpreter from each other; meanwhile other requests could not be computed anyway. So staying
# is better for everybody until the loop would be deaf for longer than people notice.
_INLINE_BELOW_S = 0.003
# A busy moment of the machine is soon forgotten; a call that has become slow is soon noticed.
_WEIGHT_OF_SLOWER = 0.2


class Cost:
    """What one kind of call takes: the least lately, since noise only ever adds."""

    __slots__ = ("typical_s",)

    def __init__(self) -> None:
        self.typical_s: float | None = None

    def add(self, seconds: float) -> None:
        """Count one call."""
        typical = self.typical_s
        if typical is None or seconds < typical:
            self.typical_s = seconds
        else:
            self.typical_s = typical + _WEIGHT_OF_SLOWER * (seconds - typical)


class Executor:
    """Runs the calls of one device.

    Args:
        inline_below_s: calls that take less this run in the event loop; 0 for none.
        clock: seconds, rising.
    """

    def __init__(
        self,
        inline_below_s: float = _INLINE_BELOW_S,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._inline_below_s = inline_below_s
        self._clock = clock
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def is_quick(self, cost: Cost) -> bool:
        """Whether a call should run right here. What was never measured is not quick."""
        return cost.typical_s is not None and cost.typical_s < self._inline_below_s

    def measure(self, cost: Cost, call: Callable[[], T]) -> T:
        """Run a call on this thread and count what it takes."""
        start = self._clock()
        result = call()
        # A failure says nothing of what a call takes, so it is not counted.
        cost.add(self._clock() - start)
        return result

    def submit(self, cost: Cost, call: Callable[[], T]) -> asyncio.Future[T]:
        """Run a call on the device's thread.

        Raises:
            UnavailableError: the executor is closed.
        """
        if self._is_closed:
            raise UnavailableError("the server is shutting down")
        if self._thread is None:
            # A daemon: a model that never returns must not keep the process alive.
            self._thread = threading.Thread(
                target=self._work, name="penstock-device", daemon=True
            )
            self._thread.start()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._calls.put(_Call(loop, answer, lambda: self.measure(cost, call)))
        return answer

    async def run(self, cost: Cost, call: Callable[[], T]) -> T:
        """Run a call where it fits best."""
        if self.is_quick(cost):
            return self.measure(cost, call)
        return await self.submit(cost, call)

    def close(self, timeout_s: float = 0.0) -> None:
        """Take no more calls, and wait a while for the one that is running."""
        self._is_closed = True
        self._calls.put(None)
        if self._thread is not None and timeout_s > 0:
            self._thread.join(timeout_s)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call.run()
            del call  # it holds a request's tensors, which must not wait for the next one


class _Call:
    """A call on its way to the device's thread, and its answer on the way back."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        answer: asyncio.Future[Any],
        function: Callable[[], Any],
    ) -> None:
        self._loop = loop
        self._answer = answer
        self._function = function

    def run(self) -> None:
        """Run the call, unless nobody waits for it any more."""
        if self._answer.cancelled():
            return
        result, error = None, None
        try:
            result = self._function()
        except BaseException as caught:  # noqa: BLE001  (it belongs to the caller)
            error = caught
        try:
            self._loop.call_soon_threadsafe(self._settle, result, error)
        except RuntimeError:  # the loop is closed: the server has stopped waiting
            return

    def _settle(self, result: Any, error: BaseException | None) -> None:
        if self._answer.done():
            return
        if error is None:
            self._answer.set_result(result)
        elif isinstance(error, StopIteration):  # which would end the waiting coroutine instead
            self._answer.set_exception(RuntimeError("the call raised StopIteration"))
        else:
            self._answer.set_exception(error)
