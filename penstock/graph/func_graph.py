"""Graphs under construction: the interpreter that writes calls down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.dtypes import DType
from penstock.core.errors import InaccessibleTensorError
from penstock.core.tensor_shape import TensorShape
from penstock.core.user_code import user_line
from penstock.graph.inference import Fact, infer
from penstock.graph.lower import evaluate
from penstock.graph.symbol import Node, Symbol
from penstock.ops.table import OpDef, lookup
from penstock.runtime.context import graph_scope, state
from penstock.runtime.registered_gradients import registered
from penstock.runtime.tensor import EagerTensor, Tensor

# An eager tensor of at most this many elements is written into the graph as a constant, so that
# its value can serve where the compiler needs one; larger ones are captured.
_INLINE_LIMIT = 64


class FuncGraph:
    """A graph that belongs to a function, or to a branch or loop body.

    Args:
        name: name of the function.
        outer: graph in which it is built; None takes the one in force.
    """

    def __init__(self, name: str, outer: Any = None, **_: Any) -> None:
        self.name = name
        self.outer_graph = outer if outer is not None else state.graph
        self.nodes: list[Node] = []
        self.inputs: list[Symbol] = []
        self.outputs: list[Symbol] = []
        self.structured_input_signature: Any = None
        self.structured_outputs: Any = None
        self.seed: int | None = None
        self._captures: dict[int, tuple[Any, Symbol]] = {}
        self._names: dict[str, int] = {}
        # Name scopes around a branch or loop body, which tags of summaries begin with.
        self.scope_around = ""
        # Whether it is the body of a branch, a loop or a map.
        self.is_body = False
        self._inner_scopes: dict[str, int] = {}
        self._collections: dict[str, list[Any]] = {}
        self.kept_alive: list[Any] = []
        self._gradient_overrides: dict[str, str] = {}

    # -- scopes -----------------------------------------------------

    @contextmanager
    def as_default(self) -> Iterator[FuncGraph]:
        """Write down the calls made inside."""
        with graph_scope(self):
            yield self

    @contextmanager
    def gradient_override_map(self, op_type_map: dict[str, str]) -> Iterator[None]:
        """Have ops made inside differentiated by rules of `tf.RegisterGradient`.

        Args:
            op_type_map: name of an op -> name of the rule.

        Raises:
            TypeError: a name is no text.
        """
        if not isinstance(op_type_map, dict):
            raise TypeError("op_type_map must be a dictionary mapping strings to strings")
        for name in (*op_type_map, *op_type_map.values()):
            if not isinstance(name, str):
                raise TypeError("op_type_map must be a dictionary mapping strings to strings")
        saved = self._gradient_overrides
        self._gradient_overrides = {**saved, **op_type_map}
        try:
            yield
        finally:
            self._gradient_overrides = saved

    @property
    def building_function(self) -> bool:
        """True: this graph belongs to a function."""
        return True

    def unique_name(self, name: str, mark_as_used: bool = True) -> str:
        """Return `name`, or `name_1` and so on when it is taken."""
        count = self._names.get(name)
        if count is None:
            if mark_as_used:
                self._names[name] = 1
            return name
        candidate = f"{name}_{count}"
        while candidate in self._names:
            count += 1
            candidate = f"{name}_{count}"
        if mark_as_used:
            self._names[name] = count + 1
            self._names[candidate] = 1
        return candidate

    def inner_scope(self, kind: str) -> str:
        """Name scope of a further branch or loop, as TensorFlow calls it, with a slash."""
        full = f"{self.scope_around}{state.name_scope}{kind}"
        count = self._inner_scopes.get(full, 0)
        self._inner_scopes[full] = count + 1
        return f"{full}_{count}/" if count else f"{full}/"

    # -- writing down -----------------------------------------------

    def apply(
        self,
        row: OpDef,
        flat: Sequence[Any],
        attrs: dict[str, Any],
        lengths: Sequence[int | None] | None,
        name: str | None = None,
    ) -> list[Symbol]:
        """Write a call down and return its outputs."""
        inputs = [self.capture(tensor) for tensor in flat]
        facts = infer(row, inputs, attrs, lengths)
        return self.add(row, inputs, attrs, lengths, facts, name)

    def add(
        self,
        row: OpDef,
        inputs: Sequence[Symbol],
        attrs: dict[str, Any],
        lengths: Sequence[int | None] | None,
        facts: Sequence[Fact],
        name: str | None = None,
    ) -> list[Symbol]:
        """Append a node whose outputs are described by `facts`."""
        scope = state.name_scope if state.graph is self else ""
        node = Node(
            self,
            self.unique_name(f"{scope}{name or row.name}"),
            row,
            inputs,
            attrs,
            lengths,
            user_line(3),
        )
        node.index = len(self.nodes)
        if state.control_inputs:
            node.control_inputs = tuple(
                item for item in state.control_inputs if item.graph is self
            )
        node.outputs = tuple(
            Symbol(
                node,
                i,
                fact.dtype,
                fact.shape,
                fact.world_shapes,
                fact.static_value,
                fact.world_values,
            )
            for i, fact in enumerate(facts)
        )
        self.nodes.append(node)
        override = self._gradient_overrides.get(row.name)
        if override is not None:
            _override_gradient(node, override)
        return list(node.outputs)

    def constant(self, value: Any, dtype: DType, name: str | None = None) -> Symbol:
        """Write a constant down."""
        array = np.asarray(value)
        fact = Fact(dtype, TensorShape.of(array.shape), None, array)
        attrs = {"value": array, "dtype": dtype}
        return self.add(lookup("Const"), (), attrs, None, [fact], name or "Const")[0]

    def placeholder(self, dtype: Any, shape: Any = None, name: str | None = None) -> Symbol:
        """Append an input of the graph."""
        symbol = self._placeholder(Fact(dtypes.as_dtype(dtype), TensorShape(shape)), name)
        self.inputs.append(symbol)
        return symbol

    def _placeholder(self, fact: Fact, name: str | None) -> Symbol:
        attrs = {"dtype": fact.dtype, "shape": fact.shape}
        return self.add(lookup("Placeholder"), (), attrs, None, [fact], name or "Placeholder")[
            0
        ]

    # -- captures ---------------------------------------------------

    @property
    def captures(self) -> list[tuple[Any, Symbol]]:
        """Tensors from outside and the inputs that stand for them."""
        return list(self._captures.values())

    @property
    def external_captures(self) -> list[Any]:
        """Tensors from outside that the graph uses."""
        return [external for external, _ in self._captures.values()]

    @property
    def internal_captures(self) -> list[Symbol]:
        """The inputs that stand for tensors from outside."""
        return [internal for _, internal in self._captures.values()]

    def capture(self, tensor: Any, name: str | None = None) -> Symbol:
        """Return the symbol that stands for `tensor` in this graph.

        Raises:
            InaccessibleTensorError: the tensor's graph does not enclose this one.
        """
        if isinstance(tensor, Symbol):
            if tensor.graph_node.graph is self:
                return tensor
            self._check_reachable(tensor)
        found = self._captures.get(id(tensor))
        if found is not None:
            return found[1]
        if isinstance(tensor, EagerTensor):
            symbol = self._capture_eager(tensor, name)
        elif isinstance(tensor, Symbol):
            symbol = self._placeholder(
                Fact(
                    tensor.dtype,
                    tensor.shape,
                    tensor._world_shapes,
                    tensor.static_value,
                    tensor._world_values,
                ),
                name or "captured",
            )
            _copy_notes(tensor, symbol)
            self.inputs.append(symbol)
        else:
            raise TypeError(f"only tensors can be captured, got {type(tensor).__name__}")
        self._captures[id(tensor)] = (tensor, symbol)
        return symbol

    def _capture_eager(self, tensor: EagerTensor, name: str | None) -> Symbol:
        value = tensor._value
        size = getattr(value, "size", None)
        inline = tensor.dtype not in _HANDLES and not getattr(tensor, "is_path_of_asset", False)
        if inline and size is not None and size <= _INLINE_LIMIT:
            self.kept_alive.append(tensor)  # its id is the key of the cache
            return self.constant(np.asarray(value), tensor.dtype, name)
        symbol = self._placeholder(Fact(tensor.dtype, tensor.shape), name or "captured")
        _copy_notes(tensor, symbol)
        shapes = getattr(value, "table_shapes", None)
        if shapes is not None:
            symbol.table_shapes = shapes  # type: ignore[attr-defined]
        self.inputs.append(symbol)
        return symbol

    def _check_reachable(self, tensor: Symbol) -> None:
        outer = self.outer_graph
        while outer is not None:
            if tensor.graph_node.graph is outer:
                return
            outer = getattr(outer, "outer_graph", None)
        raise InaccessibleTensorError(
            f"{tensor!r} is out of scope here: it was made in the function "
            f"{tensor.graph_node.graph.name!r}, at "
            f"{tensor.graph_node.where or 'an unknown place'}; "
            "return it from that function, or keep it in a tf.Variable"
        )

    def release_captures(self) -> None:
        """Let go of the tensors from outside: from now on all inputs are given in each run."""
        self._captures = {}

    def real_captures(self) -> list[tuple[Any, Symbol]]:
        """Captures that are inputs; the others were written down as constants."""
        return [
            (external, internal)
            for external, internal in self._captures.values()
            if internal.graph_node.row.name == "Placeholder"
        ]

    # -- looking ----------------------------------------------------

    def last_node(self) -> Node:
        """The node written last."""
        return self.nodes[-1]

    def get_operations(self) -> list[Node]:
        """All nodes, in the order in which they were made."""
        return list(self.nodes)

    def get_operation_by_name(self, name: str) -> Node:
        """The node called `name`.

        Raises:
            KeyError: there is none.
        """
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(f"The name {name!r} refers to an Operation not in the graph.")

    def get_tensor_by_name(self, name: str) -> Symbol:
        """The tensor called `node:index`.

        Raises:
            KeyError: there is none.
        """
        node, _, index = name.partition(":")
        return self.get_operation_by_name(node).outputs[int(index or 0)]

    @property
    def variables(self) -> tuple[Any, ...]:
        """Variables that the graph uses."""
        found = []
        for external in self.external_captures:
            owner = getattr(external, "_owner", None)
            variable = owner() if owner is not None else None
            if variable is not None:
                found.append(variable)
        return tuple(found)

    @property
    def trainable_variables(self) -> tuple[Any, ...]:
        """Trainable variables that the graph uses."""
        return tuple(variable for variable in self.variables if variable.trainable)

    def evaluate(self, symbol: Any) -> Any:
        """Run the part of the graph behind `symbol` now; see `lower.evaluate`."""
        return evaluate(self, symbol)

    def get_collection(self, name: str, scope: Any = None) -> list[Any]:
        """Values of a collection."""
        return list(self._collections.get(name, ()))

    def add_to_collection(self, name: str, value: Any) -> None:
        """Add a value to a collection."""
        self._collections.setdefault(name, []).append(value)

    def __repr__(self) -> str:
        return f"FuncGraph(name={self.name}, id={id(self)})"


def _override_gradient(node: Node, name: str) -> None:
    """Give a node the gradient rule that a program registered under a name."""

    def rule(_: Any, *gradients: Any) -> Any:
        return registered(name)(node, *gradients)

    node.custom_record = node.inputs, node.outputs, rule


_HANDLES = (dtypes.resource, dtypes.variant)


def _copy_notes(source: Tensor, target: Symbol) -> None:
    """Carry over what is known of the variable behind a handle."""
    for note in ("variable_shape", "variable_dtype", "table_shapes", "_trainable", "_owner"):
        value = getattr(source, note, None)
        if value is not None:
            setattr(target, note, value)
