"""`tf.train.experimental`."""

from penstock.train.python_state import PythonState

__all__ = ["PythonState"]
