"""`tf.data.Iterator`: elements of a dataset one after the other, in functions too."""

from __future__ import annotations

import collections.abc
import json
from abc import abstractmethod
from collections.abc import Callable, Sequence
from collections.abc import Iterator as PythonIterator
from typing import Any, Protocol

from penstock.api.data_optional import Optional, optional_from_handle
from penstock.api.data_structure import Structure, numpy_of
from penstock.core import data_nest, dtypes
from penstock.core.composite_tensor import CompositeTensor
from penstock.core.errors import InvalidArgumentError, OpError
from penstock.core.tensor_shape import TensorShape
from penstock.core.type_spec import TensorSpec, TypeSpec
from penstock.core.user_code import shorten
from penstock.data.run import Run
from penstock.function.autograph.operators import graph_loop
from penstock.ops.dataset import Element, IteratorResource
from penstock.runtime.context import state
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.tensor import EagerTensor, wrap
from penstock.runtime.trackable import Trackable


class Source(Protocol):
    """A dataset, as far as iterators know it."""

    @property
    def _structure(self) -> Structure:
        """Structure of the elements."""

    def _start(self, run: Run) -> PythonIterator[Element]:
        """Return a fresh iterator over the values of elements."""

    def _new_run(self, drawn: Any = None) -> Run:
        """Return what the stages of a fresh iterator share."""

    @property
    def _variant_tensor(self) -> Any:
        """The dataset as a tensor."""


class IteratorBase(collections.abc.Iterator[Any], Trackable, CompositeTensor):
    """Base of iterators over datasets.

    Source: `tf.data.Iterator`.
    """

    @property
    @abstractmethod
    def element_spec(self) -> Any:
        """Spec of the elements."""

    @abstractmethod
    def get_next(self) -> Any:
        """Return the next element.

        Raises:
            OutOfRangeError: there is none.
        """

    @abstractmethod
    def get_next_as_optional(self) -> Optional:
        """Return the next element as an optional, which is empty at the end."""


