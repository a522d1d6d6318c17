"""Bodies of HTTP requests that come compressed.

Source: RFC 9110 section 8.4; TF Serving and Triton take gzip too.
"""

import zlib
from typing import Final

from penstock.core.errors import (
    InvalidArgumentError,
    ResourceExhaustedError,
    UnimplementedError,
)

# Wide enough for text, narrow enough that a short bomb stays a short one.
_MOST_EXPANSION: Final = 256
_LEAST_LIMIT: Final = 1 << 20
_WINDOW_BITS: Final = {b"gzip": 31, b"x-gzip": 31, b"deflate": 15}


def inflate(body: bytes, encoding: bytes, max_bytes: int) -> bytes:
    """Return a body as it was before it was compressed.

    Args:
        body: as it came.
        encoding: what the header Content-Encoding says, in lower case.
        max_bytes: of the result.

    Raises:
        UnimplementedError: the encoding is not known.
        InvalidArgumentError: the body is not what its header says.
        ResourceExhaustedError: it would become too long.
    """
    if encoding in {b"", b"identity"}:
        return body
    bits = _WINDOW_BITS.get(encoding)
    if bits is None:
        raise UnimplementedError(
            f"Content-Encoding must be gzip, deflate or identity, got {encoding[:40]!r}"
        )
    limit = min(max_bytes, max(_LEAST_LIMIT, len(body) * _MOST_EXPANSION))
    inflater = zlib.decompressobj(bits)
    try:
        data = inflater.decompress(body, limit + 1)
    except zlib.error as error:
        raise InvalidArgumentError(
            f"the body must be {encoding.decode()} data: {error}"
        ) from None
    if len(data) > limit:
        raise ResourceExhaustedError(f"a body must have at most {limit} bytes when inflated")
    if not inflater.eof or inflater.unused_data:
        raise InvalidArgumentError(
            f"the body must be {encoding.decode()} data, whole and alone"
        )
    return data
