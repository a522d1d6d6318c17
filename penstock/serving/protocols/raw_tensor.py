"""Tensors as bodies without any wrapping: npy files, and plain bytes.

Source: NumPy's format of `.npy` files, versions 1 to 3.
"""

import io
import math
from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from penstock.core.errors import InvalidArgumentError
from penstock.serving.servable import Array, Arrays, SignatureSpec, TensorInfo

OCTETS = b"application/octet-stream"
NPY = b"application/x-npy"
NPY_TYPES = frozenset({NPY, b"application/npy", b"application/x-numpy"})
CONTENT_TYPES = frozenset({OCTETS}) | NPY_TYPES
SHAPE_HEADER, TYPE_HEADER = "X-Tensor-Shape", "X-Tensor-Type"
_MAX_NPY_HEADER = 4096
_MAX_KNOWN = 256
# Signatures by identity, the name and dtype of their input, its shape, bytes of one row.
_Known = tuple[SignatureSpec, str, "np.dtype[np.generic]", tuple[int, ...], int]
_known: dict[int, _Known] = {}


def decode(body: bytes, content_type: bytes, signature: SignatureSpec) -> dict[str, Array]:
    """Read the one input of a signature.

    Args:
        body: rows of numbers, the first row first, in little-endian byte order.
        content_type: one of `CONTENT_TYPES`.
        signature: says what the bytes mean.

    Raises:
        InvalidArgumentError: the signature has several inputs, or the body does not fit it.
    """
    if content_type == OCTETS:
        known = _known.get(id(signature))
        if known is not None:
            _, name, item, shape, row_bytes = known
            if body and not len(body) % row_bytes:
                return {name: np.frombuffer(body, item).reshape(shape)}
    if len(signature.inputs) != 1:
        raise InvalidArgumentError(
            f"a body of type {content_type.decode()} holds one tensor, and the signature has "
            f"the inputs {','.join(sorted(signature.inputs))}; send JSON or the v2 protocol"
        )
    ((name, info),) = signature.inputs.items()
    if info.dtype is None or info.dtype.np.kind not in "fiubV" or info.dtype.np.hasobject:
        kind = "unknown" if info.dtype is None else info.dtype.name
        raise InvalidArgumentError(
            f"input '{name}' is of type {kind}, which has no form as plain bytes; send JSON"
        )
    if content_type == OCTETS:
        _learn(signature)
        return {name: _decode_octets(body, name, info)}
    return {name: _decode_npy(body, name, info)}


def encode(outputs: Arrays, content_type: bytes) -> tuple[bytes, tuple[tuple[str, str], ...]]:
    """Write the one output of a signature; returns the body and headers that explain it.

    Raises:
        InvalidArgumentError: there are several outputs, or it is made of strings.
    """
    if len(outputs) != 1:
        raise InvalidArgumentError(
            f"an answer of type {content_type.decode()} holds one tensor, and there are the "
            f"outputs {','.join(sorted(outputs))}; accept application/json"
        )
    ((name, value),) = outputs.items()
    if value.dtype.hasobject:
        raise InvalidArgumentError(
            f"output '{name}' is made of strings, which have no form as plain bytes; "
            "accept application/json"
        )
    if content_type == OCTETS:
        return value.tobytes(), _described(value.dtype, value.shape)
    file = io.BytesIO()
    np.lib.format.write_array(file, np.ascontiguousarray(value), allow_pickle=False)
    return file.getvalue(), ()


@lru_cache(maxsize=256)
def _described(
    dtype: "np.dtype[np.generic]", shape: tuple[int, ...]
) -> tuple[tuple[str, str], ...]:
    return ((TYPE_HEADER, str(dtype)), (SHAPE_HEADER, ",".join(map(str, shape))))


def _learn(signature: SignatureSpec) -> None:
    """Note how bodies of a signature are read, if they may have any number of rows."""
    ((name, info),) = signature.inputs.items()
    dims = info.dims
    if dims is None or dims.count(None) != 1 or info.dtype is None:
        return
    item = info.dtype.np
    shape, row_bytes = _sizes(dims, item.itemsize)
    if len(_known) >= _MAX_KNOWN:
        _known.clear()
    if row_bytes:
        # With the signature itself: while it is kept, no other one has its identity.
        _known[id(signature)] = (signature, name, item, shape, row_bytes)


def _decode_octets(body: bytes, name: str, info: TensorInfo) -> Array:
    assert info.dtype is not None
    dims = info.dims
    if dims is None or dims.count(None) > 1:
        raise InvalidArgumentError(
            f"input '{name}' is {info}, whose sizes plain bytes cannot tell; send npy or JSON"
        )
    item = info.dtype.np
    shape, row_bytes = _sizes(dims, item.itemsize)
    wanted = "a multiple of " if None in dims else ""
    fits = row_bytes and not len(body) % row_bytes if wanted else len(body) == row_bytes
    if not fits or not body:
        raise InvalidArgumentError(
            f"input '{name}' is {info}, so the body must have {wanted}{row_bytes} bytes, "
            f"got {len(body)}"
        )
    return np.frombuffer(body, item).reshape(shape)


@lru_cache(maxsize=256)
def _sizes(dims: tuple[int | None, ...], itemsize: int) -> tuple[tuple[int, ...], int]:
    """Shape with -1 for the size that is free, and the bytes of one row."""
    known = math.prod(size for size in dims if size is not None)
    return tuple(-1 if size is None else size for size in dims), known * itemsize


def _decode_npy(body: bytes, name: str, info: TensorInfo) -> Array:
    assert info.dtype is not None
    file = io.BytesIO(body)
    try:
        shape, is_fortran, dtype = _npy_header(file)
    except (ValueError, EOFError, KeyError, TypeError, SyntaxError, RecursionError) as error:
        text = " ".join(str(error).split())[:200]
        raise InvalidArgumentError(f"the body is no npy file: {text}") from None
    size = len(body) - file.tell()
    if dtype.hasobject or math.prod(shape) * dtype.itemsize != size:
        raise InvalidArgumentError(
            f"an npy file of {dtype}{list(shape)} must have {math.prod(shape)} plain elements, "
            f"got {size} bytes"
        )
    array = np.frombuffer(body, dtype, offset=file.tell())
    array = array.reshape(shape, order="F" if is_fortran else "C")
    wanted = info.dtype.np
    if dtype != wanted:
        # What npy has no name for, such as bfloat16, comes as plain bytes of that size.
        if dtype.kind == "V" and wanted.kind == "V" and dtype.itemsize == wanted.itemsize:
            return array.view(wanted)
        if not np.can_cast(dtype, wanted, "same_kind") or dtype.kind != wanted.kind:
            raise InvalidArgumentError(
                f"input '{name}' must be {info}, got an npy file of {dtype}{list(shape)}"
            )
    return np.ascontiguousarray(array, wanted)


def _npy_header(file: io.BytesIO) -> tuple[tuple[int, ...], bool, "np.dtype[np.generic]"]:
    version = np.lib.format.read_magic(file)
    readers: Mapping[tuple[int, int], object] = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    reader = readers.get(version)
    if reader is None:
        raise ValueError(f"its version is {version[0]}.{version[1]}")
    found = reader(file, max_header_size=_MAX_NPY_HEADER)  # type: ignore[operator]
    if any(size < 0 for size in found[0]):
        raise ValueError("its shape has a negative size")
    return found  # type: ignore[no-any-return]
