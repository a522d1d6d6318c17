"""`tf.compat.v1`: names that TensorFlow 1 programs use.

What both versions share is `tf`'s own; names that moved are found where they are.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any

from penstock.api import v1_nn as nn  # noqa: F401  (this is tf.compat.v1.nn)
from penstock.api.v1.names import ELSEWHERE
from penstock.core import dtypes
from penstock.core.errors import MissingNameError
from penstock.core.tensor_shape import Dimension as Dimension
from penstock.core.tensor_shape import TensorShape
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.sparse_tensor import SparseTensor
from penstock.wire import protos


def _placeholder(dtype: Any, shape: Any, name: str | None) -> Any:
    return _own()["placeholder"].placeholder(dtype, shape, name)


def sparse_placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> SparseTensor:
    """Append the three parts of a sparse tensor to the inputs of the graph in force.

    A shape that is known whole becomes a constant and is no input.

    Raises:
        RuntimeError: no graph is being built.
    """
    known = TensorShape(shape)
    sizes = known.as_list() if known.rank is not None and known.is_fully_defined() else None
    made = SparseTensor(
        _placeholder(dtypes.int64, [None, known.rank], name),
        _placeholder(dtype, [None], name),
        _placeholder(dtypes.int64, [known.rank], name)
        if sizes is None
        else convert_to_tensor(sizes, dtypes.int64),
    )
    made.set_shape(known)
    return made


# Messages, whose classes are made when they are first named.
_MESSAGES = frozenset(
    {"AttrValue", "ConfigProto", "Event", "GraphDef", "GPUOptions", "HistogramProto"}
    | {"LogMessage", "MetaGraphDef", "NameAttrList", "NodeDef", "OptimizerOptions"}
    | {"RunMetadata", "RunOptions", "SessionLog", "Summary", "SummaryMetadata"}
    | {"TensorInfo", "VariableDef", "GraphOptions"}
)
_MODULES = tuple(f"{__name__}.{name}" for name in ("renamed", "scopes", "graphs"))
_SPACES = frozenset(
    {"math", "linalg", "strings", "io", "random", "sparse", "image", "debugging", "manip"}
    | {"spectral", "bitwise", "signal", "sets", "dtypes", "errors", "nest", "quantization"}
    | {"ragged", "lookup", "queue", "config", "autograph", "audio", "types", "test", "version"}
    | {"sysconfig", "distribute", "experimental", "xla", "keras", "raw_ops", "feature_column"}
)
_later: dict[str, Callable[[], Any]] = {}


def add_later(spaces: Mapping[str, Callable[[], Any]]) -> None:
    """Add namespaces of rooms above, each with what loads it when it is first named."""
    _later.update(spaces)


class _Space:
    """A namespace of `tf.compat.v1` that shares most of its names with one of `tf`."""

    def __init__(self, name: str) -> None:
        self.__name__ = f"tf.compat.v1.{name}"
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = _named(f"{self._name}.{name}", name)
        setattr(self, name, value)
        return value


@functools.cache
def _own() -> dict[str, Any]:
    """What is defined here, loaded when a name of TensorFlow 1 is first asked for."""
    modules = [importlib.import_module(name) for name in _MODULES]
    return {name: module for module in modules for name in module.__all__}


def _named(path: str, leaf: str) -> Any:
    """What is called so below `tf.compat.v1`: changed, moved, or as in `tf`."""
    if leaf in _own():
        return getattr(_own()[leaf], leaf)
    if path.endswith("_initializer"):
        return getattr(importlib.import_module(f"{__name__}.initializers"), path)
    found: Any = sys.modules[__name__.partition(".")[0]]
    try:
        for part in ELSEWHERE.get(path, path).split("."):
            found = getattr(found, part)
    except AttributeError as error:
        raise MissingNameError(f"tf.compat.v1.{path} is not implemented") from error
    return found


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    if name == "initializers":
        return importlib.import_module(f"{__name__}.initializers")
    if name in _later:
        value = _later[name]()
    elif name in _MESSAGES:
        value = getattr(protos, name)
    elif name in _SPACES:
        value = _Space(name)
    else:
        value = _named(name, name)
    globals()[name] = value
    return value
