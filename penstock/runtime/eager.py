"""Running an op now: by its numpy kernel when that is quickest, else compiled and cached."""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from penstock.core import dtypes
from penstock.core.dtypes import DType
from penstock.core.errors import UnimplementedError
from penstock.ops import checks
from penstock.ops.lowering import OPS_WITH_RULES
from penstock.ops.table import TYPE_LIST, OpDef
from penstock.runtime.computation import Computation
from penstock.runtime.context import state
from penstock.runtime.devices import device_for, host_is_default
from penstock.runtime.freeze import freeze, freeze_array
from penstock.runtime.inputs import literal_dtype
from penstock.runtime.quiet import quietly
from penstock.runtime.tensor import EagerTensor, wrap


def run_quick(
    row: OpDef, inputs: Sequence[Any], attrs: dict[str, Any]
) -> tuple[EagerTensor, Sequence[Any]] | None:
    """Run an op of one output on eager tensors by its numpy kernel, if it is as plain as that.

    Returns:
        The output and the inputs as tensors, or None when the call needs the long way: other
        inputs, other devices, large arrays, dtypes that do not fit.
    """
    values: list[Any] = []
    tensors: list[Any] | None = None
    scalars: list[int] | None = None
    size = 0
    for i, tensor in enumerate(inputs):
        if type(tensor) is EagerTensor:
            value = tensor._value
            if type(value) is not _ndarray:
                if isinstance(value, jax.Array):
                    value = np.asarray(value)
                elif not isinstance(value, np.generic):
                    return None
            size += value.size
            values.append(value)
            continue
        if i in row.index_positions:
            value = index_array(tensor)
            if value is None:
                return None
            tensors = list(inputs) if tensors is None else tensors
            tensors[i] = wrap(value)
            values.append(value)
        elif type(tensor) is float or type(tensor) is int:
            scalars = [i] if scalars is None else [*scalars, i]
            values.append(tensor)
        else:
            return None
    if size > row.host_limit or not host_is_default() or state.device is not None:
        return None
    if scalars is not None:
        tensors = list(inputs) if tensors is None else tensors
        if not _fill_scalars(row, values, tensors, scalars):
            return None
    for group in row.type_groups:
        dtype = values[group[0]].dtype
        for position in group[1:]:
            if values[position].dtype != dtype:
                return None
    for position, wanted in row.fixed_types:
        if values[position].dtype != wanted:
            return None
    result = quietly(row.host, *values, **attrs)  # type: ignore[arg-type]
    if result.dtype.char in "OV":
        return _wrapped(row, 0, result, attrs), tensors or inputs
    output = EagerTensor.__new__(EagerTensor)
    output._value = result
    output._dtype = None
    return output, tensors or inputs


def _fill_scalars(
    row: OpDef, values: list[Any], tensors: list[Any], scalars: Sequence[int]
) -> bool:
    """Give Python numbers the dtype of a tensor that shares their type attr."""
    for i in scalars:
        dtype = None
        for group in row.type_groups:
            if i in group:
                dtype = next((values[p].dtype for p in group if p not in scalars), None)
        if dtype is None or not _holds(dtype, values[i]):
            return False
        values[i] = np.asarray(values[i], dtype)
        tensors[i] = wrap(values[i])
    return True


_FLOATING = frozenset({"float32", "float64", "float16", "bfloat16"})
_WHOLE = {
    name: (int(np.iinfo(name).min), int(np.iinfo(name).max))
    for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
}


def _holds(dtype: Any, number: float) -> bool:
    """Whether a Python number becomes this dtype without question."""
    if dtype.name in _FLOATING:
        return True
    limits = _WHOLE.get(dtype.name)
    return limits is not None and type(number) is int and limits[0] <= number <= limits[1]


_ndarray = np.ndarray

# Arrays of small Python lists of integers (axes, sizes, permutations), which calls repeat.
_index_arrays: dict[Any, Any] = {}
_INDEX_ARRAYS_LIMIT = 4096


def index_array(value: Any) -> Any:
    """The int32 array of an int, or of a list or tuple of ints; None for anything else."""
    kind = type(value)
    if kind is list:
        value = tuple(value)
    elif kind is not tuple and kind is not int:
        return None
    items = value if kind is not int else (value,)
    for item in items:
        # 1, 1.0 and True are one key of a dict, but not one dtype.
        if type(item) is not int:
            return None
    found = _index_arrays.get(value)
    if found is not None:
        return found
    if not items or max(map(abs, items)) >= 2**31:
        return None
    array = np.asarray(value, np.int32)
    array.flags.writeable = False
    if len(_index_arrays) >= _INDEX_ARRAYS_LIMIT:
        _index_arrays.clear()
    _index_arrays[value] = array
    return array


def run(
    row: OpDef,
    values: Sequence[Any],
    attrs: dict[str, Any],
    lengths: Sequence[int | None] | None,
) -> list[Any]:
    """Run `row` on flat values and wrap what comes out."""
    result = run_values(row, values, attrs, lengths)
    if row.single_output:
        return [_wrapped(row, 0, result, attrs)]
    return [_wrapped(row, i, value, attrs) for i, value in enumerate(as_tuple(result))]


