"""TensorFlow's Python API in pure Python on XLA: `import penstock as tf`.

The names of `tf` are loaded together when the first of them is asked for. So a program that
only wants one room, such as the client of a server, does not wait for the tensor machine.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from penstock.core.collection import uncollected as _uncollected

if TYPE_CHECKING:
    from penstock.api.root import *

__version__ = "0.1.0"
newaxis = None

# Rooms that are loaded when they are first named.
_LAZY = {
    "data": "penstock.data",
    "distribute": "penstock.distribute",
    "keras": "penstock.keras",
    "lite": "penstock.lite",
    "lookup": "penstock.api.lookup",
    "queue": "penstock.api.queue",
    "saved_model": "penstock.saved_model",
    "sets": "penstock.api.sets",
    "summary": "penstock.summary",
    "train": "penstock.train",
    "types": "penstock.api.types",
    "version": "penstock.api.version",
    "sysconfig": "penstock.api.sysconfig",
    "test": "penstock.api.test",
    "profiler": "penstock.summary.profiler",
    "autograph": "penstock.api.autograph",
    "graph_util": "penstock.api.graph_util",
    "xla": "penstock.api.xla",
}


# Names right here whose modules are loaded when they are first asked for.
_LATER = {
    **dict.fromkeys(
        (
            "approx_top_k",
            "check_pinned",
            "conv",
            "conv2d_backprop_filter_v2",
            "conv2d_backprop_input_v2",
            "fftnd",
            "ifftnd",
            "irfftnd",
            "ragged_fill_empty_rows",
            "ragged_fill_empty_rows_grad",
            "random_index_shuffle",
            "rfftnd",
        ),
        "penstock.api.generated",
    ),
    "CriticalSection": "penstock.api.critical_section",
    "NoneTensorSpec": "penstock.api.data_structure",
    "RegisterGradient": "penstock.runtime.registered_gradients",
    "TensorArraySpec": "penstock.graph.tensor_array_spec",
    "import_graph_def": "penstock.api.graph_util",
    "load_library": "penstock.api.execution",
    "nondifferentiable_batch_function": "penstock.api.batch_function",
    "load_op_library": "penstock.api.execution",
    "eig": "penstock.api.linalg",
    "eigvals": "penstock.api.linalg",
    "variable_creator_scope": "penstock.runtime.variable_creators",
}

_ROOT = "penstock.api.root"
_OWN = frozenset(
    {"annotations", "importlib", "is_complete"}
)  # of the module itself, not of `tf`


class _Package(ModuleType):
    """This module. Importing the room `penstock.function` must not hide `tf.function`."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "function" and isinstance(value, ModuleType):
            return
        super().__setattr__(name, value)


def _load() -> None:
    """Take over the names of all modules."""
    if _ROOT in _loaded:
        return
    with _uncollected():
        root = importlib.import_module(_ROOT)
    names = globals()
    for name, value in vars(root).items():
        if (not name.startswith("_") and name not in _OWN) or name == "__internal__":
            names[name] = value
    if not hasattr(root, "is_complete"):
        return  # one of the modules asks while they are being loaded
    _loaded.add(_ROOT)
    from penstock.api import ledger  # noqa: PLC0415  (with the rest of the names)

    ledger.explain_all(sys.modules[__name__])
    for name, room in _LAZY.items():
        if name in names and room in sys.modules:
            ledger.explain_absences(sys.modules[room], f"tf.{name}")


_loaded: set[str] = set()


def __getattr__(name: str) -> Any:
    # The import machinery asks for names of its own, which must not load anything.
    if name.startswith("__") and name not in ("__all__", "__internal__"):
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    _load()
    if name in globals():
        return globals()[name]
    if name == "__all__":
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    from penstock.api import ledger  # noqa: PLC0415  (loaded by now)

    module = _LAZY.get(name)
    if module is not None:
        loaded = importlib.import_module(module)
        globals()[name] = loaded
        ledger.explain_absences(loaded, f"tf.{name}")
        return loaded
    module = _LATER.get(name)
    if module is not None:
        value = globals()[name] = getattr(importlib.import_module(module), name)
        return value
    raise AttributeError(ledger.absence("tf", name))


def __dir__() -> list[str]:
    _load()
    return sorted({*globals(), *_LAZY, *_LATER})


def install_as_tensorflow() -> None:
    """Answer `import tensorflow` with penstock, so that Keras and others run on it unmodified.

    Raises:
        RuntimeError: TensorFlow itself was imported already.
    """
    importlib.import_module("penstock.shim").install()


sys.modules[__name__].__class__ = _Package
