"""Functions on the innermost values of ragged tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.core.errors import InvalidArgumentError
from penstock.runtime.dispatch import call
from penstock.runtime.ragged.broadcasting import same_rows, same_splits_type
from penstock.runtime.ragged.partition_rows import demand
from penstock.runtime.ragged_tensor import RaggedTensor
from penstock.runtime.static_shape import static_value

__all__ = ["map_flat_values"]


def map_flat_values(op: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call `op` on the innermost values of ragged tensors, which must be cut into equal rows.

    Args:
        op: a function of tensors that keeps the size of the first axis.
        args: its arguments; ragged tensors, also within lists, are replaced by their values.
        kwargs: arguments by name likewise.

    Returns:
        A ragged tensor of the results; without ragged arguments what `op` gives.

    Raises:
        InvalidArgumentError: the rows of the arguments differ.
        ValueError: the numbers of ragged axes differ, or `op` changes the number of values.

    Example:
        >>> import penstock as tf
        >>> tf.ragged.map_flat_values(tf.square, tf.ragged.constant([[1, 2], [3]]))
        <tf.RaggedTensor [[1, 4], [9]]>
    """
    found: list[RaggedTensor] = []
    _collect([args, kwargs], found)
    if not found:
        return op(*args, **kwargs)
    kept = same_splits_type(*found)
    first = kept[0]
    for other in kept[1:]:
        _demand_same(first, other)
    new_args, new_kwargs = _replaced([args, kwargs])
    result = op(*new_args, **new_kwargs)
    flat = result.flat_values if isinstance(result, RaggedTensor) else result
    values = first.flat_values
    fits = flat.shape.rank != 0 and flat.shape[:1].is_compatible_with(values.shape[:1])
    if not isinstance(result, RaggedTensor) and not fits:
        raise ValueError(
            "tf.ragged.map_flat_values requires that the output of `op` have the same "
            "outer-dimension size as flat_values of any ragged inputs. (output shape: "
            f"{flat.shape}; expected outer dimension size: {values.shape[0]})"
        )
    return first.with_flat_values(result)


def _collect(value: Any, found: list[RaggedTensor]) -> None:
    if isinstance(value, RaggedTensor):
        found.append(value)
    elif isinstance(value, dict):
        for each in value.values():
            _collect(each, found)
    elif isinstance(value, (list, tuple)):
        for each in value:
            _collect(each, found)


def _replaced(value: Any) -> Any:
    if isinstance(value, RaggedTensor):
        return value.flat_values
    if isinstance(value, dict):
        return {key: _replaced(each) for key, each in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_replaced(each) for each in value))
    if isinstance(value, (list, tuple)):
        return type(value)(_replaced(each) for each in value)
    return value


def _demand_same(first: RaggedTensor, other: RaggedTensor) -> None:
    if first is other or same_rows(first, other):
        return
    sizes = first.flat_values.shape[:1], other.flat_values.shape[:1]
    if not sizes[0].is_compatible_with(sizes[1]):
        raise ValueError(
            "Input RaggedTensors' flat_values must all have the same outer-dimension size.  "
            f"Got sizes: {sizes[0][0]} and {sizes[1][0]}"
        )
    if first.ragged_rank != other.ragged_rank:
        raise ValueError(
            "ragged arguments must have one number of ragged axes, got "
            f"{first.ragged_rank} and {other.ragged_rank}"
        )
    message = "ragged arguments must be cut into the same rows"
    for a, b in zip(first.nested_row_splits, other.nested_row_splits, strict=True):
        one, two = static_value(a), static_value(b)
        if one is not None and two is not None:
            if one.shape != two.shape or (one != two).any():
                raise InvalidArgumentError(
                    f"{message}, got splits {one.tolist()} and {two.tolist()}"
                )
        else:
            demand(call("Equal", call("Size", a), call("Size", b)), message)
            demand(call("Equal", a, b), message)
