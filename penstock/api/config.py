"""`tf.config`: devices, threads, function modes and determinism."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, ClassVar, NamedTuple

from penstock.function.polymorphic import functions_run_eagerly as functions_run_eagerly
from penstock.function.polymorphic import run_functions_eagerly as run_functions_eagerly
from penstock.runtime.devices import devices_of_kind


class PhysicalDevice(NamedTuple):
    """A device of this machine."""

    name: str
    device_type: str


class LogicalDevice(NamedTuple):
    """A device as programs name it."""

    name: str
    device_type: str


_KINDS = ("CPU", "GPU", "TPU")


class _Settings:
    """Process-wide settings."""

    deterministic = False
    soft_placement = True
    intra_threads = 0
    inter_threads = 0
    visible: ClassVar[dict[str, list[Any]]] = {}
    jit: Any = None


_settings = _Settings()


def list_physical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """Devices of this machine, of one kind or of all."""
    kinds = _KINDS if device_type is None else (device_type.upper(),)
    return [
        PhysicalDevice(f"/physical_device:{kind}:{i}", kind)
        for kind in kinds
        for i in range(len(devices_of_kind(kind)))
    ]


def list_logical_devices(device_type: str | None = None) -> list[LogicalDevice]:
    """Devices that programs can name, of one kind or of all."""
    kinds = _KINDS if device_type is None else (device_type.upper(),)
    return [
        LogicalDevice(f"/device:{kind}:{i}", kind)
        for kind in kinds
        for i in range(len(devices_of_kind(kind)))
    ]


def get_visible_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """Devices that the process uses."""
    if device_type in _settings.visible:
        return list(_settings.visible[device_type])
    return list_physical_devices(device_type)


def set_visible_devices(devices: Any, device_type: str | None = None) -> None:
    """Choose the devices that the process uses."""
    chosen = (
        list(devices)
        if isinstance(devices, Sequence) and not isinstance(devices, tuple)
        else [devices]
    )
    _settings.visible[device_type or "CPU"] = chosen


def set_soft_device_placement(enabled: bool) -> None:
    """Whether an op that a device lacks runs on another."""
    _settings.soft_placement = bool(enabled)


def get_soft_device_placement() -> bool:
    """Whether an op that a device lacks runs on another."""
    return _settings.soft_placement


def _set_intra(num_threads: int) -> None:
    _settings.intra_threads = int(num_threads)


def _set_inter(num_threads: int) -> None:
    _settings.inter_threads = int(num_threads)


threading = SimpleNamespace(
    get_intra_op_parallelism_threads=lambda: _settings.intra_threads,
    set_intra_op_parallelism_threads=_set_intra,
    get_inter_op_parallelism_threads=lambda: _settings.inter_threads,
    set_inter_op_parallelism_threads=_set_inter,
)


def enable_op_determinism() -> None:
    """Ask for results that are the same in every run; XLA's CPU code always is."""
    _settings.deterministic = True


def disable_op_determinism() -> None:
    """Take `enable_op_determinism` back."""
    _settings.deterministic = False


def is_op_determinism_enabled() -> bool:
    """Whether determinism was asked for."""
    return _settings.deterministic


def _get_memory_growth(device: Any) -> bool:
    return True


def _set_memory_growth(device: Any, enable: bool) -> None:
    """XLA manages device memory; there is nothing to set."""


experimental = SimpleNamespace(
    enable_op_determinism=enable_op_determinism,
    get_memory_growth=_get_memory_growth,
    set_memory_growth=_set_memory_growth,
    list_physical_devices=list_physical_devices,
    list_logical_devices=list_logical_devices,
    get_visible_devices=get_visible_devices,
    set_visible_devices=set_visible_devices,
)


def set_jit(enabled: Any) -> None:
    """Accepted for compatibility: everything that can be compiled is."""
    _settings.jit = enabled


optimizer = SimpleNamespace(
    set_jit=set_jit,
    get_jit=lambda: _settings.jit or "",
    set_experimental_options=lambda _: None,
)
