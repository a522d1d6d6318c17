"""Convolutions over one to three spatial axes, and their two backward ops.

Every op is brought to one form, `Geometry`: the window over the spatial axes, the place of the
channels, the groups. The device kernel is `lax.conv_general_dilated`; the backward ops are its
transposes, so that padding needs no second set of rules.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from penstock.core.dtypes import int32
from penstock.core.errors import InvalidArgumentError, UnimplementedError
from penstock.ops.elementwise import FLOATS, kinds, unary, widened
from penstock.ops.lowering import (
    PATCHES_PRODUCT,
    TRANSPOSED_BY_ROWS,
    applies,
    note_convolution,
)
from penstock.ops.namespace import namespace
from penstock.ops.table import REQUIRED, gradient, host_kernel, op
from penstock.ops.windows import (
    Window,
    is_channels_first,
    pad,
    scatter_taps,
    sliding_window,
    taps,
)

# Numbers in a batch of images above which the order of its layout costs time.
_LARGE_IMAGES = 1 << 20

CONV2D_ATTRS = {
    "strides": REQUIRED,
    "use_cudnn_on_gpu": True,
    "padding": REQUIRED,
    "explicit_paddings": (),
    "data_format": "NHWC",
    "dilations": (1, 1, 1, 1),
}
CONV3D_ATTRS = {
    "strides": REQUIRED,
    "padding": REQUIRED,
    "data_format": "NDHWC",
    "dilations": (1, 1, 1, 1, 1),
}
_TYPES = FLOATS | kinds(int32)
# Below this many input elements a matrix product in numpy beats the call of a compiled one.
_HOST_LIMIT = 1 << 13


@dataclass(frozen=True, slots=True)
class Geometry:
    """What a convolution does besides multiplying: its window, layout and groups.

    The window is that of the channels-last layout, whatever the layout is.
    """

    window: Window
    channels_first: bool
    groups: int

    @property
    def layouts(self) -> tuple[str, str, str]:
        """Layouts of input, filter and output in the words of `lax`."""
        axes = "DHW"[-len(self.window.size) :]
        layout = f"NC{axes}" if self.channels_first else f"N{axes}C"
        return layout, f"{axes}IO", layout


def geometry_of(
    input_shape: Sequence[int],
    filter_shape: Sequence[int],
    *,
    strides: Sequence[int],
    padding: str,
    data_format: str,
    dilations: Sequence[int],
    explicit_paddings: Sequence[int] = (),
    **_: Any,
) -> Geometry:
    """Read the attrs of a convolution.

    Raises:
        InvalidArgumentError: shapes or attrs do not fit each other.
        UnimplementedError: a stride or dilation along batch or channels.
    """
    rank = len(input_shape)
    if rank != len(filter_shape) or not 3 <= rank <= 5:
        raise InvalidArgumentError(
            f"input and filter must have one rank, 3 to 5, got shapes {list(input_shape)} and "
            f"{list(filter_shape)}"
        )
    channels_first = is_channels_first(data_format)
    channel = 1 if channels_first else rank - 1
    first = 2 if channels_first else 1
    spatial = slice(first, first + rank - 2)
    for name, values in (("strides", strides), ("dilations", dilations)):
        if len(values) != rank:
            raise InvalidArgumentError(f"{name} must have {rank} entries, got {tuple(values)}")
        if values[0] != 1 or values[channel] != 1:
            raise UnimplementedError(
                f"{name} must be 1 along batch and channels, got {tuple(values)}"
            )
    margins = tuple(explicit_paddings)
    if margins:
        outer = (margins[:2], margins[2 * channel : 2 * channel + 2])
        if len(margins) != 2 * rank or any(map(any, outer)):
            raise InvalidArgumentError(
                f"explicit_paddings must have {2 * rank} entries, 0 for batch and channels, "
                f"got {margins}"
            )
        margins = margins[2 * first : 2 * (first + rank - 2)]
    window = sliding_window(
        1,
        input_shape[spatial],
        filter_shape[:-2],
        strides[spatial],
        padding,
        dilations=dilations[spatial],
        explicit_paddings=margins,
    )
    return Geometry(window, channels_first, _groups(input_shape[channel], filter_shape))


def _groups(depth: int, filter_shape: Sequence[int]) -> int:
    filter_depth, filters = filter_shape[-2:]
    if filter_depth < 1:
        raise InvalidArgumentError(f"filter depth must be positive, got {filter_depth}")
    if depth % filter_depth:
        raise InvalidArgumentError(
            f"input depth must be a multiple of filter depth, got {depth} and {filter_depth}"
        )
    groups = max(depth // filter_depth, 1)
    if filters % groups:
        raise InvalidArgumentError(
            f"the number of filters must be a multiple of the {groups} groups, got {filters}"
        )
    return groups


def convolve(x: Any, kernel: Any, geometry: Geometry, *, backward: bool = False) -> Any:
    """Convolution on the device; `backward` tells that only its transpose is computed."""
    window = geometry.window
    if _outgrows_input(geometry):
        return _patches_times_filter(x, kernel, window)
    places = x.shape[0] * math.prod(window.outputs)
    note_convolution(places * math.prod(kernel.shape), x.dtype, backward=backward)
    return lax.conv_general_dilated(
        x,
        kernel,
        window_strides=window.strides,
        padding=window.padding,
        rhs_dilation=window.dilations,
        dimension_numbers=geometry.layouts,
        feature_group_count=geometry.groups,
    )


def _outgrows_input(geometry: Geometry) -> bool:
    """Whether a matrix product over patches is the better way.

    XLA's fast path on the CPU refuses a filter longer than the input without its margins (3x3
    on 2x2, as at the end of a residual net); the path it takes instead is 40 times slower.
    """
    window = geometry.window
    return applies(
        PATCHES_PRODUCT,
        geometry.groups == 1
        and not geometry.channels_first
        and any(
            reach > length for reach, length in zip(window.reach, window.lengths, strict=True)
        ),
        lambda: f"a filter of reach {window.reach} on lengths {window.lengths}",
    )


def _patches_times_filter(x: Any, kernel: Any, window: Window) -> Any:
    """Convolution of channels-last `x` without groups as one matrix product."""
    product = _patches(x, window) @ _as_matrix(kernel)
    return product.reshape(x.shape[0], *window.outputs, kernel.shape[-1])


def _as_matrix(kernel: Any) -> Any:
    """A filter as [cells * depth, filters]; "-1" would fail where there are no filters."""
    return kernel.reshape(math.prod(kernel.shape[:-1]), kernel.shape[-1])


def _patches(x: Any, window: Window) -> Any:
    """What the window sees of channels-last `x` at each place: [places, cells * channels]."""
    views = list(taps(pad(x, window, 0), window))
    return namespace(x).concatenate(views, axis=-1).reshape(-1, window.cells * x.shape[-1])


def input_gradient(kernel: Any, grad: Any, shape: Sequence[int], geometry: Geometry) -> Any:
    """Transpose of the convolution in its input of `shape`, on the device."""
    return _transposed(lambda x: convolve(x, kernel, geometry, backward=True), grad, shape)


def filter_gradient(x: Any, grad: Any, shape: Sequence[int], geometry: Geometry) -> Any:
    """Transpose of the convolution in its filter of `shape`, on the device."""
    rows = x.ndim == 4 and not geometry.channels_first and geometry.groups == 1
    if rows and applies(
        TRANSPOSED_BY_ROWS,
        x.size >= _LARGE_IMAGES and x.dtype == np.float32,
        lambda: f"a batch of {x.shape}",
    ):
        x = _turned_by_rows(x)
    return _transposed(lambda kernel: convolve(x, kernel, geometry, backward=True), grad, shape)


def _turned_by_rows(x: Any) -> Any:
    """The same values, laid out with the batch innermost, as XLA's gradient takes them."""
    batch, rows, columns, depth = x.shape

    def turn(row: Any, turned: Any) -> Any:
        part = jax.lax.dynamic_index_in_dim(x, row, 1, keepdims=False)
        return jax.lax.dynamic_update_index_in_dim(turned, part.transpose(2, 1, 0), row, 1)

    turned = jnp.zeros((depth, rows, columns, batch), x.dtype)
    # XLA sees that this transpose and its own cancel out.
    return jax.lax.fori_loop(0, rows, turn, turned).transpose(3, 1, 2, 0)


