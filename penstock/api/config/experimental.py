"""`tf.config.experimental`: devices, their memory, and how work is given to them."""

from __future__ import annotations

import re
from typing import Any, Final

from penstock.api.config.devices import (
    LogicalDeviceConfiguration as VirtualDeviceConfiguration,
)
from penstock.api.config.devices import (
    PhysicalDevice,
    enable_op_determinism,
    get_logical_device_configuration,
    get_visible_devices,
    list_logical_devices,
    list_physical_devices,
    set_logical_device_configuration,
    set_visible_devices,
)
from penstock.core.errors import UnimplementedError
from penstock.runtime.devices import details_of, memory_of, use_tensor_float_32

__all__ = [
    "ClusterDeviceFilters",
    "VirtualDeviceConfiguration",
    "disable_mlir_bridge",
    "enable_mlir_bridge",
    "enable_op_determinism",
    "enable_tensor_float_32_execution",
    "get_device_details",
    "get_device_policy",
    "get_memory_growth",
    "get_memory_info",
    "get_memory_usage",
    "get_synchronous_execution",
    "get_virtual_device_configuration",
    "get_visible_devices",
    "list_logical_devices",
    "list_physical_devices",
    "reset_memory_stats",
    "set_device_policy",
    "set_memory_growth",
    "set_synchronous_execution",
    "set_virtual_device_configuration",
    "set_visible_devices",
    "tensor_float_32_execution_enabled",
]

_POLICIES: Final = ("silent", "silent_for_int32", "warn", "explicit")


class _Settings:
    """What was set in this process."""

    policy = "silent"
    synchronous = True
    tensor_float_32 = True


class ClusterDeviceFilters:
    """Which devices of a cluster the tasks of its jobs may see."""

    def __init__(self) -> None:
        self._filters: dict[str, dict[int, list[str]]] = {}

    def set_device_filters(
        self, job_name: str, task_index: int, device_filters: list[str]
    ) -> None:
        """Name the devices that a task may see.

        Args:
            job_name: job of the task.
            task_index: its number in the job.
            device_filters: prefixes of names of devices.

        Raises:
            TypeError: a filter is no text.
        """
        if not all(isinstance(each, str) for each in device_filters):
            raise TypeError(
                f"Expected all device filters to be strings, got {device_filters!r}"
            )
        self._filters.setdefault(job_name, {})[task_index] = list(device_filters)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ClusterDeviceFilters) and self._filters == other._filters

    def __hash__(self) -> int:
        return id(self)


_DEVICE: Final = re.compile(r"^(?:.*/)?(?:device:)?(?P<kind>[A-Za-z]+):(?P<index>\d+)$")


def _parsed(device: str) -> tuple[str, int]:
    match = _DEVICE.match(device)
    if match is None:
        raise ValueError(
            f"Failed parsing device name: '{device}'. Note a valid device string should at "
            'least contain a device type and a device index, like "GPU:0".'
        )
    return match["kind"].upper(), int(match["index"])


def get_memory_info(device: str) -> dict[str, int]:
    """Return the bytes in use on a device, `current` and `peak`; zeros for the CPU.

    Raises:
        ValueError: there is no such device.
    """
    return memory_of(*_parsed(device))


def get_memory_usage(device: str) -> int:
    """Return the bytes in use on a device."""
    return get_memory_info(device)["current"]


def reset_memory_stats(device: str) -> None:
    """Start counting the peak of a device's memory afresh.

    Raises:
        UnimplementedError: XLA counts it, and cannot start afresh.
        ValueError: there is no such device.
    """
    if memory_of(*_parsed(device))["peak"]:
        raise UnimplementedError(
            f"tf.config.experimental.reset_memory_stats: XLA keeps the peak of {device}"
        )


def get_device_details(device: Any) -> dict[str, Any]:
    """Return what is known of a device: for GPUs `device_name` and `compute_capability`.

    Raises:
        ValueError: it is no device of this machine.
    """
    if not isinstance(device, PhysicalDevice):
        raise ValueError(  # noqa: TRY004  (TensorFlow's class)
            f"device must be a tf.config.PhysicalDevice, but got: {device}"
        )
    return details_of(device.device_type, int(device.name.rpartition(":")[2]))


def get_device_policy() -> str:
    """Return what happens when an op finds an input on another device."""
    return _Settings.policy


def set_device_policy(device_policy: str | None) -> None:
    """Say what is to happen when an op finds an input on another device.

    XLA always moves it; the policy is kept, and told by `get_device_policy`.

    Raises:
        ValueError: it is none of TensorFlow's policies.
    """
    if device_policy is not None and device_policy not in _POLICIES:
        raise ValueError(
            f"Invalid argument `device_policy`: {device_policy!r}; it must be one of "
            f"{_POLICIES} or None"
        )
    _Settings.policy = device_policy or "silent"


def get_synchronous_execution() -> bool:
    """Whether ops were asked to be done when their call returns."""
    return _Settings.synchronous


def set_synchronous_execution(enable: bool | None) -> None:
    """Ask for ops to be done when their call returns; results are waited for when read.

    Args:
        enable: None for the default, which is to wait.
    """
    _Settings.synchronous = True if enable is None else bool(enable)


def get_virtual_device_configuration(device: Any) -> Any:
    """Do what `tf.config.get_logical_device_configuration` does."""
    return get_logical_device_configuration(device)


def set_virtual_device_configuration(device: Any, logical_devices: Any) -> None:
    """Do what `tf.config.set_logical_device_configuration` does."""
    set_logical_device_configuration(device, logical_devices)


def get_memory_growth(device: Any) -> bool:
    """Whether memory is taken as it is needed."""
    del device
    return True


def set_memory_growth(device: Any, enable: bool) -> None:
    """XLA manages device memory; there is nothing to set."""


def tensor_float_32_execution_enabled() -> bool:
    """Whether products of float32 matrices may be less precise where that is quicker."""
    return _Settings.tensor_float_32


def enable_tensor_float_32_execution(enabled: bool) -> None:
    """Let products of float32 matrices be less precise on devices that are quicker so.

    Args:
        enabled: False asks for all bits.
    """
    _Settings.tensor_float_32 = bool(enabled)
    use_tensor_float_32(_Settings.tensor_float_32)


def enable_mlir_bridge() -> None:
    """Accepted for compatibility: graphs come to XLA as StableHLO, always."""


def disable_mlir_bridge() -> None:
    """Accepted for compatibility: graphs come to XLA as StableHLO, always."""
