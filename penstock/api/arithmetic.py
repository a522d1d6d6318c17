"""Elementwise functions of two arguments, with broadcasting."""

from __future__ import annotations

from typing import Any

from penstock.api.composite import open_to_composites
from penstock.core import dtypes
from penstock.core.dtypes import DType
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.indexed_slices import IndexedSlices, densify

__all__ = [
    "add",
    "truediv",
    "divide",
    "divide_no_nan",
    "multiply_no_nan",
    "scalar_mul",
    "logical_xor",
    "add_n",
    "accumulate_n",
    "polyval",
    "subtract",
    "multiply",
    "floordiv",
    "floormod",
    "mod",
    "realdiv",
    "truncatediv",
    "truncatemod",
    "xdivy",
    "xlogy",
    "xlog1py",
    "pow",
    "squared_difference",
    "maximum",
    "minimum",
    "nextafter",
    "equal",
    "not_equal",
    "less",
    "less_equal",
    "greater",
    "greater_equal",
    "logical_and",
    "logical_or",
    "polygamma",
    "zeta",
    "igamma",
    "igammac",
    "atan2",
    "betainc",
]

# The floating-point type in which integers are divided.
_QUOTIENTS: dict[DType, DType] = {
    dtypes.int8: dtypes.float32,
    dtypes.uint8: dtypes.float32,
    dtypes.int16: dtypes.float32,
    dtypes.uint16: dtypes.float32,
    dtypes.int32: dtypes.float64,
    dtypes.uint32: dtypes.float64,
    dtypes.int64: dtypes.float64,
    dtypes.uint64: dtypes.float64,
}


def add(x: Any, y: Any, name: str | None = None) -> Any:
    """Sum; strings are put one after the other."""
    x = convert_to_tensor(x)
    y = convert_to_tensor(y, dtype_hint=x.dtype.base_dtype)
    return call("Add" if x.dtype is dtypes.string else "AddV2", x, y, name=name)


def _dividends(x: Any, y: Any) -> tuple[Any, Any]:
    """Two tensors of one floating-point or complex dtype, ready to be divided."""
    x = convert_to_tensor(x)
    y = convert_to_tensor(y, dtype_hint=x.dtype.base_dtype)
    if x.dtype != y.dtype:
        raise TypeError(f"x and y must have one dtype, got {x.dtype.name} and {y.dtype.name}")
    wider = _QUOTIENTS.get(x.dtype)
    if wider is not None:
        return call("Cast", x, DstT=wider), call("Cast", y, DstT=wider)
    if not (x.dtype.is_floating or x.dtype.is_complex):
        raise TypeError(f"x and y must be numbers, got {x.dtype.name}")
    return x, y


def truediv(x: Any, y: Any, name: str | None = None) -> Any:
    """Quotient; 8- and 16-bit integers are divided as float32, wider ones as float64.

    Raises:
        TypeError: the dtypes differ, or are not numeric.
    """
    return call("RealDiv", *_dividends(x, y), name=name)


def divide(x: Any, y: Any, name: str | None = None) -> Any:
    """Quotient by Python's rules: integers are divided as floating-point numbers."""
    return truediv(x, y, name)


def divide_no_nan(x: Any, y: Any, name: str | None = None) -> Any:
    """Quotient, and 0 where y is 0."""
    return call("DivNoNan", *_dividends(x, y), name=name)


def multiply_no_nan(x: Any, y: Any, name: str | None = None) -> Any:
    """Product that is 0 wherever y is 0, even if x is infinite or NaN."""
    x = convert_to_tensor(x)
    y = convert_to_tensor(y, dtype=x.dtype.base_dtype)
    return call("MulNoNan", x, y, name=name)


def scalar_mul(scalar: Any, x: Any, name: str | None = None) -> Any:
    """Product of a scalar and a tensor or IndexedSlices.

    Raises:
        ValueError: `scalar` is not a scalar.
    """
    if not isinstance(x, IndexedSlices):
        x = convert_to_tensor(x)
    scalar = convert_to_tensor(scalar, dtype=dtypes.as_dtype(x.dtype).base_dtype)
    if scalar.shape.rank != 0:
        raise ValueError(f"the scalar must have no axes, got shape {scalar.shape}")
    if isinstance(x, IndexedSlices):
        values = call("Mul", scalar, x.values, name=name)
        return IndexedSlices(values, x.indices, x.dense_shape)
    return call("Mul", scalar, x, name=name)


