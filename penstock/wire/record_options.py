"""How a TFRecord file is compressed, under TensorFlow's names."""

import zlib
from dataclasses import dataclass
from typing import Any, Final, Protocol, Self

from penstock.core.errors import InvalidArgumentError


class Compressor(Protocol):
    """What `zlib.compressobj` returns."""

    def compress(self, data: bytes, /) -> bytes:
        """Compressed bytes that are ready, which may be none."""

    def flush(self, mode: int = ..., /) -> bytes:
        """Compressed bytes that were held back."""


class TFRecordCompressionType:
    """The ways to compress a file, as numbers."""

    NONE = 0
    ZLIB = 1
    GZIP = 2


_NAMES: Final = {
    TFRecordCompressionType.NONE: "",
    TFRecordCompressionType.ZLIB: "ZLIB",
    TFRecordCompressionType.GZIP: "GZIP",
}
_GZIP_FLAG: Final = 16  # added to the window bits, as zlib wants it


@dataclass(slots=True)
class TFRecordOptions:
    """How records are compressed; what is `None` has zlib's default.

    Args:
        compression_type: "", "GZIP" or "ZLIB", or a number of `TFRecordCompressionType`.
        flush_mode: accepted; records are flushed when the writer is.
        input_buffer_size: accepted; the buffers have a fixed size.
        output_buffer_size: accepted; the buffers have a fixed size.
        window_bits: 8 to 15, negative for raw deflate.
        compression_level: 0 to 9.
        compression_method: 8, "deflate", is the only one.
        mem_level: 1 to 9.
        compression_strategy: as in zlib.

    Source: `tf.io.TFRecordOptions`.
    """

    compression_type: Any = None
    flush_mode: int | None = None
    input_buffer_size: int | None = None
    output_buffer_size: int | None = None
    window_bits: int | None = None
    compression_level: int | None = None
    compression_method: int | None = None
    mem_level: int | None = None
    compression_strategy: int | None = None

    compression_type_map = _NAMES

    def __post_init__(self) -> None:
        self.get_compression_type_string(self.compression_type)

    @classmethod
    def of(cls, options: "CompressionLike") -> Self:
        """Return options as such; a name or number says how to compress.

        Raises:
            ValueError: there is no such compression.
        """
        return options if isinstance(options, cls) else cls(options)

    @classmethod
    def get_compression_type_string(cls, options: "CompressionLike") -> str:
        """Name of the compression: "", "GZIP" or "ZLIB".

        Raises:
            ValueError: there is no such compression.
        """
        if isinstance(options, TFRecordOptions):
            options = options.compression_type
        if not options:
            return ""
        name = _NAMES.get(options) if isinstance(options, int) else options
        if name not in _NAMES.values():
            raise ValueError(f'Not a valid compression_type: "{options}"')
        return str(name)

    @property
    def wire_bits(self) -> int | None:
        """Window bits for zlib's functions, which tell the container; `None`: uncompressed."""
        name = self.get_compression_type_string(self)
        if not name:
            return None
        bits = zlib.MAX_WBITS if self.window_bits is None else self.window_bits
        return bits + _GZIP_FLAG if name == "GZIP" else bits

    def compressor(self) -> Compressor | None:
        """A compressor for one file, or `None`."""
        bits = self.wire_bits
        if bits is None:
            return None
        try:
            return zlib.compressobj(
                _or(self.compression_level, zlib.Z_DEFAULT_COMPRESSION),
                _or(self.compression_method, zlib.DEFLATED),
                bits,
                _or(self.mem_level, zlib.DEF_MEM_LEVEL),
                _or(self.compression_strategy, zlib.Z_DEFAULT_STRATEGY),
            )
        except ValueError as error:
            raise InvalidArgumentError(f"zlib refuses the options {self}: {error}") from error


CompressionLike = TFRecordOptions | str | int | None


def _or(value: int | None, default: int) -> int:
    return default if value is None else value
