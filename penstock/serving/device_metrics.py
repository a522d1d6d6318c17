"""Memory of accelerators, looked up when somebody asks for the metrics."""

from collections.abc import Callable, Sequence
from typing import Any

from penstock.core import metrics
from penstock.monitor import exposition
from penstock.runtime.devices import devices_of_kind

_KINDS = ("GPU", "TPU")
_NUMBERS = {"in_use": "bytes_in_use", "peak": "peak_bytes_in_use", "limit": "bytes_limit"}


def observe(find: Callable[[str], Sequence[Any]] = devices_of_kind) -> None:
    """Bring the metrics of accelerators up to date; a machine without one has none.

    Args:
        find: gives the devices of a kind.
    """
    for kind in _KINDS:
        for number, device in enumerate(find(kind)):
            counted = device.memory_stats() or {}
            for name, key in _NUMBERS.items():
                if key in counted:
                    cell = metrics.DEVICE_MEMORY.labels(f"{kind}:{number}", name)
                    cell.set(int(counted[key]))


def watch() -> None:
    """Have the metrics tell of accelerators from now on."""
    exposition.before_encoding(observe)
