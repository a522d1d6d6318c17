"""Ragged tensors: `tf.ragged`."""

from penstock.api.ragged.building import (
    boolean_mask,
    range,
    row_splits_to_segment_ids,
    segment_ids_to_row_splits,
    stack_dynamic_partitions,
)
from penstock.api.ragged.constants import constant
from penstock.api.ragged.crossing import cross, cross_hashed
from penstock.api.ragged.joining import stack
from penstock.api.ragged.mapping import map_flat_values
from penstock.runtime.ragged_tensor import RaggedTensor

__all__ = [
    "RaggedTensor",
    "boolean_mask",
    "constant",
    "cross",
    "cross_hashed",
    "map_flat_values",
    "range",
    "row_splits_to_segment_ids",
    "segment_ids_to_row_splits",
    "stack",
    "stack_dynamic_partitions",
]
