"""Traces of sampled calls: the decision comes first, and costs next to nothing."""

import random
import time
from collections.abc import Callable, Sequence

from penstock.core.errors import InvalidArgumentError
from penstock.monitor.background import Background
from penstock.monitor.tracing import SpanContext, Tracer, parse_traceparent
from penstock.serving.call import OK, Call

_TRACEPARENT = b"traceparent"


class CallTracing:
    """Middleware that makes spans of sampled calls: the request, its queue, its computation.

    A caller that says by `traceparent` whether its trace is sampled is believed; for others
    the rate decides. All else, OpenTelemetry included, is done by a thread of its own.

    Args:
        tracer: makes and exports the spans.
        sampling_rate: share of the calls without a caller's decision, from 0 to 1.
        clock: the gateway's.
        draw: gives numbers from 0 up to 1.
    """

    def __init__(
        self,
        tracer: Tracer,
        sampling_rate: float,
        clock: Callable[[], float] = time.perf_counter,
        draw: Callable[[], float] = random.random,
    ) -> None:
        if not 0 <= sampling_rate <= 1:
            raise InvalidArgumentError(
                f"sampling_rate must be from 0 to 1, got {sampling_rate:g}"
            )
        self._tracer = tracer
        self._rate = sampling_rate
        self._clock = clock
        self._draw = draw
        self._offset_ns = time.time_ns() - int(clock() * 1e9)
        self._background: Background[tuple[Call, SpanContext, float]] = Background(
            self._export, "penstock-tracing", most=4096
        )

    def admit(self, call: Call) -> None:
        """Decide whether the call is traced."""
        parent = None
        for name, value in call.headers:
            if name == _TRACEPARENT:
                parent = parse_traceparent(value)
                break
        if parent is None:
            if self._draw() >= self._rate:
                return
        elif not parent.is_sampled:
            return
        if call.notes is None:
            call.notes = {}
        call.notes["trace"] = SpanContext.child_of(parent)

    def done(self, call: Call) -> None:
        """Queue the spans of a traced call."""
        if call.notes is not None and (span := call.notes.get("trace")) is not None:
            self._background.put((call, span, self._clock()))

    def close(self) -> None:
        """Export what is queued, and end."""
        self._background.close()
        self._tracer.close()

    def _export(self, calls: Sequence[tuple[Call, SpanContext, float]]) -> None:
        for call, context, end in calls:
            self._export_one(call, context, end)

    def _export_one(self, call: Call, context: SpanContext, end: float) -> None:
        start = call.start
        attributes = {
            "penstock.model.name": call.spec.name,
            "penstock.model.version": -1 if call.version is None else call.version,
            "penstock.model.signature": call.signature_name,
            "penstock.protocol": call.protocol,
            "penstock.api": call.api,
            "penstock.status": call.status,
            "penstock.rows": call.rows,
            "penstock.batch_size": call.batch_size,
            "penstock.padded_size": call.padded_size,
            "client.address": call.peer,
        }
        name = f"{call.api} {call.spec.name}"
        error = None
        if call.status != OK:
            error = call.status if call.error is None else call.error.message
        tracer = self._tracer
        tracer.span(
            name,
            context,
            self._ns(start),
            self._ns(end),
            attributes=attributes,
            error=error,
        )
        if not call.rows or not call.compute_s:
            return
        # Work is in this order: read, wait, compute, write.
        queued = min(start + call.decode_s, end)
        begun = min(queued + call.queue_s, end)
        computed = min(begun + call.compute_s, end)
        for part, since, until in (
            ("decode", start, queued),
            ("queue", queued, begun),
            ("compute", begun, computed),
            ("encode", computed, end),
        ):
            tracer.part(part, context, self._ns(since), self._ns(until))

    def _ns(self, seconds: float) -> int:
        return int(seconds * 1e9) + self._offset_ns
