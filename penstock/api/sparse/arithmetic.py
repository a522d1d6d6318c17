"""Arithmetic of sparse tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.dtypes import DType
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.sparse_tensor import SparseTensor, SparseTensorValue, as_sparse
from penstock.runtime.static_shape import static_value

__all__ = [
    "add",
    "map_values",
    "maximum",
    "minimum",
    "reduce_max",
    "reduce_sum",
    "sampled_addmm",
    "softmax",
    "sparse_dense_matmul",
]

_KINDS = (SparseTensor, SparseTensorValue)


def _parts(sparse: SparseTensor) -> tuple[Any, Any, Any]:
    return sparse.indices, sparse.values, sparse.dense_shape


def add(a: Any, b: Any, threshold: Any = 0) -> Any:
    """Sum of two tensors of which at least one is sparse.

    Args:
        a: a sparse or dense tensor.
        b: a sparse or dense tensor of the same shape.
        threshold: of two sparse tensors: sums of a smaller size than this are left out.

    Returns:
        A sparse tensor if both are sparse, else a dense one.

    Raises:
        TypeError: both are dense.
        InvalidArgumentError: the shapes differ.
    """
    if not isinstance(a, _KINDS) and not isinstance(b, _KINDS):
        raise TypeError(
            "At least one input should be SparseTensor; do you mean to use tf.add()?"
        )
    if isinstance(a, _KINDS) and isinstance(b, _KINDS):
        a, b = as_sparse(a), as_sparse(b)
        limit = convert_to_tensor(threshold, a.dtype.real_dtype)
        indices, values, shape = call("SparseAdd", *_parts(a), *_parts(b), limit)
        made = SparseTensor(indices, values, shape)
        made.set_shape(a.shape.merge_with(b.shape))
        return made
    if isinstance(b, _KINDS):
        a, b = b, a
    sparse = as_sparse(a)
    return call("SparseTensorDenseAdd", *_parts(sparse), convert_to_tensor(b, sparse.dtype))


def sparse_dense_matmul(
    sp_a: Any,
    b: Any,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
    name: str | None = None,
) -> Any:
    """Product of two matrices, one of them sparse.

    Args:
        sp_a: a sparse or dense matrix.
        b: a dense or sparse matrix.
        adjoint_a: whether the first is transposed, and conjugated, before.
        adjoint_b: whether the second is.
        name: name of the node in a graph.

    Raises:
        InvalidArgumentError: the inner sizes differ.

    Example:
        >>> import penstock as tf
        >>> st = tf.SparseTensor([[0, 1], [1, 0]], [5.0, 6.0], [2, 2])
        >>> tf.sparse.sparse_dense_matmul(st, [[1.0], [2.0]]).numpy().tolist()
        [[10.0], [6.0]]
    """
    if isinstance(b, _KINDS):
        # A sparse factor on the right: (AB)' = B'A'.
        product = sparse_dense_matmul(b, sp_a, not adjoint_b, not adjoint_a)
        kind = "ConjugateTranspose" if product.dtype.is_complex else "Transpose"
        return call(kind, product, [1, 0], name=name)
    sparse = as_sparse(sp_a, "sp_a")
    return call(
        "SparseTensorDenseMatMul",
        *_parts(sparse),
        convert_to_tensor(b),
        adjoint_a=bool(adjoint_a),
        adjoint_b=bool(adjoint_b),
        name=name,
    )


def _axes(sparse: SparseTensor, axis: Any) -> Any:
    if axis is None:
        rank = sparse.shape.rank
        if rank is None:
            return call("Range", 0, call("Size", sparse.dense_shape), 1)
        return np.arange(rank, dtype=np.int32)
    return convert_to_tensor(axis, dtypes.int32)


def _reduce(kind: str, sp_input: Any, axis: Any, keepdims: Any, sparse_output: bool) -> Any:
    sparse = as_sparse(sp_input)
    axes = _axes(sparse, axis)
    keep = bool(keepdims)
    if sparse_output:
        return SparseTensor(
            *call(f"SparseReduce{kind}Sparse", *_parts(sparse), axes, keep_dims=keep)
        )
    dense = call(f"SparseReduce{kind}", *_parts(sparse), axes, keep_dims=keep)
    known = static_value(axes)
    if known is not None and sparse.shape.rank is not None:
        reduced = {int(each) % max(sparse.shape.rank, 1) for each in np.ravel(known)}
        sizes = sparse.shape.as_list()
        kept = [
            1 if i in reduced else size
            for i, size in enumerate(sizes)
            if keep or i not in reduced
        ]
        dense.set_shape(kept)
    return dense


def reduce_sum(
    sp_input: Any,
    axis: Any = None,
    keepdims: bool | None = None,
    output_is_sparse: bool = False,
    name: str | None = None,
) -> Any:
    """Sum of the elements along axes, or of all.

    Args:
        sp_input: a sparse tensor.
        axis: axes that are summed over; None takes all.
        keepdims: whether these axes stay with size 1.
        output_is_sparse: whether the result is sparse.
        name: name of the node in a graph.
    """
    return _reduce("Sum", sp_input, axis, keepdims, output_is_sparse)


def reduce_max(
    sp_input: Any,
    axis: Any = None,
    keepdims: bool | None = None,
    output_is_sparse: bool = False,
    name: str | None = None,
) -> Any:
    """Largest of the elements that are held along axes; 0 where there is none.

    Args:
        sp_input: a sparse tensor.
        axis: axes over which the largest is sought; None takes all.
        keepdims: whether these axes stay with size 1.
        output_is_sparse: whether the result is sparse.
        name: name of the node in a graph.
    """
    return _reduce("Max", sp_input, axis, keepdims, output_is_sparse)


def softmax(sp_input: Any, name: str | None = None) -> SparseTensor:
    """Softmax over the elements that each row of the last axis holds."""
    sparse = as_sparse(sp_input)
    return sparse.with_values(call("SparseSoftmax", *_parts(sparse), name=name))


def _choose(op_name: str, sp_a: Any, sp_b: Any, name: str | None) -> SparseTensor:
    a, b = as_sparse(sp_a, "sp_a"), as_sparse(sp_b, "sp_b")
    indices, values = call(op_name, *_parts(a), *_parts(b), name=name)
    return SparseTensor(indices, values, a.dense_shape)


def maximum(sp_a: Any, sp_b: Any, name: str | None = None) -> SparseTensor:
    """The larger of two sparse tensors, element by element; what is not held is 0."""
    return _choose("SparseSparseMaximum", sp_a, sp_b, name)


def minimum(sp_a: Any, sp_b: Any, name: str | None = None) -> SparseTensor:
    """The smaller of two sparse tensors, element by element; what is not held is 0."""
    return _choose("SparseSparseMinimum", sp_a, sp_b, name)


def map_values(op: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call `op` on the elements of sparse tensors, which must be held in the same places.

    Args:
        op: a function that gives a tensor whose first axis counts the elements.
        args: arguments of `op`; sparse tensors, also within lists, are replaced by values.
        kwargs: arguments by name likewise.

    Returns:
        A sparse tensor of the results.

    Raises:
        ValueError: there is no sparse argument.
        InvalidArgumentError: the places differ.
    """
    found: list[SparseTensor] = []
    new_args = _without_places(list(args), found)
    new_kwargs = _without_places(dict(kwargs), found)
    if not found:
        raise ValueError("No SparseTensor in argument list of map_values")
    first = found[0]
    for other in found[1:]:
        _assert_same(first.dense_shape, other.dense_shape, "shapes")
        _assert_same(first.indices, other.indices, "indices")
    return first.with_values(op(*new_args, **new_kwargs))


