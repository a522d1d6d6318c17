"""Tensors, shapes and element types between their messages and numpy."""

import math
from collections.abc import Callable, Iterable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from penstock.core.dtypes import DType, as_dtype
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.wire import protos
from penstock.wire.python_values import as_array
from penstock.wire.varint import split_strings

Array = NDArray[Any]

# A short message may name a large tensor, because its last value is repeated to the end.
MAX_TENSOR_BYTES: Final = 1 << 31
_MAX_CONTENT_BYTES: Final = (1 << 31) - 1
_MAX_RANK: Final = 64  # numpy's
_MAX_STRIDE: Final = 1 << 62

_INTEGERS: Final = (
    *("int32", "int16", "int8", "uint16", "uint8", "int4", "uint4", "int2", "uint2"),
    *("qint32", "qint16", "qint8", "quint16", "quint8"),
)
# The repeated field of each type, and the numpy type of that field's items.
_FIELDS: Final[dict[str, tuple[str, type[np.generic]]]] = {
    **dict.fromkeys(_INTEGERS, ("int_val", np.int32)),
    "float32": ("float_val", np.float32),
    "float64": ("double_val", np.float64),
    "int64": ("int64_val", np.int64),
    "uint32": ("uint32_val", np.uint32),
    "uint64": ("uint64_val", np.uint64),
    "bool": ("bool_val", np.bool_),
    "float16": ("half_val", np.int32),
    "bfloat16": ("half_val", np.int32),
    "complex64": ("scomplex_val", np.float32),
    "complex128": ("dcomplex_val", np.float64),
}
_FIXED_WIDTH: Final = frozenset(["float_val", "double_val", "scomplex_val", "dcomplex_val"])
_MANY_ITEMS: Final = 64
# TensorFlow writes these item by item even when there are many.
_NEVER_CONTENT: Final = frozenset(
    ["bool", "complex64", "complex128", "uint16", "int4", "uint4", "int2", "uint2"]
)


def make_dtype(number: int, what: str = "tensor") -> DType:
    """Return the type with an enum number that came from outside.

    Raises:
        InvalidArgumentError: no type has that number.
    """
    try:
        return DType(number)
    except TypeError:
        raise InvalidArgumentError(
            f"dtype of {what} must be a number of the DataType enum, got {number}"
        ) from None


def make_shape_proto(shape: TensorShape | Iterable[int | None] | None) -> Any:
    """Write a shape as a TensorShapeProto; `None` is the unknown rank."""
    dims = shape.dims if isinstance(shape, TensorShape) else shape
    if dims is None:
        return protos.TensorShapeProto(unknown_rank=True)
    proto = protos.TensorShapeProto()
    for dim in TensorShape(dims).as_list():
        proto.dim.add(size=-1 if dim is None else dim)
    return proto


def make_shape(proto: Any) -> TensorShape:
    """Read a TensorShapeProto.

    Raises:
        InvalidArgumentError: a size is below -1, which stands for unknown.
    """
    if proto.unknown_rank:
        return TensorShape(None)
    sizes = [dim.size for dim in proto.dim]
    if any(size < -1 for size in sizes):
        raise InvalidArgumentError(f"sizes of a shape must be at least -1, got {sizes}")
    return TensorShape([None if size == -1 else size for size in sizes])


def static_shape(proto: Any, itemsize: int, what: str, limit: int) -> tuple[int, ...]:
    """Read the shape of a tensor that is about to be allocated.

    Raises:
        InvalidArgumentError: the shape is not fully known, or is more than `limit` bytes.
    """
    shape = tuple(dim.size for dim in proto.dim)
    if proto.unknown_rank or len(shape) > _MAX_RANK or any(size < 0 for size in shape):
        rank = "unknown" if proto.unknown_rank else len(shape)
        raise InvalidArgumentError(
            f"shape of {what} must be fully known with at most {_MAX_RANK} dimensions, "
            f"got rank {rank} and sizes {list(shape[:8])}"
        )
    # Beside a zero-sized axis others may be large, but numpy's strides must not overflow.
    limit = _MAX_STRIDE if 0 in shape else limit
    if math.prod(filter(None, shape)) * max(itemsize, 1) > limit:
        raise InvalidArgumentError(
            f"{what} must not exceed {limit} bytes, got shape {list(shape)} "
            f"of {itemsize} bytes each"
        )
    return shape


