"""`LinearOperator`: a matrix, or a stack of them, that is known by what it does."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from penstock.api.assertions import assert_none_equal, assert_positive
from penstock.api.linalg.factorizations import cholesky, det, eigvalsh, slogdet, svd
from penstock.api.linalg.matrices import adjoint, matrix_transpose
from penstock.api.linalg.products import matmul
from penstock.api.linalg.solving import cholesky_solve, solve
from penstock.core import dtypes
from penstock.core.errors import UnimplementedError
from penstock.core.tensor_shape import Dimension, TensorShape
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.module import Module

KINDS = ("float16", "float32", "float64", "complex64", "complex128")


def matrix_of(value: Any, name: str) -> Any:
    """Return `value` as a tensor of floating or complex numbers.

    Raises:
        TypeError: it has another dtype.
    """
    tensor = convert_to_tensor(value)
    if tensor.dtype.name not in KINDS:
        raise TypeError(f"{name} must be one of {', '.join(KINDS)}, got {tensor.dtype.name}")
    return tensor


class LinearOperator(Module):
    """A stack of matrices [..., m, n], of which a subclass says how it acts.

    A subclass gives `_to_dense`, `_shape` and, where it knows better than the dense matrix, any
    of `_matmul`, `_solve`, `_diag_part`, `_determinant`, `_log_abs_determinant`, `_inverse`,
    `_adjoint`, `_cholesky` and `_eigvals`.

    Args:
        dtype: type of the elements.
        graph_parents: accepted for compatibility.
        is_non_singular: whether it has an inverse; None where unknown.
        is_self_adjoint: whether it equals its adjoint; None where unknown.
        is_positive_definite: whether its Hermitian part is positive; None where unknown.
        is_square: whether it has as many rows as columns; None where unknown.
        name: name of the operator.
        parameters: arguments of the subclass, for `parameters`; None takes those it was given.

    Raises:
        ValueError: the claims contradict each other.
    """

    # What was given is no part of the operator: its tensors are found under other names.
    _TF_MODULE_IGNORED_PROPERTIES = frozenset({"_parameters"})
    _parameters: dict[str, Any]

    def __new__(cls, *args: Any, **kwargs: Any) -> LinearOperator:
        """Make an operator that remembers what it was made of."""
        made = super().__new__(cls)
        signature = inspect.signature(cls.__init__)
        try:
            bound = signature.bind(made, *args, **kwargs)
        except TypeError:
            # The constructor says it better.
            return made
        bound.apply_defaults()
        given = list(bound.arguments.items())[1:]
        object.__setattr__(made, "_parameters", dict(given))
        return made

    def __init__(
        self,
        dtype: Any,
        graph_parents: Any = None,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str | None = None,
        parameters: Any = None,
    ) -> None:
        if is_positive_definite and is_non_singular is False:
            raise ValueError("a positive definite operator cannot be singular")
        if is_positive_definite:
            is_non_singular = True
        if is_non_singular:
            if is_square is False:
                raise ValueError("a non-singular operator must be square")
            is_square = True
        if is_self_adjoint:
            if is_square is False:
                raise ValueError("a self-adjoint operator must be square")
            is_square = True
        super().__init__(name=name or type(self).__name__)
        if parameters is not None:
            object.__setattr__(self, "_parameters", dict(parameters))
        self._dtype = dtypes.as_dtype(dtype)
        self._is_non_singular = is_non_singular
        self._is_self_adjoint = is_self_adjoint
        self._is_positive_definite = is_positive_definite
        self._is_square = is_square

    # -- what it is -------------------------------------------------------------------------

    @property
    def parameters(self) -> dict[str, Any]:
        """The arguments that the operator was made with, by name."""
        return dict(self._parameters)

    @property
    def graph_parents(self) -> list[Any]:
        """Nothing: operators do not list the tensors that they depend on."""
        return []

    @property
    def dtype(self) -> Any:
        """Type of the elements."""
        return self._dtype

    @property
    def name(self) -> str:
        """Name of the operator."""
        return str(self._name)

    @property
    def is_non_singular(self) -> bool | None:
        """Whether it has an inverse."""
        return self._is_non_singular

    @property
    def is_self_adjoint(self) -> bool | None:
        """Whether it equals its adjoint."""
        return self._is_self_adjoint

    @property
    def is_positive_definite(self) -> bool | None:
        """Whether its Hermitian part is positive."""
        return self._is_positive_definite

    @property
    def is_square(self) -> bool | None:
        """Whether it has as many rows as columns."""
        if self._is_square is None:
            rows, columns = self._rows, self._columns
            if rows is not None and columns is not None:
                return bool(rows == columns)
        return self._is_square

    def _shape(self) -> TensorShape:
        shape: TensorShape = self._to_dense().shape
        return shape

    @property
    def shape(self) -> TensorShape:
        """Shape of the dense matrices."""
        return self._shape()

    @property
    def batch_shape(self) -> TensorShape:
        """Shape without the last two axes."""
        return self.shape[:-2]

    @property
    def tensor_rank(self) -> int | None:
        """Number of axes."""
        return self.shape.rank

    @property
    def domain_dimension(self) -> Dimension:
        """Number of columns."""
        return Dimension(self._columns)

    @property
    def range_dimension(self) -> Dimension:
        """Number of rows."""
        return Dimension(self._rows)

    @property
    def _columns(self) -> int | None:
        return None if self.shape.rank is None else self.shape.as_list()[-1]

    @property
    def _rows(self) -> int | None:
        return None if self.shape.rank is None else self.shape.as_list()[-2]

    def shape_tensor(self, name: str = "shape_tensor") -> Any:
        """Shape as a tensor."""
        if self.shape.is_fully_defined():
            return convert_to_tensor(self.shape.as_list(), dtypes.int32)
        return call("Shape", self._to_dense(), name=name)

    def batch_shape_tensor(self, name: str = "batch_shape_tensor") -> Any:
        """Shape without the last two axes, as a tensor."""
        return self.shape_tensor(name)[:-2]

    def tensor_rank_tensor(self, name: str = "tensor_rank_tensor") -> Any:
        """Number of axes as a tensor."""
        return call("Size", self.shape_tensor(), name=name)

    def domain_dimension_tensor(self, name: str = "domain_dimension_tensor") -> Any:
        """Number of columns as a tensor."""
        return self.shape_tensor(name)[-1]

    def range_dimension_tensor(self, name: str = "range_dimension_tensor") -> Any:
        """Number of rows as a tensor."""
        return self.shape_tensor(name)[-2]

    # -- what a subclass says ---------------------------------------------------------------

    def _to_dense(self) -> Any:
        raise UnimplementedError(f"{type(self).__name__} does not say what its matrix is")

    def _matmul(self, x: Any, adjoint: bool) -> Any:
        return matmul(self._to_dense(), x, adjoint_a=adjoint)

    def _solve(self, rhs: Any, adjoint: bool) -> Any:
        matrix, rhs = broadcast_batches(self._to_dense(), rhs)
        if self.is_positive_definite and self.is_self_adjoint:
            return cholesky_solve(cholesky(matrix), rhs)
        return solve(matrix, rhs, adjoint=adjoint)

    def _diag_part(self) -> Any:
        return call("MatrixDiagPart", self._to_dense())

    def _determinant(self) -> Any:
        return det(self._to_dense())

    def _log_abs_determinant(self) -> Any:
        return slogdet(self._to_dense()).log_abs_determinant

    def _eigvals(self) -> Any:
        return eigvalsh(self._to_dense())

    # -- what it does -----------------------------------------------------------------------

    def to_dense(self, name: str = "to_dense") -> Any:
        """The matrices."""
        return self._to_dense()

    def matmul(
        self, x: Any, adjoint: bool = False, adjoint_arg: bool = False, name: str = "matmul"
    ) -> Any:
        """Products with matrices from the right, or the composition with another operator.

        Args:
            x: matrices [..., n, k], or an operator.
            adjoint: whether to take the adjoint of this operator.
            adjoint_arg: whether to take the adjoint of `x`.
            name: unused.
        """
        if isinstance(x, LinearOperator):
            left = self.adjoint() if adjoint else self
            right = x.adjoint() if adjoint_arg else x
            return compose(left, right)
        x = convert_to_tensor(x, dtype_hint=self.dtype)
        x = _adjoint(x) if adjoint_arg else x
        self._check_rows(x, self._rows if adjoint else self._columns)
        return self._matmul(x, adjoint)

    def _check_rows(self, x: Any, wanted: Any) -> None:
        rows = None if x.shape.rank is None else x.shape.as_list()[-2]
        if rows is not None and wanted is not None and rows != wanted:
            raise ValueError(f"Dimensions {wanted} and {rows} are not compatible")

    def __matmul__(self, other: Any) -> Any:
        return self.matmul(other)

    def matvec(self, x: Any, adjoint: bool = False, name: str = "matvec") -> Any:
        """Products with vectors, [..., n] -> [..., m]."""
        column = call("ExpandDims", convert_to_tensor(x, dtype_hint=self.dtype), -1)
        return call("Squeeze", self.matmul(column, adjoint=adjoint), squeeze_dims=(-1,))

    def solve(
        self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False, name: str = "solve"
    ) -> Any:
        """Solutions of systems, or the composition of the inverse with another operator.

        Args:
            rhs: right-hand sides [..., m, k], or an operator.
            adjoint: whether to solve with the adjoint.
            adjoint_arg: whether to take the adjoint of `rhs`.
            name: unused.

        Raises:
            UnimplementedError: the operator is said to be singular, or not square.
        """
        if self.is_non_singular is False:
            raise UnimplementedError("an operator that is singular cannot be solved exactly")
        if self.is_square is False:
            raise UnimplementedError("an operator that is not square cannot be solved exactly")
        if isinstance(rhs, LinearOperator):
            left = self.adjoint() if adjoint else self
            return compose(left.inverse(), rhs.adjoint() if adjoint_arg else rhs)
        rhs = convert_to_tensor(rhs, dtype_hint=self.dtype)
        rhs = _adjoint(rhs) if adjoint_arg else rhs
        self._check_rows(rhs, self._columns if adjoint else self._rows)
        return self._solve(rhs, adjoint)

    def solvevec(self, rhs: Any, adjoint: bool = False, name: str = "solve") -> Any:
        """Solutions for vectors, [..., m] -> [..., n]."""
        column = call("ExpandDims", convert_to_tensor(rhs, dtype_hint=self.dtype), -1)
        return call("Squeeze", self.solve(column, adjoint=adjoint), squeeze_dims=(-1,))

    def adjoint(self, name: str = "adjoint") -> LinearOperator:
        """The adjoint, as an operator."""
        return self if self.is_self_adjoint is True else self._adjoint()

    H = property(adjoint)

    def _adjoint(self) -> LinearOperator:
        return _factories["adjoint"](self)

    def inverse(self, name: str = "inverse") -> LinearOperator:
        """The inverse, as an operator.

        Raises:
            ValueError: the operator is said to be singular, or not square.
        """
        if self.is_square is False:
            raise ValueError("an operator that is not square has no inverse")
        if self.is_non_singular is False:
            raise ValueError("an operator that is singular has no inverse")
        return self._inverse()

    def _inverse(self) -> LinearOperator:
        return _factories["inverse"](self)

    def cholesky(self, name: str = "cholesky") -> LinearOperator:
        """The lower triangular factor, as an operator.

        Raises:
            ValueError: the operator is not said to be self-adjoint and positive definite.
        """
        if not (self.is_self_adjoint and self.is_positive_definite):
            raise ValueError(
                "cholesky needs an operator that is self-adjoint and positive definite"
            )
        return self._cholesky()

    def _cholesky(self) -> LinearOperator:
        return _factories["triangular"](cholesky(self._to_dense()))

    def diag_part(self, name: str = "diag_part") -> Any:
        """Main diagonals."""
        return self._diag_part()

    def trace(self, name: str = "trace") -> Any:
        """Sums of the main diagonals."""
        return call("Sum", self._diag_part(), np.array([-1], np.int32))

    def determinant(self, name: str = "det") -> Any:
        """Determinants.

        Raises:
            UnimplementedError: the operator is said not to be square.
        """
        self._need_square("a determinant")
        return self._determinant()

    def log_abs_determinant(self, name: str = "log_abs_det") -> Any:
        """Logarithms of absolute values of determinants; errors as in `determinant`."""
        self._need_square("a determinant")
        return self._log_abs_determinant()

    def _need_square(self, what: str) -> None:
        if self.is_square is False:
            raise UnimplementedError(f"an operator that is not square has no {what[2:]}")

    def add_to_tensor(self, x: Any, name: str = "add_to_tensor") -> Any:
        """Sums of the matrices and `x`."""
        return call("AddV2", self._to_dense(), convert_to_tensor(x, self.dtype))

    def eigvals(self, name: str = "eigvals") -> Any:
        """Eigenvalues.

        Raises:
            UnimplementedError: the operator is not said to be self-adjoint.
        """
        if not self.is_self_adjoint:
            raise UnimplementedError("eigvals needs an operator that is self-adjoint")
        return self._eigvals()

    def cond(self, name: str = "cond") -> Any:
        """Ratios of the largest and the least singular value."""
        values = call("Abs", svd(self._to_dense(), compute_uv=False))
        last = np.array([-1], np.int32)
        return call("RealDiv", call("Max", values, last), call("Min", values, last))

    # -- checks -----------------------------------------------------------------------------

    def assert_non_singular(self, name: str = "assert_non_singular") -> Any:
        """Raise InvalidArgumentError unless the operator is far from singular."""
        values = call("Abs", svd(self._to_dense(), compute_uv=False))
        last = np.array([-1], np.int32)
        least, largest = call("Min", values, last), call("Max", values, last)
        eps = np.array(np.finfo(values.dtype.np).eps, values.dtype.np)
        far = call("Greater", least, largest * eps)
        zeros, ones = call("ZerosLike", least), call("OnesLike", least)
        message = "the operator must be non-singular"
        return assert_none_equal(call("SelectV2", far, ones, zeros), zeros, message=message)

    def assert_positive_definite(self, name: str = "assert_positive_definite") -> Any:
        """Raise InvalidArgumentError unless all eigenvalues are positive."""
        message = "the operator must be positive definite"
        return assert_positive(_real(eigvalsh(self._to_dense())), message=message)

    def assert_self_adjoint(self, name: str = "assert_self_adjoint") -> Any:
        """Raise InvalidArgumentError unless the operator equals its adjoint."""
        dense = self._to_dense()
        gap = _abs(call("Sub", dense, _adjoint(dense)))
        message = "the operator must be self-adjoint"
        return assert_none_equal(
            call("Cast", call("Equal", gap, np.zeros((), gap.dtype.np)), DstT=dtypes.int32),
            np.zeros((), np.int32),
            message=message,
        )


def _adjoint(tensor: Any) -> Any:
    return adjoint(tensor) if tensor.dtype.is_complex else matrix_transpose(tensor)


def _real(tensor: Any) -> Any:
    return (
        call("Real", tensor, Tout=tensor.dtype.real_dtype)
        if tensor.dtype.is_complex
        else tensor
    )


def _abs(tensor: Any) -> Any:
    if tensor.dtype.is_complex:
        return call("ComplexAbs", tensor, Tout=tensor.dtype.real_dtype)
    return call("Abs", tensor)


def broadcast_batches(a: Any, b: Any) -> tuple[Any, Any]:
    """Give two stacks of matrices one batch shape."""
    if a.shape[:-2].is_fully_defined() and a.shape[:-2] == b.shape[:-2]:
        return a, b
    a_shape, b_shape = call("Shape", a), call("Shape", b)
    batch = call("BroadcastArgs", a_shape[:-2], b_shape[:-2])
    a = call("BroadcastTo", a, call("ConcatV2", [batch, a_shape[-2:]], 0))
    b = call("BroadcastTo", b, call("ConcatV2", [batch, b_shape[-2:]], 0))
    return a, b


# Operators that others are turned into; the modules that define them add themselves.
_factories: dict[str, Any] = {}


def register(role: str, factory: Any) -> None:
    """Say what makes an adjoint, an inverse, a triangular operator or a composition."""
    _factories[role] = factory


def compose(left: LinearOperator, right: LinearOperator) -> LinearOperator:
    """The operator that does `right`, then `left`."""
    product: LinearOperator = _factories["composition"](left, right)
    return product
