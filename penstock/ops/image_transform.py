"""Parts of images, seen through boxes, glimpses and projections."""

from __future__ import annotations

import functools
from typing import Any

import jax
import numpy as np

from penstock.core.dtypes import DType, bfloat16, float16, float32, float64, int32, int64, uint8
from penstock.core.errors import InvalidArgumentError, OutOfRangeError
from penstock.ops.checks import require
from penstock.ops.elementwise import REALS, kinds, unary
from penstock.ops.namespace import namespace
from penstock.ops.table import REQUIRED, gradient, op

_PROJECTED = kinds(uint8, int32, int64, float16, bfloat16, float32, float64)
_FILLS = {"REFLECT", "WRAP", "NEAREST", "CONSTANT"}


@op(
    "CropAndResize",
    inputs=("image: T", "boxes: float", "box_ind: int32", "crop_size: int32"),
    outputs=("crops: float",),
    attrs={"method": "bilinear", "extrapolation_value": 0.0},
    constant_inputs=("crop_size",),
)
def crop_and_resize(
    image: Any,
    boxes: Any,
    box_ind: Any,
    crop_size: Any,
    *,
    method: str,
    extrapolation_value: float,
) -> Any:
    """Crops of images, all resized to one size.

    Boxes are [y1, x1, y2, x2] in shares of the image; a turned one flips its crop.

    Shape: image [n, h, w, c], boxes [m, 4], box_ind [m], crop_size [2] -> crops
    [m, height, width, c].
    Dtype: crops is float32.
    Errors: InvalidArgumentError for wrong shapes or methods; OutOfRangeError when box_ind names
    no image.
    """
    xp = namespace(image, boxes, box_ind)
    height, width = _check_boxes(image, boxes, box_ind, np.asarray(crop_size))
    if method not in ("bilinear", "nearest"):
        raise InvalidArgumentError(f"method must be 'bilinear' or 'nearest', got {method!r}")
    at_y = _lines(boxes[:, 0], boxes[:, 2], image.shape[1], height)[:, :, None]
    at_x = _lines(boxes[:, 1], boxes[:, 3], image.shape[2], width)[:, None, :]
    inside = _within(at_y, image.shape[1]) & _within(at_x, image.shape[2])
    which = box_ind[:, None, None]
    if method == "nearest":
        crops = _pixels(image, which, _away(at_y), _away(at_x))
    else:
        at_y = xp.clip(at_y, 0, image.shape[1] - 1)
        at_x = xp.clip(at_x, 0, image.shape[2] - 1)
        top, left = xp.floor(at_y), xp.floor(at_x)
        bottom, right = xp.ceil(at_y), xp.ceil(at_x)
        down, across = (at_y - top)[..., None], (at_x - left)[..., None]
        upper = _lerp(
            _pixels(image, which, top, left), _pixels(image, which, top, right), across
        )
        lower = _lerp(
            _pixels(image, which, bottom, left), _pixels(image, which, bottom, right), across
        )
        crops = _lerp(upper, lower, down)
    return xp.where(inside[..., None], crops, np.float32(extrapolation_value))


def _check_boxes(image: Any, boxes: Any, box_ind: Any, size: Any) -> tuple[int, int]:
    unary("CropAndResize", image, REALS)
    if image.ndim != 4 or not (image.shape[1] and image.shape[2]):
        raise InvalidArgumentError(
            f"image must be [n, h, w, c] and not empty, got shape {list(image.shape)}"
        )
    if boxes.ndim != 2 or boxes.shape[1] != 4 or box_ind.shape != boxes.shape[:1]:
        raise InvalidArgumentError(
            "boxes must be [m, 4] and box_ind [m], got shapes "
            f"{list(boxes.shape)} and {list(box_ind.shape)}"
        )
    if size.shape != (2,) or (size <= 0).any():
        raise InvalidArgumentError(
            f"crop_size must be two positive numbers, got {size.tolist()}"
        )
    require(
        (box_ind >= 0) & (box_ind < image.shape[0]),
        OutOfRangeError,
        f"box_ind must be in [0, {image.shape[0]})",
    )
    return int(size[0]), int(size[1])


