"""Images as files: JPEG, PNG, GIF, BMP and WebP. JPEG, GIF and WebP need Pillow."""

from __future__ import annotations

import io
import struct
from typing import Any, Final

import numpy as np

from penstock.core.dtypes import DType, float32, int32, uint8, uint16
from penstock.core.errors import InternalError, InvalidArgumentError, UnimplementedError
from penstock.core.tensor_shape import TensorShape, unknown_shape
from penstock.ops import png
from penstock.ops.table import op

_JPEG = b"\xff\xd8\xff"
_RATIOS: Final = (1, 2, 4, 8)
# Weights of red, green and blue in grey, in parts of 32768: those of Rec. 601, rounded down.
_GREY: Final = (9797, 19234, 3737)
_JPEG_ATTRS = {
    "channels": 0,
    "ratio": 1,
    "fancy_upscaling": True,
    "try_recover_truncated": False,
    "acceptable_fraction": 1.0,
    "dct_method": "",
}


def _pillow() -> Any:
    try:
        from PIL import Image  # noqa: PLC0415  (an optional extra)
    except ImportError as error:
        raise UnimplementedError(
            "JPEG, GIF and WebP images need Pillow; install 'penstock[image]'"
        ) from error
    return Image


def _bytes_of(contents: Any) -> bytes:
    if np.ndim(contents):
        raise InvalidArgumentError(
            f"contents must be a scalar, got shape {list(np.shape(contents))}"
        )
    data: bytes = contents.item() if isinstance(contents, np.ndarray) else contents
    if not data:
        raise InvalidArgumentError("contents must not be empty")
    return data


def _format_of(data: bytes) -> str:
    for start, name in (
        (_JPEG, "JPEG"),
        (png.SIGNATURE[:4], "PNG"),
        (b"GIF8", "GIF"),
        (b"BM", "BMP"),
    ):
        if data.startswith(start):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    raise InvalidArgumentError(
        "contents must be a JPEG, PNG, GIF, BMP or WebP image, got bytes that begin with "
        f"{data[:8]!r}"
    )


def _check_channels(channels: int, allowed: tuple[int, ...]) -> None:
    if channels not in allowed:
        raise InvalidArgumentError(f"channels must be one of {allowed}, got {channels}")


def _with_channels(pixels: Any, channels: int) -> Any:
    """Grey, colour and transparency added or dropped."""
    have = pixels.shape[-1]
    if channels in (0, have):
        return pixels
    most = np.iinfo(pixels.dtype).max
    if channels == 1:
        return _grey(pixels[..., :3]) if have >= 3 else pixels[..., :1]
    colours = pixels[..., :3] if have >= 3 else np.repeat(pixels[..., :1], 3, axis=-1)
    if channels == 3:
        return colours
    alpha = pixels[..., -1:] if have == 2 else np.full((*pixels.shape[:-1], 1), most)
    return np.concatenate([colours, alpha.astype(pixels.dtype)], axis=-1)


def _grey(pixels: Any) -> Any:
    wide = pixels.astype(np.int64)
    total = sum(wide[..., i : i + 1] * weight for i, weight in enumerate(_GREY))
    # libpng rounds 16 bits and cuts 8 bits off.
    half = 1 << 14 if pixels.dtype == np.uint16 else 0
    return ((total + half) >> 15).astype(pixels.dtype)


def _converted(pixels: Any, dtype: DType) -> Any:
    """Pixels in another type, its range for theirs."""
    if dtype is float32:
        return pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)
    if pixels.dtype == dtype.np:
        return pixels
    if dtype is uint8:
        return (pixels >> 8).astype(np.uint8)
    return pixels.astype(np.uint16) * np.uint16(257)


def _read(
    contents: Any,
    channels: int,
    dtype: DType = uint8,
    *,
    ratio: int = 1,
    expand_animations: bool = True,
) -> Any:
    """Read any kind of image."""
    data = _bytes_of(contents)
    kind = _format_of(data)
    if kind == "GIF":
        if channels not in (0, 3):
            raise InvalidArgumentError(f"channels of a GIF must be 0 or 3, got {channels}")
        frames = _read_gif(data)
        return _converted(frames if expand_animations else frames[0], dtype)
    if kind == "JPEG":
        if channels == 4:
            raise InvalidArgumentError("channels of a JPEG must be 0, 1 or 3, got 4")
        return _converted(_read_jpeg(data, channels, ratio), dtype)
    if kind == "BMP":
        return _converted(_read_bmp(data, channels), dtype)
    pixels = png.decode(data) if kind == "PNG" else _read_webp(data)
    return _converted(_with_channels(pixels, channels), dtype)