def make_ndarray(
    tensor: Any,
    *,
    copy: bool = True,
    what: str = "tensor",
    max_bytes: int = MAX_TENSOR_BYTES,
) -> Array:
    """Read a TensorProto.

    Args:
        tensor: the message.
        copy: `False` allows a read-only array, which saves time and, where one value fills
            the tensor, the memory.
        what: how an error calls the tensor.
        max_bytes: a larger tensor is refused before anything is allocated.

    Returns:
        An array of the tensor's dtype; strings are an object array of bytes.

    Raises:
        InvalidArgumentError: dtype, shape and values do not fit each other.
    """
    dtype = make_dtype(tensor.dtype, what).base_dtype
    if not dtype.is_numpy_compatible:
        raise InvalidArgumentError(f"{what} has dtype {dtype.name}, which has no numpy form")
    shape = static_shape(tensor.tensor_shape, dtype.np.itemsize, what, max_bytes)
    count = math.prod(shape)
    content = tensor.tensor_content
    if content and count:
        values = _from_content(content, dtype, count, what)
    else:
        values = _from_field(tensor, dtype)
    if len(values) < count:
        array = _repeat_last(values, dtype, shape)
    else:
        array = values[:count].reshape(shape)
    if copy and not array.flags.writeable:
        array = array.copy()
    return array


def _from_content(content: bytes, dtype: DType, count: int, what: str) -> Array:
    if dtype.name == "string":
        return as_objects(split_strings(content, count, what))
    if len(content) != count * dtype.np.itemsize:
        raise InvalidArgumentError(
            f"tensor_content of {what} must have {count} items of {dtype.np.itemsize} bytes, "
            f"got {len(content)} bytes"
        )
    return np.frombuffer(content, dtype.np)


def _from_field(tensor: Any, dtype: DType) -> Array:
    """The values that stand in the field of the dtype, however many."""
    name = dtype.name
    if name == "string":
        return as_objects(tensor.string_val)
    if name.startswith(("float8", "float4")):
        return np.frombuffer(tensor.float8_val, dtype.np)
    field, item = _FIELDS[name]
    values = _read_items(tensor, field, item)
    if dtype.is_complex:
        return values[: len(values) // 2 * 2].view(dtype.np)
    if field == "half_val":
        return values.astype(np.uint16).view(dtype.np)
    if dtype.is_quantized:
        return values.astype(dtype.np[0]).view(dtype.np)
    if name.endswith(("int4", "int2")):
        return values.astype(np.int8).astype(dtype.np)
    return values.astype(dtype.np, copy=False)


def _read_items(tensor: Any, field: str, item: type[np.generic]) -> Array:
    items = getattr(tensor, field)
    if len(items) < _MANY_ITEMS or field not in _FIXED_WIDTH:
        return np.fromiter(items, item, len(items))
    # Written and parsed again the list is one piece, far sooner than its items are objects.
    raw = getattr(protos.RawTensor.FromString(tensor.SerializeToString()), field)
    return np.frombuffer(raw, item)


def _repeat_last(values: Array, dtype: DType, shape: tuple[int, ...]) -> Array:
    """Fill a shape with the values, the last of which, or else zero, is repeated to the end."""
    if len(values) == 0:
        values = np.full(1, b"", object) if dtype.name == "string" else np.zeros(1, dtype.np)
    if len(values) == 1:
        return np.broadcast_to(values.reshape(()), shape)
    array = np.empty(math.prod(shape), dtype.np)
    array[: len(values)] = values
    array[len(values) :] = values[-1]
    return array.reshape(shape)


def as_objects(strings: Iterable[bytes]) -> Array:
    """Hold byte strings in a vector of objects, without numpy looking into them."""
    items = list(strings)
    array: Array = np.empty(len(items), object)
    array[:] = items
    return array


def array_to_proto(array: Array, dtype: DType | None = None, *, as_content: bool = True) -> Any:
    """Write an array, with the fields that TensorFlow would use.

    Args:
        array: of the dtype's numpy type; strings are objects, `bytes` or `str`.
        dtype: default: that of the array.
        as_content: whether many numbers go into `tensor_content`, as from Python; else they
            stand in the field of their type, as from a session.

    Raises:
        ValueError: the values take 2 GiB or more, which no message can hold.
    """
    dtype = as_dtype(array.dtype) if dtype is None else dtype
    tensor = protos.TensorProto(dtype=dtype.as_datatype_enum)
    tensor.tensor_shape.SetInParent()
    for size in array.shape:
        tensor.tensor_shape.dim.add(size=size)
    _set_values(tensor, array, dtype, as_content=as_content)
    return tensor


def serialized_tensor(array: Array, dtype: DType) -> bytes:
    """Serialize an array as TensorFlow's op `SerializeTensor` does: numbers as raw bytes."""
    tensor = protos.TensorProto(dtype=dtype.as_datatype_enum)
    tensor.tensor_shape.SetInParent()
    for size in array.shape:
        tensor.tensor_shape.dim.add(size=size)
    if dtype.name == "string":
        tensor.string_val.extend(_as_bytes(item) for item in array.ravel().tolist())
    else:
        tensor.tensor_content = np.ascontiguousarray(
            array, array.dtype.newbyteorder("<")
        ).tobytes()
    return tensor.SerializeToString(deterministic=True)  # type: ignore[no-any-return]


def _set_values(tensor: Any, array: Array, dtype: DType, *, as_content: bool = True) -> None:
    name = dtype.name
    if name == "string":
        tensor.string_val.extend(_as_bytes(item) for item in array.ravel().tolist())
        return
    if array.nbytes > _MAX_CONTENT_BYTES:
        raise ValueError("Cannot create a tensor proto whose content is larger than 2GB.")
    array = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).ravel()
    if as_content and array.size > 1 and name not in _NEVER_CONTENT:
        tensor.tensor_content = array.tobytes()
    elif name.startswith(("float8", "float4")):
        tensor.float8_val = array.tobytes()
    elif array.size:
        field, _ = _FIELDS[name]
        _WRITERS.get(field, _write_items)(getattr(tensor, field), array, dtype)


