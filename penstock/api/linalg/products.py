"""Products of matrices and tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.api.composite import open_to_composites
from penstock.core import dtypes
from penstock.core.dtypes import as_dtype
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.tensor import EagerTensor

_SPARSE_KINDS = (dtypes.bfloat16, dtypes.float32)


def matmul(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    output_type: Any = None,
    grad_a: bool = False,
    grad_b: bool = False,
    name: str | None = None,
) -> Any:
    """Product of matrices, or of stacks of matrices whose batch shapes broadcast.

    Args:
        a: left factor, of rank 2 or more.
        b: right factor, of the same dtype.
        transpose_a: whether to transpose `a`.
        transpose_b: whether to transpose `b`.
        adjoint_a: whether to transpose and conjugate `a`.
        adjoint_b: whether to transpose and conjugate `b`.
        a_is_sparse: a hint that has no effect, except that bfloat16 may meet float32.
        b_is_sparse: likewise.
        output_type: dtype to compute in and to return; None takes that of the factors.
        grad_a: says that `a` is a gradient; no effect.
        grad_b: says that `b` is a gradient; no effect.
        name: name of the node in a graph.

    Raises:
        ValueError: a factor should be both transposed and adjoint.
        InvalidArgumentError: the shapes do not fit.

    Example:
        >>> import penstock as tf
        >>> tf.matmul([[1, 2]], [[3], [4]]).numpy().tolist()
        [[11]]
    """
    for letter, transposed, adjoint in (
        ("a", transpose_a, adjoint_a),
        ("b", transpose_b, adjoint_b),
    ):
        if transposed and adjoint:
            raise ValueError(f"only one of transpose_{letter} and adjoint_{letter} can be True")
    if not isinstance(a, EagerTensor):
        a = convert_to_tensor(a)
    if not isinstance(b, EagerTensor):
        b = convert_to_tensor(b, dtype_hint=a.dtype)
    if a.dtype != b.dtype and (a_is_sparse or b_is_sparse):
        a, b = (_as_float32(each) for each in (a, b))
    rank_a, rank_b = a.ndim, b.ndim
    many = rank_a is None or rank_a > 2 or rank_b is None or rank_b > 2
    if not many and output_type is None:
        if a.dtype.is_complex:
            a = call("Conj", a) if adjoint_a else a
            b = call("Conj", b) if adjoint_b else b
        return call(
            "MatMul",
            a,
            b,
            transpose_a=transpose_a or adjoint_a,
            transpose_b=transpose_b or adjoint_b,
            name=name,
        )
    if a.dtype.is_complex:
        a = call("Conj", a) if transpose_a else a
        b = call("Conj", b) if transpose_b else b
    flags = {"adj_x": transpose_a or adjoint_a, "adj_y": transpose_b or adjoint_b}
    if output_type is None or (a.dtype == b.dtype and as_dtype(output_type) == a.dtype):
        return call("BatchMatMulV2", a, b, name=name, **flags)
    return call("BatchMatMulV3", a, b, Tout=as_dtype(output_type), name=name, **flags)


def _as_float32(tensor: Any) -> Any:
    if tensor.dtype not in _SPARSE_KINDS:
        return tensor
    return call("Cast", tensor, DstT=dtypes.float32)


def matvec(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    adjoint_a: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    name: str | None = None,
) -> Any:
    """Products of matrices and vectors.

    Args:
        a: matrices, [..., n, m].
        b: vectors, [..., m].
        transpose_a: whether to transpose `a`.
        adjoint_a: whether to transpose and conjugate `a`.
        a_is_sparse: see `matmul`.
        b_is_sparse: see `matmul`.
        name: name of the node in a graph.

    Returns:
        Vectors, [..., n].
    """
    a = convert_to_tensor(a)
    column = call("ExpandDims", convert_to_tensor(b, dtype_hint=a.dtype), -1)
    product = matmul(
        a,
        column,
        transpose_a=transpose_a,
        adjoint_a=adjoint_a,
        a_is_sparse=a_is_sparse,
        b_is_sparse=b_is_sparse,
    )
    return call("Squeeze", product, squeeze_dims=(-1,), name=name)


def tensordot(a: Any, b: Any, axes: Any, name: str | None = None) -> Any:
    """Sum of products over chosen axes of two tensors.

    Args:
        a: a tensor.
        b: a tensor of the same dtype.
        axes: a number n for the last n axes of `a` and the first n of `b`, or two equally long
            lists of axes.
        name: name of the node in a graph.

    Returns:
        A tensor of the other axes of `a` followed by those of `b`.

    Raises:
        ValueError: the axes do not fit.
    """
    a = convert_to_tensor(a)
    b = convert_to_tensor(b, dtype_hint=a.dtype)
    if a.shape.rank is None or b.shape.rank is None:
        raise ValueError(f"tensordot needs tensors of known rank, got {a.shape} and {b.shape}")
    a_axes, b_axes = _contracted(a.shape.rank, b.shape.rank, axes)
    left, a_free = _flattened(a, a_axes, last=True)
    right, b_free = _flattened(b, b_axes, last=False)
    product = call("MatMul", left, right)
    known = [*a_free, *b_free]
    if all(isinstance(size, int) for size in known):
        return call("Reshape", product, np.array(known, np.int32), name=name)
    return call("Reshape", product, convert_to_tensor(known, dtypes.int32), name=name)


def _contracted(a_rank: int, b_rank: int, axes: Any) -> tuple[list[int], list[int]]:
    if isinstance(axes, (int, np.integer)):
        if axes < 0:
            raise ValueError(f"axes must be at least 0, got {axes}")
        if axes > a_rank or axes > b_rank:
            raise ValueError(
                f"axes must not exceed the ranks {a_rank} and {b_rank}, got {axes}"
            )
        return list(range(a_rank - axes, a_rank)), list(range(axes))
    pair = axes.numpy().tolist() if isinstance(axes, EagerTensor) else axes
    if not isinstance(pair, (list, tuple, np.ndarray)) or len(pair) != 2:
        raise ValueError(f"axes must be an integer or have length 2, got {axes}")
    both = []
    for one, rank in zip(pair, (a_rank, b_rank), strict=True):
        places = [int(one)] if isinstance(one, (int, np.integer)) else [int(i) for i in one]
        if any(not -rank <= place < rank for place in places):
            raise ValueError(f"axes must be in [{-rank}, {rank}), got {places}")
        both.append([place % rank for place in places])
    if len(both[0]) != len(both[1]):
        raise ValueError(f"axes must name equally many axes of a and b, got {axes}")
    return both[0], both[1]


def _flattened(tensor: Any, axes: list[int], *, last: bool) -> tuple[Any, list[Any]]:
    """Make a matrix with `axes` along its columns (or rows), and give the other sizes."""
    rank = tensor.shape.rank
    free = [i for i in range(rank) if i not in axes]
    order = [*free, *axes] if last else [*axes, *free]
    dims = tensor.shape.as_list()
    if order != list(range(rank)):
        tensor_in_order = call("Transpose", tensor, np.array(order, np.int32))
    else:
        tensor_in_order = tensor
    sizes: list[Any] = [dims[i] for i in free]
    if None in sizes:
        shape = call("Shape", tensor)
        sizes = [shape[i] if dims[i] is None else dims[i] for i in free]
    inner = [dims[i] for i in axes]
    if None not in inner:
        count = int(np.prod(inner, dtype=np.int64))
        rest = -1 if count else _product_of(sizes)
        target: Any = [rest, count] if last else [count, rest]
    else:
        outer = [dims[i] for i in free]
        if None in outer or 0 in outer:
            whole = call("Shape", tensor)
            count = call("Prod", call("GatherV2", whole, np.array(axes, np.int32), 0), [0])
            rest = call("Prod", call("GatherV2", whole, np.array(free, np.int32), 0), [0])
            target = [rest, count] if last else [count, rest]
        else:
            rest = int(np.prod(outer, dtype=np.int64))
            target = [rest, -1] if last else [-1, rest]
    if all(isinstance(size, int) for size in target):
        target = np.array(target, np.int32)
    return call("Reshape", tensor_in_order, target), sizes


def _product_of(sizes: list[Any]) -> Any:
    product: Any = 1
    for size in sizes:
        product = size * product
    return product


open_to_composites(globals())
