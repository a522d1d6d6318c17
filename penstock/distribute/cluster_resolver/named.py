"""Clusters that are named: by the program, by the variable TF_CONFIG, or by others together."""

# ruff: noqa: PLR0917  (the parameters are TensorFlow's)
from __future__ import annotations

import json
import os
from typing import Any

from penstock.distribute.cluster_resolver.base import (
    ClusterResolver,
    address_of,
    is_cluster_spec,
    make_cluster_spec,
    with_protocol,
)


class SimpleClusterResolver(ClusterResolver):
    """A cluster that the program names.

    Args:
        cluster_spec: a `tf.train.ClusterSpec`.
        master: address of the master.
        task_type: job of this process.
        task_id: its number in the job.
        environment: where the cluster runs.
        num_accelerators: accelerators of each task by kind; None counts those of this machine.
        rpc_layer: protocol of the addresses.

    Raises:
        TypeError: `cluster_spec` is none.

    Source: `tf.distribute.cluster_resolver.SimpleClusterResolver`.
    """

    def __init__(
        self,
        cluster_spec: Any,
        master: str = "",
        task_type: str | None = None,
        task_id: int | None = None,
        environment: str = "",
        num_accelerators: dict[str, int] | None = None,
        rpc_layer: str | None = None,
    ) -> None:
        if not is_cluster_spec(cluster_spec):
            raise TypeError("cluster_spec must be a `tf.train.ClusterSpec`.")
        self._cluster_spec = cluster_spec
        self._master = master
        self._task_type = task_type
        self._task_id = task_id
        self._environment = environment
        self._num_accelerators = num_accelerators
        self._rpc_layer = rpc_layer

    def cluster_spec(self) -> Any:
        """Return the cluster that was given."""
        return self._cluster_spec

    def master(
        self,
        task_type: str | None = None,
        task_id: int | None = None,
        rpc_layer: str | None = None,
    ) -> str:
        """Return the address of a task, or of the master that was given."""
        layer = rpc_layer or self._rpc_layer
        if task_type is not None and task_id is not None:
            return address_of(self._cluster_spec, task_type, task_id, layer)
        return with_protocol(self._master, layer)

    def num_accelerators(
        self,
        task_type: str | None = None,
        task_id: int | None = None,
        config_proto: Any = None,
    ) -> dict[str, int]:
        """Return the accelerators that were given, or those of this machine."""
        if self._num_accelerators is None:
            return super().num_accelerators(task_type, task_id, config_proto)
        return self._num_accelerators

    @property
    def environment(self) -> str:
        """Where the cluster runs."""
        return self._environment

    @property
    def rpc_layer(self) -> str | None:
        """Protocol of the addresses."""
        return self._rpc_layer

    @rpc_layer.setter
    def rpc_layer(self, rpc_layer: str | None) -> None:
        self._rpc_layer = rpc_layer


class TFConfigClusterResolver(ClusterResolver):
    """The cluster that the environment variable TF_CONFIG describes.

    It holds JSON: `cluster`, a dict of addresses by job; `task` with `type` and `index`; and
    perhaps `rpc_layer`.

    Args:
        task_type: job of this process, if not what the variable says.
        task_id: its number, if not what the variable says.
        rpc_layer: protocol of the addresses, if not what the variable says.
        environment: where the cluster runs.

    Source: `tf.distribute.cluster_resolver.TFConfigClusterResolver`.
    """

    def __init__(
        self,
        task_type: str | None = None,
        task_id: int | None = None,
        rpc_layer: str | None = None,
        environment: str | None = None,
    ) -> None:
        self._task_type = task_type
        self._task_id = task_id
        self._rpc_layer = rpc_layer
        self._environment = environment

    @property
    def _config(self) -> dict[str, Any]:
        config: dict[str, Any] = json.loads(os.environ.get("TF_CONFIG", "{}"))
        return config

    @property
    def task_type(self) -> str | None:
        """Job of this process."""
        if self._task_type is not None:
            return self._task_type
        found = self._config.get("task", {}).get("type")
        return None if found is None else str(found)

    @task_type.setter
    def task_type(self, task_type: str | None) -> None:
        self._task_type = task_type

    @property
    def task_id(self) -> int | None:
        """Number of this process in its job."""
        if self._task_id is not None:
            return self._task_id
        found = self._config.get("task", {}).get("index")
        return None if found is None else int(found)

    @task_id.setter
    def task_id(self, task_id: int | None) -> None:
        self._task_id = task_id

    @property
    def environment(self) -> str | None:
        """Where the cluster runs."""
        return self._environment

    @property
    def rpc_layer(self) -> str | None:
        """Protocol of the addresses."""
        if self._rpc_layer is not None:
            return self._rpc_layer
        found = self._config.get("rpc_layer")
        return None if found is None else str(found)

    @rpc_layer.setter
    def rpc_layer(self, rpc_layer: str | None) -> None:
        self._rpc_layer = rpc_layer

    def cluster_spec(self) -> Any:
        """Return the cluster that TF_CONFIG describes; an empty one where it is not set."""
        return make_cluster_spec(self._config.get("cluster", {}))

    def master(
        self,
        task_type: str | None = None,
        task_id: int | None = None,
        rpc_layer: str | None = None,
    ) -> str:
        """Return the address of a task: this process's, where none is named.

        A cluster of one task, and none, have no master.
        """
        cluster = self.cluster_spec()
        jobs = cluster.as_dict()
        if not jobs or (len(jobs) == 1 and len(next(iter(jobs.values()))) == 1):
            return ""
        named = self.task_type if task_type is None else task_type
        number = self.task_id if task_id is None else task_id
        return address_of(cluster, named, number, rpc_layer or self.rpc_layer)


