"""What is known of the outputs of a call before it runs: dtypes, shapes and shape-like values.

An unknown dimension is given three values in turn (the worlds of `symbol.WORLDS`); the kernel
is evaluated abstractly in each, and what differs between them is unknown. The result is
advisory: execution lowers again with the shapes that come.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from penstock.core import dtypes
from penstock.core.dtypes import DType
from penstock.core.errors import OpError
from penstock.core.tensor_shape import TensorShape
from penstock.graph.symbol import WORLDS, Symbol
from penstock.ops import checks
from penstock.ops.grad import flat_outputs
from penstock.ops.table import TYPE_LIST, OpDef
from penstock.runtime.freeze import freeze, freeze_array
from penstock.runtime.inputs import literal_dtype

# A value is followed while a graph is built only up to this many elements.
_FOLD_LIMIT = 4096
_PIECEWISE = frozenset(
    {
        "Equal",
        "FloorMod",
        "Greater",
        "GreaterEqual",
        "Less",
        "LessEqual",
        "Maximum",
        "Minimum",
        "Mod",
        "NotEqual",
        "Sign",
        "TruncateMod",
    }
)
_QUOTIENTS = frozenset({"Div", "FloorDiv", "TruncateDiv"})
_SHAPE_OPS = frozenset({"Shape", "ShapeN", "Size", "Rank"})


@dataclass(slots=True)
class Fact:
    """What is known of one output."""

    dtype: DType
    shape: TensorShape
    world_shapes: tuple[Any, ...] | None = None
    static_value: Any = None
    world_values: tuple[Any, ...] | None = None


class Spec:
    """What a row's own shape function sees of one input."""

    __slots__ = ("_symbol", "dtype", "shape", "value")

    def __init__(self, symbol: Any) -> None:
        self._symbol = symbol
        self.dtype: DType = symbol.dtype
        self.shape: TensorShape = symbol.shape
        self.value = symbol.static_value

    @property
    def sizes(self) -> list[int | None] | None:
        """Elements of a vector of sizes; None for those that depend on sizes left open."""
        values = [self._symbol.world_value(world) for world in range(len(WORLDS))]
        if any(value is None or np.ndim(value) != 1 for value in values):
            return None
        return [
            int(several[0]) if len(set(several)) == 1 else None
            for several in zip(*[value.tolist() for value in values], strict=True)
        ]

    @property
    def variable_shape(self) -> TensorShape:
        """Shape of the variable behind a resource."""
        return TensorShape(getattr(self._symbol, "variable_shape", None))

    @property
    def table_shapes(self) -> Any:
        """Shapes of one key and one value of the table behind a resource, or None."""
        return getattr(self._symbol, "table_shapes", None)


def infer(
    row: OpDef,
    inputs: Sequence[Symbol],
    attrs: dict[str, Any],
    lengths: Sequence[int | None] | None,
) -> list[Fact]:
    """Tell what is known of the outputs of a call.

    Raises:
        ValueError: the shapes, all known, do not fit.
    """
    kinds = output_dtypes(row, inputs, attrs, lengths)
    if not row.stateful and row.host is not None:
        folded = _fold(row, inputs, attrs, lengths, kinds)
        if folded is not None:
            return folded
    if row.name in _SHAPE_OPS:
        return _shape_facts(row, inputs, attrs, lengths, kinds)
    if row.shape == "same" and inputs and kinds is not None:
        facts = [Fact(kind, inputs[0].shape, inputs[0]._world_shapes) for kind in kinds]
    elif row.shape == "broadcast" and kinds is not None:
        facts = [_broadcast(row, inputs, kinds[0])]
    else:
        facts = _evaluate(row, inputs, attrs, lengths, kinds)
    _add_world_values(row, inputs, attrs, lengths, facts)
    return facts


def output_dtypes(
    row: OpDef,
    inputs: Sequence[Any],
    attrs: dict[str, Any],
    lengths: Sequence[int | None] | None,
) -> list[DType] | None:
    """Dtypes of the outputs as the schema tells, or None when it does not tell all."""
    known: dict[str, DType] = {}
    numbers: dict[str | None, int] = {}
    position = 0
    for i, arg in enumerate(row.input_args):
        length = None if lengths is None else lengths[i]
        count = 1 if length is None else length
        if length is not None:
            numbers.setdefault(arg.number_attr, length)
        if count and arg.type_list_attr is None:
            known.setdefault(arg.type_attr, inputs[position].dtype)
        position += count
    result: list[DType] = []
    for arg in row.output_args:
        if arg.type_list_attr is not None:
            types = attrs.get(arg.type_list_attr)
            if types is None or types is TYPE_LIST:
                return None
            result.extend(dtypes.as_dtype(kind) for kind in types)
            continue
        kind = (
            literal_dtype(arg.type_attr) or attrs.get(arg.type_attr) or known.get(arg.type_attr)
        )
        if kind is None or isinstance(kind, str):
            return None
        count = 1
        if arg.number_attr is not None:
            number = attrs.get(arg.number_attr, numbers.get(arg.number_attr))
            if number is None:
                number = next(iter(numbers.values()), None)
            if number is None:
                return None
            count = int(number)
        result.extend([dtypes.as_dtype(kind)] * count)
    return result


