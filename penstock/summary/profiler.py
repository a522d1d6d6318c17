"""`tf.profiler`."""

from penstock.summary import profiler_experimental as experimental

__all__ = ["experimental"]