def _read_jpeg(data: bytes, channels: int, ratio: int = 1) -> Any:
    if ratio not in _RATIOS:
        raise InvalidArgumentError(f"ratio must be one of {_RATIOS}, got {ratio}")
    pillow = _pillow()
    try:
        with pillow.open(io.BytesIO(data), formats=["JPEG"]) as image:
            mode = "L" if channels == 1 or (channels == 0 and image.mode == "L") else "RGB"
            if ratio > 1:
                image.draft(None, (max(image.width // ratio, 1), max(image.height // ratio, 1)))
            if mode == "L" and image.mode != "L":
                # The grey of a JPEG is stored as such.
                image.draft("L", None)
            pixels = np.asarray(image.convert(mode))
    except (OSError, SyntaxError, ValueError) as error:
        raise InvalidArgumentError(
            f"contents must be a JPEG image, got {len(data)} bytes that cannot be read: {error}"
        ) from error
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _read_gif(data: bytes) -> Any:
    pillow = _pillow()
    try:
        with pillow.open(io.BytesIO(data), formats=["GIF"]) as image:
            frames = []
            for number in range(getattr(image, "n_frames", 1)):
                image.seek(number)
                frames.append(np.asarray(image.convert("RGB")))
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise InvalidArgumentError(
            f"contents must be a GIF image, got {len(data)} bytes that cannot be read: {error}"
        ) from error
    return np.stack(frames)


def _read_webp(data: bytes) -> Any:
    pillow = _pillow()
    try:
        with pillow.open(io.BytesIO(data), formats=["WEBP"]) as image:
            return np.asarray(image.convert("RGBA" if "A" in image.getbands() else "RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        raise InvalidArgumentError(
            f"contents must be a WebP image, got {len(data)} bytes that cannot be read: {error}"
        ) from error


def _read_bmp(data: bytes, channels: int) -> Any:
    """Pixels of an uncompressed BMP of 8 bits of grey, or 24 or 32 bits of colour."""
    if len(data) < 30:
        raise InvalidArgumentError(f"contents must be a BMP image, got {len(data)} bytes")
    (start,) = struct.unpack_from("<I", data, 10)
    width, height, _, bits = struct.unpack_from("<iiHH", data, 18)
    samples = bits // 8
    if bits not in (8, 24, 32) or width <= 0 or height == 0:
        raise InvalidArgumentError(
            f"a BMP image must have 8, 24 or 32 bits a pixel, got {bits} of {width} x {height}"
        )
    if channels not in (0, samples) or channels == 1:
        raise InvalidArgumentError(
            f"channels must be 0, or the 3 or 4 of the BMP image, got {channels}"
        )
    length = (width * samples + 3) // 4 * 4
    if len(data) < start + length * (abs(height) - 1) + width * samples:
        raise InvalidArgumentError(f"contents must be a whole BMP image, got {len(data)} bytes")
    raw = np.frombuffer(
        data[start : start + length * abs(height)].ljust(length * abs(height), b"\0"), np.uint8
    )
    rows = raw.reshape(abs(height), length)[:, : width * samples]
    pixels = rows.reshape(abs(height), width, samples)
    # Rows lie from the bottom up unless the height is negative; colours are blue first.
    pixels = pixels[::-1] if height > 0 else pixels
    if samples >= 3:
        pixels = pixels[..., [2, 1, 0, 3][:samples]]
    return np.ascontiguousarray(pixels)


def _decoded_shape(
    *_: Any, channels: int = 0, expand_animations: bool = False, **__: Any
) -> Any:
    return unknown_shape() if expand_animations else TensorShape([None, None, channels or None])


def _frames_shape(*_: Any, channels: int = 3, **__: Any) -> TensorShape:
    return TensorShape([None, None, None, channels or None])


@op(
    "DecodeJpeg",
    inputs=("contents: string",),
    outputs=("image: uint8",),
    attrs=_JPEG_ATTRS,
    kernel="host",
    differentiable=False,
    shape=_decoded_shape,
)
def decode_jpeg(contents: Any, *, channels: int, ratio: int, **_: Any) -> Any:
    """Pixels of a JPEG image, or of another kind of file.

    Shape: contents [] -> image [h, w, channels].
    Errors: InvalidArgumentError when the bytes are no image, or for wrong attrs.
    """
    _check_channels(channels, (0, 1, 3, 4))
    if ratio not in _RATIOS:
        raise InvalidArgumentError(f"ratio must be one of {_RATIOS}, got {ratio}")
    return _read(contents, channels, ratio=ratio)


@op(
    "DecodeAndCropJpeg",
    inputs=("contents: string", "crop_window: int32"),
    outputs=("image: uint8",),
    attrs=_JPEG_ATTRS,
    kernel="host",
    differentiable=False,
    shape=_decoded_shape,
)
def decode_and_crop_jpeg(
    contents: Any, crop_window: Any, *, channels: int, ratio: int, **_: Any
) -> Any:
    """Part of the pixels of a JPEG image.

    Shape: contents [], crop_window [4], which is [y, x, height, width] -> image
    [height, width, channels].
    Errors: InvalidArgumentError when the bytes are no JPEG, or the window is not inside.
    """
    _check_channels(channels, (0, 1, 3))
    pixels = _read_jpeg(_bytes_of(contents), channels, ratio)
    y, x, height, width = (int(entry) for entry in np.asarray(crop_window).reshape(4))
    inside = (
        min(y, x) >= 0
        and min(height, width) > 0
        and y + height <= pixels.shape[0]
        and x + width <= pixels.shape[1]
    )
    if not inside:
        raise InvalidArgumentError(
            f"crop_window must lie in the image of {pixels.shape[0]} x {pixels.shape[1]}, got "
            f"{[y, x, height, width]}"
        )
    return pixels[y : y + height, x : x + width]


@op(
    "DecodePng",
    inputs=("contents: string",),
    outputs=("image: dtype",),
    attrs={"channels": 0, "dtype": uint8},
    kernel="host",
    differentiable=False,
    shape=_decoded_shape,
)
def decode_png(contents: Any, *, channels: int, dtype: DType) -> Any:
    """Pixels of a PNG image, or of another kind of file.

    Shape: contents [] -> image [h, w, channels].
    Dtype: image is uint8 or uint16, as `dtype` says.
    Errors: InvalidArgumentError when the bytes are no image, or for wrong attrs.
    """
    _check_channels(channels, (0, 1, 3, 4))
    return _read(contents, channels, dtype)


@op(
    "DecodeBmp",
    inputs=("contents: string",),
    outputs=("image: uint8",),
    attrs={"channels": 0},
    kernel="host",
    differentiable=False,
    shape=_decoded_shape,
)
def decode_bmp(contents: Any, *, channels: int) -> Any:
    """Pixels of a BMP image.

    Shape: contents [] -> image [h, w, channels].
    Errors: InvalidArgumentError when the bytes are no BMP image.
    """
    _check_channels(channels, (0, 1, 3, 4))
    data = _bytes_of(contents)
    if _format_of(data) != "BMP":
        raise InvalidArgumentError("contents must be a BMP image, got another kind")
    return _read_bmp(data, channels)


@op(
    "DecodeGif",
    inputs=("contents: string",),
    outputs=("image: uint8",),
    kernel="host",
    differentiable=False,
    shape=_frames_shape,
)
def decode_gif(contents: Any) -> Any:
    """Frames of a GIF image; those of another kind are one frame.

    Shape: contents [] -> image [frames, h, w, 3].
    Errors: InvalidArgumentError when the bytes are no image.
    """
    pixels = _read(contents, 3)
    return pixels if pixels.ndim == 4 else pixels[None]


@op(
    "DecodeWebP",
    inputs=("contents: string",),
    outputs=("image: dtype",),
    attrs={"channels": 0, "dtype": uint8},
    kernel="host",
    differentiable=False,
    shape=_frames_shape,
)
def decode_webp(contents: Any, *, channels: int, dtype: DType) -> Any:
    """Frames of a WebP image.

    Shape: contents [] -> image [frames, h, w, channels].
    Errors: InvalidArgumentError when the bytes are no image.
    """
    _check_channels(channels, (0, 3, 4))
    return _read(contents, channels, dtype)[None]


@op(
    "DecodeImage",
    inputs=("contents: string",),
    outputs=("image: dtype",),
    attrs={"channels": 0, "dtype": uint8, "expand_animations": True},
    kernel="host",
    differentiable=False,
    shape=_decoded_shape,
)
def decode_image(contents: Any, *, channels: int, dtype: DType, expand_animations: bool) -> Any:
    """Pixels of an image of any kind; the frames of a GIF are on an axis of their own.

    Shape: contents [] -> image [h, w, channels] or [frames, h, w, channels].
    Dtype: image is uint8, uint16 or float32 in [0, 1], as `dtype` says.
    Errors: InvalidArgumentError when the bytes are no image.
    """
    _check_channels(channels, (0, 1, 3, 4))
    return _read(contents, channels, dtype, expand_animations=expand_animations)


@op(
    "ExtractJpegShape",
    inputs=("contents: string",),
    outputs=("image_shape: output_type",),
    attrs={"output_type": int32},
    kernel="host",
    differentiable=False,
)
def extract_jpeg_shape(contents: Any, *, output_type: DType) -> Any:
    """Height, width and channels of a JPEG image, from its header.

    Shape: contents [] -> image_shape [3].
    Errors: InvalidArgumentError when the bytes are no JPEG image.
    """
    data = _bytes_of(contents)
    at = 2
    while data.startswith(_JPEG[:2]) and at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        # Frame headers have these markers, without the tables that lie between.
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width, channels = struct.unpack_from(">HHB", data, at + 5)
            return np.array([height, width, channels], output_type.np)
        at += 1 if marker == 0xFF else 2 + struct.unpack_from(">H", data, at + 2)[0]
    raise InvalidArgumentError(f"contents must be a JPEG image, got {len(data)} bytes")


def _to_jpeg(image: Any, quality: int, **options: Any) -> bytes:
    if not 0 <= quality <= 100:
        raise InvalidArgumentError(f"quality must be 0 to 100, got {quality}")
    if image.ndim != 3:
        raise InvalidArgumentError(f"image must be [h, w, channels], got {list(image.shape)}")
    if image.shape[2] not in (1, 3):
        raise InvalidArgumentError(f"image must have 1 or 3 channels, got {image.shape[2]}")
    if not image.size:
        raise InvalidArgumentError(f"image must not be empty, got {list(image.shape)}")
    pixels = image[..., 0] if image.shape[2] == 1 else image
    target = io.BytesIO()
    _pillow().fromarray(np.ascontiguousarray(pixels)).save(
        target, "JPEG", quality=quality, **options
    )
    return target.getvalue()


@op(
    "EncodeJpeg",
    inputs=("image: uint8",),
    outputs=("contents: string",),
    attrs={
        "format": "",
        "quality": 95,
        "progressive": False,
        "optimize_size": False,
        "chroma_downsampling": True,
        "density_unit": "in",
        "x_density": 300,
        "y_density": 300,
        "xmp_metadata": "",
    },
    kernel="host",
    differentiable=False,
)
def encode_jpeg(
    image: Any,
    *,
    format: str,
    quality: int,
    progressive: bool,
    optimize_size: bool,
    chroma_downsampling: bool,
    density_unit: str,
    x_density: int,
    y_density: int,
    xmp_metadata: str,
) -> Any:
    """Bytes of a JPEG image.

    Shape: image [h, w, 1 or 3] -> contents [].
    Errors: InvalidArgumentError when image has another shape, or attrs do not fit.
    """
    expected = {"": None, "grayscale": 1, "rgb": 3}
    if format not in expected:
        raise InvalidArgumentError(f"format must be '', 'grayscale' or 'rgb', got {format!r}")
    if expected[format] and image.shape[-1] != expected[format]:
        raise InvalidArgumentError(
            f"image must have {expected[format]} channels for format {format!r}, got "
            f"{image.shape[-1]}"
        )
    # Pillow writes densities per inch.
    per_inch = 2.54 if density_unit == "cm" else 1.0
    options = {"xmp": xmp_metadata.encode()} if xmp_metadata else {}
    return np.array(
        _to_jpeg(
            image,
            quality,
            progressive=progressive,
            optimize=optimize_size,
            subsampling=2 if chroma_downsampling else 0,
            dpi=(round(x_density * per_inch), round(y_density * per_inch)),
            **options,
        ),
        object,
    )


@op(
    "EncodeJpegVariableQuality",
    inputs=("images: uint8", "quality: int32"),
    outputs=("contents: string",),
    kernel="host",
    differentiable=False,
)
def encode_jpeg_variable_quality(images: Any, quality: Any) -> Any:
    """Bytes of a JPEG image whose quality is an input.

    Shape: images [h, w, 1 or 3], quality [] -> contents [].
    Errors: InvalidArgumentError when images have another shape, or quality is not 0 to 100.
    """
    return np.array(_to_jpeg(images, int(quality), subsampling=2), object)


@op(
    "EncodePng",
    inputs=("image: T",),
    outputs=("contents: string",),
    attrs={"compression": -1},
    kernel="host",
    differentiable=False,
)
def encode_png(image: Any, *, compression: int) -> Any:
    """Bytes of PNG images.

    Shape: image [..., h, w, 1 to 4] -> contents [...].
    Dtype: image is uint8 or uint16.
    Errors: InvalidArgumentError when image has another shape or type, or for a compression
    outside -1 to 9.
    """
    if image.dtype not in (uint8.np, uint16.np):
        raise InvalidArgumentError(f"image must be uint8 or uint16, got {image.dtype}")
    if not -1 <= compression <= 9:
        raise InvalidArgumentError(f"compression must be -1 to 9, got {compression}")
    if image.ndim < 3 or not 1 <= image.shape[-1] <= 4:
        raise InvalidArgumentError(
            f"image must be [..., h, w, 1 to 4 channels], got shape {list(image.shape)}"
        )
    if not image.shape[-2] or not image.shape[-3]:
        raise InternalError(f"image must not be empty, got shape {list(image.shape)}")
    outer = image.shape[:-3]
    out = np.empty(outer, object)
    for index in np.ndindex(outer):
        out[index] = png.encode(image[index], compression)
    return out