def run_values(
    row: OpDef,
    values: Sequence[Any],
    attrs: dict[str, Any],
    lengths: Sequence[int | None] | None,
) -> Any:
    """Run `row` on flat values: numpy, JAX arrays or objects. Gives what the kernel gives."""
    host = row.host
    if host is not None and (row.device is None or _prefers_host(row, values, attrs, lengths)):
        arrays = [np.asarray(v) if isinstance(v, jax.Array) else v for v in values]
        return quietly(host, *row.pack(arrays, lengths), **attrs)
    if row.device is None:
        raise UnimplementedError(f"op {row.name!r} has no kernel")
    return _run_compiled(row, values, attrs, lengths)


def _prefers_host(
    row: OpDef,
    values: Sequence[Any],
    attrs: dict[str, Any],
    lengths: Sequence[int | None] | None,
) -> bool:
    if not host_is_default():
        return False
    size = 0
    for value in values:
        size += getattr(value, "size", 0)
    if size <= row.host_limit:
        return True
    return not _worth_compiling(row, values, attrs, row.flat_constants(attrs, lengths), size)


# Elements that the numpy kernel has gone through, by op, attrs, dtypes, shapes and constants.
_served: dict[Any, int] = {}
_SERVED_LIMIT = 4096

# Compiling takes tens of milliseconds: about as long as numpy takes for so many times the
# elements of an op's limit. Shapes that do not come again are not worth it.
_WORTH_COMPILING = 16

# A constant with more elements than this is data, and seldom the same again.
_LARGEST_CONSTANT = 1 << 10


def _worth_compiling(
    row: OpDef,
    values: Sequence[Any],
    attrs: dict[str, Any],
    constants: Sequence[int],
    size: int,
) -> bool:
    fixed = [np.asarray(values[i]) for i in constants]
    if any(each.size > _LARGEST_CONSTANT for each in fixed):
        return False
    enough = _WORTH_COMPILING * row.host_limit
    if size >= enough:
        return True
    key = (
        row.name,
        tuple((name, freeze(attrs[name])) for name in attrs),
        tuple((getattr(v, "dtype", None), getattr(v, "shape", None)) for v in values),
        tuple(freeze_array(each) for each in fixed),
    )
    served = _served.get(key, 0) + size
    if served >= enough:
        return True
    if len(_served) >= _SERVED_LIMIT:
        _served.clear()
    _served[key] = served
    return False


def as_tuple(result: Any) -> tuple[Any, ...]:
    """What a kernel of several outputs returned, as a flat tuple."""
    if result is None:
        return ()
    if isinstance(result, (tuple, list)):
        flat: list[Any] = []
        for item in result:
            if isinstance(item, (tuple, list)):
                flat.extend(item)
            else:
                flat.append(item)
        return tuple(flat)
    return (result,)


def _wrapped(row: OpDef, index: int, value: Any, attrs: dict[str, Any]) -> EagerTensor:
    dtype = None
    kind = getattr(value, "dtype", None)
    # Objects behind handles may have a dtype of their own.
    if not isinstance(kind, np.dtype):
        dtype = output_dtype(row, index, attrs)
        if dtype is None or dtype.np != object:
            value = np.asarray(value, None if dtype is None else dtype.np)
    elif kind == object or kind.names is not None:
        dtype = output_dtype(row, index, attrs)
        if dtype is not None and dtype.np != kind:
            dtype = None
    return wrap(value, dtype)


def output_dtype(row: OpDef, index: int, attrs: dict[str, Any]) -> DType | None:
    """Dtype of output `index` as far as the schema and the attrs alone tell."""
    args = row.output_args
    if index >= len(args) or args[min(index, len(args) - 1)].is_list:
        if any(other.is_list for other in args[:-1]):
            return None  # several lists: only their lengths would tell
        arg = args[-1]
        if arg.type_list_attr is not None:
            types = attrs.get(arg.type_list_attr)
            offset = index - (len(args) - 1)
            if types is not None and types is not TYPE_LIST and offset < len(types):
                return dtypes.as_dtype(types[offset])
            return None
    else:
        arg = args[index]
    literal = literal_dtype(arg.type_attr)
    if literal is not None:
        return literal
    value = attrs.get(arg.type_attr)
    return value if isinstance(value, DType) else None


# Compiled kernels by op, attrs and constant values, least recently used first.
_compiled: OrderedDict[Any, _Compiled] = OrderedDict()
_COMPILED_LIMIT = 4096
_lock = threading.Lock()


class _Compiled:
    """A jitted kernel with the causes of its checks."""

    __slots__ = ("_function", "causes")

    def __init__(self) -> None:
        self.causes: list[Any] = []
        self._function: Any = None

    def set_kernel(self, kernel: Callable[..., Any], op: str) -> None:
        """Say what is compiled; rules may choose how for the ops that have some."""
        if op in OPS_WITH_RULES:
            computation = Computation(kernel, name=op)
            self._function = lambda *arrays: computation.run(_shapes(arrays), *arrays)
        else:
            self._function = jax.jit(kernel)

    def __call__(self, *arrays: Any) -> Any:
        outputs, flag = self._function(*arrays)
        if flag is not None:
            checks.raise_failed(flag, self.causes)
        return outputs