def _write_items(field: Any, array: Array, dtype: DType) -> None:
    if dtype.is_quantized:
        array = array.view(dtype.np[0])
    elif array.dtype.itemsize == 1:
        array = array.astype(np.bool_ if dtype.is_bool else np.int32)
    field.extend(array.tolist())


def _write_halves(field: Any, array: Array, _dtype: DType) -> None:
    field.extend(array.view(np.uint16).tolist())


def _write_complex(field: Any, array: Array, _dtype: DType) -> None:
    field.extend(array.view(array.real.dtype).tolist())


_WRITERS: Final[dict[str, Callable[[Any, Array, DType], None]]] = {
    "half_val": _write_halves,
    "scomplex_val": _write_complex,
    "dcomplex_val": _write_complex,
}


def _as_bytes(item: Any) -> bytes:
    if isinstance(item, str):
        return item.encode()
    if not isinstance(item, bytes):
        raise TypeError(f"Expected string, but got {item!r} of type '{type(item).__name__}'.")
    return item


def make_tensor_proto(
    values: Any,
    dtype: Any = None,
    shape: Iterable[int] | TensorShape | None = None,
    verify_shape: bool = False,
    allow_broadcast: bool = False,
) -> Any:
    """Write Python values or an array as a TensorProto, as `tf.make_tensor_proto` does.

    Args:
        values: numbers, strings, nested lists of them, or an array.
        dtype: default: from the values; Python integers are int32 where they fit, Python
            floats float32.
        shape: default: that of the values. With fewer values than it needs, the last one
            is repeated by whoever reads the message.
        verify_shape: the values must have just that shape.
        allow_broadcast: the values must have that shape or be one scalar.

    Raises:
        TypeError: the values do not fit the dtype or the shape.
        ValueError: values are `None`, ragged, or too many.
    """
    if isinstance(values, protos.TensorProto):
        return values
    wanted = None if dtype is None else as_dtype(dtype).base_dtype
    array, dtype = as_array(values, wanted)
    if shape is None:
        return array_to_proto(array, dtype)
    sizes = tuple(-1 if size is None else size for size in TensorShape(shape).as_tuple())
    if -1 in sizes:
        raise ValueError(f"Cannot make a tensor of the partly known shape {sizes}.")
    count = math.prod(sizes)
    if array.shape != sizes and (verify_shape or (allow_broadcast and array.size != 1)):
        raise TypeError(f"Expected Tensor's shape: {sizes}, but got {array.shape}.")
    if array.size > count:
        raise ValueError(
            f"Too many elements provided. Takes at most {count:d}, but got {array.size:d}."
        )
    if array.size == count:
        return array_to_proto(array.reshape(sizes), dtype)
    tensor = protos.TensorProto(
        dtype=dtype.as_datatype_enum, tensor_shape=make_shape_proto(sizes)
    )
    # Item by item: `tensor_content` always has all values.
    for value in array.ravel():
        _set_values(tensor, np.asarray(value, array.dtype), dtype)
    return tensor
