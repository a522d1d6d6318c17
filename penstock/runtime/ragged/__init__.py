"""Tensors whose rows differ in length: partitions, ragged tensors, indexing and operators."""
