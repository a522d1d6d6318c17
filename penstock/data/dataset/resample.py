"""`rejection_resample`: elements left out or kept so that classes come as often as wanted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.api.data_structure import value_of
from penstock.core import dtypes
from penstock.data.dataset.base import DatasetV2, method
from penstock.runtime import random_state
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call

# Of the estimate of the distribution: elements at a time, and how often each class is taken to
# have been seen before the first.
_ESTIMATED_AT_ONCE = 32
_SEEN_BEFORE = 10


@method
def rejection_resample(
    self: Any,
    class_func: Callable[..., Any],
    target_dist: Any,
    initial_dist: Any = None,
    seed: int | None = None,
    name: str | None = None,
) -> DatasetV2:
    """Return a dataset of pairs of a class and an element, whose classes have wanted shares.

    Args:
        class_func: function of an element that gives its class, an integer scalar.
        target_dist: wanted share of each class.
        initial_dist: share of each class in this dataset; None estimates it on the way.
        seed: with the global seed decides what is left out.
        name: accepted for compatibility.

    Source: TensorFlow's `Dataset.rejection_resample`.
    """
    target = convert_to_tensor(target_dist)
    classes = self.map(class_func)
    known = None
    if initial_dist is None:
        shares = _estimated(classes, target)
    else:
        initial = convert_to_tensor(initial_dist)
        known = float(np.min(value_of(target) / value_of(initial)))
        shares = _repeated(initial)
    chances = shares.map(lambda initial: _chances(initial, target))
    both = DatasetV2.zip((classes, self))  # type: ignore[attr-defined]
    if known is not None and known >= 1:
        return both  # type: ignore[no-any-return]
    kept = _kept(chances, both, seed)
    if known == 0:
        return kept
    weights = chances.map(lambda _, original: call("Pack", [original, 1.0 - original], axis=0))
    sampled: DatasetV2 = DatasetV2.sample_from_datasets(  # type: ignore[attr-defined]
        [both, kept], weights, seed=seed, stop_on_empty_dataset=True
    )
    return sampled


def _repeated(value: Any) -> Any:
    return DatasetV2.from_tensors(value).repeat()  # type: ignore[attr-defined]


def _chances(initial: Any, target: Any) -> tuple[Any, Any]:
    """Chance of each class to be kept, and the share of elements taken without asking."""
    tiny = np.finfo(initial.dtype.np).tiny
    ratio = target / (initial + tiny)
    least = call("Min", ratio, [0], keep_dims=False)
    most = call("Max", ratio, [0], keep_dims=False)
    return (ratio - least) / (most - least), least


def _kept(chances: Any, both: Any, seed: int | None) -> DatasetV2:
    """Elements that pass a draw with the chance of their class."""

    def passes(given: Any, pair: Any) -> Any:
        drawn = call(
            "RandomUniform",
            np.zeros(0, np.int32),
            dtype=given[0].dtype,
            **random_state.op_seeds(seed),
        )
        return call("Less", drawn, call("GatherV2", given[0], pair[0], 0))

    pairs = DatasetV2.zip((chances, both))  # type: ignore[attr-defined]
    kept: DatasetV2 = pairs.filter(passes).map(lambda _, pair: pair)
    return kept


def _estimated(classes: Any, target: Any) -> Any:
    """The share of each class among the elements so far, once for each element."""
    count = int(target.shape[0])

    def update(seen: Any, batch: Any) -> tuple[Any, Any]:
        found = call(
            "Cast", call("OneHot", batch, count, np.int64(1), np.int64(0)), DstT=dtypes.int64
        )
        seen = seen + call("Sum", found, [0], keep_dims=False)
        share = call("Cast", seen, DstT=target.dtype)
        share /= call("Sum", share, [0], keep_dims=False)
        rows = call("BroadcastTo", share, [_ESTIMATED_AT_ONCE, count])
        return seen, rows

    start = np.full(count, _SEEN_BEFORE, np.int64)
    return classes.batch(_ESTIMATED_AT_ONCE).scan(start, update).unbatch()
