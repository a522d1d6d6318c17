"""Operators of one matrix: full, diagonal, triangular, identities, zeros, and other forms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from penstock.api.filling import eye, zeros
from penstock.api.linalg.matrices import matrix_transpose
from penstock.api.linalg.operators.base import (
    LinearOperator,
    matrix_of,
    register,
)
from penstock.api.linalg.products import matmul
from penstock.api.linalg.solving import triangular_solve
from penstock.api.linalg.tridiagonal import tridiagonal_matmul, tridiagonal_solve
from penstock.core import dtypes
from penstock.core.tensor_shape import TensorShape
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call

_LAST = np.array([-1], np.int32)


def _conj(tensor: Any) -> Any:
    return call("Conj", tensor) if tensor.dtype.is_complex else tensor


def _absolute(tensor: Any) -> Any:
    if tensor.dtype.is_complex:
        size = call("ComplexAbs", tensor, Tout=tensor.dtype.real_dtype)
        return call("Cast", size, DstT=tensor.dtype)
    return call("Abs", tensor)


class LinearOperatorFullMatrix(LinearOperator):
    """A dense matrix.

    Args:
        matrix: [..., m, n].
        is_non_singular, is_self_adjoint, is_positive_definite, is_square, name: see
            `LinearOperator`.
    """

    def __init__(
        self,
        matrix: Any,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str = "LinearOperatorFullMatrix",
    ) -> None:
        self._matrix = matrix_of(matrix, "matrix")
        if self._matrix.shape.rank is not None and self._matrix.shape.rank < 2:
            raise ValueError(f"matrix must have rank 2 or more, got {self._matrix.shape}")
        super().__init__(
            self._matrix.dtype,
            None,
            is_non_singular,
            is_self_adjoint,
            is_positive_definite,
            is_square,
            name,
        )

    @property
    def matrix(self) -> Any:
        """The matrix."""
        return self._matrix

    def _to_dense(self) -> Any:
        return self._matrix


class LinearOperatorDiag(LinearOperator):
    """A diagonal matrix.

    Args:
        diag: [..., n].
        is_non_singular, is_self_adjoint, is_positive_definite, is_square, name: see
            `LinearOperator`.
    """

    def __init__(
        self,
        diag: Any,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str = "LinearOperatorDiag",
    ) -> None:
        self._diag = matrix_of(diag, "diag")
        if self._diag.shape.rank == 0:
            raise ValueError("diag must have rank 1 or more, got a scalar")
        if is_square is False:
            raise ValueError("a diagonal operator is square")
        if not self._diag.dtype.is_complex:
            if is_self_adjoint is False:
                raise ValueError("a real diagonal operator is self-adjoint")
            is_self_adjoint = True
        super().__init__(
            self._diag.dtype,
            None,
            is_non_singular,
            is_self_adjoint,
            is_positive_definite,
            True,
            name,
        )

    @property
    def diag(self) -> Any:
        """The diagonal."""
        return self._diag

    def _shape(self) -> TensorShape:
        return self._diag.shape.concatenate(self._diag.shape[-1:])

    def _to_dense(self) -> Any:
        return call("MatrixDiag", self._diag)

    def _matmul(self, x: Any, adjoint: bool) -> Any:
        diag = _conj(self._diag) if adjoint else self._diag
        return call("ExpandDims", diag, -1) * x

    def _solve(self, rhs: Any, adjoint: bool) -> Any:
        diag = _conj(self._diag) if adjoint else self._diag
        return rhs / call("ExpandDims", diag, -1)

    def _diag_part(self) -> Any:
        return self._diag

    def _determinant(self) -> Any:
        return call("Prod", self._diag, _LAST)

    def _log_abs_determinant(self) -> Any:
        return call("Sum", call("Log", _absolute(self._diag)), _LAST)

    def _eigvals(self) -> Any:
        return self._diag

    def _inverse(self) -> LinearOperator:
        return LinearOperatorDiag(call("Reciprocal", self._diag), is_non_singular=True)

    def _adjoint(self) -> LinearOperator:
        return LinearOperatorDiag(_conj(self._diag), is_non_singular=self.is_non_singular)

    def _cholesky(self) -> LinearOperator:
        return LinearOperatorDiag(call("Sqrt", self._diag), is_positive_definite=True)


class LinearOperatorLowerTriangular(LinearOperator):
    """A lower triangular matrix.

    Args:
        tril: [..., n, n], of which the lower triangle is read.
        is_non_singular, is_self_adjoint, is_positive_definite, is_square, name: see
            `LinearOperator`.
    """

    def __init__(
        self,
        tril: Any,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str = "LinearOperatorLowerTriangular",
    ) -> None:
        if is_square is False:
            raise ValueError("a triangular operator is square")
        self._tril = matrix_of(tril, "tril")
        super().__init__(
            self._tril.dtype,
            None,
            is_non_singular,
            is_self_adjoint,
            is_positive_definite,
            True,
            name,
        )

    @property
    def tril(self) -> Any:
        """The matrix as it was given."""
        return self._tril

    def _shape(self) -> TensorShape:
        shape: TensorShape = self._tril.shape
        return shape

    def _to_dense(self) -> Any:
        return call("MatrixBandPart", self._tril, -1, 0)

    def _solve(self, rhs: Any, adjoint: bool) -> Any:
        return triangular_solve(self._tril, rhs, lower=True, adjoint=adjoint)

    def _determinant(self) -> Any:
        return call("Prod", self._diag_part(), _LAST)

    def _log_abs_determinant(self) -> Any:
        return call("Sum", call("Log", _absolute(self._diag_part())), _LAST)

    def _diag_part(self) -> Any:
        return call("MatrixDiagPart", self._tril)

    def _eigvals(self) -> Any:
        return self._diag_part()


class LinearOperatorScaledIdentity(LinearOperator):
    """A multiple of the identity.

    Args:
        num_rows: number of rows and columns.
        multiplier: a number, or one for each matrix of a stack.
        assert_proper_shapes: accepted for compatibility.
        is_non_singular, is_self_adjoint, is_positive_definite, is_square, name: see
            `LinearOperator`.
    """

    def __init__(
        self,
        num_rows: Any,
        multiplier: Any,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = True,
        assert_proper_shapes: bool = False,
        name: str = "LinearOperatorScaledIdentity",
    ) -> None:
        if is_square is False:
            raise ValueError("an identity is square")
        self._multiplier = matrix_of(multiplier, "multiplier")
        self._num_rows = int(num_rows)
        if self._num_rows < 0:
            raise ValueError(f"num_rows must not be negative, got {num_rows}")
        if not self._multiplier.dtype.is_complex:
            is_self_adjoint = True
        super().__init__(
            self._multiplier.dtype,
            None,
            is_non_singular,
            is_self_adjoint,
            is_positive_definite,
            True,
            name,
        )

    @property
    def multiplier(self) -> Any:
        """The multiple."""
        return self._multiplier

    def _scale(self) -> Any:
        return call("ExpandDims", call("ExpandDims", self._multiplier, -1), -1)

    def _shape(self) -> TensorShape:
        rows = self._num_rows
        return self._multiplier.shape.concatenate([rows, rows])

    def _to_dense(self) -> Any:
        return self._scale() * eye(self._num_rows, dtype=self.dtype)

    def _matmul(self, x: Any, adjoint: bool) -> Any:
        return (_conj(self._scale()) if adjoint else self._scale()) * x

    def _solve(self, rhs: Any, adjoint: bool) -> Any:
        return rhs / (_conj(self._scale()) if adjoint else self._scale())

    def _diag_part(self) -> Any:
        ones = np.ones(self._num_rows, self.dtype.np)
        return call("ExpandDims", self._multiplier, -1) * ones

    def _determinant(self) -> Any:
        return call("Pow", self._multiplier, np.array(self._num_rows, self.dtype.np))

    def _log_abs_determinant(self) -> Any:
        rows = np.array(self._num_rows, self.dtype.np)
        return rows * call("Log", _absolute(self._multiplier))

    def _eigvals(self) -> Any:
        return self._diag_part()

    def _inverse(self) -> LinearOperator:
        return LinearOperatorScaledIdentity(
            self._num_rows, call("Reciprocal", self._multiplier), is_non_singular=True
        )

    def _adjoint(self) -> LinearOperator:
        return LinearOperatorScaledIdentity(self._num_rows, _conj(self._multiplier))

    def _cholesky(self) -> LinearOperator:
        root = call("Sqrt", self._multiplier)
        return LinearOperatorScaledIdentity(self._num_rows, root, is_positive_definite=True)


class LinearOperatorIdentity(LinearOperatorScaledIdentity):
    """The identity.

    Args:
        num_rows: number of rows and columns.
        batch_shape: shape of the stack; None for one matrix.
        dtype: type of the elements; None for float32.
        assert_proper_shapes: accepted for compatibility.
        is_non_singular, is_self_adjoint, is_positive_definite, is_square, name: see
            `LinearOperator`.
    """

    def __init__(
        self,
        num_rows: Any,
        batch_shape: Any = None,
        dtype: Any = None,
        is_non_singular: bool | None = True,
        is_self_adjoint: bool | None = True,
        is_positive_definite: bool | None = True,
        is_square: bool | None = True,
        assert_proper_shapes: bool = False,
        name: str = "LinearOperatorIdentity",
    ) -> None:
        if False in (is_non_singular, is_self_adjoint, is_positive_definite, is_square):
            raise ValueError("an identity is non-singular, self-adjoint, positive and square")
        kind = dtypes.float32 if dtype is None else dtypes.as_dtype(dtype)
        shape = [] if batch_shape is None else [int(size) for size in np.ravel(batch_shape)]
        super().__init__(
            num_rows,
            np.ones(shape, kind.np),
            is_non_singular=True,
            is_self_adjoint=True,
            is_positive_definite=True,
            name=name,
        )

    def _inverse(self) -> LinearOperator:
        return self

    def _adjoint(self) -> LinearOperator:
        return self

    def _cholesky(self) -> LinearOperator:
        return self


class LinearOperatorZeros(LinearOperator):
    """Zeros.

    Args:
        num_rows: number of rows.
        num_columns: number of columns; None takes that of the rows.
        batch_shape: shape of the stack; None for one matrix.
        dtype: type of the elements; None for float32.
        assert_proper_shapes: accepted for compatibility.
        is_non_singular, is_self_adjoint, is_positive_definite, is_square, name: see
            `LinearOperator`.
    """

    def __init__(
        self,
        num_rows: Any,
        num_columns: Any = None,
        batch_shape: Any = None,
        dtype: Any = None,
        is_non_singular: bool | None = False,
        is_self_adjoint: bool | None = True,
        is_positive_definite: bool | None = False,
        is_square: bool | None = True,
        assert_proper_shapes: bool = False,
        name: str = "LinearOperatorZeros",
    ) -> None:
        if is_non_singular or is_positive_definite:
            raise ValueError("zeros are singular")
        columns = num_rows if num_columns is None else num_columns
        if is_square and int(num_rows) != int(columns):
            raise ValueError(f"is_square must be False for shape [{num_rows}, {columns}]")
        batch = [] if batch_shape is None else [int(size) for size in np.ravel(batch_shape)]
        self._dims = [*batch, int(num_rows), int(columns)]
        super().__init__(
            dtypes.float32 if dtype is None else dtype,
            None,
            False,
            is_self_adjoint,
            False,
            is_square,
            name,
        )

    def _shape(self) -> TensorShape:
        return TensorShape(self._dims)

    def _to_dense(self) -> Any:
        return zeros(self._dims, self.dtype)

    def _diag_part(self) -> Any:
        return zeros([*self._dims[:-2], min(self._dims[-2:])], self.dtype)

    def _determinant(self) -> Any:
        return zeros(self._dims[:-2], self.dtype)

    def _eigvals(self) -> Any:
        return self._diag_part()


class LinearOperatorHouseholder(LinearOperator):
    """The reflection along an axis.

    Args:
        reflection_axis: [..., n].
        is_non_singular, is_self_adjoint, is_positive_definite, is_square, name: see
            `LinearOperator`.
    """

    def __init__(
        self,
        reflection_axis: Any,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str = "LinearOperatorHouseholder",
    ) -> None:
        if is_positive_definite:
            raise ValueError("a reflection is not positive definite")
        if False in (is_self_adjoint, is_non_singular, is_square):
            raise ValueError("a reflection is self-adjoint, non-singular and square")
        self._reflection_axis = matrix_of(reflection_axis, "reflection_axis")
        super().__init__(self._reflection_axis.dtype, None, True, True, False, True, name)

    @property
    def reflection_axis(self) -> Any:
        """The axis, of any length."""
        return self._reflection_axis

    def _unit(self) -> Any:
        axis = self._reflection_axis
        squares = call("Sum", axis * _conj(axis), _LAST, keep_dims=True)
        return call("ExpandDims", axis * call("Rsqrt", squares), -1)

    def _shape(self) -> TensorShape:
        shape = self._reflection_axis.shape
        return shape.concatenate(shape[-1:])

    def _matmul(self, x: Any, adjoint: bool) -> Any:
        unit = self._unit()
        along = matmul(unit, x, adjoint_a=True)
        return x - np.array(2, self.dtype.np) * unit * along

    def _to_dense(self) -> Any:
        unit = self._unit()
        outer = matmul(unit, unit, adjoint_b=True)
        size = self._reflection_axis.shape.as_list()[-1]
        return eye(size, dtype=self.dtype) - np.array(2, self.dtype.np) * outer

    def _solve(self, rhs: Any, adjoint: bool) -> Any:
        return self._matmul(rhs, adjoint)

    def _inverse(self) -> LinearOperator:
        return self

    def _determinant(self) -> Any:
        return call("Neg", call("OnesLike", self._reflection_axis[..., 0]))

    def _log_abs_determinant(self) -> Any:
        return call("ZerosLike", self._reflection_axis[..., 0])


class LinearOperatorPermutation(LinearOperator):
    """A permutation: row i of a product is row perm[i] of the factor.

    Args:
        perm: integers, [..., n].
        dtype: type of the elements.
        is_non_singular, is_self_adjoint, is_positive_definite, is_square, name: see
            `LinearOperator`.
    """

    def __init__(
        self,
        perm: Any,
        dtype: Any = dtypes.float32,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str = "LinearOperatorPermutation",
    ) -> None:
        self._perm = convert_to_tensor(perm)
        if not self._perm.dtype.is_integer:
            raise TypeError(f"perm must hold integers, got {self._perm.dtype.name}")
        super().__init__(dtype, None, True, is_self_adjoint, is_positive_definite, True, name)

    @property
    def perm(self) -> Any:
        """The order of rows."""
        return self._perm

    def _shape(self) -> TensorShape:
        return self._perm.shape.concatenate(self._perm.shape[-1:])

    def _to_dense(self) -> Any:
        on, off = (np.array(value, self.dtype.np) for value in (1, 0))
        return call("OneHot", self._perm, self._perm.shape.as_list()[-1], on, off)

    def _solve(self, rhs: Any, adjoint: bool) -> Any:
        return self._matmul(rhs, not adjoint)


class LinearOperatorToeplitz(LinearOperator):
    """A matrix that is constant along its diagonals.

    Args:
        col: first column, [..., n].
        row: first row, [..., n]; its first element is that of the column.
        is_non_singular, is_self_adjoint, is_positive_definite, is_square, name: see
            `LinearOperator`.
    """

    def __init__(
        self,
        col: Any,
        row: Any,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str = "LinearOperatorToeplitz",
    ) -> None:
        if is_square is False:
            raise ValueError("a Toeplitz operator is square")
        self._col = matrix_of(col, "col")
        self._row = convert_to_tensor(row, self._col.dtype)
        super().__init__(
            self._col.dtype,
            None,
            is_non_singular,
            is_self_adjoint,
            is_positive_definite,
            True,
            name,
        )

    @property
    def col(self) -> Any:
        """First column."""
        return self._col

    @property
    def row(self) -> Any:
        """First row."""
        return self._row

    def _to_dense(self) -> Any:
        size = self._col.shape.as_list()[-1]
        places = np.arange(size)[:, None] - np.arange(size)
        below = call("GatherV2", self._col, np.maximum(places, 0), -1)
        above = call("GatherV2", self._row, np.maximum(-places, 0), -1)
        return call("SelectV2", places >= 0, below, above)


class LinearOperatorTridiag(LinearOperator):
    """A matrix of three diagonals.

    Args:
        diagonals: see `tf.linalg.tridiagonal_matmul`.
        diagonals_format: see there.
        is_non_singular, is_self_adjoint, is_positive_definite, is_square, name: see
            `LinearOperator`.
    """

    def __init__(
        self,
        diagonals: Any,
        diagonals_format: str = "compact",
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str = "LinearOperatorTridiag",
    ) -> None:
        if diagonals_format not in ("compact", "sequence", "matrix"):
            raise ValueError(
                f"diagonals_format must be 'compact', 'sequence' or 'matrix', got "
                f"{diagonals_format!r}"
            )
        if diagonals_format == "sequence":
            self._diagonals: Any = [matrix_of(each, "diagonals") for each in diagonals]
            kind, self._size = self._diagonals[1].dtype, self._diagonals[1].shape.as_list()[-1]
        else:
            self._diagonals = matrix_of(diagonals, "diagonals")
            kind, self._size = self._diagonals.dtype, self._diagonals.shape.as_list()[-1]
        self._diagonals_format = diagonals_format
        super().__init__(
            kind, None, is_non_singular, is_self_adjoint, is_positive_definite, True, name
        )

    @property
    def diagonals(self) -> Any:
        """The diagonals as they were given."""
        return self._diagonals

    @property
    def diagonals_format(self) -> str:
        """How they were given."""
        return self._diagonals_format

    def _to_dense(self) -> Any:
        if self._diagonals_format == "matrix":
            return call("MatrixBandPart", self._diagonals, 1, 1)
        batch = (
            self._diagonals[1].shape[:-1]
            if self._diagonals_format == "sequence"
            else (self._diagonals.shape[:-2])
        )
        return self._product(eye(self._size, batch_shape=batch.as_list(), dtype=self.dtype))

    def _product(self, x: Any) -> Any:
        return tridiagonal_matmul(self._diagonals, x, self._diagonals_format)

    def _matmul(self, x: Any, adjoint: bool) -> Any:
        if adjoint or x.shape.rank != len(self.batch_shape) + 2:
            return matmul(self._to_dense(), x, adjoint_a=adjoint)
        return self._product(x)

    def _solve(self, rhs: Any, adjoint: bool) -> Any:
        if adjoint or rhs.shape.rank != len(self.batch_shape) + 2:
            return super()._solve(rhs, adjoint)
        return tridiagonal_solve(self._diagonals, rhs, self._diagonals_format)

    @property
    def batch_shape(self) -> TensorShape:
        """Shape without the last two axes."""
        if self._diagonals_format == "sequence":
            return self._diagonals[1].shape[:-1]
        return self._diagonals.shape[:-2]

    def _shape(self) -> TensorShape:
        return self.batch_shape.concatenate([self._size, self._size])


class _Circulant(LinearOperator):
    """A matrix that Fourier's transform makes diagonal, over `block_depth` axes."""

    _depth = 1

    def __init__(
        self,
        spectrum: Any,
        input_output_dtype: Any = dtypes.complex64,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = True,
        name: str | None = None,
    ) -> None:
        if is_square is False:
            raise ValueError("a circulant operator is square")
        self._spectrum = matrix_of(spectrum, "spectrum")
        if not self._spectrum.dtype.is_complex:
            if is_self_adjoint is False:
                raise ValueError("a circulant operator of a real spectrum is self-adjoint")
            is_self_adjoint = True
        super().__init__(
            input_output_dtype,
            None,
            is_non_singular,
            is_self_adjoint,
            is_positive_definite,
            True,
            name,
        )

    @property
    def spectrum(self) -> Any:
        """Fourier's transform of the first column."""
        return self._spectrum

    @property
    def block_depth(self) -> int:
        """Over how many axes the transform goes."""
        return self._depth

    @property
    def block_shape(self) -> TensorShape:
        """Sizes of those axes."""
        return self._spectrum.shape[-self._depth :]

    def block_shape_tensor(self) -> Any:
        """Sizes of those axes as a tensor."""
        return call("Shape", self._spectrum)[-self._depth :]

    def _complex_spectrum(self) -> Any:
        wide = self.dtype in (dtypes.float64, dtypes.complex128)
        kind = dtypes.complex128 if wide else dtypes.complex64
        return call("Cast", self._spectrum, DstT=kind)

    def convolution_kernel(self, name: str = "convolution_kernel") -> Any:
        """The first column, over the axes of the transform."""
        return call("Cast", self._inverse_transform(self._complex_spectrum()), DstT=self.dtype)

    def _suffix(self) -> str:
        return "" if self._depth == 1 else f"{self._depth}D"

    def _transform(self, x: Any) -> Any:
        return call(f"FFT{self._suffix()}", x)

    def _inverse_transform(self, x: Any) -> Any:
        return call(f"IFFT{self._suffix()}", x)

    def _sizes(self) -> list[int]:
        sizes = self.block_shape.as_list()
        if None in sizes:
            raise ValueError(f"spectrum must have known sizes, got {self._spectrum.shape}")
        return [size for size in sizes if size is not None]

    def _shape(self) -> TensorShape:
        size = math.prod(self._sizes())
        return self._spectrum.shape[: -self._depth].concatenate([size, size])

    def _filtered(self, x: Any, spectrum: Any) -> Any:
        """Multiply the transform of each column of `x` with a spectrum."""
        rows = matrix_transpose(x)
        front = rows.shape.as_list()[:-1]
        blocks = call(
            "Reshape", call("Cast", rows, DstT=spectrum.dtype), [*front, *self._sizes()]
        )
        spread = call("ExpandDims", spectrum, -self._depth - 1)
        product = self._inverse_transform(self._transform(blocks) * spread)
        size = math.prod(self._sizes())
        flat = call("Reshape", product, [*product.shape.as_list()[: -self._depth], size])
        return call("Cast", matrix_transpose(flat), DstT=self.dtype)

    def _matmul(self, x: Any, adjoint: bool) -> Any:
        spectrum = self._complex_spectrum()
        return self._filtered(x, call("Conj", spectrum) if adjoint else spectrum)

    def _solve(self, rhs: Any, adjoint: bool) -> Any:
        spectrum = call("Reciprocal", self._complex_spectrum())
        return self._filtered(rhs, call("Conj", spectrum) if adjoint else spectrum)

    def _to_dense(self) -> Any:
        return self._matmul(eye(math.prod(self._sizes()), dtype=self.dtype), False)

    def _flat_spectrum(self) -> Any:
        batch = self._spectrum.shape.as_list()[: -self._depth]
        return call("Reshape", self._complex_spectrum(), [*batch, -1])

    def _determinant(self) -> Any:
        return call("Cast", call("Prod", self._flat_spectrum(), _LAST), DstT=self.dtype)

    def _log_abs_determinant(self) -> Any:
        spectrum = self._flat_spectrum()
        size = call("ComplexAbs", spectrum, Tout=spectrum.dtype.real_dtype)
        return call("Cast", call("Sum", call("Log", size), _LAST), DstT=self.dtype)

    def _eigvals(self) -> Any:
        return call("Cast", self._flat_spectrum(), DstT=self.dtype)


