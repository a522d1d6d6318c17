"""The one door through which every op call goes."""

from __future__ import annotations

from typing import Any

from penstock.core.errors import InvalidArgumentError, OpError
from penstock.core.user_code import shorten
from penstock.ops.table import TYPE_LIST, ArgDef, OpDef, lookup
from penstock.runtime import eager
from penstock.runtime.context import state
from penstock.runtime.convert import use_packer
from penstock.runtime.inputs import prepare
from penstock.runtime.tensor import EagerTensor

_rows: dict[str, OpDef] = {}


def call(op_name: str, /, *inputs: Any, name: Any = None, **attrs: Any) -> Any:
    """Call the op `op_name`.

    Args:
        op_name: TensorFlow's name of the op.
        inputs: tensors or what can become one, in the order of the op's schema; a list
            argument is one list.
        name: name of the node in a graph; None takes the op's.
        attrs: attrs by name; those left out take the defaults of the row.

    Returns:
        A tensor, a list of tensors when the op has one list output, else a tuple of tensors;
        None for an op without outputs.
    """
    try:
        row = _rows.get(op_name)
        if row is None:
            row = _rows[op_name] = lookup(op_name)
        if row.quick and state.graph is None and len(inputs) == len(row.input_args):
            full = row.complete(attrs) if attrs or not row.defaults_suffice else row.attrs
            quick = eager.run_quick(row, inputs, full)
            if quick is not None:
                if state.recorders:
                    _record(row, full, quick[1], (quick[0],), None)
                return quick[0]
        return _call_slow(row, inputs, attrs, name)
    except Exception as error:
        if isinstance(error, OpError):
            _name_op(error, op_name)
        shorten(error)
        raise


def _name_op(error: OpError, op_name: str) -> None:
    """End the message with the op, as TensorFlow does."""
    if "[Op:" not in error.message:
        error.rephrase(f"{error.message} [Op:{op_name}]")


def _call_slow(row: OpDef, inputs: Any, attrs: dict[str, Any], name: str | None) -> Any:
    full = row.complete(attrs)
    flat, lengths = prepare(row, inputs, full)
    return apply(row, flat, full, lengths, name)


def apply(
    row: OpDef,
    flat: list[Any],
    attrs: dict[str, Any],
    lengths: list[int | None] | None,
    name: str | None = None,
) -> Any:
    """Call an op whose inputs are a flat list of tensors and whose attrs are complete."""
    graph = state.graph
    if graph is not None:
        outputs = graph.apply(row, flat, attrs, lengths, name)
    else:
        for tensor in flat:
            if not isinstance(tensor, EagerTensor):
                _refuse_symbolic(row, tensor)
        if row.variable_positions:
            outputs = eager.run_on_variables(row, flat, attrs)
        else:
            outputs = eager.run(row, [tensor._value for tensor in flat], attrs, lengths)
    if state.recorders:
        _record(row, attrs, flat, outputs, lengths)
    return _packed(row, outputs, attrs, lengths)


def _packed(
    row: OpDef, outputs: list[Any], attrs: dict[str, Any], lengths: list[int | None] | None
) -> Any:
    if row.single_output:
        return outputs[0]
    if row.list_output:
        return outputs
    if not outputs:
        return None
    if any(arg.is_list for arg in row.output_args):
        return _grouped(row, outputs, _numbers(row, attrs, lengths))
    return tuple(outputs)


def _numbers(
    row: OpDef, attrs: dict[str, Any], lengths: list[int | None] | None
) -> dict[str, Any]:
    """The attrs, and the lengths of list inputs under the names of theirs."""
    found = {
        arg.number_attr: length
        for arg, length in zip(row.input_args, lengths or (), strict=False)
        if arg.number_attr is not None
    }
    return {**found, **attrs}


def _grouped(row: OpDef, outputs: list[Any], attrs: dict[str, Any]) -> Any:
    """Outputs of an op with list outputs among others, as its attrs tell their lengths."""
    lengths = [_length_of(arg, attrs) for arg in row.output_args]
    unknown = lengths.count(None)
    if unknown:
        # Lists of unknown length share evenly what the others leave.
        rest = len(outputs) - sum(length or 0 for length in lengths)
        lengths = [rest // unknown if length is None else length for length in lengths]
    grouped: list[Any] = []
    start = 0
    for arg, length in zip(row.output_args, lengths, strict=True):
        part = outputs[start : start + (length or 0)]
        grouped.append(part if arg.is_list else part[0])
        start += length or 0
    return tuple(grouped)


def _length_of(arg: ArgDef, attrs: dict[str, Any]) -> int | None:
    """Number of tensors of an output; None for a list whose length no attr tells."""
    if not arg.is_list:
        return 1
    if arg.type_list_attr is not None:
        types = attrs.get(arg.type_list_attr)
        return None if types is None or types is TYPE_LIST else len(types)
    number = attrs.get(arg.number_attr or "")
    return None if number is None else int(number)


def _record(row: OpDef, attrs: dict[str, Any], flat: Any, outputs: Any, lengths: Any) -> None:
    for recorder in state.recorders:
        recorder.record(row, attrs, flat, outputs, lengths)


def _refuse_symbolic(row: OpDef, tensor: Any) -> None:
    raise InvalidArgumentError(
        f"op {row.name} is called eagerly with a tensor of a graph, {tensor!r}; return the "
        f"tensor "
        "from the function, or keep it in a tf.Variable"
    )


use_packer(
    lambda tensors: call("Pack", tensors, axis=0),
    lambda tensor, dtype: call("Cast", tensor, DstT=dtype),
)
