"""`group_by_window` and `bucket_by_sequence_length`: elements gathered by a key."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from penstock.api.data_structure import Structure
from penstock.core import data_nest, dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.core.type_spec import TensorSpec
from penstock.data.dataset.base import DatasetSpec, DatasetV2, method
from penstock.data.dataset.padded_batch import as_shape
from penstock.data.dataset.tensors import Source
from penstock.data.element_function import ElementFunction, Runner, converted
from penstock.data.run import Run
from penstock.ops.dataset import Element
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call

_KEY = TensorSpec(TensorShape(()), dtypes.int64)


class _GroupDataset(Source):
    """The elements of one group."""

    def __init__(self, structure: Structure, elements: Sequence[Element]) -> None:
        self._elements = elements
        super().__init__(structure)

    def _start(self, run: Run) -> Iterator[Element]:
        return iter(self._elements)

    def _count(self) -> int:
        return len(self._elements)


class _Grouped(Iterator[Element]):
    """Collects elements by key; a group that is full is reduced to elements that come out."""

    def __init__(
        self,
        elements: Iterator[Element],
        functions: tuple[Runner, Runner, Runner],
        structure: Structure,
        run: Run,
    ) -> None:
        self._elements = elements
        self._key, self._reduce, self._size = functions
        self._structure = structure
        self._run = run
        self._groups: dict[int, list[Element]] = {}
        self._sizes: dict[int, int] = {}
        self._now: Iterator[Element] = iter(())

    def __next__(self) -> Element:
        while True:
            try:
                return next(self._now)
            except StopIteration:
                self._now = self._next_group()

    def _next_group(self) -> Iterator[Element]:
        for element in self._elements:
            key = int(self._key(element)[0])
            group = self._groups.setdefault(key, [])
            group.append(element)
            if len(group) >= self._size_of(key):
                return self._reduced(key)
        if not self._groups:
            raise StopIteration
        # What is left comes out in the order of the keys.
        return self._reduced(min(self._groups))

    def _size_of(self, key: int) -> int:
        size = self._sizes.get(key)
        if size is None:
            size = self._sizes[key] = int(self._size((np.int64(key),))[0])
            if size <= 0:
                raise InvalidArgumentError(
                    f"Window size must be greater than zero, but got {size}."
                )
        return size

    def _reduced(self, key: int) -> Iterator[Element]:
        group = _GroupDataset(self._structure, self._groups.pop(key))
        self._sizes.pop(key, None)
        dataset = self._reduce((np.int64(key), group))[0]
        started: Iterator[Element] = dataset._start(self._run)
        return started


class _GroupByWindowDataset(DatasetV2):
    def __init__(self, parent: DatasetV2, functions: tuple[ElementFunction, ...]) -> None:
        self._functions = functions
        super().__init__((parent,), [part for f in functions for part in f.captured])

    def _make_structure(self) -> Structure:
        return Structure(self._functions[1].output.spec.element_spec)

    def _start(self, run: Run) -> Iterator[Element]:
        runners = []
        begin = 0
        for function in self._functions:
            end = begin + len(function.captured)
            runners.append(function.start(self._operands[begin:end], run.random_states))
            begin = end
        key, reduce, size = runners
        parent = self._parents[0]
        return _Grouped(parent._start(run), (key, reduce, size), parent._structure, run)


@method
def group_by_window(
    self: DatasetV2,
    key_func: Callable[..., Any],
    reduce_func: Callable[..., Any],
    window_size: Any = None,
    window_size_func: Callable[..., Any] | None = None,
    name: str | None = None,
) -> DatasetV2:
    """Return a dataset of what `reduce_func` makes of groups of elements of equal key.

    Args:
        key_func: function of an element that gives an int64 scalar.
        reduce_func: function of a key and a dataset of elements that gives a dataset.
        window_size: number of elements in a group; groups left at the end have fewer.
        window_size_func: function of a key that gives that number.
        name: accepted for compatibility.

    Raises:
        ValueError: none or both of the sizes are given, or the key is no int64 scalar.
        TypeError: `reduce_func` does not give a dataset.
    """
    if (window_size is None) == (window_size_func is None):
        raise ValueError(
            "Either the `window_size` argument or the `window_size_func` argument must be "
            "specified."
        )
    if window_size_func is None:
        size = convert_to_tensor(window_size, dtypes.int64)

        def window_size_func(_: Any) -> Any:
            return size

    key_structure = Structure(_KEY)
    keys = ElementFunction(key_func, self._structure, _CALLER, finish=_as_int64)
    _check_key(keys, "key_func")
    groups = Structure(DatasetSpec(self.element_spec))
    reduced = ElementFunction(reduce_func, groups, _CALLER, extra=[key_structure])
    if not isinstance(reduced.output.spec, DatasetSpec):
        raise TypeError(
            "Invalid `reduce_func`. `reduce_func` must return a single `tf.data.Dataset` "
            f"object but its return type is {reduced.output.spec}."
        )
    sizes = ElementFunction(window_size_func, key_structure, _CALLER, finish=_as_int64)
    _check_key(sizes, "window_size_func")
    return _GroupByWindowDataset(self, (keys, reduced, sizes))


_CALLER = "group_by_window"


def _as_int64(result: Any) -> Any:
    return convert_to_tensor(result, dtypes.int64)


def _check_key(function: ElementFunction, name: str) -> None:
    spec = function.output.spec
    if not (isinstance(spec, TensorSpec) and spec.is_compatible_with(_KEY)):
        raise ValueError(
            f"Invalid `{name}`. `{name}` must return a single `tf.int64` scalar tensor but its "
            f"return type is {spec}."
        )


@method
def bucket_by_sequence_length(
    self: DatasetV2,
    element_length_func: Callable[..., Any],
    bucket_boundaries: Sequence[int],
    bucket_batch_sizes: Sequence[int],
    padded_shapes: Any = None,
    padding_values: Any = None,
    pad_to_bucket_boundary: bool = False,
    no_padding: bool = False,
    drop_remainder: bool = False,
    name: str | None = None,
) -> DatasetV2:
    """Return a dataset of padded batches of elements of similar length.

    Args:
        element_length_func: function of an element that gives its length, an integer scalar.
        bucket_boundaries: lengths at which the next bucket begins.
        bucket_batch_sizes: batch size of each bucket, one more than there are boundaries.
        padded_shapes: as in `padded_batch`.
        padding_values: as in `padded_batch`.
        pad_to_bucket_boundary: whether unknown sizes are padded to the bucket's boundary less
            one, instead of the greatest in the batch.
        no_padding: whether batches are stacked as they are.
        drop_remainder: whether last batches of fewer elements are left out.
        name: accepted for compatibility.

    Raises:
        ValueError: the numbers of boundaries and sizes do not fit.
    """
    if len(bucket_batch_sizes) != len(bucket_boundaries) + 1:
        raise ValueError(
            "`len(bucket_batch_sizes)` must equal `len(bucket_boundaries) + 1` but "
            f"`len(bucket_batch_sizes)={len(bucket_batch_sizes)}` and "
            f"`len(bucket_boundaries)={len(bucket_boundaries)}`."
        )
    boundaries = np.asarray(bucket_boundaries, np.int64).reshape(-1)
    sizes = np.asarray(bucket_batch_sizes, np.int64)
    length_of = converted(element_length_func)

    def bucket(*element: Any) -> Any:
        length = call("Cast", convert_to_tensor(length_of(*element)), DstT=dtypes.int64)
        reached = call("LessEqual", boundaries, length)
        return call("Sum", call("Cast", reached, DstT=dtypes.int64), [0], keep_dims=False)

    def size_of(key: Any) -> Any:
        return call("GatherV2", sizes, key, 0)

    def reduce(key: Any, group: Any) -> Any:
        if no_padding:
            return group.batch(size_of(key), drop_remainder=drop_remainder)
        shapes = padded_shapes
        if pad_to_bucket_boundary:
            shapes = _filled(self._structure, padded_shapes, _boundary(boundaries, key))
        return group.padded_batch(size_of(key), shapes, padding_values, drop_remainder)

    return group_by_window(self, bucket, reduce, window_size_func=size_of)


def _boundary(boundaries: Any, key: Any) -> Any:
    """The greatest length in a bucket; the last bucket has none."""
    fits = call("Less", key, np.int64(len(boundaries)))
    message = (
        "When pad_to_bucket_boundary=True, elements must have length < "
        f"max(bucket_boundaries) = {boundaries.max()}"
    )
    call("Assert", fits, [convert_to_tensor(message)])
    return call("GatherV2", np.append(boundaries, 0) - 1, key, 0)


def _filled(structure: Structure, padded_shapes: Any, filler: Any) -> Any:
    """Padded shapes whose unknown sizes are `filler`, as int64 vectors."""
    if padded_shapes is None:
        padded_shapes = structure.map_leaves(lambda leaf: leaf.shape)
    given = data_nest.flatten_up_to(structure.spec, padded_shapes)
    vectors = iter(
        [
            call(
                "Pack",
                [filler if size is None else np.int64(size) for size in sizes],
                axis=0,
            )
            if None in sizes
            else sizes
            for sizes in (as_shape(shape).as_list() for shape in given)
        ]
    )
    return structure.map_leaves(lambda _: next(vectors))
