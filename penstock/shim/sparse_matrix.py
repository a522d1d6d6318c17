"""Private ops of TensorFlow on handles of sparse matrices (`sparse_csr_matrix_ops`).

Arguments and their order are those of TensorFlow's generated functions.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from penstock.core import dtypes
from penstock.runtime.dispatch import call


class CSRSparseMatrixComponents(NamedTuple):
    """What `csr_sparse_matrix_components` returns."""

    row_ptrs: Any
    col_inds: Any
    values: Any


class CSRSparseMatrixToSparseTensor(NamedTuple):
    """What `csr_sparse_matrix_to_sparse_tensor` returns."""

    indices: Any
    values: Any
    dense_shape: Any


def sparse_tensor_to_csr_sparse_matrix(
    indices: Any, values: Any, dense_shape: Any, name: str | None = None
) -> Any:
    """Return the handle of the matrix that a sparse tensor is."""
    return call("SparseTensorToCSRSparseMatrix", indices, values, dense_shape, name=name)


def dense_to_csr_sparse_matrix(dense_input: Any, indices: Any, name: str | None = None) -> Any:
    """Return the handle of a matrix with the elements of a dense one at `indices`."""
    return call("DenseToCSRSparseMatrix", dense_input, indices, name=name)


def csr_sparse_matrix_to_sparse_tensor(
    sparse_matrix: Any,
    type: Any,
    name: str | None = None,
) -> CSRSparseMatrixToSparseTensor:
    """Return indices, values and dense shape of the matrix behind a handle."""
    kind = dtypes.as_dtype(type)
    parts = call("CSRSparseMatrixToSparseTensor", sparse_matrix, type=kind, name=name)
    return CSRSparseMatrixToSparseTensor(*parts)


def csr_sparse_matrix_to_dense(
    sparse_input: Any,
    type: Any,
    name: str | None = None,
) -> Any:
    """Return the matrix behind a handle as a dense one."""
    kind = dtypes.as_dtype(type)
    return call("CSRSparseMatrixToDense", sparse_input, type=kind, name=name)


def csr_sparse_matrix_components(
    csr_sparse_matrix: Any,
    index: Any,
    type: Any,
    name: str | None = None,
) -> CSRSparseMatrixComponents:
    """Return row pointers, columns and values of one matrix of a batch."""
    kind = dtypes.as_dtype(type)
    parts = call("CSRSparseMatrixComponents", csr_sparse_matrix, index, type=kind, name=name)
    return CSRSparseMatrixComponents(*parts)


def sparse_matrix_nnz(sparse_matrix: Any, name: str | None = None) -> Any:
    """Return how many elements a sparse matrix has."""
    return call("SparseMatrixNNZ", sparse_matrix, name=name)


def sparse_matrix_transpose(
    input: Any,
    type: Any,
    conjugate: bool = False,
    name: str | None = None,
) -> Any:
    """Return the handle of the matrix with rows and columns exchanged."""
    kind = dtypes.as_dtype(type)
    return call("SparseMatrixTranspose", input, type=kind, conjugate=conjugate, name=name)


def sparse_matrix_mat_mul(  # noqa: PLR0917  (TensorFlow's parameters)
    a: Any,
    b: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
    transpose_output: bool = False,
    conjugate_output: bool = False,
    name: str | None = None,
) -> Any:
    """Return the product of a sparse and a dense matrix."""
    return call(
        "SparseMatrixMatMul",
        a,
        b,
        transpose_a=transpose_a,
        transpose_b=transpose_b,
        adjoint_a=adjoint_a,
        adjoint_b=adjoint_b,
        transpose_output=transpose_output,
        conjugate_output=conjugate_output,
        name=name,
    )


def sparse_matrix_sparse_mat_mul(  # noqa: PLR0917
    a: Any,
    b: Any,
    type: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
    name: str | None = None,
) -> Any:
    """Return the handle of the product of two sparse matrices."""
    return call(
        "SparseMatrixSparseMatMul",
        a,
        b,
        type=dtypes.as_dtype(type),
        transpose_a=transpose_a,
        transpose_b=transpose_b,
        adjoint_a=adjoint_a,
        adjoint_b=adjoint_b,
        name=name,
    )
