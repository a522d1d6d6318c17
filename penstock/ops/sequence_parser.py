"""Serialized sequence examples as the tensors that a program asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from penstock.core.dtypes import DType
from penstock.core.errors import DataLossError, InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.example_parser import (
    ExamplePlan,
    ListFeature,
    columns_to_lists,
    kind_name,
    place_of,
    text,
    without_batch,
)
from penstock.wire.example_columns import ABSENT, BYTES, FLOATS, INTEGERS
from penstock.wire.examples import parse_sequence_example

Array = Any

_KIND_OF: Final = {"O": BYTES, "f": FLOATS, "i": INTEGERS}
_EMPTY: Final = {BYTES: np.dtype(object), FLOATS: np.dtype("f4"), INTEGERS: np.dtype("i8")}


@dataclass(frozen=True, slots=True)
class StepFeature:
    """A feature with a value of one shape in every step."""

    name: bytes
    kind: int
    dtype: DType
    shape: TensorShape
    missing_is_empty: bool


@dataclass(frozen=True, slots=True)
class SequencePlan:
    """What is asked for: features of the context, and those of the steps."""

    context: ExamplePlan
    sparse: tuple[ListFeature, ...] = ()
    dense: tuple[StepFeature, ...] = ()
    ragged: tuple[ListFeature, ...] = ()


class ArrayColumn:
    """One feature of many examples, whose values are arrays.

    Args:
        arrays: the values of each example, `None` where there are none.
    """

    def __init__(self, arrays: Sequence[Array | None]) -> None:
        self._arrays = arrays
        self.kinds: NDArray[np.int8] = np.array([_kind(array) for array in arrays], np.int8)

    def values(self, kind: int) -> tuple[Array, Array]:
        """All values one after the other, and how many each example has."""
        parts = [array for array in self._arrays if array is not None]
        counts = np.array([0 if a is None else len(a) for a in self._arrays], np.int64)
        return np.concatenate([np.zeros(0, _EMPTY[kind]), *parts]), counts


def _kind(array: Array | None) -> int:
    return ABSENT if array is None else _KIND_OF[array.dtype.kind]


def parse_sequences(
    serialized: Sequence[bytes], plan: SequencePlan, labels: Sequence[bytes], *, single: bool
) -> tuple[list[Any], ...]:
    """Parse sequence examples.

    Args:
        serialized: the messages.
        plan: the features.
        labels: names of the examples for error messages, or none.
        single: whether there is one message, whose tensors have no axis for the batch.

    Returns:
        The lists of `example_parser.parse_batch` for the context, then lists with an item
        per feature of the steps: indices, values and shapes of the sparse ones, the dense
        ones and their numbers of steps, and values, outer and inner splits of the ragged.

    Raises:
        InvalidArgumentError: a message is no `SequenceExample`, or lacks what it must have.
    """
    contexts, steps = _read(serialized, plan)
    context = columns_to_lists(
        [
            ArrayColumn([found.get(text(name)) for found in contexts])
            for name in plan.context.names
        ],
        plan.context,
        labels,
    )
    sparse = [_Steps(steps, feature, labels) for feature in plan.sparse]
    dense = [_dense(steps, feature, labels) for feature in plan.dense]
    ragged = [_Steps(steps, feature, labels) for feature in plan.ragged]
    if single:
        context = without_batch(context)
    first = 1 if single else 0
    return (
        *context,
        [part.indices()[:, first:] for part in sparse],
        [part.values for part in sparse],
        [part.shape()[first:] for part in sparse],
        [values[0] if single else values for values, _ in dense],
        [lengths[0] if single else lengths for _, lengths in dense],
        [part.values for part in ragged],
        [np.zeros(0, part.splits_dtype) if single else part.outer() for part in ragged],
        [part.inner() for part in ragged],
    )


def _read(
    serialized: Sequence[bytes], plan: SequencePlan
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    names = {text(name) for name in plan.context.names}
    wanted = {text(f.name) for f in (*plan.sparse, *plan.ragged)}
    wanted |= {text(f.name) for f in plan.dense}
    contexts, steps = [], []
    for message in serialized:
        try:
            context, lists = parse_sequence_example(message, names, wanted)
        except DataLossError:
            raise InvalidArgumentError(
                f"Invalid protocol message input, value: '{text(message)[:80]}'"
            ) from None
        contexts.append(context)
        steps.append(lists)
    return contexts, steps


class _Steps:
    """A feature of any number of values in every step.

    Raises:
        InvalidArgumentError: a step has values of another type.
    """

    def __init__(
        self, examples: Sequence[Any], feature: ListFeature, labels: Sequence[bytes]
    ) -> None:
        name = text(feature.name)
        self.splits_dtype = (
            np.int64 if feature.splits_dtype is None else feature.splits_dtype.np
        )
        parts = []
        counts = []
        for i, lists in enumerate(examples):
            found = lists.get(name, ())
            for j, step in enumerate(found):
                if step is not None and _kind(step) != feature.kind:
                    raise InvalidArgumentError(
                        f"{place_of(name, labels, i)} Data types don't match in step {j}. "
                        f"Expected type: {kind_name(feature.kind)}, Actual type: "
                        f"{kind_name(_kind(step))}"
                    )
                parts.append(np.zeros(0, _EMPTY[feature.kind]) if step is None else step)
            counts.append(len(found))
        self.values = np.concatenate([np.zeros(0, _EMPTY[feature.kind]), *parts])
        self._lengths = np.array([len(part) for part in parts], np.int64)
        self._steps = np.array(counts, np.int64)

    def indices(self) -> Array:
        """Example, step and number of each value."""
        owners = np.repeat(np.arange(len(self._steps)), self._steps)
        places = _numbered(self._steps)
        return np.stack(
            [
                np.repeat(owners, self._lengths),
                np.repeat(places, self._lengths),
                _numbered(self._lengths),
            ],
            axis=1,
        ).astype(np.int64)

    def shape(self) -> Array:
        """Number of examples, of steps, and of values in a step, at most."""
        most = self._steps.max(initial=0), self._lengths.max(initial=0)
        return np.array([len(self._steps), *most], np.int64)

    def outer(self) -> Array:
        """Where the steps of each example begin and end."""
        return _splits(self._steps, self.splits_dtype)

    def inner(self) -> Array:
        """Where the values of each step begin and end."""
        return _splits(self._lengths, self.splits_dtype)


def _numbered(counts: Array) -> Array:
    """0, 1 and so on, anew for each count."""
    return np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)


def _splits(counts: Array, dtype: Any) -> Array:
    return np.concatenate(([0], np.cumsum(counts))).astype(dtype)


def _dense(
    examples: Sequence[Any], feature: StepFeature, labels: Sequence[bytes]
) -> tuple[Array, Array]:
    """Values [n, steps, ...], filled up with zeros, and the number of steps of each."""
    name = text(feature.name)
    row_shape = tuple(dim or 0 for dim in feature.shape.as_list())
    size = int(np.prod(row_shape, dtype=np.int64))
    lengths = np.array([len(lists.get(name, ())) for lists in examples], np.int64)
    shape = (len(examples), int(lengths.max(initial=0)), size)
    if feature.kind == BYTES:
        result = np.full(shape, b"", object)
    else:
        result = np.zeros(shape, feature.dtype.np)
    for i, lists in enumerate(examples):
        if name not in lists and not feature.missing_is_empty:
            raise InvalidArgumentError(
                f"{place_of(name, labels, i)} Feature list '{name}' is required but could not "
                "be found; pass allow_missing=True to take it as empty"
            )
        for j, step in enumerate(lists.get(name, ())):
            count = 0 if step is None else len(step)
            if step is not None and _kind(step) != feature.kind:
                raise InvalidArgumentError(
                    f"{place_of(name, labels, i)} Data types don't match in step {j}. Data "
                    f"type: {kind_name(_kind(step))} but expected type: "
                    f"{kind_name(feature.kind)}"
                )
            if count != size:
                raise InvalidArgumentError(
                    f"{place_of(name, labels, i)} Number of {kind_name(feature.kind)} values "
                    f"!= expected in step {j}. values size: {count} but output shape: "
                    f"{list(row_shape)}"
                )
            result[i, j] = step
    return result.reshape(*shape[:2], *row_shape), lengths
