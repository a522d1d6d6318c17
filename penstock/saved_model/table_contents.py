"""Contents of tables in SavedModels: functions of the file that give and take them."""

from __future__ import annotations

from typing import Any, Final

from penstock.core import dtypes
from penstock.core.type_spec import TensorSpec
from penstock.function.concrete_function import ConcreteFunction, trace
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.resources import SAVED_TABLE
from penstock.runtime.trackable import Trackable

# What the keys of a table's contents add to its own, in the order of the tensors.
SUFFIXES: Final = ("-keys", "-values")


def has_contents(item: Any) -> bool:
    """Whether an object is a table whose contents are saved."""
    named = getattr(item, "_LEGACY_SAVEABLE_NAME", None) == SAVED_TABLE
    return named and bool(item._serialize_to_tensors())


def contents_functions(table: Any) -> tuple[ConcreteFunction, ConcreteFunction]:
    """Functions that describe the contents of a table for a checkpoint, and that restore them.

    The first takes the key of the table in the checkpoint, and gives the name, slice and
    value of each tensor; the second takes the values.
    """

    def save(checkpoint_key: Any) -> list[dict[str, Any]]:
        return [
            {
                "name": call("Add", checkpoint_key, suffix),
                "slice_spec": convert_to_tensor("", dtypes.string),
                "tensor": tensor,
            }
            for suffix, tensor in table._serialize_to_tensors().items()
        ]

    def restore(*tensors: Any) -> Any:
        table._restore_from_tensors(dict(zip(SUFFIXES, tensors, strict=True)))
        return convert_to_tensor(1)

    key = TensorSpec([], dtypes.string, "checkpoint_key")
    # Of any shape: dense tables also take and give scalars as rows of one.
    specs = [
        TensorSpec(None, tensor.dtype) for tensor in table._serialize_to_tensors().values()
    ]
    names = [f"restored_tensors_{i}" for i in range(len(specs))]
    return (
        trace(save, (key,), {}, name="save_fn", argument_names=["checkpoint_key"]),
        trace(restore, tuple(specs), {}, name="restore_fn", argument_names=names),
    )


class TableContents(Trackable):
    """Gives and takes the contents of a table through functions of a file, if there are some.

    `_table_functions` are the two that `contents_functions` makes.
    """

    _table_functions: tuple[Any, Any] | None = None

    @property
    def _LEGACY_SAVEABLE_NAME(self) -> str | None:  # noqa: N802  (TensorFlow's name)
        return None if self._table_functions is None else SAVED_TABLE

    def _serialize_to_tensors(self) -> dict[str, Any]:
        if self._table_functions is None:
            return {}
        parts = self._table_functions[0](convert_to_tensor("", dtypes.string))
        return {suffix: part["tensor"] for suffix, part in zip(SUFFIXES, parts, strict=True)}

    def _restore_from_tensors(self, restored_tensors: dict[str, Any]) -> Any:
        if self._table_functions is None:
            return super()._restore_from_tensors(restored_tensors)
        return self._table_functions[1](*(restored_tensors[name] for name in SUFFIXES))
