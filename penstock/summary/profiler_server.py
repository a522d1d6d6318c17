"""`tf.profiler.experimental.server`: letting a client profile this process."""

from __future__ import annotations

from penstock.runtime import profiling


def start(port: int) -> None:
    """Listen for requests to profile this process.

    Args:
        port: where.

    Raises:
        AlreadyExistsError: it listens already.
    """
    profiling.serve(port)
