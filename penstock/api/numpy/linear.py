"""NumPy's products of vectors and matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.api import array, joining
from penstock.api.einsum import einsum as _einsum
from penstock.api.linalg import tensordot as _tensordot
from penstock.api.numpy.elementwise import conjugate, isclose
from penstock.api.numpy.operands import axis_of, promoted, rank_of, tensor_of
from penstock.api.numpy.reductions import sum as _sum
from penstock.api.numpy.shaping import moveaxis
from penstock.api.reductions import reduce_all
from penstock.runtime.dispatch import call


def _product(x: Any, y: Any) -> Any:
    if rank_of(x) == 2 and rank_of(y) == 2:
        return call("MatMul", x, y)
    return call("BatchMatMulV2", x, y)


def matmul(x1: Any, x2: Any) -> Any:
    """Product of matrices; a vector is a row on the left and a column on the right.

    Raises:
        ValueError: an operand is a scalar.
    """
    x, y = promoted(x1, x2)
    if not rank_of(x) or not rank_of(y):
        raise ValueError("matmul needs operands with axes; use multiply for scalars")
    row, column = rank_of(x) == 1, rank_of(y) == 1
    x = array.expand_dims(x, 0) if row else x
    y = array.expand_dims(y, -1) if column else y
    result = _product(x, y)
    drop = [axis for axis, dropped in ((-2, row), (-1, column)) if dropped]
    return array.squeeze(result, drop) if drop else result


def dot(a: Any, b: Any) -> Any:
    """Sum of products over the last axis of a and the last but one of b."""
    x, y = promoted(a, b)
    if not rank_of(x) or not rank_of(y):
        return call("Mul", x, y)
    return _tensordot(x, y, [[-1], [-1 if rank_of(y) == 1 else -2]])


def inner(a: Any, b: Any) -> Any:
    """Sum of products over the last axes."""
    x, y = promoted(a, b)
    if not rank_of(x) or not rank_of(y):
        return call("Mul", x, y)
    return _tensordot(x, y, [[-1], [-1]])


def outer(a: Any, b: Any) -> Any:
    """Product of every element of a with every element of b."""
    x, y = promoted(a, b)
    return call("Mul", array.reshape(x, [-1, 1]), array.reshape(y, [1, -1]))


def vdot(a: Any, b: Any) -> Any:
    """Sum of the products of all elements, those of a conjugated."""
    x, y = promoted(a, b)
    return dot(conjugate(array.reshape(x, [-1])), array.reshape(y, [-1]))


def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """Sum of products over chosen axes."""
    x, y = promoted(a, b)
    return _tensordot(x, y, axes)


def einsum(subscripts: str, *operands: Any, **kwargs: Any) -> Any:
    """Sum of products as subscripts say."""
    kwargs.pop("casting", None)
    kwargs.pop("optimize", None)
    return _einsum(subscripts, *promoted(*operands), **kwargs)


def kron(a: Any, b: Any) -> Any:
    """Blocks of b, each multiplied by an element of a."""
    x, y = promoted(a, b)
    rank = max(rank_of(x), rank_of(y))
    x, y = (
        array.reshape(
            each,
            call("ConcatV2", [[1] * (rank - rank_of(each)), call("Shape", each)], 0)
            if rank > rank_of(each)
            else call("Shape", each),
        )
        for each in (x, y)
    )
    for axis in range(rank):
        x = array.expand_dims(x, 2 * axis + 1)
        y = array.expand_dims(y, 2 * axis)
    product = call("Mul", x, y)
    sizes = array.reshape(call("Shape", product), [rank, 2])
    return array.reshape(product, call("Prod", sizes, [1]))


def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    """Cross product of vectors with two or three components.

    Raises:
        ValueError: the vectors have another number of components.
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    x, y = promoted(a, b)
    x, y = moveaxis(x, axisa, -1), moveaxis(y, axisb, -1)
    if x.shape[-1] not in (2, 3) or y.shape[-1] not in (2, 3):
        raise ValueError(f"vectors must have 2 or 3 components, got {x.shape} and {y.shape}")
    x1, x2 = x[..., 0], x[..., 1]
    y1, y2 = y[..., 0], y[..., 1]
    third = call("Sub", call("Mul", x1, y2), call("Mul", x2, y1))
    if x.shape[-1] == 2 and y.shape[-1] == 2:
        return third
    x3 = x[..., 2] if x.shape[-1] == 3 else call("ZerosLike", x1)
    y3 = y[..., 2] if y.shape[-1] == 3 else call("ZerosLike", y1)
    first = call("Sub", call("Mul", x2, y3), call("Mul", x3, y2))
    second = call("Sub", call("Mul", x3, y1), call("Mul", x1, y3))
    return moveaxis(joining.stack([first, second, third], axis=-1), -1, axisc)


def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Diagonals in the plane of two axes, along a new last axis."""
    a = tensor_of(a)
    rank = rank_of(a)
    a = moveaxis(a, [axis_of(axis1, rank), axis_of(axis2, rank)], [-2, -1])
    rows, columns = a.shape[-2], a.shape[-1]
    if rows is not None and columns is not None and not -rows < offset < columns and offset:
        return a[..., 0, :0]
    zero = np.zeros((), a.dtype.np)
    return call("MatrixDiagPartV3", a, np.int32(offset), zero)


def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
    """Sums of diagonals."""
    return _sum(diagonal(a, offset, axis1, axis2), axis=-1, dtype=dtype)


def polyval(p: Any, x: Any) -> Any:
    """Value of a polynomial whose highest coefficient comes first."""
    coefficients, x = promoted(p, x)
    result = call("ZerosLike", x)
    for coefficient in joining.unstack(coefficients):
        result = call("AddV2", call("Mul", result, x), coefficient)
    return result


def allclose(
    a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> Any:
    """Whether all elements are near each other; see `isclose`."""
    return reduce_all(isclose(a, b, rtol, atol, equal_nan))


def array_equal(a1: Any, a2: Any) -> Any:
    """Whether two arrays have one shape and equal elements."""
    x, y = promoted(a1, a2)
    if not x.shape.is_compatible_with(y.shape):
        return tensor_of(np.bool_(False))
    return reduce_all(call("Equal", x, y))