def _packed(row: OpDef, values: Sequence[Any], lengths: Sequence[int | None] | None) -> Any:
    if lengths is not None and row.has_list_input:
        return row.pack(values, lengths)
    return values


def _run_host(
    row: OpDef,
    values: Sequence[Any],
    attrs: dict[str, Any],
    lengths: Sequence[int | None] | None,
) -> tuple[Any, ...] | None:
    """Outputs of the numpy kernel, or None when it refuses: the refusal belongs to the run."""
    if row.host is None:
        return None
    try:
        with np.errstate(all="ignore"):
            outputs = flat_outputs(row.host(*_packed(row, values, lengths), **attrs))
    except (OpError, ValueError, TypeError, IndexError, OverflowError, ZeroDivisionError):
        return None
    arrays = tuple(np.asarray(value) for value in outputs)
    if any(array.size > _FOLD_LIMIT for array in arrays):
        return None
    return arrays


def _fold(
    row: OpDef,
    inputs: Sequence[Symbol],
    attrs: dict[str, Any],
    lengths: Sequence[int | None] | None,
    kinds: list[DType] | None,
) -> list[Fact] | None:
    """Facts with values, when all inputs have small values."""
    if any(arg.type_attr in ("variant", "resource") for arg in row.output_args):
        return None
    values = [symbol.static_value for symbol in inputs]
    if not values or any(value is None or value.size > _FOLD_LIMIT for value in values):
        return None
    outputs = _run_host(row, values, attrs, lengths)
    if outputs is None:
        return None
    return [
        Fact(
            kinds[i] if kinds is not None else dtypes.dtype_of_numpy(array.dtype),
            TensorShape.of(array.shape),
            None,
            array,
        )
        for i, array in enumerate(outputs)
    ]


def _shape_facts(
    row: OpDef,
    inputs: Sequence[Symbol],
    attrs: dict[str, Any],
    lengths: Sequence[int | None] | None,
    kinds: list[DType] | None,
) -> list[Fact]:
    """Facts of ops that ask for shapes, which have values though their inputs have none."""
    worlds = []
    for world in range(len(WORLDS)):
        shapes = [symbol.world_shape(world) for symbol in inputs]
        if any(shape is None for shape in shapes):
            return _without_rank(row, inputs, attrs, kinds)
        fakes = [np.broadcast_to(np.int8(0), shape) for shape in shapes]  # type: ignore[arg-type]
        worlds.append(_run_host(row, fakes, attrs, lengths))
    first = worlds[0]
    if first is None:
        return _without_rank(row, inputs, attrs, kinds)
    facts = []
    for i, value in enumerate(first):
        values = tuple(None if world is None else world[i] for world in worlds)
        same = all(other is not None and np.array_equal(value, other) for other in values)
        kind = kinds[i] if kinds is not None else dtypes.dtype_of_numpy(value.dtype)
        shape = TensorShape.of(value.shape)
        facts.append(Fact(kind, shape, None, value if same else None, None if same else values))
    return facts


def _without_rank(
    row: OpDef, inputs: Sequence[Symbol], attrs: dict[str, Any], kinds: list[DType] | None
) -> list[Fact]:
    del attrs
    known = kinds if kinds is not None else [dtypes.int32] * len(inputs)
    scalar = row.name in ("Size", "Rank")
    return [Fact(kind, TensorShape(() if scalar else [None])) for kind in known]


def _broadcast(row: OpDef, inputs: Sequence[Symbol], kind: DType) -> Fact:
    shape = inputs[0].shape
    for other in inputs[1:]:
        shape = broadcast(shape, other.shape, row.name)
    worlds: list[Any] = []
    for world in range(len(WORLDS)):
        sizes = [symbol.world_shape(world) for symbol in inputs]
        if any(size is None for size in sizes):
            return Fact(kind, shape)
        try:
            worlds.append(np.broadcast_shapes(*sizes))  # type: ignore[arg-type]
        except ValueError:
            # An unknown dimension met a known one: it must be that one, or 1.
            worlds.append(_fill(shape, world))
    return Fact(kind, shape, tuple(worlds) if shape.rank is not None else None)


