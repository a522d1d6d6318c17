"""Graphs of TensorFlow 1, in which branches and loops are nodes that let tensors pass.

`Switch` and `Merge` stand around branches; `Enter`, `Merge`, `Switch`, `NextIteration` and
`Exit` around loops. They are found again and written as branches and loops of a `FuncGraph`.
Nodes are written when something that is wanted needs them, each into the body it belongs to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from penstock.core import dtypes
from penstock.core.errors import DataLossError, UnimplementedError
from penstock.core.tensor_shape import TensorShape
from penstock.graph.bodies import run_branches, run_loop
from penstock.graph.func_graph import FuncGraph
from penstock.graph.graph_def.attr_values import read_attrs
from penstock.graph.graph_def.reader import GraphReader, Library
from penstock.graph.symbol import Symbol
from penstock.ops.table import has, lookup
from penstock.runtime.context import graph_scope, state
from penstock.runtime.dispatch import call
from penstock.wire.tensors import make_shape

Tensor = tuple[str, int]

_PASS: Final = frozenset({"Identity", "RefIdentity"})
_VARIABLES: Final = frozenset({"VariableV2", "Variable", "VarHandleOp"})
# Attrs of ops on variables that say how TensorFlow guards them, not what they do.
_GUARDS: Final = frozenset({"use_locking", "validate_shape", "T", "Tindices", "Tdim"})


class _Reference:
    """A variable as TensorFlow 1 passes it: read where it is used, after an assignment."""

    def __init__(self, handle: Symbol, after: Any = None) -> None:
        self.handle = handle
        self.after = after


class _Snapshot:
    """The value of a variable that was read once; who waits for something reads it again."""

    def __init__(self, symbol: Symbol, handle: Symbol) -> None:
        self.symbol = symbol
        self.handle = handle


@dataclass(slots=True, eq=False)
class _Scope:
    """Where nodes are written: the graph itself, a branch, or a part of a loop.

    `guard` is the predicate of a branch and which one it is; `frame` the name of a loop.
    """

    graph: FuncGraph
    parent: _Scope | None = None
    guard: tuple[str, int] | None = None
    frame: str | None = None
    tensors: dict[Tensor, Any] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)

    def find(self, tensor: Tensor) -> Any:
        scope: _Scope | None = self
        while scope is not None:
            if tensor in scope.tensors:
                return scope.tensors[tensor]
            scope = scope.parent
        return None

    def is_done(self, name: str) -> bool:
        scope: _Scope | None = self
        while scope is not None:
            if name in scope.done:
                return True
            scope = scope.parent
        return False


@dataclass(slots=True)
class _Loop:
    """The nodes of one loop, by variable."""

    condition: str
    frame: str
    enters: list[str] = field(default_factory=list)
    merges: list[str] = field(default_factory=list)
    switches: list[str] = field(default_factory=list)
    nexts: list[str] = field(default_factory=list)


class DataflowReader:
    """Writes the part of a GraphDef behind some tensors into a graph.

    Args:
        graph: the graph to write into.
        nodes: NodeDefs.
        library: functions that they call.
        feeds: symbols that stand for tensors of the GraphDef, by name.
        resources: gives the handle of the variable or table behind a node, or None.
        place: how errors call the GraphDef.
    """

    def __init__(
        self,
        graph: FuncGraph,
        nodes: Sequence[Any],
        library: Library,
        feeds: Mapping[str, Symbol],
        resources: Callable[[Any], Any],
        place: str,
    ) -> None:
        self._nodes = {node.name: node for node in nodes}
        self._library = library
        self._resources = resources
        self._place = place
        self._root = _Scope(graph)
        for name, symbol in feeds.items():
            self._root.tensors[parse(name)] = symbol
        self._loops = self._find_loops()
        self._guards: dict[str, frozenset[tuple[str, int]]] = {}
        self._needed: set[str] = set()
        # In graphs of which parts are run, what comes after what is said by control inputs.
        self._keeps_order = getattr(graph, "runs_on_demand", False)
        self._last: dict[str, Any] = {}
        self._depths: dict[str, int] = {}

    def write(self, tensors: Sequence[str], operations: Sequence[str] = ()) -> list[Symbol]:
        """Write what some tensors and operations need, and return the tensors.

        Raises:
            DataLossError: there is no such tensor.
            UnimplementedError: a construct is not understood.
        """
        wanted = [parse(name) for name in tensors]
        self._needed = self._behind([*(name for name, _ in wanted), *operations])
        for name in operations:
            self._ensure((name, -1), self._root)
        return [self._value(tensor, self._root) for tensor in wanted]

    def symbols_of(self, name: str) -> list[Symbol]:
        """What a node that was written gives; a variable is read."""
        found: list[Symbol] = []
        while (name, len(found)) in self._root.tensors:
            found.append(self._value((name, len(found)), self._root))
        return found

    def node_of(self, name: str) -> Any:
        """The node that was written last for a node, or None."""
        return self._last.get(name)

    def is_outside(self, name: str) -> bool:
        """Whether a node lies in no branch and no loop, so that its tensors are there once."""
        if self._node(name).op in ("Switch", "RefSwitch"):
            return False
        return self._depth_of(name) == 0 and not self._guards_of_node(name)

    def _depth_of(self, name: str) -> int:
        """Number of loops around a node."""
        stack = [name]
        while stack:
            node = self._node(stack[-1])
            inputs = [source(text)[0] for text in node.input]
            # Around a loop the way goes through its entries only.
            inputs = [i for i in inputs if self._node(i).op not in ("NextIteration",)]
            missing = [i for i in inputs if i not in self._depths]
            if missing:
                stack.extend(missing)
                continue
            step = {"Enter": 1, "RefEnter": 1, "Exit": -1, "RefExit": -1}.get(node.op, 0)
            deepest = max((self._depths[i] for i in inputs), default=0)
            self._depths[node.name] = max(deepest + step, 0)
            stack.pop()
        return self._depths[name]

    # -- what belongs together ------------------------------------------------------------

    def _node(self, name: str) -> Any:
        try:
            return self._nodes[name]
        except KeyError:
            raise DataLossError(f"{self._place} has no node named {name!r}") from None

    def _behind(self, names: Iterable[str]) -> set[str]:
        found: set[str] = set()
        stack = list(names)
        while stack:
            name = stack.pop()
            if name not in found:
                found.add(name)
                stack.extend(source(text)[0] for text in self._node(name).input)
        return found

    def _find_loops(self) -> dict[str, _Loop]:
        """Loops by the names of their exits and merges."""
        loops: dict[str, _Loop] = {}
        found: dict[str, _Loop] = {}
        for node in self._nodes.values():
            if node.op not in ("Switch", "RefSwitch"):
                continue
            condition = source(node.input[1])[0]
            if self._nodes.get(condition) is None or self._nodes[condition].op != "LoopCond":
                continue
            merge = self._node(source(node.input[0])[0])
            enter, following = (self._node(source(text)[0]) for text in merge.input[:2])
            frame = enter.attr["frame_name"].s.decode()
            loop = loops.setdefault(condition, _Loop(condition, frame))
            loop.enters.append(enter.name)
            loop.merges.append(merge.name)
            loop.switches.append(node.name)
            loop.nexts.append(following.name)
            found[merge.name] = loop
        of_switch = {name: loop for loop in loops.values() for name in loop.switches}
        for node in self._nodes.values():
            if node.op in ("Exit", "RefExit"):
                switch = source(node.input[0])[0]
                if switch in of_switch:
                    found[node.name] = of_switch[switch]
        return found

    def _predicate(self, text: str) -> str:
        """The node behind a predicate, through identities."""
        name = source(text)[0]
        while self._node(name).op in _PASS:
            name = source(self._node(name).input[0])[0]
        return name

    def _guards_of(self, text: str) -> frozenset[tuple[str, int]]:
        """The branches that a tensor lies in: (predicate, 0 or 1)."""
        name, index = source(text)
        own = self._guards_of_node(name)
        node = self._node(name)
        if node.op in ("Switch", "RefSwitch") and index >= 0:
            predicate = self._predicate(node.input[1])
            if self._nodes[predicate].op != "LoopCond":
                return own | {(predicate, index)}
        return own

    def _guards_of_node(self, name: str) -> frozenset[tuple[str, int]]:
        stack = [name]
        pending: set[str] = set()
        while stack:
            top = stack[-1]
            if top in self._guards:
                stack.pop()
                continue
            node = self._node(top)
            # Around a loop the way goes through its entries only.
            inputs = [t for t in node.input if self._node(source(t)[0]).op != "NextIteration"]
            missing = [source(t)[0] for t in inputs if source(t)[0] not in self._guards]
            missing = [other for other in missing if other not in pending]
            if missing and top not in pending:
                pending.add(top)
                stack.extend(missing)
                continue
            self._guards[top] = self._combine(node, inputs)
            stack.pop()
        return self._guards[name]

    def _combine(self, node: Any, inputs: Sequence[str]) -> frozenset[tuple[str, int]]:
        known = [self._guards_of(t) for t in inputs if source(t)[0] in self._guards]
        if node.op == "Merge" and node.name not in self._loops and len(known) == 2:
            # Behind a merge only what both sides have in common still holds.
            return known[0] & known[1]
        return frozenset().union(*known)

    # -- values ---------------------------------------------------------------------------

    def _value(self, tensor: Tensor, scope: _Scope, *, again: bool = False) -> Symbol:
        """A tensor in the graph of a scope; a variable is read now.

        Args:
            tensor: node and position.
            scope: where it is wanted.
            again: whether what was read of a variable is read once more.
        """
        self._ensure(tensor, scope)
        found = self._captured(scope.find(tensor), scope)
        if isinstance(found, _Snapshot):
            found = _Reference(found.handle) if again else found.symbol
        if isinstance(found, _Reference):
            return self._read(found, scope)
        if not isinstance(found, Symbol):
            raise DataLossError(f"{self._place} has no tensor '{tensor[0]}:{tensor[1]}'")
        return found

    def _read(self, reference: _Reference, scope: _Scope) -> Symbol:
        handle = reference.handle
        after = [] if reference.after is None else [reference.after]
        with graph_scope(scope.graph), _following(after):
            dtype = getattr(handle, "variable_dtype", dtypes.float32)
            symbol: Symbol = call("ReadVariableOp", handle, dtype=dtype)
        return symbol

    def _captured(self, found: Any, scope: _Scope) -> Any:
        if isinstance(found, _Reference):
            return _Reference(scope.graph.capture(found.handle), found.after)
        if isinstance(found, _Snapshot):
            capture = scope.graph.capture
            return _Snapshot(capture(found.symbol), capture(found.handle))
        return scope.graph.capture(found) if isinstance(found, Symbol) else found

    def _ensure(self, tensor: Tensor, scope: _Scope) -> None:
        """Write the node of a tensor, after all that it needs."""
        stack = [tensor]
        entered: set[str] = set()
        while stack:
            name, index = stack[-1]
            if scope.is_done(name) or (index >= 0 and scope.find((name, index)) is not None):
                stack.pop()
                continue
            node = self._node(name)
            if self._write_control_flow(node, scope):
                stack.pop()
                continue
            missing = [
                other
                for other in map(source, node.input)
                if not scope.is_done(other[0]) and (other[1] < 0 or scope.find(other) is None)
            ]
            if missing and name in entered:
                raise UnimplementedError(f"{self._place} has a cycle through node {name!r}")
            if missing:
                entered.add(name)
                stack.extend(missing)
                continue
            self._write(node, scope)
            stack.pop()

    def _write(self, node: Any, scope: _Scope) -> None:
        """Write an ordinary node, after those that it waits for."""
        waits = [source(text)[0] for text in node.input if text.startswith("^")]
        with _following([self._last[name] for name in waits if name in self._last]):
            before = len(scope.graph.nodes)
            self._write_now(node, scope)
        if len(scope.graph.nodes) > before:
            self._last[node.name] = scope.graph.nodes[-1]

    def _write_now(self, node: Any, scope: _Scope) -> None:
        scope.done.add(node.name)
        sources = [source(text) for text in node.input if not text.startswith("^")]
        if node.op in _VARIABLES or not sources:
            handle = self._resources(node)
            if handle is not None:
                symbol = scope.graph.capture(handle)
                is_handle = node.op not in ("VariableV2", "Variable")
                scope.tensors[node.name, 0] = symbol if is_handle else _Reference(symbol)
                return
        if self._write_on_variable(node, sources, scope):
            return
        # TensorFlow's read is a view of the variable: after an update it shows the update.
        again = len(sources) < len(node.input)
        inputs = [self._value(item, scope, again=again) for item in sources]
        names = [f"input_{i}" for i in range(len(inputs))]
        plain = type(node)()
        plain.CopyFrom(node)
        del plain.input[:]
        plain.input.extend(names)
        with graph_scope(scope.graph):
            given = dict(zip(names, inputs, strict=True))
            specials = {"NoOp": _no_op} if self._keeps_order else {}
            reader = GraphReader(
                self._library, [plain], given, place=self._place, specials=specials
            )
            reader.emit_all()
            for i, symbol in enumerate(reader.outputs_of(node.name)):
                scope.tensors[node.name, i] = symbol

    def _write_on_variable(self, node: Any, sources: Sequence[Tensor], scope: _Scope) -> bool:
        """Write a node that takes variables themselves; False when there is none such."""
        name = _resource_op(node.op)
        if name is None or not sources:
            return False
        found = [self._captured(scope.find(item), scope) for item in sources]
        reference = found[0]
        if not isinstance(reference, _Reference):
            return False
        if node.op == "RefIdentity":
            scope.tensors[node.name, 0] = reference
            return True
        if node.op == "Identity":
            symbol = self._read(reference, scope)
            scope.tensors[node.name, 0] = _Snapshot(symbol, reference.handle)
            return True
        row = lookup(name)
        # The values of what is no variable of the op are read, also of variables.
        inputs = [
            item.handle
            if i in row.variable_positions and isinstance(item, _Reference)
            else self._value(sources[i], scope)
            for i, item in enumerate(found)
        ]
        known = {key: node.attr[key] for key in node.attr if key not in _GUARDS}
        attrs = read_attrs(row, known, node.name)
        with graph_scope(scope.graph):
            result = call(name, *inputs, name=node.name, **attrs)
        if result is None:
            result = _Reference(reference.handle, scope.graph.last_node())
        scope.tensors[node.name, 0] = result
        return True

    # -- branches and loops ---------------------------------------------------------------

    def _write_control_flow(self, node: Any, scope: _Scope) -> bool:
        """Write a node that lets tensors pass; False when the node is an ordinary one."""
        if node.op in ("Enter", "RefEnter"):
            self._pass_in(node, scope)
        elif node.op in ("Switch", "RefSwitch"):
            self._pass_switch(node, scope)
        elif node.op in ("Exit", "RefExit") and node.name in self._loops:
            self._write_loop(self._loops[node.name], scope)
        elif node.op in ("Merge", "RefMerge"):
            if node.name in self._loops:
                raise UnimplementedError(
                    f"{self._place}: loop variable {node.name!r} is used outside its loop"
                )
            self._write_branches(node, scope)
        else:
            return False
        return True

    def _passed(self, tensor: Tensor, scope: _Scope) -> Any:
        """A tensor as it goes into a branch or loop: a variable stays one."""
        self._ensure(tensor, scope)
        found = scope.find(tensor)
        return found if isinstance(found, _Reference) else self._value(tensor, scope)

    def _pass_in(self, node: Any, scope: _Scope) -> None:
        """What enters a loop is a tensor of the scope around it."""
        frame = node.attr["frame_name"].s.decode()
        outer: _Scope | None = scope
        while outer is not None and outer.frame != frame:
            outer = outer.parent
        around = scope if outer is None or outer.parent is None else outer.parent
        scope.tensors[node.name, 0] = self._passed(source(node.input[0]), around)
        scope.done.add(node.name)

    def _pass_switch(self, node: Any, scope: _Scope) -> None:
        """Inside a branch, a switch on its predicate is the tensor outside."""
        predicate = self._predicate(node.input[1])
        branch: _Scope | None = scope
        while branch is not None and (branch.guard is None or branch.guard[0] != predicate):
            branch = branch.parent
        if branch is None or branch.guard is None or branch.parent is None:
            raise UnimplementedError(
                f"{self._place}: what node {node.name!r} lets pass is not merged again"
            )
        passed = self._passed(source(node.input[0]), branch.parent)
        branch.tensors[node.name, branch.guard[1]] = passed
        branch.done.add(node.name)

    def _write_loop(self, loop: _Loop, scope: _Scope) -> None:
        for name in loop.enters:
            self._ensure_before(name, scope)
        start = [self._value(source(self._node(name).input[0]), scope) for name in loop.enters]
        shapes = [self._shape_of(name) for name in loop.merges]
        traced = []
        for part in ("cond", "body"):
            graph = FuncGraph(part, scope.graph)
            inner = _Scope(graph, scope, frame=loop.frame)
            # Inside, these are there from the start, also for who only waits for them.
            inner.done.update(loop.merges, loop.switches)
            for i, symbol in enumerate(start):
                given = graph.placeholder(symbol.dtype, shapes[i], "loop_var")
                inner.tensors[loop.merges[i], 0] = given
                inner.tensors[loop.switches[i], 1] = given
            wanted = (
                [source(self._node(loop.condition).input[0])]
                if part == "cond"
                else [source(self._node(name).input[0]) for name in loop.nexts]
            )
            ends = [self._value(tensor, inner) for tensor in wanted]
            if part == "body":
                for name in loop.nexts:
                    self._ensure_before(name, inner)
            traced.append((graph, ends))
        (cond, tests), (body, steps) = traced
        with graph_scope(scope.graph):
            results = run_loop((cond, tests[0]), (body, steps), start, shapes)
        exits = dict(zip(loop.switches, results, strict=True))
        for name, other in self._loops.items():
            if other is loop and name not in loop.merges:
                switch = source(self._node(name).input[0])[0]
                scope.tensors[name, 0] = exits[switch]
                scope.done.add(name)

    def _ensure_before(self, name: str, scope: _Scope) -> None:
        """Write the nodes that a node only waits for."""
        for text in self._node(name).input:
            if text.startswith("^"):
                self._ensure(source(text), scope)

    def _shape_of(self, name: str) -> TensorShape:
        shapes = self._node(name).attr.get("_output_shapes")
        if shapes is None or not shapes.list.shape:
            return TensorShape(None)
        return make_shape(shapes.list.shape[0])

    def _write_branches(self, node: Any, scope: _Scope) -> None:
        """A branch for all merges on one predicate that lie side by side."""
        predicate = self._merged_predicate(node)
        guards = self._guards_of_node(node.name)
        together = [
            other
            for other in self._nodes.values()
            if other.op == "Merge"
            and other.name in self._needed
            and other.name not in self._loops
            and self._guards_of_node(other.name) == guards
            and self._merged_predicate(other) == predicate
        ]
        selector = self._value((predicate, 0), scope)
        graphs, ends = [], []
        for which in (1, 0):
            graph = FuncGraph(f"branch_{which}", scope.graph)
            inner = _Scope(graph, scope, guard=(predicate, which))
            texts = [self._side(merge, predicate, which) for merge in together]
            ends.append([self._value(source(text), inner) for text in texts])
            graphs.append(graph)
        with graph_scope(scope.graph):
            results = run_branches(graphs, ends, selector, "If")
        for merge, result in zip(together, results, strict=True):
            scope.tensors[merge.name, 0] = result
            scope.done.add(merge.name)

    def _merged_predicate(self, merge: Any) -> str:
        first, second = (self._guards_of(text) for text in merge.input[:2])
        for predicate, which in sorted(first):
            if (predicate, 1 - which) in second:
                return predicate
        raise UnimplementedError(
            f"{self._place}: the branches that node {merge.name!r} merges are not found"
        )

    def _side(self, merge: Any, predicate: str, which: int) -> str:
        for text in merge.input[:2]:
            if (predicate, which) in self._guards_of(text):
                return str(text)
        raise UnimplementedError(f"{self._place}: node {merge.name!r} lacks a branch")


def _no_op(reader: GraphReader, node: Any, _: Sequence[Symbol]) -> Sequence[Symbol]:
    """A node that others wait for, and that waits for others."""
    call("NoOp", name=node.name)
    return ()


@contextmanager
def _following(nodes: Sequence[Any]) -> Iterator[None]:
    """Have nodes made inside wait for others."""
    saved = state.control_inputs
    state.control_inputs = list(nodes)
    try:
        yield
    finally:
        state.control_inputs = saved


def _resource_op(name: str) -> str | None:
    """The op on handles that does what an op of TensorFlow 1 does on a variable."""
    if name in _ON_VARIABLES:
        return _ON_VARIABLES[name]
    if name.startswith(("Apply", "SparseApply", "Scatter")):
        other = f"Resource{name}"
        return other if has(other) else None
    return None


_ON_VARIABLES: Final = {
    "Assign": "AssignVariableOp",
    "AssignAdd": "AssignAddVariableOp",
    "AssignSub": "AssignSubVariableOp",
    "CountUpTo": "ResourceCountUpTo",
    "IsVariableInitialized": "VarIsInitializedOp",
    "RefIdentity": "Identity",
    "Identity": "Identity",
}


def parse(name: str) -> Tensor:
    """Node and position of a tensor's name."""
    node, _, index = name.partition(":")
    return node, int(index) if index.isdigit() else 0


def source(text: str) -> Tensor:
    """Node and position behind an input; -1 for a control input."""
    if text.startswith("^"):
        return text[1:], -1
    return parse(text)
