"""Shapes of tensors, and the same elements in another shape or order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.api.composite import open_to_composites
from penstock.api.operands import integers
from penstock.core import dtypes
from penstock.core.composite_tensor import CompositeTensor
from penstock.core.tensor_shape import TensorShape
from penstock.core.tensor_shape import broadcast_static_shape as _broadcast_static_shape
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.tensor import Tensor

__all__ = [
    "identity",
    "identity_n",
    "guarantee_const",
    "shape",
    "shape_n",
    "size",
    "rank",
    "reshape",
    "ensure_shape",
    "expand_dims",
    "squeeze",
    "transpose",
    "matrix_transpose",
    "broadcast_to",
    "broadcast_static_shape",
    "broadcast_dynamic_shape",
    "bitcast",
    "reverse",
    "reverse_sequence",
    "roll",
    "pad",
    "space_to_batch",
    "space_to_batch_nd",
    "batch_to_space",
    "space_to_depth",
    "depth_to_space",
    "extract_volume_patches",
    "required_space_to_batch_paddings",
    "unravel_index",
    "invert_permutation",
]


def identity(input: Any, name: str | None = None) -> Any:
    """Return a tensor with the value of the input; composites keep their kind."""
    if isinstance(input, CompositeTensor):
        return input
    return call("Identity", input, name=name)


def identity_n(input: Any, name: str | None = None) -> Any:
    """Return a list of tensors with the values of the inputs."""
    return call("IdentityN", [convert_to_tensor(each) for each in input], name=name)


def guarantee_const(input: Any, name: str | None = None) -> Any:
    """Return the input, of which the caller promises that it never changes."""
    return call("GuaranteeConst", input, name=name)


def shape(input: Any, out_type: Any = None, name: str | None = None) -> Any:
    """Sizes of the axes, as a vector.

    Args:
        input: a tensor.
        out_type: int32 or int64; None is int32.
        name: name of the node in a graph.

    Example:
        >>> import penstock as tf
        >>> tf.shape(tf.zeros([2, 3])).numpy().tolist()
        [2, 3]
    """
    if isinstance(input, CompositeTensor) and hasattr(input, "dense_shape"):
        return call("Cast", input.dense_shape, DstT=_index_type(out_type), name=name)
    return call("Shape", input, out_type=_index_type(out_type), name=name)


def _index_type(out_type: Any) -> dtypes.DType:
    return dtypes.int32 if out_type is None else dtypes.as_dtype(out_type)


def shape_n(input: Any, out_type: Any = dtypes.int32, name: str | None = None) -> Any:
    """Sizes of the axes of each input."""
    return call("ShapeN", list(input), out_type=_index_type(out_type), name=name)


def size(input: Any, out_type: Any = None, name: str | None = None) -> Any:
    """Number of elements.

    Args:
        input: a tensor.
        out_type: int32 or int64; None is int32.
        name: name of the node in a graph.
    """
    if isinstance(input, CompositeTensor) and hasattr(input, "dense_shape"):
        return call("Prod", call("Cast", input.dense_shape, DstT=_index_type(out_type)), 0)
    return call("Size", input, out_type=_index_type(out_type), name=name)


def rank(input: Any, name: str | None = None) -> Any:
    """Number of axes, as a scalar tensor."""
    if isinstance(input, CompositeTensor) and hasattr(input, "dense_shape"):
        return call("Size", input.dense_shape, name=name)
    return call("Rank", input, name=name)


def reshape(tensor: Any, shape: Any, name: str | None = None) -> Any:
    """Return the same elements, in row order, in another shape.

    Args:
        tensor: a tensor.
        shape: sizes of the result; one of them may be -1 and is found from the others.
        name: name of the node in a graph.

    Raises:
        InvalidArgumentError: the shapes have different numbers of elements.

    Example:
        >>> import penstock as tf
        >>> tf.reshape([1, 2, 3, 4], [2, -1]).numpy().tolist()
        [[1, 2], [3, 4]]
    """
    return call("Reshape", tensor, integers(shape), name=name)


def ensure_shape(x: Any, shape: Any, name: str | None = None) -> Any:
    """Return x, if its shape fits; in a graph also tell the graph.

    Raises:
        InvalidArgumentError: x has another shape.
        ValueError: that is plain while a graph is built.
    """
    return call("EnsureShape", x, shape=TensorShape(shape), name=name)


def expand_dims(input: Any, axis: Any, name: str | None = None) -> Any:
    """Insert an axis of size 1 before `axis`; -1 inserts it at the end.

    Raises:
        InvalidArgumentError: the axis is out of range.
    """
    return call("ExpandDims", input, integers(axis), name=name)


def squeeze(input: Any, axis: Any = None, name: str | None = None) -> Any:
    """Drop axes of size 1: those named, or all.

    Raises:
        InvalidArgumentError: a named axis has another size.
    """
    if axis is None:
        axes: Sequence[int] = ()
    elif np.ndim(axis) == 0:
        axes = (int(axis),)
    else:
        axes = [int(each) for each in axis]
    return call("Squeeze", input, squeeze_dims=tuple(axes), name=name)


def transpose(
    a: Any, perm: Any = None, conjugate: bool = False, name: str | None = "transpose"
) -> Any:
    """Reorder the axes.

    Args:
        a: a tensor.
        perm: axis i of the result is axis `perm[i]` of `a`; None reverses their order.
        conjugate: whether complex elements are conjugated too.
        name: name of the node in a graph.
    """
    if not isinstance(a, Tensor):
        a = convert_to_tensor(a)
    if perm is None:
        order = a.shape.rank
        if order is None:
            perm = call("Sub", call("Sub", call("Rank", a), 1), _count_to(call("Rank", a)))
        else:
            perm = tuple(range(order - 1, -1, -1))
    kind = "ConjugateTranspose" if conjugate and a.dtype.is_complex else "Transpose"
    return call(kind, a, integers(perm), name=name)


def _count_to(limit: Any) -> Any:
    return call("Range", 0, limit, 1)


def matrix_transpose(
    a: Any, name: str | None = "matrix_transpose", conjugate: bool = False
) -> Any:
    """Exchange the last two axes.

    Raises:
        ValueError: `a` has fewer than two axes.
    """
    a = convert_to_tensor(a)
    order = a.shape.rank
    if order is None:
        axes = _count_to(call("Rank", a))
        last, first = axes[-1:], axes[-2:-1]
        return transpose(a, call("ConcatV2", [axes[:-2], last, first], 0), conjugate, name)
    if order < 2:
        raise ValueError(
            f"Argument `a` should be a (batch) matrix with rank >= 2, got {a.shape}"
        )
    return transpose(a, (*range(order - 2), order - 1, order - 2), conjugate, name)


def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Any:
    """Repeat along axes of size 1, and along new axes in front.

    Raises:
        InvalidArgumentError: a size is neither 1 nor the one asked for.
    """
    return call("BroadcastTo", input, integers(shape), name=name)


def broadcast_static_shape(shape_x: Any, shape_y: Any) -> TensorShape:
    """Shape of an elementwise op of two tensors of known shapes.

    Raises:
        ValueError: the shapes cannot be broadcast.
    """
    return _broadcast_static_shape(shape_x, shape_y)


def broadcast_dynamic_shape(shape_x: Any, shape_y: Any) -> Any:
    """Shape of an elementwise op of two tensors, from tensors that hold their shapes."""
    return call("BroadcastArgs", integers(shape_x), integers(shape_y))


def bitcast(input: Any, type: Any, name: str | None = None) -> Any:
    """Read the bytes of the elements as another type.

    Args:
        input: a tensor.
        type: the dtype of the result. Where it is larger, the last axis is used up; where it is
            smaller, an axis is added.
        name: name of the node in a graph.
    """
    return call("Bitcast", input, type=dtypes.as_dtype(type), name=name)


def reverse(tensor: Any, axis: Any, name: str | None = None) -> Any:
    """Reverse the order along the axes in `axis`.

    Raises:
        InvalidArgumentError: an axis is out of range or named twice.
    """
    return call("ReverseV2", tensor, integers(axis), name=name)


def reverse_sequence(
    input: Any,
    seq_lengths: Any,
    seq_axis: int | None = None,
    batch_axis: int | None = None,
    name: str | None = None,
) -> Any:
    """Reverse the beginning of each row; what comes after its length stays in place.

    Args:
        input: a tensor.
        seq_lengths: number of elements to reverse, for each place on the batch axis.
        seq_axis: axis along which elements are reversed; must be given.
        batch_axis: axis of the rows; None is 0.
        name: name of the node in a graph.
    """
    if seq_axis is None:
        raise TypeError("seq_axis must be given, got None")
    return call(
        "ReverseSequence",
        input,
        seq_lengths,
        seq_dim=seq_axis,
        batch_dim=0 if batch_axis is None else batch_axis,
        name=name,
    )


def roll(input: Any, shift: Any, axis: Any, name: str | None = None) -> Any:
    """Shift along axes; what leaves at the end comes in at the beginning.

    Args:
        input: a tensor.
        shift: number of places, negative towards the beginning; one for each axis.
        axis: an axis, or a vector of them.
        name: name of the node in a graph.
    """
    return call("Roll", input, integers(shift), integers(axis), name=name)


def pad(
    tensor: Any,
    paddings: Any,
    mode: str = "CONSTANT",
    constant_values: Any = 0,
    name: str | None = None,
) -> Any:
    """Add margins.

    Args:
        tensor: a tensor.
        paddings: number of elements before and after, for each axis.
        mode: "CONSTANT", "REFLECT" (mirrors without the border) or "SYMMETRIC" (with it).
        constant_values: what the margins hold in mode "CONSTANT".
        name: name of the node in a graph.

    Raises:
        ValueError: another mode.
        InvalidArgumentError: the paddings are negative, or larger than what can be mirrored.

    Example:
        >>> import penstock as tf
        >>> tf.pad([1, 2, 3], [[1, 1]], "REFLECT").numpy().tolist()
        [2, 1, 2, 3, 2]
    """
    mode = mode.upper()
    if mode == "CONSTANT":
        is_zero = not isinstance(constant_values, Tensor) and np.isscalar(constant_values)
        if is_zero and constant_values == 0:
            return call("Pad", tensor, integers(paddings), name=name)
        return call("PadV2", tensor, integers(paddings), constant_values, name=name)
    if mode in ("REFLECT", "SYMMETRIC"):
        return call("MirrorPad", tensor, integers(paddings), mode=mode, name=name)
    raise ValueError(f"mode must be CONSTANT, REFLECT or SYMMETRIC, got {mode!r}")


def space_to_batch_nd(
    input: Any, block_shape: Any, paddings: Any, name: str | None = None
) -> Any:
    """Pad with zeros, and deal the pixels of each block to as many copies of the batch."""
    return call("SpaceToBatchND", input, integers(block_shape), integers(paddings), name=name)


def space_to_batch(input: Any, block_shape: Any, paddings: Any, name: str | None = None) -> Any:
    """Pad with zeros, and deal the pixels of each block to as many copies of the batch.

    Args:
        input: [n, space..., ...].
        block_shape: size of the blocks on each axis of space.
        paddings: zeros before and after, for each axis of space.
        name: name of the node in a graph.
    """
    return space_to_batch_nd(input, block_shape, paddings, name)


def batch_to_space(input: Any, block_shape: Any, crops: Any, name: str | None = None) -> Any:
    """Put the pixels that copies of the batch hold back into blocks, and crop.

    Args:
        input: [n * product of block_shape, space..., ...].
        block_shape: size of the blocks on each axis of space.
        crops: elements to drop before and after, for each axis of space.
        name: name of the node in a graph.
    """
    if isinstance(block_shape, int):
        block_shape = [block_shape] * 2
    return call("BatchToSpaceND", input, integers(block_shape), integers(crops), name=name)


def space_to_depth(
    input: Any, block_size: int, data_format: str = "NHWC", name: str | None = None
) -> Any:
    """Stack square blocks of pixels into the channels."""
    return call(
        "SpaceToDepth", input, block_size=block_size, data_format=data_format, name=name
    )


def depth_to_space(
    input: Any, block_size: int, data_format: str = "NHWC", name: str | None = None
) -> Any:
    """Spread groups of channels over square blocks of pixels."""
    return call(
        "DepthToSpace", input, block_size=block_size, data_format=data_format, name=name
    )


def extract_volume_patches(
    input: Any,
    ksizes: Sequence[int],
    strides: Sequence[int],
    padding: str,
    name: str | None = None,
) -> Any:
    """Put the voxels of each window into the channels.

    Args:
        input: [n, planes, rows, columns, channels].
        ksizes: size of the window, with 1 for batch and channels.
        strides: distance of the windows, with 1 for batch and channels.
        padding: "SAME" or "VALID".
        name: name of the node in a graph.
    """
    return call(
        "ExtractVolumePatches",
        input,
        ksizes=tuple(ksizes),
        strides=tuple(strides),
        padding=padding,
        name=name,
    )


def required_space_to_batch_paddings(
    input_shape: Any, block_shape: Any, base_paddings: Any = None, name: str | None = None
) -> tuple[Any, Any]:
    """Least paddings that make blocks divide an input, and the crops that undo them.

    Args:
        input_shape: sizes of the axes of space.
        block_shape: size of the blocks on each axis.
        base_paddings: least paddings before and after, for each axis; None for none.
        name: name of the node in a graph.

    Returns:
        Two tensors of shape [axes, 2].
    """
    del name
    sizes = convert_to_tensor(input_shape, dtypes.int32)
    blocks = convert_to_tensor(block_shape, dtypes.int32)
    least = call("Fill", call("Pack", [call("Size", blocks), 2]), 0)
    if base_paddings is not None:
        least = convert_to_tensor(base_paddings, dtypes.int32)
    before, after = least[:, 0], least[:, 1]
    rest = (sizes + before + after) % blocks
    extra = (blocks - rest) % blocks
    paddings = call("Pack", [before, after + extra], axis=1)
    return paddings, call("Pack", [call("ZerosLike", extra), extra], axis=1)


def unravel_index(indices: Any, dims: Any, name: str | None = None) -> Any:
    """Coordinates in an array of sizes `dims` of the elements at flat places."""
    return call("UnravelIndex", indices, dims, name=name)


def invert_permutation(x: Any, name: str | None = None) -> Any:
    """Permutation that undoes x.

    Raises:
        InvalidArgumentError: x is not a permutation of 0, 1, ....
    """
    return call("InvertPermutation", x, name=name)


open_to_composites(globals())
