"""`tf.compat.v1`: the parts of TensorFlow 1 that TensorFlow 2 programs use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from penstock.api import v1_nn as nn  # noqa: F401  (this is tf.compat.v1.nn)
from penstock.core import dtypes
from penstock.core.errors import MissingNameError
from penstock.core.tensor_shape import Dimension as Dimension
from penstock.core.tensor_shape import TensorShape
from penstock.graph.branching import cond as cond
from penstock.graph.branching import while_loop as while_loop
from penstock.runtime.context import state
from penstock.runtime.convert import convert_to_tensor as convert_to_tensor
from penstock.runtime.sparse_tensor import SparseTensor
from penstock.wire import protos


def placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> Any:
    """Append an input to the graph in force.

    Raises:
        RuntimeError: no graph is being built.
    """
    if state.graph is None:
        raise RuntimeError("tf.placeholder() is not compatible with eager execution.")
    return state.graph.placeholder(dtype, shape, name)


def sparse_placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> SparseTensor:
    """Append the three parts of a sparse tensor to the inputs of the graph in force.

    A shape that is known whole becomes a constant and is no input.

    Raises:
        RuntimeError: no graph is being built.
    """
    known = TensorShape(shape)
    sizes = known.as_list() if known.rank is not None and known.is_fully_defined() else None
    made = SparseTensor(
        placeholder(dtypes.int64, [None, known.rank], name),
        placeholder(dtype, [None], name),
        placeholder(dtypes.int64, [known.rank], name)
        if sizes is None
        else convert_to_tensor(sizes, dtypes.int64),
    )
    made.set_shape(known)
    return made


def executing_eagerly() -> bool:
    """Whether op calls are run at once."""
    return state.graph is None


def reset_default_graph() -> None:
    """Forget the graph that is written into outside of functions: there is none."""


def executing_eagerly_outside_functions() -> bool:
    """True: there are no graphs outside functions."""
    return True


# Messages, whose classes are made when they are first named.
_MESSAGES = frozenset(
    {"AttrValue", "ConfigProto", "Event", "GraphDef", "GPUOptions", "HistogramProto"}
    | {"LogMessage", "MetaGraphDef", "NameAttrList", "NodeDef", "OptimizerOptions"}
    | {"RunMetadata", "RunOptions", "SessionLog", "Summary", "SummaryMetadata"}
    | {"TensorInfo", "VariableDef"}
)
_later: dict[str, Callable[[], Any]] = {}


def add_later(spaces: Mapping[str, Callable[[], Any]]) -> None:
    """Add namespaces of rooms above, each with what loads it when it is first named."""
    _later.update(spaces)


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    if name in _later or name in _MESSAGES:
        value = globals()[name] = _later[name]() if name in _later else getattr(protos, name)
        return value
    raise MissingNameError(f"tf.compat.v1.{name} is not implemented")
