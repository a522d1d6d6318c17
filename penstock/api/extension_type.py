"""`tf.experimental.extension_type`: functions of extension types."""

from penstock.runtime.extension_type import as_dict

__all__ = ["as_dict"]
