"""Sparse tensors: `tf.sparse`."""

from penstock.api.sparse.arithmetic import (
    add,
    map_values,
    maximum,
    minimum,
    reduce_max,
    reduce_sum,
    sampled_addmm,
    softmax,
    sparse_dense_matmul,
)
from penstock.api.sparse.conversion import (
    eye,
    fill_empty_rows,
    from_dense,
    mask,
    to_dense,
    to_indicator,
)
from penstock.api.sparse.features import bincount, cross, cross_hashed
from penstock.api.sparse.structure import (
    concat,
    expand_dims,
    reorder,
    reset_shape,
    reshape,
    retain,
    slice,
    split,
    transpose,
)
from penstock.api.sparse_segments import segment_mean, segment_sqrt_n, segment_sum
from penstock.runtime.sparse_tensor import SparseTensor

__all__ = [
    "SparseTensor",
    "add",
    "bincount",
    "concat",
    "cross",
    "cross_hashed",
    "expand_dims",
    "eye",
    "fill_empty_rows",
    "from_dense",
    "map_values",
    "mask",
    "maximum",
    "minimum",
    "reduce_max",
    "reduce_sum",
    "reorder",
    "reset_shape",
    "reshape",
    "retain",
    "sampled_addmm",
    "segment_mean",
    "segment_sqrt_n",
    "segment_sum",
    "slice",
    "softmax",
    "sparse_dense_matmul",
    "split",
    "to_dense",
    "to_indicator",
    "transpose",
]
