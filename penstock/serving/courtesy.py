"""Work in the background of a server that lets requests go first."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# Python's threads change every 5 ms when all of them compute. While a version loads, requests
# would wait so long each time that they need the interpreter.
_SWITCH_INTERVAL_S = 0.0005
# Beside the loading thread other processes go first, but not so much that it starves with the
# interpreter in its hands.
_NICENESS = 4
# After so much work at a stretch there is a pause, if others want the interpreter.
_WORK_S = 0.0005
_PAUSE_S = 0.002
# Share of the time that a thread computes when it has a processor and the interpreter alone.
_ALONE = 0.9


@contextmanager
def courteous(*, is_serving: bool = True) -> Iterator[None]:
    """Let other threads have the interpreter quickly, and most of the time.

    Args:
        is_serving: whether there are any that answer requests; nothing is done otherwise.
    """
    if not is_serving:
        yield
        return
    interval, profile = sys.getswitchinterval(), sys.getprofile()
    sys.setswitchinterval(min(interval, _SWITCH_INTERVAL_S))
    if profile is None:
        sys.setprofile(_Pauses().look)
    try:
        yield
    finally:
        sys.setprofile(profile)
        sys.setswitchinterval(interval)


def lower_priority() -> None:
    """Let the threads and processes of others go before this thread."""
    # On Linux a thread has a priority of its own; elsewhere it would be that of the process.
    if sys.platform.startswith("linux"):
        try:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        except OSError:
            return


class _Pauses:
    """Stops a thread for a moment at some of its calls, while others compute too."""

    def __init__(self) -> None:
        self._start()

    def look(self, frame: FrameType, event: str, argument: object) -> None:  # noqa: ARG002
        """Pause if it is time. Python calls it at each call and return."""
        worked_s = time.perf_counter() - self._since
        if worked_s < _WORK_S:
            return
        # Alone nobody has anything from a pause.
        if time.thread_time() - self._computed < _ALONE * worked_s:
            time.sleep(_PAUSE_S)
        self._start()

    def _start(self) -> None:
        self._since = time.perf_counter()
        self._computed = time.thread_time()
