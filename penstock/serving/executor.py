"""Where a model runs: in the event loop when it is quick, else on the device's thread."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from penstock.core.errors import UnavailableError

T = TypeVar("T")

# A hop to a thread and back costs about 0.1 ms under load, and other requests wait while the
# loop computes: below a millisecond staying is better for everybody.
_INLINE_BELOW_S = 0.001
# A compile or a busy moment is soon forgotten; a call that has become slow is soon noticed.
_WEIGHT_OF_LATEST = 0.5


class Cost:
    """Running mean of what one kind of call takes."""

    __slots__ = ("mean_s",)

    def __init__(self) -> None:
        self.mean_s: float | None = None

    def add(self, seconds: float) -> None:
        """Count one call."""
        if self.mean_s is None:
            self.mean_s = seconds
        else:
            self.mean_s += _WEIGHT_OF_LATEST * (seconds - self.mean_s)


class Executor:
    """Runs the calls of one device.

    Args:
        inline_below_s: calls whose mean is below this run in the event loop; 0 for none.
        clock: seconds, rising.
    """

    def __init__(
        self,
        inline_below_s: float = _INLINE_BELOW_S,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._inline_below_s = inline_below_s
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="penstock-device")

    def is_quick(self, cost: Cost) -> bool:
        """Whether a call should run right here. What was never measured is not quick."""
        return cost.mean_s is not None and cost.mean_s < self._inline_below_s

    def measure(self, cost: Cost, call: Callable[[], T]) -> T:
        """Run a call on this thread and count what it takes."""
        start = self._clock()
        result = call()
        # A failure says nothing of what a call takes, so it is not counted.
        cost.add(self._clock() - start)
        return result

    def submit(self, cost: Cost, call: Callable[[], T]) -> asyncio.Future[T]:
        """Run a call on the device's thread."""
        loop = asyncio.get_running_loop()
        try:
            return loop.run_in_executor(self._thread, self.measure, cost, call)
        except RuntimeError:  # the thread takes no more work
            raise UnavailableError("the server is shutting down") from None

    async def run(self, cost: Cost, call: Callable[[], T]) -> T:
        """Run a call where it fits best."""
        if self.is_quick(cost):
            return self.measure(cost, call)
        return await self.submit(cost, call)

    def close(self) -> None:
        """Let go of the thread; a call that is running ends by itself."""
        self._thread.shutdown(wait=False, cancel_futures=True)
