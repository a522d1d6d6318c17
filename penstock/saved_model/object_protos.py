"""The SavedObjectGraph of a model that is saved."""

from __future__ import annotations

from typing import Any, Final

from penstock.core import nest
from penstock.core.type_spec import TensorSpec
from penstock.function.concrete_function import ConcreteFunction
from penstock.function.polymorphic import Function
from penstock.runtime.data_structures import ListWrapper, _DictWrapper, _TupleWrapper
from penstock.runtime.resources import SAVED_TABLE, Asset, CapturableResource
from penstock.runtime.variable import Variable
from penstock.saved_model.function_spec import FunctionSpec
from penstock.saved_model.saveable_view import SaveableView
from penstock.saved_model.saved_function import RestoredFunction
from penstock.saved_model.signatures import (
    SavedSignatures,
    SignatureFunction,
    argument_names,
)
from penstock.saved_model.structured_value import encode
from penstock.wire import protos
from penstock.wire.tensors import make_shape_proto

_IDENTIFIERS: Final = (
    (_TupleWrapper, "trackable_tuple_wrapper"),
    (ListWrapper, "trackable_list_wrapper"),
    (_DictWrapper, "trackable_dict_wrapper"),
    (SavedSignatures, "signature_map"),
)
_GENERIC: Final = "_generic_user_object"


def write_objects(
    view: SaveableView,
    constant_names: list[str],
    signature_names: dict[str, str],
    assets: dict[int, int],
) -> Any:
    """Write the objects, the constants and functions of tables after them, and the traces.

    Args:
        view: the objects.
        constant_names: names of the constants' nodes in the main graph.
        signature_names: name in the library of each signature's function.
        assets: for the number of each asset object, that of its file.
    """
    message = protos.SavedObjectGraph()
    for i, item in enumerate(view.objects):
        node = message.nodes.add()
        for name, child in view.graph.children[i].items():
            node.children.add(node_id=view.graph.numbers[id(child)], local_name=name)
        _write_object(view, node, item, i, assets)
        if isinstance(item, Function):
            node.dependencies.extend(node.children)
        elif isinstance(item, SignatureFunction):
            key = next(k for k, v in signature_names.items() if view_signature(view, k) is item)
            _write_signature(node.bare_concrete_function, item, signature_names[key])
    for name in constant_names:
        message.nodes.add().constant.operation = name
    for number, functions in view.contents.items():
        saveable = message.nodes[number].saveable_objects[SAVED_TABLE]
        saveable.save_function = len(message.nodes)
        saveable.restore_function = len(message.nodes) + 1
        for concrete in functions:
            _write_bare_function(message.nodes.add().bare_concrete_function, view, concrete)
    for name, concrete in view.functions.items():
        _write_trace(message.concrete_functions[name], view, concrete)
    for key, name in signature_names.items():
        _write_signature_trace(
            message.concrete_functions[name], view, view_signature(view, key)
        )
    return message


def view_signature(view: SaveableView, key: str) -> SignatureFunction:
    """The signature of a name."""
    found = next(item for item in view.objects if isinstance(item, SavedSignatures))
    return found.signatures[key]


def _write_object(
    view: SaveableView, node: Any, item: Any, number: int, assets: dict[int, int]
) -> None:
    if isinstance(item, Variable):
        _write_variable(node.variable, item)
    elif isinstance(item, Asset):
        node.asset.asset_file_def_index = assets[number]
    elif isinstance(item, CapturableResource):
        node.resource.device = item._resource_device
    elif isinstance(item, Function):
        spec = spec_of_function(item)
        children = view.graph.children[number]
        node.function.concrete_functions.extend(
            view.name_of(trace) for trace in children.values()
        )
        node.function.function_spec.CopyFrom(spec.to_proto())
    elif isinstance(item, ConcreteFunction):
        _write_bare_function(node.bare_concrete_function, view, item)
    elif not isinstance(item, SignatureFunction):
        identifier = next((i for kind, i in _IDENTIFIERS if isinstance(item, kind)), _GENERIC)
        node.user_object.identifier = identifier
        node.user_object.version.producer = 1
        node.user_object.version.min_consumer = 1


def _write_variable(message: Any, variable: Variable) -> None:
    message.name = variable._shared_name
    message.dtype = variable.dtype.as_datatype_enum
    message.shape.CopyFrom(make_shape_proto(variable.shape))
    message.trainable = variable.trainable
    message.synchronization = variable.synchronization.value
    message.aggregation = variable.aggregation.value


# -- functions --------------------------------------------------------------------------------


def spec_of_function(function: Function) -> FunctionSpec:
    """Parameters of a function."""
    if isinstance(function, RestoredFunction):
        return function.function_spec  # type: ignore[no-any-return]
    return FunctionSpec.of_function(
        function._bound(), function.input_signature, function._jit_compile
    )


def _write_bare_function(message: Any, view: SaveableView, concrete: ConcreteFunction) -> None:
    args, kwargs = concrete.structured_input_signature
    message.concrete_function_name = view.name_of(concrete)
    message.argument_keywords.extend(argument_names(concrete))
    plain = all(isinstance(arg, TensorSpec) or not nest.is_nested(arg) for arg in args)
    count = sum(isinstance(arg, TensorSpec) for arg in args)
    message.allowed_positional_arguments = count if plain else 0
    names = list(concrete._argument_names[: len(args)])
    names += [f"arg_{i}" for i in range(len(names), len(args))]
    spec = FunctionSpec(args=names, kwonlyargs=sorted(kwargs))
    message.function_spec.CopyFrom(spec.to_proto())


def _write_signature(message: Any, signature: SignatureFunction, name: str) -> None:
    message.concrete_function_name = name
    message.argument_keywords.extend(signature.inputs)
    # As TensorFlow: a single argument needs no name.
    message.allowed_positional_arguments = 1 if len(signature.inputs) == 1 else 0
    spec = FunctionSpec(kwonlyargs=list(signature.inputs))
    message.function_spec.CopyFrom(spec.to_proto())


def _write_trace(message: Any, view: SaveableView, concrete: ConcreteFunction) -> None:
    _write_bound(message, view, concrete)
    signature = concrete.structured_input_signature
    message.canonicalized_input_signature.CopyFrom(encode(signature))
    message.output_signature.CopyFrom(encode(concrete.structured_outputs))


def _write_signature_trace(message: Any, view: SaveableView, signature: Any) -> None:
    _write_bound(message, view, signature.concrete)
    structure = ((), dict(signature.inputs))
    message.canonicalized_input_signature.CopyFrom(encode(structure))
    message.output_signature.CopyFrom(encode(dict(signature.outputs)))


def _write_bound(message: Any, view: SaveableView, concrete: ConcreteFunction) -> None:
    message.bound_inputs.extend(
        view.number_of_capture(tensor) for tensor in concrete.captured_inputs
    )
