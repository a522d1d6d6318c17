"""The `Server-Timing` header: where the time of a request went, told to its client.

Source: W3C Server Timing. Durations are in milliseconds.
"""

import time

from penstock.serving.call import Call
from penstock.serving.router import Response


def add_timing(response: Response, call: Call, encode_start: float) -> None:
    """Add the header to an answer that was just made.

    Args:
        response: the answer.
        call: that it answers.
        encode_start: when its writing began, by `time.perf_counter`.
    """
    encode_s = time.perf_counter() - encode_start
    response.timing = b"queue;dur=%.3f, compute;dur=%.3f, decode;dur=%.3f, encode;dur=%.3f" % (
        call.queue_s * 1e3,
        call.compute_s * 1e3,
        call.decode_s * 1e3,
        encode_s * 1e3,
    )
    if call.notes is not None and (span := call.notes.get("trace")) is not None:
        response.timing += b', traceparent;desc="%b"' % span.traceparent.encode()