def _transposed(linear: Callable[[Any], Any], grad: Any, shape: Sequence[int]) -> Any:
    argument = jax.ShapeDtypeStruct(tuple(shape), grad.dtype)
    return jax.linear_transpose(linear, argument)(grad)[0]


def _convolve_host(x: Any, kernel: Any, geometry: Geometry) -> Any:
    """Convolution in numpy: one matrix product per group."""
    window = geometry.window
    parts = [
        _patches_times_filter(part, weights, window)
        for part, weights in zip(
            _groups_of(x, geometry), _groups_of(kernel, geometry, layout_free=True), strict=True
        )
    ]
    return _joined(parts, geometry).astype(x.dtype)


def _input_gradient_host(kernel: Any, grad: Any, geometry: Geometry) -> Any:
    """Transpose of the convolution in its input, in numpy."""
    window = geometry.window
    depth = kernel.shape[-2]
    parts = []
    for seed, weights in zip(
        _groups_of(grad, geometry), _groups_of(kernel, geometry, layout_free=True), strict=True
    ):
        columns = seed @ _as_matrix(weights).T
        cells = (columns[..., i * depth : (i + 1) * depth] for i in range(window.cells))
        parts.append(scatter_taps(cells, window))
    return _joined(parts, geometry).astype(grad.dtype)


