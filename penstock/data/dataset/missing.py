"""Methods of `Dataset` that are not implemented, so that they say so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.core.errors import UnimplementedError
from penstock.data.dataset.base import DatasetV2


def _refuse(name: str) -> Callable[..., Any]:
    def refuse(*_: Any, **__: Any) -> Any:
        raise UnimplementedError(f"tf.data.Dataset.{name} is not implemented")

    refuse.__name__ = name
    refuse.__doc__ = "Raise UnimplementedError."
    return refuse


for _name in ("snapshot", "fingerprint"):
    setattr(DatasetV2, _name, _refuse(_name))
