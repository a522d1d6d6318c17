"""The functions of a SavedModel that write and read the values of its objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from penstock.core import dtypes
from penstock.core.dtypes import DType
from penstock.graph.graph_def.attr_values import write_attr, write_constant, write_shapes
from penstock.runtime.variable import Variable
from penstock.saved_model.table_contents import SUFFIXES
from penstock.wire import protos
from penstock.wire.tensors import make_shape_proto


@dataclass(frozen=True, slots=True)
class SavedPart:
    """A variable or table whose values are saved.

    `key` is its key in a checkpoint, `handle` the node of the main graph that gives its
    handle. A table has the dtypes of its `contents`, keys and values.
    """

    key: str
    handle: str
    variable: Variable | None = None
    contents: tuple[DType, ...] = ()

    @property
    def keys(self) -> list[str]:
        """Keys of the values."""
        return [self.key + suffix for suffix in SUFFIXES] if self.contents else [self.key]

    @property
    def dtypes(self) -> tuple[DType, ...]:
        """Dtypes of the values."""
        return self.contents or (self.variable.dtype,)  # type: ignore[union-attr]


class SaverFunctions:
    """The functions that write and read the values of a model, as FunctionDefs.

    Args:
        parts: the variables and tables.
    """

    _GRAPH_KEY: Final = "_CHECKPOINTABLE_OBJECT_GRAPH"

    def __init__(self, parts: Sequence[SavedPart]) -> None:
        self._parts = list(parts)
        self._keys = [key for part in parts for key in part.keys]
        self._dtypes = tuple(dtype for part in parts for dtype in part.dtypes)

    def save(self) -> Any:
        """A function of a prefix, handles and the object graph, which writes the values."""
        message = self._start("__inference__traced_save_0")
        values: list[str] = []
        for i, part in enumerate(self._parts):
            values.extend(self._read(message, i, part))
        message.signature.input_arg.add(name="object_graph", type=protos.DT_STRING)
        names, slices = self._name_constants(message, [*self._keys, self._GRAPH_KEY], "SaveV2")
        saved = self._add(
            message,
            "SaveV2",
            "SaveV2",
            ["file_prefix", names, slices, *values, "object_graph"],
            dtypes=(*self._dtypes, dtypes.string),
        )
        return self._finish(message, [saved])

    def _read(self, message: Any, number: int, part: SavedPart) -> list[str]:
        if part.variable is None:
            keys, values = part.contents
            node = self._add(
                message,
                "LookupTableExportV2",
                f"Read_{number}",
                [f"variable_{number}"],
                Tkeys=keys,
                Tvalues=values,
            )
            return [f"{node}:keys:0", f"{node}:values:0"]
        variable = part.variable
        node = self._add(
            message,
            "ReadVariableOp",
            f"Read_{number}",
            [f"variable_{number}"],
            dtype=variable.dtype,
        )
        write_shapes(message.node_def[-1].attr["_output_shapes"], [variable.shape])
        return [f"{node}:value:0"]

    def restore(self) -> Any:
        """A function of a prefix and handles, which reads the values."""
        message = self._start("__inference__traced_restore_0")
        if not self._parts:
            return self._finish(message, [])
        names, slices = self._name_constants(message, self._keys, "RestoreV2")
        restored = self._add(
            message,
            "RestoreV2",
            "RestoreV2",
            ["file_prefix", names, slices],
            dtypes=self._dtypes,
        )
        values = []
        for i, dtype in enumerate(self._dtypes):
            name = self._add(
                message, "Identity", f"Value_{i}", [f"{restored}:tensors:{i}"], T=dtype
            )
            values.append(f"{name}:output:0")
        remaining = iter(values)
        written = [
            self._write(message, i, part, [next(remaining) for _ in part.keys])
            for i, part in enumerate(self._parts)
        ]
        return self._finish(message, written)

    def _write(self, message: Any, number: int, part: SavedPart, values: Sequence[str]) -> str:
        inputs = [f"variable_{number}", *values]
        if part.variable is None:
            keys, contents = part.contents
            return self._add(
                message,
                "LookupTableImportV2",
                f"LookupTableImportV2_{number}",
                inputs,
                Tin=keys,
                Tout=contents,
            )
        return self._add(
            message,
            "AssignVariableOp",
            f"AssignVariableOp_{number}",
            inputs,
            dtype=part.variable.dtype,
        )

    def _start(self, name: str) -> Any:
        message = protos.FunctionDef()
        message.signature.name = name
        message.signature.is_stateful = True
        message.signature.input_arg.add(name="file_prefix", type=protos.DT_STRING)
        for i, part in enumerate(self._parts):
            argument = message.signature.input_arg.add(
                name=f"variable_{i}", type=protos.DT_RESOURCE
            )
            if part.variable is not None:
                argument.handle_data.add(
                    dtype=part.variable.dtype.as_datatype_enum,
                    shape=make_shape_proto(part.variable.shape),
                )
        return message

    def _add(
        self, message: Any, op: str, name: str, inputs: Sequence[str], **attrs: Any
    ) -> str:
        node = message.node_def.add(name=name, op=op, input=inputs)
        for key, value in attrs.items():
            write_attr(node.attr[key], value)
        return name

    def _name_constants(
        self, message: Any, keys: Sequence[str], prefix: str
    ) -> tuple[str, str]:
        results = []
        for name, items in (("tensor_names", keys), ("shape_and_slices", [""] * len(keys))):
            node = message.node_def.add(name=f"{prefix}/{name}", op="Const")
            array = np.empty(len(keys), object)
            array[:] = [item.encode("utf-8", "surrogateescape") for item in items]
            write_constant(node.attr, array, dtypes.string)
            results.append(f"{node.name}:output:0")
        return results[0], results[1]

    def _finish(self, message: Any, effects: Sequence[str]) -> Any:
        """Give the prefix back once all is done."""
        self._add(
            message,
            "Identity",
            "Identity",
            ["file_prefix", *(f"^{name}" for name in effects)],
            T=dtypes.string,
        )
        message.signature.output_arg.add(name="identity", type=protos.DT_STRING)
        message.ret["identity"] = "Identity:output:0"
        for name in effects:
            message.signature.control_output.append(name)
            message.control_ret[name] = name
        return message
