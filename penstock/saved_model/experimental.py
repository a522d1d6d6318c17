"""`tf.saved_model.experimental`."""

from penstock.graph.graph_def.user_kernels import op_kernel
from penstock.runtime.resources import TrackableResource
from penstock.saved_model.fingerprint import Fingerprint, read_fingerprint
from penstock.saved_model.options import VariablePolicy

__all__ = [
    "Fingerprint",
    "TrackableResource",
    "VariablePolicy",
    "op_kernel",
    "read_fingerprint",
]
