"""Arithmetic of sparse tensors: sums, products, larger and smaller values, softmax."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape, unknown_shape
from penstock.ops.checks import require
from penstock.ops.namespace import namespace
from penstock.ops.sparse_rows import (
    check_inside,
    check_parts,
    flat_places,
    numbered,
    rank_of,
    sparse_shapes,
    summed,
)
from penstock.ops.table import device_kernel, gradient, host_kernel, op

Array = Any

_TWO = (
    "a_indices: int64",
    "a_values: T",
    "a_shape: int64",
    "b_indices: int64",
    "b_values: T",
    "b_shape: int64",
)


def _same_shapes(a_shape: Array, b_shape: Array) -> None:
    if a_shape.shape != b_shape.shape or (a_shape != b_shape).any():
        raise InvalidArgumentError(
            f"sparse tensors must have one shape, got {a_shape.tolist()} and {b_shape.tolist()}"
        )


def _add_shape(a_indices: Any, a_values: Any, a_shape: Any, *_: Any) -> Any:
    del a_indices, a_values
    return sparse_shapes(rank_of(a_shape))


@op(
    "SparseAdd",
    inputs=(*_TWO, "thresh: Treal"),
    outputs=("sum_indices: int64", "sum_values: T", "sum_shape: int64"),
    kernel="host",
    shape=_add_shape,
)
def sparse_add(  # noqa: PLR0917  (as many inputs as the op has)
    a_indices: Array,
    a_values: Array,
    a_shape: Array,
    b_indices: Array,
    b_values: Array,
    b_shape: Array,
    thresh: Array,
) -> Any:
    """Sum of two sparse tensors, without sums of two elements that are below a threshold.

    Shape: a_indices [n, rank], a_values [n], a_shape [rank], b_indices [m, rank], b_values [m],
        b_shape [rank], thresh [] -> sum_indices [k, rank], sum_values [k], sum_shape [rank].
    Errors: InvalidArgumentError when the shapes differ.
    """
    check_parts(a_indices, a_values, a_shape)
    check_parts(b_indices, b_values, b_shape)
    _same_shapes(a_shape, b_shape)
    rows, numbers = numbered(np.concatenate([a_indices, b_indices]))
    total = summed(numbers, np.concatenate([a_values, b_values]), len(rows))
    kept = (np.bincount(numbers, minlength=len(rows)) < 2) | (np.abs(total) >= thresh)
    return rows[kept], total[kept], a_shape


@gradient("SparseAdd")
def sparse_add_gradient(g: Any, _: Any, grad: Any, __: Any) -> Any:
    """Each addend gets the gradient of the sums at its places."""
    if grad is None:
        return (None,) * 7
    of_a, of_b = g.call("SparseAddGrad", grad, g.inputs[0], g.inputs[3], g.outputs[0])
    return None, of_a, None, None, of_b, None, None


@op(
    "SparseAddGrad",
    inputs=(
        "backprop_val_grad: T",
        "a_indices: int64",
        "b_indices: int64",
        "sum_indices: int64",
    ),
    outputs=("a_val_grad: T", "b_val_grad: T"),
    kernel="host",
    shape=lambda grad, a, b, total: (a.shape[:1], b.shape[:1]),  # noqa: ARG005
)
def sparse_add_grad(
    backprop_val_grad: Array, a_indices: Array, b_indices: Array, sum_indices: Array
) -> Any:
    """Gradients of the values of two sparse addends; 0 where the sum was left out.

    Shape: backprop_val_grad [k], a_indices [n, rank], b_indices [m, rank],
        sum_indices [k, rank] -> a_val_grad [n], b_val_grad [m].
    """
    rows, numbers = numbered(np.concatenate([sum_indices, a_indices, b_indices]))
    known = np.zeros((len(rows),), backprop_val_grad.dtype)
    count = len(sum_indices)
    known[numbers[:count]] = backprop_val_grad
    both = known[numbers[count:]]
    return both[: len(a_indices)], both[len(a_indices) :]


def _row_of_larger(name: str, choose: Callable[..., Array], word: str) -> None:
    def kernel(  # noqa: PLR0917  (as many inputs as the op has)
        a_indices: Array,
        a_values: Array,
        a_shape: Array,
        b_indices: Array,
        b_values: Array,
        b_shape: Array,
    ) -> Any:
        check_parts(a_indices, a_values, a_shape)
        check_parts(b_indices, b_values, b_shape)
        _same_shapes(a_shape, b_shape)
        rows, numbers = numbered(np.concatenate([a_indices, b_indices]))
        left = np.zeros((len(rows),), a_values.dtype)
        right = np.zeros((len(rows),), a_values.dtype)
        left[numbers[: len(a_indices)]] = a_values
        right[numbers[len(a_indices) :]] = b_values
        return rows, choose(left, right)

    kernel.__doc__ = f"""The {word} of two sparse tensors, element by element.

    Shape: a_indices [n, rank], a_values [n], a_shape [rank], b_indices [m, rank], b_values [m],
        b_shape [rank] -> output_indices [k, rank], output_values [k].
    Errors: InvalidArgumentError when the shapes differ.
    """
    op(
        name,
        inputs=_TWO,
        outputs=("output_indices: int64", "output_values: T"),
        kernel="host",
        shape=lambda *specs: sparse_shapes(rank_of(specs[2]))[:2],
    )(kernel)


_row_of_larger("SparseSparseMaximum", np.maximum, "larger")
_row_of_larger("SparseSparseMinimum", np.minimum, "smaller")


@op(
    "SparseTensorDenseAdd",
    inputs=("a_indices: Tindices", "a_values: T", "a_shape: Tindices", "b: T"),
    outputs=("output: T",),
    shape=lambda indices, values, shape, b: b.shape,  # noqa: ARG005
)
def sparse_tensor_dense_add(
    a_indices: Array, a_values: Array, a_shape: Array, b: Array
) -> Array:
    """Sum of a sparse and a dense tensor of one shape.

    Shape: a_indices [n, rank], a_values [n], a_shape [rank], b [...] -> output [...].
    Errors: InvalidArgumentError when the shapes differ or a place is outside.
    """
    xp = namespace(a_indices, a_values, b)
    if a_shape.shape[0] != b.ndim or a_indices.shape[1] != b.ndim:
        raise InvalidArgumentError(
            f"b must have {a_shape.shape[0]} axes like a, got shape {list(b.shape)}"
        )
    sizes = xp.asarray(b.shape, a_shape.dtype)
    message = f"a must have the shape {list(b.shape)} of b"
    require((xp.asarray(a_shape) == sizes).all(), InvalidArgumentError, message)
    inside = ((a_indices >= 0) & (a_indices < sizes)).all()
    require(inside, InvalidArgumentError, f"indices must lie inside of {list(b.shape)}")
    places = tuple(a_indices[:, axis] for axis in range(b.ndim))
    if xp is np:
        total = b.copy()
        np.add.at(total, places, a_values)
        return total
    return xp.asarray(b).at[places].add(a_values)


@gradient("SparseTensorDenseAdd")
def sparse_tensor_dense_add_gradient(g: Any, grad: Any) -> Any:
    """The dense addend gets all of the gradient, the sparse one that of its places."""
    of_values = g.call("GatherNd", grad, g.inputs[0]) if g.needs(1) else None
    return None, of_values, None, grad


def _product_shape(
    a_indices: Any, a_values: Any, a_shape: Any, b: Any, *, adjoint_a: bool, adjoint_b: bool
) -> TensorShape:
    del a_indices, a_values
    sizes = None if a_shape.value is None else np.asarray(a_shape.value).tolist()
    columns = b.shape[0 if adjoint_b else 1]
    return TensorShape([None if sizes is None else sizes[1 if adjoint_a else 0], columns])


def _factors(a_indices: Array, a_shape: Array, b: Array, adjoint_a: bool) -> Any:
    """Row and column of each element of `a`, and the number of rows of the product."""
    if a_indices.ndim != 2 or a_indices.shape[1] != 2 or len(a_shape) != 2 or b.ndim != 2:
        raise InvalidArgumentError(
            f"a and b must be matrices, got {len(a_shape)} axes and shape {list(b.shape)}"
        )
    rows, inner = (int(size) for size in (a_shape[::-1] if adjoint_a else a_shape))
    if inner != b.shape[0]:
        raise InvalidArgumentError(
            f"inner sizes of a and b must be equal, got {inner} and {b.shape[0]} after the "
            "transposes"
        )
    row, column = a_indices[:, 0], a_indices[:, 1]
    if adjoint_a:
        row, column = column, row
    inside = ((row >= 0) & (row < rows) & (column >= 0) & (column < inner)).all()
    require(inside, InvalidArgumentError, f"indices of a must lie inside of {a_shape.tolist()}")
    return row, column, rows


@op(
    "SparseTensorDenseMatMul",
    inputs=("a_indices: Tindices", "a_values: T", "a_shape: int64", "b: T"),
    outputs=("product: T",),
    attrs={"adjoint_a": False, "adjoint_b": False},
    kernel="device",
    constant_inputs=("a_shape",),
    shape=_product_shape,
)
def sparse_tensor_dense_mat_mul(
    a_indices: Array,
    a_values: Array,
    a_shape: Array,
    b: Array,
    *,
    adjoint_a: bool,
    adjoint_b: bool,
) -> Array:
    """Product of a sparse and a dense matrix.

    Shape: a_indices [e, 2], a_values [e], a_shape [2] of a matrix [n, k], b [k, m] ->
        product [n, m], each matrix read after its transpose.
    Errors: InvalidArgumentError when the inner sizes differ or a place is outside.
    """
    xp = namespace(a_indices, a_values, b)
    b = xp.conj(b).T if adjoint_b else b
    row, column, rows = _factors(a_indices, a_shape, b, adjoint_a)
    values = xp.conj(a_values) if adjoint_a else a_values
    terms = values[:, None] * b[column]
    return xp.zeros((rows, b.shape[1]), b.dtype).at[row].add(terms)


@host_kernel("SparseTensorDenseMatMul")
def sparse_tensor_dense_mat_mul_host(
    a_indices: Array,
    a_values: Array,
    a_shape: Array,
    b: Array,
    *,
    adjoint_a: bool,
    adjoint_b: bool,
) -> Array:
    """The same by numpy."""
    b = np.conj(b).T if adjoint_b else b
    row, column, rows = _factors(a_indices, a_shape, b, adjoint_a)
    values = np.conj(a_values) if adjoint_a else a_values
    return summed(row, values[:, None] * b[column], rows)


@gradient("SparseTensorDenseMatMul")
def sparse_tensor_dense_mat_mul_gradient(g: Any, grad: Any) -> Any:
    """The dense factor gets the transposed product, each value the product of two rows."""
    indices, values, shape, b = g.inputs
    adjoint_a, adjoint_b = g.attrs["adjoint_a"], g.attrs["adjoint_b"]
    of_b = of_values = None
    if g.needs(3):
        of_b = g.call(
            "SparseTensorDenseMatMul", indices, values, shape, grad, adjoint_a=not adjoint_a
        )
        if adjoint_b:
            of_b = _adjoint(g, of_b)
    if g.needs(1):
        row, column = g.call("Unpack", indices, axis=1, num=2)
        other = _adjoint(g, b) if adjoint_b else b
        if adjoint_a:
            row, column = column, row
        left = g.call("GatherV2", grad, row, 0)
        right = g.call("GatherV2", other, column, 0)
        if adjoint_a:
            left, right = right, left
        if right.dtype.is_complex:
            right = g.call("Conj", right)
        of_values = g.call("Sum", g.call("Mul", left, right), [-1])
    return None, of_values, None, of_b


def _adjoint(g: Any, matrix: Any) -> Any:
    kind = "ConjugateTranspose" if matrix.dtype.is_complex else "Transpose"
    return g.call(kind, matrix, [1, 0])


@op(
    "SparseSoftmax",
    inputs=("sp_indices: int64", "sp_values: T", "sp_shape: int64"),
    outputs=("output: T",),
    kernel="host",
    shape=lambda indices, values, shape: values.shape,  # noqa: ARG005
)
def sparse_softmax(sp_indices: Array, sp_values: Array, sp_shape: Array) -> Array:
    """Softmax over the elements that each row of the last axis holds.

    Shape: sp_indices [n, rank], sp_values [n], sp_shape [rank] -> output [n].
    Errors: InvalidArgumentError when there are fewer than two axes.
    """
    check_parts(sp_indices, sp_values, sp_shape)
    if len(sp_shape) < 2:
        raise InvalidArgumentError(f"sp_shape must have 2 axes or more, got {len(sp_shape)}")
    check_inside(sp_indices, sp_shape)
    rows, numbers = numbered(sp_indices[:, :-1])
    largest = np.full((len(rows),), -np.inf, sp_values.dtype)
    np.maximum.at(largest, numbers, sp_values)
    powers = np.exp(sp_values - largest[numbers])
    return powers / summed(numbers, powers, len(rows))[numbers]


@gradient("SparseSoftmax")
def sparse_softmax_gradient(g: Any, grad: Any) -> Any:
    """(gradient - its mean under the softmax of the row) * softmax."""
    indices, _, shape = g.inputs
    output = g.outputs[0]
    weighted = g.call("Mul", output, grad)
    mean = g.call("SparseReduceSum", indices, weighted, shape, [-1], keep_dims=True)
    centred = g.call("SparseDenseCwiseAdd", indices, grad, shape, g.call("Neg", mean))
    return None, g.call("Mul", centred, output), None


def _broadcast_places(sp_indices: Array, sp_shape: Array, dense: Array) -> tuple[Array, ...]:
    """Where the elements of a sparse tensor fall in a dense one that is broadcast to it."""
    sizes = sp_shape.tolist()
    if dense.ndim > len(sizes) or any(
        have not in (1, want)
        for have, want in zip(dense.shape[::-1], sizes[::-1], strict=False)
    ):
        raise InvalidArgumentError(
            f"the dense operand must broadcast to the sparse shape {sizes}, got shape "
            f"{list(dense.shape)}"
        )
    check_inside(sp_indices, sizes)
    skipped = len(sizes) - dense.ndim
    return tuple(
        np.zeros((len(sp_indices),), np.int64) if size == 1 else sp_indices[:, axis + skipped]
        for axis, size in enumerate(dense.shape)
    )


def _row_of_elementwise(word: str, combine: Callable[..., Array], meaning: str) -> None:
    name = f"SparseDenseCwise{word}"

    def kernel(sp_indices: Array, sp_values: Array, sp_shape: Array, dense: Array) -> Array:
        check_parts(sp_indices, sp_values, sp_shape)
        places = _broadcast_places(sp_indices, sp_shape, dense)
        return combine(sp_values, dense[places])

    kernel.__doc__ = f"""{meaning} of the elements of a sparse tensor and a dense one.

    The dense tensor is broadcast to the sparse one; elements that are not held stay so.

    Shape: sp_indices [n, rank], sp_values [n], sp_shape [rank], dense [...] -> output [n].
    Errors: InvalidArgumentError when the dense tensor does not broadcast to the sparse one.
    """
    op(
        name,
        inputs=("sp_indices: int64", "sp_values: T", "sp_shape: int64", "dense: T"),
        outputs=("output: T",),
        kernel="host",
        shape=lambda indices, values, shape, dense: values.shape,  # noqa: ARG005
    )(kernel)

    def compiled(sp_indices: Array, sp_values: Array, sp_shape: Array, dense: Array) -> Array:
        check_parts(sp_indices, sp_values, sp_shape)
        places = _places_when_compiled(sp_indices, sp_shape, dense)
        return combine(sp_values, jnp.asarray(dense)[places])

    compiled.__doc__ = kernel.__doc__
    device_kernel(name)(compiled)


def _places_when_compiled(
    sp_indices: Array, sp_shape: Array, dense: Array
) -> tuple[Array, ...]:
    """Like `_broadcast_places`, for a shape that may be known only when it runs."""
    rank = sp_indices.shape[1]
    skipped = rank - dense.ndim
    message = "the dense operand must broadcast to the sparse shape"
    if skipped < 0:
        raise InvalidArgumentError(f"{message}, got shape {list(dense.shape)}")
    fits = [
        sp_shape[axis + skipped] == size for axis, size in enumerate(dense.shape) if size != 1
    ]
    for fit in fits:
        require(fit, InvalidArgumentError, message)
    inside = (sp_indices >= 0) & (sp_indices < sp_shape)
    require(inside, InvalidArgumentError, "sp_indices must lie inside of sp_shape")
    zeros = jnp.zeros((sp_indices.shape[0],), jnp.int64)
    return tuple(
        zeros if size == 1 else sp_indices[:, axis + skipped]
        for axis, size in enumerate(dense.shape)
    )


def _divide(x: Array, y: Array) -> Array:
    if x.dtype.kind not in "iu":
        return x / y
    require(y != 0, InvalidArgumentError, "an integer must not be divided by zero")
    xp = namespace(x, y)
    y = xp.where(y == 0, y.dtype.type(1), y)
    return (xp.sign(x) * xp.sign(y) * (abs(x) // abs(y))).astype(x.dtype)


_row_of_elementwise("Add", operator.add, "Sum")
_row_of_elementwise("Mul", operator.mul, "Product")
_row_of_elementwise("Div", _divide, "Quotient")


def _met_by(g: Any) -> tuple[Any, Any]:
    """The elements of the dense operand that meet the sparse ones, and their places."""
    indices, _, shape, dense = g.inputs
    sizes = g.call("Cast", g.call("Shape", dense), DstT=shape.dtype)
    extra = g.call("Sub", g.call("Size", shape), g.call("Size", sizes))
    ones = g.call("Fill", g.call("Reshape", extra, [1]), np.int64(1))
    padded = g.call("ConcatV2", [ones, sizes], 0)
    scale = g.call("FloorDiv", shape, g.call("Maximum", padded, np.int64(1)))
    places = g.call("FloorDiv", indices, g.call("Maximum", scale, np.int64(1)))
    return g.call("GatherNd", g.call("Reshape", dense, padded), places), places


def _summed_to_dense(g: Any, places: Any, slopes: Any) -> Any:
    sizes = g.call("Cast", g.call("Shape", g.inputs[3]), DstT=places.dtype)
    extra = g.call("Sub", g.call("Size", g.inputs[2]), g.call("Size", sizes))
    ones = g.call("Fill", g.call("Reshape", extra, [1]), np.int64(1))
    padded = g.call("ConcatV2", [ones, sizes], 0)
    return g.call("Reshape", g.call("ScatterNd", places, slopes, padded), sizes)


@gradient("SparseDenseCwiseMul")
def sparse_dense_cwise_mul_gradient(g: Any, grad: Any) -> Any:
    """Slopes of a product; those of the dense operand are summed where they meet."""
    other, places = _met_by(g)
    of_dense = None
    if g.needs(3):
        of_dense = _summed_to_dense(g, places, g.call("Mul", grad, g.inputs[1]))
    return None, g.call("Mul", grad, other), None, of_dense


@gradient("SparseDenseCwiseDiv")
def sparse_dense_cwise_div_gradient(g: Any, grad: Any) -> Any:
    """Slopes of a quotient; those of the dense operand are summed where they meet."""
    other, places = _met_by(g)
    of_dense = None
    if g.needs(3):
        share = g.call("RealDiv", g.call("Mul", grad, g.inputs[1]), g.call("Square", other))
        of_dense = _summed_to_dense(g, places, g.call("Neg", share))
    return None, g.call("RealDiv", grad, other), None, of_dense


def _reduced(axes: Array, rank: int) -> list[int]:
    """Axes that are reduced, counted from the start."""
    named = [int(axis) for axis in np.ravel(axes)]
    for axis in named:
        if not -rank <= axis < rank:
            raise InvalidArgumentError(
                f"reduction_axes must be in [{-rank}, {rank}), got {axis}"
            )
    return sorted({axis % rank for axis in named})


def _row_of_reduction(kind: str, combine: Callable[..., Array], word: str) -> None:
    inputs = (
        "input_indices: int64",
        "input_values: T",
        "input_shape: int64",
        "reduction_axes: int32",
    )

    def groups(indices: Array, values: Array, shape: Array, axes: Array) -> Any:
        check_parts(indices, values, shape)
        reduced = _reduced(axes, len(shape))
        kept = [axis for axis in range(len(shape)) if axis not in reduced]
        rows, numbers = numbered(indices[:, kept])
        return kept, rows, combine(numbers, values, len(rows))

    def dense_shape(indices: Any, values: Any, shape: Any, axes: Any, **attrs: Any) -> Any:
        del indices, values
        if shape.value is None or axes.value is None:
            return unknown_shape(rank_of(shape) if attrs["keep_dims"] else None)
        sizes = np.asarray(shape.value).tolist()
        reduced = _reduced(axes.value, len(sizes))
        return TensorShape(_left(sizes, reduced, attrs["keep_dims"]))

    def kernel(
        input_indices: Array,
        input_values: Array,
        input_shape: Array,
        reduction_axes: Array,
        *,
        keep_dims: bool,
    ) -> Array:
        kept, rows, found = groups(input_indices, input_values, input_shape, reduction_axes)
        sizes = input_shape.tolist()
        check_inside(input_indices, sizes)
        left = [sizes[axis] for axis in kept]
        result = np.zeros((int(np.prod(left, dtype=np.int64)),), input_values.dtype)
        result[flat_places(rows, left)] = found
        reduced = [axis for axis in range(len(sizes)) if axis not in kept]
        return result.reshape(_left(sizes, reduced, keep_dims))

    kernel.__doc__ = f"""The {word} of a sparse tensor over axes, made dense.

    Shape: input_indices [n, rank], input_values [n], input_shape [rank], reduction_axes [k] ->
        output [...]. Where there is no element the result is 0.
    Errors: InvalidArgumentError when an axis is out of range.
    """
    op(
        f"SparseReduce{kind}",
        inputs=inputs,
        outputs=("output: T",),
        attrs={"keep_dims": False},
        kernel="host",
        shape=dense_shape,
    )(kernel)

    def sparse_kernel(
        input_indices: Array,
        input_values: Array,
        input_shape: Array,
        reduction_axes: Array,
        *,
        keep_dims: bool,
    ) -> Any:
        kept, rows, found = groups(input_indices, input_values, input_shape, reduction_axes)
        sizes = input_shape.tolist()
        reduced = [axis for axis in range(len(sizes)) if axis not in kept]
        places = rows
        if keep_dims:
            places = np.zeros((len(rows), len(sizes)), np.int64)
            places[:, kept] = rows
        return places, found, np.asarray(_left(sizes, reduced, keep_dims), np.int64)

    sparse_kernel.__doc__ = f"""The {word} of a sparse tensor over axes, kept sparse.

    Shape: input_indices [n, rank], input_values [n], input_shape [rank], reduction_axes [k] ->
        output_indices [m, r], output_values [m], output_shape [r].
    Errors: InvalidArgumentError when an axis is out of range.
    """
    op(
        f"SparseReduce{kind}Sparse",
        inputs=inputs,
        outputs=("output_indices: int64", "output_values: T", "output_shape: int64"),
        attrs={"keep_dims": False},
        kernel="host",
        shape=lambda indices, values, shape, axes, *, keep_dims: sparse_shapes(  # noqa: ARG005
            rank_of(shape) if keep_dims else None
        ),
    )(sparse_kernel)


def _left(sizes: list[int], reduced: list[int], keep_dims: bool) -> list[int]:
    if keep_dims:
        return [1 if axis in reduced else size for axis, size in enumerate(sizes)]
    return [size for axis, size in enumerate(sizes) if axis not in reduced]


def _largest(numbers: Array, values: Array, count: int) -> Array:
    lowest = -np.inf if values.dtype.kind not in "iu" else np.iinfo(values.dtype).min
    result = np.full((count,), lowest, values.dtype)
    np.maximum.at(result, numbers, values)
    return result


_row_of_reduction("Sum", summed, "sum")
_row_of_reduction("Max", _largest, "largest element")


@gradient("SparseReduceSum")
def sparse_reduce_sum_gradient(g: Any, grad: Any) -> Any:
    """Each element gets the gradient of the sum that it went into."""
    indices, _, shape, axes = g.inputs
    rank = g.call("Size", shape)
    counted = g.call("FloorMod", g.call("AddV2", axes, rank), g.call("Maximum", rank, 1))
    ones = g.call("OnesLike", g.call("Cast", counted, DstT=shape.dtype))
    places = g.call("ExpandDims", g.call("Reshape", counted, [-1]), 1)
    kept = g.call("TensorScatterUpdate", shape, places, g.call("Reshape", ones, [-1]))
    scale = g.call("FloorDiv", shape, g.call("Maximum", kept, np.int64(1)))
    where = g.call("FloorDiv", indices, g.call("Maximum", scale, np.int64(1)))
    return None, g.call("GatherNd", g.call("Reshape", grad, kept), where), None, None
