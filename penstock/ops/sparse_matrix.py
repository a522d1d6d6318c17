"""Sparse matrices behind one handle, as TensorFlow's CSR ops pass them on; with a batch or not.

The handle is a variant whose value is a `SparseMatrix`. All of it runs on the host.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape, unknown_shape
from penstock.ops.sparse_rows import (
    check_inside,
    check_parts,
    flat_places,
    numbered,
    row_major,
    sparse_shapes,
    summed,
)
from penstock.ops.table import REQUIRED, op

Array = Any

_KINDS = (dtypes.float32, dtypes.float64, dtypes.complex64, dtypes.complex128)


class SparseMatrix:
    """A matrix, or a batch of them: the places of its elements in row-major order, and these.

    Args:
        sizes: [rows, columns] or [batch, rows, columns].
        indices: [n, rank] int64.
        values: [n].
    """

    def __init__(self, sizes: tuple[int, ...], indices: Array, values: Array) -> None:
        self.sizes = sizes
        self.indices = indices
        self.values = values

    def transposed(self, conjugate: bool) -> SparseMatrix:
        """The matrix with rows and columns exchanged."""
        swap = [*range(len(self.sizes) - 2), len(self.sizes) - 1, len(self.sizes) - 2]
        moved = self.indices[:, swap]
        order = row_major(moved)
        values = np.conj(self.values) if conjugate else self.values
        return SparseMatrix(tuple(self.sizes[i] for i in swap), moved[order], values[order])

    def demand(self, kind: DType) -> None:
        """Refuse to be read as numbers of another dtype."""
        if self.values.dtype != kind.np:
            raise InvalidArgumentError(
                f"the sparse matrix must hold {kind.name}, it holds {self.values.dtype.name}"
            )


def _checked(shape: Array, indices: Array, values: Array) -> SparseMatrix:
    if values.dtype not in [kind.np for kind in _KINDS]:
        raise InvalidArgumentError(
            f"a sparse matrix must hold float32, float64, complex64 or complex128, got "
            f"{values.dtype}"
        )
    sizes = tuple(int(size) for size in shape)
    if len(sizes) not in (2, 3):
        raise InvalidArgumentError(f"a sparse matrix must have rank 2 or 3, got {len(sizes)}")
    check_inside(indices, sizes)
    order = row_major(indices)
    return SparseMatrix(sizes, indices[order], values[order])


def _scalar(*_: Any, **__: Any) -> TensorShape:
    return TensorShape(())


@op(
    "SparseTensorToCSRSparseMatrix",
    inputs=("indices: int64", "values: T", "dense_shape: int64"),
    outputs=("sparse_matrix: variant",),
    kernel="host",
    shape=_scalar,
)
def sparse_tensor_to_csr(indices: Array, values: Array, dense_shape: Array) -> Any:
    """Handle of the matrix, or batch of matrices, that a sparse tensor is.

    Shape: indices [n, rank], values [n], dense_shape [rank] -> sparse_matrix [].
    Errors: InvalidArgumentError when the rank is not 2 or 3, or a place is outside.
    """
    check_parts(indices, values, dense_shape)
    return _checked(dense_shape, indices, values)


@op(
    "DenseToCSRSparseMatrix",
    inputs=("dense_input: T", "indices: int64"),
    outputs=("sparse_output: variant",),
    kernel="host",
    shape=_scalar,
)
def dense_to_csr(dense_input: Array, indices: Array) -> Any:
    """Handle of a matrix with the elements that a dense one has at some places.

    Shape: dense_input [...], indices [n, rank] -> sparse_output [].
    Errors: InvalidArgumentError when the rank is not 2 or 3, or a place is outside.
    """
    if indices.ndim != 2 or indices.shape[1] != dense_input.ndim:
        raise InvalidArgumentError(
            f"indices must have {dense_input.ndim} columns like dense_input, got shape "
            f"{list(indices.shape)}"
        )
    check_inside(indices, dense_input.shape)
    return _checked(dense_input.shape, indices, dense_input[tuple(indices.T)])


@op(
    "CSRSparseMatrixToSparseTensor",
    inputs=("sparse_matrix: variant",),
    outputs=("indices: int64", "values: type", "dense_shape: int64"),
    attrs={"type": REQUIRED},
    kernel="host",
    shape=lambda *_, **__: sparse_shapes(None),
)
def csr_to_sparse_tensor(sparse_matrix: Any, *, type: DType) -> Any:
    """Parts of the sparse tensor behind a handle.

    Shape: sparse_matrix [] -> indices [n, rank], values [n], dense_shape [rank].
    Errors: InvalidArgumentError when it holds another dtype.
    """
    sparse_matrix.demand(type)
    sizes = np.asarray(sparse_matrix.sizes, np.int64)
    return sparse_matrix.indices, sparse_matrix.values, sizes


@op(
    "CSRSparseMatrixToDense",
    inputs=("sparse_input: variant",),
    outputs=("dense_output: type",),
    attrs={"type": REQUIRED},
    kernel="host",
    shape=lambda *_, **__: unknown_shape(None),
)
def csr_to_dense(sparse_input: Any, *, type: DType) -> Array:
    """The dense matrix behind a handle; the last of repeated elements stays.

    Shape: sparse_input [] -> dense_output [...].
    Errors: InvalidArgumentError when it holds another dtype.
    """
    sparse_input.demand(type)
    dense = np.zeros(sparse_input.sizes, sparse_input.values.dtype)
    dense[tuple(sparse_input.indices.T)] = sparse_input.values
    return dense


@op(
    "CSRSparseMatrixComponents",
    inputs=("csr_sparse_matrix: variant", "index: int32"),
    outputs=("row_ptrs: int32", "col_inds: int32", "values: type"),
    attrs={"type": REQUIRED},
    kernel="host",
    shape=lambda *_, **__: (unknown_shape(1),) * 3,
)
def csr_components(csr_sparse_matrix: Any, index: Array, *, type: DType) -> Any:
    """Where each row starts, the columns and the values of one matrix of a batch.

    Shape: csr_sparse_matrix [], index [] -> row_ptrs [rows + 1], col_inds [n], values [n].
    Errors: InvalidArgumentError when there is no such matrix, or it holds another dtype.
    """
    csr_sparse_matrix.demand(type)
    shape, number = csr_sparse_matrix.sizes, int(index)
    count = shape[0] if len(shape) == 3 else 1
    if not 0 <= number < count:
        raise InvalidArgumentError(f"index must be from 0 to {count - 1}, got {number}")
    indices, values = csr_sparse_matrix.indices, csr_sparse_matrix.values
    if len(shape) == 3:
        inside = indices[:, 0] == number
        indices, values = indices[inside], values[inside]
    starts = np.zeros(shape[-2] + 1, np.int32)
    starts[1:] = np.cumsum(np.bincount(indices[:, -2], minlength=shape[-2]))
    return starts, indices[:, -1].astype(np.int32), values


@op(
    "SparseMatrixNNZ",
    inputs=("sparse_matrix: variant",),
    outputs=("nnz: int32",),
    kernel="host",
    differentiable=False,
    shape=lambda *_, **__: unknown_shape(None),
)
def sparse_matrix_nnz(sparse_matrix: Any) -> Array:
    """How many elements a sparse matrix has; of a batch, each.

    Shape: sparse_matrix [] -> nnz [] or [batch].
    """
    if len(sparse_matrix.sizes) == 2:
        return np.asarray(len(sparse_matrix.values), np.int32)
    owner = sparse_matrix.indices[:, 0]
    return np.bincount(owner, minlength=sparse_matrix.sizes[0]).astype(np.int32)


@op(
    "SparseMatrixTranspose",
    inputs=("input: variant",),
    outputs=("output: variant",),
    attrs={"conjugate": False, "type": REQUIRED},
    kernel="host",
    shape=_scalar,
)
def sparse_matrix_transpose(input: Any, *, conjugate: bool, type: DType) -> Any:
    """Handle of the matrix with rows and columns exchanged.

    Shape: input [] -> output [].
    Errors: InvalidArgumentError when it holds another dtype.
    """
    input.demand(type)
    return input.transposed(conjugate)


def _turned(matrix: SparseMatrix, transpose: bool, adjoint: bool, name: str) -> SparseMatrix:
    if transpose and adjoint:
        raise InvalidArgumentError(
            f"only one of transpose_{name} and adjoint_{name} may be set"
        )
    return matrix.transposed(adjoint) if transpose or adjoint else matrix


def _check_product(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    if len(a) != len(b):
        raise InvalidArgumentError(f"a and b must have one rank, got shapes {a} and {b}")
    if a[:-2] != b[:-2] or a[-1] != b[-2]:
        raise InvalidArgumentError(
            f"a must have as many columns as b has rows, and one batch, got {a} and {b}"
        )


@op(
    "SparseMatrixMatMul",
    inputs=("a: variant", "b: T"),
    outputs=("output: T",),
    attrs={
        "transpose_a": False,
        "transpose_b": False,
        "adjoint_a": False,
        "adjoint_b": False,
        "transpose_output": False,
        "conjugate_output": False,
    },
    kernel="host",
    shape=lambda a, b, **_: unknown_shape(b.shape.rank),  # noqa: ARG005
)
def sparse_matrix_mat_mul(
    a: Any,
    b: Array,
    *,
    transpose_a: bool,
    transpose_b: bool,
    adjoint_a: bool,
    adjoint_b: bool,
    transpose_output: bool,
    conjugate_output: bool,
) -> Array:
    """Product of a sparse and a dense matrix, or of each pair of two batches.

    Shape: a [], b [..., k, n] -> output [..., m, n], turned with transpose_output.
    Errors: InvalidArgumentError when the shapes do not fit each other, or the dtypes differ.
    """
    a.demand(dtypes.dtype_of_numpy(b.dtype))
    a = _turned(a, transpose_a, adjoint_a, "a")
    if transpose_b and adjoint_b:
        raise InvalidArgumentError("only one of transpose_b and adjoint_b may be set")
    if b.ndim >= 2 and (transpose_b or adjoint_b):
        b = np.swapaxes(np.conj(b) if adjoint_b else b, -1, -2)
    _check_product(a.sizes, b.shape)
    rows = flat_places(a.indices[:, :-1], a.sizes[:-1])
    inner = (*a.indices[:, :-2].T, a.indices[:, -1])
    count = int(np.prod(a.sizes[:-1]))
    output = summed(rows, a.values[:, None] * b[inner], count)
    output = output.reshape((*a.sizes[:-1], b.shape[-1]))
    if conjugate_output:
        output = np.conj(output)
    return np.swapaxes(output, -1, -2) if transpose_output else output


@op(
    "SparseMatrixSparseMatMul",
    inputs=("a: variant", "b: variant"),
    outputs=("c: variant",),
    attrs={
        "type": REQUIRED,
        "transpose_a": False,
        "transpose_b": False,
        "adjoint_a": False,
        "adjoint_b": False,
    },
    kernel="host",
    shape=_scalar,
)
def sparse_matrix_sparse_mat_mul(
    a: Any,
    b: Any,
    *,
    type: DType,
    transpose_a: bool,
    transpose_b: bool,
    adjoint_a: bool,
    adjoint_b: bool,
) -> Any:
    """Product of two sparse matrices, or of each pair of two batches; sums that are 0 stay.

    Shape: a [], b [] -> c [].
    Errors: InvalidArgumentError when the shapes do not fit each other, or the dtypes differ.
    """
    a.demand(type)
    b.demand(type)
    a = _turned(a, transpose_a, adjoint_a, "a")
    b = _turned(b, transpose_b, adjoint_b, "b")
    _check_product(a.sizes, b.sizes)
    # Each element of `a` meets the row of `b` that its column names.
    row_of_b = flat_places(b.indices[:, :-1], b.sizes[:-1])
    sizes = np.bincount(row_of_b, minlength=int(np.prod(b.sizes[:-1])))
    starts = np.cumsum(sizes) - sizes
    met = flat_places(np.delete(a.indices, -2, axis=1), b.sizes[:-1])
    times = sizes[met]
    left = np.repeat(np.arange(len(met)), times)
    within = np.arange(len(left)) - np.repeat(np.cumsum(times) - times, times)
    right = starts[met][left] + within
    places = np.concatenate([a.indices[left, :-1], b.indices[right, -1:]], axis=1)
    rows, numbers = numbered(places)
    values = summed(numbers, a.values[left] * b.values[right], len(rows))
    return SparseMatrix((*a.sizes[:-1], b.sizes[-1]), rows, values)
