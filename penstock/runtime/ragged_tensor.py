"""Ragged tensors with their operators."""

from penstock.runtime.ragged.elementwise import binary, unary
from penstock.runtime.ragged.indexing import gather_rows
from penstock.runtime.ragged.row_partition import RowPartition, RowPartitionSpec
from penstock.runtime.ragged.spec import RaggedTensorSpec, RaggedTensorValue
from penstock.runtime.ragged.tensor import RaggedTensor, as_values

__all__ = [
    "RaggedTensor",
    "RaggedTensorSpec",
    "RaggedTensorValue",
    "RowPartition",
    "RowPartitionSpec",
    "as_values",
    "binary",
    "gather_rows",
    "unary",
]
