"""Datasets whose batches are shared out among the replicas."""

# ruff: noqa: SLF001  (the underscored methods are the protocol of specs)

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from penstock.api.data_optional import Optional, optional_from_handle
from penstock.core import dtypes, nest
from penstock.core.composite_tensor import CompositeTensor
from penstock.core.errors import UnimplementedError
from penstock.core.type_spec import TypeSpec
from penstock.distribute.values import PerReplica, PerReplicaSpec
from penstock.runtime.context import state
from penstock.runtime.dispatch import call
from penstock.runtime.ragged_tensor import RaggedTensor
from penstock.runtime.tensor import Tensor

# Key of the parts of a batch in the elements of the dataset within.
PARTS = "__parts_of_replicas__"


class DistributedDataset:
    """A dataset whose elements hold, in place of each batch, the part of each replica.

    Args:
        shared: dataset whose elements have `{PARTS: (part, ...)}` in place of each batch.
    """

    def __init__(self, shared: Any) -> None:
        self._shared = shared

    @property
    def element_spec(self) -> Any:
        """Spec of the elements."""
        return _packed(self._shared.element_spec, _specs)

    def __iter__(self) -> DistributedIterator:
        return DistributedIterator(iter(self._shared))

    def reduce(self, initial_state: Any, reduce_func: Callable[[Any, Any], Any]) -> Any:
        """Fold the elements into one value.

        Args:
            initial_state: the first state.
            reduce_func: function of a state and an element that gives the next state.

        Raises:
            UnimplementedError: called while a function is traced; a `for` statement over the
                elements does it there.
        """
        if state.graph is not None:
            raise UnimplementedError(
                "tf.distribute.DistributedDataset.reduce in a function; write a for statement"
            )
        result = initial_state
        for element in self:
            result = reduce_func(result, element)
        return result

    def autograph_for(self, *arguments: Any) -> None:
        """Write down a `for` statement over the elements as a loop of the graph in force."""
        iter(self).autograph_for(*arguments)


class DistributedDatasetsFromFunction(DistributedDataset):
    """A dataset that a function makes for each worker."""


class DistributedIterator(CompositeTensor):
    """An iterator over the elements of a distributed dataset.

    Args:
        inner: iterator over elements that have tuples of the parts of replicas.
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    @property
    def element_spec(self) -> Any:
        """Spec of the elements."""
        return _packed(self._inner.element_spec, _specs)

    def __iter__(self) -> DistributedIterator:
        return self

    def __next__(self) -> Any:
        return _packed(next(self._inner), _values)

    def get_next(self, name: str | None = None) -> Any:
        """Return the next element.

        Raises:
            OutOfRangeError: there is none.
        """
        del name
        return _packed(self._inner.get_next(), _values)

    def get_next_as_optional(self) -> Optional:
        """Return the next element as an optional, which is empty at the end."""
        # The parts of an element stand in the same order in both structures.
        handle = self._inner.get_next_as_optional()._variant_tensor
        return optional_from_handle(handle, self.element_spec)

    def autograph_for(
        self, extra_test: Callable[[], Any] | None, body: Callable[[Any], None], *rest: Any
    ) -> None:
        """Write down a `for` statement over the elements as a loop of the graph in force."""
        self._inner.autograph_for(
            extra_test, lambda element: body(_packed(element, _values)), *rest
        )

    @property
    def _type_spec(self) -> DistributedIteratorSpec:
        return DistributedIteratorSpec(self._inner._type_spec)


class DistributedIteratorSpec(TypeSpec):
    """Spec of an iterator over a distributed dataset.

    Args:
        inner: spec of the iterator within.
    """

    __slots__ = ("_inner",)

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    @property
    def value_type(self) -> type:
        """The class that this describes."""
        return DistributedIterator

    def _serialize(self) -> tuple[Any, ...]:
        return (self._inner,)

    @property
    def _component_specs(self) -> Any:
        return self._inner

    def _to_components(self, value: Any) -> Any:
        return value._inner

    def _from_components(self, components: Any) -> Any:
        return DistributedIterator(components)


def _values(parts: Sequence[Any]) -> Any:
    return PerReplica(parts)


def _specs(parts: Sequence[Any]) -> Any:
    return PerReplicaSpec(*parts)


def _packed(element: Any, pack: Callable[[Sequence[Any]], Any]) -> Any:
    """An element with `{PARTS: (part, ...)}` packed wherever it stands for a batch."""
    if isinstance(element, dict):
        if tuple(element) == (PARTS,):
            return pack(element[PARTS])
        return type(element)((name, _packed(item, pack)) for name, item in element.items())
    if isinstance(element, tuple) and hasattr(element, "_fields"):
        return type(element)(*(_packed(item, pack) for item in element))
    if isinstance(element, tuple):
        return tuple(_packed(item, pack) for item in element)
    return element


def share_out(dataset: Any, count: int) -> DistributedDataset:
    """Cut each batch of a dataset into one part for each replica, the last ones shorter.

    Raises:
        UnimplementedError: a batch is of a kind that cannot be cut.
    """
    several = isinstance(dataset.element_spec, tuple)

    def cut(*element: Any) -> Any:
        whole = element if several else element[0]
        return nest.map_structure(lambda leaf: _cut(leaf, count), whole)

    return DistributedDataset(dataset.map(cut))


def _cut(leaf: Any, count: int) -> Any:
    if isinstance(leaf, Optional):
        return leaf
    if not isinstance(leaf, (Tensor, RaggedTensor)):
        raise UnimplementedError(
            f"batches for several replicas must be tensors or ragged tensors, got a "
            f"{type(leaf).__name__}"
        )
    if leaf.shape.rank == 0:
        raise ValueError(
            "elements for several replicas must be batches, got a scalar; use Dataset.batch"
        )
    if isinstance(leaf, RaggedTensor):
        size = leaf.nrows(out_type=dtypes.int32)
    else:
        size = call("Shape", leaf)[0]
    share = call("FloorDiv", call("AddV2", size, count - 1), count)
    return {
        PARTS: tuple(
            leaf[call("Mul", share, i) : call("Mul", share, i + 1)] for i in range(count)
        )
    }


def alternate(dataset: Any, count: int) -> DistributedDatasetsFromFunction:
    """Give each replica one element after the other."""
    grouped = dataset.batch(count, drop_remainder=True)
    several = isinstance(dataset.element_spec, tuple)

    def apart(*element: Any) -> Any:
        whole = element if several else element[0]
        return nest.map_structure(
            lambda leaf: {PARTS: tuple(leaf[i] for i in range(count))}, whole
        )

    return DistributedDatasetsFromFunction(grouped.map(apart))
