"""`tf.data.Dataset`: what all datasets have in common.

A dataset is a description: the datasets it takes from (`parents`), the tensors it depends on
(`operands`), and how to start an iterator over elements, each a tuple of values. The
transformations live in files of their own and add themselves as methods (`method`, `source`).
"""

from __future__ import annotations

import collections.abc
import functools
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np

from penstock.api.data_structure import Structure, value_of
from penstock.core import data_nest, dtypes
from penstock.core.composite_tensor import CompositeTensor
from penstock.core.errors import InaccessibleTensorError
from penstock.core.tensor_shape import TensorShape
from penstock.core.type_spec import TensorSpec, TypeSpec
from penstock.data.iterator import NumpyIterator, OwnedIterator
from penstock.data.options import Options
from penstock.data.run import INFINITE, UNKNOWN, Drawn, Run
from penstock.graph.symbol import Symbol
from penstock.ops.dataset import Element
from penstock.runtime.context import state
from penstock.runtime.convert import convert_to_tensor, to_numpy
from penstock.runtime.dispatch import call
from penstock.runtime.tensor import EagerTensor, wrap
from penstock.runtime.trackable import Trackable


class Rows(Protocol):
    """Elements that can be had by number, one or many at once."""

    length: int

    def element(self, index: int) -> Element:
        """Return one element."""

    def gather(self, indices: Any) -> Element:
        """Return the elements at int64 [n] indices, each component stacked."""