def logical_xor(x: Any, y: Any, name: str | None = "LogicalXor") -> Any:
    """Whether exactly one of two truth values is true."""
    both = call("LogicalAnd", x, y)
    return call("LogicalAnd", call("LogicalOr", x, y), call("LogicalNot", both), name=name)


def add_n(inputs: Any, name: str | None = None) -> Any:
    """Sum of tensors of one shape and dtype.

    Args:
        inputs: a list of tensors or IndexedSlices, or a tensor whose rows are added.
        name: name of the node in a graph.

    Raises:
        ValueError: there is no input.
    """
    tensors = _addends(inputs)
    if len(tensors) == 1:
        return tensors[0] if name is None else call("Identity", tensors[0], name=name)
    return call("AddN", tensors, name=name)


def accumulate_n(
    inputs: Any, shape: Any = None, tensor_dtype: Any = None, name: str | None = None
) -> Any:
    """Sum of tensors of one shape and dtype.

    Args:
        inputs: a list of tensors.
        shape: expected shape of the inputs.
        tensor_dtype: expected dtype of the inputs.
        name: name of the node in a graph.

    Raises:
        ValueError: there is no input, or a shape differs.
        TypeError: a dtype is not the expected one.
    """
    tensors = _addends(inputs)
    for tensor in tensors:
        if not tensor.shape.is_compatible_with(tensors[0].shape if shape is None else shape):
            raise ValueError(f"inputs must have one shape, got {[t.shape for t in tensors]}")
    expected = tensors[0].dtype if tensor_dtype is None else dtypes.as_dtype(tensor_dtype)
    if any(tensor.dtype != expected for tensor in tensors):
        raise TypeError(
            f"inputs must be {expected.name}, got {[tensor.dtype.name for tensor in tensors]}"
        )
    return add_n(tensors, name)


def _addends(inputs: Any) -> list[Any]:
    try:
        items = list(inputs)
    except TypeError:
        items = []
    if not items:
        raise ValueError("inputs must hold at least one tensor")
    return [
        convert_to_tensor(densify(item) if isinstance(item, IndexedSlices) else item)
        for item in items
    ]


def polyval(coeffs: Any, x: Any, name: str | None = None) -> Any:
    """Value of a polynomial at x.

    Args:
        coeffs: list of coefficients, that of the highest power first.
        x: where the polynomial is evaluated.
        name: name of the node in a graph.

    Raises:
        ValueError: `coeffs` is not a list.
    """
    if not isinstance(coeffs, list):
        message = f"coeffs must be a list, got a {type(coeffs).__name__}"
        raise ValueError(message)  # noqa: TRY004  (what TensorFlow raises)
    x = convert_to_tensor(x)
    if not coeffs:
        return call("ZerosLike", x, name=name)
    coefficients = [convert_to_tensor(each, dtype_hint=x.dtype) for each in coeffs]
    value = coefficients[0]
    for coefficient in coefficients[1:]:
        value = call("AddV2", coefficient, call("Mul", value, x))
    return value if name is None else call("Identity", value, name=name)


def subtract(x: Any, y: Any, name: str | None = None) -> Any:
    """Difference x - y."""
    return call("Sub", x, y, name=name)


def multiply(x: Any, y: Any, name: str | None = None) -> Any:
    """Product."""
    return call("Mul", x, y, name=name)


def floordiv(x: Any, y: Any, name: str | None = None) -> Any:
    """Quotient, rounded towards minus infinity."""
    return call("FloorDiv", x, y, name=name)


def floormod(x: Any, y: Any, name: str | None = None) -> Any:
    """Remainder of the floored quotient; it has the sign of y."""
    return call("FloorMod", x, y, name=name)


def mod(x: Any, y: Any, name: str | None = None) -> Any:
    """Remainder of the floored quotient; it has the sign of y."""
    return call("FloorMod", x, y, name=name)


def realdiv(x: Any, y: Any, name: str | None = None) -> Any:
    """Quotient of floating-point or complex numbers."""
    return call("RealDiv", x, y, name=name)