def _fill(shape: TensorShape, world: int) -> tuple[int, ...] | None:
    if shape.rank is None:
        return None
    return tuple(WORLDS[world] if size is None else size for size in shape.as_tuple())


def broadcast(a: TensorShape, b: TensorShape, op_name: str) -> TensorShape:
    """Shape of two shapes broadcast together, as far as it is known.

    Raises:
        ValueError: they do not fit.
    """
    if a.rank is None or b.rank is None:
        return TensorShape(None)
    left, right = a.as_tuple(), b.as_tuple()
    rank = max(len(left), len(right))
    left = (1,) * (rank - len(left)) + tuple(left)
    right = (1,) * (rank - len(right)) + tuple(right)
    dims: list[int | None] = []
    for x, y in zip(left, right, strict=True):
        if x == 1:
            dims.append(y)
        elif y == 1:
            dims.append(x)
        elif x is None:
            dims.append(y)
        elif y is None or x == y:
            dims.append(x)
        else:
            raise ValueError(
                f"Dimensions must be equal, but are {x} and {y} for op {op_name} with input "
                f"shapes: "
                f"{a}, {b}."
            )
    return TensorShape.of(tuple(dims))


def _add_world_values(
    row: OpDef,
    inputs: Sequence[Symbol],
    attrs: dict[str, Any],
    lengths: Sequence[int | None] | None,
    facts: list[Fact],
) -> None:
    """Follow small integers (parts of shapes) through each world."""
    if row.host is None or row.stateful or not inputs:
        return
    if not any(symbol._world_values is not None for symbol in inputs):
        return
    worlds: list[Any] = []
    for world in range(len(WORLDS)):
        values = [symbol.world_value(world) for symbol in inputs]
        if any(value is None for value in values):
            return
        worlds.append(_run_host(row, values, attrs, lengths))
    if worlds[0] is None or worlds[1] is None:
        return
    certain = not _may_differ_elsewhere(row, inputs)
    for i, fact in enumerate(facts):
        values = [None if world is None else world[i] for world in worlds]
        if certain and _all_equal(values):
            fact.static_value = values[0]
        else:
            fact.world_values = _told_apart(values) if _all_equal(values) else tuple(values)
        if values[0].shape == values[1].shape:
            fact.shape = TensorShape.of(values[0].shape)


def _all_equal(values: Sequence[Any]) -> bool:
    return all(value is not None and np.array_equal(values[0], value) for value in values)


def _told_apart(values: Sequence[Any]) -> tuple[Any, ...]:
    """World values of a number that is not certain: sizes that follow from it are unknown."""
    if values[0].dtype.kind not in "iu":
        return tuple(values)
    return (values[0], values[1] + values[1].dtype.type(1), *values[2:])


def _may_differ_elsewhere(row: OpDef, inputs: Sequence[Symbol]) -> bool:
    """Whether a result that is one in all worlds may be another for a size of none of them.

    A remainder by 2 is 0 in all, and no world is empty.
    """
    if row.name in _PIECEWISE:
        return True
    if row.name in _QUOTIENTS and inputs[1].static_value is not None:
        return True
    return any(
        symbol.static_value is None
        and symbol._world_values is not None
        and _all_equal(symbol._world_values)
        for symbol in inputs
    )


def _evaluate(
    row: OpDef,
    inputs: Sequence[Symbol],
    attrs: dict[str, Any],
    lengths: Sequence[int | None] | None,
    kinds: list[DType] | None,
) -> list[Fact]:
    """Facts from abstract evaluation, from the row's own rule, or from the schema alone."""
    evaluable = row.device is not None and not callable(row.shape)
    if any(arg.type_attr == "variant" for arg in row.output_args):
        return _by_rule(row, inputs, attrs, lengths, kinds)
    if callable(row.shape) and row.device is not None and row.constant_positions:
        # With known constants evaluation tells more than the rule.
        positions = row.flat_constants(attrs, lengths)
        evaluable = all(inputs[i].world_value(0) is not None for i in positions)
    if evaluable:
        facts = _evaluate_worlds(row, inputs, attrs, lengths, kinds)
        if facts is not None:
            return facts
    if callable(row.shape):
        return _by_rule(row, inputs, attrs, lengths, kinds)
    if kinds is None:
        raise ValueError(
            f"the dtypes of the outputs of op {row.name} cannot be told before it runs; set "
            f"the "
            "shapes of its inputs"
        )
    return [Fact(kind, TensorShape(None)) for kind in kinds]


