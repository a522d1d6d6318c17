"""The files of a SavedModel: where they are, and the graph among those in it that is wanted."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from penstock.core.errors import DataLossError, NotFoundError, UnimplementedError
from penstock.saved_model import constants
from penstock.wire import protos

# What a graph refers to is looked up in many places; a file whose parts do not fit each other
# shows as one of these there.
_SIGNS_OF_DAMAGE = (
    AttributeError,
    IndexError,
    KeyError,
    OverflowError,
    RecursionError,
    StopIteration,
    TypeError,
    UnicodeDecodeError,
)


@contextmanager
def damage_told(where: str) -> Iterator[None]:
    """Tell users what it means when the parts of a model do not fit each other.

    Args:
        where: what is read, as errors call it.

    Raises:
        DataLossError: something inside raised a class of Python's that says so.
    """
    try:
        yield
    except _SIGNS_OF_DAMAGE as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise DataLossError(
            f"{where} must be of a SavedModel whose parts fit each other, got {reason}; save "
            "the model again"
        ) from error


def contains_saved_model(export_dir: str | os.PathLike[str]) -> bool:
    """Whether a directory holds a SavedModel."""
    directory = Path(export_dir)
    return any(
        (directory / name).is_file()
        for name in (
            constants.SAVED_MODEL_FILENAME_PB,
            constants.SAVED_MODEL_FILENAME_PBTXT,
            constants.SAVED_MODEL_FILENAME_CPB,
        )
    )


def read_saved_model(export_dir: str | os.PathLike[str]) -> Any:
    """Read the SavedModel message of a directory.

    Raises:
        NotFoundError: there is none.
        DataLossError: it is damaged.
        UnimplementedError: it is split into chunks.
    """
    directory = Path(export_dir)
    binary = directory / constants.SAVED_MODEL_FILENAME_PB
    if binary.is_file():
        return protos.parse(protos.SavedModel, binary.read_bytes(), f"'{binary}'")
    text = directory / constants.SAVED_MODEL_FILENAME_PBTXT
    if text.is_file():
        return protos.parse_text(protos.SavedModel, text.read_bytes(), f"'{text}'")
    if (directory / constants.SAVED_MODEL_FILENAME_CPB).is_file():
        raise UnimplementedError(f"'{directory}' is a SavedModel in chunks, which is not read")
    raise NotFoundError(
        f"SavedModel file does not exist at: '{directory}'/{{{binary.name}|{text.name}}}"
    )


def choose_meta_graph(message: Any, tags: Iterable[str] | None, where: str) -> Any:
    """Return the graph that has just the given tags.

    Args:
        message: the SavedModel.
        tags: None takes the only graph.
        where: how errors call the model.

    Raises:
        ValueError: there is no such graph, or several and no tags.
    """
    graphs = list(message.meta_graphs)
    if tags is None:
        if len(graphs) != 1:
            found = [sorted(graph.meta_info_def.tags) for graph in graphs]
            raise ValueError(
                f"'{where}' must have one graph to be loaded without tags, got {found}; "
                "pass the tags of one"
            )
        return graphs[0]
    wanted = {tags} if isinstance(tags, str) else set(tags)
    for graph in graphs:
        if set(graph.meta_info_def.tags) == wanted:
            return graph
    found = [sorted(graph.meta_info_def.tags) for graph in graphs]
    raise ValueError(f"'{where}' must have a graph with the tags {sorted(wanted)}, got {found}")


def variables_prefix(export_dir: str | os.PathLike[str]) -> Path:
    """Prefix of the checkpoint with the values of the variables."""
    return Path(export_dir) / constants.VARIABLES_DIRECTORY / constants.VARIABLES_FILENAME
