"""Dtypes and constants under NumPy's names, and questions about them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from penstock.api.numpy.operands import common_dtype, tensor_of
from penstock.core import dtypes
from penstock.core.errors import UnimplementedError
from penstock.runtime.tensor import Tensor

bool_ = np.bool_
int8, int16, int32, int64 = np.int8, np.int16, np.int32, np.int64
uint8, uint16, uint32, uint64 = np.uint8, np.uint16, np.uint32, np.uint64
float16, float32, float64 = np.float16, np.float32, np.float64
complex64, complex128 = np.complex64, np.complex128
int_, float_, complex_ = np.int64, np.float64, np.complex128
string_, unicode_, object_ = np.bytes_, np.str_, np.object_
inexact = np.inexact
issubdtype = np.issubdtype
ndarray = Tensor
newaxis = None
pi, e, inf = math.pi, math.e, math.inf


def finfo(dtype: Any) -> Any:
    """Limits of a floating dtype."""
    return np.finfo(dtypes.as_dtype(dtype).as_numpy_dtype)


class iinfo(np.iinfo):  # type: ignore[type-arg]  # noqa: N801  (NumPy's name)
    """Limits of an integer dtype.

    Args:
        int_type: the dtype, NumPy's or TensorFlow's.
    """

    def __init__(self, int_type: Any) -> None:
        kind = dtypes.as_dtype(int_type).as_numpy_dtype if _is_dtype(int_type) else int_type
        super().__init__(kind)


def promote_types(type1: Any, type2: Any) -> np.dtype[Any]:
    """The dtype that holds the values of two others."""
    return np.promote_types(*[dtypes.as_dtype(each).np for each in (type1, type2)])


def result_type(*arrays_and_dtypes: Any) -> dtypes.DType:
    """The dtype of a result of these operands and dtypes."""
    each = [
        np.empty((), dtypes.as_dtype(item).np) if _is_dtype(item) else item
        for item in arrays_and_dtypes
    ]
    return dtypes.as_dtype(common_dtype(*each))


def _is_dtype(value: Any) -> bool:
    return isinstance(value, (dtypes.DType, np.dtype, type))


def isscalar(num: Any) -> bool:
    """Whether this is a number or text, or a tensor without axes."""
    if isinstance(num, Tensor):
        return num.shape.rank == 0
    return bool(np.isscalar(num))


def iscomplexobj(x: Any) -> bool:
    """Whether the dtype is complex."""
    return bool(tensor_of(x).dtype.is_complex)


def isrealobj(x: Any) -> bool:
    """Whether the dtype is not complex."""
    return not iscomplexobj(x)


def experimental_enable_numpy_behavior(
    prefer_float32: bool = False, dtype_conversion_mode: str = "legacy"
) -> None:
    """Give tensors NumPy's methods and operators.

    Raises:
        UnimplementedError: always.
    """
    del prefer_float32, dtype_conversion_mode
    raise UnimplementedError(
        "experimental_enable_numpy_behavior is not implemented; use the functions of "
        "tf.experimental.numpy"
    )
