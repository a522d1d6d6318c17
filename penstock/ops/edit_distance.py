"""Levenshtein distance between sequences held as sparse tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.shapes import length_of
from penstock.ops.table import op


def _shape(*specs: Any, **_: Any) -> TensorShape:
    rank = length_of(specs[2])
    return TensorShape(None if rank is None else [None] * (rank - 1))


def _sequences(indices: Any, values: Any, shape: Any, name: str) -> dict[Any, list[Any]]:
    """Values of each sequence, by its place."""
    if indices.ndim != 2 or indices.shape != (len(values), len(shape)):
        raise InvalidArgumentError(
            f"{name}_indices must have shape {[len(values), len(shape)]}, got "
            f"{list(indices.shape)}"
        )
    if ((indices < 0) | (indices >= shape)).any():
        raise InvalidArgumentError(f"{name}_indices must lie in the shape {shape.tolist()}")
    found: dict[Any, list[Any]] = {}
    for place, value in zip(indices[:, :-1].tolist(), values.tolist(), strict=True):
        found.setdefault(tuple(place), []).append(value)
    return found


def _distance(a: list[Any], b: list[Any]) -> int:
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, start=1):
        above, row[0] = row[0], i
        for j, right in enumerate(b, start=1):
            cost = above if left == right else 1 + min(above, row[j], row[j - 1])
            above, row[j] = row[j], cost
    return row[-1]


@op(
    "EditDistance",
    inputs=(
        "hypothesis_indices: int64",
        "hypothesis_values: T",
        "hypothesis_shape: int64",
        "truth_indices: int64",
        "truth_values: T",
        "truth_shape: int64",
    ),
    outputs=("output: float32",),
    attrs={"normalize": True},
    kernel="host",
    differentiable=False,
    shape=_shape,
)
def edit_distance(  # noqa: PLR0917  (the op has six inputs)
    hypothesis_indices: Any,
    hypothesis_values: Any,
    hypothesis_shape: Any,
    truth_indices: Any,
    truth_values: Any,
    truth_shape: Any,
    *,
    normalize: bool,
) -> Any:
    """Number of insertions, deletions and replacements between the sequences of two tensors.

    With `normalize` it is divided by the length of the truth: infinite where that is empty and
    the hypothesis is not, zero where both are.

    Shape: hypothesis_indices [m, r], hypothesis_values [m], hypothesis_shape [r],
        truth_indices [n, r], truth_values [n], truth_shape [r] -> output [...], of rank r - 1.
    Errors: InvalidArgumentError for indices outside of the shapes or shapes of different ranks.
    """
    if len(hypothesis_shape) != len(truth_shape) or len(truth_shape) < 2:
        raise InvalidArgumentError(
            "hypothesis and truth must have one rank, of 2 or more, got shapes "
            f"{hypothesis_shape.tolist()} and {truth_shape.tolist()}"
        )
    guesses = _sequences(hypothesis_indices, hypothesis_values, hypothesis_shape, "hypothesis")
    truths = _sequences(truth_indices, truth_values, truth_shape, "truth")
    out = np.zeros(np.maximum(hypothesis_shape, truth_shape)[:-1], np.float32)
    for place in {*guesses, *truths}:
        guess, truth = guesses.get(place, []), truths.get(place, [])
        distance = float(_distance(guess, truth))
        if normalize:
            distance = distance / len(truth) if truth else np.inf
        out[place] = distance
    return out
