"""Spans for OpenTelemetry, made after the fact. Needs the extra `telemetry`.

Source: W3C Trace Context, level 1, for `traceparent`.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from penstock.core.errors import UnimplementedError

_TRACEPARENT: Final = re.compile(
    rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?"
)
_SAMPLED: Final = 1


@dataclass(frozen=True, slots=True)
class Parent:
    """Where a call came from, as its `traceparent` says."""

    trace_id: int
    span_id: int
    is_sampled: bool


def parse_traceparent(value: bytes) -> Parent | None:
    """Read a `traceparent`; one that breaks the rules is as good as none."""
    found = _TRACEPARENT.fullmatch(value.strip())
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if version == b"ff" or (version == b"00" and more) or not int(trace_id, 16):
        return None
    if not int(span_id, 16):
        return None
    return Parent(int(trace_id, 16), int(span_id, 16), bool(int(flags, 16) & _SAMPLED))


@dataclass(frozen=True, slots=True)
class SpanContext:
    """Identity of a sampled span of ours, and of its parent elsewhere if it has one."""

    trace_id: int
    span_id: int
    parent_id: int = 0

    @classmethod
    def child_of(cls, parent: Parent | None) -> Self:
        """Return a new identity, in the trace of the parent or in a new one."""
        span_id = secrets.randbits(64) or 1
        if parent is None:
            return cls(secrets.randbits(128) or 1, span_id)
        return cls(parent.trace_id, span_id, parent.span_id)

    @property
    def trace_id_text(self) -> str:
        """The identity of the trace as logs and `traceparent` write it."""
        return f"{self.trace_id:032x}"

    @property
    def traceparent(self) -> str:
        """The header for what is called on behalf of this span."""
        return f"00-{self.trace_id_text}-{self.span_id:016x}-01"


class Tracer:
    """Hands finished spans to OpenTelemetry.

    Args:
        endpoint: of a collector, for OTLP over HTTP; from OpenTelemetry's environment
            variables if left out.
        service_name: names this program in traces.
        exporter: takes the spans in place of OTLP.

    Raises:
        UnimplementedError: OpenTelemetry is not installed.
    """

    def __init__(
        self,
        endpoint: str | None = None,
        service_name: str = "penstock",
        exporter: Any = None,
    ) -> None:
        try:
            from opentelemetry import trace  # noqa: PLC0415  (an extra, and slow to import)
            from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
            from opentelemetry.sdk.trace import TracerProvider, id_generator  # noqa: PLC0415
            from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
            from opentelemetry.sdk.trace.sampling import ALWAYS_ON  # noqa: PLC0415

            if exporter is None:
                from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
                    OTLPSpanExporter,
                )

                exporter = OTLPSpanExporter(endpoint=endpoint)
        except ImportError:
            raise UnimplementedError(
                "traces need OpenTelemetry; install 'penstock[telemetry]'"
            ) from None
        self._trace = trace
        self._next = _chosen_ids(id_generator.RandomIdGenerator)
        # Sampling was decided before anything came here.
        self._provider = TracerProvider(
            sampler=ALWAYS_ON,
            resource=Resource.create({"service.name": service_name}),
            id_generator=self._next,
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("penstock.serving")

    def span(
        self,
        name: str,
        context: SpanContext,
        start_ns: int,
        end_ns: int,
        *,
        attributes: Mapping[str, Any],
        error: str | None = None,
    ) -> None:
        """Export the span of a request, which has the given identity."""
        trace = self._trace
        self._next.chosen = (context.trace_id, context.span_id)
        span = self._tracer.start_span(
            name,
            context=self._context(context.trace_id, context.parent_id),
            kind=trace.SpanKind.SERVER,
            attributes=attributes,
            start_time=start_ns,
        )
        self._next.chosen = None
        if error is not None:
            span.set_status(trace.Status(trace.StatusCode.ERROR, error))
        span.end(end_time=end_ns)

    def part(self, name: str, context: SpanContext, start_ns: int, end_ns: int) -> None:
        """Export a span inside that of a request."""
        self._tracer.start_span(
            name,
            context=self._context(context.trace_id, context.span_id),
            start_time=start_ns,
        ).end(end_time=end_ns)

    def close(self) -> None:
        """Export what is left."""
        self._provider.shutdown()

    def _context(self, trace_id: int, span_id: int) -> Any:
        trace = self._trace
        if not span_id:
            return trace.set_span_in_context(trace.INVALID_SPAN)
        above = trace.SpanContext(
            trace_id, span_id, is_remote=True, trace_flags=trace.TraceFlags(_SAMPLED)
        )
        return trace.set_span_in_context(trace.NonRecordingSpan(above))


def _chosen_ids(base: Any) -> Any:
    """Return a generator of identities that gives those that were chosen first."""

    class ChosenIds(base):  # type: ignore[misc]
        """Gives the chosen identities, or random ones where there are none."""

        chosen: tuple[int, int] | None = None

        def generate_trace_id(self) -> int:
            """Identity of a trace."""
            return int(super().generate_trace_id() if self.chosen is None else self.chosen[0])

        def generate_span_id(self) -> int:
            """Identity of a span."""
            return int(super().generate_span_id() if self.chosen is None else self.chosen[1])

    return ChosenIds()
