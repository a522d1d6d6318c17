"""Iterators, datasets and optional values, which stand behind handles; all of it on the host.

A kernel gets the object behind a handle. What it needs of a dataset is `_element_source()`: a
fresh iterator over elements, each a tuple of values, one for each tensor of the element.
"""

# ruff: noqa: SLF001  (what datasets and kernels agree on is no part of the public Dataset)

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from penstock.core.errors import InvalidArgumentError, OutOfRangeError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.table import REQUIRED, TYPE_LIST, op

Array = Any
Element = tuple[Any, ...]


class Elements(Protocol):
    """A dataset, as far as kernels know it."""

    def _element_source(self) -> Iterator[Element]:
        """Return a fresh iterator."""


class IteratorResource:
    """What stands behind the handle of an iterator: a source, for one thread at a time.

    `position` counts the elements taken, so that an iterator can be brought back to its place.
    """

    __slots__ = ("__weakref__", "_lock", "_next", "_source", "position")

    def __init__(self, source: Iterator[Element] | None = None) -> None:
        self._lock = threading.Lock()
        self._source = source
        self._next: Element | None = None
        self.position = 0

    def set_source(self, source: Iterator[Element], position: int = 0) -> None:
        """Take elements from `source` from here on."""
        with self._lock:
            self._source = source
            self._next = None
            self.position = position

    def take(self) -> Element:
        """Return the next element.

        Raises:
            StopIteration: there is none.
        """
        with self._lock:
            element = self._next
            if element is None:
                element = self._advance()
            self._next = None
            self.position += 1
            return element

    def has_next(self) -> bool:
        """Whether there is a next element; it is kept for `take`."""
        with self._lock:
            if self._next is None:
                try:
                    self._next = self._advance()
                except StopIteration:
                    return False
            return True

    def _advance(self) -> Element:
        if self._source is None:
            raise InvalidArgumentError(
                "an iterator must be given a dataset before it is used; call MakeIterator"
            )
        return next(self._source)


class OptionalValue:
    """An element, or nothing: what stands behind the handle of an optional.

    `values` is None when there is nothing.
    """

    __slots__ = ("values",)

    def __init__(self, values: Element | None) -> None:
        self.values = values


def _given_shapes(*_: Any, output_shapes: Sequence[Any], **__: Any) -> tuple[TensorShape, ...]:
    return tuple(TensorShape(shape) for shape in output_shapes)


def _scalar(*_: Any, **__: Any) -> TensorShape:
    return TensorShape(())


_TYPES: dict[str, Any] = {"output_types": TYPE_LIST, "output_shapes": REQUIRED}


@op(
    "AnonymousIteratorV3",
    outputs=("handle: resource",),
    attrs={"output_types": REQUIRED, "output_shapes": REQUIRED},
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=_scalar,
)
def anonymous_iterator_v3(*, output_types: Any, output_shapes: Any) -> IteratorResource:  # noqa: ARG001
    """Make an iterator that has no dataset yet.

    Shape: handle scalar.
    """
    return IteratorResource()


@op(
    "MakeIterator",
    inputs=("dataset: variant", "iterator: resource"),
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=lambda *_, **__: (),
)
def make_iterator(dataset: Elements, iterator: IteratorResource) -> tuple[()]:
    """Let an iterator start at the first element of a dataset.

    Shape: dataset scalar, iterator scalar; nothing comes out.
    """
    iterator.set_source(dataset._element_source())
    return ()


@op(
    "IteratorGetNext",
    inputs=("iterator: resource",),
    outputs=("components: output_types",),
    attrs=_TYPES,
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=_given_shapes,
)
def iterator_get_next(
    iterator: IteratorResource,
    *,
    output_types: Any,  # noqa: ARG001
    output_shapes: Any,  # noqa: ARG001
) -> Element:
    """The next element of an iterator.

    Shape: iterator scalar -> components [...] each.
    Errors: OutOfRangeError when there is none.
    """
    try:
        return iterator.take()
    except StopIteration:
        raise OutOfRangeError("End of sequence") from None


@op(
    "IteratorGetNextAsOptional",
    inputs=("iterator: resource",),
    outputs=("optional: variant",),
    attrs={"output_types": REQUIRED, "output_shapes": REQUIRED},
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=_scalar,
)
def iterator_get_next_as_optional(
    iterator: IteratorResource,
    *,
    output_types: Any,  # noqa: ARG001
    output_shapes: Any,  # noqa: ARG001
) -> OptionalValue:
    """The next element of an iterator, or an empty optional at its end.

    Shape: iterator scalar -> optional scalar.
    """
    try:
        return OptionalValue(iterator.take())
    except StopIteration:
        return OptionalValue(None)