def _filter_gradient_host(x: Any, grad: Any, shape: Sequence[int], geometry: Geometry) -> Any:
    """Transpose of the convolution in its filter of `shape`, in numpy."""
    parts = []
    for part, seed in zip(_groups_of(x, geometry), _groups_of(grad, geometry), strict=True):
        flat = _patches(part, geometry.window).T @ seed.reshape(-1, seed.shape[-1])
        parts.append(flat.reshape(*shape[:-1], -1))
    return np.concatenate(parts, axis=-1).astype(x.dtype)


def _groups_of(x: Any, geometry: Geometry, *, layout_free: bool = False) -> list[Any]:
    """Channels-last parts of a host array, one per group, in the type to compute in."""
    x = widened(x)
    if geometry.channels_first and not layout_free:
        x = np.moveaxis(x, 1, -1)
    return [x] if geometry.groups == 1 else np.split(x, geometry.groups, axis=-1)


def _joined(parts: Sequence[Any], geometry: Geometry) -> Any:
    out = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)
    return np.moveaxis(out, -1, 1) if geometry.channels_first else out


@op(
    "Conv2D",
    inputs=("input: T", "filter: T"),
    outputs=("output: T",),
    attrs=CONV2D_ATTRS,
    kernel="device",
)
def conv2d(input: Any, filter: Any, **attrs: Any) -> Any:
    """Sums of products of a filter with what it covers of the input, at each place.

    Shape: input [n, h, w, c] or [n, c, h, w], filter [kh, kw, c / groups, filters] -> output
    [n, oh, ow, filters] or [n, filters, oh, ow]; input has as many groups of channels as there
    are filter depths in c.
    Errors: InvalidArgumentError when the shapes or attrs do not fit each other.
    Source: TensorFlow op `Conv2D`.
    """
    return convolve(input, filter, _read("Conv2D", input, filter.shape, attrs, rank=4))


@host_kernel("Conv2D", limit=_HOST_LIMIT)
def conv2d_host(input: Any, filter: Any, **attrs: Any) -> Any:
    """See `conv2d`."""
    return _convolve_host(input, filter, _read("Conv2D", input, filter.shape, attrs, rank=4))