class UnionResolver(ClusterResolver):
    """The tasks of several clusters as one cluster; the first says what this process is.

    Args:
        args: the resolvers.
        kwargs: `rpc_layer`, `task_type` and `task_id`, if not those of the first.

    Raises:
        TypeError: something is no resolver.
        ValueError: there is none.

    Source: `tf.distribute.cluster_resolver.UnionResolver`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._rpc_layer = kwargs.pop("rpc_layer", None)
        self._task_type = kwargs.pop("task_type", None)
        self._task_id = kwargs.pop("task_id", None)
        if kwargs:
            raise ValueError(f"Unexpected kwargs provided {kwargs!r}")
        if not args:
            raise ValueError("At least one ClusterResolver is required.")
        if not all(isinstance(each, ClusterResolver) for each in args):
            raise TypeError("All arguments must be a sub-class of `ClusterResolver.`")
        self._resolvers: tuple[Any, ...] = args

    def cluster_spec(self) -> Any:
        """Return all tasks; where lists of one job meet, they follow one another.

        Raises:
            KeyError: two clusters number tasks of one job alike.
        """
        jobs: dict[str, Any] = {}
        for resolver in self._resolvers:
            for job, tasks in resolver.cluster_spec().as_dict().items():
                jobs[job] = _joined(job, jobs[job], tasks) if job in jobs else tasks
        return make_cluster_spec(jobs)

    def master(
        self,
        task_type: str | None = None,
        task_id: int | None = None,
        rpc_layer: str | None = None,
    ) -> str:
        """Return the address of a task, or the first cluster's master."""
        if task_type is not None and task_id is not None:
            layer = rpc_layer or self.rpc_layer
            return address_of(self.cluster_spec(), task_type, task_id, layer)
        return str(self._resolvers[0].master(rpc_layer=rpc_layer))

    def num_accelerators(
        self,
        task_type: str | None = None,
        task_id: int | None = None,
        config_proto: Any = None,
    ) -> dict[str, int]:
        """Return the accelerators of a task as the first cluster tells them."""
        found: dict[str, int] = self._resolvers[0].num_accelerators(
            task_type, task_id, config_proto
        )
        return found

    @property
    def environment(self) -> str | None:
        """Where the first cluster runs."""
        found: str | None = self._resolvers[0].environment
        return found

    @property
    def task_type(self) -> str | None:
        """Job of this process."""
        return self._task_type or self._resolvers[0].task_type

    @task_type.setter
    def task_type(self, task_type: str | None) -> None:
        self._task_type = task_type

    @property
    def task_id(self) -> int | None:
        """Number of this process in its job."""
        return self._resolvers[0].task_id if self._task_id is None else self._task_id

    @task_id.setter
    def task_id(self, task_id: int | None) -> None:
        self._task_id = task_id

    @property
    def rpc_layer(self) -> str | None:
        """Protocol of the addresses."""
        return self._rpc_layer or self._resolvers[0].rpc_layer

    @rpc_layer.setter
    def rpc_layer(self, rpc_layer: str | None) -> None:
        self._rpc_layer = rpc_layer


def _joined(job: str, first: Any, second: Any) -> Any:
    if isinstance(first, list) and isinstance(second, list):
        return [*first, *second]
    one = dict(enumerate(first)) if isinstance(first, list) else dict(first)
    other = dict(enumerate(second)) if isinstance(second, list) else dict(second)
    both = sorted(set(one) & set(other))
    if both:
        raise KeyError(f"Duplicate keys detected when merging two ClusterSpecs: {job} {both}")
    return dict(sorted({**one, **other}.items()))
