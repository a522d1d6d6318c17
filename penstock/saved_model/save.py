"""`tf.saved_model.save`: objects with functions and variables, as TensorFlow reads them."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from penstock.core import dtypes
from penstock.core.device_name import DeviceSpec
from penstock.core.errors import UnimplementedError
from penstock.runtime.context import init_scope
from penstock.runtime.resources import Asset
from penstock.saved_model import constants
from penstock.saved_model.debug_nodes import check_namespaces, debug_info, strip_debug_nodes
from penstock.saved_model.fingerprint import make_fingerprint
from penstock.saved_model.main_graph import MainGraph
from penstock.saved_model.object_protos import write_objects
from penstock.saved_model.options import SaveOptions
from penstock.saved_model.saveable_view import SaveableView, check_saveable
from penstock.saved_model.signatures import canonical_signatures
from penstock.saved_model.versions import make_loadable, parse_release
from penstock.train import object_graph
from penstock.train.sharding import Value, write_values
from penstock.train.trackable_view import TrackableView
from penstock.wire import protos
from penstock.wire.bundle import index_name
from penstock.wire.files import exchange, sync_directory, write_atomically

# The release whose formats are written.
_TENSORFLOW_VERSION: Final = "2.21.0"
_MAX_MESSAGE_BYTES: Final = (1 << 31) - 1


def save(
    obj: Any,
    export_dir: str | os.PathLike[str],
    signatures: Any = None,
    options: SaveOptions | None = None,
    *,
    min_tf: str | None = None,
) -> None:
    """Write an object as a SavedModel that TensorFlow, TF Serving and penstock can load.

    Everything that the object leads to by attributes is written: variables with their values,
    functions with the traces that were made or are stated by an `input_signature`, other
    objects. Nothing is at `export_dir` before all is written.

    Args:
        obj: a tf.Module or other trackable object.
        export_dir: directory of the model; what is there is replaced.
        signatures: function with an `input_signature`, trace of a function, or a dict of
            them; None takes the only function of the object that has a signature.
        options: see `SaveOptions`.
        min_tf: oldest release of TensorFlow that shall load the model, such as "2.4": ops and
            attrs that came later are written by older ones.

    Raises:
        ValueError: the object or a signature cannot be saved.
        AssertionError: a function uses a variable that the object does not lead to.
        UnimplementedError: a function uses what has no form among TensorFlow's ops, or among
            those of `min_tf`.
    """
    options = options or SaveOptions()
    DeviceSpec.from_string(options.experimental_io_device or "")
    release = None if min_tf is None else parse_release(min_tf)
    check_saveable(obj)
    with init_scope():
        children = TrackableView.children(obj, "savedmodel")
        view = SaveableView(obj, children, canonical_signatures(children, signatures))
        saved_model = _message(view, options)
        if release is not None:
            meta_graph = saved_model.meta_graphs[0]
            make_loadable(meta_graph.graph_def, release)
            meta_graph.meta_info_def.stripped_default_attrs = True
        _write(Path(export_dir), view, saved_model, options)


def _message(view: SaveableView, options: SaveOptions) -> Any:
    saved_model = protos.SavedModel(
        saved_model_schema_version=constants.SAVED_MODEL_SCHEMA_VERSION
    )
    meta_graph = saved_model.meta_graphs.add()
    info = meta_graph.meta_info_def
    info.tags.extend([constants.SERVING, *options.extra_tags])
    info.tensorflow_version = _TENSORFLOW_VERSION
    info.tensorflow_git_version = "penstock"
    graph = MainGraph(view, meta_graph)
    signatures = view.signatures.signatures
    graph.write(signatures, with_saver=not options.experimental_skip_saver)
    meta_graph.object_graph_def.CopyFrom(
        write_objects(view, graph.constant_names, graph.signature_names, graph.asset_numbers)
    )
    if options.experimental_debug_stripper:
        strip_debug_nodes(meta_graph.graph_def)
    check_namespaces(meta_graph.graph_def, options.namespace_whitelist)
    for alias, function in options.function_aliases.items():
        for trace in view.traces_of(function):
            info.function_aliases[view.name_of(trace)] = alias
    return saved_model


def _write(directory: Path, view: SaveableView, saved_model: Any, options: SaveOptions) -> None:
    """Build the model beside its place, then move it there."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    temporary = directory.parent / f".{directory.name}.tempstate{secrets.token_hex(8)}"
    temporary.mkdir()
    try:
        _write_files(temporary, view, saved_model, options)
        _move(temporary, directory)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    sync_directory(directory.parent)


