"""Attrs between `AttrValue` messages and the Python values that rows of the op table take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError, UnimplementedError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.table import REQUIRED, TYPE_LIST, ArgDef, OpDef
from penstock.runtime.inputs import literal_dtype
from penstock.wire.tensors import (
    array_to_proto,
    make_dtype,
    make_ndarray,
    make_shape,
    make_shape_proto,
)

# Attrs of ours that say how to run an op, not what it does.
_OWN: Final = frozenset({"maximum_iterations"})
_LIST_FIELDS: Final = ("i", "f", "b", "s", "type", "shape", "tensor", "func")


# -- reading --------------------------------------------------------------------------------


def read_attrs(row: OpDef, messages: Mapping[str, Any], node: str) -> dict[str, Any]:
    """Give the attrs of a node as the row takes them, with the row's defaults.

    Args:
        row: the op.
        messages: AttrValue of each attr.
        node: name of the node, for messages.

    Raises:
        UnimplementedError: the node has an attr that the row does not know.
        InvalidArgumentError: an attr is missing.
    """
    implied = implied_attrs(row)
    attrs = dict(row.attrs)
    for name, message in messages.items():
        if name in row.attrs:
            attrs[name] = read_attr(message, row.attrs[name])
        elif not name.startswith("_") and name not in implied:
            raise UnimplementedError(f"attr {name!r} of op {row.name} is not implemented")
    given = {arg.type_list_attr for arg in row.input_args}
    for name, value in attrs.items():
        if value is TYPE_LIST and name not in given:
            attrs[name] = ()  # an empty list is a default, which files leave out
        if value is REQUIRED:
            raise InvalidArgumentError(
                f"node {node!r} of op {row.name} must have the attr {name!r}, which has no "
                "default"
            )
    return attrs


def implied_attrs(row: OpDef) -> set[str]:
    """Names of the attrs that follow from the inputs and outputs: dtypes and numbers."""
    names: set[str] = set()
    for arg in (*row.input_args, *row.output_args):
        if literal_dtype(arg.type_attr) is None:
            names.add(arg.type_attr)
        if arg.number_attr is not None:
            names.add(arg.number_attr)
    return names


def read_attr(message: Any, like: Any = None) -> Any:
    """Give one attr as a Python value; a function stays a NameAttrList.

    Args:
        message: the AttrValue.
        like: default of the attr, which tells text from bytes.
    """
    kind = message.WhichOneof("value")
    if kind == "list":
        return _read_list(message.list, like)
    if kind is None or kind == "placeholder":
        raise InvalidArgumentError(f"an attr must have a value, got {kind or 'none'}")
    return _read_item(kind, getattr(message, kind), like)


def _read_list(message: Any, like: Any) -> tuple[Any, ...]:
    first = like[0] if isinstance(like, tuple) and like else None
    for field in _LIST_FIELDS:
        items = getattr(message, field)
        if len(items):
            return tuple(_read_item(field, item, first) for item in items)
    return ()


def _read_item(kind: str, value: Any, like: Any) -> Any:
    if kind == "s":
        return value if isinstance(like, bytes) else _text(value)
    if kind == "type":
        return make_dtype(value, "attr").base_dtype
    if kind == "shape":
        return make_shape(value)
    if kind == "tensor":
        return make_ndarray(value, copy=False)
    return value


def _text(value: bytes) -> str | bytes:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def list_lengths(row: OpDef, messages: Mapping[str, Any]) -> list[int | None] | None:
    """Length of each list argument of a node, None for single tensors."""
    if not row.has_list_input:
        return None
    return [_length(arg, messages) for arg in row.input_args]


def _length(arg: ArgDef, messages: Mapping[str, Any]) -> int | None:
    if arg.number_attr is not None:
        return int(messages[arg.number_attr].i)
    if arg.type_list_attr is not None:
        return len(messages[arg.type_list_attr].list.type)
    return None


def output_offsets(row: OpDef, messages: Mapping[str, Any], count: int) -> dict[str, int]:
    """Where each output argument starts in the flat list of a node's outputs."""
    lengths = [_output_length(row, arg, messages) for arg in row.output_args]
    unknown = lengths.count(None)
    rest = count - sum(length or 0 for length in lengths)
    offsets: dict[str, int] = {}
    start = 0
    for arg, length in zip(row.output_args, lengths, strict=True):
        offsets[arg.name] = start
        start += rest // unknown if length is None else length
    return offsets


def _output_length(row: OpDef, arg: ArgDef, messages: Mapping[str, Any]) -> int | None:
    """Number of tensors of an output; None for a list whose length the attrs do not tell."""
    name = arg.number_attr or arg.type_list_attr
    if name is None:
        return 1
    if name in messages:
        return _length(arg, messages)
    default = row.attrs.get(name)
    if isinstance(default, int):
        return default
    # Among several lists the empty ones are left out.
    several = sum(other.is_list for other in row.output_args) > 1
    return 0 if several and default is TYPE_LIST else None


# -- writing --------------------------------------------------------------------------------


