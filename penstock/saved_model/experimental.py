"""`tf.saved_model.experimental`."""

from penstock.runtime.resources import TrackableResource
from penstock.saved_model.fingerprint import Fingerprint, read_fingerprint
from penstock.saved_model.options import VariablePolicy

__all__ = ["Fingerprint", "TrackableResource", "VariablePolicy", "read_fingerprint"]
