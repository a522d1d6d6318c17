"""The same elements in another order: reversed, rolled, moved between axes and batch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from penstock.core.errors import InvalidArgumentError, UnimplementedError
from penstock.core.tensor_shape import TensorShape, unknown_shape
from penstock.ops.array import ANY_SIZE
from penstock.ops.checks import require
from penstock.ops.namespace import is_concrete, namespace
from penstock.ops.padding import pad
from penstock.ops.shapes import axes_in, axis_in, values_of
from penstock.ops.table import REQUIRED, gradient, op


@op(
    "ReverseV2",
    inputs=("tensor: T", "axis: Tidx"),
    outputs=("output: T",),
    constant_inputs=("axis",),
    shape="same",
    host_limit=ANY_SIZE,
)
def reverse_v2(tensor: Any, axis: Any) -> Any:
    """Reverse the order along some axes.

    Shape: tensor [...], axis [k] -> output [...].
    Errors: InvalidArgumentError for an axis out of range or named twice.
    """
    if axis.ndim != 1:
        raise InvalidArgumentError(f"axis must be a vector, got shape {list(axis.shape)}")
    if not tensor.shape or not tensor.size:
        return tensor  # without an order, as TensorFlow takes any axis then
    axes = axes_in(axis.tolist(), len(tensor.shape))
    if namespace(tensor) is not np:
        return namespace(tensor).flip(tensor, axes)
    backwards, all_of = slice(None, None, -1), slice(None)
    return tensor[tuple([backwards if i in axes else all_of for i in range(tensor.ndim)])]


@gradient("ReverseV2")
def reverse_v2_gradient(g: Any, grad: Any) -> Any:
    """Reverse the gradient."""
    return g.call("ReverseV2", grad, g.inputs[1]), None


@op(
    "Reverse",
    inputs=("tensor: T", "dims: bool"),
    outputs=("output: T",),
    constant_inputs=("dims",),
    shape="same",
    host_limit=ANY_SIZE,
)
def reverse(tensor: Any, dims: Any) -> Any:
    """Reverse the order along the axes for which `dims` is true.

    Shape: tensor [...], dims [rank] -> output [...].
    """
    if tuple(dims.shape) != (len(tensor.shape),):
        raise InvalidArgumentError(
            f"dims must have one element for each axis of {list(tensor.shape)}, got "
            f"{list(dims.shape)}"
        )
    return reverse_v2(tensor, np.flatnonzero(dims))


@gradient("Reverse")
def reverse_gradient(g: Any, grad: Any) -> Any:
    """Reverse the gradient."""
    return g.call("Reverse", grad, g.inputs[1]), None


@op(
    "ReverseSequence",
    inputs=("input: T", "seq_lengths: Tlen"),
    outputs=("output: T",),
    attrs={"seq_dim": REQUIRED, "batch_dim": 0},
    shape="same",
)
def reverse_sequence(x: Any, seq_lengths: Any, *, seq_dim: int, batch_dim: int) -> Any:
    """Reverse the first seq_lengths[i] elements of each row; the rest stays in place.

    Shape: input [..., n, ..., t, ...], seq_lengths [n] -> output [..., n, ..., t, ...].
    Errors: InvalidArgumentError when a length is negative or larger than t.
    """
    rank = len(x.shape)
    time, batch = axis_in(seq_dim, rank, "seq_dim"), axis_in(batch_dim, rank, "batch_dim")
    if time == batch or tuple(seq_lengths.shape) != (x.shape[batch],):
        raise InvalidArgumentError(
            f"seq_dim {seq_dim} and batch_dim {batch_dim} must differ and seq_lengths have "
            f"{x.shape[batch]} elements, got shape {list(seq_lengths.shape)}"
        )
    xp = namespace(x, seq_lengths)
    total = x.shape[time]
    require(
        xp.logical_and(seq_lengths >= 0, seq_lengths <= total).all(),
        InvalidArgumentError,
        f"seq_lengths must be in [0, {total}]",
    )
    along_time = [1] * rank
    along_time[time] = total
    along_batch = [1] * rank
    along_batch[batch] = x.shape[batch]
    steps = np.arange(total, dtype=seq_lengths.dtype).reshape(along_time)
    lengths = seq_lengths.reshape(along_batch)
    places = xp.where(steps < lengths, lengths - 1 - steps, steps)
    return xp.take_along_axis(x, places, time)


@gradient("ReverseSequence")
def reverse_sequence_gradient(g: Any, grad: Any) -> Any:
    """Reverse the gradient in the same way."""
    return g.call("ReverseSequence", grad, g.inputs[1], **g.attrs), None


@op(
    "Roll",
    inputs=("input: T", "shift: Tshift", "axis: Taxis"),
    outputs=("output: T",),
    constant_inputs=("axis",),
    shape="same",
    host_limit=ANY_SIZE,
)
def roll(x: Any, shift: Any, axis: Any) -> Any:
    """Shift along axes; what leaves at the end comes in at the beginning.

    Shape: input [...], shift [] or [k], axis [] or [k] -> output [...].
    Errors: InvalidArgumentError for shift and axis of unlike lengths, or an axis out of range.
    """
    if not x.shape:
        raise InvalidArgumentError("input must have at least one axis")
    if tuple(shift.shape) != tuple(axis.shape) or axis.ndim > 1:
        raise InvalidArgumentError(
            "shift and axis must both be scalars or vectors of one length, got shapes "
            f"{list(shift.shape)} and {list(axis.shape)}"
        )
    axes = [axis_in(each, len(x.shape)) for each in np.ravel(axis).tolist()]
    xp = namespace(x, shift)
    if is_concrete(shift):
        amounts = np.ravel(np.asarray(shift)).tolist()
        return xp.roll(x, amounts, axes)
    return xp.roll(x, shift.reshape(-1), axes)


@gradient("Roll")
def roll_gradient(g: Any, grad: Any) -> Any:
    """Shift the gradient back."""
    _, shift, axis = g.inputs
    return g.call("Roll", grad, g.call("Neg", shift), axis), None, None


def _spatial(data_format: str, name: str) -> bool:
    """Whether the channels come last."""
    if data_format == "NCHW_VECT_C":
        raise UnimplementedError(f"{name} has no kernel for data_format NCHW_VECT_C")
    if data_format not in ("NHWC", "NCHW"):
        raise InvalidArgumentError(f"data_format must be NHWC or NCHW, got {data_format!r}")
    return data_format == "NHWC"


def _four(x: Any, block_size: int) -> None:
    if len(x.shape) != 4:
        raise InvalidArgumentError(f"input must have 4 axes, got shape {list(x.shape)}")
    if block_size < 2:
        raise InvalidArgumentError(f"block_size must be at least 2, got {block_size}")


def _depth_shape(factor: int) -> Any:
    def infer(x: Any, *, block_size: int, data_format: str) -> TensorShape:
        if x.shape.rank != 4:
            return unknown_shape(4)
        last = _spatial(data_format, "DepthToSpace")
        n, *rest = x.shape.as_tuple()
        h, w, c = rest if last else (rest[1], rest[2], rest[0])
        if factor > 0:
            h, w = (None if size is None else size * block_size for size in (h, w))
            c = None if c is None else c // block_size**2
        else:
            h, w = (None if size is None else size // block_size for size in (h, w))
            c = None if c is None else c * block_size**2
        return TensorShape.of((n, h, w, c) if last else (n, c, h, w))

    return infer


@op(
    "DepthToSpace",
    inputs=("input: T",),
    outputs=("output: T",),
    attrs={"block_size": REQUIRED, "data_format": "NHWC"},
    shape=_depth_shape(1),
    host_limit=ANY_SIZE,
)
def depth_to_space(x: Any, *, block_size: int, data_format: str) -> Any:
    """Spread groups of channels over blocks of pixels.

    Shape: input [n, h, w, b * b * c] -> output [n, h * b, w * b, c], b the block size.
    Errors: InvalidArgumentError when b * b does not divide the channels.
    """
    last = _spatial(data_format, "DepthToSpace")
    _four(x, block_size)
    n, h, w, depth = x.shape if last else (x.shape[0], *x.shape[2:], x.shape[1])
    c, rest = divmod(depth, block_size**2)
    if rest:
        raise InvalidArgumentError(
            f"the number of channels must be a multiple of {block_size**2}, got {depth}"
        )
    if last:
        blocks = x.reshape(n, h, w, block_size, block_size, c).transpose(0, 1, 3, 2, 4, 5)
        return blocks.reshape(n, h * block_size, w * block_size, c)
    blocks = x.reshape(n, block_size, block_size, c, h, w).transpose(0, 3, 4, 1, 5, 2)
    return blocks.reshape(n, c, h * block_size, w * block_size)


@op(
    "SpaceToDepth",
    inputs=("input: T",),
    outputs=("output: T",),
    attrs={"block_size": REQUIRED, "data_format": "NHWC"},
    shape=_depth_shape(-1),
    host_limit=ANY_SIZE,
)
def space_to_depth(x: Any, *, block_size: int, data_format: str) -> Any:
    """Stack blocks of pixels into the channels.

    Shape: input [n, h * b, w * b, c] -> output [n, h, w, b * b * c], b the block size.
    Errors: InvalidArgumentError when b does not divide height and width.
    """
    last = _spatial(data_format, "SpaceToDepth")
    _four(x, block_size)
    n, height, width, c = x.shape if last else (x.shape[0], *x.shape[2:], x.shape[1])
    if height % block_size or width % block_size:
        raise InvalidArgumentError(
            f"height and width must be multiples of {block_size}, got {height} and {width}"
        )
    h, w = height // block_size, width // block_size
    if last:
        blocks = x.reshape(n, h, block_size, w, block_size, c).transpose(0, 1, 3, 2, 4, 5)
        return blocks.reshape(n, h, w, block_size**2 * c)
    blocks = x.reshape(n, c, h, block_size, w, block_size).transpose(0, 3, 5, 1, 2, 4)
    return blocks.reshape(n, block_size**2 * c, h, w)


@gradient("DepthToSpace")
def depth_to_space_gradient(g: Any, grad: Any) -> Any:
    """Move the gradient back into the channels."""
    return g.call("SpaceToDepth", grad, **g.attrs)


@gradient("SpaceToDepth")
def space_to_depth_gradient(g: Any, grad: Any) -> Any:
    """Move the gradient back into the pixels."""
    return g.call("DepthToSpace", grad, **g.attrs)


def _blocks(block_shape: Any, pairs: Any, rank: int, name: str) -> tuple[list[int], Any]:
    sizes = np.ravel(block_shape).tolist()
    if any(size < 1 for size in sizes) or tuple(pairs.shape) != (len(sizes), 2):
        raise InvalidArgumentError(
            f"block_shape must be positive and {name} have shape [{len(sizes)}, 2], got "
            f"{sizes} and {list(pairs.shape)}"
        )
    if rank < 1 + len(sizes):
        raise InvalidArgumentError(f"input must have more than {len(sizes)} axes, got {rank}")
    if (np.asarray(pairs) < 0).any():
        raise InvalidArgumentError(f"{name} must not be negative, got {pairs.tolist()}")
    return sizes, pairs.tolist()


def _batch_shape(sign: int) -> Any:
    def infer(x: Any, block_shape: Any, pairs: Any) -> TensorShape:
        blocks = values_of(block_shape)
        if x.shape.rank is None or blocks is None:
            return unknown_shape(x.shape.rank)
        sizes = list(x.shape.as_tuple())
        product = math.prod(blocks)
        if sizes[0] is not None:
            sizes[0] = sizes[0] * product if sign > 0 else sizes[0] // product
        for i, block in enumerate(blocks):
            size = sizes[i + 1]
            if size is None or pairs.value is None:
                sizes[i + 1] = None
                continue
            margin = int(pairs.value[i].sum())
            sizes[i + 1] = (size + margin) // block if sign > 0 else size * block - margin
        return TensorShape.of(tuple(sizes))

    return infer


@op(
    "SpaceToBatchND",
    inputs=("input: T", "block_shape: Tblock_shape", "paddings: Tpaddings"),
    outputs=("output: T",),
    constant_inputs=("block_shape", "paddings"),
    shape=_batch_shape(1),
    host_limit=ANY_SIZE,
)
def space_to_batch_nd(x: Any, block_shape: Any, paddings: Any) -> Any:
    """Pad with zeros, then deal the pixels of each block to as many copies of the batch.

    Shape: input [n, s_i, ...], block_shape [m], paddings [m, 2] ->
        output [n * prod(block), (s_i + pads_i) / block_i, ...].
    Errors: InvalidArgumentError when a block does not divide its padded axis.
    """
    rank = len(x.shape)
    blocks, pairs = _blocks(block_shape, paddings, rank, "paddings")
    m = len(blocks)
    x = pad(x, np.array([[0, 0], *pairs, *[[0, 0]] * (rank - m - 1)], np.int64))
    split_sizes: list[int] = [x.shape[0]]
    for size, block in zip(x.shape[1 : m + 1], blocks, strict=True):
        if size % block:
            raise InvalidArgumentError(
                f"padded size {size} must be a multiple of block {block}"
            )
        split_sizes += [size // block, block]
    rest = list(x.shape[m + 1 :])
    inside = [2 + 2 * i for i in range(m)]
    outside = [1 + 2 * i for i in range(m)]
    order = [*inside, 0, *outside, *range(2 * m + 1, 2 * m + 1 + len(rest))]
    final = [math.prod(blocks) * x.shape[0], *[split_sizes[i] for i in outside], *rest]
    return x.reshape(split_sizes + rest).transpose(order).reshape(final)


@op(
    "BatchToSpaceND",
    inputs=("input: T", "block_shape: Tblock_shape", "crops: Tcrops"),
    outputs=("output: T",),
    constant_inputs=("block_shape", "crops"),
    shape=_batch_shape(-1),
    host_limit=ANY_SIZE,
)
def batch_to_space_nd(x: Any, block_shape: Any, crops: Any) -> Any:
    """Put the pixels that copies of the batch hold back into blocks, then crop.

    Shape: input [n * prod(block), s_i, ...], block_shape [m], crops [m, 2] ->
        output [n, s_i * block_i - crops_i, ...].
    Errors: InvalidArgumentError when the blocks do not divide the batch or crops are too large.
    """
    rank = len(x.shape)
    blocks, pairs = _blocks(block_shape, crops, rank, "crops")
    m = len(blocks)
    batch, left = divmod(x.shape[0], math.prod(blocks))
    if left:
        raise InvalidArgumentError(
            f"the batch size must be a multiple of {math.prod(blocks)}, got {x.shape[0]}"
        )
    space, rest = list(x.shape[1 : m + 1]), list(x.shape[m + 1 :])
    order = [m]
    for i in range(m):
        order += [m + 1 + i, i]
    order += range(2 * m + 1, 2 * m + 1 + len(rest))
    wide = [size * block for size, block in zip(space, blocks, strict=True)]
    x = x.reshape([*blocks, batch, *space, *rest]).transpose(order).reshape(batch, *wide, *rest)
    index = [slice(None)]
    for size, (low, high) in zip(wide, pairs, strict=True):
        if low + high > size:
            raise InvalidArgumentError(f"crops {low} and {high} must leave some of size {size}")
        index.append(slice(low, size - high))
    return x[tuple(index)]


@gradient("SpaceToBatchND")
def space_to_batch_nd_gradient(g: Any, grad: Any) -> Any:
    """Put the gradient back and crop what was padded."""
    return g.call("BatchToSpaceND", grad, *g.inputs[1:]), None, None


@gradient("BatchToSpaceND")
def batch_to_space_nd_gradient(g: Any, grad: Any) -> Any:
    """Pad what was cropped and deal the gradient out again."""
    return g.call("SpaceToBatchND", grad, *g.inputs[1:]), None, None


@op(
    "SpaceToBatch",
    inputs=("input: T", "paddings: Tpaddings"),
    outputs=("output: T",),
    attrs={"block_size": REQUIRED},
    constant_inputs=("paddings",),
)
def space_to_batch(x: Any, paddings: Any, *, block_size: int) -> Any:
    """Pad with zeros, then deal the pixels of square blocks to copies of the batch.

    Shape: input [n, h, w, c], paddings [2, 2] -> output [n * b * b, h / b, w / b, c], padded.
    """
    return space_to_batch_nd(x, np.array([block_size] * 2), paddings)


@op(
    "BatchToSpace",
    inputs=("input: T", "crops: Tidx"),
    outputs=("output: T",),
    attrs={"block_size": REQUIRED},
    constant_inputs=("crops",),
)
def batch_to_space(x: Any, crops: Any, *, block_size: int) -> Any:
    """Put the pixels that copies of the batch hold back into square blocks, then crop.

    Shape: input [n * b * b, h, w, c], crops [2, 2] -> output [n, h * b, w * b, c], cropped.
    """
    return batch_to_space_nd(x, np.array([block_size] * 2), crops)


@gradient("SpaceToBatch")
def space_to_batch_gradient(g: Any, grad: Any) -> Any:
    """Put the gradient back and crop what was padded."""
    return g.call("BatchToSpace", grad, g.inputs[1], **g.attrs), None


@gradient("BatchToSpace")
def batch_to_space_gradient(g: Any, grad: Any) -> Any:
    """Pad what was cropped and deal the gradient out again."""
    return g.call("SpaceToBatch", grad, g.inputs[1], **g.attrs), None


def _taps(
    x: Any,
    sizes: tuple[int, ...],
    strides: tuple[int, ...],
    rates: tuple[int, ...],
    padding: str,
) -> tuple[Any, list[int]]:
    """Pad for windows over the inner axes; give the padded array and the output sizes."""
    outs, margins = [], []
    for size, k, stride, rate in zip(x.shape, sizes, strides, rates, strict=True):
        reach = (k - 1) * rate + 1
        if padding == "VALID":
            if reach > size + 1:
                raise InvalidArgumentError(
                    f"window {sizes} must fit input {list(x.shape)} at the rates {rates}"
                )
            outs.append(-(-(size - reach + 1) // stride))
            margins.append((0, 0))
        elif padding == "SAME":
            out = -(-size // stride)
            need = max(0, (out - 1) * stride + reach - size)
            outs.append(out)
            margins.append((need // 2, need - need // 2))
        else:
            raise InvalidArgumentError(f"padding must be SAME or VALID, got {padding!r}")
    return pad(x, np.array(margins, np.int64)), outs


def _patches(
    x: Any,
    sizes: tuple[int, ...],
    strides: tuple[int, ...],
    rates: tuple[int, ...],
    padding: str,
) -> Any:
    rank = len(x.shape)
    if any(len(each) != rank for each in (sizes, strides, rates)):
        raise InvalidArgumentError(f"ksizes, strides and rates must have {rank} elements each")
    for each in (sizes, strides, rates):
        if min(each) < 1:
            raise InvalidArgumentError(
                f"ksizes, strides and rates must be positive, got {each}"
            )
        if each[0] != 1 or each[-1] != 1:
            raise UnimplementedError(
                f"ksizes, strides and rates must be 1 on batch and channels, got {each}"
            )
    padded, outs = _taps(x, sizes, strides, rates, padding)
    xp = namespace(x)
    views = []
    for place in np.ndindex(*sizes[1:-1]):
        index = [slice(None)]
        for i, offset in enumerate(place, start=1):
            start = offset * rates[i]
            index.append(slice(start, start + (outs[i] - 1) * strides[i] + 1, strides[i]))
        views.append(padded[tuple(index)] if 0 not in outs else None)
    depth = math.prod(sizes) * x.shape[-1]
    if 0 in outs:
        return xp.zeros((*outs[:-1], depth), x.dtype)
    return xp.concatenate(views, -1)


@op(
    "ExtractImagePatches",
    inputs=("images: T",),
    outputs=("patches: T",),
    attrs={"ksizes": REQUIRED, "strides": REQUIRED, "rates": REQUIRED, "padding": REQUIRED},
)
def extract_image_patches(
    images: Any,
    *,
    ksizes: tuple[int, ...],
    strides: tuple[int, ...],
    rates: tuple[int, ...],
    padding: str,
) -> Any:
    """Put the pixels of each window into the channels.

    Shape: images [n, h, w, c] -> patches [n, rows, columns, kh * kw * c].
    """
    if len(images.shape) != 4:
        raise InvalidArgumentError(f"images must have 4 axes, got shape {list(images.shape)}")
    return _patches(images, ksizes, strides, rates, padding)


@op(
    "ExtractVolumePatches",
    inputs=("input: T",),
    outputs=("patches: T",),
    attrs={"ksizes": REQUIRED, "strides": REQUIRED, "padding": REQUIRED},
)
def extract_volume_patches(
    x: Any, *, ksizes: tuple[int, ...], strides: tuple[int, ...], padding: str
) -> Any:
    """Put the voxels of each window into the channels.

    Shape: input [n, d, h, w, c] -> patches [n, planes, rows, columns, kd * kh * kw * c].
    """
    if len(x.shape) != 5:
        raise InvalidArgumentError(f"input must have 5 axes, got shape {list(x.shape)}")
    return _patches(x, ksizes, strides, (1,) * 5, padding)
