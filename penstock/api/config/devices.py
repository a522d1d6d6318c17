"""Devices of the machine and of programs, function modes and determinism."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

from penstock.core.errors import UnimplementedError
from penstock.function.polymorphic import functions_run_eagerly as functions_run_eagerly
from penstock.function.polymorphic import run_functions_eagerly as run_functions_eagerly
from penstock.runtime.devices import count_of_kind, devices_of_kind, split_cpu


class PhysicalDevice(NamedTuple):
    """A device of this machine."""

    name: str
    device_type: str


class LogicalDevice(NamedTuple):
    """A device as programs name it."""

    name: str
    device_type: str


class LogicalDeviceConfiguration(NamedTuple):
    """What a device of a program gets of a device of the machine.

    Args:
        memory_limit: megabytes of memory; None for no limit.
        experimental_priority: priority of its work.
        experimental_device_ordinal: its number among those of one priority.
    """

    memory_limit: Any = None
    experimental_priority: Any = None
    experimental_device_ordinal: Any = None


_KINDS = ("CPU", "GPU", "TPU")


class _Settings:
    """Process-wide settings."""

    deterministic = False
    soft_placement = True
    visible: ClassVar[dict[str, list[Any]]] = {}
    logical: ClassVar[dict[Any, Any]] = {}


_settings = _Settings()


def list_physical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """Devices of this machine, of one kind or of all."""
    kinds = _KINDS if device_type is None else (device_type.upper(),)
    return [
        PhysicalDevice(f"/physical_device:{kind}:{i}", kind)
        for kind in kinds
        # The CPU is one, however many devices programs make of it. Asking XLA would settle
        # their number.
        for i in range(1 if kind == "CPU" else len(devices_of_kind(kind)))
    ]


def list_logical_devices(device_type: str | None = None) -> list[LogicalDevice]:
    """Devices that programs can name, of one kind or of all."""
    kinds = _KINDS if device_type is None else (device_type.upper(),)
    return [
        LogicalDevice(f"/device:{kind}:{i}", kind)
        for kind in kinds
        for i in range(count_of_kind(kind))
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


def set_logical_device_configuration(device: PhysicalDevice, logical_devices: Any) -> None:
    """Make several devices of one, or limit what a device gets.

    Args:
        device: a device of this machine.
        logical_devices: a `LogicalDeviceConfiguration` for each device to be made; None for
            the device as it is.

    Raises:
        RuntimeError: devices have been used already.
        UnimplementedError: a GPU is to be split, or memory to be limited.
    """
    _checked(device)
    wanted = None if logical_devices is None else list(logical_devices)
    if any(each.memory_limit is not None for each in wanted or ()):
        raise UnimplementedError(
            "memory_limit of tf.config.LogicalDeviceConfiguration: XLA takes its share of "
            "memory by the variable XLA_PYTHON_CLIENT_MEM_FRACTION"
        )
    if device.device_type != "CPU":
        if wanted is not None and len(wanted) > 1:
            raise UnimplementedError(
                f"XLA cannot make {len(wanted)} devices of {device.name}; only the CPU can be "
                "split"
            )
    else:
        split_cpu(len(wanted or [None]))
    _settings.logical[device] = wanted


def get_logical_device_configuration(
    device: PhysicalDevice,
) -> list[LogicalDeviceConfiguration] | None:
    """Return what `set_logical_device_configuration` was given for a device, or None."""
    return _settings.logical.get(_checked(device))


def _checked(device: Any) -> PhysicalDevice:
    if not isinstance(device, PhysicalDevice):
        raise ValueError(  # noqa: TRY004  (TensorFlow's class)
            f"device must be a tf.config.PhysicalDevice, but got: {device}"
        )
    return device


def set_soft_device_placement(enabled: bool) -> None:
    """Whether an op that a device lacks runs on another."""
    _settings.soft_placement = bool(enabled)


def get_soft_device_placement() -> bool:
    """Whether an op that a device lacks runs on another."""
    return _settings.soft_placement


def enable_op_determinism() -> None:
    """Ask for results that are the same in every run; XLA's CPU code always is."""
    _settings.deterministic = True


def disable_op_determinism() -> None:
    """Take `enable_op_determinism` back."""
    _settings.deterministic = False


def is_op_determinism_enabled() -> bool:
    """Whether determinism was asked for."""
    return _settings.deterministic


def experimental_run_functions_eagerly(run_eagerly: bool) -> None:
    """Do what `run_functions_eagerly` does.

    Args:
        run_eagerly: whether the Python code of functions runs on every call.
    """
    run_functions_eagerly(run_eagerly)


def experimental_functions_run_eagerly() -> bool:
    """Whether the Python code of functions runs on every call."""
    return functions_run_eagerly()


def _no_cluster(name: str) -> Any:
    raise UnimplementedError(
        f"tf.config.{name} needs TensorFlow servers on other machines; penstock's processes "
        "find each other through tf.distribute"
    )


def experimental_connect_to_host(remote_host: Any = None, job_name: str = "worker") -> None:
    """Raise `UnimplementedError`: there are no TensorFlow servers to connect to.

    Args:
        remote_host: accepted for compatibility.
        job_name: accepted for compatibility.
    """
    _no_cluster("experimental_connect_to_host")


def experimental_connect_to_cluster(
    cluster_spec_or_resolver: Any,
    job_name: str = "localhost",
    task_index: int = 0,
    protocol: str | None = None,
    make_master_device_default: bool = True,
    cluster_device_filters: Any = None,
) -> None:
    """Raise `UnimplementedError`: there are no TensorFlow servers to connect to.

    Args:
        cluster_spec_or_resolver: accepted for compatibility.
        job_name: accepted for compatibility.
        task_index: accepted for compatibility.
        protocol: accepted for compatibility.
        make_master_device_default: accepted for compatibility.
        cluster_device_filters: accepted for compatibility.
    """
    _no_cluster("experimental_connect_to_cluster")
