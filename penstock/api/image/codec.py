"""Images as bytes of files."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.api.image.color import convert_image_dtype
from penstock.core import dtypes
from penstock.core.dtypes import as_dtype
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call

__all__ = [
    "adjust_jpeg_quality",
    "decode_and_crop_jpeg",
    "decode_bmp",
    "decode_gif",
    "decode_image",
    "decode_jpeg",
    "decode_png",
    "decode_webp",
    "encode_jpeg",
    "encode_png",
    "extract_jpeg_shape",
    "is_jpeg",
]


def decode_image(
    contents: Any,
    channels: int | None = None,
    dtype: Any = dtypes.uint8,
    name: str | None = None,
    expand_animations: bool = True,
) -> Any:
    """Pixels of a JPEG, PNG, GIF, BMP or WebP image.

    Args:
        contents: bytes of the file.
        channels: number of channels wanted; None or 0 for those of the image.
        dtype: uint8, uint16 or float32.
        name: name of the op.
        expand_animations: whether a GIF gives all its frames, on an axis of their own.

    Raises:
        InvalidArgumentError: the bytes are no such image.
    """
    return call(
        "DecodeImage",
        contents,
        channels=channels or 0,
        dtype=as_dtype(dtype),
        expand_animations=expand_animations,
        name=name,
    )


def decode_jpeg(
    contents: Any,
    channels: int = 0,
    ratio: int = 1,
    fancy_upscaling: bool = True,
    try_recover_truncated: bool = False,
    acceptable_fraction: float = 1,
    dct_method: str = "",
    name: str | None = None,
) -> Any:
    """Pixels of a JPEG image, uint8.

    Args:
        contents: bytes of the file.
        channels: 0 for those of the image, 1 for grey, 3 for colour.
        ratio: 1, 2, 4 or 8: how much to shrink.
        fancy_upscaling: accepted for compatibility.
        try_recover_truncated: accepted for compatibility.
        acceptable_fraction: accepted for compatibility.
        dct_method: accepted for compatibility.
        name: name of the op.

    Raises:
        InvalidArgumentError: the bytes are no image.
    """
    return call(
        "DecodeJpeg",
        contents,
        channels=channels,
        ratio=ratio,
        fancy_upscaling=fancy_upscaling,
        try_recover_truncated=try_recover_truncated,
        acceptable_fraction=float(acceptable_fraction),
        dct_method=dct_method,
        name=name,
    )


def decode_and_crop_jpeg(
    contents: Any,
    crop_window: Any,
    channels: int = 0,
    ratio: int = 1,
    fancy_upscaling: bool = True,
    try_recover_truncated: bool = False,
    acceptable_fraction: float = 1,
    dct_method: str = "",
    name: str | None = None,
) -> Any:
    """Part of the pixels of a JPEG image.

    Args:
        contents: bytes of the file.
        crop_window: first row and column, number of rows and columns.
        channels: as for `decode_jpeg`.
        ratio: as for `decode_jpeg`.
        fancy_upscaling: accepted for compatibility.
        try_recover_truncated: accepted for compatibility.
        acceptable_fraction: accepted for compatibility.
        dct_method: accepted for compatibility.
        name: name of the op.
    """
    return call(
        "DecodeAndCropJpeg",
        contents,
        crop_window,
        channels=channels,
        ratio=ratio,
        fancy_upscaling=fancy_upscaling,
        try_recover_truncated=try_recover_truncated,
        acceptable_fraction=float(acceptable_fraction),
        dct_method=dct_method,
        name=name,
    )


def decode_png(
    contents: Any, channels: int = 0, dtype: Any = dtypes.uint8, name: str | None = None
) -> Any:
    """Pixels of a PNG image.

    Args:
        contents: bytes of the file.
        channels: 0 for those of the image, 1, 3 or 4.
        dtype: uint8 or uint16.
        name: name of the op.

    Raises:
        InvalidArgumentError: the bytes are no image.
    """
    return call("DecodePng", contents, channels=channels, dtype=as_dtype(dtype), name=name)


def decode_bmp(contents: Any, channels: int = 0, name: str | None = None) -> Any:
    """Pixels of a BMP image, uint8."""
    return call("DecodeBmp", contents, channels=channels, name=name)


def decode_gif(contents: Any, name: str | None = None) -> Any:
    """Frames of a GIF image, uint8 `[frames, h, w, 3]`."""
    return call("DecodeGif", contents, name=name)


def decode_webp(
    contents: Any, channels: int = 0, dtype: Any = dtypes.uint8, name: str | None = None
) -> Any:
    """Frames of a WebP image, uint8 `[frames, h, w, channels]`."""
    return call("DecodeWebP", contents, channels=channels, dtype=as_dtype(dtype), name=name)


def encode_jpeg(
    image: Any,
    format: str = "",
    quality: int = 95,
    progressive: bool = False,
    optimize_size: bool = False,
    chroma_downsampling: bool = True,
    density_unit: str = "in",
    x_density: int = 300,
    y_density: int = 300,
    xmp_metadata: str = "",
    name: str | None = None,
) -> Any:
    """Bytes of a JPEG image.

    Args:
        image: uint8 `[h, w, 1 or 3]`.
        format: "", "grayscale" or "rgb".
        quality: 0 to 100.
        progressive: whether a first, coarse image comes early.
        optimize_size: whether to spend time for fewer bytes.
        chroma_downsampling: whether colours have half the resolution.
        density_unit: "in" or "cm".
        x_density: pixels per unit across.
        y_density: pixels per unit down.
        xmp_metadata: text to embed.
        name: name of the op.
    """
    return call(
        "EncodeJpeg",
        image,
        format=format,
        quality=quality,
        progressive=progressive,
        optimize_size=optimize_size,
        chroma_downsampling=chroma_downsampling,
        density_unit=density_unit,
        x_density=x_density,
        y_density=y_density,
        xmp_metadata=xmp_metadata,
        name=name,
    )


def encode_png(image: Any, compression: int = -1, name: str | None = None) -> Any:
    """Bytes of PNG images.

    Args:
        image: uint8 or uint16 `[..., h, w, 1 to 4]`.
        compression: 0 to 9, or -1 for zlib's default.
        name: name of the op.
    """
    return call("EncodePng", image, compression=compression, name=name)


def extract_jpeg_shape(
    contents: Any, output_type: Any = dtypes.int32, name: str | None = None
) -> Any:
    """Height, width and channels of a JPEG image, without decoding it."""
    return call("ExtractJpegShape", contents, output_type=as_dtype(output_type), name=name)


def is_jpeg(contents: Any, name: str | None = None) -> Any:
    """Whether bytes begin as a JPEG image does."""
    start = call("Substr", contents, 0, 3)
    return call("Equal", start, b"\xff\xd8\xff", name=name)


def adjust_jpeg_quality(
    image: Any, jpeg_quality: Any, dct_method: str = "", name: str | None = None
) -> Any:
    """Encode an image as JPEG of a quality, and decode it again.

    Args:
        image: `[h, w, 1 or 3]` of any type.
        jpeg_quality: 0 to 100.
        dct_method: accepted for compatibility.
        name: name of the op.
    """
    image = convert_to_tensor(image)
    channels = image.shape[-1]
    pixels = convert_image_dtype(image, dtypes.uint8, saturate=True)
    quality = convert_to_tensor(jpeg_quality, dtype=np.int32)
    coded = call("EncodeJpegVariableQuality", pixels, quality)
    decoded = decode_jpeg(coded, channels=channels or 0, dct_method=dct_method)
    return convert_image_dtype(decoded, image.dtype, saturate=True, name=name)
