"""The strategies that users choose from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.core.device_name import DeviceSpec
from penstock.core.errors import UnimplementedError
from penstock.distribute.extended import StrategyExtended
from penstock.distribute.strategy import Strategy
from penstock.runtime.devices import device_for, devices_of_kind


def _full_name(device: str) -> str:
    """A device name as TensorFlow writes it in full, checked against this machine."""
    given = DeviceSpec.from_string(device if "/" in device else f"/device:{device}")
    found = given.replace(
        job=given.job or "localhost",
        replica=given.replica or 0,
        task=given.task or 0,
        device_index=given.device_index or 0,
    )
    name = found.to_string()
    device_for(name)
    return name


class OneDeviceStrategy(Strategy):
    """Everything on one device.

    Args:
        device: name of the device.

    Raises:
        InvalidArgumentError: this machine has no such device.
    """

    def __init__(self, device: str) -> None:
        super().__init__(StrategyExtended(self, _full_name(device)))


class MirroredStrategy(Strategy):
    """Copies of the variables on several devices of one machine; here on one device.

    Args:
        devices: names of the devices; None takes all GPUs, or the CPU.
        cross_device_ops: accepted for compatibility; with one device nothing is exchanged.

    Raises:
        UnimplementedError: there is more than one device.
    """

    def __init__(
        self, devices: Sequence[str] | None = None, cross_device_ops: Any = None
    ) -> None:
        del cross_device_ops
        if devices is None:
            count = len(devices_of_kind("GPU"))
            names = [f"GPU:{i}" for i in range(count)] or ["CPU:0"]
        else:
            names = [devices] if isinstance(devices, str) else list(devices)
        if not names:
            raise ValueError("devices must name at least one device, got none")
        if len(names) > 1:
            raise UnimplementedError(
                "tf.distribute.MirroredStrategy is implemented for one device, got "
                f"{len(names)}: {', '.join(names)}"
            )
        super().__init__(StrategyExtended(self, _full_name(names[0])))


class _UnavailableStrategy(Strategy):
    """A strategy that can be named and tested for, and not made."""

    def __init__(self, *_: Any, **__: Any) -> None:
        raise UnimplementedError(f"tf.distribute.{type(self).__name__} is not implemented")


class TPUStrategy(_UnavailableStrategy):
    """Replicas on the cores of TPUs."""


class MultiWorkerMirroredStrategy(_UnavailableStrategy):
    """Copies of the variables on several machines."""


class ParameterServerStrategy(_UnavailableStrategy):
    """Variables on servers, replicas on workers."""


class CentralStorageStrategy(_UnavailableStrategy):
    """Variables on the CPU, replicas on GPUs."""
