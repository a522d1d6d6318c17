"""Values of which every replica has its own, and how they are put together."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any

from penstock.core.composite_tensor import CompositeTensor
from penstock.core.type_spec import TypeSpec, type_spec_from_value


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
        lines = ",\n".join(f"  {i}: {value!r}" for i, value in enumerate(self._values))
        return f"{type(self).__name__}:{{\n{lines}\n}}"


class PerReplica(DistributedValues, CompositeTensor):
    """Independent values of the replicas."""

    @property
    def _type_spec(self) -> PerReplicaSpec:
        return PerReplicaSpec(*(type_spec_from_value(value) for value in self._values))


class PerReplicaSpec(TypeSpec):
    """Specs of the values of the replicas.

    Args:
        *value_specs: the spec of each replica's value.
    """

    __slots__ = ("_value_specs",)

    def __init__(self, *value_specs: Any) -> None:
        self._value_specs = tuple(value_specs)

    @property
    def value_type(self) -> type:
        """The class that this describes."""
        return PerReplica

    def _serialize(self) -> tuple[Any, ...]:
        return self._value_specs

    @property
    def _component_specs(self) -> Any:
        return self._value_specs

    def _to_components(self, value: Any) -> Any:
        return value.values

    def _from_components(self, components: Any) -> Any:
        return PerReplica(components)


class Mirrored(DistributedValues):
    """Values that are kept equal on all replicas."""


def regroup(values: Sequence[Any]) -> Any:
    """The values of all replicas as one: a nest whose leaves are `PerReplica`.

    What is one and the same object for all of them stays itself.
    """
    first = values[0]
    if all(value is first for value in values[1:]):
        return first
    if type(first) in (list, tuple) and _alike(values):
        return type(first)(regroup(items) for items in zip(*values, strict=True))
    if isinstance(first, tuple) and hasattr(first, "_fields") and _alike(values):
        return type(first)(*(regroup(items) for items in zip(*values, strict=True)))
    if isinstance(first, dict) and all(value.keys() == first.keys() for value in values):
        return type(first)((key, regroup([value[key] for value in values])) for key in first)
    containers = [getattr(value, "_distributed_container", None) for value in values]
    if all(containers):
        found = [container() for container in containers if container is not None]
        if found[0] is not None and all(each is found[0] for each in found):
            return found[0]
    return PerReplica(values)


def _alike(values: Sequence[Any]) -> bool:
    first = values[0]
    return all(type(value) is type(first) and len(value) == len(first) for value in values)


def select(replica: int, value: Any) -> Any:
    """What one replica has of a nest that may hold values of all replicas."""
    if isinstance(value, (PerReplica, Mirrored)):
        return value.values[replica]
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(select(replica, item) for item in value))
    if isinstance(value, (list, tuple)):
        return type(value)(select(replica, item) for item in value)
    if isinstance(value, dict):
        return type(value)((key, select(replica, item)) for key, item in value.items())
    return value


class InputContext:
    """Which part of a distributed input pipeline is being built.

    Args:
        num_input_pipelines: number of pipelines.
        input_pipeline_id: number of this one.
        num_replicas_in_sync: number of replicas.
    """

    num_input_pipelines: int
    input_pipeline_id: int
    num_replicas_in_sync: int

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

    replica_id_in_sync_group: int
    num_replicas_in_sync: int

    def __init__(
        self, replica_id_in_sync_group: int = 0, num_replicas_in_sync: int = 1
    ) -> None:
        self.replica_id_in_sync_group = replica_id_in_sync_group
        self.num_replicas_in_sync = num_replicas_in_sync
