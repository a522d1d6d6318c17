"""Python values, numpy arrays and others, turned into tensors with TensorFlow's dtype rules."""

from __future__ import annotations

import bisect
import numbers
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from penstock.core import dtypes
from penstock.core.composite_tensor import CompositeTensor
from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.core.user_code import shorten, user_facing
from penstock.runtime.context import state
from penstock.runtime.tensor import EagerTensor, Tensor, TensorLike, wrap

Converter = Callable[[Any, DType | None, str | None], Any]
_converters: list[tuple[type, Converter]] = []
_priorities: list[int] = []


def register_tensor_conversion_function(
    base_type: type, conversion_func: Converter, priority: int = 100
) -> None:
    """Say how instances of `base_type` become tensors.

    Args:
        base_type: a class, or a tuple of classes.
        conversion_func: `f(value, dtype, name, as_ref) -> Tensor`.
        priority: those of lower numbers are asked first, and among equals those that were
            registered first.
    """
    place = bisect.bisect_right(_priorities, priority)
    _priorities.insert(place, priority)
    _converters.insert(place, (base_type, conversion_func))


def has_conversion(value: Any) -> bool:
    """Whether a function was registered that may turn `value` into a tensor."""
    return any(isinstance(value, base) for base, _ in _converters)


def convert_to_tensor(
    value: Any,
    dtype: Any = None,
    dtype_hint: Any = None,
    name: str | None = None,
    *,
    as_ref: bool = False,
    preferred_dtype: Any = None,
) -> Any:
    """Turn `value` into a tensor.

    Args:
        value: a tensor, variable, numpy array, Python number, string or nested list of those.
        dtype: element type; None takes TensorFlow's default for the value.
        dtype_hint: type to use when the value can be converted to it.
        name: name of the constant in a graph.
        as_ref: accepted for compatibility.
        preferred_dtype: older name of `dtype_hint`.

    Raises:
        ValueError: a tensor of another dtype was given, or the value cannot become a tensor.
        TypeError: a Python value does not fit `dtype`.
    """
    if isinstance(value, EagerTensor) and (dtype is None or value.dtype == dtype):
        return value
    kind = type(value)
    if (kind is float or kind is int) and dtype is not None and -_SMALL < value < _SMALL:
        # The most common conversion of all, without the long way.
        plain = _PLAIN_FLOATS.get(dtype)
        if plain is not None and state.graph is None and state.device is None:
            return wrap(plain(value))
    hint = dtype_hint if dtype_hint is not None else preferred_dtype
    try:
        return _converted(value, dtype, hint, name)
    except Exception as error:
        shorten(error)
        raise


# Numbers below become any of these floats without overflow.
_SMALL = 3e38

_PLAIN_FLOATS: dict[Any, type[np.floating[Any]]] = {
    dtypes.float32: np.float32,
    dtypes.float64: np.float64,
    "float32": np.float32,
    "float64": np.float64,
}


def _converted(value: Any, dtype: Any, hint: Any, name: str | None) -> Any:
    wanted = None if dtype is None else dtypes.as_dtype(dtype).base_dtype
    if isinstance(value, Tensor):
        return _same_dtype(value, wanted)
    if isinstance(value, TensorLike):
        own = getattr(value, "_dense_var_to_tensor", None)
        if own is not None:
            return own(wanted, name)
    protocol = getattr(type(value), "__tf_tensor__", None)
    if protocol is not None:
        return _same_dtype(protocol(value, wanted, name), wanted)
    for base, converter in _converters:
        if isinstance(value, base):
            result = converter(value, wanted, name)
            if result is not NotImplemented:
                return result
    if isinstance(value, CompositeTensor):
        raise ValueError(  # noqa: TRY004  (TensorFlow's class)
            f"a {type(value).__name__} is not one tensor; convert it to a dense tensor first"
        )
    if wanted is None and hint is not None:
        try:
            return convert_to_tensor(value, dtype=hint, name=name)
        except (TypeError, ValueError, InvalidArgumentError):
            pass
    if isinstance(value, (list, tuple)) and _holds_tensor(value):
        return _stack(value, wanted, name)
    return _constant(to_numpy(value, wanted), wanted, name)