def _lines(first: Any, last: Any, length: int, count: int) -> Any:
    """Where in the image the lines of each crop lie: [m, count]."""
    first, last = first[:, None], last[:, None]
    if count == 1:
        return (first + last) * np.float32(0.5) * (length - 1)
    step = (last - first) * np.float32(length - 1) / np.float32(count - 1)
    return first * np.float32(length - 1) + np.arange(count, dtype=np.float32) * step


def _within(at: Any, length: int) -> Any:
    # A line that lies on the border must count whichever way its last bit was rounded.
    slack = np.float32(1e-6) * length
    return (at >= -slack) & (at <= length - 1 + slack)


def _away(at: Any) -> Any:
    """Round halves away from zero, as C does; positions outside are not looked at."""
    return namespace(at).floor(at + np.float32(0.5))


def _pixels(image: Any, which: Any, row: Any, column: Any) -> Any:
    """Pixels as float32; places outside give any."""
    xp = namespace(image, which, row, column)
    rows = xp.clip(row, 0, image.shape[1] - 1).astype(np.int32)
    columns = xp.clip(column, 0, image.shape[2] - 1).astype(np.int32)
    images = xp.clip(which, 0, max(image.shape[0] - 1, 0))
    if not image.shape[0]:
        return xp.zeros((*np.broadcast_shapes(rows.shape, columns.shape), image.shape[3]), "f")
    return xp.asarray(image)[images, rows, columns].astype(np.float32)


def _lerp(first: Any, second: Any, share: Any) -> Any:
    return first + (second - first) * share


def _linear_crops(image: Any, boxes: Any, box_ind: Any, size: Any, method: str) -> Any:
    return crop_and_resize(image, boxes, box_ind, size, method=method, extrapolation_value=0.0)


@op(
    "CropAndResizeGradImage",
    inputs=("grads: float", "boxes: float", "box_ind: int32", "image_size: int32"),
    outputs=("output: T",),
    attrs={"T": REQUIRED, "method": "bilinear"},
    kernel="device",
    constant_inputs=("image_size",),
)
def crop_and_resize_grad_image(
    grads: Any,
    boxes: Any,
    box_ind: Any,
    image_size: Any,
    *,
    T: DType,  # noqa: N803  (the attr's name)
    method: str,
) -> Any:
    """Gradient of `CropAndResize` in images of a size.

    Shape: grads [m, height, width, c], boxes [m, 4], box_ind [m], image_size [4] -> output
    [n, h, w, c].
    Dtype: output has the type T.
    """
    shape = tuple(int(length) for length in np.asarray(image_size))
    argument = jax.ShapeDtypeStruct(shape, T.np)
    linear = functools.partial(
        _linear_crops, boxes=boxes, box_ind=box_ind, size=grads.shape[1:3], method=method
    )
    return jax.linear_transpose(linear, argument)(grads)[0]


@op(
    "CropAndResizeGradBoxes",
    inputs=("grads: float", "image: T", "boxes: float", "box_ind: int32"),
    outputs=("output: float",),
    attrs={"method": "bilinear"},
    kernel="device",
)
def crop_and_resize_grad_boxes(
    grads: Any, image: Any, boxes: Any, box_ind: Any, *, method: str
) -> Any:
    """Gradient of `CropAndResize` in the boxes.

    Shape: grads [m, height, width, c], image [n, h, w, c], boxes [m, 4], box_ind [m] -> output
    [m, 4].
    """
    size = grads.shape[1:3]
    _, pullback = jax.vjp(lambda b: _linear_crops(image, b, box_ind, size, method), boxes)
    return pullback(grads)[0]


@gradient("CropAndResize")
def crop_and_resize_gradient(g: Any, grad: Any) -> Any:
    """The native ops; boxes always by linear interpolation."""
    image, boxes, box_ind, _ = g.inputs
    in_image = in_boxes = None
    if g.needs(0):
        in_image = g.call(
            "CropAndResizeGradImage",
            grad,
            boxes,
            box_ind,
            g.call("Shape", image),
            T=image.dtype,
            method=g.attrs["method"],
        )
    if g.needs(1):
        in_boxes = g.call("CropAndResizeGradBoxes", grad, image, boxes, box_ind)
    return in_image, in_boxes, None, None