@op(
    "Conv2DBackpropInput",
    inputs=("input_sizes: int32", "filter: T", "out_backprop: T"),
    outputs=("output: T",),
    attrs=CONV2D_ATTRS,
    kernel="device",
    constant_inputs=("input_sizes",),
)
def conv2d_backprop_input(
    input_sizes: Any, filter: Any, out_backprop: Any, **attrs: Any
) -> Any:
    """Gradient of `Conv2D` in its input; also the transposed convolution.

    Shape: input_sizes [4] or [2], filter [kh, kw, c / groups, filters], out_backprop
    [n, oh, ow, filters] or [n, filters, oh, ow] -> output [n, h, w, c] or [n, c, h, w].
    Errors: InvalidArgumentError when the shapes or attrs do not fit each other.
    """
    shape, geometry = _read_backward(input_sizes, filter, out_backprop, attrs, rank=4)
    return input_gradient(filter, out_backprop, shape, geometry)


@host_kernel("Conv2DBackpropInput", limit=_HOST_LIMIT)
def conv2d_backprop_input_host(
    input_sizes: Any, filter: Any, out_backprop: Any, **attrs: Any
) -> Any:
    """See `conv2d_backprop_input`."""
    _, geometry = _read_backward(input_sizes, filter, out_backprop, attrs, rank=4)
    return _input_gradient_host(filter, out_backprop, geometry)


@op(
    "Conv2DBackpropFilter",
    inputs=("input: T", "filter_sizes: int32", "out_backprop: T"),
    outputs=("output: T",),
    attrs=CONV2D_ATTRS,
    kernel="device",
    constant_inputs=("filter_sizes",),
)
def conv2d_backprop_filter(
    input: Any, filter_sizes: Any, out_backprop: Any, **attrs: Any
) -> Any:
    """Gradient of `Conv2D` in its filter.

    Shape: input [n, h, w, c] or [n, c, h, w], filter_sizes [4], out_backprop
    [n, oh, ow, filters] or [n, filters, oh, ow] -> output [kh, kw, c / groups, filters].
    Errors: InvalidArgumentError when the shapes or attrs do not fit each other.
    """
    shape, geometry = _read_filter_backward(input, filter_sizes, out_backprop, attrs, rank=4)
    return filter_gradient(input, out_backprop, shape, geometry)


@host_kernel("Conv2DBackpropFilter", limit=_HOST_LIMIT)
def conv2d_backprop_filter_host(
    input: Any, filter_sizes: Any, out_backprop: Any, **attrs: Any
) -> Any:
    """See `conv2d_backprop_filter`."""
    shape, geometry = _read_filter_backward(input, filter_sizes, out_backprop, attrs, rank=4)
    return _filter_gradient_host(input, out_backprop, shape, geometry)


@op(
    "Conv3D",
    inputs=("input: T", "filter: T"),
    outputs=("output: T",),
    attrs=CONV3D_ATTRS,
    kernel="device",
)
def conv3d(input: Any, filter: Any, **attrs: Any) -> Any:
    """`Conv2D` over three spatial axes.

    Shape: input [n, d, h, w, c] or [n, c, d, h, w], filter [kd, kh, kw, c / groups, filters]
    -> output [n, od, oh, ow, filters] or [n, filters, od, oh, ow].
    Errors: InvalidArgumentError when the shapes or attrs do not fit each other.
    Source: TensorFlow op `Conv3D`.
    """
    return convolve(input, filter, _read("Conv3D", input, filter.shape, attrs, rank=5))


@host_kernel("Conv3D", limit=_HOST_LIMIT)
def conv3d_host(input: Any, filter: Any, **attrs: Any) -> Any:
    """See `conv3d`."""
    return _convolve_host(input, filter, _read("Conv3D", input, filter.shape, attrs, rank=5))


