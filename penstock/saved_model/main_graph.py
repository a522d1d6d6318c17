"""The main graph of a SavedModel, which sessions and servers run.

It has a handle for each variable, a call for each signature, what fills tables and asset paths
before the first request, and what saves and restores the variables.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np

from penstock.core import dtypes
from penstock.core.dtypes import DType
from penstock.core.tensor_shape import TensorShape
from penstock.function.concrete_function import ConcreteFunction
from penstock.graph.graph_def.attr_values import write_attr, write_constant, write_shapes
from penstock.graph.graph_def.writer import (
    MIN_CONSUMER,
    PRODUCER,
    LibraryWriter,
    argument_name,
)
from penstock.runtime.resources import Asset, CapturableResource
from penstock.runtime.variable import Variable
from penstock.saved_model import constants
from penstock.saved_model.saveable_view import SaveableView
from penstock.saved_model.saver_functions import SavedPart, SaverFunctions
from penstock.saved_model.signatures import SignatureFunction, argument_names
from penstock.wire import protos
from penstock.wire.tensors import make_shape_proto

_NOT_IN_NAME: Final = re.compile(r"[^A-Za-z0-9_.\\/>-]")
_SCALAR: Final = TensorShape(())


class MainGraph:
    """Writes the graph, the functions and the signatures of one model.

    Args:
        view: the objects.
        meta_graph: the MetaGraphDef to fill.
    """

    def __init__(self, view: SaveableView, meta_graph: Any) -> None:
        self._view = view
        self._meta = meta_graph
        self._graph = meta_graph.graph_def
        self._graph.versions.producer = PRODUCER
        self._graph.versions.min_consumer = MIN_CONSUMER
        self._library = LibraryWriter()
        self._names: set[str] = set()
        self.constant_names: list[str] = []
        self.signature_names: dict[str, str] = {}
        self.asset_numbers: dict[int, int] = {}
        # Node that gives each captured tensor, by the number of its object.
        self._tensors: dict[int, str] = {}
        self._initializers: list[str] = []

    def write(self, signatures: dict[str, SignatureFunction], *, with_saver: bool) -> None:
        """Write everything.

        Raises:
            UnimplementedError: an op of a function has no native form.
        """
        self._write_constants()
        self._write_assets()
        self._write_variables()
        for name, concrete in self._view.functions.items():
            count = concrete._argument_count
            self._library.add(
                name,
                concrete.graph.inputs,
                concrete.graph.outputs,
                concrete.function.nodes,
                [*argument_names(concrete)[:count]],
            )
        self._write_resources()
        for key, signature in signatures.items():
            self._write_signature(key, signature)
        self._write_initializer()
        if with_saver:
            self._write_saver()
        self._graph.library.CopyFrom(self._library.message)

    # -- nodes ----------------------------------------------------------------------------

    def _name(self, hint: str) -> str:
        base = _NOT_IN_NAME.sub("_", hint) or "node"
        base = base if re.match(r"[A-Za-z0-9.]", base) else f"node{base}"
        name, count = base, 0
        while name in self._names:
            count += 1
            name = f"{base}_{count}"
        self._names.add(name)
        return name

    def _node(
        self,
        op: str,
        name: str,
        inputs: Iterable[str] = (),
        shapes: Sequence[TensorShape] = (_SCALAR,),
        **attrs: Any,
    ) -> str:
        node = self._graph.node.add(name=self._name(name), op=op)
        node.input.extend(inputs)
        for key, value in attrs.items():
            write_attr(node.attr[key], value)
        write_shapes(node.attr["_output_shapes"], shapes)
        return str(node.name)

    def _constant(self, value: Any, dtype: DType, name: str = "Const") -> str:
        array = np.asarray(value)
        node = self._graph.node.add(name=self._name(name), op="Const")
        write_constant(node.attr, array, dtype)
        write_shapes(node.attr["_output_shapes"], [TensorShape(array.shape)])
        return str(node.name)

    def _placeholder(self, name: str, dtype: DType, shape: TensorShape) -> str:
        return self._node("Placeholder", name, (), [shape], dtype=dtype, shape=shape)

    def _call(
        self, function: str, inputs: Sequence[str], types: tuple[Any, Any], shapes: Any
    ) -> str:
        """A call of a function of the library."""
        stateful = any(
            f.signature.is_stateful
            for f in self._library.message.function
            if f.signature.name == function
        )
        op = "StatefulPartitionedCall" if stateful else "PartitionedCall"
        name = self._node(op, op, inputs, shapes, Tin=types[0], Tout=types[1])
        self._graph.node[-1].attr["f"].func.name = function
        return name

    # -- what functions capture -----------------------------------------------------------

    def _write_constants(self) -> None:
        first = len(self._view.objects)
        for i, tensor in enumerate(self._view.constants):
            name = self._constant(tensor.numpy(), tensor.dtype)
            self.constant_names.append(name)
            self._tensors[first + i] = name

    def _write_variables(self) -> None:
        for number, variable in self._view.instances(Variable):
            name = self._handle(variable._shared_name, variable.dtype, variable.shape)
            self._tensors[number] = name
            # Some readers, OpenVINO's among them, find values by this name: it must be unique.
            self._view.graph.message.nodes[number].attributes[0].full_name = name

    def _handle(self, name: str, dtype: DType, shape: TensorShape) -> str:
        handle = self._node("VarHandleOp", name, dtype=dtype, shape=shape)
        # Shared names decide which handles are one variable: the node's own name is unique.
        write_attr(self._graph.node[-1].attr["shared_name"], handle)
        return handle

    def _write_assets(self) -> None:
        """Paths of assets: variables, which a server fills with where the files are."""
        names: dict[str, int] = {}
        for number, asset in self._view.instances(Asset):
            path = asset.asset_path.numpy().decode()
            placeholder = self._placeholder("asset_path_initializer", dtypes.string, _SCALAR)
            handle = self._handle("asset_path", dtypes.string, _SCALAR)
            assign = self._node(
                "AssignVariableOp",
                "asset_path/Assign",
                [handle, placeholder],
                (),
                dtype=dtypes.string,
            )
            read = self._node(
                "ReadVariableOp", "asset_path/Read", [handle, f"^{assign}"], dtype=dtypes.string
            )
            self._initializers.append(assign)
            self._tensors[number] = read
            if path not in names:
                names[path] = len(names)
                definition = self._meta.asset_file_def.add(filename=_file_name(path, names))
                definition.tensor_info.name = f"{placeholder}:0"
            self.asset_numbers[number] = names[path]

    def _write_resources(self) -> None:
        """Handles of tables, and the calls that fill them."""
        for number, _ in self._view.instances(CapturableResource):
            traces = self._resource_traces(number)
            creator = traces["_create_resource"]
            self._tensors[number] = self._call_trace(creator)
        for number, _ in self._view.instances(CapturableResource):
            initializer = self._resource_traces(number)["_initialize"]
            self._initializers.append(self._call_trace(initializer))

    def _resource_traces(self, number: int) -> dict[str, ConcreteFunction]:
        graph = self._view.graph
        found = {}
        for name in ("_create_resource", "_initialize"):
            function = graph.children[number][name]
            found[name] = next(iter(graph.children[graph.numbers[id(function)]].values()))
        return found

    def _call_trace(self, concrete: ConcreteFunction) -> str:
        """A call of a trace without arguments."""
        name = self._view.name_of(concrete)
        inputs = [
            self._tensors[self._view.number_of_capture(tensor)]
            for tensor in concrete.captured_inputs
        ]
        types = (
            tuple(tensor.dtype for tensor in concrete.captured_inputs),
            tuple(symbol.dtype for symbol in concrete.graph.outputs),
        )
        shapes = [symbol.shape for symbol in concrete.graph.outputs]
        return self._call(name, inputs, types, shapes)

    # -- signatures -----------------------------------------------------------------------

    def _write_signature(self, key: str, signature: SignatureFunction) -> None:
        concrete = signature.concrete
        function = self._wrapper(signature)
        self.signature_names[key] = function
        message = self._meta.signature_def[key]
        message.method_name = constants.PREDICT_METHOD_NAME
        inputs = []
        for name, spec in signature.inputs.items():
            node = self._placeholder(f"{key}_{name}", spec.dtype, spec.shape)
            _write_info(message.inputs[name], f"{node}:0", spec)
            inputs.append(node)
        inputs.extend(
            self._tensors[self._view.number_of_capture(tensor)]
            for tensor in concrete.captured_inputs
        )
        outputs = [signature.outputs[name] for name in signature.output_order]
        types = (
            (
                *(spec.dtype for spec in signature.inputs.values()),
                *(tensor.dtype for tensor in concrete.captured_inputs),
            ),
            tuple(spec.dtype for spec in outputs),
        )
        call = self._call(function, inputs, types, [spec.shape for spec in outputs])
        for i, name in enumerate(signature.output_order):
            _write_info(message.outputs[name], f"{call}:{i}", signature.outputs[name])

    def _wrapper(self, signature: SignatureFunction) -> str:
        """A function that calls the trace and gives the outputs in the order of their names."""
        concrete = signature.concrete
        inner = self._view.name_of(concrete)
        definition = next(
            f for f in self._library.message.function if f.signature.name == inner
        )
        hint = re.sub(r"[^A-Za-z0-9_<>.-]", "_", concrete.name)
        number = len(self._library.message.function)
        name = f"__inference_signature_wrapper_{hint}_{number}"
        message = protos.FunctionDef()
        message.signature.name = name
        message.signature.is_stateful = definition.signature.is_stateful
        taken: set[str] = set()
        arguments = [""] * len(definition.signature.input_arg)
        count = len(signature.inputs)
        positions = [signature.input_order.index(name) for name in signature.inputs]
        positions += range(count, len(arguments))
        given = [*signature.inputs, *("unknown" for _ in concrete.captured_inputs)]
        for i, (text, position) in enumerate(zip(given, positions, strict=True)):
            argument = message.signature.input_arg.add()
            argument.CopyFrom(definition.signature.input_arg[position])
            argument.name = _fresh(argument_name(text), taken)
            arguments[position] = argument.name
            message.arg_attr[i].CopyFrom(definition.arg_attr[position])
            if i < count:
                message.arg_attr[i].attr["_user_specified_name"].s = text.encode()
        self._write_wrapper_nodes(message, definition, signature, arguments, taken)
        self._library.add_message(message)
        return name

    def _write_wrapper_nodes(
        self,
        message: Any,
        definition: Any,
        signature: SignatureFunction,
        arguments: Sequence[str],
        taken: set[str],
    ) -> None:
        stateful = definition.signature.is_stateful
        op = "StatefulPartitionedCall" if stateful else "PartitionedCall"
        call = message.node_def.add(name=op, op=op, input=arguments)
        call.attr["f"].func.name = definition.signature.name
        results = signature.concrete.graph.outputs
        for attr, items in (
            ("Tin", [argument.type for argument in definition.signature.input_arg]),
            ("Tout", [argument.type for argument in definition.signature.output_arg]),
        ):
            call.attr[attr].list.SetInParent()
            call.attr[attr].list.type.extend(items)
        write_shapes(call.attr["_output_shapes"], [symbol.shape for symbol in results])
        if stateful:
            message.signature.control_output.append(op)
            message.control_ret[op] = op
        # The trace gives the values of a dict in the order of its keys as well.
        for i, key in enumerate(signature.output_order):
            position = _position(signature, key, i)
            identity = message.node_def.add(
                name=f"Identity_{i}" if i else "Identity", op="Identity"
            )
            identity.input.append(f"{op}:output:{position}")
            if stateful:
                identity.input.append(f"^{op}")
            dtype = signature.outputs[key].dtype.as_datatype_enum
            identity.attr["T"].type = dtype
            write_shapes(identity.attr["_output_shapes"], [signature.outputs[key].shape])
            result = _fresh("identity", taken)
            message.signature.output_arg.add(name=result, type=dtype)
            message.ret[result] = f"{identity.name}:output:0"

    # -- starting, saving and restoring ---------------------------------------------------

    def _write_initializer(self) -> None:
        name = self._node("NoOp", "NoOp", [f"^{node}" for node in self._initializers], ())
        self._meta.collection_def[constants.MAIN_OP_KEY].node_list.value.append(name)
        message = self._meta.signature_def[constants.INIT_OP_SIGNATURE_KEY]
        info = message.outputs[constants.INIT_OP_SIGNATURE_KEY]
        info.name = name
        info.tensor_shape.unknown_rank = True

    def _key(self, number: int) -> str:
        """Key of the value of an object in a checkpoint."""
        return str(self._view.graph.message.nodes[number].attributes[0].checkpoint_key)

    def _write_saver(self) -> None:
        parts: list[SavedPart] = [
            SavedPart(self._key(number), self._tensors[number], variable=variable)
            for number, variable in self._view.instances(Variable)
        ]
        parts += [
            SavedPart(
                self._key(number), self._tensors[number], contents=_dtypes_of(functions[1])
            )
            for number, functions in self._view.contents.items()
        ]
        serialized = self._view.graph.message.SerializeToString(deterministic=True)
        graph_node = self._constant(_bytes_scalar(serialized), dtypes.string)
        filename = self._placeholder("saver_filename", dtypes.string, _SCALAR)
        handles = [part.handle for part in parts]
        saver = SaverFunctions(parts)
        types = (dtypes.string, *(dtypes.resource for _ in handles))
        for name, message, inputs, tin in (
            ("save", saver.save(), [filename, *handles, graph_node], (*types, dtypes.string)),
            ("restore", saver.restore(), [filename, *handles], types),
        ):
            self._library.add_message(message)
            call = self._call(
                message.signature.name, inputs, (tin, (dtypes.string,)), [_SCALAR]
            )
            if name == "save":
                self._meta.saver_def.save_tensor_name = f"{call}:0"
            else:
                self._meta.saver_def.restore_op_name = call
        self._meta.saver_def.filename_tensor_name = f"{filename}:0"
        self._meta.saver_def.version = protos.SaverDef.V2


def _position(signature: SignatureFunction, key: str, index: int) -> int:
    """Where the trace gives an output: lists keep their order, dicts sort their keys."""
    if key.startswith("output_") and key[7:].isdigit():
        outputs = signature.concrete.structured_outputs
        if not isinstance(outputs, dict):
            return int(key[7:])
    return index


def _file_name(path: str, names: dict[str, int]) -> str:
    """A name for an asset's file that no other asset has."""
    base = path.rstrip("/").rpartition("/")[2]
    others = {other.rpartition("/")[2] for other in list(names)[:-1]}
    return base if base not in others else f"{len(names) - 1}_{base}"


def _write_info(message: Any, name: str, spec: Any) -> None:
    message.name = name
    message.dtype = spec.dtype.as_datatype_enum
    message.tensor_shape.CopyFrom(make_shape_proto(spec.shape))


def _fresh(name: str, taken: set[str]) -> str:
    candidate, count = name, 0
    while candidate in taken:
        candidate = f"{name}_{count}"
        count += 1
    taken.add(candidate)
    return candidate


def _bytes_scalar(value: bytes) -> Any:
    array = np.empty((), object)
    array[()] = value
    return array


def _dtypes_of(restore: ConcreteFunction) -> tuple[DType, ...]:
    """Dtypes of the tensors that a table keeps in checkpoints."""
    args, _ = restore.structured_input_signature
    return tuple(spec.dtype for spec in args)