def _mapped(at: Any, length: int, fill_mode: str) -> Any:
    """Positions outside [0, length - 1] brought inside, as the fill mode says."""
    xp = namespace(at)
    last = length - 1
    if fill_mode == "NEAREST":
        return xp.clip(at, 0, last)
    if fill_mode == "CONSTANT":
        return at
    if length <= 1:
        return xp.zeros_like(at)
    if fill_mode == "WRAP":
        below = at + length * (xp.trunc(-at / last) + 1)
        above = at - length * xp.trunc(at / last)
        at = xp.where(at < 0, below, xp.where(at > last, above, at))
        return xp.clip(at, 0, last)
    period = 2 * length
    lifted = xp.where(at < period, period * xp.trunc(-at / period) + at, at)
    below = xp.where(lifted < -length, lifted + period, -lifted - 1)
    lowered = at - period * xp.trunc(at / period)
    above = xp.where(lowered >= length, period - lowered - 1, lowered)
    at = xp.where(at < 0, below, xp.where(at > last, above, at))
    return xp.clip(at, 0, last)


def _projected(  # noqa: PLR0917  (the inputs and attrs of the op)
    images: Any,
    transforms: Any,
    output_shape: Any,
    fill_value: Any,
    interpolation: str,
    fill_mode: str,
) -> Any:
    unary("ImageProjectiveTransform", images, _PROJECTED)
    if images.ndim != 4:
        raise InvalidArgumentError(f"images must be [n, h, w, c], got {list(images.shape)}")
    if (
        transforms.ndim != 2
        or transforms.shape[1] != 8
        or transforms.shape[0] not in (1, images.shape[0])
    ):
        raise InvalidArgumentError(
            f"transforms must be [1, 8] or [{images.shape[0]}, 8], got {list(transforms.shape)}"
        )
    if interpolation not in ("NEAREST", "BILINEAR") or fill_mode not in _FILLS:
        raise InvalidArgumentError(
            "interpolation must be 'NEAREST' or 'BILINEAR' and fill_mode one of "
            f"{sorted(_FILLS)}, got {interpolation!r} and {fill_mode!r}"
        )
    xp = namespace(images, transforms, fill_value)
    height, width = (int(length) for length in np.asarray(output_shape))
    y = np.arange(height, dtype=np.float32)[:, None]
    x = np.arange(width, dtype=np.float32)[None, :]
    t = [transforms[:, i, None, None] for i in range(8)]
    depth = t[6] * x + t[7] * y + 1
    hidden = depth == 0
    safe = xp.where(hidden, np.float32(1), depth)
    at_x = _mapped((t[0] * x + t[1] * y + t[2]) / safe, images.shape[2], fill_mode)
    at_y = _mapped((t[3] * x + t[4] * y + t[5]) / safe, images.shape[1], fill_mode)
    fill = xp.asarray(fill_value).astype(np.float32)
    if interpolation == "NEAREST":
        out = _read(images, _half_away(at_y), _half_away(at_x), fill)
    else:
        out = _interpolated(images.astype(np.float32), at_y, at_x, fill)
    return xp.where(hidden[..., None], fill.astype(out.dtype), out).astype(images.dtype)


def _half_away(at: Any) -> Any:
    xp = namespace(at)
    return xp.trunc(at + xp.copysign(np.float32(0.5), at))


def _read(images: Any, row: Any, column: Any, fill: Any) -> Any:
    """Pixels [n, height, width, c] at whole places; `fill` where those are outside."""
    xp = namespace(images, row, column)
    inside = (row >= 0) & (row < images.shape[1]) & (column >= 0) & (column < images.shape[2])
    which = np.arange(images.shape[0])[:, None, None]
    rows = xp.clip(row, 0, images.shape[1] - 1).astype(np.int32)
    columns = xp.clip(column, 0, images.shape[2] - 1).astype(np.int32)
    pixels = xp.asarray(images)[which, rows, columns]
    return xp.where(inside[..., None], pixels, fill.astype(pixels.dtype))