@user_facing
def constant(
    value: Any, dtype: Any = None, shape: Any = None, name: str | None = "Const"
) -> Any:
    """Make a tensor of Python or numpy values.

    Args:
        value: number, string, nested list, or array.
        dtype: element type; None takes TensorFlow's default for the value.
        shape: shape of the result; the value must have as many elements, or one.
        name: name of the node in a graph.

    Raises:
        TypeError: the value does not fit `dtype` or `shape`.
    """
    wanted = None if dtype is None else dtypes.as_dtype(dtype).base_dtype
    if isinstance(value, Tensor):
        if isinstance(value, EagerTensor):
            array = np.asarray(value._value)
        else:
            raise TypeError("a symbolic tensor is not a constant; use tf.identity or tf.cast")
        if wanted is not None and array.dtype != wanted.np:
            array = array.astype(wanted.np)
    else:
        array = to_numpy(value, wanted)
    if shape is not None:
        target = tuple(int(size or 0) for size in TensorShape(shape).as_list())
        if array.shape != target:
            count = int(np.prod(target, dtype=np.int64))
            if array.size == count:
                array = array.reshape(target)
            elif array.size == 1:
                array = np.broadcast_to(array.reshape(()), target)
            else:
                raise TypeError(
                    f"a value of {array.size} elements cannot have the shape {target}, which "
                    f"has "
                    f"{count}"
                )
    return _constant(array, wanted, name)


def _constant(array: Any, dtype: DType | None, name: str | None) -> Any:
    if dtype is not None and dtype.np is array.dtype:
        dtype = dtype if _needs_mark(dtype) else None
    if state.graph is not None:
        return state.graph.constant(array, dtype or dtypes.dtype_of_numpy(array.dtype), name)
    return wrap(array, dtype)


def _needs_mark(dtype: DType) -> bool:
    """Whether the numpy dtype alone does not tell the tensor's dtype."""
    return dtypes.dtype_of_numpy(dtype.np) is not dtype


def _same_dtype(tensor: Any, dtype: DType | None) -> Any:
    if dtype is not None and not tensor.dtype.is_compatible_with(dtype):
        raise ValueError(
            f"Tensor conversion requested dtype {dtype.name} for Tensor with dtype "
            f"{tensor.dtype.name}: {tensor!r}"
        )
    return tensor


def _holds_tensor(value: Any) -> bool:
    for item in value:
        if isinstance(item, (list, tuple)):
            if _holds_tensor(item):
                return True
        elif isinstance(item, TensorLike) or hasattr(type(item), "__tf_tensor__"):
            return True
    return False


# How a list of tensors becomes one tensor, and how a tensor gets another dtype. `dispatch`,
# which imports this module, puts them here.
_packer: list[Callable[..., Any]] = []


def use_packer(pack: Callable[[list[Any]], Any], cast: Callable[[Any, DType], Any]) -> None:
    """Say how a list of tensors of one dtype becomes one tensor, and how to cast one."""
    _packer[:] = [pack, cast]


def _stack(value: Any, dtype: DType | None, name: str | None) -> Any:
    """Pack a list that holds tensors, as TensorFlow's automatic packing does."""
    if dtype is None:
        dtype = _first_dtype(value)
    if state.graph is None and _all_eager(value):
        return wrap(_stack_arrays(value, dtype))
    return _packer[0]([_item(item, dtype) for item in value])


def _item(item: Any, dtype: DType | None) -> Any:
    """An item of a list as a tensor; unlike a tensor alone it is cast to the dtype wanted."""
    if dtype is None or isinstance(item, (list, tuple)):
        return convert_to_tensor(item, dtype)
    if isinstance(item, TensorLike) and item.dtype != dtype:
        return _packer[1](convert_to_tensor(item), dtype)
    return convert_to_tensor(item, dtype)


def _all_eager(value: Any) -> bool:
    return all(
        _all_eager(item)
        if isinstance(item, (list, tuple))
        else not isinstance(item, TensorLike)
        for item in value
    )


def _stack_arrays(value: Any, dtype: DType | None) -> Any:
    return np.stack([np.asarray(_item(item, dtype)._value) for item in value])


def _first_dtype(value: Any) -> DType | None:
    for item in value:
        if isinstance(item, (list, tuple)):
            found = _first_dtype(item)
        else:
            found = getattr(item, "dtype", None) if isinstance(item, TensorLike) else None
        if found is not None:
            return dtypes.as_dtype(found)
    return None


_INT32_MIN, _INT32_MAX = -(2**31), 2**31 - 1
_INT64_MAX = 2**63 - 1


