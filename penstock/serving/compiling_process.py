"""The process that compiles a version for a server: see `compile_ahead`.

Its task is one line of JSON on standard input, which stays open for as long as the server
wants the answer.
"""

import json
import os
import threading
from pathlib import Path
from typing import Final

from penstock.core.errors import OpError
from penstock.runtime.devices import compute_in_callers_thread
from penstock.serving.executables import ExecutableCache
from penstock.serving.loader import SavedModelLoader

_STDIN: Final = 0


def main() -> int:
    """Do the task on standard input, and end with whoever wrote it there."""
    task = json.loads(_read_line())
    threading.Thread(target=_end_with_parent, daemon=True).start()
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