@op(
    "_IteratorHasNext",
    inputs=("iterator: resource",),
    outputs=("has_next: bool",),
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=_scalar,
)
def iterator_has_next(iterator: IteratorResource) -> Array:
    """Whether an iterator has another element, which it keeps for the next call.

    Shape: iterator scalar -> has_next scalar.
    """
    return np.bool_(iterator.has_next())


# Rows of variants are marked stateful, so that nobody folds an object into a constant;
# `_effects` says that they may be dropped all the same.
_PURE: dict[str, Any] = {"_effects": False}


@op(
    "OptionalFromValue",
    inputs=("components: Toutput_types",),
    outputs=("optional: variant",),
    attrs={"Toutput_types": TYPE_LIST, **_PURE},
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=_scalar,
)
def optional_from_value(components: Element, **_: Any) -> OptionalValue:
    """Wrap an element.

    Shape: components [...] each -> optional scalar.
    """
    return OptionalValue(tuple(components))


@op(
    "OptionalNone",
    outputs=("optional: variant",),
    attrs=_PURE,
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=_scalar,
)
def optional_none(**_: Any) -> OptionalValue:
    """Make an optional without a value.

    Shape: optional scalar.
    """
    return OptionalValue(None)


@op(
    "OptionalHasValue",
    inputs=("optional: variant",),
    outputs=("has_value: bool",),
    attrs=_PURE,
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=_scalar,
)
def optional_has_value(optional: OptionalValue, **_: Any) -> Array:
    """Whether an optional has a value.

    Shape: optional scalar -> has_value scalar.
    """
    return np.bool_(optional.values is not None)


@op(
    "OptionalGetValue",
    inputs=("optional: variant",),
    outputs=("components: output_types",),
    attrs={**_TYPES, **_PURE},
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=_given_shapes,
)
def optional_get_value(optional: OptionalValue, **_: Any) -> Element:
    """The value of an optional.

    Shape: optional scalar -> components [...] each.
    Errors: InvalidArgumentError when there is none.
    """
    if optional.values is None:
        raise InvalidArgumentError("The given optional does not have a value.")
    return optional.values


@op(
    "_DatasetFromTemplate",
    inputs=("components: Tcomponents",),
    outputs=("handle: variant",),
    attrs={"Tcomponents": TYPE_LIST, "template": REQUIRED, **_PURE},
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=_scalar,
)
def dataset_from_template(components: Element, *, template: Any, **_: Any) -> Elements:
    """A dataset that depends on tensors: `template` makes it of their values.

    Shape: components [...] each -> handle scalar.
    """
    dataset: Elements = template(components)
    return dataset


@op(
    "DatasetCardinality",
    inputs=("input_dataset: variant",),
    outputs=("cardinality: int64",),
    attrs={"cardinality_options": "", **_PURE},
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=_scalar,
)
def dataset_cardinality(input_dataset: Any, **_: Any) -> Array:
    """Number of elements of a dataset, -1 when it has no end, -2 when nobody knows.

    Shape: input_dataset scalar -> cardinality scalar.
    """
    return np.int64(input_dataset._known_cardinality())


@op(
    "DatasetToSingleElement",
    inputs=("dataset: variant",),
    outputs=("components: output_types",),
    attrs={**_TYPES, "metadata": ""},
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=_given_shapes,
)
def dataset_to_single_element(dataset: Elements, **_: Any) -> Element:
    """The only element of a dataset.

    Shape: dataset scalar -> components [...] each.
    Errors: InvalidArgumentError when there is none, or more than one.
    """
    source = dataset._element_source()
    element = next(source, None)
    if element is None:
        raise InvalidArgumentError("Dataset was empty.")
    if next(source, None) is not None:
        raise InvalidArgumentError("Dataset had more than one element.")
    return element


@op(
    "ReduceDataset",
    inputs=(
        "input_dataset: variant",
        "initial_state: Tstate",
        "other_arguments: Targuments",
    ),
    outputs=("components: output_types",),
    attrs={
        "f": REQUIRED,
        "Tstate": TYPE_LIST,
        "Targuments": TYPE_LIST,
        **_TYPES,
        "use_inter_op_parallelism": True,
        "metadata": "",
    },
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=_given_shapes,
)
def reduce_dataset(
    input_dataset: Elements,
    initial_state: Element,
    other_arguments: Element,
    *,
    f: Any,
    **_: Any,
) -> Element:
    """Fold the elements of a dataset into a state.

    `f(other_arguments)` gives the function of a state and an element that gives the next state.

    Shape: input_dataset scalar, initial_state [...] each, other_arguments [...] each ->
        components [...] each.
    """
    state = tuple(initial_state)
    step = f(other_arguments)
    for element in input_dataset._element_source():
        state = step(state + element)
    return state