class LinearOperatorCirculant(_Circulant):
    """A circulant matrix.

    Args:
        spectrum: Fourier's transform of the first column, [..., n].
        input_output_dtype: type of the matrix and of what it acts on.
        is_non_singular, is_self_adjoint, is_positive_definite, is_square, name: see
            `LinearOperator`.
    """

    def __init__(
        self,
        spectrum: Any,
        input_output_dtype: Any = dtypes.complex64,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = True,
        name: str = "LinearOperatorCirculant",
    ) -> None:
        super().__init__(
            spectrum,
            input_output_dtype,
            is_non_singular,
            is_self_adjoint,
            is_positive_definite,
            is_square,
            name,
        )


class LinearOperatorCirculant2D(_Circulant):
    """A block circulant matrix of circulant blocks; the spectrum is [..., m, n]."""

    _depth = 2

    def __init__(
        self,
        spectrum: Any,
        input_output_dtype: Any = dtypes.complex64,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = True,
        name: str = "LinearOperatorCirculant2D",
    ) -> None:
        super().__init__(
            spectrum,
            input_output_dtype,
            is_non_singular,
            is_self_adjoint,
            is_positive_definite,
            is_square,
            name,
        )


class LinearOperatorCirculant3D(_Circulant):
    """Circulant over three axes; the spectrum is [..., l, m, n]."""

    _depth = 3

    def __init__(
        self,
        spectrum: Any,
        input_output_dtype: Any = dtypes.complex64,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = True,
        name: str = "LinearOperatorCirculant3D",
    ) -> None:
        super().__init__(
            spectrum,
            input_output_dtype,
            is_non_singular,
            is_self_adjoint,
            is_positive_definite,
            is_square,
            name,
        )


register("triangular", LinearOperatorLowerTriangular)
