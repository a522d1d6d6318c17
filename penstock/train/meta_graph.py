"""`export_meta_graph` and `import_meta_graph` of `tf.compat.v1.train`."""

from __future__ import annotations

import os
from typing import Any

from penstock.graph.session.graph import GraphKeys, default_graph
from penstock.graph.session.importing import read_meta_graph, read_meta_graph_file
from penstock.graph.session.meta_graph import meta_graph_of
from penstock.train.saver import Saver
from penstock.wire.files import write_atomically


def export_meta_graph(
    filename: str | os.PathLike[str] | None = None,
    meta_info_def: Any = None,
    graph_def: Any = None,
    saver_def: Any = None,
    collection_list: Any = None,
    as_text: bool = False,
    graph: Any = None,
    export_scope: str | None = None,
    clear_devices: bool = False,
    clear_extraneous_savers: bool = False,
    strip_default_attrs: bool = False,
    save_debug_info: bool = False,
    **_: Any,
) -> Any:
    """A graph with its collections as a MetaGraphDef, and in a file if it is named.

    Args:
        filename: the file.
        collection_list: names of the collections; default: all.
        as_text: whether the file is text.
        graph: the graph; default: the one in force.
        meta_info_def, graph_def, saver_def, export_scope, clear_devices,
            clear_extraneous_savers, strip_default_attrs, save_debug_info: accepted for
            compatibility.

    Raises:
        UnimplementedError: a node has no form among TensorFlow's ops.
    """
    owner = graph or default_graph()
    variables = owner.get_collection(GraphKeys.GLOBAL_VARIABLES)
    message = meta_graph_of(owner, variables, collections=collection_list)
    if filename is not None:
        data = (
            str(message).encode() if as_text else message.SerializeToString(deterministic=True)
        )
        write_atomically(os.fspath(filename), data)
    return message


def import_meta_graph(
    meta_graph_or_file: Any,
    clear_devices: bool = False,
    import_scope: str | None = None,
    **kwargs: Any,
) -> Any:
    """Write a MetaGraphDef into the graph in force.

    Args:
        meta_graph_or_file: the message, or the path of a file that holds it.
        clear_devices: accepted for compatibility.
        import_scope: prefix of the names.
        **kwargs: `input_map`: tensors that stand in for some of its own, by name.

    Returns:
        A saver of its variables, or None when it has none.

    Raises:
        NotFoundError: there is no such file.
        DataLossError: it is damaged.
    """
    message = meta_graph_or_file
    if isinstance(message, (str, os.PathLike)):
        message = read_meta_graph_file(message)
    graph = default_graph()
    before = {id(v) for v in graph.get_collection(GraphKeys.GLOBAL_VARIABLES)}
    read_meta_graph(message, import_scope or "", **kwargs)
    made = [v for v in graph.get_collection(GraphKeys.GLOBAL_VARIABLES) if id(v) not in before]
    return Saver(made) if made else None