def _values(view: SaveableView) -> Iterator[Value]:
    """Values of variables and tables, one after the other, and the graph of the objects."""
    for key in sorted(view.graph.values):
        array, dtype = object_graph.as_array(view.graph.values[key])
        yield key, array, dtype
    graph = np.empty((), object)
    graph[()] = view.graph.message.SerializeToString(deterministic=True)
    yield object_graph.OBJECT_GRAPH_KEY, graph, dtypes.string


def _write_files(
    directory: Path, view: SaveableView, saved_model: Any, options: SaveOptions
) -> None:
    prefix = directory / constants.VARIABLES_DIRECTORY / constants.VARIABLES_FILENAME
    write_values(str(prefix), _values(view), options.experimental_sharding_callback)
    _copy_assets(directory, view, saved_model.meta_graphs[0])
    if saved_model.ByteSize() > _MAX_MESSAGE_BYTES:
        raise UnimplementedError(
            f"a graph in a SavedModel must take less than 2 GiB, got {saved_model.ByteSize()} "
            "bytes; keep large constants in variables"
        )
    serialized = saved_model.SerializeToString(deterministic=True)
    index = Path(index_name(prefix)).read_bytes()
    fingerprint = make_fingerprint(saved_model, serialized, index)
    write_atomically(
        directory / constants.FINGERPRINT_FILENAME, fingerprint.SerializeToString()
    )
    if options.save_debug_info:
        told = directory / constants.DEBUG_DIRECTORY / constants.DEBUG_INFO_FILENAME_PB
        told.parent.mkdir()
        write_atomically(told, debug_info(view.functions).SerializeToString(deterministic=True))
    write_atomically(directory / constants.SAVED_MODEL_FILENAME_PB, serialized)


def _copy_assets(directory: Path, view: SaveableView, meta_graph: Any) -> None:
    files = meta_graph.asset_file_def
    target = directory / constants.ASSETS_DIRECTORY
    for number, asset in view.instances(Asset):
        target.mkdir(exist_ok=True)
        node = meta_graph.object_graph_def.nodes[number]
        name = files[node.asset.asset_file_def_index].filename
        shutil.copyfile(asset.asset_path.numpy().decode(), target / name)


def _move(source: Path, target: Path) -> None:
    """Move a finished model to its place; files of users beside an old one stay."""
    if target.is_dir() and not any(target.iterdir()):
        target.rmdir()
    if not target.exists():
        source.rename(target)
        return
    new_names = {path.relative_to(source) for path in source.rglob("*") if path.is_file()}
    _keep_files_of_users(target, source, new_names)
    # One step from the old model to the new one, however the program ends.
    if exchange(source, target):
        return
    # The graph goes last: until then a reader finds the old one.
    last = Path(constants.SAVED_MODEL_FILENAME_PB)
    for name in sorted(new_names, key=lambda path: (path == last, path)):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).replace(target / name)
    for path in (target / constants.VARIABLES_DIRECTORY).iterdir():
        if path.relative_to(target) not in new_names:
            path.unlink()


def _keep_files_of_users(old: Path, new: Path, new_names: set[Path]) -> None:
    """Take over what lies in an old model's directory and is no part of a model."""
    for path in old.rglob("*"):
        name = path.relative_to(old)
        if (
            name in new_names
            or name.parts[0] == constants.VARIABLES_DIRECTORY
            or not (path.is_symlink() or path.is_file())
        ):
            continue
        place = new / name
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path, place, follow_symlinks=False)
        except OSError:
            shutil.copy2(path, place, follow_symlinks=False)


__all__ = ["save"]
