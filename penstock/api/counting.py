"""Histograms, confusion matrices and hits among the best."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.api.composite import open_to_composites
from penstock.core import dtypes
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call

__all__ = [
    "bincount",
    "confusion_matrix",
    "histogram_fixed_width",
    "histogram_fixed_width_bins",
    "in_top_k",
]

_FLAT = np.asarray([-1], np.int32)


def bincount(
    arr: Any,
    weights: Any = None,
    minlength: Any = None,
    maxlength: Any = None,
    dtype: Any = dtypes.int32,
    name: str | None = None,
    axis: int | None = None,
    binary_output: bool = False,
) -> Any:
    """How often each number from 0 on occurs.

    Args:
        arr: numbers that are not negative.
        weights: what each number counts instead of 1; of the shape of `arr`.
        minlength: least length of the result.
        maxlength: greatest length of the result; larger numbers are not counted.
        dtype: element type of the result, when there are no weights.
        name: name of the node in a graph.
        axis: None or 0 counts all together, -1 each row of a matrix by itself.
        binary_output: 1 for each number that occurs, however often.

    Raises:
        ValueError: `axis` is another one, or both `weights` and `binary_output` are given.
        InvalidArgumentError: a number is negative.
    """
    if weights is not None and binary_output:
        raise ValueError("weights and binary_output exclude each other; give one of them")
    if axis not in (None, 0, -1):
        raise ValueError(f"axis must be None, 0 or -1, got {axis}")
    arr = convert_to_tensor(arr)
    if not arr.dtype.is_integer:
        arr = call("Cast", arr, DstT=dtypes.int32)
    size = counted_length(arr, minlength, maxlength)
    if weights is None:
        weights = np.zeros((0,), dtypes.as_dtype(dtype).np)
    else:
        weights = convert_to_tensor(weights)
    if axis != -1:
        arr = call("Reshape", arr, _FLAT)
        weights = call("Reshape", weights, _FLAT)
    return call("DenseBincount", arr, size, weights, binary_output=binary_output, name=name)


def counted_length(arr: Any, minlength: Any, maxlength: Any) -> Any:
    """One more than the largest number, within the limits; 0 when there is none."""
    all_axes = call("Range", 0, call("Rank", arr), 1)
    largest = call("AddV2", call("Max", arr, all_axes), 1)
    filled = call("Cast", call("Greater", call("Size", arr), 0), DstT=arr.dtype)
    size = call("Mul", filled, largest)
    if minlength is not None:
        size = call("Maximum", convert_to_tensor(minlength, dtype=arr.dtype), size)
    if maxlength is not None:
        size = call("Minimum", convert_to_tensor(maxlength, dtype=arr.dtype), size)
    return size


def confusion_matrix(
    labels: Any,
    predictions: Any,
    num_classes: Any = None,
    weights: Any = None,
    dtype: Any = dtypes.int32,
    name: str | None = None,
) -> Any:
    """How often each label (row) was predicted as each class (column).

    Args:
        labels: [n] true classes.
        predictions: [n] predicted classes.
        num_classes: number of classes; None takes one more than the largest that occurs.
        weights: [n] what each prediction counts instead of 1.
        dtype: element type of the matrix.
        name: name of the node in a graph.

    Raises:
        ValueError: the shapes differ.
        InvalidArgumentError: a class is negative or beyond `num_classes`.
    """
    labels, predictions = convert_to_tensor(labels), convert_to_tensor(predictions)
    if labels.shape.rank is not None and predictions.shape.rank is not None:
        if predictions.shape.rank == labels.shape.rank + 1:
            predictions = call("Squeeze", predictions, squeeze_dims=(-1,))
        elif labels.shape.rank == predictions.shape.rank + 1:
            labels = call("Squeeze", labels, squeeze_dims=(-1,))
    labels.shape.assert_is_compatible_with(predictions.shape)
    labels, predictions = (
        call("Cast", each, DstT=dtypes.int64) for each in (labels, predictions)
    )
    kind = dtypes.as_dtype(dtype)
    if weights is None:
        weights = call("Cast", call("OnesLike", predictions), DstT=kind)
    else:
        weights = convert_to_tensor(weights)
        predictions.shape.assert_is_compatible_with(weights.shape)
        weights = call("Cast", weights, DstT=kind)
    if num_classes is None:
        zero = np.asarray([0], np.int32)
        largest = [call("Max", each, zero) for each in (labels, predictions)]
        num_classes = call("AddV2", call("Maximum", *largest), 1)
    count = call("Cast", num_classes, DstT=dtypes.int64)
    places = call("Pack", [labels, predictions], axis=1)
    return call("ScatterNd", places, weights, call("Pack", [count, count]), name=name)


def histogram_fixed_width(
    values: Any,
    value_range: Any,
    nbins: Any = 100,
    dtype: Any = dtypes.int32,
    name: str | None = None,
) -> Any:
    """How many values fall into each of `nbins` equal parts of a range, the outer ones open.

    Args:
        values: numbers.
        value_range: [2] lower and upper end.
        nbins: number of parts.
        dtype: element type of the result.
        name: name of the node in a graph.
    """
    kind = dtypes.as_dtype(dtype)
    return call("HistogramFixedWidth", values, value_range, nbins, dtype=kind, name=name)


def histogram_fixed_width_bins(
    values: Any,
    value_range: Any,
    nbins: Any = 100,
    dtype: Any = dtypes.int32,
    name: str | None = None,
) -> Any:
    """Which of `nbins` equal parts of a range each value falls into, the outer ones open.

    Args:
        values: numbers.
        value_range: [2] lower and upper end.
        nbins: number of parts.
        dtype: element type of the result.
        name: name of the node in a graph.
    """
    values = convert_to_tensor(values)
    limits = convert_to_tensor(value_range, dtype=values.dtype)
    low, high = call("Unpack", limits, num=2)
    width, offset = call("Sub", high, low), call("Sub", values, low)
    if values.dtype.is_integer:
        width, offset = (call("Cast", each, DstT=dtypes.float64) for each in (width, offset))
    share = call("RealDiv", offset, width)
    count = call("Cast", nbins, DstT=share.dtype)
    part = call("Floor", call("Mul", count, share))
    part = call("Maximum", call("Minimum", part, call("Sub", count, 1)), 0)
    return call("Cast", part, DstT=dtypes.as_dtype(dtype), name=name)


def in_top_k(targets: Any, predictions: Any, k: Any, name: str | None = None) -> Any:
    """Whether fewer than k classes have a higher score than the target.

    Args:
        targets: [batch] classes.
        predictions: [batch, classes] scores.
        k: how many of the best count.
        name: name of the node in a graph.
    """
    return call("InTopKV2", predictions, targets, k, name=name)


open_to_composites(globals())
