"""Clusters that a manager of machines knows: Slurm, Kubernetes, and Google's own."""

# ruff: noqa: ARG002, PLR0917  (the parameters are TensorFlow's)
from __future__ import annotations

import enum
import importlib
import os
import re
from typing import Any

from penstock.core.errors import UnimplementedError
from penstock.distribute.cluster_resolver.base import (
    ClusterResolver,
    address_of,
    make_cluster_spec,
    with_protocol,
)

_NODES = re.compile(r"([^,\[\]]+(?:\[[^\]]*\])?[^,\[\]]*)")
_TASKS = re.compile(r"(\d+)(?:\(x(\d+)\))?")


def expand_nodes(text: str) -> list[str]:
    """Names of nodes in Slurm's short form: `n[01-02,5],m7` is n01, n02, n5, m7."""
    names: list[str] = []
    for part in _NODES.findall(text):
        prefix, bracket, rest = part.partition("[")
        if not bracket:
            names.append(part)
            continue
        inner, _, suffix = rest.partition("]")
        for each in inner.split(","):
            first, dash, last = each.partition("-")
            numbers = range(int(first), int(last if dash else first) + 1)
            names.extend(f"{prefix}{number:0{len(first)}d}{suffix}" for number in numbers)
    return names


def expand_tasks(text: str) -> list[int]:
    """Numbers of tasks of each node in Slurm's short form: `2(x2),1` is 2, 2, 1."""
    return [int(count) for count, times in _TASKS.findall(text) for _ in range(int(times or 1))]


def _slurm(name: str) -> str:
    for prefix in ("SLURM_STEP_", "SLURM_"):
        found = os.environ.get(prefix + name)
        if found is not None:
            return found
    raise RuntimeError(f"Slurm must set SLURM_STEP_{name} or SLURM_{name}, and has set neither")


class SlurmClusterResolver(ClusterResolver):
    """The tasks of a job step of Slurm, from the variables that it sets.

    Tasks are given to jobs in order. The addresses of the tasks of a node differ by port.

    Args:
        jobs: number of tasks by job; None makes all workers.
        port_base: port of the first task of a node.
        gpus_per_node: GPUs of a node; None counts those of this machine.
        gpus_per_task: GPUs of a task; None divides those of a node among its tasks.
        tasks_per_node: tasks of each node; None takes what Slurm says.
        auto_set_gpu: whether this process is to see its own GPUs alone, by the variable
            CUDA_VISIBLE_DEVICES; it must be set before a device is used.
        rpc_layer: protocol of the addresses.

    Raises:
        RuntimeError: Slurm has not set its variables, or has other numbers of tasks.

    Source: `tf.distribute.cluster_resolver.SlurmClusterResolver`.
    """

    def __init__(
        self,
        jobs: dict[str, int] | None = None,
        port_base: int = 8888,
        gpus_per_node: int | None = None,
        gpus_per_task: int | None = None,
        tasks_per_node: Any = None,
        auto_set_gpu: bool = True,
        rpc_layer: str | None = "grpc",
    ) -> None:
        self._rank = int(os.environ.get("SLURM_PROCID") or _slurm("PROCID"))
        self._nodes = expand_nodes(_slurm("NODELIST"))
        if isinstance(tasks_per_node, int):
            self._tasks = [tasks_per_node] * len(self._nodes)
        elif tasks_per_node is not None:
            self._tasks = list(tasks_per_node)
        else:
            self._tasks = expand_tasks(_slurm("TASKS_PER_NODE"))
        count = sum(self._tasks)
        self._jobs = {"worker": count} if jobs is None else dict(jobs)
        if len(self._tasks) != len(self._nodes) or sum(self._jobs.values()) != count:
            raise RuntimeError(
                f"jobs must be given {count} tasks on {len(self._nodes)} nodes, got "
                f"{self._jobs} on {len(self._tasks)}"
            )
        self._port_base = port_base
        self.rpc_layer = rpc_layer
        if gpus_per_node is None:
            gpus_per_node = super().num_accelerators().get("GPU", 0)
        if gpus_per_task is None:
            gpus_per_task = gpus_per_node // max(self._tasks)
        self._gpus_per_task = gpus_per_task
        self._task_type, self._task_id = self.get_task_info()
        if auto_set_gpu and gpus_per_task:
            first = self._place_on_node() * gpus_per_task
            seen = range(first, first + gpus_per_task)
            os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(map(str, seen))

    def _place_on_node(self) -> int:
        rank = self._rank
        for count in self._tasks:
            if rank < count:
                return rank
            rank -= count
        raise RuntimeError(f"SLURM_PROCID must be below {sum(self._tasks)}, it is {self._rank}")

    def cluster_spec(self) -> Any:
        """Return the tasks by job."""
        addresses = iter(
            f"{node}:{self._port_base + i}"
            for node, count in zip(self._nodes, self._tasks, strict=True)
            for i in range(count)
        )
        return make_cluster_spec(
            {job: [next(addresses) for _ in range(n)] for job, n in self._jobs.items()}
        )

    def get_task_info(self) -> tuple[str, int]:
        """Return job and number of this process.

        Raises:
            RuntimeError: its rank is beyond the tasks of all jobs.
        """
        rank = self._rank
        for job, count in self._jobs.items():
            if rank < count:
                return job, rank
            rank -= count
        raise RuntimeError(f"SLURM_PROCID {self._rank} is beyond the tasks of {self._jobs}")

    def master(
        self,
        task_type: str | None = None,
        task_id: int | None = None,
        rpc_layer: str | None = None,
    ) -> str:
        """Return the address of a task: this process's, where none is named."""
        named = self.task_type if task_type is None else task_type
        number = self.task_id if task_id is None else task_id
        return address_of(self.cluster_spec(), named, number, rpc_layer or self.rpc_layer)

    def num_accelerators(
        self,
        task_type: str | None = None,
        task_id: int | None = None,
        config_proto: Any = None,
    ) -> dict[str, int]:
        """Return the number of GPUs of a task."""
        del task_type, task_id, config_proto
        return {"GPU": self._gpus_per_task} if self._gpus_per_task else {}


