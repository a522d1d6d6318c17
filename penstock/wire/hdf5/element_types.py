"""Types of elements, and spaces: how many elements there are.

Source: HDF5 File Format Specification 3.0, IV.A.2.b and IV.A.2.d.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from penstock.wire.hdf5.source import Cursor, Source, UnfamiliarError

_MAX_DEPTH: Final = 16
_MAX_RANK: Final = 32
_MAX_BYTES: Final = (1 << 31) - 1  # of one element; numpy has no types of more
_VERSIONS: Final = range(1, 6)
_ORDERS: Final = "<>"
# Number of the class -> bytes of properties that follow and say nothing about the size.
_PLAIN: Final = {0: 4, 1: 12, 2: 2, 3: 0, 4: 4, 7: 0}
_INTEGER, _FLOAT, _STRING, _OPAQUE, _COMPOUND, _ENUM, _SEQUENCE, _ARRAY, _COMPLEX = (
    0, 1, 3, 5, 6, 8, 9, 10, 11,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ElementType:
    """A type of elements: its size in the file, and what numpy calls it."""

    size: int
    dtype: np.dtype[Any]
    is_text: bool = False
    is_sequence: bool = False


def read_shape(source: Source, body: Cursor) -> tuple[int, ...] | None:
    """The shape that a message tells, None for one without elements.

    Raises:
        DataLossError: it is damaged.
    """
    version, rank, flags = body.number(1), body.number(1), body.number(1)
    if version not in (1, 2) or rank > _MAX_RANK:
        raise source.fail(f"a space has the version {version} and {rank} dimensions")
    kind = body.number(1)
    if version == 1:
        body.take(4)
    elif kind == 2:
        return None
    shape = tuple(body.length() for _ in range(rank))
    if flags & 1:
        unlimited = (1 << 8 * source.length_bytes) - 1
        for size in shape:
            most = body.length()
            if most != unlimited and most < size:
                raise source.fail(f"a space has {size} of at most {most} elements")
    if math.prod(shape) >= 1 << 63:
        raise source.fail(f"a space has the shape {list(shape)}")
    return shape


def read_type(source: Source, body: Cursor, depth: int = 0) -> ElementType:
    """The type that a message tells.

    Raises:
        DataLossError: it is damaged.
        UnfamiliarError: it is of a kind that is not known here.
    """
    head = body.number(1)
    kind, version = head & 15, head >> 4
    bits, size = body.number(3), body.number(4)
    if version not in _VERSIONS or depth > _MAX_DEPTH or not 0 < size <= _MAX_BYTES:
        raise source.fail(f"a type has the version {version} and {size} bytes")
    if kind in _PLAIN:
        properties = body.sub(_PLAIN[kind])
        if kind in (_INTEGER, _FLOAT, 4):
            _check_bits(source, size, properties)
        return _plain(kind, bits, size)
    if kind == _OPAQUE:
        tag = bits & 0xFF
        body.take(min(body.left, tag + -tag % 8))
        return ElementType(size, np.dtype(f"V{size}"))
    if kind == _COMPOUND:
        return _compound(source, body, version, count=bits & 0xFFFF, size=size, depth=depth)
    if kind == _ENUM:
        return _enumeration(source, body, version, bits & 0xFFFF, depth)
    if kind == _SEQUENCE:
        read_type(source, body, depth + 1)
        if size != 8 + source.address_bytes:
            raise source.fail(f"a sequence has {size} bytes")
        return ElementType(size, np.dtype(object), bits & 15 == 1, is_sequence=True)
    if kind == _ARRAY:
        return _array(source, body, version, size, depth)
    if kind == _COMPLEX:
        base = read_type(source, body, depth + 1)
        return ElementType(size, np.dtype(f"c{base.size * 2}" if base.size in (4, 8) else "V"))
    raise UnfamiliarError(f"types of class {kind}")


def _check_bits(source: Source, size: int, properties: Cursor) -> None:
    offset, precision = properties.number(2), properties.number(2)
    if precision == 0 or offset + precision > 8 * size:
        raise source.fail(f"a number has {precision} bits from {offset} on in {size} bytes")


def _plain(kind: int, bits: int, size: int) -> ElementType:
    order = _ORDERS[bits & 1]
    if kind == _INTEGER and size in (1, 2, 4, 8):
        return ElementType(size, np.dtype(f"{order}{'i' if bits & 8 else 'u'}{size}"))
    if kind == _FLOAT and size in (2, 4, 8):
        return ElementType(size, np.dtype(f"{order}f{size}"))
    if kind == _STRING:
        return ElementType(size, np.dtype(f"S{size}"), is_text=True)
    if kind == 7:
        return ElementType(size, np.dtype(object))
    return ElementType(size, np.dtype(f"V{size}"))


def _compound(
    source: Source, body: Cursor, version: int, *, count: int, size: int, depth: int
) -> ElementType:
    offset_bytes = 4 if version < 3 else max(1, (size.bit_length() + 7) // 8)
    members: dict[str, tuple[ElementType, int]] = {}
    for _ in range(count):
        start = body.place
        name = body.text().decode("utf-8", "replace")
        if version < 3:
            body.skip_to_multiple(8, start)
        offset = body.number(offset_bytes)
        dimensions = body.number(1) if version == 1 else 0
        sizes = [1]
        if version == 1:
            body.take(11)
            sizes = [body.number(4) for _ in range(4)][: min(dimensions, 4)]
        member = read_type(source, body, depth + 1)
        if offset + member.size * math.prod(sizes) > size or name in members:
            raise source.fail(f"the member '{name}' does not fit into {size} bytes")
        members[name] = member, offset
    return ElementType(size, _compound_dtype(members, size))


def _compound_dtype(members: dict[str, tuple[ElementType, int]], size: int) -> np.dtype[Any]:
    kinds = [member.dtype for member, _ in members.values()]
    if list(members) == ["r", "i"] and kinds[0] == kinds[1] and kinds[0].kind == "f":
        return np.dtype(f"{kinds[0].byteorder}c{2 * kinds[0].itemsize}")
    if any(member.dtype.itemsize != member.size for member, _ in members.values()):
        return np.dtype(f"V{size}")
    offsets = [offset for _, offset in members.values()]
    try:
        return np.dtype(
            {"names": list(members), "formats": kinds, "offsets": offsets, "itemsize": size}
        )
    except (TypeError, ValueError):
        return np.dtype(f"V{size}")


def _enumeration(
    source: Source, body: Cursor, version: int, count: int, depth: int
) -> ElementType:
    base = read_type(source, body, depth + 1)
    names = []
    for _ in range(count):
        start = body.place
        names.append(body.text())
        if version < 3:
            body.skip_to_multiple(8, start)
    body.take(count * base.size)
    if names == [b"FALSE", b"TRUE"] and base.size == 1:
        return ElementType(1, np.dtype(bool))
    return base


def _array(source: Source, body: Cursor, version: int, size: int, depth: int) -> ElementType:
    rank = body.number(1)
    if rank > _MAX_RANK:
        raise source.fail(f"a type has {rank} dimensions")
    if version < 3:
        body.take(3)
    shape = [body.number(4) for _ in range(rank)]
    if version < 3:
        body.take(4 * rank)
    base = read_type(source, body, depth + 1)
    if math.prod(shape) * base.size != size:
        raise source.fail(f"a type has {size} bytes for {shape} elements of {base.size}")
    if base.dtype.itemsize != base.size:
        return ElementType(size, np.dtype(f"V{size}"))
    return ElementType(size, np.dtype((base.dtype, tuple(shape))))
