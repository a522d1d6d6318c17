"""SavedModels of TensorFlow 1: a graph with named tensors, and no objects."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from penstock.core import dtypes
from penstock.core.errors import DataLossError, NotFoundError, UnimplementedError
from penstock.core.type_spec import TensorSpec
from penstock.graph.func_graph import FuncGraph
from penstock.graph.graph_def.attr_values import read_attrs
from penstock.graph.graph_def.dataflow import DataflowReader, parse
from penstock.graph.graph_def.reader import Library
from penstock.ops.table import has, lookup
from penstock.runtime.context import init_scope
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.data_structures import ListWrapper
from penstock.runtime.dispatch import call
from penstock.runtime.trackable import AutoTrackable
from penstock.runtime.variable import Variable
from penstock.saved_model import constants
from penstock.saved_model.files import damage_told, variables_prefix
from penstock.saved_model.options import LoadOptions
from penstock.saved_model.saved_function import RestoredConcreteFunction, SignatureMap
from penstock.saved_model.unsafe_ops import UNSAFE_OPS
from penstock.wire import protos
from penstock.wire.bundle import BundleReader, read_part
from penstock.wire.tensors import make_dtype, make_ndarray, make_shape

_VARIABLE_OPS: Final = ("VariableV2", "Variable", "VarHandleOp")
_TRAINABLE: Final = "trainable_variables"


def load_v1(meta_graph: Any, directory: Path, options: LoadOptions) -> Any:
    """Load a graph without objects.

    Returns:
        An object with `signatures`, `variables` and `prune`, which cuts functions out of the
        graph.

    Raises:
        DataLossError: the graph or the variables are damaged.
    """
    refused = () if options.allow_unsafe_ops else UNSAFE_OPS
    graph = _Graph(meta_graph, directory, refused)
    if not options.experimental_skip_checkpoint:
        graph.restore_variables(allow_partial=options.allow_partial_checkpoint)
    graph.initialize()
    root = GraphModel(graph)
    root.tensorflow_version = meta_graph.meta_info_def.tensorflow_version
    root.tensorflow_git_version = meta_graph.meta_info_def.tensorflow_git_version
    return root


class GraphModel(AutoTrackable):
    """What is loaded of a model of TensorFlow 1."""

    def __init__(self, graph: _Graph) -> None:
        self.variables = ListWrapper(graph.variables.values())
        self.signatures = graph.signatures()
        self._graph = graph

    def prune(self, feeds: Any, fetches: Any, name: str = "pruned") -> Any:
        """Cut a function out of the graph.

        Args:
            feeds: names of the tensors that are its arguments; one, a list or a dict.
            fetches: names of the tensors that it gives, likewise.
            name: name of the function.
        """
        named_feeds = _named(feeds, "feed")
        named_fetches = _named(fetches, "fetch")
        function = self._graph.function(named_feeds, named_fetches, name)
        if isinstance(fetches, Mapping):
            return function
        single = isinstance(fetches, str)
        return _Unnamed(function, list(named_fetches), single=single)


class _Unnamed:
    """A pruned function that gives a list, or one tensor."""

    def __init__(self, function: Any, names: Sequence[str], *, single: bool) -> None:
        self.function = function
        self._names = names
        self._single = single

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        results = self.function(*args, **kwargs)
        values = [results[name] for name in self._names]
        return values[0] if self._single else values


def _named(names: Any, prefix: str) -> dict[str, str]:
    if isinstance(names, Mapping):
        return dict(names)
    listed = [names] if isinstance(names, str) else list(names)
    return {f"{prefix}_{i}": name for i, name in enumerate(listed)}


class _Graph:
    """The graph of a model, its variables and tables."""

    def __init__(self, meta_graph: Any, directory: Path, refused: Collection[str] = ()) -> None:
        self._meta = meta_graph
        self._directory = directory
        self._place = f"SavedModel '{directory}'"
        self._nodes = list(meta_graph.graph_def.node)
        self._by_name = {node.name: node for node in self._nodes}
        self._library = Library(meta_graph.graph_def.library.function, self._place, refused)
        self._tables: dict[str, Any] = {}
        self._built: dict[str, Any] = {}
        self.variables = self._make_variables()

    # -- variables ------------------------------------------------------------------------

    def _make_variables(self) -> dict[str, Variable]:
        trainable = self._trainable_names()
        found = {}
        for node in self._nodes:
            if node.op in _VARIABLE_OPS:
                found[node.name] = Variable.uninitialized(
                    node.name,
                    make_dtype(node.attr["dtype"].type, f"variable {node.name!r}").base_dtype,
                    make_shape(node.attr["shape"].shape),
                    trainable=node.name in trainable,
                )
        return found

    def _trainable_names(self) -> set[str]:
        collection = self._meta.collection_def.get(_TRAINABLE)
        if collection is None:
            return set()
        messages = [
            protos.parse(protos.VariableDef, value, f"variables of {self._place}")
            for value in collection.bytes_list.value
        ]
        return {parse(message.variable_name)[0] for message in messages}

    def restore_variables(self, *, allow_partial: bool) -> None:
        """Give the variables their values.

        Raises:
            DataLossError: a variable has none.
        """
        prefix = variables_prefix(self._directory)
        if not self.variables:
            return
        try:
            reader = BundleReader(prefix)
        except NotFoundError:
            raise NotFoundError(f"'{prefix}.index' must hold the variables") from None
        names = CheckpointNames(self._nodes)
        for name, variable in self.variables.items():
            value = names.read(reader, name)
            if value is not None:
                variable._holder.set_value(value, owned=False)
            elif not allow_partial and name in names.known:
                raise DataLossError(f"'{prefix}' must hold a value of variable {name!r}")

    # -- running --------------------------------------------------------------------------

    def _handle(self, node: Any) -> Any:
        """Handle of the variable or table that a node makes, or None."""
        variable = self.variables.get(node.name)
        if variable is not None:
            return variable.handle
        if not has(node.op):
            return None
        row = lookup(node.op)
        makes_handle = [arg.type_attr for arg in row.output_args] == ["resource"]
        if row.inputs or not row.stateful or not makes_handle:
            return None
        if node.name not in self._tables:
            with init_scope():
                attrs = read_attrs(row, node.attr, node.name)
                self._tables[node.name] = call(node.op, **attrs)
        return self._tables[node.name]

    def initialize(self) -> None:
        """Fill tables, with assets where the model has some."""
        operation = self._initializer()
        if operation is None:
            return
        feeds = {}
        for asset in self._assets():
            name = asset.filename
            if Path(name).name != name:
                raise DataLossError(f"the name of an asset must be plain, got {name!r}")
            path = self._directory / constants.ASSETS_DIRECTORY / name
            feeds[asset.tensor_info.name] = convert_to_tensor(str(path), dtypes.string)
        with init_scope():
            graph = FuncGraph("initializer")
            with graph.as_default():
                symbols = {
                    name: graph.placeholder(tensor.dtype, tensor.shape)
                    for name, tensor in feeds.items()
                }
            count = len(graph.inputs)
            self._reader(graph, symbols).write([], [operation])
            function = RestoredConcreteFunction(
                graph, count, ((), {}), None, name="initializer", output_signature=None
            )
            try:
                function.call_flat(list(feeds.values()))
            except UnimplementedError:
                # Tables that cannot be made say so when they are used.
                return

    def _assets(self) -> list[Any]:
        """Files of the model, each with the tensor that takes its path."""
        if self._meta.asset_file_def:
            return list(self._meta.asset_file_def)
        # Older writers put them into a collection.
        collection = self._meta.collection_def.get(constants.ASSETS_KEY)
        if collection is None:
            return []
        return [
            protos.parse(protos.AssetFileDef, item.value, f"assets of {self._place}")
            for item in collection.any_list.value
        ]

    def _initializer(self) -> str | None:
        signature = self._meta.signature_def.get(constants.INIT_OP_SIGNATURE_KEY)
        if signature is not None:
            return parse(signature.outputs[constants.INIT_OP_SIGNATURE_KEY].name)[0]
        for key in (constants.MAIN_OP_KEY, constants.LEGACY_INIT_OP_KEY):
            collection = self._meta.collection_def.get(key)
            if collection is not None and collection.node_list.value:
                return str(collection.node_list.value[0])
        return None

    def _reader(self, graph: FuncGraph, feeds: Mapping[str, Any]) -> DataflowReader:
        return DataflowReader(
            graph, self._nodes, self._library, feeds, self._handle, self._place
        )

    # -- functions ------------------------------------------------------------------------

    def signatures(self) -> SignatureMap:
        """The signatures; each is built when it is first asked for."""
        found = SignatureMap()
        for key, message in self._meta.signature_def.items():
            if key not in (constants.INIT_OP_SIGNATURE_KEY, constants.TRAIN_OP_SIGNATURE_KEY):
                found.add(key, functools.partial(self._signature, key, message))
        return found

    def _signature(self, key: str, message: Any) -> Any:
        if key not in self._built:
            with damage_told(f"signature {key!r} of {self._place}"):
                inputs = {
                    name: _tensor_name(info, key) for name, info in message.inputs.items()
                }
                outputs = {
                    name: _tensor_name(info, key) for name, info in message.outputs.items()
                }
                self._built[key] = self.function(inputs, outputs, key)
        return self._built[key]

    def function(self, inputs: dict[str, str], outputs: dict[str, str], name: str) -> Any:
        """A function of named tensors of the graph."""
        with init_scope():
            graph = FuncGraph(name)
            feeds = {}
            specs = {}
            with graph.as_default():
                for key, tensor in sorted(inputs.items()):
                    specs[key] = self._spec(tensor, key)
                    symbol = graph.placeholder(specs[key].dtype, specs[key].shape, key)
                    symbol.graph_node.user_name = key  # type: ignore[attr-defined]
                    feeds[tensor] = symbol
            ordered = sorted(outputs)
            symbols = self._reader(graph, feeds).write([outputs[key] for key in ordered])
            results = dict(zip(ordered, symbols, strict=True))
            concrete = RestoredConcreteFunction(
                graph,
                len(specs),
                ((), specs),
                results,
                name=name,
                output_signature={
                    key: TensorSpec(symbol.shape, symbol.dtype, key)
                    for key, symbol in results.items()
                },
                positional=0 if len(specs) > 1 else 1,
            )
            concrete.arg_keywords = list(specs)
            return concrete

    def _spec(self, tensor: str, name: str) -> TensorSpec:
        """Dtype and shape of a tensor of the graph that is fed."""
        node = self._by_name.get(parse(tensor)[0])
        if node is None:
            raise DataLossError(f"{self._place} has no tensor {tensor!r}")
        for attr in ("dtype", "T", "Tout"):
            if attr in node.attr and node.attr[attr].type:
                dtype = make_dtype(node.attr[attr].type, tensor).base_dtype
                break
        else:
            raise UnimplementedError(f"{self._place}: the dtype of {tensor!r} is not told")
        shape = None
        if "_output_shapes" in node.attr and node.attr["_output_shapes"].list.shape:
            shape = make_shape(node.attr["_output_shapes"].list.shape[parse(tensor)[1]])
        elif "shape" in node.attr:
            shape = make_shape(node.attr["shape"].shape)
        return TensorSpec(shape, dtype, name)


class CheckpointNames:
    """What the variables of a graph are called in its checkpoint.

    Args:
        nodes: NodeDefs, among them those that restore the variables.
    """

    def __init__(self, nodes: Sequence[Any]) -> None:
        self._by_name = {node.name: node for node in nodes}
        self.known: dict[str, tuple[str, str]] = {}
        for node in nodes:
            if node.op not in ("Assign", "AssignVariableOp"):
                continue
            name, index = parse(node.input[1])
            while name in self._by_name and self._by_name[name].op == "Identity":
                name, index = parse(self._by_name[name].input[0])
            restore = self._by_name.get(name)
            if restore is None or restore.op != "RestoreV2":
                continue
            listed = [self._texts(restore.input[i]) for i in (1, 2)]
            if index < min(map(len, listed)):
                self.known[parse(node.input[0])[0]] = (listed[0][index], listed[1][index])

    def _texts(self, tensor: str) -> list[str]:
        """The texts of a constant."""
        node = self._by_name.get(parse(tensor)[0])
        if node is None or node.op != "Const":
            return []
        return [text.decode() for text in make_ndarray(node.attr["value"].tensor).ravel()]

    def read(self, reader: BundleReader, name: str) -> Any:
        """The value of a variable, or None."""
        key, extents = self.known.get(name, (name, ""))
        return read_part(reader, key, extents) if key in reader else None


def _tensor_name(info: Any, key: str) -> str:
    if info.WhichOneof("encoding") != "name":
        raise UnimplementedError(
            f"signature {key!r} takes or gives a sparse or composite tensor, which models of "
            "TensorFlow 1 are not loaded with"
        )
    return str(info.name)
