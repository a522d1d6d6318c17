"""Order: largest elements, the n-th element, and places in sorted rows."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from penstock.core import dtypes
from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError, UnimplementedError
from penstock.core.tensor_shape import TensorShape, unknown_shape
from penstock.ops.array import shape_of
from penstock.ops.elementwise import FLOATS, REALS, unary
from penstock.ops.namespace import namespace
from penstock.ops.shapes import axis_in, scalar_of, value_of, with_size
from penstock.ops.table import REQUIRED, device_kernel, gradient, op


def _top_k_shape(x: Any, k: Any, **_: Any) -> tuple[TensorShape, TensorShape]:
    if x.shape.rank is None:
        return unknown_shape(), unknown_shape()
    shape = with_size(x.shape, -1, value_of(k))
    return shape, shape


def _check_k(x: Any, k: int) -> None:
    unary("TopKV2", x, REALS)
    if not x.shape:
        raise InvalidArgumentError("input must have at least one axis, got a scalar")
    if not 0 <= k <= x.shape[-1]:
        raise InvalidArgumentError(
            f"k must be in [0, {x.shape[-1]}], the size of the last axis, got {k}"
        )


def _largest(x: Any, k: int) -> tuple[Any, Any]:
    """Values and places of the k largest of each row; the first of equals comes first."""
    _check_k(x, k)
    n = x.shape[-1]
    if k == 1:
        places = x.argmax(-1)[..., None]
    elif x.dtype in _ORDERED and n * k:
        places = _largest_places(x, k)
    else:
        # Sorting the reversed row upwards and reading it backwards keeps equals in their order.
        upwards = np.argsort(x[..., ::-1], axis=-1, kind="stable")
        places = n - 1 - upwards[..., ::-1][..., :k]
    return np.take_along_axis(x, places, -1), places


# Dtypes whose elements sort as unsigned numbers of 32 bits.
_ORDERED = frozenset({np.dtype(np.float32), np.dtype(np.int32), np.dtype(np.uint32)})


# Up to this k it pays to choose the k largest before they are sorted.
_FEW = 64


def _few_places(x: Any, k: int) -> Any:
    """Places of the k largest, the first place first; None when ties or NaN make it unclear."""
    least = np.partition(x, x.shape[-1] - k, axis=-1)[..., x.shape[-1] - k]
    chosen = x >= least[..., None]
    if np.isnan(least).any() or (chosen.sum(-1) != k).any():
        return None
    return np.nonzero(chosen)[-1].reshape(*x.shape[:-1], k)


def _largest_places(x: Any, k: int) -> Any:
    """Places of the k largest: one sort of whole numbers made of the element and its place.

    Numpy sorts numbers with vector instructions, but not places by the elements there.
    """
    if k <= _FEW and x.shape[-1] > 8 * k:
        places = _few_places(x, k)
        if places is not None:
            chosen = np.take_along_axis(x, places, -1)
            return np.take_along_axis(places, _largest_places(chosen, k), -1)
    sign = np.uint32(1 << 31)
    if x.dtype == np.float32:
        # Adding zero makes -0 one with 0; a NaN counts as the largest, whatever its sign.
        bits = np.where(np.isnan(x), np.float32(np.nan), x + np.float32(0)).view(np.uint32)
        order = np.where(bits & sign, ~bits, bits | sign)
    else:
        order = x.view(np.uint32) ^ sign if x.dtype == np.int32 else x
    keys = (~order).astype(np.uint64) << np.uint64(32)
    keys |= np.arange(x.shape[-1], dtype=np.uint64)
    if k < x.shape[-1]:
        keys = np.partition(keys, k - 1, axis=-1)[..., :k]
    keys.sort(axis=-1)
    return (keys & np.uint64(0xFFFFFFFF)).astype(np.int64)


@op(
    "TopKV2",
    inputs=("input: T", "k: Tk"),
    outputs=("values: T", "indices: index_type"),
    attrs={"sorted": True, "index_type": dtypes.int32},
    constant_inputs=("k",),
    shape=_top_k_shape,
)
def top_k_v2(x: Any, k: Any, *, sorted: bool, index_type: DType) -> Any:
    """The k largest elements of each row, in falling order, and their places.

    Of equal elements the one with the lower place comes first.

    Shape: input [..., n], k [] -> values [..., k], indices [..., k].
    Errors: InvalidArgumentError when k is negative or larger than n.
    """
    del sorted  # sorted results are right in either case
    values, places = _largest(x, scalar_of(k, "k"))
    return values, places.astype(index_type.np)


@device_kernel("TopKV2")
def top_k_v2_on_device(x: Any, k: Any, *, sorted: bool, index_type: DType) -> Any:
    """As `top_k_v2`."""
    del sorted
    number = scalar_of(k, "k")
    _check_k(x, number)
    values, places = jax.lax.top_k(x, number)
    return values, places.astype(index_type.np)


@op(
    "TopK",
    inputs=("input: T",),
    outputs=("values: T", "indices: int32"),
    attrs={"k": REQUIRED, "sorted": True},
)
def top_k(x: Any, *, k: int, sorted: bool) -> Any:
    """The k largest elements of each row, in falling order, and their places.

    Shape: input [..., n] -> values [..., k], indices [..., k].
    """
    kernel = top_k_v2 if namespace(x) is np else top_k_v2_on_device
    return kernel(x, np.array(k, np.int32), sorted=sorted, index_type=dtypes.int32)


@gradient("TopK", "TopKV2")
def top_k_gradient(g: Any, grad: Any, _: Any = None) -> Any:
    """Put the gradient back in the places that were chosen."""
    x = g.inputs[0]
    rest = [None] * (len(g.inputs) - 1)
    if grad is None:
        return [None, *rest]
    places = g.call("Cast", g.outputs[1], DstT=dtypes.int32)
    rank = x.shape.rank
    if rank == 1:
        indices = g.call("ExpandDims", places, -1)
        return [g.call("ScatterNd", indices, grad, shape_of(g, x)), *rest]
    shape = shape_of(g, x)
    if not isinstance(shape, np.ndarray):
        return [g.generic(grad, None)[0], *rest]
    rows, n = int(np.prod(shape[:-1])), int(shape[-1])
    flat = g.call("Reshape", places, np.array([rows, places.shape[-1]], np.int32))
    starts = (np.arange(rows, dtype=np.int32) * n).reshape(rows, 1)
    where = g.call("Reshape", g.call("AddV2", flat, starts), np.array([-1, 1], np.int32))
    updates = g.call("Reshape", grad, np.array([-1], np.int32))
    line = g.call("ScatterNd", where, updates, np.array([rows * n], np.int32))
    return [g.call("Reshape", line, shape), *rest]


@op(
    "NthElement",
    inputs=("input: T", "n: int32"),
    outputs=("values: T",),
    attrs={"reverse": False},
    constant_inputs=("n",),
    shape=lambda x, _, **__: x.shape[:-1],
)
def nth_element(x: Any, n: Any, *, reverse: bool) -> Any:
    """The n-th smallest element of each row, from zero; the n-th largest with `reverse`.

    Shape: input [..., m], n [] -> values [...].
    Errors: InvalidArgumentError when n is not in [0, m).
    """
    if not x.shape:
        raise InvalidArgumentError("input must have at least one axis, got a scalar")
    place, size = scalar_of(n, "n"), x.shape[-1]
    if not 0 <= place < size:
        raise InvalidArgumentError(f"n must be in [0, {size}), got {place}")
    place = size - 1 - place if reverse else place
    xp = namespace(x)
    ordered = np.partition(x, place, -1) if xp is np else xp.sort(x, axis=-1)
    return ordered[..., place]


@gradient("NthElement")
def nth_element_gradient(g: Any, grad: Any) -> Any:
    """The gradient goes in equal parts to all elements that have the value."""
    x = g.inputs[0]
    (value,) = g.outputs
    same = g.call("Cast", g.call("Equal", g.call("ExpandDims", value, -1), x), DstT=x.dtype)
    count = g.call("Sum", same, -1, keep_dims=True)
    share = g.call("RealDiv", g.call("ExpandDims", grad, -1), count)
    return g.call("Mul", share, same), None


@op(
    "ApproxTopK",
    inputs=("input: T",),
    outputs=("values: T", "indices: int32"),
    attrs={
        "k": REQUIRED,
        "reduction_dimension": -1,
        "recall_target": 0.95,
        "is_max_k": True,
        "reduction_input_size_override": -1,
        "aggregate_to_topk": True,
    },
)
def approx_top_k(
    x: Any,
    *,
    k: int,
    reduction_dimension: int,
    is_max_k: bool,
    aggregate_to_topk: bool,
    **_: Any,
) -> Any:
    """The k largest or smallest elements along an axis, all of them found: any recall is met.

    Shape: input [..., n, ...] -> values [..., k, ...], indices [..., k, ...].
    Errors: InvalidArgumentError when k is negative or larger than n.
    """
    if not aggregate_to_topk:
        raise UnimplementedError("aggregate_to_topk=False of op ApproxTopK is not implemented")
    axis = axis_in(reduction_dimension, len(x.shape), "reduction_dimension")
    xp = namespace(x)
    rows = xp.moveaxis(x, axis, -1)
    kernel = top_k_v2 if xp is np else top_k_v2_on_device
    values, places = kernel(
        rows if is_max_k else -rows, np.array(k), sorted=True, index_type=dtypes.int32
    )
    values = values if is_max_k else -values
    return xp.moveaxis(values, -1, axis), xp.moveaxis(places, -1, axis)


def _bound(sorted_inputs: Any, values: Any, side: str, dtype: Any) -> Any:
    if (
        len(sorted_inputs.shape) != 2
        or len(values.shape) != 2
        or (sorted_inputs.shape[0] != values.shape[0])
    ):
        raise InvalidArgumentError(
            "sorted_inputs and values must be matrices with as many rows, got shapes "
            f"{list(sorted_inputs.shape)} and {list(values.shape)}"
        )
    xp = namespace(sorted_inputs, values)
    if xp is np:
        out = np.empty(values.shape, dtype)
        for i, (row, wanted) in enumerate(zip(sorted_inputs, values, strict=True)):
            out[i] = np.searchsorted(row, wanted, side=side)  # type: ignore[call-overload]
    else:

        def search(row: Any, wanted: Any) -> Any:
            return jnp.searchsorted(row, wanted, side=side)

        out = jax.vmap(search)(jnp.asarray(sorted_inputs), jnp.asarray(values)).astype(dtype)
    if side == "left" and values.dtype in FLOATS:
        # No element is less than what is not a number.
        out = xp.where(xp.isnan(values), out.dtype.type(0), out)
    return out


@op(
    "LowerBound",
    inputs=("sorted_inputs: T", "values: T"),
    outputs=("output: out_type",),
    attrs={"out_type": dtypes.int32},
    differentiable=False,
    shape=lambda _, values, **__: values.shape,
)
def lower_bound(sorted_inputs: Any, values: Any, *, out_type: DType) -> Any:
    """First place in each sorted row where a value could be inserted.

    Shape: sorted_inputs [n, m], values [n, k] -> output [n, k].
    """
    return _bound(sorted_inputs, values, "left", out_type.np)


@op(
    "UpperBound",
    inputs=("sorted_inputs: T", "values: T"),
    outputs=("output: out_type",),
    attrs={"out_type": dtypes.int32},
    differentiable=False,
    shape=lambda _, values, **__: values.shape,
)
def upper_bound(sorted_inputs: Any, values: Any, *, out_type: DType) -> Any:
    """Last place in each sorted row where a value could be inserted.

    Shape: sorted_inputs [n, m], values [n, k] -> output [n, k].
    """
    return _bound(sorted_inputs, values, "right", out_type.np)