@op(
    "Conv3DBackpropInputV2",
    inputs=("input_sizes: Tshape", "filter: T", "out_backprop: T"),
    outputs=("output: T",),
    attrs=CONV3D_ATTRS,
    kernel="device",
    constant_inputs=("input_sizes",),
)
def conv3d_backprop_input(
    input_sizes: Any, filter: Any, out_backprop: Any, **attrs: Any
) -> Any:
    """Gradient of `Conv3D` in its input.

    Shape: input_sizes [5], filter [kd, kh, kw, c / groups, filters], out_backprop
    [n, od, oh, ow, filters] or [n, filters, od, oh, ow] -> output [n, d, h, w, c] or
    [n, c, d, h, w].
    """
    shape, geometry = _read_backward(input_sizes, filter, out_backprop, attrs, rank=5)
    return input_gradient(filter, out_backprop, shape, geometry)


@host_kernel("Conv3DBackpropInputV2", limit=_HOST_LIMIT)
def conv3d_backprop_input_host(
    input_sizes: Any, filter: Any, out_backprop: Any, **attrs: Any
) -> Any:
    """See `conv3d_backprop_input`."""
    _, geometry = _read_backward(input_sizes, filter, out_backprop, attrs, rank=5)
    return _input_gradient_host(filter, out_backprop, geometry)


@op(
    "Conv3DBackpropFilterV2",
    inputs=("input: T", "filter_sizes: int32", "out_backprop: T"),
    outputs=("output: T",),
    attrs=CONV3D_ATTRS,
    kernel="device",
    constant_inputs=("filter_sizes",),
)
def conv3d_backprop_filter(
    input: Any, filter_sizes: Any, out_backprop: Any, **attrs: Any
) -> Any:
    """Gradient of `Conv3D` in its filter.

    Shape: input [n, d, h, w, c] or [n, c, d, h, w], filter_sizes [5], out_backprop
    [n, od, oh, ow, filters] or [n, filters, od, oh, ow] -> output
    [kd, kh, kw, c / groups, filters].
    """
    shape, geometry = _read_filter_backward(input, filter_sizes, out_backprop, attrs, rank=5)
    return filter_gradient(input, out_backprop, shape, geometry)


@host_kernel("Conv3DBackpropFilterV2", limit=_HOST_LIMIT)
def conv3d_backprop_filter_host(
    input: Any, filter_sizes: Any, out_backprop: Any, **attrs: Any
) -> Any:
    """See `conv3d_backprop_filter`."""
    shape, geometry = _read_filter_backward(input, filter_sizes, out_backprop, attrs, rank=5)
    return _filter_gradient_host(input, out_backprop, shape, geometry)


@op(
    "Conv",
    inputs=("input: T", "filter: T"),
    outputs=("output: T",),
    attrs={
        "strides": REQUIRED,
        "padding": REQUIRED,
        "explicit_paddings": (),
        "data_format": "CHANNELS_LAST",
        "dilations": (),
        "batch_dims": 1,
        "groups": 1,
    },
    kernel="device",
)
def conv(
    input: Any, filter: Any, *, batch_dims: int, groups: int, dilations: Any, **attrs: Any
) -> Any:
    """Convolution over one to three spatial axes, with any number of batch axes.

    Shape: input [*batch, *spatial, c] or [*batch, c, *spatial], filter
    [*window, c / groups, filters] -> output [*batch, *places, filters] or
    [*batch, filters, *places].
    Errors: InvalidArgumentError when the shapes or attrs do not fit each other.
    Source: TensorFlow op `Conv`.
    """
    batch = input.shape[:batch_dims]
    if len(batch) != batch_dims or input.ndim - batch_dims != filter.ndim - 1:
        raise InvalidArgumentError(
            f"input must have {batch_dims} batch axes, {filter.ndim - 2} spatial axes and the "
            f"channels, got shape {list(input.shape)}"
        )
    flat = input.reshape(-1, *input.shape[batch_dims:]) if batch_dims != 1 else input
    attrs["dilations"] = dilations or (1,) * flat.ndim
    geometry = _read("Conv", flat, filter.shape, attrs, rank=flat.ndim)
    if groups != geometry.groups:
        raise InvalidArgumentError(
            f"groups must be input depth / filter depth = {geometry.groups}, got {groups}"
        )
    out = convolve(flat, filter, geometry)
    return out.reshape(*batch, *out.shape[1:])