def _interpolated(images: Any, at_y: Any, at_x: Any, fill: Any) -> Any:
    xp = namespace(images, at_y, at_x)
    top, left = xp.floor(at_y), xp.floor(at_x)
    down, across = (at_y - top)[..., None], (at_x - left)[..., None]
    upper = (1 - across) * _read(images, top, left, fill) + across * _read(
        images, top, left + 1, fill
    )
    lower = (1 - across) * _read(images, top + 1, left, fill) + across * _read(
        images, top + 1, left + 1, fill
    )
    return (1 - down) * upper + down * lower


@op(
    "ImageProjectiveTransformV2",
    inputs=("images: dtype", "transforms: float", "output_shape: int32"),
    outputs=("transformed_images: dtype",),
    attrs={"interpolation": REQUIRED, "fill_mode": "CONSTANT"},
    constant_inputs=("output_shape",),
)
def image_projective_transform_v2(
    images: Any, transforms: Any, output_shape: Any, *, interpolation: str, fill_mode: str
) -> Any:
    """Images as seen through projections, 0 outside.

    The pixel at (x, y) comes from ((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k) with
    k = c0 x + c1 y + 1, for a transform [a0, a1, a2, b0, b1, b2, c0, c1].

    Shape: images [n, h, w, c], transforms [n, 8] or [1, 8], output_shape [2] ->
    transformed_images [n, height, width, c].
    Errors: InvalidArgumentError for wrong shapes or modes.
    """
    return _projected(images, transforms, output_shape, np.float32(0), interpolation, fill_mode)


@op(
    "ImageProjectiveTransformV3",
    inputs=("images: dtype", "transforms: float", "output_shape: int32", "fill_value: float"),
    outputs=("transformed_images: dtype",),
    attrs={"interpolation": REQUIRED, "fill_mode": "CONSTANT"},
    constant_inputs=("output_shape",),
)
def image_projective_transform_v3(
    images: Any,
    transforms: Any,
    output_shape: Any,
    fill_value: Any,
    *,
    interpolation: str,
    fill_mode: str,
) -> Any:
    """`ImageProjectiveTransformV2` with another value outside.

    Shape: images [n, h, w, c], transforms [n, 8] or [1, 8], output_shape [2], fill_value [] ->
    transformed_images [n, height, width, c].
    Errors: InvalidArgumentError for wrong shapes or modes.
    """
    return _projected(images, transforms, output_shape, fill_value, interpolation, fill_mode)


def _inverse(g: Any, transforms: Any) -> Any:
    """The projections back."""
    rows = g.call("Shape", transforms)[:1]
    ones = g.call("Fill", g.call("ConcatV2", [rows, np.ones(1, np.int32)], 0), np.float32(1))
    matrices = g.call(
        "Reshape",
        g.call("ConcatV2", [transforms, ones], 1),
        np.array([-1, 3, 3], np.int32),
    )
    flat = g.call("Reshape", g.call("MatrixInverse", matrices), np.array([-1, 9], np.int32))
    return g.call("RealDiv", flat[:, :8], flat[:, 8:])


@gradient("ImageProjectiveTransformV2")
def image_projective_transform_v2_gradient(g: Any, grad: Any) -> Any:
    """As in TensorFlow: the gradient seen through the projection back."""
    images, transforms, _ = g.inputs
    size = g.call("Shape", images)[1:3]
    back = g.call("ImageProjectiveTransformV2", grad, _inverse(g, transforms), size, **g.attrs)
    return back, None, None


@gradient("ImageProjectiveTransformV3")
def image_projective_transform_v3_gradient(g: Any, grad: Any) -> Any:
    """As in TensorFlow: the gradient seen through the projection back, 0 outside."""
    images, transforms, _, _ = g.inputs
    size = g.call("Shape", images)[1:3]
    back = g.call(
        "ImageProjectiveTransformV3",
        grad,
        _inverse(g, transforms),
        size,
        np.float32(0),
        **g.attrs,
    )
    return back, None, None, None


