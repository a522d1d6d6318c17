"""`tf.summary.experimental`: the step in force, names, and messages written elsewhere."""

from penstock.summary.recording import get_step, set_step, summary_scope, write_raw_pb

__all__ = ["get_step", "set_step", "summary_scope", "write_raw_pb"]
