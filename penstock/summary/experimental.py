"""`tf.summary.experimental`: the step in force, names, and messages written elsewhere."""

from penstock.summary.hparams import end_of_run, hparams
from penstock.summary.recording import get_step, set_step, summary_scope, write_raw_pb

__all__ = ["end_of_run", "get_step", "hparams", "set_step", "summary_scope", "write_raw_pb"]