_GLIMPSE_ATTRS = {
    "centered": True,
    "normalized": True,
    "uniform_noise": True,
    "noise": "uniform",
}


def _glimpses(images: Any, size: Any, starts: Any, *, uniform_noise: bool, noise: str) -> Any:
    """Cut `size` at `starts` [n, 2]; what lies outside is noise."""
    if noise not in ("uniform", "gaussian", "zero"):
        raise InvalidArgumentError(
            f"noise must be 'uniform', 'gaussian' or 'zero', got {noise!r}"
        )
    if images.ndim != 4:
        raise InvalidArgumentError(f"input must be [n, h, w, c], got {list(images.shape)}")
    height, width = (int(length) for length in np.asarray(size))
    shape = (images.shape[0], height, width, images.shape[3])
    kind = "uniform" if uniform_noise else noise
    random = np.random.default_rng()
    out = np.zeros(shape, np.float32)
    if kind == "uniform" and images.size:
        out = random.uniform(images.min(), images.max(), shape).astype(np.float32)
    elif kind == "gaussian" and images.size:
        out = random.normal(images.mean(), images.std(), shape).astype(np.float32)
    for i, (top, left) in enumerate(starts.tolist()):
        rows = slice(max(top, 0), max(min(top + height, images.shape[1]), 0))
        columns = slice(max(left, 0), max(min(left + width, images.shape[2]), 0))
        if rows.start < rows.stop and columns.start < columns.stop:
            out[
                i,
                rows.start - top : rows.stop - top,
                columns.start - left : columns.stop - left,
            ] = images[i, rows, columns]
    return out


def _check_offsets(images: Any, offsets: Any) -> None:
    if offsets.shape != (images.shape[0], 2):
        raise InvalidArgumentError(
            f"offsets must be [{images.shape[0]}, 2], got shape {list(offsets.shape)}"
        )


@op(
    "ExtractGlimpse",
    inputs=("input: float", "size: int32", "offsets: float"),
    outputs=("glimpse: float",),
    attrs=_GLIMPSE_ATTRS,
    kernel="host",
    constant_inputs=("size",),
    differentiable=False,
)
def extract_glimpse(
    input: Any, size: Any, offsets: Any, *, centered: bool, normalized: bool, **noise: Any
) -> Any:
    """Rectangles around points of images, with noise outside the images.

    Shape: input [n, h, w, c], size [2], offsets [n, 2] -> glimpse [n, height, width, c].
    Errors: InvalidArgumentError for wrong shapes or noise.
    """
    _check_offsets(input, offsets)
    lengths = np.array(input.shape[1:3], np.float32)
    centres = offsets * lengths if normalized else offsets
    if centered:
        centres = centres / 2 + lengths / 2
    starts = np.trunc(centres - np.asarray(size, np.float32) / 2).astype(np.int64)
    return _glimpses(input, size, starts, **noise)


@op(
    "ExtractGlimpseV2",
    inputs=("input: float", "size: int32", "offsets: float"),
    outputs=("glimpse: float",),
    attrs=_GLIMPSE_ATTRS,
    kernel="host",
    constant_inputs=("size",),
    differentiable=False,
)
def extract_glimpse_v2(
    input: Any, size: Any, offsets: Any, *, centered: bool, normalized: bool, **noise: Any
) -> Any:
    """Rectangles of images, with noise outside; only centered normalized points are middles.

    Shape: input [n, h, w, c], size [2], offsets [n, 2] -> glimpse [n, height, width, c].
    Errors: InvalidArgumentError for wrong shapes or noise.
    """
    _check_offsets(input, offsets)
    lengths = np.array(input.shape[1:3], np.float32)
    places = offsets * lengths if normalized else offsets
    if centered and normalized:
        places = places / 2 + lengths / 2 - np.asarray(size, np.float32) / 2
    elif centered:
        places = places + lengths / 2
    return _glimpses(input, size, np.trunc(places).astype(np.int64), **noise)