class DatasetV2(collections.abc.Iterable[Any], Trackable, CompositeTensor):
    """A sequence of elements, each a nested structure of tensors.

    Example:
        >>> import penstock as tf
        >>> dataset = tf.data.Dataset.range(5).map(lambda x: x * x).batch(2)
        >>> [batch.tolist() for batch in dataset.as_numpy_iterator()]
        [[0, 1], [4, 9], [16]]

    Source: `tf.data.Dataset`.
    """

    def __init__(self, parents: Sequence[DatasetV2] = (), operands: Sequence[Any] = ()) -> None:
        self._parents = tuple(parents)
        self._operands = tuple(operands)
        self._symbolic: bool = any(is_symbolic(part) for part in self._operands) or any(
            parent._symbolic for parent in self._parents
        )
        if not self._symbolic:
            self._check()

    # -- what a kind of dataset defines ------------------------------------------------------

    def _check(self) -> None:
        """Check the values of the operands, as soon as they are known.

        Raises:
            InvalidArgumentError: one of them is out of range.
        """

    def _make_structure(self) -> Structure:
        """Return the structure of the elements."""
        return self._parents[0]._structure

    def _start(self, run: Run) -> Iterator[Element]:
        """Return a fresh iterator over the values of elements.

        It must survive errors: after one, the next call goes on with what follows.
        """
        raise InaccessibleTensorError(f"{self!r} cannot be iterated over outside of its graph")

    def _count(self) -> int:
        """Number of elements, `INFINITE` or `UNKNOWN`."""
        return UNKNOWN

    def _rows(self) -> Rows | None:
        """The elements by number, when they can be had so; `indices` then tells their order."""
        return None

    def _indices(self, run: Run) -> Iterator[int]:
        """Return the numbers of the elements in `rows`, in the order of the dataset."""
        raise AssertionError

    # -- elements ----------------------------------------------------------------------------

    @functools.cached_property
    def _structure(self) -> Structure:
        """Structure of the elements."""
        return self._make_structure()

    @property
    def element_spec(self) -> Any:
        """Spec of the elements: a nested structure of `tf.TypeSpec`."""
        return self._structure.spec

    def __iter__(self) -> OwnedIterator:
        """Return an iterator over the elements, as tensors."""
        return OwnedIterator(self)

    def autograph_for(self, *parts: Any) -> None:
        """Write down a `for` statement over this dataset as a loop of the graph in force."""
        iter(self).autograph_for(*parts)

    def as_numpy_iterator(self) -> NumpyIterator:
        """Return an iterator over the elements, as numpy values.

        Raises:
            TypeError: elements have parts without a numpy form, such as datasets.
        """
        for leaf in self._structure.leaves:
            if isinstance(leaf, DatasetSpec) or not (
                isinstance(leaf, TensorSpec) or hasattr(leaf, "_batch")
            ):
                raise TypeError(
                    "`tf.data.Dataset.as_numpy_iterator()` is not supported for datasets that "
                    f"produce values of type {leaf.value_type}"
                )
        return NumpyIterator(self)

    def _new_run(self, drawn: Sequence[Drawn] | None = None) -> Run:
        """Return what the stages of a fresh iterator share."""
        return Run(self.options, drawn)

    def _element_source(self) -> Iterator[Element]:
        """Return a fresh iterator over the values of elements, with a run of its own."""
        return self._start(self._new_run())

    # -- number of elements --------------------------------------------------------------------

    def cardinality(self) -> Any:
        """Return the number of elements as a tensor, `INFINITE_` or `UNKNOWN_CARDINALITY`."""
        if self._symbolic or state.graph is not None:
            return call("DatasetCardinality", self._variant_tensor)
        return wrap(np.int64(self._known_cardinality()))

    def _known_cardinality(self) -> int:
        """Number of elements, -1 when there is no end, -2 when it cannot be told."""
        return UNKNOWN if self._symbolic else self._count()

    def __len__(self) -> int:
        """Return the number of elements.

        Raises:
            TypeError: it is infinite or not known.
        """
        length = self._known_cardinality()
        if length == INFINITE:
            raise TypeError("The dataset is infinite.")
        if length == UNKNOWN:
            raise TypeError("The dataset length is unknown.")
        return length

    def __bool__(self) -> bool:
        return True

    # -- options -------------------------------------------------------------------------------

    def options(self) -> Options:
        """Return the options of this dataset and of those it takes from."""
        merged = Options()
        self._add_options(merged)
        merged._freeze()
        return merged

    def _add_options(self, merged: Options) -> None:
        """Set in `merged` what was set here and before, the latest last."""
        for parent in self._parents:
            parent._add_options(merged)

    # -- as a tensor ---------------------------------------------------------------------------

    @property
    def _variant_tensor(self) -> Any:
        """The dataset behind a handle; a symbol when it depends on tensors of a graph."""
        known = self.__dict__.get("_handle")
        tensor = known() if known is not None else None
        if tensor is None:
            tensor = self._make_variant()
            # Weakly, because the tensor refers to this dataset.
            self._handle = weakref.ref(tensor)
        return tensor

    def _make_variant(self) -> Any:
        if not self._symbolic:
            return wrap(self, dtypes.variant)
        found: dict[int, Any] = {}
        self._collect_symbols(found)
        symbols = list(found.values())
        return call("_DatasetFromTemplate", symbols, template=_Template(self, symbols))

    def _collect_symbols(self, found: dict[int, Any]) -> None:
        """Add the symbols that this dataset depends on, by their ids."""
        if self._symbolic:
            for part in self._operands:
                symbol = part.symbol if isinstance(part, _ScalarOf) else part
                if isinstance(symbol, Symbol):
                    found[id(symbol)] = symbol
            for parent in self._parents:
                parent._collect_symbols(found)

    def _bind(self, values: Mapping[int, Any]) -> DatasetV2:
        """Return this dataset with values in place of symbols."""
        if not self._symbolic:
            return self
        bound = object.__new__(type(self))
        bound.__dict__.update(self.__dict__)
        bound.__dict__.pop("_handle", None)
        bound._parents = tuple([parent._bind(values) for parent in self._parents])
        bound._operands = tuple([_bound(part, values) for part in self._operands])
        bound._symbolic = False
        bound._check()
        return bound

    @property
    def _type_spec(self) -> DatasetSpec:
        return DatasetSpec(self.element_spec)

    def _inputs(self) -> list[DatasetV2]:
        return list(self._parents)

    # -- text ----------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return f"<{type(self).__name__} element_spec={self.element_spec}>"

    def __debug_string__(self) -> str:
        """Return the transformations that make this dataset, one a line, the last one first."""
        lines: list[str] = []
        stack: list[tuple[DatasetV2, int]] = [(self, 0)]
        while stack:
            dataset, depth = stack.pop()
            lines.append("--" * depth + repr(dataset))
            stack.extend((parent, depth + 1) for parent in reversed(dataset._parents))
        return "\n".join(lines)


class _ScalarOf:
    """A symbol whose value is to become a Python number."""

    __slots__ = ("symbol",)

    def __init__(self, symbol: Symbol) -> None:
        self.symbol = symbol


def is_symbolic(operand: Any) -> bool:
    """Whether an operand is known only when the graph runs."""
    return isinstance(operand, (Symbol, _ScalarOf))


def _bound(part: Any, values: Mapping[int, Any]) -> Any:
    if isinstance(part, _ScalarOf):
        return np.asarray(values[id(part.symbol)]).item()
    return values[id(part)] if isinstance(part, Symbol) else part


class _Template:
    """Makes a dataset of the values of the symbols that it depends on."""

    def __init__(self, dataset: DatasetV2, symbols: Sequence[Any]) -> None:
        self._dataset = dataset
        self._keys = [id(symbol) for symbol in symbols]

    def __call__(self, values: Sequence[Any]) -> DatasetV2:
        return self._dataset._bind(dict(zip(self._keys, values, strict=True)))


