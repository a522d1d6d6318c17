"""`tf.lookup.experimental`: tables that can be written."""

from penstock.api.lookup.mutable import DenseHashTable, MutableHashTable

__all__ = ["DenseHashTable", "MutableHashTable"]
