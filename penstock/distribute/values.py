"""Values of which every replica has its own, and how they are put together."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any

from penstock.core.composite_tensor import CompositeTensor
from penstock.core.errors import UnimplementedError


class ReduceOp(enum.Enum):
    """How values of several replicas become one."""

    SUM = "SUM"
    MEAN = "MEAN"

    @staticmethod
    def from_value(value: Any) -> ReduceOp:
        """Return the member for a member or its name.

        Raises:
            ValueError: there is none of that name.
        """
        if isinstance(value, ReduceOp):
            return value
        try:
            return ReduceOp(str(value).upper())
        except ValueError:
            raise ValueError(f"a reduce op must be SUM or MEAN, got {value!r}") from None


class DistributedValues:
    """A value for each replica."""

    def __init__(self, values: Sequence[Any]) -> None:
        self._values = tuple(values)

    @property
    def values(self) -> tuple[Any, ...]:
        """The values, in the order of the replicas."""
        return self._values

    def __repr__(self) -> str:
        return f"{type(self).__name__}:{dict(enumerate(self._values))}"


class PerReplica(DistributedValues, CompositeTensor):
    """Independent values of the replicas."""

    @property
    def _type_spec(self) -> Any:
        raise UnimplementedError("specs of tf.distribute.PerReplica are not implemented")


class Mirrored(DistributedValues):
    """Values that are kept equal on all replicas."""


class DistributedDataset:
    """A dataset that gives each replica its part of a batch.

    With one replica a dataset serves as it is, so that this class is only met in type checks.
    """

    def __init__(self, *_: Any, **__: Any) -> None:
        raise UnimplementedError(
            "tf.distribute.DistributedDataset belongs to strategies of several replicas, which "
            "are not implemented"
        )


class DistributedDatasetsFromFunction(DistributedDataset):
    """A dataset that a function makes for each worker."""


class DistributedIterator:
    """An iterator over the elements of a distributed dataset."""

    def __init__(self, *_: Any, **__: Any) -> None:
        raise UnimplementedError(
            "tf.distribute.DistributedIterator belongs to strategies of several replicas, "
            "which are not implemented"
        )

    def __iter__(self) -> Any:
        return self


class InputContext:
    """Which part of a distributed input pipeline is being built.

    Args:
        num_input_pipelines: number of pipelines.
        input_pipeline_id: number of this one.
        num_replicas_in_sync: number of replicas.
    """

    def __init__(
        self,
        num_input_pipelines: int = 1,
        input_pipeline_id: int = 0,
        num_replicas_in_sync: int = 1,
    ) -> None:
        self.num_input_pipelines = num_input_pipelines
        self.input_pipeline_id = input_pipeline_id
        self.num_replicas_in_sync = num_replicas_in_sync

    def get_per_replica_batch_size(self, global_batch_size: int) -> int:
        """Return the part of the batch that one replica gets.

        Raises:
            ValueError: the batch cannot be divided evenly.
        """
        if global_batch_size % self.num_replicas_in_sync:
            raise ValueError(
                "the global batch size must be a multiple of the number of replicas, "
                f"{self.num_replicas_in_sync}, got {global_batch_size}"
            )
        return global_batch_size // self.num_replicas_in_sync


class ValueContext:
    """Which replica a value is made for."""

    def __init__(
        self, replica_id_in_sync_group: int = 0, num_replicas_in_sync: int = 1
    ) -> None:
        self.replica_id_in_sync_group = replica_id_in_sync_group
        self.num_replicas_in_sync = num_replicas_in_sync
