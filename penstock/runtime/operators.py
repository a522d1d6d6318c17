"""Python's operators on tensors, added to `Tensor` when this module is imported."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.composite_tensor import CompositeTensor
from penstock.core.errors import InvalidArgumentError
from penstock.core.user_code import shorten
from penstock.runtime.context import state
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.tensor import EagerTensor, Tensor, TensorLike, wrap


def _declines(other: Any) -> bool:
    """Whether `other` must be asked for the operator instead."""
    return isinstance(other, CompositeTensor) or (
        hasattr(type(other), "__tf_dispatch__") and not isinstance(other, TensorLike)
    )


def _binary(choose: Callable[[Any], str]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def forward(self: Any, other: Any) -> Any:
        try:
            if type(other) is EagerTensor:
                return call(choose(self), self, other)
            if _declines(other):
                return NotImplemented
            try:
                other = _like(other, self)
            except (TypeError, ValueError):
                if hasattr(type(other), "__radd__") and not isinstance(
                    other, (int, float, complex, str, bytes, list, tuple, np.ndarray)
                ):
                    return NotImplemented
                raise
            return call(choose(self), self, other)
        except Exception as error:
            shorten(error)
            raise

    def reverse(self: Any, other: Any) -> Any:
        try:
            if _declines(other):
                return NotImplemented
            return call(choose(self), _like(other, self), self)
        except Exception as error:
            shorten(error)
            raise

    return forward, reverse


_FLOATS = frozenset({dtypes.float32, dtypes.float64, dtypes.float16, dtypes.bfloat16})


def _like(other: Any, tensor: Any) -> Any:
    """`other` as a tensor of `tensor`'s dtype."""
    kind = type(other)
    if kind is EagerTensor or isinstance(other, Tensor):
        return other
    if (kind is float or kind is int) and state.graph is None and tensor.dtype in _FLOATS:
        # The most common operand of all, without the long way of conversion.
        return wrap(tensor.dtype.np.type(other))
    return convert_to_tensor(other, dtype_hint=None, dtype=_dtype_for(other, tensor))


def _dtype_for(other: Any, tensor: Any) -> Any:
    if isinstance(other, TensorLike) or hasattr(type(other), "__tf_tensor__"):
        return None
    return tensor.dtype


def _fixed(name: str) -> Callable[[Any], str]:
    return lambda tensor: name  # noqa: ARG005


def _add(tensor: Any) -> str:
    return "Add" if tensor.dtype is dtypes.string else "AddV2"


def _multiply(tensor: Any) -> str:
    return "LogicalAnd" if tensor.dtype is dtypes.bool else "Mul"


def _logical(on_bool: str, on_ints: str) -> Callable[[Any], str]:
    return lambda tensor: on_bool if tensor.dtype is dtypes.bool else on_ints


def _divide(self: Any, other: Any) -> Any:
    """True division: integers are cast to floats first, as in Python."""
    if _declines(other):
        return NotImplemented
    return _true_divide(self, _like(other, self))


def _divide_reversed(self: Any, other: Any) -> Any:
    return _true_divide(_like(other, self), self)


_WIDER = {
    dtypes.int8: dtypes.float32,
    dtypes.uint8: dtypes.float32,
    dtypes.int16: dtypes.float32,
    dtypes.uint16: dtypes.float32,
    dtypes.int32: dtypes.float64,
    dtypes.uint32: dtypes.float64,
    dtypes.int64: dtypes.float64,
    dtypes.uint64: dtypes.float64,
}


def _true_divide(x: Any, y: Any) -> Any:
    x, y = convert_to_tensor(x), convert_to_tensor(y)
    wider = _WIDER.get(x.dtype)
    if x.dtype != y.dtype:
        raise TypeError(
            f"`x` and `y` must have the same dtype, got {x.dtype!r} != {y.dtype!r}."
        )
    if wider is not None:
        x, y = call("Cast", x, DstT=wider), call("Cast", y, DstT=wider)
    return call("RealDiv", x, y)


def _matmul(self: Any, other: Any) -> Any:
    if _declines(other):
        return NotImplemented
    return matmul(self, _like(other, self))


def _matmul_reversed(self: Any, other: Any) -> Any:
    return matmul(_like(other, self), self)


def matmul(a: Any, b: Any) -> Any:
    """Product of two matrices, or of stacks of matrices."""
    a, b = convert_to_tensor(a), convert_to_tensor(b)
    if a.shape.rank == 2 and b.shape.rank == 2:
        return call("MatMul", a, b)
    return call("BatchMatMulV2", a, b)


def _equal(self: Any, other: Any) -> Any:
    return _compare("Equal", self, other, when_unlike=False)


def _not_equal(self: Any, other: Any) -> Any:
    return _compare("NotEqual", self, other, when_unlike=True)


