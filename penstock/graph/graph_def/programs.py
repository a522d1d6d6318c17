"""Parts of a graph for which TensorFlow has no ops, as StableHLO programs.

A generic gradient has no form among TensorFlow's ops, but every runtime since 2.12 can run a
program of XLA as one node, `XlaCallModule`. Such a node takes the place of a part of the graph:
of what has no form, and of all that lies between its parts, so that tensors which only JAX
knows (lists inside loops) stay inside.
"""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import jax
import numpy as np

from penstock.core import dtypes
from penstock.core.errors import UnimplementedError
from penstock.graph.symbol import WORLDS, Node, Symbol
from penstock.graph.tracing import NeedHostError, Special, is_traced, trace_nodes
from penstock.ops import checks
from penstock.ops.checks import NeedsValueError
from penstock.ops.grad import flat_outputs
from penstock.ops.lowering import without
from penstock.ops.table import lookup

# The version of StableHLO that TensorFlow 2.21 reads; JAX writes later ones.
_STABLEHLO: Final = "1.13.0"
# What programs call that runtimes know: checks of open sizes, and ops that StableHLO lacks.
_CALL: Final = re.compile(r"custom_call @([^\s(]+)")
_KNOWN_CALLS: Final = frozenset({"shape_assertion", "Sharding", "mhlo.erf", "mhlo.topk"})
_LISTS: Final = ("TensorListFromTensor", "TensorListReserve", "TensorListStack")
_BOXED: Final = (dtypes.variant, dtypes.resource, dtypes.string)


@dataclass(slots=True, eq=False)
class Part:
    """Nodes that one program computes, what it takes, and what others take of it."""

    nodes: list[Node]
    inputs: list[Symbol]
    outputs: list[Symbol]


@dataclass(frozen=True, slots=True)
class Program:
    """A serialized program, and what its node says about it."""

    module: bytes
    version: int
    platforms: tuple[str, ...]


def find_parts(
    nodes: Sequence[Node], outputs: Iterable[Symbol], without_form: Callable[[Node], bool]
) -> list[Part]:
    """The parts of a graph that must be programs.

    Args:
        nodes: live nodes of the graph.
        outputs: what the graph gives.
        without_form: whether a node cannot be written as an op.
    """
    seeds = [node for node in nodes if without_form(node) and _is_pure(node)]
    if not seeds:
        return []
    graph = _Neighbours(nodes)
    groups: list[set[int]] = []
    for seed in seeds:
        group = graph.with_shapes({id(seed)})
        # Parts that meet are one.
        while meeting := [other for other in groups if other & group]:
            groups = [other for other in groups if not other & group]
            group = graph.with_shapes(group.union(*meeting))
        groups.append(group)
    wanted = {id(symbol) for symbol in outputs}
    return [_part(nodes, group, wanted) for group in groups]


