"""`tf.experimental.dlpack`: memory that is shared with other libraries."""

from penstock.runtime.dlpack import from_dlpack, to_dlpack

__all__ = ["from_dlpack", "to_dlpack"]
