"""Putting the answers to `import tensorflow` in place."""

from __future__ import annotations

import importlib.util
import sys
import threading

from penstock.shim.finder import TensorFlowFinder
from penstock.shim.modules import ROOT, TensorFlowModule, resolve
from penstock.shim.names import IDENTITIES

_lock = threading.Lock()


def installed() -> bool:
    """Whether `import tensorflow` is answered by penstock."""
    return any(isinstance(finder, TensorFlowFinder) for finder in sys.meta_path)


def install() -> None:
    """Answer `import tensorflow` with penstock from now on; doing it again changes nothing.

    Raises:
        RuntimeError: TensorFlow itself was imported already.
    """
    with _lock:
        present = sys.modules.get(ROOT)
        if present is not None and not isinstance(present, TensorFlowModule):
            raise RuntimeError(
                "penstock must be installed as tensorflow before tensorflow is imported, and "
                "TensorFlow is imported already; use one of them in a process"
            )
        if not installed():
            _take_identities()
            sys.meta_path.insert(0, TensorFlowFinder())


def _take_identities() -> None:
    """Give classes the names by which libraries recognise TensorFlow's."""
    for place, (name, module) in IDENTITIES.items():
        if _is_there(place.partition(":")[0]):
            try:
                kind = resolve(place)
            except AttributeError:
                continue
            kind.__name__ = kind.__qualname__ = name
            kind.__module__ = module


def _is_there(module: str) -> bool:
    parent = module.rpartition(".")[0]
    if parent and parent != "penstock" and not _is_there(parent):
        return False
    return importlib.util.find_spec(module) is not None