class _VariantDataset(DatasetV2):
    """The dataset behind a variant tensor of a graph."""

    def __init__(self, variant_tensor: Any, element_spec: Any) -> None:
        self._spec = element_spec
        super().__init__(operands=(variant_tensor,))

    def _make_structure(self) -> Structure:
        return Structure(self._spec)

    def _make_variant(self) -> Any:
        return self._operands[0]

    def _bind(self, values: Mapping[int, Any]) -> DatasetV2:
        bound: DatasetV2 = values[id(self._operands[0])]
        return bound


class DatasetSpec(TypeSpec):
    """Spec of a dataset: that of its elements.

    Args:
        element_spec: spec of the elements.
        dataset_shape: shape of a tensor of datasets; accepted for compatibility.

    Source: `tf.data.DatasetSpec`.
    """

    __slots__ = ("_dataset_shape", "_element_spec")

    def __init__(self, element_spec: Any, dataset_shape: Any = ()) -> None:
        self._element_spec = element_spec
        self._dataset_shape = TensorShape(dataset_shape)

    @property
    def element_spec(self) -> Any:
        """Spec of the elements."""
        return self._element_spec

    @property
    def value_type(self) -> type:
        """The class of datasets."""
        return DatasetV2

    @staticmethod
    def from_value(value: DatasetV2) -> DatasetSpec:
        """Return the spec of a dataset."""
        return DatasetSpec(value.element_spec)

    def _serialize(self) -> tuple[Any, ...]:
        return self._element_spec, self._dataset_shape

    @property
    def _component_specs(self) -> Any:
        return TensorSpec(self._dataset_shape, dtypes.variant)

    def _to_components(self, value: Any) -> Any:
        return value._variant_tensor

    def _from_components(self, components: Any) -> Any:
        if isinstance(components, EagerTensor) and isinstance(components._value, DatasetV2):
            return components._value
        return _VariantDataset(components, self._element_spec)


# -- for transformations ------------------------------------------------------------------

T = TypeVar("T")


def method(function: T) -> T:
    """Make a function of a dataset a method of all datasets, under its name."""
    setattr(DatasetV2, _public_name(function), function)
    return function


def source(function: T) -> T:
    """Make a function that gives a dataset a static method of `Dataset`, under its name."""
    setattr(DatasetV2, _public_name(function), staticmethod(function))  # type: ignore[arg-type]
    return function


def _public_name(function: Any) -> str:
    """The function's name, without the underscore that keeps it apart from Python's own."""
    name: str = function.__name__.rstrip("_")
    function.__name__ = name
    function.__qualname__ = f"DatasetV2.{name}"
    return name


def scalar(value: Any, dtype: Any, name: str) -> Any:
    """Turn an argument into a Python number or bool, at once or when its value is known.

    Raises:
        ValueError: a tensor of another dtype, or one that is no scalar.
        TypeError: a value that does not fit the dtype.
    """
    if isinstance(value, (int, float, str, bytes, np.ndarray, np.generic)):
        found: Any = to_numpy(value, dtype)
    else:
        tensor = convert_to_tensor(value, dtype, name=name)
        found = value_of(tensor)
        if isinstance(found, Symbol) and found.static_value is not None:
            found = found.static_value
    rank = found.shape.rank if isinstance(found, Symbol) else np.ndim(found)
    if rank not in {0, None}:
        raise ValueError(f"`{name}` must be a scalar, got shape {found.shape}")
    return _ScalarOf(found) if isinstance(found, Symbol) else np.asarray(found).item()


class Reordering(DatasetV2):
    """A dataset of the elements of another, some or all of them, in another order.

    Where the elements can be had by number, their numbers are reordered in their place.
    """

    def _reorder(self, run: Run, make: Callable[[], Iterator[T]]) -> Iterator[T]:
        """Return items of the iterators that `make` gives, which all are alike."""
        raise AssertionError

    def _start(self, run: Run) -> Iterator[Element]:
        rows = self._rows()
        if rows is not None:
            return map(rows.element, self._indices(run))
        parent = self._parents[0]
        return self._reorder(run, lambda: parent._start(run))

    def _rows(self) -> Rows | None:
        return self._parents[0]._rows()

    def _indices(self, run: Run) -> Iterator[int]:
        parent = self._parents[0]
        return self._reorder(run, lambda: parent._indices(run))


def check_datasets(datasets: Any, caller: str) -> list[DatasetV2]:
    """Return the datasets in a structure.

    Raises:
        TypeError: it holds something else.
    """
    flat = data_nest.flatten(datasets)
    for each in flat:
        if isinstance(each, list):
            raise TypeError(
                f"Invalid input to `{caller}`. Inputs are expected to be (nested) structures "
                "of `tf.data.Dataset` objects. Python `list` is not supported and you should "
                "use `tuple` instead."
            )
        if not isinstance(each, DatasetV2):
            raise TypeError(
                f"Invalid input to `{caller}`. Inputs are expected to be (nested) structures "
                f"of `tf.data.Dataset` objects but encountered object of type {type(each)}."
            )
    return flat