def _without_places(value: Any, found: list[SparseTensor]) -> Any:
    if isinstance(value, SparseTensor):
        found.append(value)
        return value.values
    if isinstance(value, (list, tuple)):
        return type(value)(_without_places(each, found) for each in value)
    if isinstance(value, dict):
        return {key: _without_places(each, found) for key, each in value.items()}
    return value


def _assert_same(x: Any, y: Any, what: str) -> None:
    if x is y:
        return
    same_size = call("All", call("Equal", call("Shape", x), call("Shape", y)), 0)
    text = [convert_to_tensor(f"{what} of the sparse arguments must be equal")]
    call("Assert", same_size, text)
    axes = np.arange(x.shape.rank or 0, dtype=np.int32)
    call("Assert", call("All", call("Equal", x, y), axes), text)


def sampled_addmm(
    indices: Any,
    values: Any,
    dense_shape: Any,
    mat1: Any,
    mat2: Any,
    beta: Any = 1.0,
    alpha: Any = 1.0,
    output_type: Any = dtypes.float32,
) -> tuple[Any, Any, Any]:
    """alpha * (mat1 @ mat2) + beta * values, at the places of a sparse matrix only.

    Args:
        indices: [n, 2] places.
        values: [n] what stands there.
        dense_shape: [2] shape of the sparse matrix.
        mat1: [rows, k] left factor.
        mat2: [k, columns] right factor.
        beta: weight of the values.
        alpha: weight of the product.
        output_type: element type of the result.

    Returns:
        The indices, the results [n] and the dense shape.
    """
    kind: DType = dtypes.as_dtype(output_type)
    left = call("Cast", convert_to_tensor(mat1), DstT=kind)
    right = call("Cast", convert_to_tensor(mat2), DstT=kind)
    held = call("Cast", convert_to_tensor(values), DstT=kind)
    indices = convert_to_tensor(indices)
    rows = call("GatherV2", left, indices[:, 0], 0)
    columns = call("GatherV2", right, indices[:, 1], 1)
    product = call("Sum", call("Mul", rows, call("Transpose", columns, [1, 0])), [1])
    total = call(
        "AddV2",
        call("Mul", convert_to_tensor(alpha, kind), product),
        call("Mul", convert_to_tensor(beta, kind), held),
    )
    return indices, total, convert_to_tensor(dense_shape)
