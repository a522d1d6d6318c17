"""`tf.experimental`: names that TensorFlow keeps there."""

from __future__ import annotations

import importlib
from typing import Any

_LAZY = {
    "Optional": ("penstock.api.data_optional", "Optional"),
    "numpy": ("penstock.api.numpy", None),
    "dtensor": ("penstock.distribute.dtensor", None),
}


def __getattr__(name: str) -> Any:
    place = _LAZY.get(name)
    if place is None:
        raise AttributeError(f"module 'penstock.experimental' has no attribute {name!r}")
    module = importlib.import_module(place[0])
    value = module if place[1] is None else getattr(module, place[1])
    globals()[name] = value
    return value
