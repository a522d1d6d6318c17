"""Variables of which every replica has a copy."""

# ruff: noqa: SLF001  (copies are variables too)

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from penstock.distribute.places import current_replica, running_replica
from penstock.distribute.putting_together import reduced
from penstock.distribute.values import DistributedValues, ReduceOp, select
from penstock.runtime.dispatch import call
from penstock.runtime.variable import (
    Variable,
    VariableAggregation,
    VariableSynchronization,
)

# Puts the values that the replicas bring to a meeting together; set by the strategies.
Meet = Callable[[Callable[[Sequence[Any]], Sequence[Any]], Any], Any]

_REDUCTIONS = {
    VariableAggregation.SUM: ReduceOp.SUM,
    VariableAggregation.MEAN: ReduceOp.MEAN,
}


def _routed(name: str) -> Callable[..., Any]:
    """The method `name` of variables, called on the copies that the running code may change."""

    def method(self: DistributedVariable, *args: Any, **kwargs: Any) -> Any:
        return self._change(name, args, kwargs)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = getattr(Variable, name).__doc__
    return method


class DistributedVariable(DistributedValues, Variable):
    """A variable with a copy for each replica.

    Code of a replica, and updates for it, read and change its own copy; other code reads the
    first copy and changes all of them.

    Args:
        copies: the variable of each replica.
        meet: puts together what the replicas bring.
    """

    def __init__(self, copies: Sequence[Variable], meet: Meet) -> None:
        DistributedValues.__init__(self, copies)
        first = copies[0]
        self._meet = meet
        self._handle_name = first._handle_name
        self._trainable = first._trainable
        self._aggregation = first._aggregation
        self._constraint = first._constraint
        self._synchronization = first._synchronization
        self._uid = first._uid
        for copy in copies:
            copy._distributed_container = lambda: self  # type: ignore[attr-defined]

    def _copy(self) -> Variable:
        replica = current_replica()
        found: Variable = self._values[replica or 0]
        return found

    @property
    def _holder(self) -> Any:  # type: ignore[override]
        return self._copy()._holder

    @property
    def _handle(self) -> Any:  # type: ignore[override]
        return self._copy()._handle

    def _distributed_container(self) -> DistributedVariable:
        return self

    def _change(self, name: str, args: Any, kwargs: Any) -> Any:
        replica = current_replica()
        if replica is None:
            self._change_all(name, args, kwargs)
            return self
        if running_replica() is None:
            return self._change_one(replica, name, args, kwargs)
        return self._change_together(name, args, kwargs)

    def _change_one(self, replica: int, name: str, args: Any, kwargs: Any) -> Any:
        copy = self._values[replica]
        return getattr(copy, name)(*select(replica, args), **select(replica, kwargs))

    def _change_all(self, name: str, args: Any, kwargs: Any) -> None:
        for replica in range(len(self._values)):
            self._change_one(replica, name, args, kwargs)

    @abstractmethod
    def _change_together(self, name: str, args: Any, kwargs: Any) -> Any:
        """Change the copies from within the code of a replica."""

    assign = _routed("assign")
    assign_add = _routed("assign_add")
    assign_sub = _routed("assign_sub")
    batch_scatter_update = _routed("batch_scatter_update")
    scatter_add = _routed("scatter_add")
    scatter_div = _routed("scatter_div")
    scatter_max = _routed("scatter_max")
    scatter_min = _routed("scatter_min")
    scatter_mul = _routed("scatter_mul")
    scatter_sub = _routed("scatter_sub")
    scatter_update = _routed("scatter_update")


class MirroredVariable(DistributedVariable):
    """A variable whose copies are kept equal: what replicas assign is put together first."""

    def _change_together(self, name: str, args: Any, kwargs: Any) -> Any:
        kind = self._aggregation
        if kind is VariableAggregation.NONE:
            # As in TensorFlow: the replicas answer for it that the copies stay equal.
            return self._change_one(running_replica() or 0, name, args, kwargs)

        def change(brought: Sequence[Any]) -> Sequence[Any]:
            values, rest, keywords = zip(*brought, strict=True)
            if kind is VariableAggregation.ONLY_FIRST_REPLICA:
                value = values[0]
            else:
                value = reduced(_REDUCTIONS[kind], list(values))
            self._change_all(name, (value, *rest[0]), keywords[0])
            return [None] * len(brought)

        self._meet(change, (args[0], args[1:], kwargs))
        return self


class SyncOnReadVariable(DistributedVariable):
    """A variable whose copies change independently, and are put together when it is read."""

    def _change_together(self, name: str, args: Any, kwargs: Any) -> Any:
        replica = running_replica() or 0
        return self._change_one(replica, name, args, kwargs)

    def _change_all(self, name: str, args: Any, kwargs: Any) -> None:
        if self._aggregation is VariableAggregation.SUM:
            if name != "assign":
                raise ValueError(
                    f"{name} of variable {self.name!r}, which is the sum of its copies, must "
                    "be called by replicas; elsewhere use assign"
                )
            # The sum of the copies is then what was assigned.
            share = self._copy()._fitting(args[0])
            count = call("Cast", len(self._values), DstT=share.dtype)
            divide = "RealDiv" if share.dtype.is_floating else "FloorDiv"
            args = (call(divide, share, count), *args[1:])
        super()._change_all(name, args, kwargs)

    def read_value(self) -> Any:
        """Return the value: of the replica, or elsewhere of all copies together."""
        kind = _REDUCTIONS.get(self._aggregation)
        if current_replica() is not None or kind is None:
            return self._copy().read_value()
        return reduced(kind, [copy.read_value() for copy in self._values])


def distributed_variable(copies: Sequence[Variable], meet: Meet) -> DistributedVariable:
    """Join the copies of a variable."""
    on_read = copies[0].synchronization is VariableSynchronization.ON_READ
    made = (SyncOnReadVariable if on_read else MirroredVariable)(copies, meet)
    if made._synchronization is VariableSynchronization.AUTO:
        made._synchronization = VariableSynchronization.ON_WRITE
    return made
