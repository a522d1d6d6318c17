"""When a failed request is sent again, and when not: attempts, pauses and a budget."""

import random
import threading
from dataclasses import dataclass

from penstock.core.errors import RESOURCE_EXHAUSTED, UNAVAILABLE, InvalidArgumentError, OpError


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a request may be sent, and how long to wait between.

    Args:
        max_attempts: of one request, the first included; 1 for none again.
        initial_backoff_s: longest pause before the second attempt.
        max_backoff_s: longest pause at all.
        multiplier: from one pause to the next.
        budget_ratio: attempts again per request, over all requests of a client. When a server
            is down, everybody trying three times is what keeps it down.
        budget_reserve: attempts again that a new client has.
        codes: of errors that another attempt may not meet.
    """

    max_attempts: int = 3
    initial_backoff_s: float = 0.05
    max_backoff_s: float = 2.0
    multiplier: float = 2.0
    budget_ratio: float = 0.1
    budget_reserve: float = 10.0
    codes: frozenset[int] = frozenset({UNAVAILABLE, RESOURCE_EXHAUSTED})

    def __post_init__(self) -> None:
        if self.max_attempts < 1:
            raise InvalidArgumentError(
                f"max_attempts must be at least 1, got {self.max_attempts}"
            )
        if not 0 <= self.initial_backoff_s <= self.max_backoff_s:
            raise InvalidArgumentError(
                f"initial_backoff_s must be from 0 to max_backoff_s {self.max_backoff_s:g}, "
                f"got {self.initial_backoff_s:g}"
            )


class Retries:
    """A policy at work: says how long to wait before the next attempt, if there is one."""

    def __init__(self, policy: RetryPolicy, seed: int | None = None) -> None:
        self._policy = policy
        self._random = random.Random(seed)  # noqa: S311  (it only spreads the pauses)
        self._tokens = policy.budget_reserve
        self._lock = threading.Lock()

    def note_request(self) -> None:
        """Count a request, which earns a part of an attempt."""
        policy = self._policy
        with self._lock:
            self._tokens = min(self._tokens + policy.budget_ratio, policy.budget_reserve)

    def pause_s(
        self, error: OpError, attempt: int, retry_after_s: float | None, remaining_s: float
    ) -> float | None:
        """Return the pause before the next attempt, or `None` when there must be none.

        Args:
            attempt: number of the one that failed, from 1.
            retry_after_s: what the server asked for.
            remaining_s: until the deadline.
        """
        policy = self._policy
        if error.error_code not in policy.codes or attempt >= policy.max_attempts:
            return None
        longest = policy.initial_backoff_s * policy.multiplier ** (attempt - 1)
        pause = self._random.uniform(0, min(longest, policy.max_backoff_s))
        if retry_after_s is not None:
            pause += retry_after_s
        if pause >= remaining_s:
            return None
        with self._lock:
            if self._tokens < 1:
                return None
            self._tokens -= 1
        return pause
