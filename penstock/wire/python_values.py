"""Python values as arrays, by the rules of TensorFlow's `make_tensor_proto`."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from penstock.core import dtypes
from penstock.core.dtypes import DType, as_dtype

Array = NDArray[Any]

_INTEGER_KINDS: Final = "bui"


def as_array(values: Any, dtype: DType | None) -> tuple[Array, DType]:
    """Convert numbers, strings, nested lists or an array.

    Args:
        values: Python integers become int32 where they fit, floats float32.
        dtype: the wanted type; arrays are cast to it, Python values must fit it.

    Raises:
        TypeError: a value is of another kind than the dtype.
        ValueError: the values are `None` or ragged.
    """
    if values is None:
        raise ValueError("None values not supported.")
    if isinstance(values, np.ndarray | np.generic) or hasattr(values, "__array__"):
        return _from_array(np.asarray(values), dtype)
    if dtype is not None and dtype.is_quantized:
        return np.array(values, dtype.np), dtype
    first = _first_leaf(values)
    if isinstance(first, str | bytes):
        return _from_strings(values, dtype)
    try:
        array = np.array(values)
    except OverflowError as error:
        raise _not_convertible(values) from error
    if array.dtype.kind in "OUSM":
        raise _not_convertible(values)
    if dtype is None:
        return _narrow(array, first)
    if array.size and not _fits(array.dtype, dtype):
        found = next(leaf for leaf in _leaves(values) if not _fits(np.array(leaf).dtype, dtype))
        raise _expected(dtype, found)
    with np.errstate(all="ignore"):
        return array.astype(dtype.np), dtype


def _from_array(array: Array, dtype: DType | None) -> tuple[Array, DType]:
    if array.dtype.kind in "US":
        array = array.astype(object)
    found = as_dtype(array.dtype)
    if dtype is None or dtype is found:
        return array, found
    if dtypes.string in (dtype, found):
        raise TypeError(f"Expected {dtype.name}, but got an array of {found.name}.")
    if found.is_quantized:
        array = array.view(found.np[0])
    if dtype.is_quantized:
        return array.astype(dtype.np[0]).view(dtype.np), dtype
    with np.errstate(all="ignore"):
        return array.astype(dtype.np), dtype


def _from_strings(values: Any, dtype: DType | None) -> tuple[Array, DType]:
    if dtype not in (None, dtypes.string):
        raise _expected(dtype, _first_leaf(values))
    # Never through numpy's own text types: they drop zero bytes at the end.
    array = np.array(values, object)
    items = array.ravel().tolist()
    if not all(isinstance(item, str | bytes) for item in items):
        raise _not_convertible(values)
    return array, dtypes.string


def _narrow(array: Array, first: Any) -> tuple[Array, DType]:
    """Python's own numbers take the types that TensorFlow gives them."""
    if array.dtype == np.float64 and (isinstance(first, float | int) or array.size == 0):
        array = array.astype(np.float32)
    elif array.dtype == np.int64:
        narrow = array.astype(np.int32)
        if (narrow == array).all():
            array = narrow
    return array, as_dtype(array.dtype)


def _fits(found: np.dtype[Any], dtype: DType) -> bool:
    kind = as_dtype(found)
    if kind is dtype:
        return True
    if dtype.is_bool:
        return kind.is_bool
    if dtype.is_integer:
        return found.kind in _INTEGER_KINDS or kind.is_integer
    if dtype.is_floating:
        return found.kind in _INTEGER_KINDS or kind.is_integer or kind.is_floating
    return dtype.is_complex


def _leaves(values: Any) -> Any:
    if isinstance(values, list | tuple | range):
        for value in values:
            yield from _leaves(value)
    else:
        yield values


def _first_leaf(values: Any) -> Any:
    return next(iter(_leaves(values)), None)


def _expected(dtype: DType | None, value: Any) -> TypeError:
    name = dtype.name if dtype else "a tensor"
    return TypeError(f"Expected {name}, but got {value} of type '{type(value).__name__}'.")


def _not_convertible(values: Any) -> TypeError:
    return TypeError(
        f"Failed to convert elements of {values!r} to Tensor. "
        "Consider casting elements to a supported type."
    )
