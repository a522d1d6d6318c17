"""`tf.keras`: Keras from its own package, running on penstock.

Loading this room answers `import tensorflow` with penstock and chooses Keras' TensorFlow
backend. The classes and functions are those of `import keras`.
"""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType
from typing import Any

from penstock.shim import install


def _load() -> ModuleType:
    """Import Keras on penstock and return the namespace that TensorFlow shows as `tf.keras`.

    Raises:
        RuntimeError: Keras runs on another backend already, or on TensorFlow itself.
    """
    present = sys.modules.get("keras")
    if present is not None:
        backend = present.config.backend()
        if backend != "tensorflow":
            raise RuntimeError(
                "penstock.keras needs Keras on its tensorflow backend, and keras was imported "
                f"with {backend!r}; import penstock.keras first, or set KERAS_BACKEND"
            )
    install()
    os.environ["KERAS_BACKEND"] = "tensorflow"
    return importlib.import_module("keras._tf_keras.keras")


_namespace = _load()
# `import penstock.keras.layers` finds the file that Keras has for it.
__path__ = [*__path__, *_namespace.__path__]


def __getattr__(name: str) -> Any:
    return getattr(_namespace, name)


def __dir__() -> list[str]:
    return sorted(name for name in dir(_namespace) if not name.startswith("_"))
