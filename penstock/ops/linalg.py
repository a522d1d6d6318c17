"""Products of matrices."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import jax
import numpy as np

from penstock.core.dtypes import DType, bfloat16, float16
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.lowering import TURNED_RESULT, applies, note_product
from penstock.ops.namespace import namespace
from penstock.ops.table import REQUIRED, gradient, op

# numpy multiplies these without BLAS and rounds after every addition.
# Above, the BLAS of numpy shares a product among threads, which stall on a busy machine.
_HOST_LIMIT = 1 << 13
# A matrix for which turning it costs as much as multiplying it.
_MANY_ROWS = 1 << 10
_MANY_NUMBERS = 1 << 20

_NARROW = frozenset({float16.np, bfloat16.np})


def product(xp: ModuleType, a: Any, b: Any) -> Any:
    """Multiply two stacks of matrices; half precision accumulates in float32."""
    if xp is not np and a.ndim and b.ndim:
        stacks = max(math.prod(a.shape[:-2]), math.prod(b.shape[:-2]))
        note_product(stacks * math.prod(a.shape[-2:]) * b.shape[-1], a.dtype)
    if a.dtype in _NARROW:
        if xp is np:
            return np.matmul(a.astype(np.float32), b.astype(np.float32)).astype(a.dtype)
        return xp.matmul(a, b, preferred_element_type=np.float32).astype(a.dtype)
    return xp.matmul(a, b)


def _product_by_columns(xp: ModuleType, a: Any, b: Any) -> Any:
    """The adjoint of the matrix `a` times the matrix `b`."""
    wide = (
        xp is not np
        and a.dtype == b.dtype == np.float32
        and a.shape[0] >= _MANY_ROWS
        and a.size >= _MANY_NUMBERS
        and a.shape[1] >= 2 * b.shape[1]
    )
    if wide and applies(TURNED_RESULT, True, lambda: f"{a.shape} by columns with {b.shape}"):
        # XLA would put the turned product back into the order that it was given.
        return jax.lax.optimization_barrier(product(xp, b.T, a)).T
    return product(xp, adjoint(xp, a), b)


def adjoint(xp: ModuleType, a: Any) -> Any:
    """Swap the last two axes and conjugate."""
    a = xp.swapaxes(a, -1, -2)
    return xp.conj(a) if a.dtype.kind == "c" else a


def _mat_mul_shape(
    a: Any, b: Any, *, transpose_a: bool, transpose_b: bool, **_: Any
) -> TensorShape:
    rows, inner = _matrix(a.shape, "a", transpose_a)
    inner_b, columns = _matrix(b.shape, "b", transpose_b)
    if inner is not None and inner_b is not None and inner != inner_b:
        raise InvalidArgumentError(
            f"inner sizes must agree: a is {a.shape} and b is {b.shape} before the transposes"
        )
    return TensorShape([rows, columns])


def _matrix(shape: TensorShape, name: str, transposed: bool) -> tuple[int | None, int | None]:
    if shape.rank is None:
        return None, None
    if shape.rank != 2:
        raise InvalidArgumentError(f"'{name}' must be a matrix, got shape {shape}")
    rows, columns = shape.as_list()
    return (columns, rows) if transposed else (rows, columns)


@op(
    "MatMul",
    inputs=("a: T", "b: T"),
    outputs=("product: T",),
    attrs={"transpose_a": False, "transpose_b": False, "grad_a": False, "grad_b": False},
    shape=_mat_mul_shape,
    host_limit=_HOST_LIMIT,
)
def mat_mul(
    a: Any, b: Any, *, transpose_a: bool, transpose_b: bool, grad_a: bool, grad_b: bool
) -> Any:
    """Product of two matrices.

    Shape: a [n, k], b [k, m] -> product [n, m], each read after its transpose.
    Errors: InvalidArgumentError when a rank is not 2 or the inner sizes differ.
    Source: TensorFlow op `MatMul`; batched operands are `BatchMatMulV2`.
    """
    del grad_a, grad_b  # hints for a library that TensorFlow may use
    if a.ndim != 2 or b.ndim != 2:
        raise InvalidArgumentError(f"a and b must be matrices, got {a.shape} and {b.shape}")
    if transpose_b:
        b = b.T
    inner = a.shape[0 if transpose_a else 1]
    if inner != b.shape[0]:
        shape = a.shape[::-1] if transpose_a else a.shape
        raise InvalidArgumentError(
            f"inner sizes must agree: a is {shape} and b is {b.shape} after the transposes"
        )
    xp = namespace(a, b)
    if not transpose_a:
        return product(xp, a, b)
    if a.dtype.kind == "c" or transpose_b:
        return product(xp, a.T, b)
    return _product_by_columns(xp, a, b)


@gradient("MatMul")
def mat_mul_gradient(g: Any, grad: Any) -> tuple[Any, Any]:
    """Multiply the gradient with the other factor, on the side where that one stood."""
    a, b = g.inputs
    if a.dtype.is_complex:
        a, b = g.call("Conj", a), g.call("Conj", b)
    t_a, t_b = g.attrs["transpose_a"], g.attrs["transpose_b"]
    grad_a = grad_b = None
    if g.needs(0):
        if t_a:
            grad_a = g.call("MatMul", b, grad, transpose_a=t_b, transpose_b=True)
        else:
            grad_a = g.call("MatMul", grad, b, transpose_b=not t_b)
    if g.needs(1):
        if t_b:
            grad_b = g.call("MatMul", grad, a, transpose_a=True, transpose_b=t_a)
        else:
            grad_b = g.call("MatMul", a, grad, transpose_a=not t_a)
    return grad_a, grad_b


def _batch_shape(x: Any, y: Any, *, adj_x: bool, adj_y: bool, **_: Any) -> TensorShape:
    if x.shape.rank is None or y.shape.rank is None:
        return TensorShape(None)
    for name, shape in (("x", x.shape), ("y", y.shape)):
        if shape.rank < 2:
            raise InvalidArgumentError(f"'{name}' must have rank 2 or more, got shape {shape}")
    rows, inner = _matrix(x.shape[-2:], "x", adj_x)
    inner_y, columns = _matrix(y.shape[-2:], "y", adj_y)
    if inner is not None and inner_y is not None and inner != inner_y:
        raise InvalidArgumentError(
            f"inner sizes must agree: x is {x.shape} and y is {y.shape} before the adjoints"
        )
    batch = broadcast_dims(x.shape.as_list()[:-2], y.shape.as_list()[:-2])
    return TensorShape([*batch, rows, columns])


def broadcast_dims(a: list[int | None], b: list[int | None]) -> list[int | None]:
    """Broadcast two lists of sizes, of which some may be unknown.

    Errors: InvalidArgumentError when two sizes differ and neither is 1.
    """
    length = max(len(a), len(b))
    result: list[int | None] = []
    for p, q in zip([1] * (length - len(a)) + a, [1] * (length - len(b)) + b, strict=True):
        if p in {1, q}:
            result.append(q)
        elif q == 1 or q is None:
            result.append(p)
        elif p is None:
            result.append(q)
        else:
            raise InvalidArgumentError(f"batch shapes must broadcast, got {a} and {b}")
    return result


_BATCH_ATTRS = {"adj_x": False, "adj_y": False, "grad_x": False, "grad_y": False}


def _batch_product(x: Any, y: Any, adj_x: bool, adj_y: bool) -> Any:
    if x.ndim < 2 or y.ndim < 2:
        raise InvalidArgumentError(
            f"x and y must have rank 2 or more, got shapes {x.shape} and {y.shape}"
        )
    xp = namespace(x, y)
    if adj_x and not adj_y and x.ndim == y.ndim == 2 and len(x) == len(y):
        return _product_by_columns(xp, x, y)
    if adj_x:
        x = adjoint(xp, x)
    if adj_y:
        y = adjoint(xp, y)
    if x.shape[-1] != y.shape[-2]:
        raise InvalidArgumentError(
            f"inner sizes must agree: x is {x.shape} and y is {y.shape} after the adjoints"
        )
    if x.shape[:-2] != y.shape[:-2]:
        broadcast_dims(list(x.shape[:-2]), list(y.shape[:-2]))
    return product(xp, x, y)


@op(
    "BatchMatMul",
    inputs=("x: T", "y: T"),
    outputs=("output: T",),
    attrs=_BATCH_ATTRS,
    shape=_batch_shape,
    host_limit=_HOST_LIMIT,
)
def batch_mat_mul(
    x: Any, y: Any, *, adj_x: bool, adj_y: bool, grad_x: bool, grad_y: bool
) -> Any:
    """Products of two stacks of matrices of equal batch shape.

    Shape: x [..., n, k], y [..., k, m] -> output [..., n, m], each read after its adjoint.
    Errors: InvalidArgumentError when batch shapes or inner sizes differ.
    """
    del grad_x, grad_y
    if x.shape[:-2] != y.shape[:-2]:
        raise InvalidArgumentError(
            f"x and y must have the same batch shape, got shapes {x.shape} and {y.shape}"
        )
    return _batch_product(x, y, adj_x, adj_y)


@op(
    "BatchMatMulV2",
    inputs=("x: T", "y: T"),
    outputs=("output: T",),
    attrs=_BATCH_ATTRS,
    shape=_batch_shape,
    host_limit=_HOST_LIMIT,
)
def batch_mat_mul_v2(
    x: Any, y: Any, *, adj_x: bool, adj_y: bool, grad_x: bool, grad_y: bool
) -> Any:
    """Products of two stacks of matrices whose batch shapes broadcast.

    Shape: x [..., n, k], y [..., k, m] -> output [..., n, m], each read after its adjoint.
    Errors: InvalidArgumentError when a rank is below 2 or sizes do not fit.
    """
    del grad_x, grad_y
    return _batch_product(x, y, adj_x, adj_y)


@op(
    "BatchMatMulV3",
    inputs=("x: Ta", "y: Tb"),
    outputs=("output: Tout",),
    attrs={"Tout": REQUIRED, **_BATCH_ATTRS},
    shape=_batch_shape,
    host_limit=_HOST_LIMIT,
)
def batch_mat_mul_v3(
    x: Any,
    y: Any,
    *,
    Tout: DType,  # noqa: N803  (the attr's name)
    adj_x: bool,
    adj_y: bool,
    grad_x: bool,
    grad_y: bool,
) -> Any:
    """Products of two stacks of matrices, computed in the type of the output.

    Shape: x [..., n, k], y [..., k, m] -> output [..., n, m], each read after its adjoint.
    Dtype: operands may differ and are cast to `Tout` first, so int8 sums do not overflow.
    Errors: InvalidArgumentError when a rank is below 2 or sizes do not fit.
    """
    del grad_x, grad_y
    return _batch_product(x.astype(Tout.np), y.astype(Tout.np), adj_x, adj_y)


@gradient("BatchMatMul", "BatchMatMulV2")
def batch_mat_mul_gradient(g: Any, grad: Any) -> tuple[Any, Any]:
    """Multiply the gradient with the other factor and sum over broadcast batch axes."""
    x, y = g.inputs
    adj_x, adj_y = g.attrs["adj_x"], g.attrs["adj_y"]
    grad_x = grad_y = None
    if g.needs(0):
        if adj_x:
            grad_x = g.call("BatchMatMulV2", y, grad, adj_x=adj_y, adj_y=True)
        else:
            grad_x = g.call("BatchMatMulV2", grad, y, adj_y=not adj_y)
        grad_x = g.reduce_to(grad_x, x)
    if g.needs(1):
        if not adj_x and _is_one_product(x, y, grad):
            # Summed up within the product, without a matrix for each of the stack.
            x, grad = _as_rows(g, x), _as_rows(g, grad)
        if adj_y:
            grad_y = g.call("BatchMatMulV2", grad, x, adj_x=True, adj_y=adj_x)
        else:
            grad_y = g.call("BatchMatMulV2", x, grad, adj_x=not adj_x)
        grad_y = g.reduce_to(grad_y, y)
    return grad_x, grad_y


def _is_one_product(x: Any, y: Any, grad: Any) -> bool:
    """Whether all matrices of the stack `x` were multiplied by the same one."""
    if y.shape.rank != 2 or x.shape.rank is None or x.shape.rank < 3 or grad.shape.rank is None:
        return False
    return bool(x.shape[-1] and grad.shape[-1])


def _as_rows(g: Any, stack: Any) -> Any:
    return g.call("Reshape", stack, np.array([-1, stack.shape[-1]], np.int32))
