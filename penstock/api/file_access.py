"""Whole files: part of `tf.io`."""

from __future__ import annotations

import os
from typing import Any

from penstock.core import dtypes
from penstock.runtime.dispatch import call
from penstock.runtime.variable import Variable
from penstock.wire.file_system import as_path, file_system_of

__all__ = ["match_filenames_once", "matching_files", "read_file", "write_file", "write_graph"]


def read_file(filename: Any, name: str | None = None) -> Any:
    """All bytes of a file, as a string.

    Args:
        filename: its name.
        name: name of the node in a graph.

    Raises:
        NotFoundError: there is no such file.
    """
    return call("ReadFile", filename, name=name)


def write_file(filename: Any, contents: Any, name: str | None = None) -> Any:
    """Write a string to a file, whose directories are made where they are missing.

    Args:
        filename: its name.
        contents: the string.
        name: name of the node in a graph.
    """
    return call("WriteFile", filename, contents, name=name)


def matching_files(pattern: Any, name: str | None = None) -> Any:
    """Names of the files that match a pattern, in order.

    Args:
        pattern: `*` and `?` stand for characters but slashes, `[...]` for one of some; may
            be a vector of patterns.
        name: name of the node in a graph.
    """
    return call("MatchingFiles", pattern, name=name)


def match_filenames_once(pattern: Any, name: str | None = None) -> Any:
    """A variable with the names of the files that match a pattern now.

    Args:
        pattern: see `matching_files`.
        name: name of the variable.
    """
    names = matching_files(pattern)
    return Variable(names, name=name, trainable=False, dtype=dtypes.string)


def write_graph(graph_or_graph_def: Any, logdir: Any, name: str, as_text: bool = True) -> str:
    """Write a graph to a file.

    Args:
        graph_or_graph_def: a graph, or its GraphDef.
        logdir: directory, which is made where it is missing.
        name: name of the file.
        as_text: whether it is written as text, else as bytes.

    Returns:
        The path of the file.
    """
    message = graph_or_graph_def
    if hasattr(message, "as_graph_def"):
        message = message.as_graph_def()
    directory = as_path(logdir)
    files = file_system_of(directory)
    files.make_directory(directory, with_parents=True)
    path = os.path.join(directory, name)  # noqa: PTH118  (may have a scheme)
    with files.open(path, "wb") as file:
        file.write(str(message).encode() if as_text else message.SerializeToString())
    return path
