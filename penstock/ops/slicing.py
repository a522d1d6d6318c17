"""Parts of arrays: slices, strided slices, and writing into them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape, unknown_shape
from penstock.ops.array import ANY_SIZE, shape_of
from penstock.ops.checks import require
from penstock.ops.namespace import is_concrete, namespace
from penstock.ops.shapes import concrete, known_value, length_of, values_of
from penstock.ops.table import gradient, host_kernel, op

_MASKS = {
    "begin_mask": 0,
    "end_mask": 0,
    "ellipsis_mask": 0,
    "new_axis_mask": 0,
    "shrink_axis_mask": 0,
}
_INPUTS = ("begin: Index", "end: Index", "strides: Index")


def constant_bounds(*before: int, begin: int = 1) -> Any:
    """Rule of the constant inputs of a strided slice, whose `begin` is input number `begin`.

    A range needs its bounds to have a size. Where all entries that the masks name take an index
    or a whole axis, only the strides must be known.
    """

    def rule(attrs: Any) -> tuple[int, ...]:
        free = attrs["shrink_axis_mask"] | attrs["ellipsis_mask"] | attrs["new_axis_mask"]
        free |= attrs["begin_mask"] & attrs["end_mask"]
        if free and free & (free + 1) == 0:
            return (*before, begin + 2)
        return (*before, begin, begin + 1, begin + 2)

    return rule


@dataclass(frozen=True, slots=True)
class _Cut:
    """What one entry of a strided slice does.

    `axis` is the axis of the input, None for a new axis. `start` may be a traced scalar, and
    then `size` is 1.
    """

    axis: int | None
    start: Any = 0
    stride: int = 1
    size: int | None = 1
    drops: bool = False


def _entries(count: int, rank: int, attrs: dict[str, int]) -> list[tuple[str, int, int | None]]:
    """Kind, position in the slice vectors and axis of each entry, the ellipsis written out."""
    ellipsis, new_axis = attrs["ellipsis_mask"], attrs["new_axis_mask"]
    shrink = attrs["shrink_axis_mask"]
    if (ellipsis & ((1 << count) - 1)).bit_count() > 1:
        raise InvalidArgumentError("a strided slice can have one ellipsis only")
    used = sum(1 for i in range(count) if not (ellipsis | new_axis) >> i & 1)
    if not ellipsis & ((1 << count) - 1):
        ellipsis, count_with = 1 << count, count + 1
    else:
        # An ellipsis takes precedence over a new axis at its own place.
        count_with = count
    if used > rank:
        raise InvalidArgumentError(
            f"a slice of {used} axes needs as many, the input has {rank}"
        )
    found: list[tuple[str, int, int | None]] = []
    axis = 0
    for i in range(count_with):
        if ellipsis >> i & 1:
            for _ in range(rank - used):
                found.append(("whole", i, axis))
                axis += 1
        elif new_axis >> i & 1:
            found.append(("new", i, None))
        else:
            found.append(("index" if shrink >> i & 1 else "range", i, axis))
            axis += 1
    return found


def _cuts(
    sizes: tuple[int | None, ...], begin: Any, end: Any, strides: Any, attrs: dict[str, int]
) -> list[_Cut]:
    """Read the vectors and masks of a strided slice of an array of `sizes`.

    A size may be None when shapes are inferred; what then cannot be told has the size None.
    """
    bounds = _Bounds(begin, end, concrete(strides).tolist(), attrs)
    known = is_concrete(begin)
    cuts = []
    for kind, i, axis in _entries(len(bounds.steps), len(sizes), attrs):
        if axis is None:
            cuts.append(_Cut(None))
            continue
        size = sizes[axis]
        if kind == "whole":
            cuts.append(_Cut(axis, size=size))
        elif kind == "index":
            start = int(begin[i]) if known else begin[i]
            cuts.append(_Cut(axis, _index(start, size, axis, bounds.steps[i]), drops=True))
        else:
            cuts.append(_range(size, i, axis, bounds))
    return cuts


def _index(start: Any, size: int | None, axis: int, stride: int) -> Any:
    if stride <= 0:
        raise InvalidArgumentError(f"an axis that is dropped needs a stride of 1, got {stride}")
    if isinstance(start, int):
        if size is None:
            return start
        counted = start + size if start < 0 else start
        if not 0 <= counted < size:
            raise InvalidArgumentError(
                f"slice index {start} of dimension {axis} out of bounds: the size is {size}"
            )
        return counted
    length: Any = size
    place = jnp.where(start < 0, start + length, start)
    require(
        (place >= 0) & (place < length),
        InvalidArgumentError,
        f"slice index of dimension {axis} out of bounds: the size is {size}",
        got=start,
    )
    return place


@dataclass(frozen=True, slots=True)
class _Bounds:
    """The vectors and masks of a strided slice; begin and end may be traced."""

    begin: Any
    end: Any
    steps: list[int]
    attrs: dict[str, int]

    def of(self, i: int) -> tuple[int | None, int | None]:
        """Begin and end of entry i, None where the mask leaves the bound out.

        They decide the size of the result, so that compiling needs their values.
        """
        start, stop = None, None
        if not self.attrs["begin_mask"] >> i & 1:
            start = int(concrete(self.begin)[i])
        if not self.attrs["end_mask"] >> i & 1:
            stop = int(concrete(self.end)[i])
        return start, stop


def _range(size: int | None, i: int, axis: int, bounds: _Bounds) -> _Cut:
    stride = bounds.steps[i]
    if stride == 0:
        raise InvalidArgumentError(f"strides must not be zero, got 0 for dimension {axis}")
    start, stop = bounds.of(i)
    if start is None and stop is None and stride == 1:
        return _Cut(axis, size=size)
    if size is None:
        return _Cut(axis, stride=stride, size=_size_of_open_range(start, stop, stride))
    covered = range(*slice(start, stop, stride).indices(size))
    return _Cut(axis, covered.start, stride, len(covered))


def _size_of_open_range(start: int | None, stop: int | None, stride: int) -> int | None:
    """Size of a range of an axis of unknown size: known only when it is surely empty."""
    if start is None or stop is None or (start < 0) != (stop < 0):
        return None
    return 0 if (stop - start) * stride <= 0 else None


def _result_sizes(cuts: list[_Cut]) -> list[int | None]:
    return [cut.size for cut in cuts if not cut.drops]


def _strided_slice_shape(
    x: Any, begin: Any, end: Any, strides: Any, **attrs: int
) -> TensorShape:
    rank, count = x.shape.rank, length_of(begin)
    if count is None and strides.value is not None:
        count = len(strides.value)
    if rank is None or count is None:
        return unknown_shape()
    both_open = attrs["begin_mask"] & attrs["end_mask"]
    if begin.value is not None and end.value is not None and strides.value is not None:
        cuts = _cuts(x.shape.as_tuple(), begin.value, end.value, strides.value, attrs)
        return TensorShape.of(tuple(_result_sizes(cuts)))
    sizes: list[int | None] = []
    for kind, i, axis in _entries(count, rank, attrs):
        step = None if strides.value is None else int(strides.value[i : i + 1].sum())
        if axis is None:
            sizes.append(1)
        elif kind == "whole" or (kind == "range" and both_open >> i & 1 and step == 1):
            sizes.append(x.shape[axis])
        elif kind == "range":
            sizes.append(None)
    return TensorShape.of(tuple(sizes))


def _is_dynamic(cuts: list[_Cut]) -> bool:
    return any(not isinstance(cut.start, int) for cut in cuts)


@op(
    "StridedSlice",
    inputs=("input: T", *_INPUTS),
    outputs=("output: T",),
    attrs=_MASKS,
    constant_inputs=("strides",),
    constant_rule=constant_bounds(),
    shape=_strided_slice_shape,
    host_limit=ANY_SIZE,
)
def strided_slice(x: Any, begin: Any, end: Any, strides: Any, **attrs: int) -> Any:
    """Every stride-th element from begin to end, on each axis.

    Bit i of a mask is about entry i: `begin_mask` and `end_mask` leave the bound out,
    `ellipsis_mask` stands for all axes between, `new_axis_mask` inserts an axis and
    `shrink_axis_mask` takes one index and drops the axis. While compiling, begin and end must
    be constant unless every entry takes an index or the whole axis.

    Shape: input [...], begin [k], end [k], strides [k] -> output [...].
    Errors: InvalidArgumentError for an index out of bounds or a stride of zero.
    Source: TensorFlow op `StridedSlice`.
    """
    cuts = _cuts(x.shape, begin, end, strides, attrs)
    if namespace(x) is np and not _is_dynamic(cuts):
        return x[_numpy_index(cuts)]
    return _taken(x, cuts)


@host_kernel("StridedSlice", limit=ANY_SIZE)
def strided_slice_on_host(x: Any, begin: Any, end: Any, strides: Any, **attrs: int) -> Any:
    """As `strided_slice`, by numpy's own slices, which clamp bounds as TensorFlow's do."""
    starts, stops, steps = begin.tolist(), end.tolist(), strides.tolist()
    begin_mask, end_mask = attrs["begin_mask"], attrs["end_mask"]
    ellipsis, new_axis = attrs["ellipsis_mask"], attrs["new_axis_mask"]
    shrink = attrs["shrink_axis_mask"]
    index: list[Any] = []
    for i, step in enumerate(steps):
        bit = 1 << i
        if ellipsis & bit:
            index.append(Ellipsis)
        elif new_axis & bit:
            index.append(None)
        elif shrink & bit:
            index.append(starts[i] if step > 0 else None)
        else:
            start = None if begin_mask & bit else starts[i]
            index.append(slice(start, None if end_mask & bit else stops[i], step))
    if not ellipsis & ((1 << len(steps)) - 1):
        # Keeps single elements arrays, which matters for strings.
        index.append(Ellipsis)
    if min(steps, default=1) > 0 or not shrink:
        try:
            return x[tuple(index)]
        except (IndexError, ValueError):
            pass
    return strided_slice(x, begin, end, strides, **attrs)


def _numpy_index(cuts: list[_Cut]) -> tuple[Any, ...]:
    index: list[Any] = []
    for cut in cuts:
        if cut.axis is None:
            index.append(None)
        elif cut.drops:
            index.append(cut.start)
        else:
            index.append(_as_slice(cut))
    # The ellipsis keeps single elements arrays, which matters for strings.
    return (*index, ...)


def _as_slice(cut: _Cut) -> slice:
    size = cut.size or 0
    stop: int | None = cut.start + size * cut.stride
    if stop is not None and stop < 0:
        stop = None
    return slice(cut.start, stop, cut.stride) if size else slice(0, 0)


def _taken(x: Any, cuts: list[_Cut]) -> Any:
    """Slice a JAX array with the narrowest XLA operations."""
    axes = [cut for cut in cuts if cut.axis is not None]
    sizes = [cut.size or 0 for cut in axes]
    x = jnp.asarray(x)
    if _is_dynamic(cuts):
        fixed = [cut if isinstance(cut.start, int) else _Cut(cut.axis, size=x.shape[i])
                 for i, cut in enumerate(axes)]  # fmt: skip
        x = _static_part(x, fixed)
        starts = [0 if isinstance(cut.start, int) else cut.start for cut in axes]
        kind = jnp.result_type(*[s for s in starts if not isinstance(s, int)])
        x = jax.lax.dynamic_slice(x, [jnp.asarray(start, kind) for start in starts], sizes)
    else:
        x = _static_part(x, axes)
    final = _result_sizes(cuts)
    return x if list(x.shape) == final else x.reshape(final)


def _static_part(x: Any, axes: list[_Cut]) -> Any:
    starts, stops, steps, reversed_axes = [], [], [], []
    for i, cut in enumerate(axes):
        size, low, stride = cut.size or 0, cut.start, cut.stride
        if stride < 0:
            low, stride = low + (size - 1) * stride, -stride
            reversed_axes.append(i)
        if not size:
            low = 0
        starts.append(low)
        stops.append(low + (size - 1) * stride + 1 if size else 0)
        steps.append(stride)
    if any(starts) or tuple(stops) != x.shape or any(step != 1 for step in steps):
        x = jax.lax.slice(x, starts, stops, steps)
    return jax.lax.rev(x, reversed_axes) if reversed_axes else x


@gradient("StridedSlice")
def strided_slice_gradient(g: Any, grad: Any) -> Any:
    """Write the gradient into zeros, where the slice was read."""
    x, begin, end, strides = g.inputs
    shape = shape_of(g, x)
    if isinstance(shape, np.ndarray):
        shape = shape.astype(begin.dtype.np)
    elif shape.dtype != begin.dtype:
        shape = g.call("Cast", shape, DstT=begin.dtype)
    dx = g.call("StridedSliceGrad", shape, begin, end, strides, grad, **g.attrs)
    return dx, None, None, None


def _slice_grad_shape(shape: Any, *_: Any, **__: Any) -> TensorShape:
    sizes = values_of(shape)
    return unknown_shape(length_of(shape)) if sizes is None else TensorShape(sizes)


@op(
    "StridedSliceGrad",
    inputs=("shape: Index", *_INPUTS, "dy: T"),
    outputs=("output: T",),
    attrs=_MASKS,
    constant_inputs=("shape", "strides"),
    constant_rule=constant_bounds(0),
    shape=_slice_grad_shape,
)
def strided_slice_grad(
    shape: Any, begin: Any, end: Any, strides: Any, dy: Any, **attrs: int
) -> Any:
    """Zeros of a shape, with dy written where a strided slice would read.

    Shape: shape [rank], begin [k], end [k], strides [k], dy [...] -> output [...].
    Errors: InvalidArgumentError when dy does not have the shape of the slice.
    """
    sizes = tuple(shape.tolist())
    cuts = _cuts(sizes, begin, end, strides, attrs)
    _check_update(dy, cuts, "dy")
    if namespace(dy) is np and not _is_dynamic(cuts):
        out = np.zeros(sizes, dy.dtype)
        out[_numpy_index(cuts)] = dy
        return out
    axes = [cut for cut in cuts if cut.axis is not None]
    dy = jnp.asarray(dy).reshape([cut.size for cut in axes])
    if _is_dynamic(cuts) or 0 in dy.shape:
        return _written(jnp.zeros(sizes, dy.dtype), axes, dy)
    turned = [i for i, cut in enumerate(axes) if cut.stride < 0]
    dy = jax.lax.rev(dy, turned) if turned else dy
    margins = []
    for cut, size in zip(axes, sizes, strict=True):
        count, step = cut.size or 0, abs(cut.stride)
        low = cut.start if cut.stride > 0 else cut.start + (count - 1) * cut.stride
        margins.append((low, size - (low + (count - 1) * step + 1), step - 1))
    return jax.lax.pad(dy, jnp.zeros((), dy.dtype), margins)


def _check_update(update: Any, cuts: list[_Cut], name: str) -> None:
    wanted = _result_sizes(cuts)
    if list(update.shape) != wanted:
        raise InvalidArgumentError(
            f"{name} must have the shape {wanted} of the slice, got {list(update.shape)}"
        )


def _written(x: Any, axes: list[_Cut], value: Any) -> Any:
    """Replace a part of a JAX array."""
    if 0 in value.shape:
        return x
    if all(cut.stride == 1 for cut in axes):
        starts = [cut.start for cut in axes]
        traced = [start for start in starts if not isinstance(start, int)]
        kind = jnp.result_type(*traced) if traced else np.int32
        return jax.lax.dynamic_update_slice(x, value, [jnp.asarray(s, kind) for s in starts])
    index = tuple(_as_slice(cut) if isinstance(cut.start, int) else slice(None) for cut in axes)
    if not _is_dynamic(axes):
        return x.at[index].set(value)
    # Traced indices and strides together: the strided part of the rows that the indices pick.
    rows = _taken(x, [cut if not isinstance(cut.start, int) else _Cut(cut.axis, size=x.shape[i])
                      for i, cut in enumerate(axes)])  # fmt: skip
    rows = rows.at[index].set(value)
    whole = [_Cut(cut.axis, 0 if isinstance(cut.start, int) else cut.start) for cut in axes]
    return _written(x, whole, rows)


@gradient("StridedSliceGrad")
def strided_slice_grad_gradient(g: Any, grad: Any) -> Any:
    """Read the gradient back with the same slice."""
    _, begin, end, strides, _ = g.inputs
    return None, None, None, None, g.call("StridedSlice", grad, begin, end, strides, **g.attrs)


@op(
    "TensorStridedSliceUpdate",
    inputs=("input: T", *_INPUTS, "value: T"),
    outputs=("output: T",),
    attrs=_MASKS,
    constant_inputs=("strides",),
    constant_rule=constant_bounds(),
    shape="same",
)
def tensor_strided_slice_update(
    x: Any, begin: Any, end: Any, strides: Any, value: Any, **attrs: int
) -> Any:
    """Copy of the input, with a strided slice of it replaced.

    Shape: input [...], begin [k], end [k], strides [k], value [...] -> output [...].
    Errors: InvalidArgumentError when value cannot be broadcast to the shape of the slice.
    """
    cuts = _cuts(x.shape, begin, end, strides, attrs)
    wanted = _result_sizes(cuts)
    xp = namespace(x, value)
    if list(value.shape) != wanted:
        try:
            value = xp.broadcast_to(value, wanted)
        except ValueError:
            _check_update(value, cuts, "value")
    if xp is np and not _is_dynamic(cuts):
        out = x.copy()
        out[_numpy_index(cuts)] = value
        return out
    axes = [cut for cut in cuts if cut.axis is not None]
    return _written(jnp.asarray(x), axes, jnp.asarray(value).reshape([c.size for c in axes]))


@gradient("TensorStridedSliceUpdate")
def tensor_strided_slice_update_gradient(g: Any, grad: Any) -> Any:
    """The replaced part has no gradient; the value has that of its place."""
    _, begin, end, strides, value = g.inputs
    part = g.call("StridedSlice", grad, begin, end, strides, **g.attrs)
    empty = g.call("ZerosLike", part)
    dx = g.call("TensorStridedSliceUpdate", grad, begin, end, strides, empty, **g.attrs)
    return dx, None, None, None, g.reduce_to(part, value)


def _slice_shape(x: Any, begin: Any, size: Any) -> TensorShape:
    sizes, starts = values_of(size), values_of(begin)
    if sizes is None:
        rank = x.shape.rank
        for vector in (begin, size):
            rank = length_of(vector) if rank is None else rank
        return unknown_shape(rank)
    old = x.shape.as_tuple() if x.shape.rank is not None else (None,) * len(sizes)
    result = []
    for i, asked in enumerate(sizes):
        total, start = old[i], None if starts is None else starts[i]
        rest = None if total is None or start is None else total - start
        result.append(rest if asked == -1 else asked)
    return TensorShape.of(tuple(result))


@op(
    "Slice",
    inputs=("input: T", "begin: Index", "size: Index"),
    outputs=("output: T",),
    constant_inputs=("size",),
    shape=_slice_shape,
    host_limit=ANY_SIZE,
)
def slice_(x: Any, begin: Any, size: Any) -> Any:
    """Block that starts at begin; a size of -1 reaches to the end of the axis.

    Shape: input [...], begin [rank], size [rank] -> output [...], the sizes in `size`.
    Errors: InvalidArgumentError when the block reaches out of the array.
    """
    sizes = size.tolist()
    rank = len(x.shape)
    if len(sizes) != rank or len(begin) != rank:
        raise InvalidArgumentError(
            f"begin and size must have one element for each axis of {list(x.shape)}, got "
            f"{len(begin)} and {len(sizes)}"
        )
    if not is_concrete(begin):
        if -1 in sizes:
            begin = concrete(begin)  # the size of the result depends on it
        return _dynamic_slice(x, begin, sizes)
    starts = begin.tolist()
    index = []
    for start, count, total in zip(starts, sizes, x.shape, strict=True):
        stop = total if count == -1 else start + count
        if not 0 <= start <= total or not start <= stop <= total:
            raise InvalidArgumentError(
                f"the block from begin {starts} of size {sizes} must lie in {list(x.shape)}"
            )
        index.append(slice(start, stop))
    if namespace(x) is np:
        return x[(*index, ...)]
    return jax.lax.slice(x, starts, [each.stop for each in index])


def _dynamic_slice(x: Any, begin: Any, sizes: list[int]) -> Any:
    if any(not 0 <= count <= total for count, total in zip(sizes, x.shape, strict=True)):
        raise InvalidArgumentError(f"size {sizes} must lie in {list(x.shape)}")
    room = np.array([t - c for t, c in zip(x.shape, sizes, strict=True)], begin.dtype)
    require(
        (begin >= 0) & (begin <= room),
        InvalidArgumentError,
        f"the block of size {sizes} must lie in {list(x.shape)}",
    )
    return jax.lax.dynamic_slice(jnp.asarray(x), list(begin), sizes)


@gradient("Slice")
def slice_gradient(g: Any, grad: Any) -> Any:
    """Surround the gradient with zeros."""
    x, begin, _ = g.inputs
    start = known_value(begin)
    if start is None or not (x.shape.is_fully_defined() and grad.shape.is_fully_defined()):
        zeros = g.call("ZerosLike", x)
        return g.call("XlaDynamicUpdateSlice", zeros, grad, begin), None, None
    after = [t - s - c for t, s, c in zip(x.shape, start, grad.shape, strict=True)]
    margins = np.array([start.tolist(), after], np.int32).reshape(2, -1).T
    return g.call("Pad", grad, margins), None, None


@op(
    "XlaDynamicUpdateSlice",
    inputs=("input: T", "update: T", "indices: Tindices"),
    outputs=("output: T",),
    shape="same",
)
def xla_dynamic_update_slice(x: Any, update: Any, indices: Any) -> Any:
    """Copy of the input with a block replaced; it is moved inside the input if need be.

    Shape: input [...], update [...], indices [rank] -> output [...].
    Errors: InvalidArgumentError when the update is larger than the input.
    """
    if len(update.shape) != len(x.shape) or any(
        part > total for part, total in zip(update.shape, x.shape, strict=True)
    ):
        raise InvalidArgumentError(
            f"update {list(update.shape)} must fit in the input {list(x.shape)}"
        )
    if namespace(x, update, indices) is np:
        out = x.copy()
        index = []
        for start, part, total in zip(indices.tolist(), update.shape, x.shape, strict=True):
            place = min(max(start, 0), total - part)
            index.append(slice(place, place + part))
        out[tuple(index)] = update
        return out
    starts = [jnp.asarray(indices)[i] for i in range(len(x.shape))]
    return jax.lax.dynamic_update_slice(jnp.asarray(x), jnp.asarray(update), starts)


@op(
    "XlaDynamicSlice",
    inputs=("input: T", "start_indices: Tindices", "size_indices: Tindices"),
    outputs=("output: T",),
    constant_inputs=("size_indices",),
    shape=lambda *specs: _slice_grad_shape(specs[2]),
)
def xla_dynamic_slice(x: Any, start_indices: Any, size_indices: Any) -> Any:
    """Block of given size; its place is moved inside if need be.

    Shape: input [...], start_indices [rank], size_indices [rank] -> output [...].
    """
    sizes = size_indices.tolist()
    if namespace(x, start_indices) is np:
        index = []
        for start, part, total in zip(start_indices.tolist(), sizes, x.shape, strict=True):
            place = min(max(start, 0), total - part)
            index.append(slice(place, place + part))
        return x[(*index, ...)]
    starts = [jnp.asarray(start_indices)[i] for i in range(len(x.shape))]
    return jax.lax.dynamic_slice(jnp.asarray(x), starts, sizes)
