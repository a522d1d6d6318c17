"""Counts calls and their times under TF Serving's names."""

import time
from collections.abc import Callable

from penstock.core import metrics
from penstock.serving.call import Call

_UNKNOWN = "_unknown"


class CallMetrics:
    """Middleware that counts the calls that ask a model to compute.

    Args:
        is_known: whether a model of that name is served. Clients can invent names without
            end, and each would be a row of the metrics.
        clock: the gateway's.
    """

    def __init__(
        self, is_known: Callable[[str], bool], clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._is_known = is_known
        self._clock = clock

    def done(self, call: Call) -> None:
        """Count a call."""
        if call.api.startswith("Get"):
            return
        name = call.spec.name if self._is_known(call.spec.name) else _UNKNOWN
        metrics.REQUEST_COUNT.labels(name, call.status).increment()
        metrics.REQUEST_LATENCY.labels(name, call.api, call.protocol, call.status).observe(
            (self._clock() - call.start) * 1e6
        )
