"""Strategies, the scopes they open, and the context in which a replica's code runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from penstock.core import nest
from penstock.distribute.extended import StrategyExtended
from penstock.distribute.strategy_members import StrategyMembers
from penstock.distribute.values import InputContext, ReduceOp, ValueContext
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call


class Strategy(StrategyMembers):
    """One replica of everything, on one device.

    Args:
        extended: what libraries need beyond the public methods.
    """

    def __init__(self, extended: StrategyExtended) -> None:
        self._extended = extended
        self.replica_context = ReplicaContext(self, 0)

    @property
    def extended(self) -> StrategyExtended:
        """What libraries need beyond the public methods."""
        return self._extended

    @property
    def num_replicas_in_sync(self) -> int:
        """Number of replicas whose gradients are put together."""
        return 1

    @property
    def cluster_resolver(self) -> Any:
        """None: there is no cluster."""
        return None

    @contextmanager
    def scope(self) -> Iterator[Strategy]:
        """Make this the strategy in force."""
        with pushed(self, None):
            yield self

    def run(
        self,
        fn: Callable[..., Any],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
        options: Any = None,
    ) -> Any:
        """Call `fn` on every replica and return its result."""
        del options
        with pushed(self, self.replica_context):
            return fn(*args, **(kwargs or {}))

    def reduce(self, reduce_op: Any, value: Any, axis: int | None = None) -> Any:
        """Put the values of the replicas together, and the elements along `axis` as well.

        Raises:
            ValueError: `reduce_op` is neither SUM nor MEAN.
        """
        kind = ReduceOp.from_value(reduce_op)
        if axis is None:
            return value
        op_name = "Sum" if kind is ReduceOp.SUM else "Mean"
        return nest.map_structure(
            lambda item: call(op_name, convert_to_tensor(item), axis), value
        )

    def gather(self, value: Any, axis: int) -> Any:
        """Join the values of the replicas along `axis`."""
        del axis
        return nest.map_structure(convert_to_tensor, value)

    def experimental_local_results(self, value: Any) -> tuple[Any, ...]:
        """Values of the replicas in this process."""
        return (value,)

    def experimental_distribute_dataset(self, dataset: Any, options: Any = None) -> Any:
        """Return a dataset whose elements `run` can be called with."""
        del options
        return dataset

    def distribute_datasets_from_function(
        self, dataset_fn: Callable[[InputContext], Any], options: Any = None
    ) -> Any:
        """Return the dataset that `dataset_fn` makes."""
        del options
        return dataset_fn(InputContext())

    def experimental_distribute_values_from_function(
        self, value_fn: Callable[[ValueContext], Any]
    ) -> Any:
        """Return what `value_fn` makes for each replica."""
        return value_fn(ValueContext())

    def __deepcopy__(self, memo: Any) -> Strategy:
        # A strategy stands for devices: models that are copied keep it.
        return self


class ReplicaContext:
    """What the code of one replica can ask of the others."""

    def __init__(self, strategy: Strategy | None, replica_id_in_sync_group: int) -> None:
        self._strategy = strategy
        self._replica_id = replica_id_in_sync_group

    @property
    def strategy(self) -> Strategy:
        """The strategy in force."""
        return self._strategy or get_strategy()

    @property
    def replica_id_in_sync_group(self) -> int:
        """Number of this replica."""
        return self._replica_id

    @property
    def num_replicas_in_sync(self) -> int:
        """Number of replicas."""
        return self.strategy.num_replicas_in_sync

    @property
    def devices(self) -> tuple[str, ...]:
        """Devices of this replica."""
        return self.strategy.extended.worker_devices

    def all_reduce(self, reduce_op: Any, value: Any, options: Any = None) -> Any:
        """Put the values of all replicas together."""
        del options
        ReduceOp.from_value(reduce_op)
        return value

    def all_gather(self, value: Any, axis: int, options: Any = None) -> Any:
        """Join the values of all replicas along `axis`."""
        del axis, options
        return nest.map_structure(convert_to_tensor, value)

    def merge_call(
        self,
        merge_fn: Callable[..., Any],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Call `merge_fn(strategy, ...)` once for all replicas."""
        strategy = self.strategy
        with pushed(strategy, None):
            return merge_fn(strategy, *args, **(kwargs or {}))

    def __enter__(self) -> ReplicaContext:
        _stack().append((self.strategy, self))
        return self

    def __exit__(self, *error: object) -> None:
        _stack().pop()


class _Local(threading.local):
    """Strategies and replica contexts in force on this thread."""

    def __init__(self) -> None:
        self.stack: list[tuple[Strategy, ReplicaContext | None]] = []


_local = _Local()


def _stack() -> list[tuple[Strategy, ReplicaContext | None]]:
    return _local.stack


@contextmanager
def pushed(strategy: Strategy, context: ReplicaContext | None) -> Iterator[None]:
    """Make a strategy, and the context of a replica or None, those in force."""
    if strategy is _default:
        # The default strategy is in force where no other is; entering it changes nothing.
        with nullcontext():
            yield
        return
    _stack().append((strategy, context))
    try:
        yield
    finally:
        _stack().pop()


class _DefaultStrategy(Strategy):
    """The strategy outside of any scope."""

    def __init__(self) -> None:
        super().__init__(StrategyExtended(self))


_default = _DefaultStrategy()


def get_strategy() -> Strategy:
    """The strategy in force; one that runs everything once where none was chosen."""
    stack = _stack()
    return stack[-1][0] if stack else _chosen[-1]


# What `experimental_set_strategy` chose for the whole process.
_chosen: list[Strategy] = [_default]


def has_strategy() -> bool:
    """Whether a strategy was chosen."""
    return get_strategy() is not _default


def get_replica_context() -> ReplicaContext | None:
    """The context of the replica whose code is running; None in a strategy's scope."""
    stack = _stack()
    if stack:
        return stack[-1][1]
    return _default.replica_context if _chosen[-1] is _default else None


def in_cross_replica_context() -> bool:
    """Whether the running code belongs to no replica."""
    return get_replica_context() is None


def experimental_set_strategy(strategy: Strategy | None) -> None:
    """Choose the strategy for the whole process; None takes the choice back.

    Raises:
        RuntimeError: called in the scope of another strategy.
    """
    if _stack():
        raise RuntimeError(
            "experimental_set_strategy must be called outside of strategy scopes"
        )
    _chosen[:] = [_default] if strategy is None else [strategy]
