"""Members of strategies that programs of TensorFlow 1 and of its first years use."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from penstock.core import nest
from penstock.distribute.options import InputReplicationMode
from penstock.distribute.values import DistributedValues
from penstock.graph.symbol import Symbol
from penstock.runtime.context import state
from penstock.runtime.dispatch import call


class StrategyMembers:
    """Older names of what strategies do."""

    if TYPE_CHECKING:  # the strategy has them

        @property
        def extended(self) -> Any:
            """What libraries need."""

        def run(self, fn: Any, args: Any = (), kwargs: Any = None, options: Any = None) -> Any:
            """Call `fn` on every replica."""

        def experimental_local_results(self, value: Any) -> tuple[Any, ...]:
            """Values of the replicas in this process."""

        def experimental_distribute_dataset(self, dataset: Any, options: Any = None) -> Any:
            """Return a distributed dataset."""

        def distribute_datasets_from_function(
            self, dataset_fn: Any, options: Any = None
        ) -> Any:
            """Return the dataset that a function makes."""

    def colocate_vars_with(self, colocate_with_variable: Any) -> AbstractContextManager[None]:
        """Make variables where another one is."""
        found: AbstractContextManager[None] = self.extended.colocate_vars_with(
            colocate_with_variable
        )
        return found

    def configure(
        self,
        session_config: Any = None,
        cluster_spec: Any = None,
        task_type: str | None = None,
        task_id: int | None = None,
    ) -> None:
        """Take the settings of a session; strategies of one machine need none.

        Args:
            session_config: accepted for compatibility.
            cluster_spec: accepted for compatibility.
            task_type: accepted for compatibility.
            task_id: accepted for compatibility.
        """

    def update_config_proto(self, config_proto: Any) -> Any:
        """Return a copy of a session's settings as the strategy wants them."""
        copy = type(config_proto)()
        copy.CopyFrom(config_proto)
        copy.isolate_session_state = True
        return copy

    def experimental_run(self, fn: Callable[..., Any], input_iterator: Any = None) -> Any:
        """Call `fn` on every replica, with the next element of an iterator if one is given.

        Args:
            fn: the function.
            input_iterator: iterator of a distributed dataset.
        """
        args = () if input_iterator is None else (next(input_iterator),)
        return self.run(fn, args)

    def experimental_distribute_datasets_from_function(
        self, dataset_fn: Callable[[Any], Any], options: Any = None
    ) -> Any:
        """Do what `distribute_datasets_from_function` does."""
        return self.distribute_datasets_from_function(dataset_fn, options)

    def make_dataset_iterator(self, dataset: Any) -> Any:
        """Return an iterator of a dataset that is distributed."""
        return iter(self.experimental_distribute_dataset(dataset))

    def make_input_fn_iterator(
        self,
        input_fn: Callable[[Any], Any],
        replication_mode: InputReplicationMode = InputReplicationMode.PER_WORKER,
    ) -> Any:
        """Return an iterator of the dataset that a function makes for a pipeline.

        Args:
            input_fn: takes an `InputContext`.
            replication_mode: PER_WORKER.

        Raises:
            ValueError: another mode is asked for.
        """
        if replication_mode is not InputReplicationMode.PER_WORKER:
            raise ValueError(
                "Input replication mode not supported: make_input_fn_iterator makes one "
                f"pipeline per worker, got {replication_mode}"
            )
        return iter(self.distribute_datasets_from_function(input_fn))

    def unwrap(self, value: Any) -> tuple[Any, ...]:
        """Do what `experimental_local_results` does."""
        return self.experimental_local_results(value)

    def group(self, value: Any, name: str | None = None) -> Any:
        """Return an op of a graph that is done when the values of all replicas are.

        Args:
            value: a value, or one for each replica.
            name: name of the op.

        Returns:
            The op; outside of graphs, where all is done already, the value.
        """
        if state.graph is None:
            return value
        parts = value.values if isinstance(value, DistributedValues) else nest.flatten(value)
        saved = state.control_inputs
        state.control_inputs = [
            *saved,
            *(part.op if isinstance(part, Symbol) else part for part in parts),
        ]
        try:
            call("NoOp", name=name)
            return state.graph.last_node()
        finally:
            state.control_inputs = saved
