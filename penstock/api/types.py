"""`tf.types`: classes by which programs tell functions and tensors apart."""

from penstock.api import types_experimental as experimental

__all__ = ["experimental"]