class ExecutableLocation(enum.Enum):
    """Whether the program runs in the cluster of Kubernetes or outside."""

    WITHIN_CLUSTER = 0
    OFF_CLUSTER = 1


class KubernetesClusterResolver(ClusterResolver):
    """The running pods of a cluster of Kubernetes, by their labels.

    Args:
        job_to_label_mapping: label selectors by job; None takes `job-name=tensorflow` for
            workers.
        tf_server_port: port of the servers.
        rpc_layer: protocol of the addresses.
        override_client: client of Kubernetes' API; None makes one of the package `kubernetes`.
        executable_location: where this program runs, which decides which addresses it sees.

    Raises:
        ImportError: no client is given, and the package is not installed.

    Source: `tf.distribute.cluster_resolver.KubernetesClusterResolver`.
    """

    def __init__(
        self,
        job_to_label_mapping: dict[str, list[str]] | None = None,
        tf_server_port: int = 8470,
        rpc_layer: str | None = "grpc",
        override_client: Any = None,
        executable_location: ExecutableLocation = ExecutableLocation.WITHIN_CLUSTER,
    ) -> None:
        self._within = executable_location is ExecutableLocation.WITHIN_CLUSTER
        self._labels = job_to_label_mapping or {"worker": ["job-name=tensorflow"]}
        self._port = tf_server_port
        self.rpc_layer = rpc_layer
        self._client = override_client or self._made_client()

    def _made_client(self) -> Any:
        try:
            kubernetes = importlib.import_module("kubernetes")
        except ImportError as error:
            raise ImportError(
                "The Kubernetes Python client must be installed before using the Kubernetes "
                "Cluster Resolver. To install the Kubernetes Python client, run `pip install "
                "kubernetes` on your command line."
            ) from error
        if self._within:
            kubernetes.config.load_incluster_config()
        else:
            kubernetes.config.load_kube_config()
        return kubernetes.client.CoreV1Api()

    def cluster_spec(self) -> Any:
        """Return the addresses of the pods by job.

        Raises:
            RuntimeError: a pod is not running.
        """
        jobs: dict[str, list[str]] = {}
        for job, selectors in self._labels.items():
            for selector in selectors:
                found = self._client.list_pod_for_all_namespaces(label_selector=selector)
                jobs.setdefault(job, []).extend(self._address(pod) for pod in found.items)
        return make_cluster_spec(jobs)

    def _address(self, pod: Any) -> str:
        if pod.status.phase != "Running":
            raise RuntimeError(
                f'Pod "{pod.metadata.name}" is not running; phase: "{pod.status.phase}"'
            )
        ip = pod.status.pod_ip if self._within else pod.status.host_ip
        return f"{ip}:{self._port}"

    def master(
        self,
        task_type: str | None = None,
        task_id: int | None = None,
        rpc_layer: str | None = None,
    ) -> str:
        """Return the address of a task: the first pod of the first job, where none is named."""
        cluster = self.cluster_spec()
        layer = rpc_layer or self.rpc_layer
        if task_type is not None and task_id is not None:
            return address_of(cluster, task_type, task_id, layer)
        for tasks in cluster.as_dict().values():
            for address in tasks:
                return with_protocol(address, layer)
        return ""