class _Neighbours:
    """Which nodes come before and after each."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._nodes = {id(node): node for node in nodes}
        self._before: dict[int, set[int]] = {}
        self._after: dict[int, set[int]] = {key: set() for key in self._nodes}
        self._boxed: dict[int, set[int]] = {key: set() for key in self._nodes}
        for key, node in self._nodes.items():
            before = {id(symbol.graph_node) for symbol in node.inputs}
            before.update(map(id, node.control_inputs))
            self._before[key] = before & self._nodes.keys()
            for other in self._before[key]:
                self._after[other].add(key)
            for symbol in node.inputs:
                other = id(symbol.graph_node)
                if symbol.dtype is dtypes.variant and other in self._nodes:
                    self._boxed[key].add(other)
                    self._boxed[other].add(key)

    def with_shapes(self, group: set[int]) -> set[int]:
        """The closed group with the shapes that it takes, of which sizes may stay open."""
        while True:
            group = self.closed(group)
            shapes = {
                other
                for key in group
                for other in self._before[key]
                if self._nodes[other].row.name == "Shape"
            }
            if shapes <= group:
                return group
            group = group | shapes

    def closed(self, group: set[int]) -> set[int]:
        """The group with all that shares lists with it or lies between its nodes."""
        while True:
            grown = _reach(group, self._boxed)
            grown |= _reach(grown, self._before) & _reach(grown, self._after)
            if grown == group:
                return group
            group = grown


def _reach(start: set[int], edges: dict[int, set[int]]) -> set[int]:
    found = set(start)
    stack = list(start)
    while stack:
        for other in edges[stack.pop()]:
            if other not in found:
                found.add(other)
                stack.append(other)
    return found


def _is_pure(node: Node) -> bool:
    row = node.row
    return row.device is not None and not row.stateful and not row.variable_positions


def _part(nodes: Sequence[Node], group: set[int], wanted: set[int]) -> Part:
    inside = [node for node in nodes if id(node) in group]
    inputs: dict[int, Symbol] = {}
    for node in inside:
        for symbol in node.inputs:
            if id(symbol.graph_node) not in group:
                inputs[id(symbol)] = symbol
    taken = {id(s) for node in nodes if id(node) not in group for s in node.inputs} | wanted
    outputs = [s for node in inside for s in node.outputs if id(s) in taken]
    # What is known when the program is made is part of it.
    return Part(inside, [s for s in inputs.values() if _known(s) is None], outputs)


def _known(symbol: Symbol) -> Any:
    if symbol.graph_node.row.name == "Const":
        return symbol.graph_node.attrs["value"]
    return symbol.static_value


def make_program(part: Part) -> Program:
    """Write the nodes of a part as a program.

    Raises:
        UnimplementedError: a node cannot be compiled, or only for sizes that are known.
    """
    for node in part.nodes:
        if node.row.name != "Const" and (node.row.stateful or node.row.variable_positions):
            raise _refusal(part, node, "it has effects or uses variables")
    for symbol in (*part.inputs, *part.outputs):
        if symbol.dtype in _BOXED:
            raise _refusal(part, symbol.graph_node, f"it gives a {symbol.dtype.name}")
    known = {
        id(s): _known(s)
        for node in part.nodes
        for s in node.inputs
        if _known(s) is not None
    }  # fmt: skip
    arguments = _arguments(part)

    def run(*values: Any) -> tuple[Any, ...]:
        env = known | {id(s): v for s, v in zip(part.inputs, values, strict=True)}
        # Rules are for sizes that are known, and for this machine.
        with checks.ignoring(), without():
            trace_nodes(part.nodes, env, {}, _by_shapes(part.nodes, env))
        return tuple(
            jax.numpy.asarray(env[id(s)], s.dtype.as_numpy_dtype) for s in part.outputs
        )

    try:
        exported = jax.export.export(jax.jit(run, keep_unused=True), platforms=("cpu",))(
            *arguments
        )
    except NeedHostError as error:
        raise _refusal(part, error.node, error.reason) from error
    except jax.errors.InconclusiveDimensionOperation as error:
        raise _refusal(
            part, _seed(part), "a size that is open must be known; give it"
        ) from error
    except (TypeError, ValueError, IndexError, NotImplementedError) as error:
        # JAX has many classes for sizes that stay open where a kernel must know them.
        raise _refusal(part, _seed(part), str(error).partition("\n")[0]) from error
    calls = set(_CALL.findall(str(exported.mlir_module()))) - _KNOWN_CALLS
    if calls:
        reason = f"TensorFlow's XLA has no {min(calls)!r}, which JAX calls for it"
        raise _refusal(part, _seed(part), reason)
    return Program(
        _older(exported.mlir_module_serialized),
        exported.calling_convention_version,
        tuple(name.upper() for name in exported.platforms),
    )


def _by_shapes(nodes: Sequence[Node], env: dict[int, Any]) -> dict[int, Special]:
    """What takes the shapes of tensors, by the tensors themselves: their sizes may be open.

    Gradients of reductions and of broadcasts are made of it.
    """
    made = {id(symbol): node for node in nodes for symbol in node.outputs}

    def sizes(symbol: Symbol) -> tuple[Any, ...]:
        source = made.get(id(symbol))
        if source is not None and source.row.name == "Shape":
            return tuple(env[id(source.inputs[0])].shape)
        value = env[id(symbol)]
        if is_traced(value):
            raise NeedsValueError("it takes sizes that are no shape of a tensor")
        return tuple(np.asarray(value).tolist())

    def broadcast(node: Node, values: Sequence[Any]) -> Sequence[Any]:
        return (jax.numpy.broadcast_to(values[0], sizes(node.inputs[1])),)

    def reshape(node: Node, values: Sequence[Any]) -> Sequence[Any]:
        return (jax.numpy.reshape(values[0], sizes(node.inputs[1])),)

    def reduced(node: Node, _: Sequence[Any]) -> Sequence[Any]:
        kind = node.outputs[0].dtype.as_numpy_dtype
        axes = _broadcast_axes(*map(sizes, node.inputs))
        return tuple(np.array(each, kind) for each in axes)

    def unsliced(node: Node, values: Sequence[Any]) -> Sequence[Any]:
        *places, dy = values[1:]
        cut = functools.partial(_kernel("StridedSlice"), **node.attrs)
        whole = jax.ShapeDtypeStruct(sizes(node.inputs[0]), dy.dtype)
        return tuple(jax.linear_transpose(lambda x: cut(x, *places), whole)(dy))

    ways = {
        "BroadcastTo": broadcast,
        "Reshape": reshape,
        "BroadcastGradientArgs": reduced,
        "StridedSliceGrad": unsliced,
    }
    ways |= dict.fromkeys(_LISTS, _of_elements)
    return {
        id(node): functools.partial(ways[node.row.name], node)
        for node in nodes
        if node.row.name in ways
    }


def _of_elements(node: Node, values: Sequence[Any]) -> Sequence[Any]:
    """An op of lists, whose elements tell their shape where it is not known beforehand."""
    row = node.row
    place = row.input_names.index("element_shape")
    given = list(values)
    if is_traced(given[place]):
        given[place] = np.array(-1, np.int32)
    return flat_outputs(_kernel(row.name)(*row.pack(given, node.lengths), **node.attrs))


def _kernel(name: str) -> Callable[..., Any]:
    kernel = lookup(name).device
    assert kernel is not None
    return kernel


def _broadcast_axes(*shapes: Sequence[Any]) -> list[list[int]]:
    """For each of two shapes the axes that broadcasting added; open sizes are never 1."""
    rank = max(map(len, shapes))
    padded = [(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes]
    return [
        [
            axis
            for axis in range(rank)
            if axis < rank - len(shape) or (_is_one(own[axis]) and not _is_one(other[axis]))
        ]
        for shape, own, other in zip(shapes, padded, reversed(padded), strict=True)
    ]


def _is_one(size: Any) -> bool:
    return isinstance(size, int) and size == 1


def _seed(part: Part) -> Node:
    return next((node for node in part.nodes if node.row.name == "_VJP"), part.nodes[0])


def _refusal(part: Part, node: Node, reason: str) -> UnimplementedError:
    seed = _seed(part)
    where = f" (made at {seed.where})" if seed.where else ""
    return UnimplementedError(
        f"node {seed.name!r} of op {seed.row.name}{where} has no form among TensorFlow's ops, "
        f"and cannot be written as a program of XLA because of node {node.name!r} of op "
        f"{node.row.name}: {reason}"
    )


def _arguments(part: Part) -> list[Any]:
    """Shapes and dtypes of the inputs, in which open sizes that are equal have one name."""
    scope = jax.export.SymbolicScope()
    names: dict[tuple[Any, ...], str] = {}
    arguments = []
    for symbol in part.inputs:
        if symbol.shape.rank is None:
            raise _refusal(part, symbol.graph_node, "the rank of its result is not known")
        worlds = [symbol.world_shape(world) for world in range(len(WORLDS))]
        dims = symbol.shape.as_tuple()
        shape: tuple[Any, ...] = dims
        if None in dims:
            text = [
                str(size) if size is not None else _size(names, symbol, axis, worlds)
                for axis, size in enumerate(dims)
            ]
            shape = tuple(jax.export.symbolic_shape(", ".join(text), scope=scope))
        arguments.append(jax.ShapeDtypeStruct(shape, symbol.dtype.as_numpy_dtype))
    return arguments


def _size(
    names: dict[tuple[Any, ...], str], symbol: Symbol, axis: int, worlds: Sequence[Any]
) -> str:
    """An open size by the one that all of them stand for in each world, or by a name."""
    sizes = tuple(shape[axis] for shape in worlds if shape is not None)
    if len(sizes) == len(WORLDS):
        factor, odd = divmod(sizes[1] - sizes[0], WORLDS[1] - WORLDS[0])
        rest = sizes[0] - factor * WORLDS[0]
        if factor > 0 and not odd and factor * WORLDS[2] + rest == sizes[2]:
            return f"{factor}*n + {rest}" if factor > 1 or rest else "n"
        return names.setdefault(sizes, f"m{len(names)}")
    return names.setdefault((id(symbol), axis), f"m{len(names)}")


def _older(module: bytes) -> bytes:
    """The program as releases of TensorFlow read it."""
    mlir = _mlir()
    any_module: Any = jax.jit(lambda: np.int32(0)).lower().compiler_ir("stablehlo")
    with any_module.context:
        older: bytes = mlir.serialize_portable_artifact(
            mlir.deserialize_portable_artifact(module), _STABLEHLO
        )
    return older


@functools.cache
def _mlir() -> Any:
    """JAX's MLIR, which takes long to load and only programs need."""
    return importlib.import_module("jax.extend.mlir")