def _read(
    name: str, x: Any, filter_shape: Sequence[int], attrs: dict[str, Any], *, rank: int
) -> Geometry:
    unary(name, x, _TYPES)
    if x.ndim != rank:
        raise InvalidArgumentError(
            f"input of {name} must have rank {rank}, got shape {list(x.shape)}"
        )
    return geometry_of(x.shape, filter_shape, **attrs)


def _read_backward(
    sizes: Any, kernel: Any, grad: Any, attrs: dict[str, Any], *, rank: int
) -> tuple[tuple[int, ...], Geometry]:
    """Shape of the input whose gradient is asked for, and the geometry of the convolution."""
    shape = tuple(int(length) for length in np.asarray(sizes).ravel())
    if len(shape) == rank - 2:
        # Only the spatial lengths are given.
        depth = (kernel.shape[-2],)
        first = is_channels_first(attrs["data_format"])
        shape = (grad.shape[0], *depth, *shape) if first else (grad.shape[0], *shape, *depth)
    if len(shape) != rank or any(length < 0 for length in shape):
        raise InvalidArgumentError(
            f"input_sizes must be a shape of rank {rank}, got {list(shape)}"
        )
    geometry = geometry_of(shape, kernel.shape, **attrs)
    _check_places(shape[0], kernel.shape[-1], grad, geometry)
    return shape, geometry


def _read_filter_backward(
    x: Any, sizes: Any, grad: Any, attrs: dict[str, Any], *, rank: int
) -> tuple[tuple[int, ...], Geometry]:
    """Shape of the filter whose gradient is asked for, and the geometry of the convolution."""
    shape = tuple(int(length) for length in np.asarray(sizes).ravel())
    if len(shape) != rank:
        raise InvalidArgumentError(
            f"filter_sizes must be a shape of rank {rank}, got {list(shape)}"
        )
    geometry = _read("convolution", x, shape, attrs, rank=rank)
    _check_places(x.shape[0], shape[-1], grad, geometry)
    return shape, geometry


def _check_places(batch: int, filters: int, grad: Any, geometry: Geometry) -> None:
    places = geometry.window.outputs
    shape = (batch, filters, *places) if geometry.channels_first else (batch, *places, filters)
    if tuple(grad.shape) != shape:
        raise InvalidArgumentError(
            f"out_backprop must have the shape {list(shape)} of the output of the convolution, "
            f"got {list(grad.shape)}"
        )


def add_gradients(forward: str, in_input: str, in_filter: str) -> None:
    """Make the three ops of a convolution each other's gradients.

    A convolution is linear in input and in filter, so its derivatives, and theirs, are these
    ops again.
    """

    @gradient(forward)
    def forward_gradient(g: Any, grad: Any) -> Any:
        x, kernel = g.inputs
        call = functools.partial(g.call, **g.attrs)
        return (
            call(in_input, g.call("Shape", x), kernel, grad) if g.needs(0) else None,
            call(in_filter, x, g.call("Shape", kernel), grad) if g.needs(1) else None,
        )

    @gradient(in_input)
    def input_gradient_gradient(g: Any, grad: Any) -> Any:
        _, kernel, seed = g.inputs
        call = functools.partial(g.call, **g.attrs)
        return (
            None,
            call(in_filter, grad, g.call("Shape", kernel), seed) if g.needs(1) else None,
            call(forward, grad, kernel) if g.needs(2) else None,
        )

    @gradient(in_filter)
    def filter_gradient_gradient(g: Any, grad: Any) -> Any:
        x, _, seed = g.inputs
        call = functools.partial(g.call, **g.attrs)
        return (
            call(in_input, g.call("Shape", x), grad, seed) if g.needs(0) else None,
            None,
            call(forward, x, grad) if g.needs(2) else None,
        )


add_gradients("Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter")
add_gradients("Conv3D", "Conv3DBackpropInputV2", "Conv3DBackpropFilterV2")
