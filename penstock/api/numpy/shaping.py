"""Shapes: reading and changing them, joining, parting, picking."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from penstock.api import array as array_ops
from penstock.api import indexing, joining, math
from penstock.api.casting import cast
from penstock.api.filling import zeros_like
from penstock.api.numpy.operands import promoted
from penstock.api.numpy.operands import tensor_of as asarray
from penstock.core import dtypes
from penstock.core.errors import UnimplementedError


def shape(a: Any) -> Any:
    """Shape of an array; in a graph the part of it that is known."""
    return asarray(a).shape


def ndim(a: Any) -> Any:
    """Number of axes."""
    return asarray(a).shape.rank


def size(x: Any, axis: Any = None) -> Any:
    """Number of elements, in all or along an axis."""
    value = asarray(x)
    lengths = value.shape.as_list()
    chosen = lengths if axis is None else [lengths[axis]]
    if None in chosen:
        return array_ops.size(value) if axis is None else array_ops.shape(value)[axis]
    return np.prod(chosen, dtype=np.int64)


def reshape(a: Any, newshape: Any, order: str = "C") -> Any:
    """Give another shape, by rows ("C") or by columns ("F").

    Raises:
        ValueError: another order.
    """
    value = asarray(a)
    new = [newshape] if isinstance(newshape, int) else newshape
    if order == "C":
        return array_ops.reshape(value, new)
    if order != "F":
        raise ValueError(f"order must be 'C' or 'F', got {order!r}")
    turned = array_ops.reshape(array_ops.transpose(value), list(new)[::-1])
    return array_ops.transpose(turned)


def ravel(a: Any) -> Any:
    """Flatten by rows."""
    return array_ops.reshape(asarray(a), [-1])


def flatten(a: Any, order: str = "C") -> Any:
    """Flatten by rows ("C") or by columns ("F")."""
    return reshape(a, [-1], order)


def expand_dims(a: Any, axis: Any) -> Any:
    """Add an axis of size one."""
    return array_ops.expand_dims(asarray(a), axis)


def squeeze(a: Any, axis: Any = None) -> Any:
    """Drop axes of size one."""
    return array_ops.squeeze(asarray(a), axis)


def transpose(a: Any, axes: Any = None) -> Any:
    """Put the axes in another order, backwards by default."""
    return array_ops.transpose(asarray(a), axes)


def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    """Change two axes with each other."""
    value = asarray(a)
    order = list(range(value.shape.rank))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return array_ops.transpose(value, order)


def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    """Move axes to other places; the others stay in order."""
    value = asarray(a)
    rank = value.shape.rank
    sources = [source] if isinstance(source, int) else list(source)
    targets = [destination] if isinstance(destination, int) else list(destination)
    sources, targets = [s % rank for s in sources], [t % rank for t in targets]
    order = [axis for axis in range(rank) if axis not in sources]
    for target, axis in sorted(zip(targets, sources, strict=True)):
        order.insert(target, axis)
    return array_ops.transpose(value, order)


def broadcast_to(array: Any, shape: Any) -> Any:
    """Repeat along axes of size one, to another shape."""
    return array_ops.broadcast_to(asarray(array), shape)


def broadcast_arrays(*args: Any, **kwargs: Any) -> list[Any]:
    """Broadcast arrays to the shape that they have together.

    Raises:
        ValueError: `subok` is true.
    """
    if kwargs.pop("subok", False) or kwargs:
        raise ValueError("broadcast_arrays takes no keyword but subok=False")
    values = [asarray(arg) for arg in args]
    together = array_ops.shape(values[0])
    for value in values[1:]:
        together = array_ops.broadcast_dynamic_shape(together, array_ops.shape(value))
    return [array_ops.broadcast_to(value, together) for value in values]


def _at_least(arys: Any, rank: int) -> Any:
    made = [_with_rank(asarray(a), rank) for a in arys]
    return made[0] if len(made) == 1 else made


def _with_rank(value: Any, rank: int) -> Any:
    if value.shape.rank == 0:
        return array_ops.reshape(value, [1] * rank)
    if rank > 1 and value.shape.rank == 1:
        value = array_ops.expand_dims(value, 0)
    if rank == 3 and value.shape.rank == 2:
        value = array_ops.expand_dims(value, -1)
    return value


def atleast_1d(*arys: Any) -> Any:
    """Give numbers one axis."""
    return _at_least(arys, 1)


def atleast_2d(*arys: Any) -> Any:
    """Give arrays two axes or more."""
    return _at_least(arys, 2)


def atleast_3d(*arys: Any) -> Any:
    """Give arrays three axes or more."""
    return _at_least(arys, 3)


def concatenate(arys: Any, axis: Any = 0) -> Any:
    """Join along an axis, None for the flattened arrays."""
    values = promoted(*arys) if isinstance(arys, (list, tuple)) else list(asarray(arys))
    if axis is None:
        return joining.concat([ravel(value) for value in values], 0)
    return joining.concat(values, axis)


def append(arr: Any, values: Any, axis: Any = None) -> Any:
    """Join two arrays along an axis, None for the flattened ones."""
    return concatenate([arr, values], axis)


def stack(arrays: Any, axis: int = 0) -> Any:
    """Join along a new axis."""
    values = promoted(*arrays) if isinstance(arrays, (list, tuple)) else list(asarray(arrays))
    return joining.stack(values, axis)


def vstack(tup: Any) -> Any:
    """Join rows."""
    return concatenate([atleast_2d(each) for each in tup], 0)


def hstack(tup: Any) -> Any:
    """Join along the second axis; vectors along their only one."""
    values = [atleast_1d(each) for each in tup]
    return concatenate(values, 0 if values[0].shape.rank == 1 else 1)


def dstack(tup: Any) -> Any:
    """Join along the third axis."""
    return concatenate([atleast_3d(each) for each in tup], 2)


def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """Part along an axis, into a number of equal parts or before the given places."""
    value = asarray(ary)
    if isinstance(indices_or_sections, (int, np.integer)):
        return joining.split(value, int(indices_or_sections), axis)
    length = value.shape.as_list()[axis]
    if length is None:
        raise UnimplementedError("split at places needs an axis whose length is known")
    ends = [*(min(int(i), length) for i in indices_or_sections), length]
    sizes = [end - start for start, end in zip([0, *ends], ends, strict=False)]
    return joining.split(value, [builtins.max(each, 0) for each in sizes], axis)


def vsplit(ary: Any, indices_or_sections: Any) -> Any:
    """Part along the first axis."""
    return split(ary, indices_or_sections, 0)


def hsplit(ary: Any, indices_or_sections: Any) -> Any:
    """Part along the second axis; vectors along their only one."""
    value = asarray(ary)
    return split(value, indices_or_sections, 0 if value.shape.rank == 1 else 1)


def dsplit(ary: Any, indices_or_sections: Any) -> Any:
    """Part along the third axis."""
    return split(ary, indices_or_sections, 2)


def tile(a: Any, reps: Any) -> Any:
    """Repeat the whole array along its axes."""
    value = asarray(a)
    counts = [reps] if isinstance(reps, int) else list(reps)
    rank = value.shape.rank
    counts = [1] * (rank - len(counts)) + counts
    value = array_ops.reshape(
        value, joining.concat([[1] * (len(counts) - rank), array_ops.shape(value)], 0)
    )
    return joining.tile(value, counts)


def repeat(a: Any, repeats: Any, axis: Any = None) -> Any:
    """Repeat each element along an axis, None for the flattened array."""
    return joining.repeat(asarray(a), repeats, axis)


def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    """Move elements along axes, round the end; None moves in the flattened array."""
    value = asarray(a)
    if axis is None:
        return array_ops.reshape(array_ops.roll(ravel(value), shift, 0), array_ops.shape(value))
    return array_ops.roll(value, shift, axis)


def flip(m: Any, axis: Any = None) -> Any:
    """Turn axes round, all by default."""
    value = asarray(m)
    axes = list(range(value.shape.rank)) if axis is None else axis
    return array_ops.reverse(value, [axes] if isinstance(axes, int) else list(axes))


def flipud(m: Any) -> Any:
    """Turn the first axis round."""
    return flip(m, 0)


def fliplr(m: Any) -> Any:
    """Turn the second axis round."""
    return flip(m, 1)


def rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """Turn by quarters in the plane of two axes."""
    value = asarray(m)
    quarters = k % 4
    if quarters == 0:
        return value
    if quarters == 2:
        return flip(value, axes)
    if quarters == 1:
        return swapaxes(flip(value, axes[1]), *axes)
    return flip(swapaxes(value, *axes), axes[1])


_MODES = {"constant": "CONSTANT", "reflect": "REFLECT", "symmetric": "SYMMETRIC"}


def pad(array: Any, pad_width: Any, mode: str, **kwargs: Any) -> Any:
    """Put values around an array.

    Args:
        array: values.
        pad_width: a number, a pair, or a pair for each axis.
        mode: "constant", "reflect" or "symmetric".
        **kwargs: `constant_values`, 0 by default.

    Raises:
        ValueError: another mode.
    """
    if mode not in _MODES:
        raise ValueError(f"mode must be one of {sorted(_MODES)}, got {mode!r}")
    value = asarray(array)
    widths = np.broadcast_to(np.asarray(pad_width), (value.shape.rank, 2)).astype(np.int32)
    fill = cast(asarray(kwargs.get("constant_values", 0)), value.dtype)
    return array_ops.pad(value, widths, _MODES[mode], fill)


def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    """Elements of `x` where the condition holds, else of `y`; without both, the places."""
    test = asarray(condition)
    test = test if test.dtype is dtypes.bool else math.not_equal(test, zeros_like(test))
    if x is None and y is None:
        return nonzero(test)
    if x is None or y is None:
        raise ValueError("both x and y must be given, or neither")
    return indexing.where(test, *promoted(x, y))


def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """Elements of the first choice whose condition holds, else `default`."""
    choices = promoted(*choicelist, default)
    found = choices[-1]
    for condition, choice in list(zip(condlist, choices[:-1], strict=True))[::-1]:
        found = where(condition, choice, found)
    return found


def nonzero(a: Any) -> Any:
    """Places of the elements that are not zero, one array for each axis."""
    value = atleast_1d(a)
    places = indexing.where(math.not_equal(cast(value, dtypes.bool), False))
    return joining.unstack(places, num=value.shape.rank, axis=1)


def compress(condition: Any, a: Any, axis: Any = None) -> Any:
    """Pick what the condition, a vector, says along an axis, None for the flattened array."""
    value = asarray(a)
    if axis is None:
        value, axis = ravel(value), 0
    test = cast(asarray(condition), dtypes.bool)
    count = test.shape.as_list()[0]
    # A short condition is false behind its end.
    part = indexing.slice(
        value,
        [0] * value.shape.rank,
        [count if i == axis % value.shape.rank else -1 for i in range(value.shape.rank)],
    )
    return indexing.boolean_mask(part, test, axis=axis)


def take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "clip") -> Any:
    """Pick elements by their places.

    Args:
        a: values.
        indices: places.
        axis: along which, None for the flattened array.
        out: must be None.
        mode: "clip" moves places to the ends, "wrap" goes round.

    Raises:
        ValueError: another mode.
    """
    if out is not None or mode not in ("clip", "wrap"):
        raise ValueError(f"out must be None and mode 'clip' or 'wrap', got {out!r}, {mode!r}")
    value, places = asarray(a), asarray(indices)
    if axis is None:
        value, axis = ravel(value), 0
    length = cast(array_ops.shape(value)[axis], places.dtype)
    if mode == "wrap":
        places = math.floormod(places, length)
    else:
        places = math.minimum(math.maximum(places, zeros_like(places)), length - 1)
    return indexing.gather(value, places, axis=axis)


def take_along_axis(arr: Any, indices: Any, axis: Any) -> Any:
    """Pick elements along an axis, by places for each line of it."""
    value, places = asarray(arr), asarray(indices)
    if axis is None:
        return indexing.gather(ravel(value), ravel(places))
    last = value.shape.rank - 1
    value, places = swapaxes(value, axis, last), swapaxes(places, axis, last)
    lead = array_ops.broadcast_dynamic_shape(
        array_ops.shape(value)[:-1], array_ops.shape(places)[:-1]
    )
    value = array_ops.broadcast_to(
        value, joining.concat([lead, array_ops.shape(value)[-1:]], 0)
    )
    places = array_ops.broadcast_to(
        places, joining.concat([lead, array_ops.shape(places)[-1:]], 0)
    )
    length = cast(array_ops.shape(value)[-1], places.dtype)
    places = indexing.where(math.less(places, zeros_like(places)), places + length, places)
    return swapaxes(indexing.gather(value, places, batch_dims=last), axis, last)


def diff(a: Any, n: int = 1, axis: int = -1) -> Any:
    """Differences of neighbours along an axis, `n` times."""
    value = moveaxis(a, axis, -1)
    for _ in range(n):
        later, earlier = value[..., 1:], value[..., :-1]
        same = value.dtype is dtypes.bool
        value = math.not_equal(later, earlier) if same else later - earlier
    return moveaxis(value, -1, axis)
