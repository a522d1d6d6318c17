"""Element types of tensors, with TensorFlow's names and enum numbers."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

import ml_dtypes
import numpy as np

from penstock.core.message_forms import message_form
from penstock.core.trace_type import ConstantTraceType

_REF_OFFSET = 100

# (enum number, name, numpy scalar type or structured dtype; `None` where numpy has nothing)
_ROWS: tuple[tuple[int, str, Any], ...] = (
    (1, "float32", np.float32),
    (2, "float64", np.float64),
    (3, "int32", np.int32),
    (4, "uint8", np.uint8),
    (5, "int16", np.int16),
    (6, "int8", np.int8),
    (7, "string", object),
    (8, "complex64", np.complex64),
    (9, "int64", np.int64),
    (10, "bool", np.bool_),
    (11, "qint8", np.dtype([("qint8", np.int8)])),
    (12, "quint8", np.dtype([("quint8", np.uint8)])),
    (13, "qint32", np.dtype([("qint32", np.int32)])),
    (14, "bfloat16", ml_dtypes.bfloat16),
    (15, "qint16", np.dtype([("qint16", np.int16)])),
    (16, "quint16", np.dtype([("quint16", np.uint16)])),
    (17, "uint16", np.uint16),
    (18, "complex128", np.complex128),
    (19, "float16", np.float16),
    (20, "resource", None),
    (21, "variant", None),
    (22, "uint32", np.uint32),
    (23, "uint64", np.uint64),
    (24, "float8_e5m2", ml_dtypes.float8_e5m2),
    (25, "float8_e4m3fn", ml_dtypes.float8_e4m3fn),
    (26, "float8_e4m3fnuz", ml_dtypes.float8_e4m3fnuz),
    (27, "float8_e4m3b11fnuz", ml_dtypes.float8_e4m3b11fnuz),
    (28, "float8_e5m2fnuz", ml_dtypes.float8_e5m2fnuz),
    (29, "int4", ml_dtypes.int4),
    (30, "uint4", ml_dtypes.uint4),
    (31, "int2", ml_dtypes.int2),
    (32, "uint2", ml_dtypes.uint2),
    (33, "float4_e2m1fn", ml_dtypes.float4_e2m1fn),
)

# The only types for which TensorFlow states the range of an image: others have no `limits`.
_LIMITS: dict[int, tuple[int, Any]] = {
    **{number: (0, np.iinfo(kind).max) for number, _, kind in _ROWS[2:6] if kind is not object},
    **{number: (0, np.iinfo(_ROWS[number - 1][2]).max) for number in (9, 17, 22, 23)},
    1: (0, 1),
    2: (0, 1),
    10: (0, True),
}


class DType(ConstantTraceType):
    """Type of the elements of a tensor.

    One object exists per type, so `is` compares types; `==` also accepts whatever `as_dtype`
    accepts. Constructing, copying and unpickling give that one object.

    Example:
        >>> float32 == "float32", float32.size, float32.np
        (True, 4, dtype('float32'))
    """

    __slots__ = (
        "_numpy_type",
        "as_datatype_enum",
        "base_dtype",
        "is_bool",
        "is_complex",
        "is_floating",
        "is_integer",
        "is_numeric",
        "is_numpy_compatible",
        "is_quantized",
        "is_unsigned",
        "name",
        "np",
        "real_dtype",
        "size",
    )

    as_datatype_enum: int
    base_dtype: DType
    is_bool: builtins.bool
    is_complex: builtins.bool
    is_floating: builtins.bool
    is_integer: builtins.bool
    is_numeric: builtins.bool
    is_numpy_compatible: builtins.bool
    is_quantized: builtins.bool
    is_unsigned: builtins.bool
    name: str
    np: np.dtype[Any]
    real_dtype: DType
    size: int
    _numpy_type: Any

    def __new__(cls, type_enum: int, handle_data: Any = None) -> DType:
        """Return the type of an enum number of TensorFlow's `DataType`.

        Args:
            type_enum: the number.
            handle_data: what is known of what a handle refers to; tensors carry it here.
        """
        del handle_data
        try:
            return _BY_ENUM[type_enum]
        except (KeyError, TypeError):
            raise TypeError(f"{type_enum!r} is not a number of the DataType enum") from None

    @property
    def as_numpy_dtype(self) -> Any:
        """The numpy type; a structured dtype for quantized types, `object` for strings."""
        if self._numpy_type is None:
            raise KeyError(self.as_datatype_enum)
        return self._numpy_type

    @property
    def min(self) -> Any:
        """Smallest value that is representable and finite."""
        return self._bounds("minimum").min

    @property
    def max(self) -> Any:
        """Largest value that is representable and finite."""
        return self._bounds("maximum").max

    @property
    def limits(self) -> tuple[Any, Any]:
        """Range of image intensities held in this type: 0 to 1, or 0 to the largest integer."""
        found = _LIMITS.get(self.base_dtype.as_datatype_enum)
        if found is None:
            raise ValueError(f"{self} does not have defined limits.")
        return found

    def _bounds(self, word: str) -> Any:
        if self.is_floating:
            return ml_dtypes.finfo(self.np)
        if self.is_integer:
            return ml_dtypes.iinfo(self.np)
        raise TypeError(f"Cannot find {word} value of {self}.")

    def is_compatible_with(self, other: Any) -> builtins.bool:
        """Tell whether a value of type `other`, or what it refers to, is of this type."""
        other = as_dtype(other)
        return self is other or self is other.base_dtype

    def is_subtype_of(self, other: Any) -> builtins.bool:
        """Tell whether `other` is this very type."""
        return type(other) is DType and self is other

    def most_specific_common_supertype(self, types: Sequence[Any]) -> DType | None:
        """Return this type if all of `types` are the same, else `None`."""
        return self if all(self == each for each in types) else None

    @classmethod
    def experimental_type_proto(cls) -> Any:
        """Return the class of messages that describe types."""
        return message_form("dtype").message

    def experimental_as_proto(self) -> Any:
        """Return the type as a message."""
        return message_form("dtype").write(self)

    @classmethod
    def experimental_from_proto(cls, proto: Any) -> DType:
        """Return the type that a message describes."""
        dtype: DType = message_form("dtype").read(proto)
        return dtype

    @property
    def _is_ref_dtype(self) -> builtins.bool:
        return self.as_datatype_enum > _REF_OFFSET

    @property
    def _as_ref(self) -> DType:
        return _BY_ENUM[self.base_dtype.as_datatype_enum + _REF_OFFSET]

    def __eq__(self, other: object) -> builtins.bool:
        if self is other:
            return True
        if other is None or type(other) is DType:
            return False
        try:
            return as_dtype(other) is self
        except TypeError:
            return False

    def __ne__(self, other: object) -> builtins.bool:
        return not self == other

    def __hash__(self) -> int:
        return self.as_datatype_enum

    def __repr__(self) -> str:
        return f"tf.{self.name}"

    def __str__(self) -> str:
        return f"<dtype: {self.name!r}>"

    def __reduce__(self) -> Any:
        return as_dtype, (self.name,)

    def __copy__(self) -> DType:
        return self

    def __deepcopy__(self, memo: Any) -> DType:
        return self


_BY_ENUM: dict[int, DType] = {}


def _intern(number: int, name: str, numpy_type: Any, base: DType | None) -> DType:
    self = object.__new__(DType)
    self.as_datatype_enum = number
    self.name = name
    self.base_dtype = self if base is None else base
    self.real_dtype = self
    self._numpy_type = numpy_type
    self.np = np.dtype(object if numpy_type is None else numpy_type)
    plain = self.base_dtype.name
    self.is_quantized = plain.startswith(("qint", "quint"))
    self.is_floating = "float" in plain
    self.is_integer = plain.startswith(("int", "uint"))
    self.is_unsigned = plain.startswith("uint")
    self.is_complex = plain.startswith("complex")
    self.is_bool = plain == "bool"
    self.is_numpy_compatible = numpy_type is not None
    # TensorFlow leaves the types narrower than a byte, and the 8-bit floats, out of "numeric".
    narrow = plain.startswith(("float8", "float4", "int4", "uint4", "int2", "uint2"))
    self.is_numeric = not narrow and plain not in {"bool", "string", "resource", "variant"}
    self.size = 0 if self.np.hasobject else self.np.itemsize
    _BY_ENUM[number] = self
    return self


for _number, _name, _numpy_type in _ROWS:
    _base = _intern(_number, _name, _numpy_type, None)
    _intern(_number + _REF_OFFSET, f"{_name}_ref", _numpy_type, _base)
for _complex, _real in ((8, 1), (18, 2)):
    _BY_ENUM[_complex].real_dtype = _BY_ENUM[_real]
    _BY_ENUM[_complex + _REF_OFFSET].real_dtype = _BY_ENUM[_real]

float32 = _BY_ENUM[1]
float64 = double = _BY_ENUM[2]
int32 = _BY_ENUM[3]
uint8 = _BY_ENUM[4]
int16 = _BY_ENUM[5]
int8 = _BY_ENUM[6]
string = _BY_ENUM[7]
complex64 = _BY_ENUM[8]
int64 = _BY_ENUM[9]
bool = _BY_ENUM[10]
qint8 = _BY_ENUM[11]
quint8 = _BY_ENUM[12]
qint32 = _BY_ENUM[13]
bfloat16 = _BY_ENUM[14]
qint16 = _BY_ENUM[15]
quint16 = _BY_ENUM[16]
uint16 = _BY_ENUM[17]
complex128 = _BY_ENUM[18]
float16 = half = _BY_ENUM[19]
resource = _BY_ENUM[20]
variant = _BY_ENUM[21]
uint32 = _BY_ENUM[22]
uint64 = _BY_ENUM[23]
float8_e5m2 = _BY_ENUM[24]
float8_e4m3fn = _BY_ENUM[25]
float8_e4m3fnuz = _BY_ENUM[26]
float8_e4m3b11fnuz = _BY_ENUM[27]
float8_e5m2fnuz = _BY_ENUM[28]
int4 = _BY_ENUM[29]
uint4 = _BY_ENUM[30]
int2 = _BY_ENUM[31]
uint2 = _BY_ENUM[32]
float4_e2m1fn = _BY_ENUM[33]

ALL: tuple[DType, ...] = tuple(_BY_ENUM[number] for number, _, _ in _ROWS)

_BY_NUMPY: dict[np.dtype[Any], DType] = {
    each.np: each for each in ALL if each not in (resource, variant)
}
_BY_SCALAR_TYPE: dict[Any, DType] = {
    each.np.type: each for each in ALL if each.np.names is None and each.is_numpy_compatible
}
# Two C types may have the same width; numpy keeps a class for each.
_BY_SCALAR_TYPE |= {np.longlong: int64, np.ulonglong: uint64}
_BY_SCALAR_TYPE |= {np.str_: string, np.bytes_: string}
_BY_VALUE: dict[Any, DType] = {
    **_BY_ENUM,
    **{each.name: each for each in _BY_ENUM.values()},
    **_BY_SCALAR_TYPE,
    "float": float32,
    "double": float64,
    "half": float16,
    "float_ref": _BY_ENUM[101],
    "double_ref": _BY_ENUM[102],
    "half_ref": _BY_ENUM[119],
    float: float32,
    builtins.bool: bool,
    object: string,
}


def dtype_of_numpy(dtype: np.dtype[Any]) -> DType:
    """Return the type of arrays of a numpy dtype; every text and bytes dtype is `string`."""
    found = _BY_NUMPY.get(dtype)
    if found is None:
        # Other byte orders and sizes of text are not worth a table entry.
        found = _BY_SCALAR_TYPE.get(dtype.type)
        if found is None:
            raise TypeError(f"no tensor can have the numpy dtype {dtype}")
    return found


def as_dtype(type_value: Any) -> DType:
    """Convert a name, numpy dtype, Python type or enum number to a `DType`.

    Raises:
        TypeError: nothing has that type; Python's `int`, `str` and `complex` are refused, as
            in TensorFlow, because their width is not said.
    """
    if type(type_value) is DType:
        return type_value
    if isinstance(type_value, np.dtype):
        found = _BY_NUMPY.get(type_value) or _BY_SCALAR_TYPE.get(type_value.type)
        if found is not None:
            return found
    try:
        return _BY_VALUE[type_value]
    except (KeyError, TypeError):
        pass
    try:
        return _BY_SCALAR_TYPE[np.dtype(type_value.dtype).type]
    except (AttributeError, KeyError, TypeError):
        raise TypeError(
            f"Cannot convert the argument `type_value`: {type_value!r} to a TensorFlow DType."
        ) from None
