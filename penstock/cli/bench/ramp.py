"""From a gentle load upwards to where the server is full, and the best point below that."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from penstock.cli.bench.load import Outcome

_KEEPS_UP = 0.95  # of the rate: below it work piles up
_GROWTH = 2.0
_FINEST = 1.15
_LATE_MS = 5.0


@dataclass(frozen=True, slots=True)
class Goal:
    """What an answer is worth something for.

    Args:
        p99_ms: 99 of 100 answers come within this time.
        error_share: of the requests, at most.
    """

    p99_ms: float = 100.0
    error_share: float = 0.0

    def broken_by(self, outcome: Outcome) -> str | None:
        """Say in what an outcome misses the goal, or `None`."""
        if outcome.failed > self.error_share * outcome.sent:
            kinds = ", ".join(f"{count} {kind}" for kind, count in outcome.errors.items())
            return f"{outcome.failed} of {outcome.sent} requests failed ({kinds})"
        if outcome.achieved < _KEEPS_UP * outcome.rate:
            return (
                f"only {outcome.achieved:,.0f} of {outcome.rate:,.0f} requests/s were answered"
            )
        if outcome.latency_ms(99) > self.p99_ms:
            return f"p99 was {outcome.latency_ms(99):.1f} ms, over {self.p99_ms:g} ms"
        return None


@dataclass(frozen=True, slots=True)
class Ramp:
    """The loads that were tried, in order, and what ended the search.

    Args:
        outcomes: of each load.
        limit: why no higher load is good; empty where none was found.
    """

    outcomes: tuple[Outcome, ...]
    best: Outcome | None
    limit: str

    @property
    def generator_is_late(self) -> bool:
        """Whether the load generator itself may be what set the limit."""
        return any(o.lateness_ms(99) > _LATE_MS for o in self.outcomes)


async def climb(
    measure: Callable[[float], Awaitable[Outcome]],
    goal: Goal,
    *,
    first: float,
    most: float,
    steps: int = 16,
) -> Ramp:
    """Double the rate until the goal is missed, then halve the gap a few times.

    Args:
        measure: runs the load of a rate.
        goal: what is good.
        first: rate to begin with.
        most: rate that is not gone beyond.
        steps: loads that are tried, at most.
    """
    outcomes: list[Outcome] = []
    best: Outcome | None = None
    limit, too_much, rate = "", float("inf"), first
    while len(outcomes) < steps:
        outcome = await measure(rate)
        outcomes.append(outcome)
        broken = goal.broken_by(outcome)
        if broken is None:
            if best is None or outcome.rate > best.rate:
                best = outcome
            if rate >= most:
                limit = ""
                break
            rate = min(rate * _GROWTH, most)
            if rate >= too_much:
                rate = (outcome.rate * too_much) ** 0.5
        else:
            limit, too_much = f"at {outcome.rate:,.0f} requests/s {broken}", outcome.rate
            if best is None:
                rate /= _GROWTH * 2
                if rate < 1:
                    break
                continue
            rate = (best.rate * too_much) ** 0.5
        if best is not None and too_much / best.rate < _FINEST:
            break
    return Ramp(tuple(outcomes), best, limit)
