"""What this process takes of the machine, looked up when somebody asks.

Source: proc(5). Elsewhere than on Linux only what Python's `resource` knows is told.
"""

import os
import sys
import time
from pathlib import Path
from typing import Final

from penstock.core import metrics
from penstock.monitor import exposition

try:
    import resource
except ImportError:  # not made for this platform
    resource = None  # type: ignore[assignment]

_SELF: Final = Path("/proc/self")


def observe() -> None:
    """Bring the metrics of the process up to date."""
    metrics.PROCESS_CPU.labels().advance_to(time.process_time())
    if resource is not None:
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        metrics.PROCESS_MAX_FILES.labels().set(limit)
    try:
        fields = (_SELF / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        pages = (_SELF / "statm").read_text(encoding="utf-8").split()
        boot = _boot_time()
        open_files = len(os.listdir(_SELF / "fd"))  # noqa: PTH208  (the names are enough)
    except OSError:
        _observe_without_proc()
        return
    page = os.sysconf("SC_PAGE_SIZE")
    metrics.PROCESS_VIRTUAL_MEMORY.labels().set(int(pages[0]) * page)
    metrics.PROCESS_MEMORY.labels().set(int(pages[1]) * page)
    metrics.PROCESS_THREADS.labels().set(int(fields[17]))
    metrics.PROCESS_OPEN_FILES.labels().set(open_files)
    started = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    metrics.PROCESS_START.labels().set(boot + started)


def _boot_time() -> float:
    for line in Path("/proc/stat").read_text(encoding="utf-8").splitlines():
        if line.startswith("btime "):
            return float(line.split()[1])
    return 0.0


def _observe_without_proc() -> None:
    if resource is not None:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        metrics.PROCESS_MEMORY.labels().set(most * (1 if sys.platform == "darwin" else 1024))


exposition.before_encoding(observe)
