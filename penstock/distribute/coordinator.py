"""`tf.distribute.coordinator`: functions that workers run when they come to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.core.errors import UnimplementedError

__all__ = [
    "ClusterCoordinator",
    "PerWorkerValue",
    "RemoteValue",
    "experimental_get_current_worker_index",
]


class RemoteValue:
    """A value that a worker computes.

    Source: `tf.distribute.coordinator.RemoteValue`.
    """

    def fetch(self) -> Any:
        """Return the value as arrays.

        Raises:
            UnimplementedError: no worker computes it.
        """
        raise UnimplementedError(f"{type(self).__name__} must define fetch")

    def get(self) -> Any:
        """Return the value as tensors.

        Raises:
            UnimplementedError: no worker computes it.
        """
        raise UnimplementedError(f"{type(self).__name__} must define get")


class PerWorkerValue:
    """A value for each worker.

    Args:
        values: a `RemoteValue` for each.

    Raises:
        AssertionError: something else is among them.

    Source: `tf.distribute.coordinator.PerWorkerValue`.
    """

    def __init__(self, values: Sequence[Any]) -> None:
        if not all(isinstance(value, RemoteValue) for value in values):
            raise AssertionError("`PerWorkerValues` should only take `RemoteValue`s.")
        self._values = tuple(values)


class ClusterCoordinator:
    """Gives functions to the workers of a parameter server strategy: not implemented.

    Args:
        strategy: the strategy.

    Raises:
        UnimplementedError: always.

    Source: `tf.distribute.coordinator.ClusterCoordinator`.
    """

    def __init__(self, strategy: Any) -> None:
        self._strategy = strategy
        self._refuse()

    def _refuse(self) -> Any:
        raise UnimplementedError(
            "tf.distribute.coordinator.ClusterCoordinator needs TensorFlow servers on other "
            f"machines, for {self._strategy!r}"
        )

    @property
    def strategy(self) -> Any:
        """The strategy."""
        return self._strategy

    def schedule(self, fn: Any, args: Any = None, kwargs: Any = None) -> Any:
        """Give a function to a worker."""
        del fn, args, kwargs
        return self._refuse()

    def join(self) -> None:
        """Wait until all functions are done."""
        self._refuse()

    def done(self) -> bool:
        """Whether all functions are done."""
        return bool(self._refuse())

    def fetch(self, val: Any) -> Any:
        """Return a value of a worker as arrays."""
        del val
        return self._refuse()

    def create_per_worker_dataset(self, dataset_fn: Any) -> Any:
        """Make a dataset on each worker."""
        del dataset_fn
        return self._refuse()


def experimental_get_current_worker_index() -> Any:
    """Return the number of the worker that runs this.

    Raises:
        RuntimeError: no worker of a coordinator runs it.
    """
    raise RuntimeError(
        "Cannot retrieve the worker index: this is not a function that a ClusterCoordinator "
        "gave to a worker"
    )
