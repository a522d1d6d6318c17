"""Keras opens weights through `checked_h5py`, without a change to its files.

Two of its modules hold `h5py`: what they hold is exchanged as soon as they are imported.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any, Final

_CHECKED: Final = "penstock.shim.checked_h5py"


def _check_lazily(module: ModuleType) -> None:
    # A module that is imported when it is first used, by this name.
    module.h5py.name = _CHECKED


def _check_at_once(module: ModuleType) -> None:
    if module.h5py is not None:
        setattr(module, "h5py", importlib.import_module(_CHECKED))  # noqa: B010


AFTER_IMPORT: Final[dict[str, Callable[[ModuleType], None]]] = {
    "keras.src.utils.module_utils": _check_lazily,
    "keras.src.legacy.saving.legacy_h5_format": _check_at_once,
}


def find(fullname: str, path: Sequence[str] | None) -> ModuleSpec | None:
    """The spec of a module of Keras that is changed after its import."""
    spec = PathFinder.find_spec(fullname, path)
    if spec is None or spec.loader is None:
        return None
    loader: Any = spec.loader
    execute, change = loader.exec_module, AFTER_IMPORT[fullname]

    def execute_and_change(module: ModuleType) -> None:
        execute(module)
        if hasattr(module, "h5py"):
            change(module)

    loader.exec_module = execute_and_change
    return spec
