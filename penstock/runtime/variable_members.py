"""Members of variables that programs of TensorFlow 1 use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError, UnimplementedError
from penstock.core.tensor_shape import TensorShape
from penstock.runtime.context import state
from penstock.runtime.dispatch import call


class SaveSliceInfo:
    """Which part of a larger variable a variable is, for checkpoints.

    Args:
        full_name: name of the larger variable.
        full_shape: its shape.
        var_offset: where the part begins, along each axis.
        var_shape: shape of the part.
        save_slice_info_def: not supported.
        import_scope: not supported.

    Raises:
        UnimplementedError: a message is given.
    """

    def __init__(
        self,
        full_name: str | None = None,
        full_shape: Sequence[int] | None = None,
        var_offset: Sequence[int] | None = None,
        var_shape: Sequence[int] | None = None,
        save_slice_info_def: Any = None,
        import_scope: str | None = None,
    ) -> None:
        if save_slice_info_def is not None or import_scope is not None:
            raise UnimplementedError(
                "save_slice_info_def of tf.Variable.SaveSliceInfo is not implemented"
            )
        self.full_name = full_name
        self.full_shape = full_shape
        self.var_offset = var_offset
        self.var_shape = var_shape

    @property
    def spec(self) -> str:
        """The part as checkpoints write it: sizes of the whole, then begin and size of each."""
        sizes = " ".join(str(size) for size in self.full_shape or ())
        pairs = zip(self.var_offset or (), self.var_shape or (), strict=True)
        return f"{sizes} " + ":".join(f"{begin},{size}" for begin, size in pairs)


class VariableMembers:
    """What `tf.Variable` has for programs of TensorFlow 1."""

    SaveSliceInfo = SaveSliceInfo

    @property
    def initial_value(self) -> Any:
        """The tensor that initializes the variable; eager variables have none.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError("This property is not supported when eager execution is enabled.")

    def experimental_ref(self) -> Any:
        """Return a hashable reference; `ref` by its older name."""
        return self.ref()  # type: ignore[attr-defined]

    def eval(self, session: Any = None) -> Any:
        """Return the value as a session sees it.

        Args:
            session: the session.

        Raises:
            RuntimeError: there is none: read the variable with `numpy`.
        """
        if session is None:
            raise RuntimeError(
                "This operation is not supported when eager execution is enabled."
            )
        return session.run(self)

    def load(self, value: Any, session: Any = None) -> None:
        """Replace the value.

        Args:
            value: the new value.
            session: accepted for compatibility.
        """
        del session
        self.assign(value)  # type: ignore[attr-defined]

    def count_up_to(self, limit: int) -> Any:
        """Add one to an integer variable unless it has reached a limit.

        Args:
            limit: the limit.

        Returns:
            The value before.

        Raises:
            OutOfRangeError: the limit is reached.
        """
        dtype = self.dtype  # type: ignore[attr-defined]
        if dtype not in (dtypes.int32, dtypes.int64):
            raise InvalidArgumentError(
                f"count_up_to needs an int32 or int64 variable, got {dtype.name}"
            )
        handle = self.handle  # type: ignore[attr-defined]
        return call("ResourceCountUpTo", handle, limit=int(limit), T=dtype)

    def set_shape(self, shape: Any) -> None:
        """Add knowledge of the shape.

        Raises:
            ValueError: it contradicts what is known.
        """
        holder = self._holder  # type: ignore[attr-defined]
        holder.shape = holder.shape.merge_with(TensorShape(shape))

    def to_proto(self, export_scope: str | None = None) -> Any:
        """Variables of a graph have a message; others have none.

        Raises:
            RuntimeError: the variable was made eagerly.
            UnimplementedError: it belongs to a graph.
        """
        del export_scope
        if state.graph is None:
            raise RuntimeError(
                "This operation is not supported when eager execution is enabled."
            )
        raise UnimplementedError("tf.Variable.to_proto is not implemented")

    @staticmethod
    def from_proto(variable_def: Any, import_scope: str | None = None) -> Any:
        """Raise `UnimplementedError`: variables are restored from checkpoints.

        Raises:
            UnimplementedError: always.
        """
        del variable_def, import_scope
        raise UnimplementedError("tf.Variable.from_proto is not implemented")