def _by_rule(
    row: OpDef,
    inputs: Sequence[Symbol],
    attrs: dict[str, Any],
    lengths: Sequence[int | None] | None,
    kinds: list[DType] | None,
) -> list[Fact]:
    assert callable(row.shape)
    specs = [Spec(symbol) for symbol in inputs]
    try:
        shapes = row.shape(*_packed(row, specs, lengths), **attrs)
    except OpError as error:
        raise ValueError(error.message) from error
    if isinstance(shapes, TensorShape) or shapes is None:
        shapes = (TensorShape(shapes),) * (1 if kinds is None else len(kinds))
    if kinds is None:
        raise ValueError(f"the dtypes of the outputs of op {row.name} cannot be told")
    return [Fact(kind, TensorShape(shape)) for kind, shape in zip(kinds, shapes, strict=True)]


def _evaluate_worlds(
    row: OpDef,
    inputs: Sequence[Symbol],
    attrs: dict[str, Any],
    lengths: Sequence[int | None] | None,
    kinds: list[DType] | None,
) -> list[Fact] | None:
    constants = set(row.flat_constants(attrs, lengths))
    known = all(symbol.shape.is_fully_defined() for symbol in inputs) and all(
        inputs[i].static_value is not None for i in constants
    )
    results: list[Any] = []
    for world in range(1 if known else len(WORLDS)):
        specs: list[Any] = []
        for i, symbol in enumerate(inputs):
            spec = symbol.world_value(world) if i in constants else _struct(symbol, world)
            if spec is None:
                return None
            specs.append(spec)
        try:
            results.append(_abstract(row, specs, attrs, lengths))
        except OpError as error:
            if known:
                raise ValueError(error.message) from error
            results.append(None)
        except (TypeError, ValueError, IndexError, ZeroDivisionError) as error:
            if known and not _is_tracer_error(error):
                raise ValueError(f"{error} [Op:{row.name}]") from error
            results.append(None)
    if results[0] is None or (len(results) > 1 and results[1] is None):
        return None
    return [
        _merge(results, i, kinds[i] if kinds is not None and i < len(kinds) else None)
        for i in range(len(results[0]))
    ]


def _struct(symbol: Symbol, world: int) -> Any:
    shape = symbol.world_shape(world)
    if shape is None or symbol.dtype.np == object:
        return None
    return jax.ShapeDtypeStruct(shape, symbol.dtype.np)


def _is_tracer_error(error: Exception) -> bool:
    return isinstance(
        error,
        (
            jax.errors.ConcretizationTypeError,
            jax.errors.TracerArrayConversionError,
            jax.errors.TracerIntegerConversionError,
            jax.errors.NonConcreteBooleanIndexError,
        ),
    )


def _merge(results: Sequence[Any], index: int, kind: DType | None) -> Fact:
    shapes = [None if result is None else result[index][0] for result in results]
    dtype = kind if kind is not None else dtypes.dtype_of_numpy(np.dtype(results[0][index][1]))
    if len(shapes) == 1:
        return Fact(dtype, TensorShape.of(shapes[0]))
    seen = [shape for shape in shapes if shape is not None]
    if any(len(shape) != len(seen[0]) for shape in seen):
        return Fact(dtype, TensorShape(None))
    dims = tuple(
        sizes[0] if all(size == sizes[0] for size in sizes) else None
        for sizes in zip(*seen, strict=True)
    )
    if shapes[2] is None:
        shapes[2] = tuple(WORLDS[2] if size is None else size for size in dims)
    return Fact(dtype, TensorShape.of(dims), tuple(shapes))


_cache: OrderedDict[Any, Any] = OrderedDict()
_CACHE_LIMIT = 16384


def _abstract(
    row: OpDef,
    specs: Sequence[Any],
    attrs: dict[str, Any],
    lengths: Sequence[int | None] | None,
) -> tuple[Any, ...]:
    """Shapes and dtypes of the outputs of the device kernel for given specs and constants."""
    key = (
        row.name,
        tuple((name, freeze(attrs[name])) for name in attrs),
        tuple(
            (spec.shape, spec.dtype)
            if isinstance(spec, jax.ShapeDtypeStruct)
            else freeze_array(spec)
            for spec in specs
        ),
        None if lengths is None else tuple(lengths),
    )
    found = _cache.get(key)
    if found is not None:
        return found  # type: ignore[no-any-return]
    dynamic = [i for i, spec in enumerate(specs) if isinstance(spec, jax.ShapeDtypeStruct)]

    def run(*arrays: Any) -> Any:
        values = list(specs)
        for i, array in zip(dynamic, arrays, strict=True):
            values[i] = array
        with checks.ignoring():
            return flat_outputs(row.kernel(*_packed(row, values, lengths), **attrs))

    outputs = jax.eval_shape(run, *(specs[i] for i in dynamic))
    result = tuple((tuple(output.shape), output.dtype) for output in outputs)
    _cache[key] = result
    if len(_cache) > _CACHE_LIMIT:
        _cache.popitem(last=False)
    return result
