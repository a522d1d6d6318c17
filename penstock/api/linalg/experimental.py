"""`tf.linalg.experimental`."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from penstock.api.framework import while_loop
from penstock.api.linalg.norms import norm
from penstock.core import dtypes
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call

__all__ = ["conjugate_gradient"]


class _Cg(NamedTuple):
    """Where the iteration stands: step, solution, residual, direction, squared residual."""

    i: Any
    x: Any
    r: Any
    p: Any
    gamma: Any


def conjugate_gradient(
    operator: Any,
    rhs: Any,
    preconditioner: Any = None,
    x: Any = None,
    tol: float = 1e-5,
    max_iter: int = 20,
    name: str = "conjugate_gradient",
) -> Any:
    """Solve a self-adjoint, positive definite system by conjugate gradients.

    Args:
        operator: a linear operator, [..., n, n], said to be self-adjoint and positive definite.
        rhs: right-hand sides, [..., n].
        preconditioner: an operator near the inverse, or None.
        x: first guess, or None for zeros.
        tol: stop once the residual is this small, as a part of the right-hand side.
        max_iter: stop after so many steps.
        name: unused.

    Returns:
        A named tuple of the steps taken, the solution, the residual, the last direction and the
        squared (preconditioned) residual.

    Raises:
        ValueError: the operator is not said to be what the method needs.
    """
    if not (operator.is_self_adjoint and operator.is_positive_definite):
        raise ValueError("operator must be self-adjoint and positive definite")
    rhs = convert_to_tensor(rhs, dtype_hint=operator.dtype)
    limit = norm(rhs, axis=-1) * np.array(tol, rhs.dtype.np)

    def conditioned(residual: Any) -> Any:
        return residual if preconditioner is None else preconditioner.matvec(residual)

    def dot(a: Any, b: Any) -> Any:
        left = call("Conj", a) if a.dtype.is_complex else a
        return call("Sum", left * b, np.array([-1], np.int32))

    def unfinished(i: Any, x: Any, r: Any, p: Any, gamma: Any) -> Any:
        large = _real(norm(r, axis=-1)) > _real(limit)
        some = call("Any", large, call("Range", 0, call("Rank", large), 1))
        return call("LogicalAnd", call("Less", i, max_iter), some)

    def step(i: Any, x: Any, r: Any, p: Any, gamma: Any) -> Any:
        z = operator.matvec(p)
        alpha = gamma / dot(p, z)
        x = x + call("ExpandDims", alpha, -1) * p
        r = r - call("ExpandDims", alpha, -1) * z
        q = conditioned(r)
        after = dot(r, q)
        p = q + call("ExpandDims", after / gamma, -1) * p
        return i + 1, x, r, p, after

    if x is None:
        x, r = call("ZerosLike", rhs), rhs
    else:
        x = convert_to_tensor(x, rhs.dtype)
        r = rhs - operator.matvec(x)
    p = conditioned(r)
    start = (convert_to_tensor(0, dtypes.int32), x, r, p, dot(r, p))
    return _Cg(*while_loop(unfinished, step, start))


def _real(tensor: Any) -> Any:
    return (
        call("Real", tensor, Tout=tensor.dtype.real_dtype)
        if tensor.dtype.is_complex
        else tensor
    )
