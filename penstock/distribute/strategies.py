"""The strategies that users choose from."""

# ruff: noqa: ARG002  (the parameters are TensorFlow's)

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from penstock.core.device_name import DeviceSpec
from penstock.core.errors import UnimplementedError
from penstock.distribute.extended import StrategyExtended
from penstock.distribute.options import CommunicationImplementation
from penstock.distribute.replicated import ReplicatedStrategy
from penstock.distribute.strategy import Strategy
from penstock.runtime.devices import device_for, devices_of_kind


def _full_name(device: str) -> str:
    """A device name as TensorFlow writes it in full, checked against this machine."""
    given = DeviceSpec.from_string(device if "/" in device else f"/device:{device}")
    found = given.replace(
        job=given.job or "localhost",
        replica=given.replica or 0,
        task=given.task or 0,
        device_type=(given.device_type or "CPU").upper(),
        device_index=given.device_index or 0,
    )
    name = found.to_string()
    # The cores of the machine are one CPU, whatever number is written behind it.
    device_for(found.replace(device_index=0).to_string() if "CPU" in name else name)
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
    """Copies of the variables on several devices of one machine.

    Several replicas can be made on the CPU, where they take turns: each has its part of a
    batch and its copies of the variables, and gradients are put together. On GPUs one replica
    is implemented.

    Args:
        devices: names of the devices; None takes the GPU, or the CPU.
        cross_device_ops: accepted for compatibility: what replicas exchange is in one memory.

    Raises:
        UnimplementedError: there is more than one GPU.
    """

    def __new__(cls, devices: Sequence[str] | None = None, cross_device_ops: Any = None) -> Any:
        """Make the strategy of one replica, or that of several."""
        del cross_device_ops
        several = cls is MirroredStrategy and len(_names(devices)) > 1
        return super().__new__(_MirroredReplicas if several else cls)

    def __init__(
        self, devices: Sequence[str] | None = None, cross_device_ops: Any = None
    ) -> None:
        del cross_device_ops
        super().__init__(StrategyExtended(self, _full_name(_names(devices)[0])))


class _MirroredReplicas(ReplicatedStrategy, MirroredStrategy):
    """A mirrored strategy of several replicas."""

    def __init__(self, devices: Sequence[str] | None = None, *_: Any, **__: Any) -> None:
        names = _names(devices)
        if any("cpu" not in name.lower() for name in names):
            raise UnimplementedError(
                "tf.distribute.MirroredStrategy is implemented for one GPU, or for several "
                f"replicas on the CPU, got {', '.join(names)}"
            )
        full = [_full_name(name) for name in names]
        if len(set(full)) < len(full):
            raise ValueError(f"devices must be different, got {', '.join(names)}")
        super().__init__(full)


_MirroredReplicas.__name__ = _MirroredReplicas.__qualname__ = "MirroredStrategy"


def _names(devices: Sequence[str] | None) -> list[str]:
    if devices is None:
        count = len(devices_of_kind("GPU"))
        return [f"GPU:{i}" for i in range(count)] or ["CPU:0"]
    names = [devices] if isinstance(devices, str) else list(devices)
    if not names:
        raise ValueError("devices must name at least one device, got none")
    return names


def _unavailable(strategy: Strategy) -> NoReturn:
    raise UnimplementedError(f"tf.distribute.{type(strategy).__name__} is not implemented")


class TPUStrategy(Strategy):
    """Replicas on the cores of TPUs: not implemented; it can be named and tested for.

    Args:
        tpu_cluster_resolver: accepted for compatibility.
        experimental_device_assignment: accepted for compatibility.
        experimental_spmd_xla_partitioning: accepted for compatibility.

    Raises:
        UnimplementedError: always.
    """

    def __init__(
        self,
        tpu_cluster_resolver: Any = None,
        experimental_device_assignment: Any = None,
        experimental_spmd_xla_partitioning: bool = False,
    ) -> None:
        _unavailable(self)

    def experimental_assign_to_logical_device(self, tensor: Any, logical_device_id: int) -> Any:
        """Place a tensor on a core.

        Raises:
            UnimplementedError: always.
        """
        _unavailable(self)

    def experimental_split_to_logical_devices(
        self, tensor: Any, partition_dimensions: Sequence[int]
    ) -> Any:
        """Cut a tensor for several cores.

        Raises:
            UnimplementedError: always.
        """
        _unavailable(self)

    def experimental_replicate_to_logical_devices(self, tensor: Any) -> Any:
        """Copy a tensor to several cores.

        Raises:
            UnimplementedError: always.
        """
        _unavailable(self)


class MultiWorkerMirroredStrategy(Strategy):
    """Copies of the variables on several machines: not implemented.

    Args:
        cluster_resolver: accepted for compatibility.
        communication_options: accepted for compatibility.

    Raises:
        UnimplementedError: always.
    """

    def __init__(self, cluster_resolver: Any = None, communication_options: Any = None) -> None:
        _unavailable(self)


class ParameterServerStrategy(Strategy):
    """Variables on servers, replicas on workers: not implemented.

    Args:
        cluster_resolver: accepted for compatibility.
        variable_partitioner: accepted for compatibility.

    Raises:
        UnimplementedError: always.
    """

    def __init__(self, cluster_resolver: Any, variable_partitioner: Any = None) -> None:
        _unavailable(self)


class CentralStorageStrategy(Strategy):
    """Variables on the CPU, replicas on GPUs: not implemented.

    Args:
        compute_devices: accepted for compatibility.
        parameter_device: accepted for compatibility.

    Raises:
        UnimplementedError: always.
    """

    def __init__(self, compute_devices: Any = None, parameter_device: Any = None) -> None:
        _unavailable(self)


class OldTPUStrategy(TPUStrategy):
    """`TPUStrategy` by its older parameters: not implemented.

    Args:
        tpu_cluster_resolver: accepted for compatibility.
        device_assignment: accepted for compatibility.

    Raises:
        UnimplementedError: always.
    """

    def __init__(self, tpu_cluster_resolver: Any = None, device_assignment: Any = None) -> None:
        _unavailable(self)


class OldMultiWorkerMirroredStrategy(MultiWorkerMirroredStrategy):
    """`MultiWorkerMirroredStrategy` by its older parameters: not implemented.

    Args:
        communication: accepted for compatibility.
        cluster_resolver: accepted for compatibility.

    Raises:
        UnimplementedError: always.
    """

    def __init__(
        self,
        communication: CommunicationImplementation = CommunicationImplementation.AUTO,
        cluster_resolver: Any = None,
    ) -> None:
        _unavailable(self)


for _old, _name in (
    (OldTPUStrategy, "TPUStrategy"),
    (OldMultiWorkerMirroredStrategy, "MultiWorkerMirroredStrategy"),
):
    # TensorFlow has two classes of one name.
    _old.__name__ = _old.__qualname__ = _name
