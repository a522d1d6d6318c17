"""Where calls run."""

import asyncio
import threading

import pytest

from penstock.core.errors import UnavailableError
from penstock.serving.executor import Cost, Executor


class Clock:
    """Gives the times that a test lists."""

    def __init__(self, *times):
        self.times = list(times)

    def __call__(self):
        return self.times.pop(0)


def names_of_threads(executor, calls):
    cost = Cost()

    async def main():
        return [
            await executor.run(cost, lambda: threading.current_thread().name)
            for _ in range(calls)
        ]

    names = asyncio.run(main())
    executor.close()
    return [name.startswith("penstock-device") for name in names]


def test_a_call_moves_into_the_loop_once_it_is_known_to_be_quick():
    executor = Executor(0.001, Clock(0.0, 0.0005, 1.0, 1.0005))

    assert names_of_threads(executor, 2) == [True, False]


def test_a_slow_call_stays_on_the_thread():
    executor = Executor(0.001, Clock(0.0, 0.5, 1.0, 1.5))

    assert names_of_threads(executor, 2) == [True, True]


def test_a_call_that_has_become_slow_goes_back_to_the_thread():
    executor = Executor(0.001, Clock(0.0, 0.0005, 1.0, 2.0, 3.0, 4.0))

    assert names_of_threads(executor, 3) == [True, False, True]


def test_the_first_slow_call_is_soon_forgotten():
    cost = Cost()

    for seconds in [0.05, 0.0002]:
        cost.add(seconds)

    assert cost.typical_s < 0.001


def test_a_failure_reaches_the_caller_and_counts_for_nothing():
    executor, cost = Executor(), Cost()

    async def main():
        with pytest.raises(ZeroDivisionError):
            await executor.run(cost, lambda: 1 // 0)

    asyncio.run(main())
    executor.close()

    assert cost.typical_s is None


def test_a_closed_executor_refuses():
    executor = Executor()
    executor.close()

    async def main():
        with pytest.raises(UnavailableError, match="shutting down"):
            await executor.run(Cost(), lambda: 1)

    asyncio.run(main())
