"""PNG images, read and written with nothing but zlib.

Source: ISO/IEC 15948, Portable Network Graphics.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from penstock.core.errors import InvalidArgumentError

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB, _PALETTE, _GREY_ALPHA, _RGBA = 0, 2, 3, 4, 6
_SAMPLES: Final = {_GREY: 1, _RGB: 3, _PALETTE: 1, _GREY_ALPHA: 2, _RGBA: 4}
_DEPTHS: Final = {
    _GREY: (1, 2, 4, 8, 16),
    _RGB: (8, 16),
    _PALETTE: (1, 2, 4, 8),
    _GREY_ALPHA: (8, 16),
    _RGBA: (8, 16),
}
# First row, first column, row step and column step of the passes of an interlaced image.
_PASSES: Final = (
    (0, 0, 8, 8),
    (0, 4, 8, 8),
    (4, 0, 8, 4),
    (0, 2, 4, 4),
    (2, 0, 4, 2),
    (0, 1, 2, 2),
    (1, 0, 2, 1),
)
_MOST_PIXELS: Final = 1 << 28
_NONE, _SUB, _UP, _AVERAGE, _PAETH = range(5)


@dataclass(frozen=True, slots=True)
class _Header:
    width: int
    height: int
    depth: int
    colour: int
    interlaced: bool

    @property
    def samples(self) -> int:
        return _SAMPLES[self.colour]

    def row_bytes(self, width: int) -> int:
        return (width * self.samples * self.depth + 7) // 8


def decode(data: bytes) -> Any:
    """Read an image as uint8 or uint16 [h, w, channels], palettes and transparency expanded.

    Raises:
        InvalidArgumentError: the bytes are no whole PNG image.
    """
    header: _Header | None = None
    palette = transparency = None
    compressed = []
    for kind, body in _chunks(data):
        if kind == b"IHDR":
            header = _read_header(body)
        elif kind == b"PLTE":
            palette = np.frombuffer(body[: len(body) // 3 * 3], np.uint8).reshape(-1, 3)
        elif kind == b"tRNS":
            transparency = body
        elif kind == b"IDAT":
            compressed.append(body)
    if header is None or not compressed:
        raise _invalid(data, "it has no image")
    lines = _unfiltered(_inflated(b"".join(compressed), header, data), header)
    return _expanded(lines, header, palette, transparency, data)


def _invalid(data: bytes, reason: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"contents must be a PNG image, got {len(data)} bytes: {reason}"
    )


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    if not data.startswith(SIGNATURE):
        raise _invalid(data, "the signature is missing")
    at = len(SIGNATURE)
    while True:
        if at + 12 > len(data):
            raise _invalid(data, "it ends too early")
        length, kind = struct.unpack_from(">I4s", data, at)
        if at + 12 + length > len(data):
            raise _invalid(data, "it ends too early")
        body = data[at + 8 : at + 8 + length]
        (crc,) = struct.unpack_from(">I", data, at + 8 + length)
        if zlib.crc32(data[at + 4 : at + 8 + length]) != crc:
            raise _invalid(data, f"the checksum of {kind!r} does not match")
        if kind == b"IEND":
            return
        yield kind, body
        at += 12 + length


def _read_header(body: bytes) -> _Header:
    if len(body) != 13:
        raise _invalid(body, "the header has a wrong length")
    width, height, depth, colour, method, filtering, interlace = struct.unpack(">IIBBBBB", body)
    valid = colour in _DEPTHS and depth in _DEPTHS[colour]
    if not valid or method or filtering or interlace > 1 or not width or not height:
        raise _invalid(body, "the header is not valid")
    if width * height > _MOST_PIXELS:
        raise InvalidArgumentError(
            f"a PNG image must have up to {_MOST_PIXELS} pixels, got {width} x {height}"
        )
    return _Header(width, height, depth, colour, bool(interlace))


def _inflated(compressed: bytes, header: _Header, data: bytes) -> bytes:
    """All lines with their filter bytes; never more than the header announces."""
    need = sum(rows * (1 + header.row_bytes(columns)) for *_, rows, columns in _parts(header))
    inflate = zlib.decompressobj()
    try:
        raw = inflate.decompress(compressed, need)
    except zlib.error as error:
        raise _invalid(data, "the pixels cannot be inflated") from error
    if len(raw) < need:
        raise _invalid(data, "it lacks pixels")
    return raw


def _parts(header: _Header) -> list[tuple[int, int, int, int, int, int]]:
    """First row and column, steps, number of rows and columns of each pass."""
    if not header.interlaced:
        return [(0, 0, 1, 1, header.height, header.width)]
    parts = []
    for top, left, down, across in _PASSES:
        rows = -(-(header.height - top) // down)
        columns = -(-(header.width - left) // across)
        if rows > 0 and columns > 0:
            parts.append((top, left, down, across, rows, columns))
    return parts


def _unfiltered(raw: bytes, header: _Header) -> Any:
    """Samples [h, w, samples] as stored."""
    out = np.zeros(
        (header.height, header.width, header.samples),
        np.uint16 if header.depth == 16 else np.uint8,
    )
    at = 0
    for top, left, down, across, rows, columns in _parts(header):
        length = header.row_bytes(columns)
        step = max(header.samples * header.depth // 8, 1)
        lines = np.zeros((rows, length), np.uint8)
        before = np.zeros(length, np.uint8)
        for row in range(rows):
            line = np.frombuffer(raw, np.uint8, length, at + 1)
            before = lines[row] = _unfilter(raw[at], line, before, step)
            at += 1 + length
        out[top::down, left::across] = _unpacked(lines, columns, header)
    return out


def _unfilter(kind: int, line: Any, above: Any, step: int) -> Any:
    if kind == _NONE:
        return line
    if kind == _UP:
        return line + above
    if kind == _SUB:
        cells = np.zeros((-(-len(line) // step), step), np.uint8)
        cells.reshape(-1)[: len(line)] = line
        return np.cumsum(cells, axis=0, dtype=np.uint8).reshape(-1)[: len(line)]
    if kind not in (_AVERAGE, _PAETH):
        raise InvalidArgumentError(f"a PNG filter must be 0 to 4, got {kind}")
    # Each byte depends on the one before it: plain integers are quickest.
    done = [0] * step + line.tolist()
    up = [0] * step + above.tolist()
    for i in range(step, len(done)):
        a, b = done[i - step], up[i]
        if kind == _AVERAGE:
            guess = (a + b) >> 1
        else:
            c = up[i - step]
            p, q, r = abs(b - c), abs(a - c), abs(a + b - 2 * c)
            guess = a if p <= q and p <= r else b if q <= r else c
        done[i] = (done[i] + guess) & 255
    return np.array(done[step:], np.uint8)


def _unpacked(lines: Any, columns: int, header: _Header) -> Any:
    """Samples of lines of bytes."""
    rows = len(lines)
    if header.depth == 16:
        return lines.view(">u2").reshape(rows, columns, header.samples)
    if header.depth == 8:
        return lines.reshape(rows, columns, header.samples)
    per_byte = 8 // header.depth
    shifts = np.arange(per_byte - 1, -1, -1, dtype=np.uint8) * header.depth
    spread = (lines[:, :, None] >> shifts) & ((1 << header.depth) - 1)
    return spread.reshape(rows, -1)[:, :columns, None]


def _expanded(
    samples: Any, header: _Header, palette: Any, transparency: bytes | None, data: bytes
) -> Any:
    """Channels of what is stored: palettes and transparent colours become channels."""
    if header.colour == _PALETTE:
        return _from_palette(samples[..., 0], palette, transparency, data)
    if header.depth < 8:
        samples = samples * (255 // ((1 << header.depth) - 1))
    if transparency is None or header.colour not in (_GREY, _RGB):
        return samples
    if len(transparency) != 2 * header.samples:
        raise _invalid(data, "the transparent colour has a wrong length")
    clear = np.frombuffer(transparency, ">u2").astype(np.int64)
    if header.depth < 8:
        clear = clear * (255 // ((1 << header.depth) - 1))
    most = np.iinfo(samples.dtype).max
    hidden = (samples == clear).all(axis=-1, keepdims=True)
    alpha = np.where(hidden, 0, most).astype(samples.dtype)
    return np.concatenate([samples, alpha], axis=-1)


def _from_palette(index: Any, palette: Any, transparency: bytes | None, data: bytes) -> Any:
    if palette is None or index.max(initial=0) >= len(palette):
        raise _invalid(data, "a pixel has no colour in the palette")
    if transparency is None:
        return palette[index]
    alpha = np.full((len(palette), 1), 255, np.uint8)
    given = np.frombuffer(transparency, np.uint8)[: len(palette)]
    alpha[: len(given), 0] = given
    return np.concatenate([palette, alpha], axis=1)[index]


def encode(image: Any, compression: int = -1) -> bytes:
    """Write uint8 or uint16 [h, w, 1 to 4] as a PNG image.

    Args:
        image: the pixels.
        compression: 0 to 9, or -1 for zlib's default.
    """
    height, width, samples = image.shape
    colour = {1: _GREY, 2: _GREY_ALPHA, 3: _RGB, 4: _RGBA}[samples]
    depth = 8 * image.dtype.itemsize
    wide = image.astype(">u2") if depth == 16 else np.ascontiguousarray(image)
    lines = wide.view(np.uint8).reshape(height, -1)
    # Differences to the line above pack better than the bytes themselves.
    filtered = lines.copy()
    filtered[1:] -= lines[:-1]
    kinds = np.full((height, 1), _UP, np.uint8)
    packed = zlib.compress(np.concatenate([kinds, filtered], axis=1).tobytes(), compression)
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    )
