"""`tf.saved_model.load`: objects, variables and functions from a SavedModel."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from penstock.core.collection import uncollected
from penstock.core.device_name import DeviceSpec
from penstock.core.errors import DataLossError, NotFoundError, UnimplementedError
from penstock.graph.graph_def.reader import Library
from penstock.graph.graph_def.saved_gradients import SavedGradient
from penstock.ops.lookup import forget_name
from penstock.runtime.context import init_scope
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.data_structures import ListWrapper, _DictWrapper, wrap_container
from penstock.runtime.resources import SAVED_TABLE, Asset, CapturableResource
from penstock.runtime.tensor import EagerTensor, wrap
from penstock.runtime.trackable import AutoTrackable, Trackable
from penstock.runtime.variable import (
    Variable,
    VariableAggregation,
    VariableSynchronization,
)
from penstock.saved_model import constants
from penstock.saved_model.files import (
    choose_meta_graph,
    damage_told,
    read_saved_model,
    variables_prefix,
)
from penstock.saved_model.function_spec import FunctionSpec
from penstock.saved_model.load_v1 import load_v1
from penstock.saved_model.options import LoadOptions
from penstock.saved_model.saved_function import (
    BareFunction,
    RestoredFunction,
    SavedConcreteFunction,
    SignatureMap,
)
from penstock.saved_model.structured_value import decode
from penstock.saved_model.table_contents import TableContents
from penstock.saved_model.unsafe_ops import UNSAFE_OPS
from penstock.wire import protos
from penstock.wire.bundle import BundleReader
from penstock.wire.file_system.confined import check_links, confined
from penstock.wire.tensors import make_dtype, make_ndarray, make_shape

_GRAPH_KEY: Final = "_CHECKPOINTABLE_OBJECT_GRAPH"
_TUPLE: Final = "trackable_tuple_wrapper"


def load(
    export_dir: str | os.PathLike[str],
    tags: Iterable[str] | str | None = None,
    options: LoadOptions | None = None,
) -> Any:
    """Load a SavedModel.

    Args:
        export_dir: its directory.
        tags: tags of the graph that is wanted; None takes the only one.
        options: see `LoadOptions`.

    Returns:
        An object with the attributes of the saved one: variables, functions and objects like
        itself, and `signatures`, a mapping of functions.

    Raises:
        NotFoundError: there is no SavedModel.
        DataLossError: its files are damaged.
        ValueError: it has no graph with these tags.
        PermissionDeniedError: it reads or writes files of others while it is loaded.
    """
    where = os.fspath(export_dir)
    options = options or LoadOptions()
    DeviceSpec.from_string(options.experimental_io_device or "")
    if not options.allow_unsafe_ops:
        check_links(where)
    root = None if options.allow_unsafe_ops else where
    with uncollected():
        meta_graph = choose_meta_graph(read_saved_model(where), tags, where)
        with damage_told(f"'{where}'"), init_scope(), confined(root):
            if not meta_graph.HasField("object_graph_def"):
                return load_v1(meta_graph, Path(where), options)
            return _Loader(meta_graph, Path(where), options).load()


def unload(model: Any) -> None:
    """Free what a loaded model has at once, which nobody may use any more.

    Its objects refer to each other, so that Python would find them a good while later only.
    """
    objects = getattr(model, "_loaded_objects", None)
    if objects is None:
        return
    for item in objects:
        if isinstance(item, Variable):
            item._holder.value = None
        elif isinstance(item, RestoredFunction):
            item.__dict__.clear()  # it refers to itself, and to the whole file
    objects.clear()


class RestoredResource(TableContents, CapturableResource, AutoTrackable):
    """A resource, such as a table, that functions of the file make and fill."""

    def _create_resource(self) -> Any:
        handle = self._saved("_create_resource")()
        # The name in the file must not join tables of models that are loaded one by one.
        if isinstance(handle, EagerTensor):
            forget_name(handle._value)
        return handle

    def _initialize(self) -> Any:
        function = self._functions.of.get("_initialize")
        return None if function is None else function()

    def _saved(self, name: str) -> Any:
        try:
            return self._functions.of[name]
        except KeyError:
            raise UnimplementedError(
                "a resource of the SavedModel has no function that makes it"
            ) from None

    @property
    def _functions(self) -> _Functions:
        """The functions of the file that make, fill and give back the resource."""
        return self.__dict__.setdefault("_file_functions", _Functions())  # type: ignore[no-any-return]


class _Functions:
    """Functions by name, out of sight of what looks for children: these are made anew."""

    def __init__(self) -> None:
        self.of: dict[str, Any] = {}


class UserObject(AutoTrackable):
    """An object of the saved program, with its attributes and functions."""


class _Loader:
    """Makes the objects of one SavedModel."""

    def __init__(self, meta_graph: Any, directory: Path, options: LoadOptions) -> None:
        self._meta_graph = meta_graph
        self._directory = directory
        self._options = options
        self._saved = meta_graph.object_graph_def
        self._library = Library(
            meta_graph.graph_def.library.function,
            f"SavedModel '{directory}'",
            () if options.allow_unsafe_ops else UNSAFE_OPS,
        )
        self._library.gradients = self._gradients()
        self._constants: dict[str, Any] = {}
        self._traces: dict[str, SavedConcreteFunction] = {}
        self._objects: list[Any] = []

    def _gradients(self) -> dict[str, SavedGradient]:
        """Rules of `tf.custom_gradient`, by the names that nodes have for them."""
        found = {}
        for registered in self._meta_graph.graph_def.library.registered_gradients:
            name = registered.gradient_func
            if name not in self._saved.concrete_functions or name not in self._library:
                continue
            message = self._saved.concrete_functions[name]
            captures: list[Any] = []
            homes = set()
            for index in message.bound_inputs:
                node = self._saved.nodes[index]
                if node.WhichOneof("kind") == "captured_tensor":
                    captures.append(node.captured_tensor.name)
                    homes.add(node.captured_tensor.concrete_function)
                else:
                    captures.append(functools.partial(self._tensor, index))
            if len(homes) > 1:
                continue
            given = message.output_signature
            items = given.list_value.values if given.HasField("list_value") else [given]
            found[registered.registered_op_type] = SavedGradient(
                name,
                [not item.HasField("none_value") for item in items],
                captures,
                "".join(homes),
            )
        return found

    def load(self) -> Any:
        """Make all objects, join them, give them their values, and return the root."""
        nodes = list(self._saved.nodes)
        if not nodes:
            raise DataLossError(f"'{self._directory}' must have a root object, got none")
        self._objects = [self._make(node) for node in nodes]
        for i, node in enumerate(nodes):
            self._add_children(i, node)
        for i, node in enumerate(nodes):
            self._add_contents(self._objects[i], node)
        if not self._options.experimental_skip_checkpoint:
            self._restore()
        for item in self._objects:
            if isinstance(item, RestoredResource):
                _initialize(item)
        root = self._object(0)
        info = self._meta_graph.meta_info_def
        self._describe(root, "tensorflow_version", info.tensorflow_version)
        self._describe(root, "tensorflow_git_version", info.tensorflow_git_version)
        if self._options.experimental_load_function_aliases:
            self._describe(root, "function_aliases", self._aliases())
        # They refer to this loader, which must not keep them in turn.
        self._traces = {}
        # Handles are kept by functions; this keeps the variables behind them.
        self._describe(root, "_loaded_objects", self._objects)
        return root

    def _describe(self, root: Any, name: str, value: Any) -> None:
        if hasattr(root, "__dict__") and name not in root.__dict__:
            object.__setattr__(root, name, value)

    def _aliases(self) -> dict[str, Any]:
        """The functions that were saved under an alias, by it."""
        found = {}
        names = dict(self._meta_graph.meta_info_def.function_aliases)
        for i, node in enumerate(self._saved.nodes):
            for name in node.function.concrete_functions:
                if name in names:
                    found[names[name]] = self._object(i)
            name = node.bare_concrete_function.concrete_function_name
            if name in names:
                found.setdefault(names[name], self._function(i))
        return found

    # -- objects --------------------------------------------------------------------------

    def _make(self, node: Any) -> Any:
        kind = node.WhichOneof("kind")
        maker = self._MAKERS.get(kind or "user_object")
        if maker is None:
            raise DataLossError(f"'{self._directory}' has an object of unknown kind {kind!r}")
        return maker(self, node)

    def _make_user_object(self, node: Any) -> Any:
        identifier = node.user_object.identifier
        if identifier == "trackable_list_wrapper":
            return ListWrapper()
        if identifier == "trackable_dict_wrapper":
            return _DictWrapper()
        if identifier == _TUPLE:
            return None  # made once its items are
        if identifier == "signature_map":
            return SignatureMap()
        names = [child.local_name for child in node.children]
        if "__call__" in names or any(name.startswith("__") for name in names):
            # Python looks such methods up in the class: this object gets one of its own.
            return type("UserObject", (UserObject,), {})()
        return UserObject()

    def _make_variable(self, node: Any) -> Variable:
        message = node.variable
        variable = Variable.__new__(Variable)
        variable._setup(
            name=message.name or None,
            dtype=make_dtype(message.dtype, "variable").base_dtype,
            shape=make_shape(message.shape),
            trainable=message.trainable,
            synchronization=VariableSynchronization(message.synchronization),
            aggregation=VariableAggregation(message.aggregation),
        )
        return variable

    def _make_constant(self, node: Any) -> Any:
        if not self._constants:
            self._constants = {
                graph_node.name: graph_node
                for graph_node in self._meta_graph.graph_def.node
                if graph_node.op == "Const"
            }
        name = node.constant.operation
        if name not in self._constants:
            raise DataLossError(f"'{self._directory}' must have a constant {name!r}")
        tensor = self._constants[name].attr["value"].tensor
        dtype = make_dtype(tensor.dtype, f"constant {name!r}").base_dtype
        return wrap(make_ndarray(tensor, what=f"constant {name!r}"), dtype)

    def _make_asset(self, node: Any) -> Asset:
        index = node.asset.asset_file_def_index
        if index >= len(self._meta_graph.asset_file_def):
            raise DataLossError(f"'{self._directory}' has no asset number {index}")
        name = self._meta_graph.asset_file_def[index].filename
        if Path(name).name != name:
            raise DataLossError(f"the name of an asset must have no directories, got {name!r}")
        return Asset(self._directory / constants.ASSETS_DIRECTORY / name)

    def _make_function(self, node: Any) -> Any:
        message = node.function
        spec = FunctionSpec.from_proto(message.function_spec)
        traces = [self._trace(name) for name in message.concrete_functions]
        name = message.concrete_functions[0] if message.concrete_functions else "function"
        return RestoredFunction(traces, spec, name)

    def _make_bare_function(self, node: Any) -> BareFunction:
        message = node.bare_concrete_function
        return BareFunction(
            self._trace(message.concrete_function_name),
            message.argument_keywords,
            message.allowed_positional_arguments,
        )

    def _make_resource(self, node: Any) -> RestoredResource:
        return RestoredResource(device=node.resource.device)

    def _make_captured(self, node: Any) -> None:
        return None

    _MAKERS: Final[Mapping[str, Callable[[_Loader, Any], Any]]] = {
        "user_object": _make_user_object,
        "variable": _make_variable,
        "constant": _make_constant,
        "asset": _make_asset,
        "function": _make_function,
        "bare_concrete_function": _make_bare_function,
        "resource": _make_resource,
        "captured_tensor": _make_captured,
    }

    def _trace(self, name: str) -> SavedConcreteFunction:
        found = self._traces.get(name)
        if found is None:
            if name not in self._saved.concrete_functions:
                raise DataLossError(f"'{self._directory}' does not describe function {name!r}")
            message = self._saved.concrete_functions[name]
            bound = list(message.bound_inputs)
            found = self._traces[name] = SavedConcreteFunction(
                self._library,
                name,
                lambda: (
                    decode(message.canonicalized_input_signature),
                    decode(message.output_signature),
                ),
                lambda: [self._tensor(i) for i in bound],
            )
        return found

    def _tensor(self, index: int) -> Any:
        """The tensor that a function captures for an object."""
        item = self._object(index)
        if isinstance(item, Variable):
            return item.handle
        if isinstance(item, EagerTensor):
            return item
        if isinstance(item, Asset):
            return item.asset_path
        if isinstance(item, CapturableResource):
            return item.resource_handle
        raise UnimplementedError(
            f"a function of '{self._directory}' uses a {type(item).__name__}, which cannot be "
            "an argument"
        )

    def _object(self, index: int) -> Any:
        """Object number `index`, a tuple once its items are there."""
        if not 0 <= index < len(self._objects):
            raise DataLossError(f"'{self._directory}' has no object number {index}")
        item = self._objects[index]
        if item is None:
            node = self._saved.nodes[index]
            if node.user_object.identifier == _TUPLE:
                item = self._objects[index] = self._make_tuple(node)
        return item

    def _make_tuple(self, node: Any) -> Any:
        items: dict[int, Any] = {
            int(child.local_name): self._object(child.node_id)
            for child in node.children
            if child.local_name.isdigit()
        }
        size = max(items, default=-1) + 1
        return wrap_container(tuple(items.get(i) for i in range(size)))

    # -- joining --------------------------------------------------------------------------

    def _add_children(self, index: int, node: Any) -> None:
        kind = node.WhichOneof("kind")
        if kind in ("function", "bare_concrete_function", "constant", "variable", "asset"):
            return
        parent = self._object(index)
        for child in node.children:
            value = self._object(child.node_id)
            self._attach(parent, child.local_name, value, self._saved.nodes[child.node_id])

    def _attach(self, parent: Any, name: str, value: Any, node: Any) -> None:
        if isinstance(parent, SignatureMap):
            parent.add(name, value)
            return
        if node.WhichOneof("kind") == "bare_concrete_function":
            value = value()
        if isinstance(parent, RestoredResource) and name in _RESOURCE_METHODS:
            parent._functions.of[name] = value
        elif isinstance(parent, ListWrapper):
            _set_item(parent, name, value)
        elif isinstance(parent, _DictWrapper):
            parent[name] = value
        elif isinstance(parent, tuple):
            pass
        elif name.startswith("__") and callable(value):
            setattr(type(parent), name, _method(value))
            parent._track_trackable(value, name, overwrite=True)
        else:
            setattr(parent, name, value)

    # -- values ---------------------------------------------------------------------------

    def _restore(self) -> None:
        prefix = variables_prefix(self._directory)
        if not Path(f"{prefix}.index").exists():
            if any(isinstance(item, Variable) for item in self._objects):
                raise NotFoundError(f"'{prefix}.index' must hold the variables, and is missing")
            return
        reader = BundleReader(prefix)
        if _GRAPH_KEY not in reader:
            return
        serialized = reader.read(_GRAPH_KEY).item()
        graph = protos.parse(protos.TrackableObjectGraph, serialized, f"objects of '{prefix}'")
        keys = self._checkpoint_nodes(graph)
        for i, item in enumerate(self._objects):
            if isinstance(item, Variable):
                self._restore_variable(item, keys.get(i), reader)
            elif self._saved.nodes[i].saveable_objects and i in keys:
                with contextlib.suppress(UnimplementedError):
                    # What cannot be made here says so when it is used.
                    self._restore_with_functions(self._saved.nodes[i], keys[i], reader)

    def _checkpoint_nodes(self, graph: Any) -> dict[int, Any]:
        """For each object its node in the checkpoint, found by walking both by name."""
        found: dict[int, Any] = {}
        stack = [(0, 0)]
        while stack:
            saved, stored = stack.pop()
            if saved in found or stored >= len(graph.nodes):
                continue
            found[saved] = graph.nodes[stored]
            children = {c.local_name: c.node_id for c in graph.nodes[stored].children}
            stack.extend(
                (child.node_id, children[child.local_name])
                for child in self._saved.nodes[saved].children
                if child.local_name in children
            )
        return found

    def _restore_variable(self, variable: Variable, node: Any, reader: BundleReader) -> None:
        attribute = None if node is None or not node.attributes else node.attributes[0]
        if attribute is None or attribute.checkpoint_key not in reader:
            if self._options.allow_partial_checkpoint:
                return
            raise DataLossError(
                f"'{self._directory}' must hold a value of variable {variable.name!r}; pass "
                "LoadOptions(allow_partial_checkpoint=True) to leave it without"
            )
        value = reader.read(attribute.checkpoint_key)
        variable._holder.set_value(value, owned=False)

    def _restore_with_functions(self, node: Any, stored: Any, reader: BundleReader) -> None:
        """Restore an object through its functions of the file.

        One tells the names of its tensors in a checkpoint, the other takes their values.
        """
        for attribute in stored.attributes:
            saveable = node.saveable_objects.get(attribute.name)
            if saveable is None or not saveable.restore_function:
                continue
            save = self._function(saveable.save_function)
            restore = self._function(saveable.restore_function)
            specs = save(convert_to_tensor(attribute.checkpoint_key))
            keys = [spec["name"].numpy().decode() for spec in specs]
            restore(*(wrap(reader.read(key), reader.entry(key).dtype) for key in keys))

    def _add_contents(self, item: Any, node: Any) -> None:
        """Let a table give and take its contents, so that it can be saved again."""
        saveable = node.saveable_objects.get(SAVED_TABLE)
        if isinstance(item, RestoredResource) and saveable is not None:
            functions = (saveable.save_function, saveable.restore_function)
            item.__dict__["_table_functions"] = tuple(map(self._function, functions))

    def _function(self, index: int) -> Any:
        """Function number `index`; a trace that stands alone is read now."""
        function = self._object(index)
        return function if isinstance(function, Trackable) else function()


_RESOURCE_METHODS: Final = ("_create_resource", "_initialize", "_destroy_resource")


def _set_item(items: ListWrapper, name: str, value: Any) -> None:
    if not name.isdigit():
        raise DataLossError(f"an item of a saved list must have a number, got {name!r}")
    position = int(name)
    if position > (1 << 24):
        raise DataLossError(f"a saved list must not have {position} items")
    while len(items) <= position:
        list.append(items, None)
    list.__setitem__(items, position, value)


def _method(function: Any) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return method


def _initialize(resource: RestoredResource) -> None:
    with contextlib.suppress(UnimplementedError):
        # What cannot be made here says so when it is used.
        resource._initialize()
