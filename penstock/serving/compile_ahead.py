"""Compiles a version in another process, which leaves the executables for this one.

XLA compiles with all processors and at the priority of its process. In a process of its own,
of the lowest priority, it takes nothing from a server that answers requests meanwhile.
"""

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from penstock.core.errors import OpError

_LOOK_EVERY_S: Final = 0.1
_MOST_S: Final = 1800.0
_NICENESS: Final = 19
_STDIN: Final = 0

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
    command = [sys.executable, "-m", "penstock.serving.compile_ahead"]
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


def main() -> int:
    """Do the task on standard input, and end with whoever wrote it there."""
    os.nice(_NICENESS)
    task = json.loads(_read_line())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # The process that asks imports this module, too, and not always JAX.
    from penstock.runtime.devices import compute_in_callers_thread  # noqa: PLC0415
    from penstock.serving.executables import ExecutableCache  # noqa: PLC0415
    from penstock.serving.loader import SavedModelLoader  # noqa: PLC0415

    compute_in_callers_thread()
    place = task["place"]
    loader = SavedModelLoader(
        task["sizes"],
        ExecutableCache(None if place is None else Path(place)),
        with_warm_up=task["with_warm_up"],
    )
    path = Path(task["path"])
    try:
        loader.finish(loader.load("model", 1, path), path)
    except OpError:
        return 1  # the process that asked meets the same, and tells it
    return 0


# Both read the pipe itself: a thread that waits in a buffered reader lets no process end.


def _read_line() -> bytes:
    line = b""
    while not line.endswith(b"\n") and (more := os.read(_STDIN, 1 << 16)):
        line += more
    return line


def _end_with_parent() -> None:
    while os.read(_STDIN, 1 << 16):
        pass
    os._exit(1)


if __name__ == "__main__":
    raise SystemExit(main())
