"""Products of matrices whose sizes differ from one to the next."""

from __future__ import annotations

from typing import Any

from penstock.core.errors import InvalidArgumentError
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.ragged.broadcasting import same_splits_type
from penstock.runtime.ragged.partition_rows import demand
from penstock.runtime.ragged_tensor import RaggedTensor, as_values


def matmul(
    a: Any, b: Any, transpose_a: bool, transpose_b: bool, *, conjugate: bool = False
) -> Any:
    """Product of the matrices that the last two axes hold, one by one.

    Raises:
        ValueError: the ranks differ, are below 2 or not known.
        InvalidArgumentError: inner sizes differ, or a matrix has rows of different lengths.
    """
    a, b = same_splits_type(as_values(a), as_values(b))
    rank = a.shape.rank
    if rank is None or b.shape.rank is None:
        raise ValueError("matmul requires at least one input to have known rank")
    if rank != b.shape.rank:
        raise ValueError("`a` and `b` must have the same rank.")
    if rank < 2:
        raise ValueError("`a` and `b` must have rank 2 or more")
    if conjugate:
        raise ValueError("adjoint matrices are not supported for ragged tensors; use transpose")
    if rank == 2:
        return _plain(_one_matrix(a), _one_matrix(b), transpose_a, transpose_b)
    if rank > 3:
        a, b = _with_batch(a, b)
        inner = matmul(a.values, b.values, transpose_a, transpose_b)
        return a.with_values(inner)
    return _batch(a, b, transpose_a, transpose_b)


def _plain(a: Any, b: Any, transpose_a: bool, transpose_b: bool) -> Any:
    op = "MatMul" if a.shape.rank == 2 else "BatchMatMulV2"
    names = ("transpose_a", "transpose_b") if op == "MatMul" else ("adj_x", "adj_y")
    return call(op, a, b, **dict(zip(names, (transpose_a, transpose_b), strict=True)))


def _one_matrix(value: Any) -> Any:
    if not isinstance(value, RaggedTensor):
        return value
    lengths = value.row_lengths()
    demand(
        call("Equal", lengths, lengths[:1]),
        "The matrices in `a` and `b` may not be ragged in their innermost dimension",
        InvalidArgumentError,
    )
    return value.to_tensor()


def _with_batch(a: Any, b: Any) -> tuple[RaggedTensor, RaggedTensor]:
    """Both ragged, and cut into the same outer rows."""
    like = a if isinstance(a, RaggedTensor) else b
    a, b = (
        each
        if isinstance(each, RaggedTensor)
        else RaggedTensor.from_tensor(each, row_splits_dtype=like.row_splits.dtype)
        for each in (a, b)
    )
    demand(
        call("Equal", a.row_splits, b.row_splits),
        "a and b must be cut into the same outer rows",
    )
    return a, b


def _sizes(value: Any, kind: Any) -> tuple[Any, Any, Any]:
    """Rows and columns of each matrix, and the columns where all matrices have as many."""
    if not isinstance(value, RaggedTensor):
        shape = call("Shape", value, out_type=kind)
        count = call("Reshape", shape[0], [1])
        rows, columns = (call("BroadcastTo", shape[axis], count) for axis in (1, 2))
        return rows, columns, shape[2]
    rows = value.row_lengths()
    if not isinstance(value.values, RaggedTensor):
        width = call("Shape", value.values, out_type=kind)[1]
        return rows, call("BroadcastTo", width, call("Shape", rows)), width
    lengths = value.values.row_lengths()
    # A matrix has as many columns as its first row; one without rows has none.
    widest = call("UnsortedSegmentMax", lengths, value.value_rowids(), value.nrows())
    columns = call("Maximum", widest, convert_to_tensor(0, kind))
    own = call("GatherV2", columns, value.value_rowids(), 0)
    demand(
        call("Equal", lengths, own),
        "The matrices in `a` and `b` may not be ragged in their innermost dimension",
        InvalidArgumentError,
    )
    return rows, columns, None


def _batch(a: Any, b: Any, transpose_a: bool, transpose_b: bool) -> RaggedTensor:
    kind = (a if isinstance(a, RaggedTensor) else b).row_splits.dtype
    rows_a, columns_a, _ = _sizes(a, kind)
    rows_b, columns_b, width_b = _sizes(b, kind)
    if transpose_a:
        rows_a, columns_a = columns_a, rows_a
    if transpose_b:
        rows_b, columns_b, width_b = columns_b, rows_b, None
    demand(
        call("Equal", columns_a, rows_b),
        "Matrix size-incompatible: inner sizes of a and b must be equal",
        InvalidArgumentError,
    )
    # Matrices are filled up with zeros, which add nothing, and the products cut again.
    dense = _plain(
        a.to_tensor() if isinstance(a, RaggedTensor) else a,
        b.to_tensor() if isinstance(b, RaggedTensor) else b,
        transpose_a,
        transpose_b,
    )
    outer = RaggedTensor.from_tensor(dense, lengths=rows_a, row_splits_dtype=kind)
    if width_b is not None:
        return outer  # type: ignore[no-any-return]
    owner = outer.value_rowids()
    inner = RaggedTensor.from_tensor(
        outer.values, lengths=call("GatherV2", columns_b, owner, 0), row_splits_dtype=kind
    )
    return outer.with_values(inner)  # type: ignore[no-any-return]
