"""Operators made of operators: adjoint, inverse, products, blocks, low-rank updates."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.api.filling import zeros
from penstock.api.linalg.matrices import adjoint as adjoint_of
from penstock.api.linalg.operators.base import (
    LinearOperator,
    matrix_of,
    register,
)
from penstock.api.linalg.operators.simple import (
    LinearOperatorDiag,
    LinearOperatorIdentity,
    LinearOperatorLowerTriangular,
)
from penstock.api.linalg.products import matmul
from penstock.core.tensor_shape import TensorShape
from penstock.ops.linalg import broadcast_dims
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call


def _joint_batch(operators: Sequence[LinearOperator]) -> TensorShape:
    dims: list[int | None] = []
    for operator in operators:
        if operator.batch_shape.rank is None:
            return TensorShape(None)
        dims = broadcast_dims(dims, operator.batch_shape.as_list())
    return TensorShape(dims)


def _common(operators: Sequence[LinearOperator]) -> Any:
    """The dtype of all.

    Raises:
        ValueError: there are none.
        TypeError: they differ.
    """
    if not operators:
        raise ValueError("operators must hold at least one operator")
    kinds = {operator.dtype for operator in operators}
    if len(kinds) > 1:
        names = sorted(kind.name for kind in kinds)
        raise TypeError(f"operators must have one dtype, got {names}")
    return operators[0].dtype


def _all_true(claims: Sequence[bool | None]) -> bool | None:
    return True if all(claims) else None


class LinearOperatorAdjoint(LinearOperator):
    """The adjoint of an operator.

    Args:
        operator: the operator.
        is_non_singular, is_self_adjoint, is_positive_definite, is_square, name: see
            `LinearOperator`; None takes what the operator says.
    """

    def __init__(
        self,
        operator: LinearOperator,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str | None = None,
    ) -> None:
        self._operator = operator
        super().__init__(
            operator.dtype,
            None,
            operator.is_non_singular if is_non_singular is None else is_non_singular,
            operator.is_self_adjoint if is_self_adjoint is None else is_self_adjoint,
            operator.is_positive_definite
            if is_positive_definite is None
            else is_positive_definite,
            operator.is_square if is_square is None else is_square,
            name or f"{operator.name}_adjoint",
        )

    @property
    def operator(self) -> LinearOperator:
        """The operator whose adjoint this is."""
        return self._operator

    def _shape(self) -> TensorShape:
        shape = self._operator.shape
        if shape.rank is None:
            return shape
        *batch, rows, columns = shape.as_list()
        return TensorShape([*batch, columns, rows])

    def _to_dense(self) -> Any:
        return adjoint_of(self._operator.to_dense())

    def _matmul(self, x: Any, adjoint: bool) -> Any:
        return self._operator.matmul(x, adjoint=not adjoint)

    def _solve(self, rhs: Any, adjoint: bool) -> Any:
        return self._operator.solve(rhs, adjoint=not adjoint)

    def _adjoint(self) -> LinearOperator:
        return self._operator


class LinearOperatorInversion(LinearOperator):
    """The inverse of an operator.

    Args:
        operator: the operator.
        is_non_singular, is_self_adjoint, is_positive_definite, is_square, name: see
            `LinearOperator`; None takes what the operator says.
    """

    def __init__(
        self,
        operator: LinearOperator,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str | None = None,
    ) -> None:
        if operator.is_square is False or operator.is_non_singular is False:
            raise ValueError("only operators that are square and non-singular have an inverse")
        self._operator = operator
        super().__init__(
            operator.dtype,
            None,
            True,
            operator.is_self_adjoint if is_self_adjoint is None else is_self_adjoint,
            operator.is_positive_definite
            if is_positive_definite is None
            else is_positive_definite,
            True,
            name or f"{operator.name}_inv",
        )

    @property
    def operator(self) -> LinearOperator:
        """The operator whose inverse this is."""
        return self._operator

    def _shape(self) -> TensorShape:
        return self._operator.shape

    def _to_dense(self) -> Any:
        return call("MatrixInverse", self._operator.to_dense())

    def _matmul(self, x: Any, adjoint: bool) -> Any:
        return self._operator.solve(x, adjoint=adjoint)

    def _solve(self, rhs: Any, adjoint: bool) -> Any:
        return self._operator.matmul(rhs, adjoint=adjoint)

    def _inverse(self) -> LinearOperator:
        return self._operator

    def _determinant(self) -> Any:
        return call("Reciprocal", self._operator.determinant())

    def _log_abs_determinant(self) -> Any:
        return call("Neg", self._operator.log_abs_determinant())


class LinearOperatorComposition(LinearOperator):
    """The product of operators, of which the last acts first.

    Args:
        operators: the operators.
        is_non_singular, is_self_adjoint, is_positive_definite, is_square, name: see
            `LinearOperator`.
    """

    def __init__(
        self,
        operators: Sequence[LinearOperator],
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str | None = None,
    ) -> None:
        self._operators = list(operators)
        kind = _common(self._operators)
        if is_non_singular is None:
            is_non_singular = _all_true([each.is_non_singular for each in self._operators])
        super().__init__(
            kind,
            None,
            is_non_singular,
            is_self_adjoint,
            is_positive_definite,
            is_square,
            name or "_o_".join(each.name for each in self._operators),
        )

    @property
    def operators(self) -> list[LinearOperator]:
        """The operators."""
        return self._operators

    def _shape(self) -> TensorShape:
        ends = [self._operators[0]._rows, self._operators[-1]._columns]
        return _joint_batch(self._operators).concatenate(ends)

    def _to_dense(self) -> Any:
        return functools.reduce(
            lambda x, operator: operator.matmul(x),
            self._operators[-2::-1],
            self._operators[-1].to_dense(),
        )

    def _matmul(self, x: Any, adjoint: bool) -> Any:
        for operator in self._operators if adjoint else self._operators[::-1]:
            x = operator.matmul(x, adjoint=adjoint)
        return x

    def _solve(self, rhs: Any, adjoint: bool) -> Any:
        for operator in self._operators[::-1] if adjoint else self._operators:
            rhs = operator.solve(rhs, adjoint=adjoint)
        return rhs

    def _all_square(self) -> bool:
        return all(operator.is_square for operator in self._operators)

    def _determinant(self) -> Any:
        if not self._all_square():
            return super()._determinant()
        factors = [operator.determinant() for operator in self._operators]
        return functools.reduce(lambda a, b: a * b, factors)

    def _log_abs_determinant(self) -> Any:
        if not self._all_square():
            return super()._log_abs_determinant()
        terms = [operator.log_abs_determinant() for operator in self._operators]
        return functools.reduce(lambda a, b: a + b, terms)


def _composed(left: LinearOperator, right: LinearOperator) -> LinearOperator:
    if isinstance(left, LinearOperatorIdentity) and not left.batch_shape.rank:
        return right
    if isinstance(right, LinearOperatorIdentity) and not right.batch_shape.rank:
        return left
    if isinstance(left, LinearOperatorDiag) and isinstance(right, LinearOperatorDiag):
        return LinearOperatorDiag(left.diag * right.diag)
    triangular = (LinearOperatorDiag, LinearOperatorLowerTriangular)
    if isinstance(left, triangular) and isinstance(right, triangular):
        return LinearOperatorLowerTriangular(left.matmul(right.to_dense()))
    return LinearOperatorComposition([left, right])


class LinearOperatorKronecker(LinearOperator):
    """The Kronecker product of operators.

    Args:
        operators: the operators.
        is_non_singular, is_self_adjoint, is_positive_definite, is_square, name: see
            `LinearOperator`.
    """

    def __init__(
        self,
        operators: Sequence[LinearOperator],
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str | None = None,
    ) -> None:
        self._operators = list(operators)
        kind = _common(self._operators)
        if is_square is None:
            is_square = _all_true([each.is_square for each in self._operators])
        if is_non_singular is None:
            is_non_singular = _all_true([each.is_non_singular for each in self._operators])
        if is_self_adjoint is None:
            is_self_adjoint = _all_true([each.is_self_adjoint for each in self._operators])
        super().__init__(
            kind,
            None,
            is_non_singular,
            is_self_adjoint,
            is_positive_definite,
            is_square,
            name or "_x_".join(each.name for each in self._operators),
        )

    @property
    def operators(self) -> list[LinearOperator]:
        """The operators."""
        return self._operators

    def _to_dense(self) -> Any:
        result = self._operators[0].to_dense()
        for operator in self._operators[1:]:
            factor = operator.to_dense()
            product = call("Einsum", [result, factor], equation="...ab,...cd->...acbd")
            *batch, a, c, b, d = product.shape.as_list()
            result = call("Reshape", product, [*batch, a * c, b * d])
        return result

    def _shape(self) -> TensorShape:
        rows: Any = 1
        columns: Any = 1
        for operator in self._operators:
            p, q = operator._rows, operator._columns
            rows = None if rows is None or p is None else rows * p
            columns = None if columns is None or q is None else columns * q
        return _joint_batch(self._operators).concatenate([rows, columns])


class LinearOperatorBlockDiag(LinearOperator):
    """Operators along the diagonal of blocks.

    Args:
        operators: the operators.
        is_non_singular, is_self_adjoint, is_positive_definite, is_square, name: see
            `LinearOperator`.
    """

    def __init__(
        self,
        operators: Sequence[LinearOperator],
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = True,
        name: str | None = None,
    ) -> None:
        self._operators = list(operators)
        kind = _common(self._operators)
        if is_non_singular is None:
            is_non_singular = _all_true([each.is_non_singular for each in self._operators])
        if is_self_adjoint is None:
            is_self_adjoint = _all_true([each.is_self_adjoint for each in self._operators])
        if is_positive_definite is None:
            claims = [each.is_positive_definite for each in self._operators]
            is_positive_definite = _all_true(claims)
        super().__init__(
            kind,
            None,
            is_non_singular,
            is_self_adjoint,
            is_positive_definite,
            is_square,
            name or "_ds_".join(each.name for each in self._operators),
        )

    @property
    def operators(self) -> list[LinearOperator]:
        """The operators."""
        return self._operators

    def _to_dense(self) -> Any:
        grid = [
            [operator if i == j else None for j in range(len(self._operators))]
            for i, operator in enumerate(self._operators)
        ]
        return _blocks(grid, self._operators, self.dtype)

    def _shape(self) -> TensorShape:
        return _joint_batch(self._operators).concatenate(
            [
                _total([each._rows for each in self._operators]),
                _total([each._columns for each in self._operators]),
            ]
        )

    def _parts(self, x: Any, adjoint: bool) -> list[Any]:
        sizes = [each._rows if adjoint else each._columns for each in self._operators]
        return list(call("SplitV", x, np.array(sizes, np.int64), -2, num_split=len(sizes)))

    def _matmul(self, x: Any, adjoint: bool) -> Any:
        pairs = zip(self._operators, self._parts(x, adjoint), strict=True)
        return _stacked([each.matmul(part, adjoint=adjoint) for each, part in pairs])

    def _solve(self, rhs: Any, adjoint: bool) -> Any:
        pairs = zip(self._operators, self._parts(rhs, not adjoint), strict=True)
        return _stacked([each.solve(part, adjoint=adjoint) for each, part in pairs])

    def _determinant(self) -> Any:
        factors = [operator.determinant() for operator in self._operators]
        return functools.reduce(lambda a, b: a * b, factors)

    def _log_abs_determinant(self) -> Any:
        terms = [operator.log_abs_determinant() for operator in self._operators]
        return functools.reduce(lambda a, b: a + b, terms)


def _total(sizes: Sequence[Any]) -> Any:
    return None if None in sizes else sum(sizes)


def _stacked(parts: list[Any]) -> Any:
    """Put parts of columns on top of each other; their batch shapes broadcast."""
    shape = call("Shape", parts[0])[:-2]
    for part in parts[1:]:
        shape = call("BroadcastArgs", shape, call("Shape", part)[:-2])
    whole = [
        call("BroadcastTo", part, call("ConcatV2", [shape, call("Shape", part)[-2:]], 0))
        for part in parts
    ]
    return call("ConcatV2", whole, -2)


def _blocks(grid: list[list[Any]], diagonal: Sequence[LinearOperator], dtype: Any) -> Any:
    """One matrix of blocks, zeros where there is no operator."""
    operators = [each for row in grid for each in row if each is not None]
    batch = _joint_batch(operators).as_list()
    rows = []
    for i, row in enumerate(grid):
        blocks = []
        for j, each in enumerate(row):
            size = [diagonal[i]._rows, diagonal[j]._columns]
            block = zeros(size, dtype) if each is None else each.to_dense()
            blocks.append(call("BroadcastTo", block, [*batch, *size]))
        rows.append(call("ConcatV2", blocks, -1))
    return call("ConcatV2", rows, -2)


class LinearOperatorBlockLowerTriangular(LinearOperator):
    """Operators in the lower triangle of blocks.

    Args:
        operators: rows of operators, each one longer than the row before.
        is_non_singular, is_self_adjoint, is_positive_definite, is_square, name: see
            `LinearOperator`.
    """

    def __init__(
        self,
        operators: Sequence[Sequence[LinearOperator]],
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str = "LinearOperatorBlockLowerTriangular",
    ) -> None:
        self._operators = [list(row) for row in operators]
        for i, row in enumerate(self._operators):
            if len(row) != i + 1:
                raise ValueError(f"row {i} must hold {i + 1} operators, got {len(row)}")
        kind = _common([each for row in self._operators for each in row])
        super().__init__(
            kind,
            None,
            is_non_singular,
            is_self_adjoint,
            is_positive_definite,
            is_square,
            name,
        )

    @property
    def operators(self) -> list[list[LinearOperator]]:
        """The rows of operators."""
        return self._operators

    def _to_dense(self) -> Any:
        count = len(self._operators)
        grid = [row + [None] * (count - len(row)) for row in self._operators]
        return _blocks(grid, [row[-1] for row in self._operators], self.dtype)

    def _solve(self, rhs: Any, adjoint: bool) -> Any:
        if adjoint:
            return super()._solve(rhs, adjoint)
        sizes = [row[-1]._rows for row in self._operators]
        parts = call("SplitV", rhs, np.array(sizes, np.int64), -2, num_split=len(sizes))
        found: list[Any] = []
        for row, part in zip(self._operators, parts, strict=True):
            for operator, known in zip(row[:-1], found, strict=True):
                part = part - operator.matmul(known)  # noqa: PLW2901
            found.append(row[-1].solve(part))
        return _stacked(found)


class LinearOperatorLowRankUpdate(LinearOperator):
    """An operator plus `u @ diag(diag_update) @ adjoint(v)`.

    Args:
        base_operator: the operator.
        u: [..., m, k].
        diag_update: [..., k]; None for ones.
        v: [..., n, k]; None takes `u`.
        is_diag_update_positive: whether the diagonal is positive.
        is_non_singular, is_self_adjoint, is_positive_definite, is_square, name: see
            `LinearOperator`.
    """

    def __init__(
        self,
        base_operator: LinearOperator,
        u: Any,
        diag_update: Any = None,
        v: Any = None,
        is_diag_update_positive: bool | None = None,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str = "LinearOperatorLowRankUpdate",
    ) -> None:
        self._base_operator = base_operator
        self._u = matrix_of(u, "u")
        self._v = self._u if v is None else convert_to_tensor(v, self._u.dtype)
        self._diag_update = None
        if diag_update is not None:
            self._diag_update = convert_to_tensor(diag_update, self._u.dtype)
        self._is_diag_update_positive = True if diag_update is None else is_diag_update_positive
        if v is None and base_operator.is_self_adjoint and is_self_adjoint is None:
            is_self_adjoint = True
        super().__init__(
            base_operator.dtype,
            None,
            is_non_singular,
            is_self_adjoint,
            is_positive_definite,
            is_square,
            name,
        )

    @property
    def base_operator(self) -> LinearOperator:
        """The operator before the update."""
        return self._base_operator

    @property
    def u(self) -> Any:
        """The left factor."""
        return self._u

    @property
    def v(self) -> Any:
        """The right factor."""
        return self._v

    @property
    def diag_update(self) -> Any:
        """The diagonal between the factors."""
        return self._diag_update

    @property
    def is_diag_update_positive(self) -> bool | None:
        """Whether the diagonal is positive."""
        return self._is_diag_update_positive

    @property
    def diag_operator(self) -> LinearOperator:
        """The diagonal as an operator."""
        if self._diag_update is not None:
            return LinearOperatorDiag(self._diag_update)
        return LinearOperatorIdentity(self._u.shape.as_list()[-1], dtype=self.dtype)

    def _scaled(self, u: Any) -> Any:
        if self._diag_update is None:
            return u
        return u * call("ExpandDims", self._diag_update, -2)

    def _shape(self) -> TensorShape:
        batch = broadcast_dims(
            self._base_operator.batch_shape.as_list(), self._u.shape[:-2].as_list()
        )
        return TensorShape(batch).concatenate(self._base_operator.shape[-2:])

    def _to_dense(self) -> Any:
        update = matmul(self._scaled(self._u), self._v, adjoint_b=True)
        return self._base_operator.to_dense() + update

    def _matmul(self, x: Any, adjoint: bool) -> Any:
        left, right = (self._v, self._u) if adjoint else (self._u, self._v)
        inner = matmul(right, x, adjoint_a=True)
        if self._diag_update is not None:
            inner = self.diag_operator.matmul(inner, adjoint=adjoint)
        return self._base_operator.matmul(x, adjoint=adjoint) + matmul(left, inner)


register("adjoint", LinearOperatorAdjoint)
register("inverse", LinearOperatorInversion)
register("composition", _composed)
