"""What shapes, dtypes and specs need of the rooms above them: messages, and tensors."""

from __future__ import annotations

import importlib
from typing import Any

from penstock.core.message_forms import MessageForm, use_message_form
from penstock.core.type_spec import use_tensors
from penstock.runtime.context import state
from penstock.runtime.convert import convert_to_tensor

__all__: list[str] = []


def _placeholder(spec: Any, context: Any) -> Any:
    graph = getattr(context, "context_graph", None) or state.graph
    if graph is None:
        raise RuntimeError("a placeholder belongs to a graph, and none is being built")
    return graph.placeholder(spec.dtype, spec.shape, spec.name)


def _shapes() -> MessageForm:
    tensors, protos = _wire("tensors"), _wire("protos")
    return MessageForm(protos.TensorShapeProto, tensors.make_shape_proto, tensors.make_shape)


def _dtypes() -> MessageForm:
    message = _wire("protos").SerializedDType
    read = _wire("tensors").make_dtype
    return MessageForm(
        message,
        lambda dtype: message(datatype=dtype.as_datatype_enum),
        lambda proto: read(proto.datatype, "dtype"),
    )


def _wire(module: str) -> Any:
    return importlib.import_module(f"penstock.wire.{module}")


def _spec_form(field: str, name: str) -> MessageForm:
    # Specs are written by the room of SavedModels, which reads them too.
    coder = importlib.import_module("penstock.saved_model.structured_value")
    protos = _wire("protos")

    def read(proto: Any) -> Any:
        whole = protos.StructuredValue()
        getattr(whole, field).CopyFrom(proto)
        return coder.decode(whole)

    return MessageForm(
        getattr(protos, name), lambda spec: getattr(coder.encode(spec), field), read
    )


use_tensors(convert_to_tensor, _placeholder)
use_message_form("shape", _shapes)
use_message_form("dtype", _dtypes)
use_message_form("tensor", lambda: _spec_form("tensor_spec_value", "TensorSpecProto"))
use_message_form(
    "bounded", lambda: _spec_form("bounded_tensor_spec_value", "BoundedTensorSpecProto")
)
use_message_form("spec", lambda: _spec_form("type_spec_value", "TypeSpecProto"))
