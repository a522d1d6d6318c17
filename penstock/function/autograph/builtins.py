"""What Python's builtins mean over tensors and datasets in converted code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.core import dtypes
from penstock.core.errors import UnimplementedError
from penstock.function.autograph.iteration import Range, Rows
from penstock.function.autograph.symbols import is_symbolic
from penstock.graph.symbol import Symbol
from penstock.graph.tensor_array import TensorArray
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.tensor import TensorLike


def _is_dataset(value: Any) -> bool:
    """Whether a value is a dataset: they live in a room above this one."""
    return hasattr(value, "autograph_for") and hasattr(value, "enumerate")


def _len(value: Any) -> Any:
    if isinstance(value, Symbol):
        return Rows(value).size
    if isinstance(value, TensorArray):
        return value.size()
    if _is_dataset(value):
        return value.cardinality()
    return len(value)


def _range(start: Any, limit: Any = None, step: Any = 1) -> Any:
    if limit is None:
        start, limit = 0, start
    if any(is_symbolic(item) for item in (start, limit, step)):
        return Range(start, limit, step)
    return range(int(start), int(limit), int(step))


def _int(value: Any = 0, *base: Any) -> Any:
    if is_symbolic(value):
        tensor = convert_to_tensor(value)
        if tensor.dtype is dtypes.string:
            return call("StringToNumber", tensor, out_type=dtypes.int32)
        return call("Cast", tensor, DstT=dtypes.int32)
    return int(value, *base)


def _float(value: Any = 0.0) -> Any:
    if is_symbolic(value):
        tensor = convert_to_tensor(value)
        if tensor.dtype is dtypes.string:
            return call("StringToNumber", tensor, out_type=dtypes.float32)
        return call("Cast", tensor, DstT=dtypes.float32)
    return float(value)


def _print(*objects: Any, **kwargs: Any) -> None:
    if any(is_symbolic(item) for item in objects):
        text = " ".join(
            "{}" if isinstance(item, TensorLike) else str(item).replace("{", "{{")
            for item in objects
        )
        tensors = [convert_to_tensor(item) for item in objects if isinstance(item, TensorLike)]
        formatted = call("StringFormat", tensors, template=text, placeholder="{}", summarize=3)
        call("PrintV2", formatted, output_stream="stdout")
        return
    print(*objects, **kwargs)  # noqa: T201  (the user's own print)


def _all(values: Any) -> Any:
    return call("All", values, [0]) if is_symbolic(values) else all(values)


def _any(values: Any) -> Any:
    return call("Any", values, [0]) if is_symbolic(values) else any(values)


def _sum(values: Any, *start: Any) -> Any:
    if not is_symbolic(values):
        return sum(values, *start)
    total = call("Sum", convert_to_tensor(values), [0], keep_dims=False)
    return total + start[0] if start else total


def _extreme(name: str, python: Callable[..., Any]) -> Callable[..., Any]:
    """`max` or `min`: of the elements of a tensor, or of several tensors."""

    def extreme(*values: Any, **kwargs: Any) -> Any:
        if kwargs or not any(is_symbolic(value) for value in values):
            return python(*values, **kwargs)
        if len(values) == 1:
            (tensor,) = values
            if tensor.shape.rank != 1:
                raise ValueError(
                    f"{python.__name__} of a tensor needs one dimension, got shape "
                    f"{tensor.shape}; use tf.reduce_{python.__name__}"
                )
            return call("Max" if name == "Maximum" else "Min", tensor, [0], keep_dims=False)
        result = values[0]
        for value in values[1:]:
            result = call(name, result, value)
        return result

    return extreme


def _sorted(values: Any, **kwargs: Any) -> Any:
    if is_symbolic(values):
        raise UnimplementedError(
            "sorted() of a symbolic tensor is not implemented; use tf.sort"
        )
    return sorted(values, **kwargs)


def _enumerate(values: Any, start: Any = 0) -> Any:
    if _is_dataset(values):
        return values.enumerate(start=start)
    return enumerate(values, start)


def _zip(*values: Any, **kwargs: Any) -> Any:
    if values and all(_is_dataset(value) for value in values):
        return type(values[0]).zip(values)
    return zip(*values, **kwargs)  # noqa: B905  (as the user says)


def _map(function: Any, *values: Any) -> Any:
    if values and all(_is_dataset(value) for value in values):
        source = values[0] if len(values) == 1 else type(values[0]).zip(values)
        return source.map(function)
    return map(function, *values)


def _filter(function: Any, values: Any) -> Any:
    return values.filter(function) if _is_dataset(values) else filter(function, values)


BUILTINS: dict[Any, Callable[..., Any]] = {
    len: _len,
    range: _range,
    int: _int,
    float: _float,
    print: _print,
    all: _all,
    any: _any,
    sum: _sum,
    max: _extreme("Maximum", max),
    min: _extreme("Minimum", min),
    sorted: _sorted,
    enumerate: _enumerate,
    zip: _zip,
    map: _map,
    filter: _filter,
}
