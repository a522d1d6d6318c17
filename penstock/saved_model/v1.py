"""`tf.compat.v1.saved_model`: SavedModels of graphs, and sessions that run them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from penstock.core.errors import AlreadyExistsError, InvalidArgumentError, NotFoundError
from penstock.graph.graph_def.dataflow import parse
from penstock.graph.session.graph import GraphKeys, default_graph
from penstock.graph.session.importing import read_meta_graph
from penstock.graph.session.meta_graph import meta_graph_of
from penstock.graph.session.variable import GraphVariable
from penstock.graph.symbol import Symbol
from penstock.runtime.sparse_tensor import SparseTensor
from penstock.saved_model import constants
from penstock.saved_model.files import (
    choose_meta_graph,
    contains_saved_model,
    read_saved_model,
    variables_prefix,
)
from penstock.saved_model.files import contains_saved_model as maybe_saved_model_directory
from penstock.saved_model.load import load as load_v2
from penstock.saved_model.load_v1 import CheckpointNames
from penstock.saved_model.save import save
from penstock.saved_model.unsafe_ops import check_start
from penstock.wire import protos
from penstock.wire.bundle import BundleReader, BundleWriter
from penstock.wire.file_system.confined import check_links, confined
from penstock.wire.files import write_atomically
from penstock.wire.tensors import make_shape_proto

__all__ = [
    "Builder",
    "build_signature_def",
    "build_tensor_info",
    "classification_signature_def",
    "contains_saved_model",
    "get_tensor_from_tensor_info",
    "is_valid_signature",
    "load",
    "load_v2",
    "maybe_saved_model_directory",
    "predict_signature_def",
    "regression_signature_def",
    "save",
    "simple_save",
]

_VERSION = "2.21.0"

# -- signatures -----------------------------------------------------------------------------


def build_tensor_info(tensor: Any) -> Any:
    """Name, dtype and shape of a tensor as a TensorInfo.

    Raises:
        RuntimeError: it belongs to no graph.
    """
    info = protos.TensorInfo()
    if isinstance(tensor, GraphVariable):
        tensor = tensor._as_graph_element()
    if isinstance(tensor, SparseTensor):
        info.coo_sparse.indices_tensor_name = tensor.indices.name
        info.coo_sparse.values_tensor_name = tensor.values.name
        info.coo_sparse.dense_shape_tensor_name = tensor.dense_shape.name
    elif isinstance(tensor, Symbol):
        info.name = tensor.name
    else:
        message = "build_tensor_info is not supported in Eager mode."
        raise RuntimeError(message)  # noqa: TRY004  (TensorFlow's class)
    info.dtype = tensor.dtype.as_datatype_enum
    info.tensor_shape.CopyFrom(make_shape_proto(tensor.shape))
    return info


def build_signature_def(
    inputs: Mapping[str, Any] | None = None,
    outputs: Mapping[str, Any] | None = None,
    method_name: str | None = None,
    defaults: Mapping[str, Any] | None = None,
) -> Any:
    """A SignatureDef of TensorInfos by name."""
    message = protos.SignatureDef()
    for key, info in (inputs or {}).items():
        message.inputs[key].CopyFrom(info)
    for key, info in (outputs or {}).items():
        message.outputs[key].CopyFrom(info)
    if method_name is not None:
        message.method_name = method_name
    for key, value in (defaults or {}).items():
        message.defaults[key].CopyFrom(value)
    return message


def predict_signature_def(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> Any:
    """The signature of a prediction, of tensors by name.

    Raises:
        ValueError: there are no inputs or no outputs.
    """
    if not inputs or not outputs:
        raise ValueError("Prediction `inputs` and `outputs` cannot be None or empty.")
    return build_signature_def(
        {key: build_tensor_info(tensor) for key, tensor in inputs.items()},
        {key: build_tensor_info(tensor) for key, tensor in outputs.items()},
        constants.PREDICT_METHOD_NAME,
    )


def classification_signature_def(examples: Any, classes: Any, scores: Any) -> Any:
    """The signature of a classification of serialized examples.

    Raises:
        ValueError: there are neither classes nor scores.
    """
    if classes is None and scores is None:
        raise ValueError("Classification `classes` and `scores` cannot both be None.")
    given = {
        constants.CLASSIFY_OUTPUT_CLASSES: classes,
        constants.CLASSIFY_OUTPUT_SCORES: scores,
    }
    return build_signature_def(
        {constants.CLASSIFY_INPUTS: build_tensor_info(examples)},
        {key: build_tensor_info(tensor) for key, tensor in given.items() if tensor is not None},
        constants.CLASSIFY_METHOD_NAME,
    )


def regression_signature_def(examples: Any, predictions: Any) -> Any:
    """The signature of a regression of serialized examples."""
    return build_signature_def(
        {constants.REGRESS_INPUTS: build_tensor_info(examples)},
        {constants.REGRESS_OUTPUTS: build_tensor_info(predictions)},
        constants.REGRESS_METHOD_NAME,
    )


def is_valid_signature(signature_def: Any) -> bool:
    """Whether a signature is one of prediction, classification or regression."""
    known = {
        constants.PREDICT_METHOD_NAME,
        constants.CLASSIFY_METHOD_NAME,
        constants.REGRESS_METHOD_NAME,
    }
    has_ends = bool(signature_def.inputs) and bool(signature_def.outputs)
    return has_ends and signature_def.method_name in known


def get_tensor_from_tensor_info(
    tensor_info: Any, graph: Any = None, import_scope: str | None = None
) -> Any:
    """The tensor of a graph that a TensorInfo names."""
    name = f"{import_scope}/{tensor_info.name}" if import_scope else tensor_info.name
    return (graph or default_graph()).get_tensor_by_name(name)


# -- writing --------------------------------------------------------------------------------


class Builder:
    """Writes graphs and the values of their variables as a SavedModel.

    Args:
        export_dir: the directory, which must not exist or be empty.

    Raises:
        AssertionError: there is something in it.
    """

    def __init__(self, export_dir: str | os.PathLike[str]) -> None:
        self._directory = Path(export_dir)
        if self._directory.is_dir() and any(self._directory.iterdir()):
            raise AssertionError(
                f"Export directory {export_dir} already exists, and isn't empty. Please choose "
                "a different export directory, or delete all the contents of the specified "
                "directory."
            )
        self._message = protos.SavedModel(
            saved_model_schema_version=constants.SAVED_MODEL_SCHEMA_VERSION
        )
        self._has_values = False

    def add_meta_graph_and_variables(
        self,
        sess: Any,
        tags: Iterable[str],
        signature_def_map: Mapping[str, Any] | None = None,
        assets_collection: Any = None,
        legacy_init_op: Any = None,
        clear_devices: bool = False,
        main_op: Any = None,
        strip_default_attrs: bool = False,
        saver: Any = None,
        assets_list: Any = None,
        init_op: Any = None,
        train_op: Any = None,
    ) -> None:
        """Add the graph of a session, and the values of its variables.

        Args:
            sess: the session.
            tags: tags of the graph.
            signature_def_map: signatures by name.
            assets_collection: tensors of the paths of files that belong to the model.
            main_op: op that runs once the model is loaded; also `legacy_init_op`, `init_op`.
            train_op: op that trains.
            saver: saves the variables that it names; default: all.
            assets_list: as `assets_collection`.
            clear_devices, strip_default_attrs: accepted for compatibility.

        Raises:
            AssertionError: values were added already.
            UnimplementedError: a node has no form among TensorFlow's ops.
        """
        if self._has_values:
            raise AssertionError(
                "Graph state including variables and assets has already been saved. Please "
                "invoke `add_meta_graph()` instead."
            )
        variables = _variables(sess.graph, saver)
        start = main_op or init_op or legacy_init_op
        self._add(sess, tags, signature_def_map or {}, variables, start, train_op)
        self._copy_assets(sess, assets_list or assets_collection or ())
        self._write_values(sess, variables)
        self._has_values = True

    def add_meta_graph(
        self,
        tags: Iterable[str],
        signature_def_map: Mapping[str, Any] | None = None,
        assets_collection: Any = None,
        legacy_init_op: Any = None,
        clear_devices: bool = False,
        main_op: Any = None,
        strip_default_attrs: bool = False,
        saver: Any = None,
        sess: Any = None,
    ) -> None:
        """Add the graph in force, beside one whose variables it shares.

        Raises:
            AssertionError: no values were added.
        """
        if not self._has_values:
            raise AssertionError(
                "Graph state including variables and assets has not been saved yet. Please "
                "invoke `add_meta_graph_and_variables()` first."
            )
            graph: Any = default_graph() if sess is None else sess.graph
        owner = SimpleNamespace(graph=graph)
        variables = _variables(graph, saver)
        self._add(owner, tags, signature_def_map or {}, variables, main_op or legacy_init_op)

    def save(self, as_text: bool = False) -> str:
        """Write the SavedModel, and return the path of its file."""
        self._directory.mkdir(parents=True, exist_ok=True)
        name = (
            constants.SAVED_MODEL_FILENAME_PBTXT
            if as_text
            else constants.SAVED_MODEL_FILENAME_PB
        )
        data = (
            str(self._message).encode()
            if as_text
            else self._message.SerializeToString(deterministic=True)
        )
        write_atomically(self._directory / name, data)
        return str(self._directory / name)

    # -- parts ------------------------------------------------------

    def _add(
        self,
        sess: Any,
        tags: Iterable[str],
        signatures: Mapping[str, Any],
        variables: list[GraphVariable],
        start: Any,
        train_op: Any = None,
    ) -> None:
        graph = sess.graph
        wanted = [op for op in (start, train_op) if op is not None]
        for key, message in signatures.items():
            for infos in (message.inputs, message.outputs):
                wanted.extend(tensor for info in infos.values() for tensor in _of(graph, info))
            if not key:
                raise InvalidArgumentError("a signature must have a name, got none")
        wanted.extend(graph.get_collection(GraphKeys.ASSET_FILEPATHS))
        meta_graph = meta_graph_of(graph, variables, wanted, tags)
        info = meta_graph.meta_info_def
        info.tensorflow_version = _VERSION
        info.tensorflow_git_version = "penstock"
        for key, message in signatures.items():
            meta_graph.signature_def[key].CopyFrom(message)
        if start is not None:
            meta_graph.collection_def[constants.MAIN_OP_KEY].node_list.value.append(start.name)
            op_info = meta_graph.signature_def[constants.INIT_OP_SIGNATURE_KEY]
            output = op_info.outputs[constants.INIT_OP_SIGNATURE_KEY]
            output.name = start.name
            output.tensor_shape.unknown_rank = True
        if train_op is not None:
            op_info = meta_graph.signature_def[constants.TRAIN_OP_SIGNATURE_KEY]
            output = op_info.outputs[constants.TRAIN_OP_SIGNATURE_KEY]
            output.name = train_op.name
            output.tensor_shape.unknown_rank = True
        self._message.meta_graphs.add().CopyFrom(meta_graph)

    def _copy_assets(self, sess: Any, tensors: Iterable[Any]) -> None:
        target = self._directory / constants.ASSETS_DIRECTORY
        meta_graph = self._message.meta_graphs[-1]
        for tensor in tensors:
            path = Path(sess.run(tensor).decode())
            if not path.is_file():
                raise NotFoundError(f"the asset '{path}' must be a file")
            target.mkdir(parents=True, exist_ok=True)
            if (target / path.name).exists():
                raise AlreadyExistsError(
                    f"two assets must not have one name, got '{path.name}'"
                )
            shutil.copyfile(path, target / path.name)
            definition = meta_graph.asset_file_def.add(filename=path.name)
            definition.tensor_info.name = tensor.name

    def _write_values(self, sess: Any, variables: list[GraphVariable]) -> None:
        if not variables:
            return
        values = sess.run(variables)
        with BundleWriter(variables_prefix(self._directory)) as writer:
            pairs = sorted(zip(variables, values, strict=True), key=lambda p: p[0].op.name)
            for variable, value in pairs:
                writer.add(variable.op.name, value, variable.dtype)


def _variables(graph: Any, saver: Any) -> list[GraphVariable]:
    if saver is not None:
        return [v for v in saver.variables.values() if isinstance(v, GraphVariable)]
    return list(graph.get_collection(GraphKeys.GLOBAL_VARIABLES))


def _of(graph: Any, info: Any) -> list[Any]:
    kind = info.WhichOneof("encoding")
    if kind == "coo_sparse":
        parts = info.coo_sparse
        names = [
            parts.indices_tensor_name,
            parts.values_tensor_name,
            parts.dense_shape_tensor_name,
        ]
        return [graph.get_tensor_by_name(name) for name in names]
    return [graph.as_graph_element(info.name)]


def simple_save(
    session: Any,
    export_dir: str | os.PathLike[str],
    inputs: Mapping[str, Any],
    outputs: Mapping[str, Any],
    legacy_init_op: Any = None,
) -> None:
    """Save the graph of a session with one signature of prediction, for serving."""
    signature = predict_signature_def(inputs, outputs)
    builder = Builder(export_dir)
    builder.add_meta_graph_and_variables(
        session,
        [constants.SERVING],
        {constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY: signature},
        assets_list=session.graph.get_collection(GraphKeys.ASSET_FILEPATHS),
        main_op=legacy_init_op,
    )
    builder.save()


# -- reading --------------------------------------------------------------------------------


def load(
    sess: Any,
    tags: Iterable[str],
    export_dir: str | os.PathLike[str],
    import_scope: str | None = None,
    **saver_kwargs: Any,
) -> Any:
    """Write a SavedModel into the graph of a session, and give its variables their values.

    Args:
        sess: the session.
        tags: tags of the graph that is wanted.
        export_dir: directory of the SavedModel.
        import_scope: prefix of the names.
        **saver_kwargs: accepted for compatibility.

    Returns:
        The MetaGraphDef.

    Raises:
        NotFoundError: there is no SavedModel.
        DataLossError: it is damaged.
        RuntimeError: it has no graph with these tags.
        PermissionDeniedError: it reads or writes files of others while it is loaded.
    """
    where = os.fspath(export_dir)
    check_links(where)
    try:
        meta_graph = choose_meta_graph(read_saved_model(where), tags, where)
    except ValueError as error:
        raise RuntimeError(str(error)) from None
    with sess.graph.as_default():
        imported = read_meta_graph(meta_graph, import_scope or "")
    prefix = variables_prefix(where)
    if imported.handles and Path(f"{prefix}.index").exists():
        reader = BundleReader(prefix)
        names = CheckpointNames(meta_graph.graph_def.node)
        for name, handle in imported.handles.items():
            value = names.read(reader, name.removeprefix(imported.prefix))
            if value is not None:
                sess.holder_of(handle).set_value(value, owned=False)
    feeds = {}
    for asset in meta_graph.asset_file_def:
        if Path(asset.filename).name != asset.filename:
            raise InvalidArgumentError(f"an asset's name must be plain, got {asset.filename!r}")
        path = Path(where) / constants.ASSETS_DIRECTORY / asset.filename
        feeds[f"{imported.prefix}{asset.tensor_info.name}"] = str(path)
    start = _start(meta_graph)
    if start is not None:
        check_start(meta_graph, start, where)
        with confined(where):
            sess.run(f"{imported.prefix}{start}", feeds)
    return meta_graph


def _start(meta_graph: Any) -> str | None:
    """Name of the op that runs once the model is loaded."""
    signature = meta_graph.signature_def.get(constants.INIT_OP_SIGNATURE_KEY)
    if signature is not None:
        return parse(signature.outputs[constants.INIT_OP_SIGNATURE_KEY].name)[0]
    for key in (constants.MAIN_OP_KEY, constants.LEGACY_INIT_OP_KEY):
        collection = meta_graph.collection_def.get(key)
        if collection is not None and collection.node_list.value:
            return str(collection.node_list.value[0])
    return None


builder = SimpleNamespace(SavedModelBuilder=Builder)
loader = SimpleNamespace(load=load, maybe_saved_model_directory=contains_saved_model)
utils = SimpleNamespace(
    build_tensor_info=build_tensor_info,
    get_tensor_from_tensor_info=get_tensor_from_tensor_info,
)
signature_def_utils = SimpleNamespace(
    build_signature_def=build_signature_def,
    classification_signature_def=classification_signature_def,
    is_valid_signature=is_valid_signature,
    predict_signature_def=predict_signature_def,
    regression_signature_def=regression_signature_def,
)
signature_constants = constants
tag_constants = constants


def __getattr__(name: str) -> Any:
    if name.isupper() and hasattr(constants, name):
        return getattr(constants, name)
    raise AttributeError(f"tf.compat.v1.saved_model.{name} is not implemented")
