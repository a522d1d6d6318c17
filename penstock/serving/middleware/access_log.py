"""One line of JSON for each call, written by a thread of its own."""

import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson

from penstock.monitor.background import Background
from penstock.monitor.rules import Violation
from penstock.serving.call import Call
from penstock.serving.middleware.validation import shorten
from penstock.serving.servable import Arrays

STDERR: Final = "-"
_LONGEST_TEXT: Final = 500
_SAMPLES_PER_MINUTE: Final = 60


class LineFile:
    """Lines at the end of a file, or on standard error.

    The file is opened anew for every lot, so that it may be moved away at any time.
    """

    def __init__(self, place: str | Path) -> None:
        self._place = place

    def write(self, lines: Sequence[bytes]) -> None:
        """Append lines."""
        data = b"\n".join(lines) + b"\n"
        if str(self._place) == STDERR:
            sys.stderr.write(data.decode("utf-8", "replace"))
            sys.stderr.flush()
            return
        path = Path(self._place)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(data)


class AccessLog:
    """Middleware that writes a line about each call.

    Args:
        place: a file, or "-" for standard error.
        clock: the gateway's.
        now: seconds since 1970.
    """

    def __init__(
        self,
        place: str | Path,
        clock: Callable[[], float] = time.perf_counter,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._offset = now() - clock()
        self._file = LineFile(place)
        self._background: Background[tuple[Call, float]] = Background(
            self._write, "penstock-access-log", most=65_536
        )

    def done(self, call: Call) -> None:
        """Note a call; the line is made later."""
        self._background.put((call, self._clock()))

    def close(self) -> None:
        """Write what is noted, and end."""
        self._background.close()

    def _write(self, calls: Sequence[tuple[Call, float]]) -> None:
        self._file.write([orjson.dumps(self._line(*each)) for each in calls])

    def _line(self, call: Call, end: float) -> dict[str, Any]:
        line: dict[str, Any] = {
            "time": _time_text(call.start + self._offset),
            "peer": call.peer,
            "protocol": call.protocol,
            "api": call.api,
            "model": call.spec.name,
            "status": call.status,
            "total_ms": _ms(end - call.start),
            "bytes": call.body_bytes,
        }
        if call.version is not None:
            line["version"] = call.version
        if call.signature_name:
            line["signature"] = call.signature_name
        if call.identity is not None:
            line["client"] = call.identity.name
        if call.rows:
            line["rows"] = call.rows
            line["queue_ms"] = _ms(call.queue_s)
            line["compute_ms"] = _ms(call.compute_s)
            line["batch"] = call.batch_size
            line["padded"] = call.padded_size
        if call.error is not None:
            line["error"] = call.error.message[:_LONGEST_TEXT]
        if call.notes is not None and (span := call.notes.get("trace")) is not None:
            line["trace_id"] = span.trace_id_text
        request_id = call.header(b"x-request-id")
        if request_id is not None:
            line["request_id"] = request_id[:100].decode("latin-1")
        return line


class BadInputLog:
    """Writes samples of inputs that broke the schema: so many a minute, and shortened.

    Args:
        place: a file, or "-" for standard error.
        per_minute: lines at most.
        now: seconds since 1970.
    """

    def __init__(
        self,
        place: str | Path,
        per_minute: int = _SAMPLES_PER_MINUTE,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._file = LineFile(place)
        self._per_minute = per_minute
        self._now = now
        self._minute = 0
        self._written = 0
        self._background: Background[dict[str, Any]] = Background(
            self._write, "penstock-bad-input-log", most=256
        )

    def sample(self, call: Call, inputs: Arrays, found: list[Violation]) -> None:
        """Note inputs, unless enough of this minute are noted."""
        now = self._now()
        minute = int(now // 60)
        if minute != self._minute:
            self._minute, self._written = minute, 0
        if self._written >= self._per_minute:
            return
        self._written += 1
        line = {
            "time": _time_text(now),
            "model": call.spec.name,
            "version": call.version,
            "signature": call.signature_name,
            "peer": call.peer,
            "violations": [
                {"feature": v.feature, "rule": v.rule, "message": v.message} for v in found[:20]
            ],
            "inputs": shorten(inputs),
        }
        self._background.put(line)

    def close(self) -> None:
        """Write what is noted, and end."""
        self._background.close()

    def _write(self, lines: Sequence[dict[str, Any]]) -> None:
        self._file.write([orjson.dumps(line, default=str) for line in lines])


def _ms(seconds: float) -> float:
    return round(seconds * 1e3, 3)


def _time_text(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
