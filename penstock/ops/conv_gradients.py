"""Backward convolutions that take a tensor for its shape, and convolutions after a pad."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from penstock.ops.conv import (
    CONV2D_ATTRS,
    CONV3D_ATTRS,
    conv2d,
    conv2d_backprop_filter,
    conv2d_backprop_input,
    conv3d_backprop_filter,
    conv3d_backprop_input,
)
from penstock.ops.image import resize_bilinear
from penstock.ops.padding import mirror_pad
from penstock.ops.pooling import max_pool3d_grad, max_pool_grad
from penstock.ops.table import REQUIRED, lookup, op

_OUTER = {name: value for name, value in CONV3D_ATTRS.items() if name != "data_format"}


def _sizes(x: Any) -> Any:
    return np.array(x.shape, np.int32)


@op(
    "Conv2DBackpropInputV2",
    inputs=("input: T", "filter: T", "out_backprop: T"),
    outputs=("output: T",),
    attrs=CONV2D_ATTRS,
    kernel="device",
)
def conv2d_backprop_input_v2(input: Any, filter: Any, out_backprop: Any, **attrs: Any) -> Any:
    """Gradient of `Conv2D` in its input, whose shape alone counts.

    Shape: input [n, h, w, c], filter [kh, kw, c / groups, filters], out_backprop
    [n, oh, ow, filters] -> output [n, h, w, c], or all with the channels first.
    """
    return conv2d_backprop_input(_sizes(input), filter, out_backprop, **attrs)


@op(
    "Conv2DBackpropFilterV2",
    inputs=("input: T", "filter: T", "out_backprop: T"),
    outputs=("output: T",),
    attrs=CONV2D_ATTRS,
    kernel="device",
)
def conv2d_backprop_filter_v2(input: Any, filter: Any, out_backprop: Any, **attrs: Any) -> Any:
    """Gradient of `Conv2D` in its filter, whose shape alone counts.

    Shape: input [n, h, w, c], filter [kh, kw, c / groups, filters], out_backprop
    [n, oh, ow, filters] -> output [kh, kw, c / groups, filters].
    """
    return conv2d_backprop_filter(input, _sizes(filter), out_backprop, **attrs)


@op(
    "Conv3DBackpropInput",
    inputs=("input: T", "filter: T", "out_backprop: T"),
    outputs=("output: T",),
    attrs=_OUTER,
    kernel="device",
)
def conv3d_backprop_input_v1(input: Any, filter: Any, out_backprop: Any, **attrs: Any) -> Any:
    """Gradient of `Conv3D` in its input, whose shape alone counts.

    Shape: input [n, d, h, w, c], filter [kd, kh, kw, c, filters], out_backprop
    [n, od, oh, ow, filters] -> output [n, d, h, w, c].
    """
    return conv3d_backprop_input(
        _sizes(input), filter, out_backprop, data_format="NDHWC", **attrs
    )


@op(
    "Conv3DBackpropFilter",
    inputs=("input: T", "filter: T", "out_backprop: T"),
    outputs=("output: T",),
    attrs=_OUTER,
    kernel="device",
)
def conv3d_backprop_filter_v1(input: Any, filter: Any, out_backprop: Any, **attrs: Any) -> Any:
    """Gradient of `Conv3D` in its filter, whose shape alone counts.

    Shape: input [n, d, h, w, c], filter [kd, kh, kw, c, filters], out_backprop
    [n, od, oh, ow, filters] -> output [kd, kh, kw, c, filters].
    """
    return conv3d_backprop_filter(
        input, _sizes(filter), out_backprop, data_format="NDHWC", **attrs
    )


def _picked(backward: Any, orig_input: Any, orig_output: Any, grad: Any, **attrs: Any) -> Any:
    """What stands in `grad` where the largest entries stood: the transpose of `backward`."""

    def spread(outer: Any) -> Any:
        return backward(orig_input, orig_output, outer, **attrs)

    (picked,) = jax.linear_transpose(spread, orig_output.astype(grad.dtype))(grad)
    return picked


_POOL_ATTRS = {
    "ksize": REQUIRED,
    "strides": REQUIRED,
    "padding": REQUIRED,
    "data_format": "NHWC",
}


@op(
    "MaxPoolGradGrad",
    inputs=("orig_input: T", "orig_output: T", "grad: T"),
    outputs=("output: T",),
    attrs=_POOL_ATTRS,
    kernel="device",
)
def max_pool_grad_grad(orig_input: Any, orig_output: Any, grad: Any, **attrs: Any) -> Any:
    """Second gradient of `MaxPool`: the entries of grad at the largest of each window.

    Shape: orig_input [n, h, w, c], orig_output [n, oh, ow, c], grad [n, h, w, c] -> output
    [n, oh, ow, c], or all with the channels first.
    """
    return _picked(max_pool_grad, orig_input, orig_output, grad, explicit_paddings=(), **attrs)


@op(
    "MaxPoolGradGradV2",
    inputs=("orig_input: T", "orig_output: T", "grad: T", "ksize: int32", "strides: int32"),
    outputs=("output: T",),
    attrs={"padding": REQUIRED, "data_format": "NHWC"},
    kernel="device",
    constant_inputs=("ksize", "strides"),
)
def max_pool_grad_grad_v2(
    orig_input: Any, orig_output: Any, grad: Any, ksize: Any, strides: Any, **attrs: Any
) -> Any:
    """`MaxPoolGradGrad` whose window is an input.

    Shape: orig_input [n, h, w, c], orig_output [n, oh, ow, c], grad [n, h, w, c], ksize [4],
    strides [4] -> output [n, oh, ow, c], or all with the channels first.
    """
    window = {"ksize": tuple(ksize.tolist()), "strides": tuple(strides.tolist())}
    return max_pool_grad_grad(orig_input, orig_output, grad, **window, **attrs)


@op(
    "MaxPool3DGradGrad",
    inputs=("orig_input: T", "orig_output: T", "grad: T"),
    outputs=("output: T",),
    attrs={**_POOL_ATTRS, "data_format": "NDHWC"},
    kernel="device",
)
def max_pool3d_grad_grad(orig_input: Any, orig_output: Any, grad: Any, **attrs: Any) -> Any:
    """Second gradient of `MaxPool3D`: the entries of grad at the largest of each window.

    Shape: orig_input [n, d, h, w, c], orig_output [n, od, oh, ow, c], grad [n, d, h, w, c] ->
    output [n, od, oh, ow, c], or all with the channels first.
    """
    return _picked(max_pool3d_grad, orig_input, orig_output, grad, **attrs)


_FUSED_ATTRS = {"mode": REQUIRED, "strides": REQUIRED, "padding": REQUIRED}


def _padded_conv(x: Any, paddings: Any, filter: Any, mode: str, attrs: dict[str, Any]) -> Any:
    margin = mirror_pad(x, paddings, mode=mode)
    return conv2d(margin, filter, **{**lookup("Conv2D").attrs, **attrs})


@op(
    "FusedPadConv2D",
    inputs=("input: T", "paddings: int32", "filter: T"),
    outputs=("output: T",),
    attrs=_FUSED_ATTRS,
    kernel="device",
    constant_inputs=("paddings",),
)
def fused_pad_conv2d(input: Any, paddings: Any, filter: Any, *, mode: str, **attrs: Any) -> Any:
    """`MirrorPad` and `Conv2D`.

    Shape: input [n, h, w, c], paddings [4, 2], filter [kh, kw, c, filters] -> output
    [n, oh, ow, filters].
    """
    return _padded_conv(input, paddings, filter, mode, attrs)


@op(
    "FusedResizeAndPadConv2D",
    inputs=("input: T", "size: int32", "paddings: int32", "filter: T"),
    outputs=("output: T",),
    attrs={"resize_align_corners": False, **_FUSED_ATTRS},
    kernel="device",
    constant_inputs=("size", "paddings"),
)
def fused_resize_and_pad_conv2d(
    input: Any,
    size: Any,
    paddings: Any,
    filter: Any,
    *,
    resize_align_corners: bool,
    mode: str,
    **attrs: Any,
) -> Any:
    """`ResizeBilinear`, `MirrorPad` and `Conv2D`.

    Shape: input [n, h, w, c], size [2], paddings [4, 2], filter [kh, kw, c, filters] -> output
    [n, oh, ow, filters].
    """
    resized = resize_bilinear(
        input, size, align_corners=resize_align_corners, half_pixel_centers=False
    )
    return _padded_conv(resized.astype(input.dtype), paddings, filter, mode, attrs)
