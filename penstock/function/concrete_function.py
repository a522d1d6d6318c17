"""One trace of a Python function: a graph with the structure of its arguments and results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from penstock.core import nest
from penstock.core.composite_tensor import CompositeTensor
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.core.type_spec import TensorSpec, TypeSpec
from penstock.core.user_code import user_facing
from penstock.function.kinds import AtomicFunction, FunctionType, type_of_trace
from penstock.function.kinds import Callable as FunctionCallable
from penstock.function.signature_text import long_text, short_text, type_text
from penstock.graph.func_graph import FuncGraph
from penstock.graph.graph_def.writer import LibraryWriter
from penstock.graph.graph_function import GraphFunction
from penstock.graph.symbol import Symbol
from penstock.runtime.context import name_scope
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.tensor import Tensor, TensorLike
from penstock.runtime.trackable import SavedAsFunction


class Observer(Protocol):
    """What is told of every call of a trace."""

    def called(self, function: ConcreteFunction) -> None:
        """Note that a trace is called."""


# Those that are told; empty but for programs that look at themselves.
observers: list[Observer] = []


class ConcreteFunction(SavedAsFunction):
    """A graph with inputs and outputs as a Python function had them.

    Args:
        graph: the traced graph; `graph.inputs` are the arguments followed by the captures.
        argument_count: how many of the inputs are arguments.
        input_structure: `(args, kwargs)` whose tensors are specs and whose other leaves are
            values.
        output_structure: what the function returned, with symbols.
        name: name of the function.
        jit_compile: whether everything must be compiled.
        argument_names: names of the positional arguments.
        shown: `(args, kwargs)` as signatures in texts show them; None takes `input_structure`.
    """

    def __init__(
        self,
        graph: FuncGraph,
        argument_count: int,
        input_structure: Any,
        output_structure: Any,
        *,
        name: str,
        jit_compile: bool = False,
        argument_names: Sequence[str] = (),
        shown: Any = None,
    ) -> None:
        self.graph = graph
        self.name = name
        self._argument_count = argument_count
        self._input_structure = input_structure
        self._output_structure = output_structure
        self._argument_names = list(argument_names)
        self._shown = input_structure if shown is None else shown
        flat = nest.flatten(output_structure, expand_composites=True)
        self._flat_structure = flat
        self._tensor_positions = [i for i, item in enumerate(flat) if isinstance(item, Tensor)]
        graph.outputs = [graph.capture(flat[i]) for i in self._tensor_positions]
        captured = {id(internal): external for external, internal in graph.real_captures()}
        self._captured = [captured[id(symbol)] for symbol in graph.inputs[argument_count:]]
        self.function = GraphFunction(
            graph,
            graph.inputs,
            graph.outputs,
            graph.nodes,
            jit_compile=jit_compile,
            name=name,
        )
        self._single = isinstance(output_structure, Tensor)
        self.arg_keywords: list[str] | None = None

    # -- what it is ------------------------------------------------------------------------

    @property
    def inputs(self) -> list[Symbol]:
        """Symbols of the arguments and captures."""
        return list(self.graph.inputs)

    @property
    def outputs(self) -> list[Symbol]:
        """Symbols of the results, flat."""
        return list(self.graph.outputs)

    @property
    def captured_inputs(self) -> list[Any]:
        """Tensors from outside, in the order of the inputs that stand for them."""
        return list(self._captured)

    @property
    def variables(self) -> tuple[Any, ...]:
        """Variables that the function uses."""
        return self.graph.variables

    @property
    def trainable_variables(self) -> tuple[Any, ...]:
        """Trainable variables that the function uses."""
        return self.graph.trainable_variables

    @property
    def function_type(self) -> FunctionType:
        """Parameters, each with what the function was traced for as annotation."""
        return type_of_trace(self._argument_names, self._input_structure)

    @property
    def inference_fn(self) -> AtomicFunction:
        """The graph alone, to which captures are handed."""
        return AtomicFunction(self)

    @property
    def structured_input_signature(self) -> Any:
        """`(args, kwargs)` with specs in place of tensors."""
        return self._input_structure

    @property
    def structured_outputs(self) -> Any:
        """What the function returns, with specs in place of tensors."""
        return nest.map_structure(_spec_of_output, self._output_structure)

    @property
    def output_dtypes(self) -> Any:
        """What the function returns, with dtypes in place of tensors."""
        return nest.map_structure(
            lambda item: getattr(item, "dtype", None), self._output_structure
        )

    @property
    def output_shapes(self) -> Any:
        """What the function returns, with shapes in place of tensors."""
        return nest.map_structure(
            lambda item: getattr(item, "shape", None), self._output_structure
        )

    @property
    def function_def(self) -> Any:
        """The graph as a FunctionDef message, in TensorFlow's ops.

        Raises:
            UnimplementedError: a node has no form among them.
        """
        writer = LibraryWriter()
        graph = self.graph
        name = writer.new_name(self.name)
        return writer.add(name, graph.inputs, graph.outputs, self.function.nodes)

    def pretty_printed_signature(self, verbose: bool = True) -> str:
        """The signature as text: one line, or with `verbose` a line for each part."""
        args, kwargs = self._shown
        names = list(self._argument_names[: len(args)])
        names += [f"args_{i}" for i in range(len(names), len(args))]
        outputs = nest.map_structure(_without_name, self.structured_outputs)
        if verbose:
            return long_text(args, kwargs, names, outputs, self._captured)
        return f"{short_text(args, kwargs, names)} -> {type_text(outputs)}"

    # -- calling ---------------------------------------------------------------------------

    @user_facing
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call with arguments that fit the trace, or with keywords named as its inputs.

        Raises:
            TypeError: the arguments do not fit.
        """
        return self.call_flat(self._flat_arguments(args, kwargs))

    def _flat_arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        count = self._argument_count
        specs = self.graph.inputs[:count]
        if self.arg_keywords is not None:
            leaves = self._by_keyword(args, kwargs)
        else:
            leaves = self._by_structure(args, kwargs)
        if len(leaves) != count:
            raise TypeError(
                f"{self.name} takes {count} tensors ({', '.join(self._names())}), got "
                f"{len(leaves)}"
            )
        flat = []
        for symbol, leaf in zip(specs, leaves, strict=True):
            tensor = leaf if isinstance(leaf, Tensor) else convert_to_tensor(leaf, symbol.dtype)
            if tensor.dtype != symbol.dtype:
                raise InvalidArgumentError(
                    f"argument {_plain_name(symbol)!r} of {self.name} must be "
                    f"{symbol.dtype.name}, got "
                    f"{tensor.dtype.name}"
                )
            if not symbol.shape.is_compatible_with(tensor.shape):
                raise InvalidArgumentError(
                    f"argument {_plain_name(symbol)!r} of {self.name} must have the shape "
                    f"{symbol.shape}, got {tensor.shape}"
                )
            flat.append(tensor)
        return flat

    def _names(self) -> list[str]:
        return self.arg_keywords or [
            _plain_name(s) for s in self.graph.inputs[: self._argument_count]
        ]

    def _by_keyword(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        names = self.arg_keywords or []
        given = dict(zip(names, args, strict=False))
        repeated = set(given) & set(kwargs)
        if repeated or len(args) > len(names):
            raise TypeError(f"{self.name} got too many arguments; it takes {', '.join(names)}")
        given.update(kwargs)
        unknown = sorted(set(given) - set(names))
        missing = [name for name in names if name not in given]
        if unknown or missing:
            what = f"has no argument {unknown[0]!r}" if unknown else f"needs {missing[0]!r}"
            raise TypeError(f"{self.name} {what}; it takes {', '.join(names)}")
        return [given[name] for name in names]

    def _by_structure(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        want_args, want_kwargs = self._input_structure
        named = dict(kwargs)
        values: list[Any] = list(args)
        for i in range(len(values), len(want_args)):
            name = self._argument_names[i] if i < len(self._argument_names) else None
            if name in named:
                values.append(named.pop(name))
            elif not _has_spec(want_args[i]):
                values.append(want_args[i])
            else:
                raise TypeError(
                    f"{self.name} needs its argument {name or i!r}; it takes {len(want_args)}"
                )
        leaves = []
        structure = (tuple(values), {**want_kwargs, **named})
        flat_have = _flatten_against(structure)
        flat_want = _flatten_against(self._input_structure)
        if len(flat_have) != len(flat_want):
            raise TypeError(
                f"{self.name} was traced for {self._input_structure}, got {structure}"
            )
        for have, want in zip(flat_have, flat_want, strict=True):
            if isinstance(want, TypeSpec):
                leaves.append(have)
        return leaves

    def call_flat(self, tensors: Sequence[Any]) -> Any:
        """Call with a flat list of tensors that fit, and give the structure of the results."""
        for observer in observers:
            observer.called(self)
        return self._packed_results(self.function([*tensors, *self._captured]))

    def call_captured(
        self, args: Sequence[Any], kwargs: dict[str, Any], captures: Sequence[Any]
    ) -> Any:
        """Call with other tensors in place of what the function captured."""
        tensors = self._flat_arguments(tuple(args), kwargs)
        return self._packed_results(self.function([*tensors, *captures]))

    def result_places(self) -> Any:
        """The structure of the results, with the place of each among the flat ones."""
        return self._packed_results(range(len(self._tensor_positions)))

    def _packed_results(self, results: Sequence[Any]) -> Any:
        if self._single:
            return results[0]
        if not self._tensor_positions:
            return self._output_structure
        flat = list(self._flat_structure)
        for position, result in zip(self._tensor_positions, results, strict=True):
            flat[position] = result
        return nest.pack_sequence_as(self._output_structure, flat, expand_composites=True)

    def __repr__(self) -> str:
        return f"<ConcreteFunction {self.pretty_printed_signature(False)} at 0x{id(self):X}>"

    def __str__(self) -> str:
        return f"ConcreteFunction {self.pretty_printed_signature()}"


FunctionCallable.register(ConcreteFunction)


def _plain_name(symbol: Symbol) -> str:
    return str(symbol.name.partition(":")[0])


def _has_spec(structure: Any) -> bool:
    return any(isinstance(item, TypeSpec) for item in nest.flatten(structure))


def _flatten_against(structure: Any) -> list[Any]:
    """Flatten, with composites and their specs expanded into parts."""
    flat: list[Any] = []
    for item in nest.flatten(structure):
        if isinstance(item, CompositeTensor) or (
            isinstance(item, TypeSpec) and not isinstance(item, TensorSpec)
        ):
            flat.extend(nest.flatten(item, expand_composites=True))
        else:
            flat.append(item)
    return flat


def _without_name(item: Any) -> Any:
    return TensorSpec(item.shape, item.dtype) if isinstance(item, TensorSpec) else item


def _spec_of_output(item: Any) -> Any:
    if isinstance(item, CompositeTensor):
        return item._type_spec
    if isinstance(item, Tensor):
        name = _plain_name(item) if isinstance(item, Symbol) else None
        return TensorSpec(item.shape, item.dtype, name)
    return item


def trace(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    name: str,
    argument_names: Sequence[str] = (),
    jit_compile: bool = False,
    shown: Any = None,
) -> ConcreteFunction:
    """Run a Python function on symbolic tensors and keep the graph.

    Args:
        function: the function.
        args: positional arguments whose tensors are replaced by specs.
        kwargs: keyword arguments likewise.
        name: name of the graph.
        argument_names: names of the positional arguments.
        jit_compile: whether everything must be compiled.
        shown: arguments as signatures in texts show them.
    """
    graph = FuncGraph(name)
    with graph.as_default():
        symbolic_args = tuple(
            _placeholders(
                graph, value, argument_names[i] if i < len(argument_names) else f"args_{i}"
            )
            for i, value in enumerate(args)
        )
        symbolic_kwargs = {
            key: _placeholders(graph, value, key) for key, value in kwargs.items()
        }
        count = len(graph.inputs)
        with name_scope(None):
            result = function(*symbolic_args, **symbolic_kwargs)
        result = nest.map_structure(_as_output, result, expand_composites=True)
    graph.structured_input_signature = (args, kwargs)
    graph.structured_outputs = result
    return ConcreteFunction(
        graph,
        count,
        (args, kwargs),
        result,
        name=name,
        jit_compile=jit_compile,
        argument_names=argument_names,
        shown=shown,
    )


def _placeholders(graph: FuncGraph, value: Any, name: str) -> Any:
    """Replace the specs in one argument by inputs of the graph."""
    if isinstance(value, TensorSpec):
        symbol = graph.placeholder(value.dtype, value.shape, value.name or name)
        symbol.graph_node.user_name = value.name or name  # type: ignore[attr-defined]
        return symbol
    if isinstance(value, TypeSpec):
        parts = nest.flatten(value, expand_composites=True)
        symbols = [graph.placeholder(part.dtype, part.shape, name) for part in parts]
        return nest.pack_sequence_as(value, symbols, expand_composites=True)
    if nest.is_nested(value):
        return nest.map_structure(
            lambda item: (
                _placeholders(graph, item, getattr(item, "name", None) or name)
                if isinstance(item, TypeSpec)
                else item
            ),
            value,
        )
    return value


def _as_output(value: Any) -> Any:
    """A leaf of what a function returned: tensors of everything that can be one."""
    if value is None or isinstance(value, Tensor):
        return value
    if isinstance(value, TensorShape):
        if value.is_fully_defined():
            return convert_to_tensor(np.asarray(value.as_list(), np.int32))
        raise TypeError(
            f"a function must return tensors or nests of those, got the shape {value}, which "
            "is not known while it is traced; return tf.shape(...)"
        )
    if isinstance(
        value, (TensorLike, bool, int, float, complex, str, bytes, np.ndarray, np.generic)
    ):
        return convert_to_tensor(value)
    if hasattr(type(value), "__tf_tensor__"):
        return convert_to_tensor(value)
    if hasattr(value, "_type_spec") or type(value).__module__.startswith("penstock."):
        return value
    raise TypeError(
        "a function must return tensors, values that become tensors, composites or None, got "
        f"{type(value).__name__}"
    )