def to_numpy(value: Any, dtype: DType | None = None) -> Any:
    """Turn a Python or numpy value into an array of its own, with TensorFlow's default dtypes.

    Python ints become int32 (int64 when they do not fit), floats float32, complex complex128.

    Raises:
        TypeError: the value does not fit `dtype`, or is of no kind that a tensor can hold.
        ValueError: a ragged nested list, or None.
    """
    if isinstance(value, EagerTensor):
        value = value._value
    if isinstance(value, jax.Array):
        value = np.asarray(value)
    if isinstance(value, (np.ndarray, np.generic)):
        return _from_array(np.asarray(value), dtype)
    if value is None:
        raise ValueError(
            "Attempt to convert a value (None) with an unsupported type to a Tensor."
        )
    if isinstance(value, (TensorShape,)):
        value = value.as_list()
        if None in value:
            raise ValueError(
                f"cannot convert a partially known TensorShape {value} to a Tensor"
            )
        if dtype is None and not value:
            return np.zeros((0,), np.int32)
    if isinstance(value, DType):
        return np.asarray(value.as_datatype_enum, np.int32)
    if isinstance(value, bool):
        return _from_python(np.asarray(value), dtype, value)
    if not isinstance(value, (int, float, complex, str, bytes, list, tuple, np.bool_)):
        if isinstance(value, numbers.Number) or hasattr(value, "__array__"):
            return _from_array(np.asarray(value), dtype)
        if hasattr(value, "__index__") and not hasattr(value, "__len__"):
            value = value.__index__()
        elif isinstance(value, (range, memoryview, bytearray)) or _is_sequence(value):
            value = list(value)
        else:
            raise ValueError(
                f"Attempt to convert a value ({value!r}) with an unsupported type "
                f"({type(value)}) to a Tensor."
            )
    return _from_python(_python_array(value, dtype), dtype, value)


def _is_sequence(value: Any) -> bool:
    """Whether a value has items in an order: no mapping, no set, no iterator."""
    return (
        hasattr(value, "__iter__")
        and hasattr(value, "__getitem__")
        and (not isinstance(value, Mapping))
    )


def _python_array(value: Any, dtype: DType | None) -> Any:
    if isinstance(value, (str, bytes)):
        return np.asarray(_as_bytes(value), dtype=object)
    leaf = _first_leaf(value)
    if isinstance(leaf, (str, bytes)) and isinstance(value, (list, tuple)):
        return _text_array(value)
    try:
        array = np.array(value)
    except ValueError as error:
        raise ValueError("Can't convert non-rectangular Python sequence to Tensor.") from error
    if array.dtype.kind in "US":
        return _text_array(value)
    if array.dtype == object:
        if any(leaf is None for leaf in array.ravel().tolist()):
            raise ValueError(
                "Attempt to convert a value (None) with an unsupported type to a Tensor."
            )
        if all(isinstance(leaf, int) for leaf in array.ravel().tolist()):
            if dtype is not None and dtype.is_floating:
                try:
                    return array.astype(np.float64)
                except OverflowError as error:
                    raise ValueError(_OUT_OF_RANGE) from error
            raise ValueError(_OUT_OF_RANGE)
        raise ValueError(
            f"Failed to convert a NumPy array to a Tensor (Unsupported object type "
            f"{type(array.ravel().tolist()[0]).__name__})."
        )
    takes_numbers = dtype is not None and not dtype.is_bool
    if isinstance(leaf, (bool, np.bool_)) and array.dtype.kind != "b" and not takes_numbers:
        raise ValueError("Can't convert Python sequence with mixed types to Tensor.")
    return array


_OUT_OF_RANGE = "Can't convert Python sequence with out-of-range integer to Tensor."


def _first_leaf(value: Any) -> Any:
    """The first item of nested lists; the value itself when it is no list, or an empty one."""
    while isinstance(value, (list, tuple)) and value:
        value = value[0]
    return value


def _text_array(value: Any) -> Any:
    shape: list[int] = []
    probe = value
    while isinstance(probe, (list, tuple)):
        shape.append(len(probe))
        probe = probe[0] if probe else None
    leaves: list[bytes] = []
    _collect_text(value, shape, 0, leaves)
    array = np.empty(len(leaves), dtype=object)
    array[:] = leaves
    return array.reshape(shape)


def _collect_text(value: Any, shape: list[int], depth: int, leaves: list[bytes]) -> None:
    if depth == len(shape):
        if isinstance(value, (np.ndarray, np.generic)):
            value = value.item()
        if not isinstance(value, (str, bytes)):
            raise TypeError(
                f"Cannot convert {value!r} of type {type(value).__name__} to an element of a "
                "string tensor"
            )
        leaves.append(_as_bytes(value))
        return
    if not isinstance(value, (list, tuple)) or len(value) != shape[depth]:
        raise ValueError("Can't convert non-rectangular Python sequence to Tensor.")
    for item in value:
        _collect_text(item, shape, depth + 1, leaves)


def _as_bytes(value: Any) -> bytes:
    return value.encode("utf-8") if isinstance(value, str) else value


