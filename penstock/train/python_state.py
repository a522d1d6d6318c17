"""`tf.train.experimental.PythonState`: Python values in checkpoints."""

from __future__ import annotations

import abc
from typing import Any

from penstock.core import dtypes
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.trackable import Trackable


class PythonState(Trackable, metaclass=abc.ABCMeta):
    """Base of objects whose state is text or bytes of their own making.

    Subclasses say how they are written and read.
    """

    @abc.abstractmethod
    def serialize(self) -> str | bytes:
        """Return the state."""

    @abc.abstractmethod
    def deserialize(self, string_value: bytes) -> None:
        """Take the state back."""

    def _serialize_to_tensors(self) -> dict[str, Any]:
        return {"py_state": convert_to_tensor(self.serialize(), dtypes.string)}

    def _restore_from_tensors(self, restored_tensors: dict[str, Any]) -> Any:
        value = restored_tensors["py_state"].numpy()
        self.deserialize(value if isinstance(value, bytes) else bytes(value))
