"""`tf.train.checkpoints_iterator`: waiting for the checkpoints that another program writes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

from penstock.train.checkpoint_state import latest_checkpoint

_POLL_S = 1.0


def checkpoints_iterator(
    checkpoint_dir: str | os.PathLike[str],
    min_interval_secs: float = 0,
    timeout: float | None = None,
    timeout_fn: Callable[[], bool] | None = None,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[str]:
    """Yield the path of each new latest checkpoint of a directory.

    Args:
        checkpoint_dir: the directory.
        min_interval_secs: least time between two of them.
        timeout: seconds to wait for a new one; None waits for ever.
        timeout_fn: called after a timeout; the iterator goes on unless it returns True.
        clock: gives the time in seconds.
        sleep: waits for a number of seconds.
    """
    last: str | None = None
    while True:
        found = _wait(checkpoint_dir, last, timeout, clock, sleep)
        if found is None:
            if timeout_fn is None or timeout_fn():
                return
            continue
        start = clock()
        last = found
        yield found
        rest = min_interval_secs - (clock() - start)
        if rest > 0:
            sleep(rest)


def _wait(
    directory: str | os.PathLike[str],
    last: str | None,
    timeout: float | None,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> str | None:
    end = None if timeout is None else clock() + timeout
    while True:
        found = latest_checkpoint(directory)
        if found is not None and found != last:
            return found
        if end is not None and clock() + _POLL_S > end:
            return None
        sleep(_POLL_S)
