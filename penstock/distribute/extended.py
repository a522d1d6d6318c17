"""What libraries such as Keras ask of a strategy beyond its public methods."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from penstock.distribute.values import ReduceOp


class _Strategy(Protocol):
    def run(self, fn: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call `fn` on every replica."""


class StrategyExtended:
    """The library side of a strategy with one replica.

    Args:
        container_strategy: the strategy that this belongs to.
        device: name of its device; None for the default one.
    """

    def __init__(self, container_strategy: _Strategy, device: str | None = None) -> None:
        self._strategy = container_strategy
        self._device = device or "/replica:0/task:0/device:CPU:0"

    @property
    def worker_devices(self) -> tuple[str, ...]:
        """Devices that run replicas."""
        return (self._device,)

    @property
    def parameter_devices(self) -> tuple[str, ...]:
        """Devices that hold variables."""
        return (self._device,)

    @property
    def experimental_require_static_shapes(self) -> bool:
        """False: shapes may vary."""
        return False

    @property
    def should_checkpoint(self) -> bool:
        """True: this process writes checkpoints."""
        return True

    @property
    def should_save_summary(self) -> bool:
        """True: this process writes summaries."""
        return True

    @property
    def _num_replicas_in_sync(self) -> int:
        return 1

    def _in_multi_worker_mode(self) -> bool:
        return False

    def _use_merge_call(self) -> bool:
        return False

    def call_for_each_replica(
        self, fn: Callable[..., Any], args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        """Call `fn` on every replica."""
        return self._strategy.run(fn, args, kwargs)

    def update(
        self,
        var: Any,
        fn: Callable[..., Any],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
        group: bool = True,
    ) -> Any:
        """Call `fn(var, *args)` for every copy of a variable."""
        del group
        return fn(var, *args, **(kwargs or {}))

    def update_non_slot(
        self,
        colocate_with: Any,
        fn: Callable[..., Any],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
        group: bool = True,
    ) -> Any:
        """Call `fn(*args)` on the devices of `colocate_with`."""
        del colocate_with, group
        return fn(*args, **(kwargs or {}))

    @contextmanager
    def colocate_vars_with(self, colocate_with_variable: Any) -> Iterator[None]:
        """Make variables where another one is: with one device there is one place."""
        del colocate_with_variable
        yield

    def variable_created_in_scope(self, v: Any) -> bool:
        """Whether a variable was made under this strategy; with one replica any may be used."""
        del v
        return True

    def value_container(self, value: Any) -> Any:
        """What holds all copies of a value."""
        return value

    def read_var(self, v: Any) -> Any:
        """Read a variable."""
        return v.read_value()

    def reduce_to(
        self, reduce_op: Any, value: Any, destinations: Any, options: Any = None
    ) -> Any:
        """Put values together and place the result."""
        del destinations, options
        ReduceOp.from_value(reduce_op)
        return value

    def batch_reduce_to(
        self, reduce_op: Any, value_destination_pairs: Iterable[Any], options: Any = None
    ) -> list[Any]:
        """Put several values together and place the results."""
        return [
            self.reduce_to(reduce_op, value, place, options)
            for value, place in value_destination_pairs
        ]

    def broadcast_to(self, tensor: Any, destinations: Any) -> Any:
        """Copy a tensor to devices."""
        del destinations
        return tensor

    def non_slot_devices(self, var_list: Any) -> str:
        """Device for variables that belong to no other."""
        del var_list
        return self._device
