"""Reductions over segments: groups of rows that have the same number."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np

from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape, unknown_shape
from penstock.ops.checks import require
from penstock.ops.elementwise import REALS, unary
from penstock.ops.gather_scatter import update_rows
from penstock.ops.namespace import namespace
from penstock.ops.shapes import filled, scalar_of, value_of
from penstock.ops.table import gradient, op

_UFUNC: dict[str, np.ufunc] = {
    "add": np.add,
    "multiply": np.multiply,
    "maximum": np.maximum,
    "minimum": np.minimum,
}

# For rows of so many elements, adding the second rows of all segments, then the third and so
# on, is quicker than `reduceat`, while no segment has very many.
_WIDE_ROW = 64
_MANY_ROWS = 64


def identity_of(how: str, dtype: Any) -> Any:
    """What a reduction of no elements gives: 0, 1, the lowest or the highest finite number."""
    if how == "multiply":
        return np.ones((), dtype)
    if how == "add":
        return np.zeros((), dtype)
    kind = np.dtype(dtype).kind
    limits = ml_dtypes.iinfo(dtype) if kind in "iu" else ml_dtypes.finfo(dtype)
    return np.asarray(limits.min if how == "maximum" else limits.max, dtype)


def reduce_rows(data: Any, ids: Any, count: int, how: str, start: Any) -> Any:
    """Reduce the rows of data by number; `start` for numbers that no row has.

    Rows with a number outside of [0, count) are left out.
    """
    if namespace(data, ids) is not np:
        place = jnp.where(ids < 0, count, ids)  # jax counts negative numbers from the end
        first = jnp.full((count, *data.shape[1:]), identity_of(how, data.dtype))
        out = update_rows(first, place, data, how)
        if start is None:
            return out
        hits = jnp.zeros(count, np.bool_).at[place].set(True, mode="drop")
        return jnp.where(hits.reshape((count,) + (1,) * (data.ndim - 1)), out, start)
    empty = identity_of(how, data.dtype) if start is None else start
    out = filled((count, *data.shape[1:]), empty, data.dtype)
    inside = (ids >= 0) & (ids < count)
    if not inside.all():
        data, ids = data[inside], ids[inside]
    if len(ids):
        if (ids[1:] < ids[:-1]).any():
            order = np.argsort(ids, kind="stable")
            data, ids = data[order], ids[order]
        firsts = np.flatnonzero(np.append(True, ids[1:] != ids[:-1]))
        lengths = np.diff(firsts, append=len(ids))
        if math.prod(data.shape[1:]) < _WIDE_ROW or lengths.max() > _MANY_ROWS:
            out[ids[firsts]] = _UFUNC[how].reduceat(data, firsts, axis=0)
        else:
            totals = data[firsts]
            for i in range(1, int(lengths.max())):
                (longer,) = np.nonzero(lengths > i)
                totals[longer] = _UFUNC[how](totals[longer], data[firsts[longer] + i])
            out[ids[firsts]] = totals
    return out


def count_rows(ids: Any, count: int, dtype: Any) -> Any:
    """How many rows have each number."""
    ones: Any = np.ones(ids.shape, np.int32)
    if namespace(ids) is not np:
        ones = jnp.ones(ids.shape, np.int32)
    return reduce_rows(ones, ids, count, "add", None).astype(dtype)


def divide_rows(sums: Any, counts: Any) -> Any:
    """Divide rows by numbers of rows; integers are cut towards zero."""
    counts = counts.reshape(counts.shape + (1,) * (len(sums.shape) - 1))
    xp = namespace(sums, counts)
    if sums.dtype.kind not in "iu":
        return sums / counts
    if xp is np:
        return (np.sign(sums) * (np.abs(sums) // counts)).astype(sums.dtype)
    return jax.lax.div(*jnp.broadcast_arrays(sums, counts))


def _sorted_ids(data: Any, ids: Any) -> int:
    """Check the numbers of sorted segments and return how many segments there are."""
    if len(ids.shape) != 1 or not data.shape or ids.shape[0] != data.shape[0]:
        raise InvalidArgumentError(
            "segment_ids must be a vector with one number for each row of data, got shapes "
            f"{list(ids.shape)} and {list(data.shape)}"
        )
    if not len(ids):
        return 0
    if ids[0] < 0 or (ids[1:] < ids[:-1]).any():
        raise InvalidArgumentError("segment_ids must be sorted and not negative")
    return int(ids[-1]) + 1


def _sorted_shape(data: Any, ids: Any) -> Any:
    if data.shape.rank is None:
        return unknown_shape()
    count = None
    if ids.value is not None:
        count = int(ids.value[-1]) + 1 if len(ids.value) else 0
    return TensorShape.of((count,)) + data.shape[1:]


_SORTED: dict[str, Any] = {
    "inputs": ("data: T", "segment_ids: Tindices"),
    "outputs": ("output: T",),
    "constant_inputs": ("segment_ids",),
    "shape": _sorted_shape,
}


@op("SegmentSum", **_SORTED)
def segment_sum(data: Any, segment_ids: Any) -> Any:
    """Sum of the rows of each segment; zero for a segment without rows.

    Shape: data [n, ...], segment_ids [n] -> output [last id + 1, ...].
    Errors: InvalidArgumentError when the ids are negative or not sorted.
    """
    count = _sorted_ids(data, segment_ids)
    return reduce_rows(data, segment_ids, count, "add", None)


@op("SegmentMean", **_SORTED)
def segment_mean(data: Any, segment_ids: Any) -> Any:
    """Mean of the rows of each segment; zero for a segment without rows.

    Shape: data [n, ...], segment_ids [n] -> output [last id + 1, ...].
    Errors: InvalidArgumentError when the ids are negative or not sorted.
    """
    count = _sorted_ids(data, segment_ids)
    sums = reduce_rows(data, segment_ids, count, "add", None)
    counts = count_rows(segment_ids, count, np.int64)
    return divide_rows(sums, np.maximum(counts, 1).astype(data.dtype))


@op("SegmentProd", **_SORTED)
def segment_prod(data: Any, segment_ids: Any) -> Any:
    """Product of the rows of each segment; one for a segment without rows.

    Shape: data [n, ...], segment_ids [n] -> output [last id + 1, ...].
    Errors: InvalidArgumentError when the ids are negative or not sorted.
    """
    count = _sorted_ids(data, segment_ids)
    return reduce_rows(data, segment_ids, count, "multiply", None)


@op("SegmentMax", **_SORTED)
def segment_max(data: Any, segment_ids: Any) -> Any:
    """Largest of the rows of each segment; zero for a segment without rows.

    Shape: data [n, ...], segment_ids [n] -> output [last id + 1, ...].
    Errors: InvalidArgumentError when the ids are negative or not sorted.
    """
    unary("SegmentMax", data, REALS)
    count = _sorted_ids(data, segment_ids)
    return reduce_rows(data, segment_ids, count, "maximum", np.zeros((), data.dtype))


@op("SegmentMin", **_SORTED)
def segment_min(data: Any, segment_ids: Any) -> Any:
    """Smallest of the rows of each segment; zero for a segment without rows.

    Shape: data [n, ...], segment_ids [n] -> output [last id + 1, ...].
    Errors: InvalidArgumentError when the ids are negative or not sorted.
    """
    unary("SegmentMin", data, REALS)
    count = _sorted_ids(data, segment_ids)
    return reduce_rows(data, segment_ids, count, "minimum", np.zeros((), data.dtype))


def _unsorted(data: Any, ids: Any, num_segments: Any, how: str, *, strict: bool = True) -> Any:
    count = scalar_of(num_segments, "num_segments")
    rank = len(ids.shape)
    if count < 0:
        raise InvalidArgumentError(f"num_segments must not be negative, got {count}")
    if tuple(data.shape[:rank]) != tuple(ids.shape):
        raise InvalidArgumentError(
            f"the shape of data must begin with that of segment_ids, got {list(data.shape)} "
            f"and {list(ids.shape)}"
        )
    if strict:
        require((ids < count).all(), InvalidArgumentError, f"segment_ids must be below {count}")
    rows = data.reshape((math.prod(ids.shape), *data.shape[rank:]))
    return reduce_rows(rows, ids.reshape(-1), count, how, None)


def _unsorted_shape(data: Any, ids: Any, num_segments: Any, **_: Any) -> Any:
    if data.shape.rank is None or ids.shape.rank is None:
        return unknown_shape()
    return TensorShape.of((value_of(num_segments),)) + data.shape[ids.shape.rank :]


_UNSORTED: dict[str, Any] = {
    "inputs": ("data: T", "segment_ids: Tindices", "num_segments: Tnumsegments"),
    "outputs": ("output: T",),
    "constant_inputs": ("num_segments",),
    "shape": _unsorted_shape,
}


@op("UnsortedSegmentSum", **_UNSORTED)
def unsorted_segment_sum(data: Any, segment_ids: Any, num_segments: Any) -> Any:
    """Sum of the rows of each segment; rows with a negative id are left out.

    Shape: data [i..., ...], segment_ids [i...], num_segments [] -> output [num_segments, ...].
    Errors: InvalidArgumentError when an id is not below num_segments.
    """
    return _unsorted(data, segment_ids, num_segments, "add")


@op("UnsortedSegmentProd", **_UNSORTED)
def unsorted_segment_prod(data: Any, segment_ids: Any, num_segments: Any) -> Any:
    """Product of the rows of each segment, one where there are none; negative ids are left out.

    Shape: data [i..., ...], segment_ids [i...], num_segments [] -> output [num_segments, ...].
    Errors: InvalidArgumentError when an id is not below num_segments.
    """
    return _unsorted(data, segment_ids, num_segments, "multiply")


@op("UnsortedSegmentMax", **_UNSORTED)
def unsorted_segment_max(data: Any, segment_ids: Any, num_segments: Any) -> Any:
    """Largest of the rows of each segment, the lowest number where there are none.

    Shape: data [i..., ...], segment_ids [i...], num_segments [] -> output [num_segments, ...].
    Errors: InvalidArgumentError when an id is not below num_segments.
    """
    unary("UnsortedSegmentMax", data, REALS)
    return _unsorted(data, segment_ids, num_segments, "maximum")


@op("UnsortedSegmentMin", **_UNSORTED)
def unsorted_segment_min(data: Any, segment_ids: Any, num_segments: Any) -> Any:
    """Smallest of the rows of each segment, the highest number where there are none.

    Shape: data [i..., ...], segment_ids [i...], num_segments [] -> output [num_segments, ...].
    Errors: InvalidArgumentError when an id is not below num_segments.
    """
    unary("UnsortedSegmentMin", data, REALS)
    return _unsorted(data, segment_ids, num_segments, "minimum")


@op("SegmentSumV2", **_UNSORTED)
def segment_sum_v2(data: Any, segment_ids: Any, num_segments: Any) -> Any:
    """Sum of the rows of each of a given number of segments; other ids are left out.

    Shape: data [n, ...], segment_ids [n], num_segments [] -> output [num_segments, ...].
    """
    return _unsorted(data, segment_ids, num_segments, "add", strict=False)


@op("SegmentProdV2", **_UNSORTED)
def segment_prod_v2(data: Any, segment_ids: Any, num_segments: Any) -> Any:
    """Product of the rows of each of a given number of segments; other ids are left out.

    Shape: data [n, ...], segment_ids [n], num_segments [] -> output [num_segments, ...].
    """
    return _unsorted(data, segment_ids, num_segments, "multiply", strict=False)


@op("SegmentMaxV2", **_UNSORTED)
def segment_max_v2(data: Any, segment_ids: Any, num_segments: Any) -> Any:
    """Largest of the rows of each of a given number of segments; other ids are left out.

    Shape: data [n, ...], segment_ids [n], num_segments [] -> output [num_segments, ...].
    """
    return _unsorted(data, segment_ids, num_segments, "maximum", strict=False)


@op("SegmentMinV2", **_UNSORTED)
def segment_min_v2(data: Any, segment_ids: Any, num_segments: Any) -> Any:
    """Smallest of the rows of each of a given number of segments; other ids are left out.

    Shape: data [n, ...], segment_ids [n], num_segments [] -> output [num_segments, ...].
    """
    return _unsorted(data, segment_ids, num_segments, "minimum", strict=False)


def _pick(g: Any, x: Any, ids: Any) -> Any:
    return g.call("GatherV2", x, ids, 0)


@gradient("SegmentSum")
def segment_sum_gradient(g: Any, grad: Any) -> Any:
    """Every row has the gradient of its segment."""
    return _pick(g, grad, g.inputs[1]), None


@gradient("SegmentMean")
def segment_mean_gradient(g: Any, grad: Any) -> Any:
    """Every row has its share of the gradient of its segment."""
    data, ids = g.inputs
    ones = g.call("Cast", g.call("OnesLike", ids), DstT=grad.dtype)
    # The quotient of a segment without rows is not a number, but no row picks it.
    counts = g.call("SegmentSum", ones, ids)
    column = g.call("Reshape", counts, [-1] + [1] * (data.shape.rank - 1))
    return _pick(g, g.call("RealDiv", grad, column), ids), None


def _extreme_gradient(g: Any, grad: Any, count: Any) -> Any:
    """The gradient of a segment goes in equal parts to all rows that gave its value."""
    data, ids = g.inputs[:2]
    (output,) = g.outputs
    chosen = g.call("Equal", data, _pick(g, output, ids))
    share = g.call("RealDiv", grad, count(g.call("Cast", chosen, DstT=grad.dtype)))
    return g.call("SelectV2", chosen, _pick(g, share, ids), np.zeros((), grad.dtype.np))


@gradient("SegmentMax", "SegmentMin")
def segment_max_gradient(g: Any, grad: Any) -> Any:
    """The gradient of a segment goes in equal parts to all rows that gave its value."""
    return _extreme_gradient(g, grad, lambda x: g.call("SegmentSum", x, g.inputs[1])), None


@gradient("SegmentProd")
def segment_prod_gradient(g: Any, grad: Any) -> Any:
    """The product of the other rows, also where a row is zero."""

    def reduce(name: str, x: Any) -> Any:
        return g.call(f"Segment{name}", x, g.inputs[1])

    return _product_gradient(g, grad, g.inputs[1], reduce), None


def _product_gradient(g: Any, grad: Any, ids: Any, reduce: Any) -> Any:
    data = g.inputs[0]
    (output,) = g.outputs
    zero, one = np.zeros((), grad.dtype.np), np.ones((), grad.dtype.np)
    is_zero = g.call("Equal", data, zero)
    zeros = reduce("Sum", g.call("Cast", is_zero, DstT=dtypes.int32))
    # Two zeros in a segment leave nothing to any of its rows.
    grad = g.call("SelectV2", g.call("Greater", zeros, np.int32(1)), zero, grad)
    without = g.call("SelectV2", is_zero, one, data)
    rest = reduce("Prod", without)
    others = g.call(
        "SelectV2",
        is_zero,
        _pick(g, rest, ids),
        g.call("RealDiv", _pick(g, output, ids), without),
    )
    return g.call("Mul", _pick(g, grad, ids), others)


def _kept(g: Any, ids: Any) -> tuple[Any, Any]:
    """Ids with the negative ones set to zero, and which were not negative."""
    zero = np.zeros((), ids.dtype.np)
    return g.call("Maximum", ids, zero), g.call("GreaterEqual", ids, zero)


def _masked(g: Any, rows: Any, kept: Any, data: Any) -> Any:
    """Zero instead of the rows that are not kept."""
    extra = data.shape.rank - kept.shape.rank
    if extra:
        target = g.call("ConcatV2", [g.call("Shape", kept), [1] * extra], 0)
        kept = g.call("Reshape", kept, target)
    return g.call("SelectV2", kept, rows, np.zeros((), rows.dtype.np))


@gradient("UnsortedSegmentSum", "SegmentSumV2")
def unsorted_segment_sum_gradient(g: Any, grad: Any) -> Any:
    """Every row has the gradient of its segment; rows left out have none."""
    data, ids, _ = g.inputs
    places, kept = _kept(g, ids)
    return _masked(g, _pick(g, grad, places), kept, data), None, None


@gradient("UnsortedSegmentMax", "UnsortedSegmentMin", "SegmentMaxV2", "SegmentMinV2")
def unsorted_segment_max_gradient(g: Any, grad: Any) -> Any:
    """The gradient of a segment goes in equal parts to all rows that gave its value."""
    data, ids, count = g.inputs
    (output,) = g.outputs
    places, kept = _kept(g, ids)
    same = g.call("Equal", data, _pick(g, output, places))
    chosen = _masked(g, g.call("Cast", same, DstT=grad.dtype), kept, data)
    number = g.call("UnsortedSegmentSum", chosen, ids, count)
    share = _pick(g, g.call("DivNoNan", grad, number), places)
    return g.call("Mul", share, chosen), None, None


@gradient("UnsortedSegmentProd", "SegmentProdV2")
def unsorted_segment_prod_gradient(g: Any, grad: Any) -> Any:
    """The product of the other rows, also where a row is zero."""
    data, ids, count = g.inputs
    places, kept = _kept(g, ids)

    def reduce(name: str, x: Any) -> Any:
        return g.call(f"UnsortedSegment{name}", x, ids, count)

    return _masked(g, _product_gradient(g, grad, places, reduce), kept, data), None, None
