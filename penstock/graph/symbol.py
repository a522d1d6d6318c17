"""Symbolic tensors and the nodes that make them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.core.dtypes import DType
from penstock.core.errors import OperatorNotAllowedInGraphError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.table import OpDef
from penstock.runtime.tensor import Tensor

# What an unknown dimension stands for in each world. The first two have many divisors, so that
# reshapes and splits work out; the third only breaks false equality (`x[:5]` has not 5 rows
# in it).
WORLDS = (840, 1680, 2)

WorldShapes = tuple[tuple[int, ...] | None, ...]
WorldValues = tuple[Any, ...]


class Node:
    """One op call in a graph. Also stands for TensorFlow's `tf.Operation`.

    `name` is unique in its graph, as in a `NodeDef`. `lengths` holds, for each argument of
    the op, the length of its list or None for a single tensor.
    """

    __slots__ = (
        "__dict__",
        "__weakref__",
        "attrs",
        "control_inputs",
        "custom_record",
        "graph",
        "index",
        "inputs",
        "lengths",
        "name",
        "outputs",
        "row",
        "tape",
        "where",
    )

    def __init__(
        self,
        graph: Any,
        name: str,
        row: OpDef,
        inputs: Sequence[Any],
        attrs: dict[str, Any],
        lengths: Sequence[int | None] | None,
        where: str,
    ) -> None:
        self.graph = graph
        self.name = name
        self.row = row
        self.inputs = tuple(inputs)
        self.attrs = attrs
        self.lengths = lengths
        self.where = where
        self.outputs: tuple[Symbol, ...] = ()
        self.control_inputs: tuple[Node, ...] = ()
        self.index = -1
        # (inputs, outputs, rule) of a computation that brings its own gradient.
        self.custom_record: Any = None
        # Stands for the tape that the node runs under, where it does: see `taped_run`.
        self.tape: Any = None

    @property
    def op(self) -> str:
        """Name of the op."""
        return self.row.name

    @property
    def type(self) -> str:
        """Name of the op."""
        return self.row.name

    @property
    def device(self) -> str:
        """Device asked for; empty when none was."""
        return str(self.attrs.get("_device", ""))

    @property
    def op_def(self) -> OpDef:
        """The row of the op."""
        return self.row

    def get_attr(self, name: str) -> Any:
        """Value of an attr.

        Raises:
            ValueError: the op has no such attr.
        """
        if name not in self.attrs:
            raise ValueError(f"Operation {self.name!r} has no attr named {name!r}.")
        return self.attrs[name]

    def values(self) -> tuple[Symbol, ...]:
        """The outputs."""
        return self.outputs

    def __repr__(self) -> str:
        return f"<tf.Operation '{self.name}' type={self.row.name}>"


class Symbol(Tensor):
    """A tensor of a graph: output `value_index` of a node.

    `static_value` is its value where that is known while the graph is built. `world_shapes` and
    `world_values` hold its shape and, for small integers, its value in each of the `WORLDS`.
    """

    def __init__(
        self,
        node: Node,
        value_index: int,
        dtype: DType,
        shape: TensorShape,
        world_shapes: WorldShapes | None = None,
        static_value: Any = None,
        world_values: WorldValues | None = None,
    ) -> None:
        self.graph_node = node
        self.value_index = value_index
        self._dtype = dtype
        self._shape = shape
        self._world_shapes = world_shapes
        self.static_value = static_value
        self._world_values = world_values

    @property
    def dtype(self) -> DType:
        """Type of the elements."""
        return self._dtype

    @property
    def shape(self) -> TensorShape:
        """Shape as far as it is known."""
        return self._shape

    @property
    def op(self) -> Node:
        """The node that makes it."""
        return self.graph_node

    @property
    def graph(self) -> Any:
        """The graph it belongs to."""
        return self.graph_node.graph

    @property
    def name(self) -> str:
        """`node:index`."""
        return f"{self.graph_node.name}:{self.value_index}"

    @property
    def device(self) -> str:
        """Device asked for; empty when none was."""
        return self.graph_node.device

    def consumers(self) -> list[Node]:
        """Nodes that take this tensor."""
        return [
            node for node in self.graph.nodes if any(tensor is self for tensor in node.inputs)
        ]

    def world_shape(self, world: int) -> tuple[int, ...] | None:
        """Shape in one world, or None when the rank is unknown."""
        if self._world_shapes is not None:
            return self._world_shapes[world]
        if self._shape.rank is None:
            return None
        return tuple(WORLDS[world] if d is None else d for d in self._shape.as_tuple())

    def world_value(self, world: int) -> Any:
        """Value in one world, or None when it is unknown."""
        if self.static_value is not None:
            return self.static_value
        return None if self._world_values is None else self._world_values[world]

    def set_shape(self, shape: Any) -> None:
        """Add knowledge of the shape.

        Raises:
            ValueError: it contradicts what is known.
        """
        merged = self._shape.merge_with(TensorShape(shape))
        if merged.as_list() if merged.rank is not None else None:
            old = self._shape
            if old.rank is None or old.as_list() != merged.as_list():
                self._world_shapes = self._merged_worlds(merged)
        elif merged.rank == 0:
            self._world_shapes = None
        self._shape = merged

    def _merged_worlds(self, merged: TensorShape) -> WorldShapes | None:
        if self._world_shapes is None:
            return None
        dims = merged.as_tuple()
        return tuple(
            None
            if shape is None
            else tuple(
                have if want is None else want for have, want in zip(shape, dims, strict=True)
            )
            for shape in self._world_shapes
        )

    def __eq__(self, other: object) -> Any:
        # Outside of functions TensorFlow compares the tensors themselves, and hashes them.
        if getattr(self.graph_node.graph, "runs_on_demand", False):
            return self is other
        return super().__eq__(other)

    def __ne__(self, other: object) -> Any:
        if getattr(self.graph_node.graph, "runs_on_demand", False):
            return self is not other
        return super().__ne__(other)

    def __hash__(self) -> int:
        if getattr(self.graph_node.graph, "runs_on_demand", False):
            return id(self)
        return super().__hash__()

    def __getattribute__(self, name: str) -> Any:
        if name == "numpy":
            raise AttributeError(
                f"'{type(self).__name__}' object has no attribute 'numpy': the tensor "
                f"belongs to a "
                "graph and has no value yet"
            )
        return object.__getattribute__(self, name)

    def _refuse(self, what: str) -> Any:
        raise OperatorNotAllowedInGraphError(
            f"{what} a symbolic tensor is not allowed: its value is not known while the "
            f"graph is "
            f"built ({self.name}, {self._dtype.name}{self._shape}); use tf.cond or "
            f"tf.while_loop, or "
            "let AutoGraph convert the function"
        )

    def __bool__(self) -> bool:
        return bool(self._refuse("using as a Python bool"))

    def __int__(self) -> int:
        if self.static_value is not None:
            return int(self.static_value)
        return int(self._refuse("converting to a Python int"))

    def __float__(self) -> float:
        return float(self._refuse("converting to a Python float"))

    def __index__(self) -> int:
        return int(self._refuse("using as an index"))

    def __len__(self) -> int:
        raise TypeError(
            f"len is not well defined for a symbolic tensor ({self.name}); call x.shape "
            f"rather than "
            "len(x) for shape information"
        )

    def __iter__(self) -> Any:
        if self._shape.rank is None:
            self._refuse("iterating over")
        if self._shape.rank == 0:
            raise TypeError("Cannot iterate over a scalar tensor.")
        size = self._shape.as_tuple()[0]
        if size is None:
            self._refuse("iterating over the unknown first dimension of")
        return iter([self[i] for i in range(int(size or 0))])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        raise TypeError(
            f"a symbolic tensor ({self.name}) cannot be converted to a numpy array; use "
            f"TensorFlow "
            "ops inside a function, not numpy's"
        )

    def __repr__(self) -> str:
        return f"<tf.Tensor '{self.name}' shape={self._shape} dtype={self._dtype.name}>"

    def __str__(self) -> str:
        return f'Tensor("{self.name}", shape={self._shape}, dtype={self._dtype.name})'

    def __copy__(self) -> Symbol:
        return self

    def __deepcopy__(self, memo: Any) -> Symbol:
        return self


def constant_value(tensor: Any, partial: bool = False) -> Any:
    """Return the value of `tensor` as a numpy array where it is known, else None.

    Source: TensorFlow's `tf.get_static_value`.
    """
    if isinstance(tensor, Symbol):
        return tensor.static_value
    value = getattr(tensor, "_value", None)
    if value is not None and hasattr(value, "dtype"):
        return np.asarray(value)
    if isinstance(tensor, Tensor):
        return None
    if isinstance(tensor, (np.ndarray, np.generic)):
        return tensor
    return None