def _shapes(arrays: Sequence[Any]) -> tuple[Any, ...]:
    return tuple([(getattr(a, "shape", None), getattr(a, "dtype", None)) for a in arrays])


def _run_compiled(
    row: OpDef,
    values: Sequence[Any],
    attrs: dict[str, Any],
    lengths: Sequence[int | None] | None,
) -> Any:
    constants = row.flat_constants(attrs, lengths)
    try:
        return _run_with(row, values, attrs, lengths, constants)
    except _TRACER_ERRORS:
        # Whether the value of an index vector decides a shape can depend on the value itself.
        small = tuple(i for i, value in enumerate(values) if _is_index_like(value))
        if set(small) <= set(constants):
            raise
    return _run_with(row, values, attrs, lengths, tuple(sorted({*constants, *small})))


_TRACER_ERRORS = (
    checks.NeedsValueError,
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
)


def _is_index_like(value: Any) -> bool:
    """Whether a value can be axes, sizes or bounds."""
    dtype = getattr(value, "dtype", None)
    return dtype is not None and dtype.kind in "iu" and value.size <= 64


def _run_with(
    row: OpDef,
    values: Sequence[Any],
    attrs: dict[str, Any],
    lengths: Sequence[int | None] | None,
    constants: tuple[int, ...],
) -> Any:
    fixed = {i: np.asarray(values[i]) for i in constants}
    for i, value in enumerate(values):
        if getattr(value, "dtype", None) == object:
            raise UnimplementedError(
                f"op {row.name} cannot be compiled for strings (on {state.device or 'CPU'})"
            )
        if i not in fixed and not hasattr(value, "dtype") and not _is_pytree(value):
            kind = type(value).__name__
            raise UnimplementedError(f"op {row.name} cannot take a {kind}")
    key = (
        row.name,
        tuple((name, freeze(attrs[name])) for name in attrs),
        tuple((i, freeze_array(fixed[i])) for i in sorted(fixed)),
        None if lengths is None else tuple(lengths),
        len(values),
    )
    compiled = _compiled.get(key)
    if compiled is None:
        compiled = _Compiled()
        compiled.set_kernel(
            functools.partial(_traced, row, dict(attrs), lengths, fixed, len(values), compiled),
            str(attrs["op"]) if row.name == "_VJP" else row.name,
        )
        with _lock:
            _compiled[key] = compiled
            while len(_compiled) > _COMPILED_LIMIT:
                _compiled.popitem(last=False)
    device = device_for(state.device)
    arrays = [value for i, value in enumerate(values) if i not in fixed]
    if device is not None:
        arrays = [jax.device_put(value, device) for value in arrays]
    return compiled(*arrays)


def _is_pytree(value: Any) -> bool:
    return not jax.tree_util.all_leaves([value])


def _traced(
    row: OpDef,
    attrs: dict[str, Any],
    lengths: Sequence[int | None] | None,
    fixed: dict[int, Any],
    count: int,
    compiled: _Compiled,
    *arrays: Any,
) -> Any:
    given = iter(arrays)
    values = [fixed[i] if i in fixed else next(given) for i in range(count)]
    packed = row.pack(values, lengths)
    with checks.collecting() as collector:
        collector.causes = compiled.causes
        outputs = row.kernel(*packed, **attrs)
    return outputs, collector.flag() if collector.failed else None


def run_on_variables(row: OpDef, flat: Sequence[Any], attrs: dict[str, Any]) -> list[Any]:
    """Run an op that reads or assigns variables."""
    if row.name == "ReadVariableOp":
        holder = flat[0]._value
        with variables_lock:
            holder.owned = False
            return [wrap(holder.require_value(), holder.marked_dtype)]
    values: list[Any] = [tensor._value for tensor in flat]
    names = row.input_names
    holders = {i: values[i] for i in row.variable_positions}
    with variables_lock:
        for i, holder in holders.items():
            value = None
            if names[i] in row.reads:
                value = holder.require_value()
            values[i] = value
        result = as_tuple(run_state_kernel(row, values, attrs))
        count = len(result) - len(row.write_positions)
        for position, new in zip(row.write_positions, result[count:], strict=True):
            holders[position].set_value(new, owned=names[position] in row.reads)
    outputs = []
    for i, value in enumerate(result[:count]):
        outputs.append(_wrapped(row, i, value, attrs))
    return outputs


def run_state_kernel(row: OpDef, values: Sequence[Any], attrs: dict[str, Any]) -> Any:
    """Run the kernel of a variable op on the values of its variables."""
    return run_values(row, values, attrs, None)


# Held while variables change or buffers that may be donated are handed to a computation.
variables_lock = threading.RLock()