def truncatediv(x: Any, y: Any, name: str | None = None) -> Any:
    """Quotient, rounded towards zero."""
    return call("TruncateDiv", x, y, name=name)


def truncatemod(x: Any, y: Any, name: str | None = None) -> Any:
    """Remainder of the truncated quotient; it has the sign of x."""
    return call("TruncateMod", x, y, name=name)


def xdivy(x: Any, y: Any, name: str | None = None) -> Any:
    """Quotient x / y, and 0 where x is 0."""
    return call("Xdivy", x, y, name=name)


def xlogy(x: Any, y: Any, name: str | None = None) -> Any:
    """Product x log(y), and 0 where x is 0."""
    return call("Xlogy", x, y, name=name)


def xlog1py(x: Any, y: Any, name: str | None = None) -> Any:
    """Product x log(1 + y), and 0 where x is 0."""
    return call("Xlog1py", x, y, name=name)


def pow(x: Any, y: Any, name: str | None = None) -> Any:
    """x to the power y; an integer must not have a negative exponent."""
    return call("Pow", x, y, name=name)


def squared_difference(x: Any, y: Any, name: str | None = None) -> Any:
    """(x - y)**2; of complex numbers the squared distance."""
    return call("SquaredDifference", x, y, name=name)


def maximum(x: Any, y: Any, name: str | None = None) -> Any:
    """The larger of two numbers."""
    return call("Maximum", x, y, name=name)


def minimum(x: Any, y: Any, name: str | None = None) -> Any:
    """The smaller of two numbers."""
    return call("Minimum", x, y, name=name)


def nextafter(x1: Any, x2: Any, name: str | None = None) -> Any:
    """The number next to x1 in the direction of x2; Python numbers are taken as float32."""
    x1 = convert_to_tensor(x1, dtype_hint=dtypes.float32)
    return call("NextAfter", x1, x2, name=name)


def equal(x: Any, y: Any, name: str | None = None) -> Any:
    """Whether two values are equal."""
    return call("Equal", x, y, name=name)


def not_equal(x: Any, y: Any, name: str | None = None) -> Any:
    """Whether two values differ."""
    return call("NotEqual", x, y, name=name)


def less(x: Any, y: Any, name: str | None = None) -> Any:
    """Whether x < y."""
    return call("Less", x, y, name=name)


def less_equal(x: Any, y: Any, name: str | None = None) -> Any:
    """Whether x <= y."""
    return call("LessEqual", x, y, name=name)


def greater(x: Any, y: Any, name: str | None = None) -> Any:
    """Whether x > y."""
    return call("Greater", x, y, name=name)


def greater_equal(x: Any, y: Any, name: str | None = None) -> Any:
    """Whether x >= y."""
    return call("GreaterEqual", x, y, name=name)


def logical_and(x: Any, y: Any, name: str | None = None) -> Any:
    """Whether both truth values are true."""
    return call("LogicalAnd", x, y, name=name)


def logical_or(x: Any, y: Any, name: str | None = None) -> Any:
    """Whether at least one truth value is true."""
    return call("LogicalOr", x, y, name=name)


def polygamma(a: Any, x: Any, name: str | None = None) -> Any:
    """Derivative of order a of `digamma`."""
    return call("Polygamma", a, x, name=name)


def zeta(x: Any, q: Any, name: str | None = None) -> Any:
    """Hurwitz' zeta function: the sum of (q + k)**(-x) over k = 0, 1, 2, ..."""
    return call("Zeta", x, q, name=name)


def igamma(a: Any, x: Any, name: str | None = None) -> Any:
    """Lower regularized incomplete gamma function."""
    return call("Igamma", a, x, name=name)


def igammac(a: Any, x: Any, name: str | None = None) -> Any:
    """Upper regularized incomplete gamma function."""
    return call("Igammac", a, x, name=name)


def atan2(y: Any, x: Any, name: str | None = None) -> Any:
    """Angle of the point (x, y) in radians, between -pi and pi."""
    return call("Atan2", y, x, name=name)


def betainc(a: Any, b: Any, x: Any, name: str | None = None) -> Any:
    """Regularized incomplete beta function."""
    return call("Betainc", a, b, x, name=name)


open_to_composites(globals())
