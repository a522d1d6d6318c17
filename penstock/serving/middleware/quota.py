"""How much a client may ask for: a bucket of tokens each, filled at a steady rate.

The limits stand in the policy file:

    [quota]                         # for every client without one of its own
    requests_per_s = 100
    burst = 200
    [quota.clients.nightly]
    requests_per_s = 5
    bytes_per_s = 1_000_000
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from penstock.core.errors import InvalidArgumentError, ResourceExhaustedError
from penstock.serving.call import RETRY_AFTER_S, Call
from penstock.serving.middleware.api_keys import read_toml
from penstock.serving.middleware.identity import ANONYMOUS

_FOREVER = float("inf")
# Clients that were not seen for long have full buckets, and need not be remembered.
_KEPT = 10_000
_FIELDS = {"requests_per_s", "burst", "bytes_per_s"}


@dataclass(frozen=True, slots=True)
class Limit:
    """What one client may ask for.

    Args:
        requests_per_s: in the long run.
        burst: at once; by default what comes in a second, and at least one.
        bytes_per_s: of bodies, in the long run; ten seconds' worth may come at once.
    """

    requests_per_s: float = _FOREVER
    burst: float = 0.0
    bytes_per_s: float = _FOREVER

    def __post_init__(self) -> None:
        if not (self.requests_per_s > 0 and self.bytes_per_s > 0 and self.burst >= 0):
            raise InvalidArgumentError(f"limits of a quota must be more than 0, got {self}")
        if self.burst == 0:
            object.__setattr__(self, "burst", max(self.requests_per_s, 1.0))


@dataclass(frozen=True, slots=True)
class Quotas:
    """The limits of clients by name, and the one of all others; `None` for no limit."""

    default: Limit | None = None
    clients: Mapping[str, Limit] = field(default_factory=dict)


class _Bucket:
    __slots__ = ("at", "bytes", "requests")

    def __init__(self, limit: Limit, now: float) -> None:
        self.at = now
        self.requests = limit.burst
        self.bytes = 10 * limit.bytes_per_s


class QuotaCheck:
    """Middleware that refuses what a client asks for beyond its share. Lives in one event loop.

    Clients without a name are told apart by their addresses.

    Args:
        quotas: the shares.
        clock: seconds, rising.
    """

    def __init__(self, quotas: Quotas, clock: Callable[[], float] = time.monotonic) -> None:
        self._quotas = quotas
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def replace(self, quotas: Quotas) -> None:
        """Grant other shares from the next call on."""
        self._quotas = quotas
        self._buckets.clear()

    def admit(self, call: Call) -> None:
        """Take what a call costs from the bucket of its client.

        Raises:
            ResourceExhaustedError: there is not so much in it.
        """
        identity = call.identity
        name = ANONYMOUS if identity is None else identity.name
        limit = self._quotas.clients.get(name, self._quotas.default)
        if limit is None:
            return
        key = f"{name} {call.peer}" if name == ANONYMOUS else name
        now = self._clock()
        buckets = self._buckets
        bucket = buckets.get(key)
        if bucket is None:
            bucket = buckets[key] = _Bucket(limit, now)
            if len(buckets) > _KEPT:
                buckets.popitem(last=False)
        else:
            passed_s, bucket.at = now - bucket.at, now
            bucket.requests = min(
                limit.burst, bucket.requests + passed_s * limit.requests_per_s
            )
            bucket.bytes = min(
                10 * limit.bytes_per_s, bucket.bytes + passed_s * limit.bytes_per_s
            )
        size = call.body_bytes
        if bucket.requests >= 1 and bucket.bytes >= 0:
            bucket.requests -= 1
            # A large body may take more than there is: those after it wait the longer.
            bucket.bytes -= size
            return
        wait_s = max((1 - bucket.requests) / limit.requests_per_s, 0.0)
        wait_s = max(wait_s, -bucket.bytes / limit.bytes_per_s)
        raise ResourceExhaustedError(
            f"client '{name}' is beyond its quota; try again in {max(wait_s, 0.001):.3g} s",
            payloads={RETRY_AFTER_S: wait_s},
        )


def read_quotas(path: Path) -> Quotas:
    """Return the quotas in a policy file.

    Raises:
        NotFoundError: there is no such file.
        InvalidArgumentError: it says something else.
    """
    table = read_toml(path, "policy file").get("quota", {})
    if not isinstance(table, dict):
        raise InvalidArgumentError(f"'quota' in '{path}' must be a table, got {table!r}")
    own = {name: value for name, value in table.items() if name != "clients"}
    clients = table.get("clients", {})
    if not isinstance(clients, dict):
        raise InvalidArgumentError(f"'quota.clients' in '{path}' must be a table")
    return Quotas(
        _limit(own, f"'quota' in '{path}'") if own else None,
        {
            name: _limit(value, f"'quota.clients.{name}' in '{path}'")
            for name, value in clients.items()
        },
    )


def _limit(value: Any, what: str) -> Limit:
    if not isinstance(value, dict) or (value.keys() - _FIELDS):
        raise InvalidArgumentError(f"{what} must have {', '.join(sorted(_FIELDS))} only")
    for name, number in value.items():
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise InvalidArgumentError(f"'{name}' of {what} must be a number, got {number!r}")
    return Limit(**value)
