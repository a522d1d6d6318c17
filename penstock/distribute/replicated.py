"""Strategies with several replicas, which take turns on one machine."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from penstock.core import nest
from penstock.distribute.datasets import DistributedDataset, alternate, share_out
from penstock.distribute.extended import StrategyExtended
from penstock.distribute.mirrored_variable import DistributedVariable, distributed_variable
from penstock.distribute.places import updating
from penstock.distribute.putting_together import joined_along, reduced, reduced_along
from penstock.distribute.replica_run import Meeting, Replica, run_replicas
from penstock.distribute.strategy import (
    ReplicaContext,
    Strategy,
    get_replica_context,
    pushed,
)
from penstock.distribute.values import (
    DistributedValues,
    InputContext,
    PerReplica,
    ReduceOp,
    ValueContext,
    regroup,
    select,
)
from penstock.function.polymorphic import Function, converted, function
from penstock.graph.custom_gradient import custom_gradient
from penstock.runtime.context import init_scope, state
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.indexed_slices import IndexedSlices
from penstock.runtime.variable import Variable
from penstock.runtime.variable_creators import variable_creator_scope


class ReplicatedContext(ReplicaContext):
    """What the code of one of several replicas can ask of the others."""

    def __init__(self, strategy: Strategy, replica: Replica) -> None:
        super().__init__(strategy, replica.number)
        self._replica = replica

    @property
    def devices(self) -> tuple[str, ...]:
        """Device of this replica."""
        return (self.strategy.extended.worker_devices[self.replica_id_in_sync_group],)

    def meet(self, meeting: Meeting, brought: Any) -> Any:
        """Put together what all replicas bring, and return this one's share."""
        strategy = self.strategy

        def held(all_brought: Sequence[Any]) -> Sequence[Any]:
            with pushed(strategy, None):
                return meeting(all_brought)

        return self._replica.meet(held, brought)

    def merge_call(
        self,
        merge_fn: Callable[..., Any],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Call `merge_fn(strategy, ...)` once, with the arguments of all replicas."""
        strategy = self.strategy

        def merge(brought: Sequence[Any]) -> Sequence[Any]:
            all_args = tuple(
                regroup(values) for values in zip(*(each[0] for each in brought), strict=True)
            )
            result = merge_fn(strategy, *all_args, **regroup([each[1] for each in brought]))
            return [select(i, result) for i in range(len(brought))]

        return self.meet(merge, (tuple(args), dict(kwargs or {})))

    def all_reduce(self, reduce_op: Any, value: Any, options: Any = None) -> Any:
        """Sum or mean of the values of all replicas; its gradient is reduced likewise."""
        del options
        kind = ReduceOp.from_value(reduce_op)
        leaves = [
            leaf if isinstance(leaf, IndexedSlices) else convert_to_tensor(leaf)
            for leaf in nest.flatten(value)
        ]
        if any(isinstance(leaf, IndexedSlices) for leaf in leaves):
            return nest.pack_sequence_as(value, self._reduced(kind, leaves))

        @custom_gradient
        def reduce(*tensors: Any) -> Any:
            def gradient(*upstream: Any) -> Any:
                return self._reduced(kind, upstream)

            return self._reduced(kind, tensors, leaves), gradient

        return nest.pack_sequence_as(value, list(reduce(*leaves)))

    def _reduced(
        self, kind: ReduceOp, values: Sequence[Any], sources: Sequence[Any] | None = None
    ) -> list[Any]:
        """Sums or means over the replicas of values, which come of `sources`."""

        def reduce(brought: Sequence[Any]) -> Sequence[Any]:
            results = []
            for each in zip(*brought, strict=True):
                # As in TensorFlow, one tensor made outside of the replicas counts once.
                one = state.graph is None and len({id(source) for _, source in each}) == 1
                results.append(reduced(kind, [item for item, _ in each[: 1 if one else None]]))
            return [results] * len(brought)

        pairs = list(zip(values, values if sources is None else sources, strict=True))
        shares: list[Any] = self.meet(reduce, pairs)
        return list(shares)

    def all_gather(self, value: Any, axis: int, options: Any = None) -> Any:
        """Join the values of all replicas along `axis`; what is joined has no gradient."""
        del options
        leaves = [convert_to_tensor(leaf) for leaf in nest.flatten(value)]

        def join(brought: Sequence[Any]) -> Sequence[Any]:
            results = [joined_along(each, axis) for each in zip(*brought, strict=True)]
            return [[call("Identity", each) for each in results] for _ in brought]

        return nest.pack_sequence_as(value, list(self.meet(join, leaves)))


def _meet(meeting: Meeting, brought: Any) -> Any:
    context = get_replica_context()
    assert isinstance(context, ReplicatedContext)
    return context.meet(meeting, brought)


class ReplicatedExtended(StrategyExtended):
    """The library side of a strategy with several replicas.

    Args:
        strategy: the strategy that this belongs to.
        devices: names of the devices of the replicas.
    """

    def __init__(self, strategy: Any, devices: Sequence[str]) -> None:
        super().__init__(strategy, devices[0])
        self._devices = tuple(devices)

    @property
    def worker_devices(self) -> tuple[str, ...]:
        """Devices that run replicas."""
        return self._devices

    @property
    def parameter_devices(self) -> tuple[str, ...]:
        """Devices that hold variables."""
        return self._devices

    @property
    def _num_replicas_in_sync(self) -> int:
        return len(self._devices)

    def _use_merge_call(self) -> bool:
        return True

    def update(
        self,
        var: Any,
        fn: Callable[..., Any],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
        group: bool = True,
    ) -> Any:
        """Call `fn(copy, *args)` for every copy of a variable; replicas meet for it.

        Raises:
            ValueError: the variable was not made in the scope of the strategy.
        """
        del group
        context = get_replica_context()
        if isinstance(context, ReplicatedContext):
            return context.merge_call(
                lambda _, *merged, **named: self.update(var, fn, merged, named), args, kwargs
            )
        if not isinstance(var, DistributedVariable):
            raise ValueError(  # noqa: TRY004  (TensorFlow's class)
                f"var must be a variable made in the scope of the strategy, got {var!r}"
            )
        return regroup(self._for_each(lambda i: var.values[i], fn, args, kwargs))

    def update_non_slot(
        self,
        colocate_with: Any,
        fn: Callable[..., Any],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
        group: bool = True,
    ) -> Any:
        """Call `fn(*args)` once for each replica."""
        del colocate_with, group
        return regroup(self._for_each(None, fn, args, kwargs))

    def _for_each(
        self, first: Callable[[int], Any] | None, fn: Any, args: Any, kwargs: Any
    ) -> list[Any]:
        results = []
        for i in range(len(self._devices)):
            before = () if first is None else (first(i),)
            with updating(i):
                results.append(
                    fn(*before, *select(i, tuple(args)), **select(i, dict(kwargs or {})))
                )
        return results

    def variable_created_in_scope(self, v: Any) -> bool:
        """Whether a variable was made in the scope of this strategy."""
        container = getattr(v, "_distributed_container", None)
        return container is not None and len(container().values) == len(self._devices)

    def value_container(self, value: Any) -> Any:
        """What holds all copies of a value."""
        container = getattr(value, "_distributed_container", None)
        return value if container is None else container()

    def reduce_to(
        self, reduce_op: Any, value: Any, destinations: Any, options: Any = None
    ) -> Any:
        """Put values together; the result serves on all devices."""
        del destinations, options
        return _together(ReduceOp.from_value(reduce_op), value)


def _together(kind: ReduceOp, value: Any) -> Any:
    if isinstance(value, DistributedVariable):
        return reduced(kind, [copy.read_value() for copy in value.values])
    if isinstance(value, DistributedValues):
        return reduced(kind, value.values)
    if kind is ReduceOp.SUM and not (isinstance(value, (int, float)) and value == 0):
        raise ValueError(
            f"only values of replicas can be summed up, got {value!r}, one for all of them"
        )
    return value


class ReplicatedStrategy(Strategy):
    """Several replicas, each with copies of the variables, that take turns.

    Args:
        devices: names of the devices, one for each replica.
    """

    def __init__(self, devices: Sequence[str]) -> None:
        self._count = len(devices)
        Strategy.__init__(self, ReplicatedExtended(self, devices))
        self._functions: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()

    @property
    def num_replicas_in_sync(self) -> int:
        """Number of replicas whose gradients are put together."""
        return self._count

    @contextmanager
    def scope(self) -> Iterator[Strategy]:
        """Make this the strategy in force: variables get a copy for each replica."""
        with pushed(self, None), variable_creator_scope(self._make_copies):
            yield self

    def _make_copies(self, following: Callable[..., Any], **kwargs: Any) -> Any:
        first = following(**kwargs)
        if not isinstance(first, Variable):
            return first
        copies = [first]
        with init_scope():
            for i in range(1, self._count):
                given = {**kwargs, "initial_value": first.read_value(), "dtype": None}
                given["name"] = f"{kwargs.get('name') or 'Variable'}/replica_{i}"
                copies.append(following(**given))
        return distributed_variable(copies, _meet)

    def run(
        self,
        fn: Callable[..., Any],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
        options: Any = None,
    ) -> Any:
        """Call `fn` on every replica and return the results as values of all replicas.

        Raises:
            RuntimeError: called by a replica.
        """
        del options
        if isinstance(get_replica_context(), ReplicatedContext):
            raise RuntimeError(  # noqa: TRY004  (TensorFlow's class)
                "strategy.run must not be called by the code of a replica"
            )
        with self.scope():
            if isinstance(fn, Function):
                return self._as_graph(fn)(tuple(args), dict(kwargs or {}))
            return self._run(converted(fn), tuple(args), dict(kwargs or {}))

    def _run(self, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        results = run_replicas(
            self._count,
            lambda i: fn(*select(i, args), **select(i, kwargs)),
            self._in_replica,
        )
        return regroup(results)

    def _in_replica(self, replica: Replica) -> AbstractContextManager[Any]:
        return pushed(self, ReplicatedContext(self, replica))

    def _as_graph(self, fn: Function) -> Any:
        """A graph function that runs the Python code of another one on all replicas."""
        made = self._functions.get(fn)
        if made is None:
            python_function = fn.python_function

            def run_all(args: Any, kwargs: Any) -> Any:
                return self._run(converted(python_function), args, kwargs)

            made = self._functions[fn] = function(
                run_all,
                autograph=False,
                jit_compile=fn._jit_compile,  # noqa: SLF001
            )
        return made

    def _merge_call(self, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Call `fn(strategy, ...)` once for all replicas, from wherever the code runs."""
        context = get_replica_context()
        if context is None:
            return fn(self, *args, **kwargs)
        return context.merge_call(fn, args, kwargs)

    def reduce(self, reduce_op: Any, value: Any, axis: int | None = None) -> Any:
        """Put the values of the replicas together, and the elements along `axis` as well.

        Raises:
            ValueError: `reduce_op` is neither SUM nor MEAN, or a sum of one value is wanted.
        """
        kind = ReduceOp.from_value(reduce_op)
        if axis is None:
            return nest.map_structure(lambda item: _together(kind, item), value)
        return nest.map_structure(
            lambda item: reduced_along(kind, self._all(item), axis), value
        )

    def gather(self, value: Any, axis: int) -> Any:
        """Join the values of the replicas along `axis`."""
        return nest.map_structure(lambda item: joined_along(self._all(item), axis), value)

    @staticmethod
    def _all(item: Any) -> Sequence[Any]:
        return item.values if isinstance(item, DistributedValues) else (item,)

    def experimental_local_results(self, value: Any) -> tuple[Any, ...]:
        """Values of the replicas in this process."""
        if isinstance(value, DistributedValues):
            return value.values
        leaves = nest.flatten(value)
        if any(isinstance(leaf, DistributedValues) for leaf in leaves):
            return tuple(select(i, value) for i in range(self._count))
        return (value,)

    def experimental_distribute_dataset(self, dataset: Any, options: Any = None) -> Any:
        """Return a dataset whose batches are shared out among the replicas."""
        del options
        if isinstance(dataset, DistributedDataset):
            return dataset
        return share_out(dataset, self._count)

    def distribute_datasets_from_function(
        self, dataset_fn: Callable[[InputContext], Any], options: Any = None
    ) -> Any:
        """Return a dataset that gives each replica one element of `dataset_fn`'s in turn."""
        del options
        context = InputContext(num_replicas_in_sync=self._count)
        return alternate(dataset_fn(context), self._count)

    def experimental_distribute_values_from_function(
        self, value_fn: Callable[[ValueContext], Any]
    ) -> Any:
        """Return what `value_fn` makes for each replica."""
        return PerReplica([value_fn(ValueContext(i, self._count)) for i in range(self._count)])
