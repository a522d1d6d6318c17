"""Open-loop load: requests leave when the plan says so, however slow the answers are.

A closed loop waits for an answer before it sends the next request, so a server that stalls
is asked less just then, and its worst moments are hardly measured. Here the time of a request
is counted from when it was meant to leave.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penstock.core.errors import GRPC_STATUS, InvalidArgumentError, OpError

ARRIVALS = ("poisson", "constant")
_NOT_SENT = "NOT_SENT"


@dataclass(frozen=True, slots=True)
class Plan:
    """One stretch of load.

    Args:
        rate: requests a second, on the average.
        seconds: for how long.
        arrivals: "poisson" for independent users, "constant" for a metronome.
        timeout_s: after which an answer is an error.
        most_in_flight: requests without an answer, beyond which no more are sent; what is not
            sent counts as an error.
        seed: of the arrivals.
    """

    rate: float
    seconds: float
    arrivals: str = "poisson"
    timeout_s: float = 10.0
    most_in_flight: int = 1024
    seed: int = 0

    def times(self) -> NDArray[np.float64]:
        """When requests leave, in seconds from the start."""
        if self.arrivals not in ARRIVALS:
            raise InvalidArgumentError(
                f"arrivals must be one of {', '.join(ARRIVALS)}, got '{self.arrivals}'"
            )
        count = max(round(self.rate * self.seconds), 1)
        if self.arrivals == "constant":
            return np.arange(count) / self.rate
        # A Poisson process of which the number is known: so the rate is just what was asked.
        return np.sort(np.random.default_rng(self.seed).uniform(0, self.seconds, count))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a stretch of load.

    Args:
        rate: that was meant.
        achieved: good answers a second.
        sent: requests.
        errors: how many by kind.
        latencies_s: of good answers, sorted, from the moment when they were meant to leave.
        lateness_s: how late requests left, sorted; the generator's own fault.
    """

    rate: float
    achieved: float
    sent: int
    errors: dict[str, int]
    latencies_s: NDArray[np.float64] = field(repr=False)
    lateness_s: NDArray[np.float64] = field(repr=False)

    @property
    def failed(self) -> int:
        """How many requests had no good answer."""
        return sum(self.errors.values())

    def latency_ms(self, percent: float) -> float:
        """Percentile of the latency in milliseconds; infinite when nothing was answered."""
        return _percentile(self.latencies_s, percent) * 1e3

    def lateness_ms(self, percent: float) -> float:
        """Percentile of the lateness of the generator in milliseconds."""
        return _percentile(self.lateness_s, percent) * 1e3

    def as_dict(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            "rate": round(self.rate, 1),
            "achieved": round(self.achieved, 1),
            "sent": self.sent,
            "errors": self.errors,
            **{f"p{p:g}_ms": _finite(self.latency_ms(p)) for p in (50, 90, 95, 99, 99.9)},
            "max_ms": _finite(self.latency_ms(100)),
            "generator_late_p99_ms": _finite(self.lateness_ms(99)),
        }


def _percentile(values: NDArray[np.float64], percent: float) -> float:
    if not values.size:
        return float("inf")
    # The smallest value that at least so many are not above: no value that was not measured.
    return float(values[min(int(np.ceil(len(values) * percent / 100)), len(values)) - 1])


def _finite(value: float) -> float | None:
    return round(value, 3) if np.isfinite(value) else None


async def run(
    plan: Plan,
    send: Callable[[float], Awaitable[None]],
    clock: Callable[[], float] = time.perf_counter,
) -> Outcome:
    """Send what the plan says, and wait for the answers.

    Args:
        plan: when.
        send: sends one request and waits for its answer, at most so many seconds; raises an
            OpError when it is not a good one.
        clock: seconds, rising.
    """
    times = plan.times()
    latencies: list[float] = []
    lateness: list[float] = []
    errors: Counter[str] = Counter()
    running: set[asyncio.Task[None]] = set()
    last_answer = 0.0

    async def one(intended: float) -> None:
        nonlocal last_answer
        try:
            await send(plan.timeout_s)
        except OpError as error:
            errors[GRPC_STATUS.get(error.error_code, "UNKNOWN")] += 1
        else:
            latencies.append(clock() - intended)
        last_answer = clock()

    start = clock() + 0.01
    for offset in times.tolist():
        intended = start + offset
        # Timers of an event loop are a little late; the last stretch is waited for in turns.
        while (wait := intended - clock()) > 0:  # noqa: ASYNC110  (it waits for the clock)
            await asyncio.sleep(wait - 0.0005 if wait > 0.001 else 0)
        if len(running) >= plan.most_in_flight:
            errors[_NOT_SENT] += 1
            if not errors[_NOT_SENT] % 16:
                await asyncio.sleep(0)  # let answers in
            continue
        lateness.append(clock() - intended)
        task = asyncio.create_task(one(intended))
        running.add(task)
        task.add_done_callback(running.discard)
    if running:
        await asyncio.wait(running)
    ordered = np.sort(np.array(latencies))
    # The last requests are answered after the end of the plan, by an ordinary latency when the
    # server keeps up, and by more when work has piled up.
    usual = _percentile(ordered, 50) if latencies else 0.0
    elapsed = max(last_answer - start - usual, plan.seconds)
    return Outcome(
        plan.rate,
        len(latencies) / elapsed,
        len(times),
        dict(errors),
        ordered,
        np.sort(np.array(lateness)),
    )
