"""`from_generator`: elements that Python code yields."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from penstock.api.data_structure import Structure, value_of
from penstock.core import data_nest
from penstock.core.composite_tensor import CompositeTensor
from penstock.core.dtypes import as_dtype
from penstock.core.errors import InvalidArgumentError, OpError
from penstock.core.tensor_shape import TensorShape
from penstock.core.type_spec import TensorSpec, TypeSpec
from penstock.data.dataset.base import DatasetV2, source
from penstock.data.dataset.tensors import Source
from penstock.data.run import Run
from penstock.ops.dataset import Element
from penstock.runtime.context import graph_scope
from penstock.runtime.convert import convert_to_tensor, to_numpy
from penstock.runtime.tensor import Tensor


class _Generated(Iterator[Element]):
    """Elements of a Python iterator, checked and converted; errors end it."""

    def __init__(
        self, generator: Callable[..., Any], arguments: Sequence[Any], structure: Structure
    ) -> None:
        self._generator = generator
        self._arguments = arguments
        self._structure = structure
        self._values: Iterator[Any] | None = None

    def __next__(self) -> Element:
        # The graph or tape that is in force around the consumer is not the generator's.
        with graph_scope(None):
            try:
                if self._values is None:
                    self._values = iter(self._generator(*self._arguments))
                return self._convert(next(self._values))
            except StopIteration:
                self._values = iter(())
                raise
            except OpError:
                raise
            except Exception as error:
                raise InvalidArgumentError(f"{type(error).__name__}: {error}") from error

    def _convert(self, element: Any) -> Element:
        spec = self._structure.spec
        try:
            leaves = data_nest.flatten_up_to(spec, element)
        except (TypeError, ValueError) as error:
            raise TypeError(
                "`generator` yielded an element that did not match the expected structure. The "
                f"expected structure was {self._names(spec)}, but the yielded element was "
                f"{element}."
            ) from error
        if self._structure.dense:
            return tuple(map(_value, leaves, self._structure.leaves))
        values: list[Any] = []
        for leaf, part in zip(leaves, self._structure.leaves, strict=True):
            if isinstance(part, TensorSpec):
                values.append(_value(leaf, part))
            else:
                values.extend(_composite_values(leaf, part))
        return tuple(values)

    @staticmethod
    def _names(spec: Any) -> Any:
        return data_nest.map_structure(lambda leaf: getattr(leaf, "dtype", leaf), spec)


def _value(leaf: Any, spec: TensorSpec) -> Any:
    dtype = spec.dtype
    if type(leaf) is np.ndarray and leaf.dtype is dtype.np and leaf.dtype != object:
        # A copy, because the generator may fill the same array again.
        array = leaf.copy()
    else:
        array = _converted(leaf, spec)
    if not spec.shape.is_compatible_with(array.shape):
        raise TypeError(
            f"`generator` yielded an element of shape {array.shape} where an element of shape "
            f"{spec.shape} was expected."
        )
    return array


def _converted(leaf: Any, spec: TensorSpec) -> Any:
    dtype = spec.dtype
    try:
        if isinstance(leaf, Tensor):
            return value_of(convert_to_tensor(leaf, dtype))
        array = to_numpy(leaf)
        if array.dtype == dtype.np:
            return array
        if (array.dtype == object) != (dtype.np == object):
            raise TypeError(f"{array.dtype} is not {dtype.name}")
        with np.errstate(all="ignore"):
            return array.astype(dtype.np)
    except (TypeError, ValueError, OverflowError) as error:
        raise TypeError(
            "`generator` yielded an element that could not be converted to the expected type. "
            f"The expected type was {dtype.name}, but the yielded element was {leaf}."
        ) from error


def _composite_values(leaf: Any, spec: TypeSpec) -> list[Any]:
    if isinstance(leaf, CompositeTensor) and not spec.is_compatible_with(leaf):
        raise TypeError(
            f"`generator` yielded an element of {leaf} where an element of {spec} was expected."
        )
    return [value_of(tensor) for tensor in spec._to_tensor_list(leaf)]


class _FlatMapGeneratorDataset(Source):
    def __init__(
        self, generator: Callable[..., Any], structure: Structure, arguments: Sequence[Any]
    ) -> None:
        self._generator = generator
        super().__init__(structure, arguments)

    def _start(self, run: Run) -> Iterator[Element]:
        arguments = [np.asarray(part)[()] for part in self._operands]
        return _Generated(self._generator, arguments, self._structure)


def _signature(output_types: Any, output_shapes: Any, output_signature: Any) -> Any:
    if output_signature is None and output_types is None:
        raise TypeError(
            "To specify the output signature you need to provide either the "
            "`output_signature` argument or the `output_types` argument."
        )
    if output_signature is not None:
        for name, given in (("output_types", output_types), ("output_shapes", output_shapes)):
            if given is not None:
                raise TypeError(
                    f"The `{name}` argument can not be used together with the "
                    "`output_signature` argument."
                )
        for spec in data_nest.flatten(output_signature):
            if not isinstance(spec, TypeSpec):
                raise TypeError(
                    "`output_signature` must contain objects that are subclass of "
                    f"`tf.TypeSpec` but found {type(spec)} which is not."
                )
        return output_signature
    types = data_nest.map_structure(as_dtype, output_types)
    if output_shapes is None:
        return data_nest.map_structure(lambda kind: TensorSpec(None, kind), types)
    shapes = data_nest.map_structure_up_to(types, TensorShape, output_shapes)
    return data_nest.map_structure_up_to(types, TensorSpec, shapes, types)


@source
def from_generator(
    generator: Callable[..., Any],
    output_types: Any = None,
    output_shapes: Any = None,
    args: Any = None,
    output_signature: Any = None,
    name: str | None = None,
) -> DatasetV2:
    """Return a dataset of what a Python generator yields.

    Args:
        generator: called for each iterator, with the values of `args`; gives an iterable.
        output_types: dtypes of an element; `output_signature` says more.
        output_shapes: shapes of an element, unknown unless given.
        args: tensors whose values are the arguments of `generator`.
        output_signature: specs of an element.
        name: accepted for compatibility.

    Raises:
        TypeError: `generator` cannot be called, or elements are not described.

    Errors of the generator, and elements that do not fit, raise `InvalidArgumentError` with the
    Python message when the iterator gets there.

    Example:
        >>> from penstock.core.type_spec import TensorSpec
        >>> spec = TensorSpec([None], "int32")
        >>> parts = lambda: iter([[1], [2, 3]])
        >>> dataset = DatasetV2.from_generator(parts, output_signature=spec)
        >>> [part.tolist() for part in dataset.as_numpy_iterator()]
        [[1], [2, 3]]
    """
    if not callable(generator):
        raise TypeError("`generator` must be a Python callable.")
    structure = Structure(_signature(output_types, output_shapes, output_signature))
    tensors = [convert_to_tensor(arg) for arg in (() if args is None else tuple(args))]
    return _FlatMapGeneratorDataset(generator, structure, [value_of(t) for t in tensors])