def _compare(name: str, self: Any, other: Any, *, when_unlike: bool) -> Any:
    if other is None:
        return when_unlike
    if _declines(other):
        return NotImplemented
    other = _like(other, self)
    if other.dtype != self.dtype:
        raise InvalidArgumentError(
            f"cannot compare {self.dtype.name} with {other.dtype.name}; cast one of them "
            f"[Op:{name}]"
        )
    try:
        return call(name, self, other, incompatible_shape_error=False)
    except InvalidArgumentError:
        return when_unlike


def _invert(self: Any) -> Any:
    return call("LogicalNot" if self.dtype is dtypes.bool else "Invert", self)


def _absolute(self: Any) -> Any:
    if self.dtype.is_complex:
        return call("ComplexAbs", self, Tout=self.dtype.real_dtype)
    return call("Abs", self)


_NEW_AXIS = None


@functools.lru_cache(maxsize=1024)
def _kept_arguments(signature: tuple[Any, ...]) -> tuple[Any, ...]:
    """Inputs and attrs of the slice that a signature, see `_signature`, stands for."""
    keys = tuple(slice(*key) if isinstance(key, tuple) else key for key in signature)
    begin, end, strides, masks = slice_arguments(keys)
    return wrap(begin), wrap(end), wrap(strides), masks


def _signature(key: Any) -> tuple[Any, ...] | None:
    """A hashable form of an index expression of plain integers, or None for another."""
    parts: list[Any] = []
    for item in key if type(key) is tuple else (key,):
        kind = type(item)
        if kind is int or item is None or item is Ellipsis:
            parts.append(item)
        elif kind is slice:
            bounds = (item.start, item.stop, item.step)
            for bound in bounds:
                if bound is not None and type(bound) is not int:
                    return None
            parts.append(bounds)
        else:
            return None
    return tuple(parts)


def _get_item(self: Any, key: Any) -> Any:
    """`tensor[key]` by StridedSlice, or boolean_mask for a boolean tensor."""
    if state.graph is None:
        signature = _signature(key)
        if signature is not None:
            begin, end, strides, masks = _kept_arguments(signature)
            return call("StridedSlice", self, begin, end, strides, **masks)
    if isinstance(key, (TensorLike, np.ndarray, bool)):
        mask = convert_to_tensor(key)
        if mask.dtype is dtypes.bool:
            return _boolean_mask(self, mask)
        if mask.shape.rank not in (0, None):
            raise TypeError(
                "Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and scalar "
                f"tf.int32/tf.int64 tensors are valid indices, got {key!r}"
            )
    # A list is an index for each axis, as a tuple is.
    return strided_slice(self, tuple(key) if isinstance(key, (tuple, list)) else (key,))


def _boolean_mask(tensor: Any, mask: Any) -> Any:
    if mask.shape.rank == 0:
        raise ValueError("mask cannot be scalar.")
    if mask.shape.rank is not None and tensor.shape.rank is not None:
        tensor.shape[: mask.shape.rank].assert_is_compatible_with(mask.shape)
    where = call("Where", mask)
    return call("GatherNd", tensor, where)


def strided_slice(tensor: Any, keys: tuple[Any, ...]) -> Any:
    """`tensor[keys]`: integers, slices, Ellipsis and None, whose bounds may be tensors."""
    computed = [_is_computed(key) for key in keys]
    if any(computed) and any(_is_bounded(key) for key in keys):
        # XLA takes a computed place, or constant bounds, but not both in one vector.
        ranges = tuple(
            slice(None) if late else key for key, late in zip(keys, computed, strict=True)
        )
        places = tuple(
            key if late or key is Ellipsis else slice(None)
            for key, late in zip(keys, computed, strict=True)
            if late or key is Ellipsis or key is None or isinstance(key, slice)
        )
        tensor, keys = strided_slice(tensor, ranges), places
    begin, end, strides, masks = slice_arguments(keys)
    return call("StridedSlice", tensor, begin, end, strides, **masks)


def _is_computed(key: Any) -> bool:
    """Whether an index is a tensor of a graph without a value."""
    return (
        isinstance(key, TensorLike)
        and not isinstance(key, EagerTensor)
        and getattr(key, "static_value", None) is None
    )


def _is_bounded(key: Any) -> bool:
    """Whether an entry takes a constant part of its axis."""
    if isinstance(key, slice):
        return (key.start, key.stop, key.step) != (None, None, None)
    return key is not None and key is not Ellipsis and not _is_computed(key)


