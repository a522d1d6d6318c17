"""Convolutions, their transposes, and the depthwise and separable ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.api.nn.windows import (
    entries_of,
    named_padding,
    per_axis,
    read_padding,
    starts_with_channels,
)
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.tensor import Tensor

__all__ = [
    "atrous_conv2d",
    "atrous_conv2d_transpose",
    "conv1d",
    "conv1d_transpose",
    "conv2d",
    "conv2d_transpose",
    "conv3d",
    "conv3d_transpose",
    "conv_transpose",
    "convolution",
    "depthwise_conv2d",
    "depthwise_conv2d_backprop_filter",
    "depthwise_conv2d_backprop_input",
    "dilation2d",
    "erosion2d",
    "separable_conv2d",
]

_LAYOUTS_1D = {"NWC": "NHWC", "NHWC": "NHWC", "NCW": "NCHW", "NCHW": "NCHW"}


def conv1d(
    input: Any,
    filters: Any,
    stride: Any,
    padding: str,
    data_format: str = "NWC",
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """Convolution over one axis.

    Args:
        input: `[*batch, w, c]`, or `[*batch, c, w]` with data_format "NCW".
        filters: `[width, c / groups, filters]`.
        stride: step of the filter: a number, or a list of 1 or 3.
        padding: "SAME" or "VALID".
        data_format: "NWC" or "NCW".
        dilations: distance between the cells of the filter.
        name: name of the op.

    Returns:
        `[*batch, places, filters]`, or `[*batch, filters, places]`.

    Raises:
        ValueError: an argument has the wrong length or layout.
        InvalidArgumentError: the shapes do not fit each other.
    """
    layout = _LAYOUTS_1D.get(data_format or "NWC")
    if layout is None:
        raise ValueError(f"data_format must be 'NWC' or 'NCW', got {data_format!r}")
    first = layout == "NCHW"
    axis = 2 if first else 1
    attrs = {
        "strides": _with_height(per_axis(stride, 1, first, "stride"), axis),
        "dilations": _with_height(per_axis(dilations, 1, first, "dilations"), axis),
        "padding": named_padding(padding),
        "data_format": layout,
    }
    filters = call("ExpandDims", convert_to_tensor(filters), 0)

    def convolve(value: Any) -> Any:
        flat = call("ExpandDims", value, axis)
        return call("Squeeze", call("Conv2D", flat, filters, **attrs), squeeze_dims=(axis,))

    return _over_batches(convolve, convert_to_tensor(input), 3, name)


def conv2d(
    input: Any,
    filters: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """Convolution over two axes.

    Args:
        input: `[*batch, h, w, c]`, or `[*batch, c, h, w]` with data_format "NCHW".
        filters: `[height, width, c / groups, filters]`.
        strides: steps of the filter: a number, or a list of 1, 2 or 4.
        padding: "SAME", "VALID", or a pair of numbers for each of the four axes.
        data_format: "NHWC" or "NCHW".
        dilations: distances between the cells of the filter, given as strides are.
        name: name of the op.

    Returns:
        `[*batch, oh, ow, filters]`, or `[*batch, filters, oh, ow]`.

    Raises:
        ValueError: an argument has the wrong length.
        InvalidArgumentError: the shapes do not fit each other.

    Example:
        >>> import penstock as tf
        >>> image, box = tf.ones([1, 3, 3, 1]), tf.ones([2, 2, 1, 1])
        >>> tf.nn.conv2d(image, box, strides=1, padding="VALID").shape.as_list()
        [1, 2, 2, 1]
    """
    data_format = data_format or "NHWC"
    first = starts_with_channels(data_format)
    attrs = {
        "strides": per_axis(strides, 2, first, "strides"),
        "dilations": per_axis(dilations, 2, first, "dilations"),
        "data_format": data_format,
        **read_padding(padding, 4),
    }
    filters = convert_to_tensor(filters)
    return _over_batches(
        lambda value: call("Conv2D", value, filters, name=name, **attrs),
        convert_to_tensor(input),
        4,
        name,
    )


def conv3d(
    input: Any,
    filters: Any,
    strides: Any,
    padding: str,
    data_format: str = "NDHWC",
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """Convolution over three axes.

    Args:
        input: `[*batch, d, h, w, c]`, or `[*batch, c, d, h, w]` with data_format "NCDHW".
        filters: `[depth, height, width, c, filters]`.
        strides: five steps of the filter, 1 for batch and channels.
        padding: "SAME" or "VALID".
        data_format: "NDHWC" or "NCDHW".
        dilations: five distances between the cells of the filter; None for 1.
        name: name of the op.

    Returns:
        `[*batch, od, oh, ow, filters]`, or `[*batch, filters, od, oh, ow]`.

    Raises:
        InvalidArgumentError: the shapes or attrs do not fit each other.
    """
    attrs = {
        "strides": entries_of(strides, "strides"),
        "dilations": (1,) * 5 if dilations is None else entries_of(dilations, "dilations"),
        "padding": named_padding(padding),
        "data_format": data_format or "NDHWC",
    }
    filters = convert_to_tensor(filters)
    return _over_batches(
        lambda value: call("Conv3D", value, filters, name=name, **attrs),
        convert_to_tensor(input),
        5,
        name,
    )


def convolution(
    input: Any,
    filters: Any,
    strides: Any = None,
    padding: str = "VALID",
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """Convolution over as many axes as `filters` has beside its last two.

    Args:
        input: `[*batch, *spatial, c]`, or `[*batch, c, *spatial]` with a data_format "NC...".
        filters: `[*window, c / groups, filters]` with one to three window axes.
        strides: steps of the filter; not above 1 where a dilation is.
        padding: "SAME" or "VALID".
        data_format: None or "N...C", or "NC...".
        dilations: distances between the cells of the filter.
        name: name of the op.

    Raises:
        ValueError: `filters` has another rank, or strides and dilations are both above 1.
        InvalidArgumentError: the shapes do not fit each other.
    """
    filters = convert_to_tensor(filters)
    if filters.shape.rank is None:
        raise ValueError("filters must have a known rank")
    spatial = filters.shape.rank - 2
    if spatial not in (1, 2, 3):
        raise ValueError(f"filters must have rank 3, 4 or 5, got {spatial + 2}")
    first = starts_with_channels(data_format)
    steps = per_axis(strides, spatial, first, "strides")
    gaps = per_axis(dilations, spatial, first, "dilations")
    if max(steps) > 1 and max(gaps) > 1:
        raise ValueError(
            f"strides and dilations must not both be above 1, got {steps} and {gaps}"
        )
    named_padding(padding)
    convolve = (conv1d, conv2d, conv3d)[spatial - 1]
    layout = (("NWC", "NCW"), ("NHWC", "NCHW"), ("NDHWC", "NCDHW"))[spatial - 1][first]
    return convolve(
        input, filters, steps, padding, data_format=layout, dilations=gaps, name=name
    )


def conv1d_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: str = "SAME",
    data_format: str = "NWC",
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """Transpose of `conv1d`: what its gradient does.

    Args:
        input: `[n, places, filters]`, or `[n, filters, places]` with data_format "NCW".
        filters: `[width, c, filters]`.
        output_shape: shape `[n, w, c]` or `[n, c, w]` of the result.
        strides: step of the filter.
        padding: "SAME" or "VALID".
        data_format: "NWC" or "NCW".
        dilations: distance between the cells of the filter.
        name: name of the op.

    Raises:
        ValueError: an argument has the wrong length or layout.
        InvalidArgumentError: the shapes do not fit each other.
    """
    layout = _LAYOUTS_1D.get(data_format or "NWC")
    if layout is None:
        raise ValueError(f"data_format must be 'NWC' or 'NCW', got {data_format!r}")
    first = layout == "NCHW"
    axis = 2 if first else 1
    sizes = _sizes(output_shape)
    one = np.ones(1, np.int32)
    if isinstance(sizes, Tensor):
        sizes = call("ConcatV2", [sizes[:axis], one, sizes[axis:]], 0)
    else:
        sizes = np.insert(sizes, axis, 1)
    out = call(
        "Conv2DBackpropInput",
        sizes,
        call("ExpandDims", convert_to_tensor(filters), 0),
        call("ExpandDims", convert_to_tensor(input), axis),
        strides=_with_height(per_axis(strides, 1, first, "strides"), axis),
        dilations=_with_height(per_axis(dilations, 1, first, "dilations"), axis),
        padding=named_padding(padding),
        data_format=layout,
    )
    return call("Squeeze", out, squeeze_dims=(axis,), name=name)


def conv2d_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: Any = "SAME",
    data_format: str = "NHWC",
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """Transpose of `conv2d`: what its gradient does.

    Args:
        input: `[n, oh, ow, filters]`, or `[n, filters, oh, ow]` with data_format "NCHW".
        filters: `[height, width, c, filters]`.
        output_shape: shape `[n, h, w, c]` or `[n, c, h, w]` of the result.
        strides: steps of the filter.
        padding: "SAME", "VALID", or a pair of numbers for each of the four axes.
        data_format: "NHWC" or "NCHW".
        dilations: distances between the cells of the filter.
        name: name of the op.

    Raises:
        ValueError: an argument has the wrong length.
        InvalidArgumentError: the shapes do not fit each other.
    """
    data_format = data_format or "NHWC"
    first = starts_with_channels(data_format)
    return call(
        "Conv2DBackpropInput",
        _sizes(output_shape),
        convert_to_tensor(filters),
        convert_to_tensor(input),
        strides=per_axis(strides, 2, first, "strides"),
        dilations=per_axis(dilations, 2, first, "dilations"),
        data_format=data_format,
        name=name,
        **read_padding(padding, 4),
    )


def conv3d_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: str = "SAME",
    data_format: str = "NDHWC",
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """Transpose of `conv3d`: what its gradient does.

    Args:
        input: `[n, od, oh, ow, filters]`, or with the filters first for "NCDHW".
        filters: `[depth, height, width, c, filters]`.
        output_shape: shape of the result.
        strides: steps of the filter: a number, or a list of 1, 3 or 5.
        padding: "SAME" or "VALID".
        data_format: "NDHWC" or "NCDHW".
        dilations: distances between the cells of the filter.
        name: name of the op.

    Raises:
        ValueError: an argument has the wrong length.
        InvalidArgumentError: the shapes do not fit each other.
    """
    data_format = data_format or "NDHWC"
    first = starts_with_channels(data_format)
    return call(
        "Conv3DBackpropInputV2",
        _sizes(output_shape),
        convert_to_tensor(filters),
        convert_to_tensor(input),
        strides=per_axis(strides, 3, first, "strides"),
        dilations=per_axis(dilations, 3, first, "dilations"),
        padding=named_padding(padding),
        data_format=data_format,
        name=name,
    )


def conv_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: Any = "SAME",
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """Transpose of `convolution` over as many axes as `output_shape` says.

    Raises:
        ValueError: `output_shape` is no list of 3, 4 or 5.
        InvalidArgumentError: the shapes do not fit each other.
    """
    if isinstance(output_shape, Tensor):
        rank = output_shape.shape[0]
    elif hasattr(output_shape, "__len__"):
        rank = len(output_shape)
    else:
        raise ValueError(f"output_shape must be a tensor or a list, got {output_shape}")
    if rank not in (3, 4, 5):
        raise ValueError(f"output_shape must have length 3, 4 or 5, got {rank}")
    transpose = (conv1d_transpose, conv2d_transpose, conv3d_transpose)[rank - 3]
    first = starts_with_channels(data_format)
    layout = (("NWC", "NCW"), ("NHWC", "NCHW"), ("NDHWC", "NCDHW"))[rank - 3][first]
    return transpose(
        input,
        filters,
        output_shape,
        strides,
        padding=padding,
        data_format=layout,
        dilations=dilations,
        name=name,
    )


def atrous_conv2d(
    value: Any, filters: Any, rate: int, padding: str, name: str | None = None
) -> Any:
    """`conv2d` with the cells of the filter `rate` apart.

    Args:
        value: `[n, h, w, c]`.
        filters: `[height, width, c, filters]`.
        rate: distance between the cells, at least 1.
        padding: "SAME" or "VALID".
        name: name of the op.

    Raises:
        ValueError: `rate` or `padding` is not one of those.
    """
    _check_atrous(rate, padding)
    return conv2d(value, filters, 1, padding, dilations=rate, name=name)


def atrous_conv2d_transpose(
    value: Any,
    filters: Any,
    output_shape: Any,
    rate: int,
    padding: str,
    name: str | None = None,
) -> Any:
    """Transpose of `atrous_conv2d`.

    Args:
        value: `[n, oh, ow, filters]`.
        filters: `[height, width, c, filters]`.
        output_shape: shape `[n, h, w, c]` of the result.
        rate: distance between the cells, at least 1.
        padding: "SAME" or "VALID".
        name: name of the op.

    Raises:
        ValueError: `rate` or `padding` is not one of those.
    """
    _check_atrous(rate, padding)
    return conv2d_transpose(
        value, filters, output_shape, 1, padding=padding, dilations=rate, name=name
    )


def depthwise_conv2d(
    input: Any,
    filter: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """Convolution of every channel with filters of its own.

    Args:
        input: `[n, h, w, c]`, or `[n, c, h, w]` with data_format "NCHW".
        filter: `[height, width, c, multiplier]`.
        strides: four steps of the filter, 1 for batch and channels.
        padding: "SAME", "VALID", or a pair of numbers for each of the four axes.
        data_format: "NHWC" or "NCHW"; None for the first.
        dilations: two distances between the cells of the filter; None for 1.
        name: name of the op.

    Returns:
        `[n, oh, ow, c * multiplier]`, or with the channels first.

    Raises:
        ValueError: `dilations` has another length.
        InvalidArgumentError: the shapes or attrs do not fit each other.
    """
    data_format = data_format or "NHWC"
    gaps = (1, 1) if dilations is None else entries_of(dilations, "dilations")
    if len(gaps) != 2:
        raise ValueError(f"dilations must have length 2, got {list(gaps)}")
    return call(
        "DepthwiseConv2dNative",
        convert_to_tensor(input),
        convert_to_tensor(filter),
        strides=entries_of(strides, "strides"),
        dilations=per_axis(gaps, 2, starts_with_channels(data_format), "dilations"),
        data_format=data_format,
        name=name,
        **read_padding(padding, 4),
    )


def depthwise_conv2d_backprop_input(
    input_sizes: Any,
    filter: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
) -> Any:
    """Gradient of `depthwise_conv2d` in its input of shape `input_sizes`."""
    return call(
        "DepthwiseConv2dNativeBackpropInput",
        _sizes(input_sizes),
        convert_to_tensor(filter),
        convert_to_tensor(out_backprop),
        strides=entries_of(strides, "strides"),
        dilations=entries_of(dilations, "dilations"),
        data_format=data_format,
        name=name,
        **read_padding(padding, 4),
    )


def depthwise_conv2d_backprop_filter(
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
) -> Any:
    """Gradient of `depthwise_conv2d` in its filter of shape `filter_sizes`."""
    return call(
        "DepthwiseConv2dNativeBackpropFilter",
        convert_to_tensor(input),
        _sizes(filter_sizes),
        convert_to_tensor(out_backprop),
        strides=entries_of(strides, "strides"),
        dilations=entries_of(dilations, "dilations"),
        data_format=data_format,
        name=name,
        **read_padding(padding, 4),
    )


def separable_conv2d(
    input: Any,
    depthwise_filter: Any,
    pointwise_filter: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """`depthwise_conv2d` followed by a convolution that mixes the channels.

    Args:
        input: `[n, h, w, c]`, or `[n, c, h, w]` with data_format "NCHW".
        depthwise_filter: `[height, width, c, multiplier]`.
        pointwise_filter: `[1, 1, c * multiplier, filters]`.
        strides: four steps of the depthwise filter.
        padding: as for `depthwise_conv2d`.
        data_format: "NHWC" or "NCHW"; None for the first.
        dilations: two distances between the cells of the depthwise filter.
        name: name of the op.

    Raises:
        ValueError: `pointwise_filter` is not 1 x 1.
        InvalidArgumentError: the shapes or attrs do not fit each other.
    """
    pointwise_filter = convert_to_tensor(pointwise_filter)
    if not pointwise_filter.shape[:2].is_compatible_with([1, 1]):
        raise ValueError(
            "pointwise_filter must be [1, 1, channels, filters], got shape "
            f"{pointwise_filter.shape}"
        )
    depthwise = depthwise_conv2d(
        input, depthwise_filter, strides, padding, data_format=data_format, dilations=dilations
    )
    return conv2d(
        depthwise, pointwise_filter, 1, "VALID", data_format=data_format or "NHWC", name=name
    )


def dilation2d(
    input: Any,
    filters: Any,
    strides: Any,
    padding: str,
    data_format: str,
    dilations: Any,
    name: str | None = None,
) -> Any:
    """Largest of input plus filter under a window, at each place.

    Args:
        input: `[n, h, w, c]`.
        filters: `[height, width, c]`.
        strides: four steps of the window.
        padding: "SAME" or "VALID".
        data_format: "NHWC".
        dilations: four distances between the cells of the window.
        name: name of the op.

    Raises:
        ValueError: another data_format.
    """
    if data_format != "NHWC":
        raise ValueError(f"data_format must be 'NHWC', got {data_format!r}")
    return call(
        "Dilation2D",
        convert_to_tensor(input),
        convert_to_tensor(filters),
        strides=entries_of(strides, "strides"),
        rates=entries_of(dilations, "dilations"),
        padding=padding,
        name=name,
    )


def erosion2d(
    value: Any,
    filters: Any,
    strides: Any,
    padding: str,
    data_format: str,
    dilations: Any,
    name: str | None = None,
) -> Any:
    """Least of input minus filter under a window, at each place: the dual of `dilation2d`.

    Args:
        value: `[n, h, w, c]`.
        filters: `[height, width, c]`; it is turned by 180 degrees.
        strides: four steps of the window.
        padding: "SAME" or "VALID".
        data_format: "NHWC".
        dilations: four distances between the cells of the window.
        name: name of the op.

    Raises:
        ValueError: another data_format.
    """
    dilated = dilation2d(
        call("Neg", convert_to_tensor(value)),
        call("ReverseV2", convert_to_tensor(filters), [0, 1]),
        strides,
        padding,
        data_format,
        dilations,
    )
    return call("Neg", dilated, name=name)


def _check_atrous(rate: int, padding: str) -> None:
    if rate < 1:
        raise ValueError(f"rate must be at least 1, got {rate}")
    if padding not in ("SAME", "VALID"):
        raise ValueError(f"padding must be 'SAME' or 'VALID', got {padding!r}")


def _with_height(entries: tuple[int, ...], axis: int) -> tuple[int, ...]:
    """Entries of an image of height 1 for those of a sequence."""
    return (*entries[:axis], 1, *entries[axis:])


def _sizes(shape: Any) -> Any:
    """A shape argument as int32: a numpy array where it is known, else a tensor."""
    if isinstance(shape, Tensor):
        return shape
    if isinstance(shape, (list, tuple)) and any(isinstance(size, Tensor) for size in shape):
        return convert_to_tensor(shape, dtype_hint=np.int32)
    as_list = getattr(shape, "as_list", None)
    return np.asarray(as_list() if as_list else shape, np.int32)


def _over_batches(
    convolve: Callable[[Any], Any], value: Any, rank: int, name: str | None
) -> Any:
    """Apply `convolve`, which takes one batch axis, to a value with any number of them."""
    shape = value.shape
    if shape.rank is None or shape.rank <= rank:
        return convolve(value)
    batches = shape.rank - rank + 1
    outer, inner = call("Shape", value)[:batches], call("Shape", value)[batches:]
    flat = call("Reshape", value, call("ConcatV2", [np.array([-1], np.int32), inner], 0))
    out = convolve(flat)
    target = call("ConcatV2", [outer, call("Shape", out)[1:]], 0)
    return call("Reshape", out, target, name=name)
