"""Options of strategies: of input, of runs, and of what replicas tell each other."""

from __future__ import annotations

import enum
from typing import Any, NamedTuple


class InputReplicationMode(enum.Enum):
    """How many input pipelines there are."""

    PER_WORKER = "PER_WORKER"
    PER_REPLICA = "PER_REPLICA"


class InputOptions(
    NamedTuple(
        "InputOptions",
        [
            ("experimental_fetch_to_device", Any),
            ("experimental_replication_mode", Any),
            ("experimental_place_dataset_on_device", Any),
            ("experimental_per_replica_buffer_size", Any),
        ],
    )
):
    """How a dataset is distributed.

    Args:
        experimental_fetch_to_device: whether elements are brought to the devices; None means
            True.
        experimental_replication_mode: number of pipelines.
        experimental_place_dataset_on_device: whether the dataset itself is on a device.
        experimental_per_replica_buffer_size: elements that wait on a device.

    Source: `tf.distribute.InputOptions`.
    """

    __slots__ = ()

    def __new__(
        cls,
        experimental_fetch_to_device: bool | None = None,
        experimental_replication_mode: InputReplicationMode = InputReplicationMode.PER_WORKER,
        experimental_place_dataset_on_device: bool = False,
        experimental_per_replica_buffer_size: int = 1,
    ) -> InputOptions:
        """Make the options."""
        return super().__new__(
            cls,
            True if experimental_fetch_to_device is None else experimental_fetch_to_device,
            experimental_replication_mode,
            experimental_place_dataset_on_device,
            experimental_per_replica_buffer_size,
        )


class RunOptions(NamedTuple):
    """How `Strategy.run` runs a function.

    Args:
        experimental_enable_dynamic_batch_size: whether batches may differ in size.
        experimental_bucketizing_dynamic_shape: whether sizes are rounded up.
        experimental_xla_options: options of the compiler.

    Source: `tf.distribute.RunOptions`.
    """

    experimental_enable_dynamic_batch_size: Any = True
    experimental_bucketizing_dynamic_shape: Any = False
    experimental_xla_options: Any = None


class CommunicationImplementation(enum.Enum):
    """How workers exchange values."""

    AUTO = "AUTO"
    RING = "RING"
    NCCL = "NCCL"


CollectiveCommunication = CommunicationImplementation


class CommunicationOptions:
    """How values are exchanged when they are put together.

    Args:
        bytes_per_pack: size of the packs that tensors are joined to; 0 leaves it open.
        timeout_seconds: longest wait; None for any.
        implementation: how workers exchange values.

    Raises:
        ValueError: a size is negative.

    Source: `tf.distribute.experimental.CommunicationOptions`.
    """

    def __init__(
        self,
        bytes_per_pack: int = 0,
        timeout_seconds: float | None = None,
        implementation: CommunicationImplementation = CommunicationImplementation.AUTO,
    ) -> None:
        if bytes_per_pack < 0:
            raise ValueError(
                f"Argument `bytes_per_pack` must be >=0, Received {bytes_per_pack}."
            )
        self.bytes_per_pack = bytes_per_pack
        self.timeout_seconds = timeout_seconds
        self.implementation = CommunicationImplementation(implementation)

    def merge(self, options: CommunicationOptions | None) -> CommunicationOptions:
        """Return these options with what others set in their place."""
        merged = CommunicationOptions(
            self.bytes_per_pack, self.timeout_seconds, self.implementation
        )
        if options is not None:
            if options.bytes_per_pack:
                merged.bytes_per_pack = options.bytes_per_pack
            if options.timeout_seconds is not None:
                merged.timeout_seconds = options.timeout_seconds
            if options.implementation is not CommunicationImplementation.AUTO:
                merged.implementation = options.implementation
        return merged


class CollectiveHints(CommunicationOptions):
    """`CommunicationOptions` by their older name.

    Args:
        bytes_per_pack: size of the packs that tensors are joined to; 0 leaves it open.
        timeout_seconds: longest wait; None for any.
    """

    def __init__(self, bytes_per_pack: int = 0, timeout_seconds: float | None = None) -> None:
        super().__init__(bytes_per_pack, timeout_seconds)