def slice_arguments(keys: tuple[Any, ...]) -> tuple[Any, Any, Any, dict[str, int]]:
    """Begin, end, strides and masks that StridedSlice needs for an index expression."""
    begin: list[Any] = []
    end: list[Any] = []
    strides: list[Any] = []
    masks = dict.fromkeys(
        ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask"), 0
    )
    for i, key in enumerate(keys):
        bit = 1 << i
        first: Any = 0
        last: Any = 0
        step: Any = 1
        if key is Ellipsis:
            masks["ellipsis_mask"] |= bit
        elif key is _NEW_AXIS:
            masks["new_axis_mask"] |= bit
        elif isinstance(key, slice):
            step = 1 if key.step is None else _index(key.step)
            if key.start is None:
                masks["begin_mask"] |= bit
            else:
                first = _index(key.start)
            if key.stop is None:
                masks["end_mask"] |= bit
            else:
                last = _index(key.stop)
        else:
            first = _index(key)
            last = first + 1
            masks["shrink_axis_mask"] |= bit
        begin.append(first)
        end.append(last)
        strides.append(step)
    return _index_vector(begin), _index_vector(end), _index_vector(strides), masks


def _index(value: Any) -> Any:
    if isinstance(value, (bool, float, str, bytes, np.floating)):
        raise TypeError(
            "Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and scalar "
            f"tf.int32/tf.int64 tensors are valid indices, got {value!r}"
        )
    if isinstance(value, EagerTensor):
        return value.__index__()
    if isinstance(value, TensorLike):
        tensor = convert_to_tensor(value)
        if isinstance(tensor, EagerTensor):
            return tensor.__index__()
        if not tensor.dtype.is_integer:
            raise TypeError(f"an index must be an integer, got {tensor.dtype.name}")
        return tensor
    if hasattr(value, "__index__"):
        return value.__index__()
    raise TypeError(
        "Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and scalar "
        f"tf.int32/tf.int64 tensors are valid indices, got {value!r}"
    )


def _index_vector(values: list[Any]) -> Any:
    symbolic = [value for value in values if isinstance(value, Tensor)]
    if not symbolic:
        fits = all(-(2**31) <= value < 2**31 for value in values)
        return np.asarray(values, np.int32 if fits else np.int64)
    dtype = (
        dtypes.int64 if any(value.dtype is dtypes.int64 for value in symbolic) else dtypes.int32
    )
    parts = [
        call("Cast", value, DstT=dtype)
        if isinstance(value, Tensor) and value.dtype is not dtype
        else convert_to_tensor(value, dtype)
        for value in values
    ]
    return call("Pack", parts, axis=0)


def _shown(operator: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """An operator whose errors show the user's frames alone."""

    def entrance(self: Any, other: Any) -> Any:
        try:
            return operator(self, other)
        except Exception as error:
            shorten(error)
            raise

    return entrance


def _install(tensor: Any) -> None:
    arithmetic = {
        "add": _binary(_add),
        "sub": _binary(_fixed("Sub")),
        "mul": _binary(_multiply),
        "floordiv": _binary(_fixed("FloorDiv")),
        "mod": _binary(_fixed("FloorMod")),
        "pow": _binary(_fixed("Pow")),
        "and": _binary(_logical("LogicalAnd", "BitwiseAnd")),
        "or": _binary(_logical("LogicalOr", "BitwiseOr")),
        "truediv": (_shown(_divide), _shown(_divide_reversed)),
        "div": (_shown(_divide), _shown(_divide_reversed)),
        "matmul": (_shown(_matmul), _shown(_matmul_reversed)),
    }
    for name, (forward, reverse) in arithmetic.items():
        setattr(tensor, f"__{name}__", forward)
        setattr(tensor, f"__r{name}__", reverse)

    def exclusive_or(self: Any, other: Any) -> Any:
        if _declines(other):
            return NotImplemented
        other = _like(other, self)
        if self.dtype is dtypes.bool:
            return call("NotEqual", self, other)
        return call("BitwiseXor", self, other)

    tensor.__xor__ = tensor.__rxor__ = _shown(exclusive_or)
    for name, op_name in (
        ("lt", "Less"),
        ("le", "LessEqual"),
        ("gt", "Greater"),
        ("ge", "GreaterEqual"),
    ):
        setattr(tensor, f"__{name}__", _binary(_fixed(op_name))[0])
    tensor.__eq__ = _shown(_equal)
    tensor.__ne__ = _shown(_not_equal)
    tensor.__neg__ = lambda self: call("Neg", self)
    tensor.__pos__ = lambda self: self
    tensor.__invert__ = _invert
    tensor.__abs__ = _absolute
    tensor.__getitem__ = _shown(_get_item)
    tensor.OVERLOADABLE_OPERATORS = frozenset(
        {f"__{name}__" for name in arithmetic} | {"__eq__", "__ne__", "__getitem__", "__neg__"}
    )


_install(Tensor)