class OwnedIterator(IteratorBase):
    """An iterator that frees what it holds when it is dropped.

    Args:
        dataset: the dataset; None when `resource` is given.
        resource: handle of an iterator that exists already.
        structure: structure of its elements.
    """

    def __init__(
        self,
        dataset: Source | None = None,
        resource: Any = None,
        structure: Structure | None = None,
    ) -> None:
        self._dataset = dataset
        self._run: Run | None = None
        if dataset is None:
            assert structure is not None
            self._structure = structure
            self._iterator_resource = resource
            return
        self._structure = dataset._structure
        if state.graph is None:
            self._run = dataset._new_run()
            behind = IteratorResource(dataset._start(self._run))
            self._iterator_resource = wrap(behind, dtypes.resource)
        else:
            self._iterator_resource = call("AnonymousIteratorV3", **self._attrs())
            call("MakeIterator", dataset._variant_tensor, self._iterator_resource)

    def _attrs(self) -> dict[str, Any]:
        return {
            "output_types": self._structure.types,
            "output_shapes": self._structure.shapes,
        }

    @property
    def element_spec(self) -> Any:
        """Spec of the elements."""
        return self._structure.spec

    @property
    def _element_spec(self) -> Any:
        return self._structure.spec

    def __iter__(self) -> OwnedIterator:
        return self

    def __next__(self) -> Any:
        try:
            resource = self._iterator_resource
            if state.graph is None and isinstance(resource, EagerTensor):
                return self._structure.wrap(resource._value.take())
            return self.get_next()
        except OpError as error:
            shorten(error)
            raise

    def next(self) -> Any:
        """Return the next element; `StopIteration` at the end."""
        return self.__next__()

    def get_next(self, name: str | None = None) -> Any:
        """Return the next element.

        Raises:
            OutOfRangeError: there is none.
        """
        tensors = call("IteratorGetNext", self._iterator_resource, name=name, **self._attrs())
        return self._structure.build(tensors)

    def get_next_as_optional(self) -> Optional:
        """Return the next element as an optional, which is empty at the end."""
        handle = call("IteratorGetNextAsOptional", self._iterator_resource, **self._attrs())
        return optional_from_handle(handle, self._structure.spec)

    def autograph_for(
        self,
        extra_test: Callable[[], Any] | None,
        body: Callable[[Any], None],
        get_state: Callable[[], Any],
        set_state: Callable[[Any], None],
        symbol_names: Sequence[str],
        opts: dict[str, Any],
    ) -> None:
        """Write down a `for` statement over this iterator as a loop of the graph in force."""

        def test(_: Any) -> Any:
            more = call("_IteratorHasNext", self._iterator_resource)
            return more if extra_test is None else call("LogicalAnd", more, extra_test())

        def step(_: Any) -> None:
            body(self.get_next())

        graph_loop(test, step, 0, get_state, set_state, symbol_names, opts)

    @property
    def _type_spec(self) -> IteratorSpec:
        return IteratorSpec(self._structure.spec)

    # -- checkpoints -----------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Return the place of the iterator: elements taken, and seeds of its random choices.

        Raises:
            InvalidArgumentError: the iterator belongs to a function.
        """
        if self._run is None:
            raise InvalidArgumentError(
                "only an iterator made by iter(dataset) outside of functions can be saved"
            )
        return {
            "position": self._iterator_resource._value.position,
            "drawn": [list(drawn) for drawn in self._run.drawn],
        }

    def restore(self, place: dict[str, Any]) -> None:
        """Go to a place that `state` gave, by taking elements anew up to there.

        Raises:
            InvalidArgumentError: the dataset has fewer elements, or is not known.
        """
        dataset = self._dataset
        if dataset is None or self._run is None:
            raise InvalidArgumentError(
                "only an iterator made by iter(dataset) outside of functions can be restored"
            )
        position = int(place["position"])
        self._run = dataset._new_run([tuple(drawn) for drawn in place["drawn"]])
        source = dataset._start(self._run)
        for taken in range(position):
            if next(source, None) is None:
                raise InvalidArgumentError(
                    f"the iterator to restore stood after {position} elements, but its dataset "
                    f"has {taken}"
                )
        self._iterator_resource._value.set_source(source, position)

    def _serialize_to_tensors(self) -> dict[str, Any]:
        return {"ITERATOR": convert_to_tensor(json.dumps(self.state()))}

    def _restore_from_tensors(self, restored_tensors: dict[str, Any]) -> Any:
        self.restore(json.loads(bytes(restored_tensors["ITERATOR"].numpy())))

    # -- older names -----------------------------------------------------------------------

    @property
    def output_types(self) -> Any:
        """Dtypes of the elements."""
        return data_nest.map_structure(lambda spec: spec.dtype, self.element_spec)

    @property
    def output_shapes(self) -> Any:
        """Shapes of the elements."""
        return data_nest.map_structure(lambda spec: spec.shape, self.element_spec)

    @property
    def output_classes(self) -> Any:
        """Classes of the elements."""
        return data_nest.map_structure(lambda spec: spec.value_type, self.element_spec)


class IteratorSpec(TypeSpec):
    """Spec of an iterator: that of its elements, whatever dataset they come from.

    Args:
        element_spec: spec of the elements.

    Source: `tf.data.IteratorSpec`.
    """

    __slots__ = ("_element_spec",)

    def __init__(self, element_spec: Any) -> None:
        self._element_spec = element_spec

    @property
    def value_type(self) -> type:
        """The class of iterators."""
        return OwnedIterator

    @staticmethod
    def from_value(value: OwnedIterator) -> IteratorSpec:
        """Return the spec of an iterator."""
        return IteratorSpec(value.element_spec)

    def _serialize(self) -> tuple[Any, ...]:
        return (self._element_spec,)

    @property
    def _component_specs(self) -> Any:
        return TensorSpec(TensorShape(()), dtypes.resource)

    def _to_components(self, value: Any) -> Any:
        return value._iterator_resource

    def _from_components(self, components: Any) -> Any:
        return OwnedIterator(resource=components, structure=Structure(self._element_spec))


class NumpyIterator:
    """Elements of a dataset as numpy values."""

    def __init__(self, dataset: Any) -> None:
        self._iterator = iter(dataset)

    def __iter__(self) -> NumpyIterator:
        return self

    def __next__(self) -> Any:
        return numpy_of(next(self._iterator))

    def next(self) -> Any:
        """Return the next element."""
        return self.__next__()

    def save(self) -> Any:
        """Return the place of the iterator as a string tensor, for `restore`."""
        return convert_to_tensor(json.dumps(self._iterator.state()))

    def restore(self, state: Any) -> None:
        """Go to a place that `save` gave.

        Raises:
            InvalidArgumentError: the dataset has fewer elements, or is not known.
        """
        self._iterator.restore(json.loads(bytes(convert_to_tensor(state).numpy())))