class _GoogleResolver(ClusterResolver):
    """A cluster that only services of Google's cloud know."""

    def cluster_spec(self) -> Any:
        """Raise `UnimplementedError`."""
        raise UnimplementedError(f"tf.distribute.cluster_resolver.{type(self).__name__}")

    def master(
        self,
        task_type: str | None = None,
        task_id: int | None = None,
        rpc_layer: str | None = None,
    ) -> str:
        """Raise `UnimplementedError`."""
        raise UnimplementedError(f"tf.distribute.cluster_resolver.{type(self).__name__}")

    def _refuse(self, what: str) -> Any:
        raise UnimplementedError(
            f"tf.distribute.cluster_resolver.{type(self).__name__} needs {what}; name the "
            "tasks by TF_CONFIG or a SimpleClusterResolver"
        )


class GCEClusterResolver(_GoogleResolver):
    """The machines of an instance group of Google Compute Engine: not implemented.

    Args:
        project: accepted for compatibility.
        zone: accepted for compatibility.
        instance_group: accepted for compatibility.
        port: accepted for compatibility.
        task_type: accepted for compatibility.
        task_id: accepted for compatibility.
        rpc_layer: accepted for compatibility.
        credentials: accepted for compatibility.
        service: accepted for compatibility.

    Raises:
        UnimplementedError: always.
    """

    rpc_layer = "grpc"

    def __init__(
        self,
        project: str,
        zone: str,
        instance_group: str,
        port: int,
        task_type: str = "worker",
        task_id: int = 0,
        rpc_layer: str = "grpc",
        credentials: Any = "default",
        service: Any = None,
    ) -> None:
        del project, zone, instance_group, port, task_type, task_id, rpc_layer, credentials
        self._refuse(f"the API of Google Compute Engine{service or ''}")


class TPUClusterResolver(_GoogleResolver):
    """A TPU of Google's cloud, with its machines: not implemented.

    Args:
        tpu: accepted for compatibility.
        zone: accepted for compatibility.
        project: accepted for compatibility.
        job_name: accepted for compatibility.
        coordinator_name: accepted for compatibility.
        coordinator_address: accepted for compatibility.
        credentials: accepted for compatibility.
        service: accepted for compatibility.
        discovery_url: accepted for compatibility.

    Raises:
        UnimplementedError: always: JAX finds the TPUs of a machine by itself.
    """

    def __init__(
        self,
        tpu: Any = None,
        zone: str | None = None,
        project: str | None = None,
        job_name: str = "worker",
        coordinator_name: str | None = None,
        coordinator_address: str | None = None,
        credentials: Any = "default",
        service: Any = None,
        discovery_url: str | None = None,
    ) -> None:
        del tpu, zone, project, job_name, coordinator_name, coordinator_address, credentials
        del service, discovery_url
        self._refuse("the API of Google's Cloud TPU")

    @staticmethod
    def connect(tpu: Any = None, zone: str | None = None, project: str | None = None) -> Any:
        """Raise `UnimplementedError`."""
        return TPUClusterResolver(tpu, zone, project)

    def get_coordination_service_leader(self) -> str:
        """Raise `UnimplementedError`."""
        return str(self._unknown())

    def get_job_name(self) -> str:
        """Raise `UnimplementedError`."""
        return str(self._unknown())

    def get_master(self) -> str:
        """Raise `UnimplementedError`."""
        return str(self._unknown())

    def get_tpu_system_metadata(self) -> Any:
        """Raise `UnimplementedError`."""
        return self._unknown()

    def set_tpu_topology(self, serialized_tpu_topology: bytes) -> None:
        """Raise `UnimplementedError`."""
        del serialized_tpu_topology
        self._unknown()

    @property
    def tpu_hardware_feature(self) -> Any:
        """Raise `UnimplementedError`."""
        return self._unknown()

    def _unknown(self) -> Any:
        return self._refuse("the API of Google's Cloud TPU")
