"""The inputs of an op call: converted by the op's schema, flattened, checked for one dtype."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.core import dtypes
from penstock.core.composite_tensor import CompositeTensor
from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError
from penstock.ops.table import TYPE_LIST, OpDef
from penstock.runtime.context import state
from penstock.runtime.convert import convert_to_tensor, has_conversion, to_numpy
from penstock.runtime.tensor import EagerTensor, Tensor, TensorLike


def prepare(
    row: OpDef, inputs: Sequence[Any], attrs: dict[str, Any]
) -> tuple[list[Any], list[int | None]]:
    """Turn the inputs of a call into flat tensors, and fill in the type lists of `attrs`.

    Returns:
        The tensors, and for each argument the length of its list, or None for a single tensor.

    Raises:
        TypeError: the number of inputs is not the schema's, or a value cannot be converted.
        InvalidArgumentError: tensors that share a type attr differ in dtype.
    """
    args = row.input_args
    if len(inputs) != len(args):
        raise TypeError(
            f"op {row.name!r} takes {len(args)} inputs ({', '.join(row.input_names)}), "
            f"got {len(inputs)}"
        )
    known = _known_types(row, inputs, attrs)
    flat: list[Any] = []
    lengths: list[int | None] = []
    for arg, value in zip(args, inputs, strict=True):
        if not arg.is_list:
            flat.append(_convert(row, arg.name, value, known.get(arg.type_attr)))
            lengths.append(None)
            continue
        if arg.type_list_attr is not None:
            wanted = attrs.get(arg.type_list_attr)
            types: Sequence[Any] = (
                [None] * len(value) if wanted is TYPE_LIST or wanted is None else wanted
            )
            items = [
                _convert(row, arg.name, item, kind)
                for item, kind in zip(value, types, strict=True)
            ]
            attrs[arg.type_list_attr] = tuple(item.dtype for item in items)
        else:
            items = [_convert(row, arg.name, item, known.get(arg.type_attr)) for item in value]
        flat.extend(items)
        lengths.append(len(items))
    return flat, lengths


def _known_types(row: OpDef, inputs: Sequence[Any], attrs: dict[str, Any]) -> dict[str, DType]:
    """Dtype of each type attr, as literals in the schema, attrs and the first tensors tell."""
    known: dict[str, DType] = {}
    python_values: dict[str, list[Any]] = {}
    for arg, value in zip(row.input_args, inputs, strict=True):
        name = arg.type_attr
        if name in known or arg.type_list_attr is not None:
            continue
        literal = _LITERALS.get(name)
        if literal is not None:
            known[name] = literal
            continue
        given = attrs.get(name)
        if isinstance(given, DType):
            known[name] = given
            continue
        for item in value if arg.is_list else (value,):
            dtype = _dtype_of(item)
            if dtype is not None:
                known[name] = _as_index(dtype) if _is_list_of_sizes(name, item) else dtype
                break
            python_values.setdefault(name, []).append(item)
    for name, items in python_values.items():
        # Without a tensor among them, the first of several values decides.
        if name not in known and len(items) > 1:
            known[name] = dtypes.dtype_of_numpy(to_numpy(items[0]).dtype)
    return known


_LITERALS = {
    "float": dtypes.float32,
    "double": dtypes.float64,
    "half": dtypes.float16,
    **{
        dtype.name: dtype
        for dtype in (
            dtypes.bool,
            dtypes.string,
            dtypes.resource,
            dtypes.variant,
            dtypes.int8,
            dtypes.int16,
            dtypes.int32,
            dtypes.int64,
            dtypes.uint8,
            dtypes.uint16,
            dtypes.uint32,
            dtypes.uint64,
            dtypes.float32,
            dtypes.float64,
            dtypes.complex64,
            dtypes.complex128,
            dtypes.qint8,
            dtypes.quint8,
            dtypes.qint32,
        )
    },
}


def literal_dtype(name: str) -> DType | None:
    """The dtype that `name` stands for in a schema, or None when it is the name of an attr."""
    return _LITERALS.get(name)


def _dtype_of(value: Any) -> DType | None:
    if isinstance(value, TensorLike) or hasattr(type(value), "__tf_tensor__"):
        dtype = value.dtype
        return dtype if isinstance(dtype, DType) else dtypes.as_dtype(dtype)
    if isinstance(value, CompositeTensor):
        own = getattr(value, "dtype", None)
        return own if isinstance(own, DType) else None
    if isinstance(value, (list, tuple)):
        for item in value:
            dtype = _dtype_of(item)
            if dtype is not None:
                return dtype
    return None


# Type attrs of inputs that hold sizes, axes or permutations.
_INDEX_ATTRS = frozenset(
    {
        "Tblock_shape",
        "Tcrops",
        "Tdim",
        "Tidx",
        "Tmultiples",
        "Tpaddings",
        "Tperm",
        "Tshape",
        "index_type",
    }
)


def _is_list_of_sizes(type_attr: str, value: Any) -> bool:
    return type_attr in _INDEX_ATTRS and isinstance(value, (list, tuple))


def _as_index(dtype: DType) -> DType:
    """The dtype of sizes that are packed of single tensors: as TensorFlow, any kind is cast."""
    return dtype if dtype in (dtypes.int32, dtypes.int64) else dtypes.int32


def _convert(row: OpDef, name: str, value: Any, dtype: DType | None) -> Any:
    if isinstance(value, Tensor):
        if dtype is not None and value.dtype is not dtype and value.dtype != dtype:
            _refuse_dtype(row, name, value.dtype, dtype)
        return value
    if isinstance(value, CompositeTensor) and not has_conversion(value):
        raise ValueError(
            f"input {name!r} of op {row.name} must be one tensor, got a "
            f"{type(value).__name__}; "
            "convert it to a dense tensor first"
        )
    if value is None:
        raise ValueError(f"input {name!r} of op {row.name} must be a tensor, got None")
    try:
        return convert_to_tensor(value, dtype)
    except ValueError:
        got = _dtype_of(value)
        if dtype is not None and got is not None and got != dtype:
            _refuse_dtype(row, name, got, dtype)
        raise


def _refuse_dtype(row: OpDef, name: str, got: DType, wanted: DType) -> None:
    message = (
        f"input {name!r} of op {row.name} must be {wanted.name} like the inputs before it, got "
        f"{got.name}; use tf.cast(..., tf.{wanted.name}) [Op:{row.name}]"
    )
    if state.graph is not None:
        raise TypeError(message)
    raise InvalidArgumentError(message)


def all_eager(flat: Sequence[Any]) -> bool:
    """Whether every tensor has a value."""
    return all(isinstance(tensor, EagerTensor) for tensor in flat)
