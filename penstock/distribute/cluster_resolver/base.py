"""What tells a process which cluster it belongs to."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from penstock.runtime.devices import devices_of_kind


def make_cluster_spec(jobs: Mapping[str, Any]) -> Any:
    """Make a `tf.train.ClusterSpec`.

    Args:
        jobs: job -> addresses of its tasks, or dict of number to address.
    """
    # The room of training is a neighbour of this one, and is loaded when it is needed.
    return importlib.import_module("penstock.train.cluster_spec").ClusterSpec(jobs)


def is_cluster_spec(value: Any) -> bool:
    """Whether a value is a `tf.train.ClusterSpec`."""
    return type(value).__name__ == "ClusterSpec"


def address_of(cluster_spec: Any, task_type: Any, task_id: Any, rpc_layer: Any) -> str:
    """The address of a task with its protocol in front; empty where no task is named."""
    if task_type is None or task_id is None:
        return ""
    return with_protocol(cluster_spec.task_address(task_type, task_id), rpc_layer)


def with_protocol(address: str, rpc_layer: Any) -> str:
    """An address with its protocol in front, where there is one."""
    return f"{rpc_layer}://{address}" if rpc_layer else address


class ClusterResolver(ABC):
    """Tells the tasks of a cluster, and which of them this process is.

    Source: `tf.distribute.cluster_resolver.ClusterResolver`.
    """

    _task_type: str | None
    _task_id: int | None

    @abstractmethod
    def cluster_spec(self) -> Any:
        """Return the tasks of the cluster by job, a `tf.train.ClusterSpec`."""

    @abstractmethod
    def master(
        self,
        task_type: str | None = None,
        task_id: int | None = None,
        rpc_layer: str | None = None,
    ) -> str:
        """Return the address of the task that sessions are to connect to.

        Args:
            task_type: job of the task; None for what the resolver takes for the master.
            task_id: its number.
            rpc_layer: protocol, which goes before the address.
        """

    def num_accelerators(
        self,
        task_type: str | None = None,
        task_id: int | None = None,
        config_proto: Any = None,
    ) -> dict[str, int]:
        """Return how many accelerators a task has by kind; those of this machine are counted.

        Args:
            task_type: accepted for compatibility.
            task_id: accepted for compatibility.
            config_proto: accepted for compatibility.
        """
        del task_type, task_id, config_proto
        found: defaultdict[str, int] = defaultdict(int)
        for kind in ("GPU", "TPU"):
            if devices_of_kind(kind):
                found[kind] = len(devices_of_kind(kind))
        return found

    @property
    def environment(self) -> str | None:
        """Where the cluster runs: "" for anywhere, "google" for Google's machines."""
        return ""

    @property
    def task_type(self) -> str | None:
        """Job of this process."""
        return getattr(self, "_task_type", None)

    @task_type.setter
    def task_type(self, task_type: str | None) -> None:
        self._task_type = task_type

    @property
    def task_id(self) -> int | None:
        """Number of this process in its job."""
        return getattr(self, "_task_id", None)

    @task_id.setter
    def task_id(self, task_id: int | None) -> None:
        self._task_id = task_id
