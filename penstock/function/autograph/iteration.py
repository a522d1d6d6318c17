"""What a for statement over tensors goes through: numbers, rows of tensors, ragged rows."""

from __future__ import annotations

from typing import Any, Protocol

from penstock.core import dtypes
from penstock.graph.symbol import Symbol
from penstock.runtime.context import state
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.ragged.indexing import get_item
from penstock.runtime.ragged_tensor import RaggedTensor
from penstock.runtime.tensor import TensorLike


class Items(Protocol):
    """Items that are found by their number."""

    def holds(self, index: Any) -> Any:
        """Whether there is an item after `index` others."""

    def at(self, index: Any) -> Any:
        """The item after `index` others."""


class Range:
    """`range` over tensors: its bounds, and the number of its elements."""

    def __init__(self, start: Any, limit: Any, delta: Any) -> None:
        tensors: list[Any] = [
            item for item in (start, limit, delta) if isinstance(item, TensorLike)
        ]
        dtype = tensors[0].dtype
        self.start = convert_to_tensor(start, dtype)
        self.limit = convert_to_tensor(limit, dtype)
        self.delta = convert_to_tensor(delta, dtype)

    def holds(self, index: Any) -> Any:
        """Whether there is an element after `index` others."""
        value = self.at(index)
        zero = convert_to_tensor(0, self.delta.dtype)
        up = call(
            "LogicalAnd", call("Greater", self.delta, zero), call("Less", value, self.limit)
        )
        down = call(
            "LogicalAnd", call("Less", self.delta, zero), call("Greater", value, self.limit)
        )
        return call("LogicalOr", up, down)

    def at(self, index: Any) -> Any:
        """The element after `index` others."""
        if index.dtype != self.start.dtype:
            index = call("Cast", index, DstT=self.start.dtype)
        return call("AddV2", self.start, call("Mul", index, self.delta))


class Rows:
    """The rows of a tensor.

    Raises:
        ValueError: it is a scalar.
    """

    def __init__(self, tensor: Any) -> None:
        self._tensor = convert_to_tensor(tensor)
        if self._tensor.shape.rank == 0:
            raise ValueError(
                "a tensor must have at least one dimension to be iterated over, got a scalar; "
                "use tf.range to count up to it"
            )
        size = self._tensor.shape[0] if self._tensor.shape.rank else None
        if size is None:
            size = call(
                "StridedSlice", call("Shape", self._tensor), [0], [1], [1], shrink_axis_mask=1
            )
        self.size = size

    def holds(self, index: Any) -> Any:
        """Whether there is a row after `index` others."""
        return call("Less", index, convert_to_tensor(self.size, index.dtype))

    def at(self, index: Any) -> Any:
        """The row after `index` others."""
        return call("GatherV2", self._tensor, index, 0)


class RaggedRows:
    """The rows of a ragged tensor."""

    def __init__(self, tensor: RaggedTensor) -> None:
        self._tensor = tensor
        self._size = tensor.nrows(out_type=dtypes.int32)

    def holds(self, index: Any) -> Any:
        """Whether there is a row after `index` others."""
        return call("Less", index, self._size)

    def at(self, index: Any) -> Any:
        """The row after `index` others."""
        return get_item(self._tensor, index)


def items_of(value: Any) -> Items | None:
    """The items of a value in the graph that is being built; None for a Python iterable."""
    if state.graph is None:
        return None
    if isinstance(value, Range):
        return value
    if isinstance(value, RaggedTensor):
        return RaggedRows(value)
    if isinstance(value, Symbol):
        node = value.graph_node
        if node.row.name == "Range" and node.graph is state.graph and value.shape[0] is None:
            # Counting needs no list of the numbers, whose size would be known too late.
            return Range(*node.inputs)
        return Rows(value)
    if isinstance(value, TensorLike):
        return Rows(value)
    return None
