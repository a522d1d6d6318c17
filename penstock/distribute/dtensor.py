"""`tf.experimental.dtensor`: its names answer that they are not implemented."""

from __future__ import annotations

from typing import Any

from penstock.core.errors import MissingNameError


def __getattr__(name: str) -> Any:
    raise MissingNameError(
        f"tf.experimental.dtensor.{name} is not implemented; use tf.distribute on one device"
    )