def write_attrs(node: Any, messages: Any) -> None:
    """Write the attrs of a graph's node, those implied by its inputs and outputs included.

    Args:
        node: the node; attrs that are functions are left to the caller.
        messages: map of AttrValues to fill.
    """
    row: OpDef = node.row
    if "_node" in node.attrs:
        # An op that is not in the table is written as it was read.
        for name, message in node.attrs["_node"].attr.items():
            messages[name].CopyFrom(message)
        return
    for name, value in node.attrs.items():
        if name.startswith("_") or name in _OWN or value is TYPE_LIST or value is None:
            continue
        if not is_function(value):
            write_attr(messages[name], value, row.attrs.get(name))
    _write_implied(row.input_args, node.inputs, node.lengths, messages)
    _write_implied(row.output_args, node.outputs, output_lengths(node), messages)


def is_function(value: Any) -> bool:
    """Whether an attr is a body, or several."""
    if isinstance(value, (tuple, list)):
        return bool(value) and is_function(value[0])
    return hasattr(value, "graph") and hasattr(value, "outputs")


def output_lengths(node: Any) -> list[int | None] | None:
    """Length of each output argument of a node, None for single tensors."""
    args = node.row.output_args
    if not any(arg.is_list for arg in args):
        return None
    given = zip(node.row.input_args, node.lengths or (), strict=False)
    numbers = {arg.number_attr: length for arg, length in given if length is not None}
    lengths = [_told_length(arg, {**numbers, **node.attrs}) for arg in args]
    unknown = [i for i, arg in enumerate(args) if arg.is_list and lengths[i] is None]
    if unknown:
        # Lists of unknown length share what the others leave.
        single = sum(not arg.is_list for arg in args)
        rest = len(node.outputs) - single - sum(length or 0 for length in lengths)
        for i in unknown:
            lengths[i] = rest // len(unknown)
    return lengths


def _told_length(arg: ArgDef, attrs: Mapping[Any, Any]) -> int | None:
    """Length of a list argument as attrs tell it."""
    if arg.type_list_attr is not None:
        types = attrs.get(arg.type_list_attr)
        return None if types is None or types is TYPE_LIST else len(types)
    number = None if arg.number_attr is None else attrs.get(arg.number_attr)
    return None if number is None else int(number)


def _write_implied(
    args: Sequence[ArgDef], tensors: Sequence[Any], lengths: Any, messages: Any
) -> None:
    start = 0
    for i, arg in enumerate(args):
        length = None if lengths is None else lengths[i]
        part = tensors[start : start + (1 if length is None else length)]
        start += len(part)
        if arg.type_list_attr is not None:
            messages[arg.type_list_attr].list.SetInParent()
            del messages[arg.type_list_attr].list.type[:]
            messages[arg.type_list_attr].list.type.extend(
                t.dtype.as_datatype_enum for t in part
            )
            continue
        if arg.number_attr is not None:
            messages[arg.number_attr].i = len(part)
        if literal_dtype(arg.type_attr) is None and part:
            messages[arg.type_attr].type = part[0].dtype.as_datatype_enum


def write_attr(message: Any, value: Any, like: Any = None) -> None:
    """Write one attr.

    Args:
        message: the AttrValue to fill.
        value: a canonical Python value.
        like: default of the attr, which tells floats from integers.
    """
    if isinstance(value, (tuple, list)):
        message.list.SetInParent()
        first = like[0] if isinstance(like, tuple) and like else None
        for item in value:
            field, plain = _plain(item, first)
            target = getattr(message.list, field)
            target.append(plain)
        return
    field, plain = _plain(value, like)
    if field in ("shape", "tensor"):
        getattr(message, field).CopyFrom(plain)
    else:
        setattr(message, field, plain)


def _plain(value: Any, like: Any) -> tuple[str, Any]:
    """Field of an AttrValue, and the value that it holds."""
    if isinstance(value, (bool, np.bool_)):
        return "b", bool(value)
    if isinstance(value, (float, np.floating)) or isinstance(like, float):
        return "f", float(value)
    if isinstance(value, (int, np.integer)):
        return "i", int(value)
    if isinstance(value, (str, bytes)):
        return "s", value.encode() if isinstance(value, str) else value
    if isinstance(value, DType):
        return "type", value.as_datatype_enum
    if isinstance(value, TensorShape):
        return "shape", make_shape_proto(value)
    if isinstance(value, np.ndarray):
        return "tensor", array_to_proto(value)
    raise UnimplementedError(f"an attr cannot hold {value!r} of {type(value).__name__}")


def write_constant(messages: Any, value: Any, dtype: DType) -> None:
    """Write the attrs of a Const node."""
    messages["dtype"].type = dtype.as_datatype_enum
    messages["value"].tensor.CopyFrom(array_to_proto(np.asarray(value), dtype))


def write_shapes(message: Any, shapes: Sequence[Any]) -> None:
    """Write a list of shapes, as in the attr `_output_shapes`."""
    message.list.SetInParent()
    message.list.shape.extend(make_shape_proto(shape) for shape in shapes)


def variable_facts(message: Any) -> tuple[DType, TensorShape] | None:
    """Dtype and shape of the variable behind a resource argument, where its ArgDef tells."""
    if not message.handle_data:
        return None
    fact = message.handle_data[0]
    return make_dtype(fact.dtype, "variable").base_dtype, make_shape(fact.shape)