# Number types that Python's True and False may become.
_TAKES_TRUTH = frozenset(
    {dtypes.int32, dtypes.int64, dtypes.float16, dtypes.float32, dtypes.float64}
)


def _from_python(array: Any, dtype: DType | None, value: Any) -> Any:
    """Give an array made of Python values its dtype, refusing what would lose meaning."""
    kind = array.dtype.kind
    if dtype is None:
        if kind in "iu":
            if array.size and (array.min() < _INT32_MIN or array.max() > _INT32_MAX):
                if array.max() > _INT64_MAX:
                    raise ValueError(_OUT_OF_RANGE)
                return array.astype(np.int64)
            return array.astype(np.int32)
        if kind == "f":
            # The first leaf decides: a numpy value keeps its dtype, whatever comes after it.
            leaf = _first_leaf(value)
            own = leaf.dtype if isinstance(leaf, (np.ndarray, np.floating)) else None
            return array.astype(np.float32 if own is None or own.kind != "f" else own)
        return array
    wanted = dtype.np
    if dtype is dtypes.string:
        if array.size == 0:
            return array.astype(object)
        if kind != "O":
            raise TypeError(f"Cannot convert {value!r} to EagerTensor of dtype string")
        return array
    if array.dtype == np.uint64 and not _holds_larger(dtype) and array.max() > _INT64_MAX:
        raise ValueError(_OUT_OF_RANGE)
    allowed = (
        array.size == 0
        or (kind in "iu" and (dtype.is_integer or dtype.is_floating or dtype.is_complex))
        or (kind in "iu" and dtype.is_quantized)
        or (kind == "f" and (dtype.is_floating or dtype.is_complex))
        or (kind == "c" and dtype.is_complex)
        or (kind == "b" and (dtype.is_bool or dtype in _TAKES_TRUTH))
        or array.dtype == wanted
    )
    if not allowed:
        raise TypeError(f"Cannot convert {value!r} to EagerTensor of dtype {dtype.name}")
    # Integers wrap around, as they do in TensorFlow.
    with np.errstate(all="ignore"):
        return array.astype(wanted)


def _holds_larger(dtype: DType) -> bool:
    """Whether Python integers beyond 64 bits with a sign may become `dtype`."""
    return dtype is dtypes.uint64 or (dtype.is_floating and dtype is not dtypes.bfloat16)


def _from_array(array: Any, dtype: DType | None) -> Any:
    kind = array.dtype.kind
    if kind in "US":
        text = np.empty(array.size, dtype=object)
        text[:] = [_as_bytes(item) for item in array.ravel().tolist()]
        array = text.reshape(array.shape)
    elif kind == "O":
        array = _object_array(array)
    elif not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if dtype is None:
        if array.dtype != object:
            dtypes.dtype_of_numpy(array.dtype)  # refuses dtypes that TensorFlow lacks
        return array.copy()
    if dtype is dtypes.string:
        if array.dtype != object:
            raise TypeError(f"Cannot convert a {array.dtype} array to a tensor of dtype string")
        return array.copy()
    if array.dtype == object:
        raise TypeError(f"Cannot convert an array of strings to a tensor of dtype {dtype.name}")
    if array.dtype == dtype.np:
        return array.copy()
    if kind == "c" and not dtype.is_complex:
        raise TypeError(
            f"Cannot convert a {array.dtype} array to a tensor of dtype {dtype.name}"
        )
    with np.errstate(all="ignore"):
        return array.astype(dtype.np)


def _object_array(array: Any) -> Any:
    leaves = array.ravel().tolist()
    if all(isinstance(leaf, (str, bytes)) for leaf in leaves):
        text = np.empty(len(leaves), dtype=object)
        text[:] = [_as_bytes(leaf) for leaf in leaves]
        return text.reshape(array.shape)
    if leaves and all(
        isinstance(leaf, (bool, int, float, complex, np.generic)) for leaf in leaves
    ):
        return np.array(array.tolist())
    kind = type(leaves[0]).__name__ if leaves else "object"
    raise ValueError(
        f"Failed to convert a NumPy array to a Tensor (Unsupported object type {kind})."
    )


# Composites that count as tensors; optionals, extension types and datasets do not.
_TENSOR_COMPOSITES = frozenset({"IndexedSlices", "RaggedTensor", "SparseTensor"})


def is_tensor(x: Any) -> bool:
    """Whether `x` is a tensor, a variable, or a ragged, sparse or indexed tensor."""
    if isinstance(x, TensorLike):
        return True
    return isinstance(x, CompositeTensor) and type(x).__name__ in _TENSOR_COMPOSITES
