"""`tf.train.ClusterSpec`: which tasks a cluster has, by job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from penstock.wire import protos


class ClusterSpec:
    """Addresses of tasks by job and number.

    Args:
        cluster: job -> list of addresses, or dict from number to address; a ClusterDef; or
            another ClusterSpec.

    Raises:
        TypeError: it is none of these.
    """

    def __init__(self, cluster: Any) -> None:
        self._jobs: dict[str, dict[int, str]] = {}
        if isinstance(cluster, ClusterSpec):
            cluster = cluster.as_dict()
        if isinstance(cluster, protos.ClusterDef):
            cluster = {job.name: dict(job.tasks) for job in cluster.job}
        if not isinstance(cluster, Mapping):
            raise TypeError(
                "cluster must be a dict, a ClusterDef or a ClusterSpec, got "
                f"{type(cluster).__name__}"
            )
        for job, tasks in cluster.items():
            self._jobs[str(job)] = _numbered(job, tasks)

    def __bool__(self) -> bool:
        return bool(self._jobs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ClusterSpec) and self._jobs == other._jobs

    def __hash__(self) -> int:
        return hash(tuple((job, tuple(tasks.items())) for job, tasks in self._jobs.items()))

    def __repr__(self) -> str:
        listed = {job: self.as_dict()[job] for job in sorted(self._jobs)}
        return f"ClusterSpec({listed!r})"

    def as_dict(self) -> dict[str, Any]:
        """Jobs with lists of addresses, or dicts where numbers are left out."""
        return {
            job: list(tasks.values()) if list(tasks) == list(range(len(tasks))) else dict(tasks)
            for job, tasks in self._jobs.items()
        }

    def as_cluster_def(self) -> Any:
        """The ClusterDef message."""
        message = protos.ClusterDef()
        for name in sorted(self._jobs):
            job = message.job.add(name=name)
            for number, address in sorted(self._jobs[name].items()):
                job.tasks[number] = address
        return message

    @property
    def jobs(self) -> list[str]:
        """Names of the jobs."""
        return list(self._jobs)

    def _tasks(self, job_name: str) -> dict[int, str]:
        try:
            return self._jobs[job_name]
        except KeyError:
            raise ValueError(f"No such job in cluster: {job_name!r}") from None

    def num_tasks(self, job_name: str) -> int:
        """Number of tasks of a job."""
        return len(self._tasks(job_name))

    def task_indices(self, job_name: str) -> list[int]:
        """Numbers of the tasks of a job."""
        return sorted(self._tasks(job_name))

    def task_address(self, job_name: str, task_index: int) -> str:
        """Address of a task.

        Raises:
            ValueError: there is none of that job and number.
        """
        tasks = self._tasks(job_name)
        if task_index not in tasks:
            raise ValueError(f"No task with index {task_index!r} in job {job_name!r}")
        return tasks[task_index]

    def job_tasks(self, job_name: str) -> list[str | None]:
        """Addresses of a job by number, None where a number is left out."""
        tasks = self._tasks(job_name)
        return [tasks.get(i) for i in range(max(tasks, default=-1) + 1)]


def _numbered(job: str, tasks: Any) -> dict[int, str]:
    if isinstance(tasks, Mapping):
        return {int(number): str(address) for number, address in sorted(tasks.items())}
    if isinstance(tasks, Sequence) and not isinstance(tasks, (str, bytes)):
        return {i: str(address) for i, address in enumerate(tasks)}
    raise TypeError(
        f"the tasks of job {job!r} must be a list or a dict, got {type(tasks).__name__}"
    )
