"""Look-up of rows of a table by number."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.api.composite import open_to_composites
from penstock.api.sparse.conversion import fill_empty_rows
from penstock.api.sparse.structure import reshape as sparse_reshape
from penstock.api.sparse.structure import retain
from penstock.core import dtypes
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.sparse_tensor import SparseTensor
from penstock.runtime.tensor import Tensor

__all__ = ["embedding_lookup", "embedding_lookup_sparse", "safe_embedding_lookup_sparse"]


def embedding_lookup(
    params: Any, ids: Any, max_norm: float | None = None, name: str | None = None
) -> Any:
    """Rows of a table.

    Args:
        params: the table `[rows, ...]`, or a list of tables that hold consecutive rows of it.
        ids: numbers of rows, of any shape.
        max_norm: longest row to return; longer ones are shortened. None for no limit.
        name: name of the op.

    Returns:
        `[*ids.shape, ...]`.

    Raises:
        ValueError: there are no tables.
        InvalidArgumentError: a number is no row.

    Example:
        >>> import penstock as tf
        >>> tf.nn.embedding_lookup([[1., 2.], [3., 4.]], [1, 1, 0]).numpy().tolist()
        [[3.0, 4.0], [3.0, 4.0], [1.0, 2.0]]
    """
    if params is None or (isinstance(params, (list, tuple)) and not params):
        raise ValueError("params must be a table, or a list of at least one")
    ids = convert_to_tensor(ids)
    table = _table(params)
    limited = max_norm is not None
    if hasattr(table, "sparse_read"):
        rows = table.sparse_read(ids, name=None if limited else name)
    else:
        rows = call("GatherV2", table, ids, 0, name=None if limited else name)
    if max_norm is None:
        return rows
    return _shortened(rows, ids.shape.rank, max_norm, name)


def _table(params: Any) -> Any:
    """One table of those that a list holds."""
    if isinstance(params, (list, tuple)) and _are_tables(params):
        if len(params) == 1:
            return params[0]
        return call("ConcatV2", [convert_to_tensor(part) for part in params], 0)
    if hasattr(params, "sparse_read"):
        return params
    return convert_to_tensor(params)


def _are_tables(params: Any) -> bool:
    return all(
        isinstance(part, (Tensor, np.ndarray)) or hasattr(part, "sparse_read")
        for part in params
    )


def _shortened(rows: Any, id_rank: int | None, max_norm: float, name: str | None) -> Any:
    """Scale rows longer than `max_norm` down to it."""
    if id_rank is None or rows.shape.rank is None:
        raise ValueError("max_norm needs params and ids of known rank")
    axes = np.arange(id_rank, rows.shape.rank, dtype=np.int32)
    square = call("Sum", rows * rows, axes, keep_dims=True)
    positive = call("Greater", square, call("ZerosLike", square))
    # A row of zeros has no direction: keep the slope of its length finite.
    safe = call("SelectV2", positive, square, call("OnesLike", square))
    length = call("SelectV2", positive, call("Sqrt", safe), square)
    limit = convert_to_tensor(max_norm, dtype=rows.dtype)
    return call("RealDiv", rows * limit, call("Maximum", length, limit), name=name)


def embedding_lookup_sparse(
    params: Any,
    sp_ids: Any,
    sp_weights: Any,
    combiner: str | None = None,
    max_norm: float | None = None,
    name: str | None = None,
    allow_fast_lookup: bool = False,
) -> Any:
    """Rows of a table, combined for each row of a sparse matrix of their numbers.

    Args:
        params: the table `[rows, ...]`, or a list of tables that hold consecutive rows of it.
        sp_ids: SparseTensor or RaggedTensor of two axes, without empty rows in between.
        sp_weights: weights of the same places, or None for ones.
        combiner: "mean" (the default: divided by the sum of the weights), "sqrtn" (by the root
            of the sum of their squares) or "sum".
        max_norm: longest row to use; longer ones are shortened. None for no limit.
        name: name of the op.
        allow_fast_lookup: has no effect.

    Raises:
        TypeError: `sp_ids` or `sp_weights` is of another kind.
        ValueError: another combiner, or weights at other places.
    """
    combiner = "mean" if combiner is None else combiner
    if combiner not in ("mean", "sqrtn", "sum"):
        raise ValueError(f"combiner must be 'mean', 'sqrtn' or 'sum', got {combiner!r}")
    rows, ids = _rows_and_values(sp_ids, "sp_ids")
    weights = None
    if sp_weights is not None:
        if type(sp_weights) is not type(sp_ids):
            raise TypeError(
                f"sp_weights must be None or a {type(sp_ids).__name__}, got "
                f"{type(sp_weights).__name__}"
            )
        weight_rows, weights = _rows_and_values(sp_weights, "sp_weights")
        ids.shape.assert_is_compatible_with(weights.shape)
        rows.shape.assert_is_compatible_with(weight_rows.shape)
    # Each row of the table is read once, however often it is asked for.
    distinct, places = call("Unique", ids)
    table = embedding_lookup(params, distinct, max_norm)
    # Half precision would lose what it adds up.
    kind = table.dtype
    if kind in (dtypes.float16, dtypes.bfloat16):
        table = call("Cast", table, DstT=dtypes.float32)
    if weights is None:
        op_name = {"mean": "Mean", "sqrtn": "SqrtN", "sum": "Sum"}[combiner]
        result = call(f"SparseSegment{op_name}", table, places, rows, name=name)
    else:
        picked = call("GatherV2", table, places, 0)
        result = _weighted(picked, rows, weights, combiner, name)
    return result if result.dtype == kind else call("Cast", result, DstT=kind)


def _weighted(rows: Any, segments: Any, weights: Any, combiner: str, name: str | None) -> Any:
    if weights.dtype != rows.dtype:
        weights = call("Cast", weights, DstT=rows.dtype)
    column = call("Reshape", weights, [-1] + [1] * (rows.shape.rank - 1))
    total = call("SegmentSum", call("Mul", rows, column), segments, name=name)
    if combiner == "sum":
        return total
    if combiner == "mean":
        divisor = call("SegmentSum", column, segments)
    else:
        divisor = call("Sqrt", call("SegmentSum", call("Square", column), segments))
    return call("DivNoNan", total, divisor, name=name)


def _rows_and_values(sparse: Any, what: str) -> tuple[Any, Any]:
    """Row number of each value of a sparse or ragged matrix, and the values."""
    if isinstance(sparse, SparseTensor):
        rows = call("Cast", sparse.indices[:, 0], DstT=dtypes.int32)
        return rows, sparse.values
    if hasattr(sparse, "value_rowids") and hasattr(sparse, "flat_values"):
        return call("Cast", sparse.value_rowids(), DstT=dtypes.int32), sparse.flat_values
    raise TypeError(
        f"{what} must be a SparseTensor or RaggedTensor, got {type(sparse).__name__}"
    )


def safe_embedding_lookup_sparse(
    embedding_weights: Any,
    sparse_ids: Any,
    sparse_weights: Any = None,
    combiner: str = "mean",
    default_id: int | None = None,
    max_norm: float | None = None,
    name: str | None = None,
    allow_fast_lookup: bool = False,
) -> Any:
    """As `embedding_lookup_sparse`, for ids that may be missing or negative.

    Args:
        embedding_weights: the table, or a list of tables that hold consecutive rows of it.
        sparse_ids: SparseTensor of two axes or more; negative ids are left out.
        sparse_weights: weights of the same places; those that are not positive are left out,
            unless the combiner is "sum".
        combiner: "mean", "sqrtn" or "sum".
        default_id: what rows without ids stand for; None gives zeros.
        max_norm: longest row to use; longer ones are shortened.
        name: name of the op.
        allow_fast_lookup: has no effect.

    Raises:
        ValueError: there are no tables, or the rank of the ids is not known.
    """
    if embedding_weights is None or (
        isinstance(embedding_weights, (list, tuple)) and not embedding_weights
    ):
        raise ValueError("embedding_weights must be a table, or a list of at least one")
    sizes = call("Cast", sparse_ids.dense_shape, DstT=dtypes.int32)
    rank = sparse_ids.shape.rank or sizes.shape[0]
    if rank is None:
        raise ValueError("the rank of sparse_ids must be known")
    matrix = _matrix_of(sizes, rank)
    ids = sparse_reshape(sparse_ids, matrix)
    weights = None if sparse_weights is None else sparse_reshape(sparse_weights, matrix)
    keep = call("GreaterEqual", ids.values, np.zeros((), ids.values.dtype.np))
    if weights is not None and combiner != "sum":
        positive = call("Greater", weights.values, np.zeros((), weights.values.dtype.np))
        keep = call("LogicalAnd", keep, positive)
    ids = retain(ids, keep)
    weights = None if weights is None else retain(weights, keep)
    default = np.asarray(0 if default_id is None else default_id, ids.values.dtype.np)
    ids, empty = fill_empty_rows(ids, default)
    if weights is not None:
        weights, _ = fill_empty_rows(weights, np.ones((), weights.values.dtype.np))
    result = embedding_lookup_sparse(embedding_weights, ids, weights, combiner, max_norm)
    if default_id is None:
        column = call("Reshape", empty, [-1] + [1] * (result.shape.rank - 1))
        result = call("SelectV2", column, np.zeros((), result.dtype.np), result)
    shape = call("ConcatV2", [sizes[: rank - 1], call("Shape", result)[1:]], 0)
    return call("Reshape", result, shape, name=name)


def _matrix_of(sizes: Any, rank: int) -> Any:
    """Sizes of a matrix whose rows are those of all leading axes."""
    rows = call("Prod", sizes[: rank - 1], 0)
    return call("Cast", call("Pack", [rows, sizes[rank - 1]]), DstT=dtypes.int64)


open_to_composites(globals())
