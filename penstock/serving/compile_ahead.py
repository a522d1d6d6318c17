"""Compiles a version in another process, which leaves the executables for this one.

XLA compiles with all processors and at the priority of its process. In a process of its own,
of the lowest priority, it takes nothing from a server that answers requests meanwhile.
"""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

_LOOK_EVERY_S: Final = 0.1
_MOST_S: Final = 1800.0
_NICENESS: Final = 19

_log = logging.getLogger("penstock.serving")


def compile_ahead(
    path: Path,
    sizes: Sequence[int],
    place: Path | None,
    *,
    with_warm_up: bool,
    is_stopping: Callable[[], bool] = lambda: False,
) -> bool:
    """Fill the place of the executables with those of a version; wait until it is done.

    Args:
        path: folder of the version.
        sizes: numbers of rows.
        place: as `ExecutableCache` takes it.
        with_warm_up: whether recorded requests are run.
        is_stopping: asked now and then, whether to give up.

    Returns:
        Whether it was done; if not, the version is compiled as if nothing had been tried.
    """
    task = {
        "path": str(path.absolute()),
        "sizes": list(sizes),
        "place": None if place is None else str(place.absolute()),
        "with_warm_up": with_warm_up,
    }
    root = str(Path(__file__).parents[2])
    search = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "penstock.serving.compiling_process"]
    try:
        child = subprocess.Popen(  # noqa: S603  (nothing of it comes from outside)
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": search},
        )
    except OSError as error:
        _log.debug("versions are compiled by the server itself: %s", error)
        return False
    assert child.stdin is not None
    waited_s = 0.0
    try:
        # From outside, and at once: its imports are work as well.
        os.setpriority(os.PRIO_PROCESS, child.pid, _NICENESS)
        child.stdin.write(json.dumps(task).encode() + b"\n")
        child.stdin.flush()
        while waited_s < _MOST_S and not is_stopping():
            try:
                return child.wait(_LOOK_EVERY_S) == 0
            except subprocess.TimeoutExpired:
                waited_s += _LOOK_EVERY_S
    except OSError:
        return False  # it has ended before it was told what to do
    finally:
        # The pipe stays open until then: it ends when this process does.
        child.kill()
        child.wait()
        child.stdin.close()
    return False
