"""Reverse-mode differentiation over a list of op calls, eager or symbolic alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.dtypes import DType
from penstock.ops.table import OpDef
from penstock.runtime.dispatch import call
from penstock.runtime.indexed_slices import IndexedSlices, densify
from penstock.runtime.tensor import EagerTensor


@dataclass(slots=True, eq=False)
class Record:
    """One op call. `rule` replaces the row's own gradient where it is given."""

    row: OpDef | None
    attrs: dict[str, Any]
    inputs: Sequence[Any]
    outputs: Sequence[Any]
    lengths: Sequence[int | None] | None
    rule: Callable[..., Any] | None = None
    node: Any = None


class GradientContext:
    """What a gradient rule sees of the call that it differentiates."""

    __slots__ = ("_reachable", "_record")

    def __init__(self, record: Record, reachable: set[int]) -> None:
        self._record = record
        self._reachable = reachable

    @property
    def inputs(self) -> Sequence[Any]:
        """The flat inputs of the call."""
        return self._record.inputs

    @property
    def outputs(self) -> Sequence[Any]:
        """The flat outputs of the call."""
        return self._record.outputs

    @property
    def attrs(self) -> dict[str, Any]:
        """The attrs of the call, complete."""
        return self._record.attrs

    @property
    def lengths(self) -> Sequence[int | None] | None:
        """For each argument the length of its list, or None for a single tensor."""
        return self._record.lengths

    def call(self, name: str, *inputs: Any, **attrs: Any) -> Any:
        """Call an op."""
        return call(name, *inputs, **attrs)

    def needs(self, position: int) -> bool:
        """Whether the gradient of the flat input `position` is asked for."""
        tensor = self._record.inputs[position]
        return id(tensor) in self._reachable and is_differentiable(tensor.dtype)

    def indexed_slices(self, values: Any, indices: Any, dense_shape: Any) -> IndexedSlices:
        """Make a sparse gradient."""
        return IndexedSlices(values, indices, dense_shape)

    def reduce_to(self, grad: Any, like: Any) -> Any:
        """Sum `grad` over the axes along which `like` was broadcast to its shape."""
        if grad is None:
            return None
        return reduce_to(grad, like)

    def static_value(self, tensor: Any) -> Any:
        """Value of `tensor` as a numpy array where it is known now, else None."""
        if isinstance(tensor, EagerTensor):
            return np.asarray(tensor._value)
        return getattr(tensor, "static_value", None)

    def generic(self, *grads: Any) -> list[Any]:
        """Apply the generic rule, the vjp of the kernel, whatever rule the row has."""
        return _generic(self._record, grads, self)


def is_differentiable(dtype: DType) -> bool:
    """Whether tensors of `dtype` carry gradients."""
    return (
        dtype.is_floating
        or dtype.is_complex
        or dtype is dtypes.variant
        or dtype is dtypes.resource
    )


def reduce_to(grad: Any, like: Any) -> Any:
    """Sum `grad` over the axes along which `like` was broadcast to its shape."""
    eager = type(grad) is EagerTensor and type(like) is EagerTensor
    if eager and grad._value.shape == like._value.shape:
        return grad
    have, want = grad.shape, like.shape
    if have.is_fully_defined() and want.is_fully_defined():
        have_dims, want_dims = have.as_list(), want.as_list()
        if have_dims == want_dims:
            return grad
        extra = len(have_dims) - len(want_dims)
        axes = list(range(extra)) + [
            i + extra
            for i, size in enumerate(want_dims)
            if size == 1 and have_dims[i + extra] != 1
        ]
        summed = call("Sum", grad, axes, keep_dims=False) if axes else grad
        return call("Reshape", summed, want_dims)
    target = call("Shape", like)
    axes_of_like, _ = call("BroadcastGradientArgs", target, call("Shape", grad))
    return call("Reshape", call("Sum", grad, axes_of_like, keep_dims=False), target)


def backprop(
    records: Sequence[Record],
    targets: Sequence[Any],
    target_gradients: Sequence[Any],
    sources: Sequence[Any],
) -> list[Any]:
    """Gradient of `targets` with respect to `sources`, None where no path joins them.

    Args:
        records: op calls in the order in which they were made.
        targets: tensors.
        target_gradients: gradient that flows into each target; None for ones.
        sources: tensors; a variable is its handle.
    """
    reachable = _reachable_from(sources, records)
    pending: dict[int, list[Any]] = {}
    for target, gradient in zip(targets, target_gradients, strict=True):
        if id(target) not in reachable:
            continue
        seed = call("OnesLike", target) if gradient is None else gradient
        pending.setdefault(id(target), []).append(seed)
    wanted = {id(source) for source in sources}
    kept: dict[int, Any] = {}
    for record in reversed(records):
        if not any(id(output) in pending for output in record.outputs):
            continue
        gradients = []
        for output in record.outputs:
            gradient = aggregate(pending.pop(id(output), ()))
            gradients.append(gradient)
            if id(output) in wanted and gradient is not None:
                kept[id(output)] = gradient
        if not any(id(tensor) in reachable for tensor in record.inputs):
            continue
        for tensor, gradient in zip(
            record.inputs, gradients_of_inputs(record, gradients, reachable), strict=True
        ):
            if gradient is not None and id(tensor) in reachable:
                pending.setdefault(id(tensor), []).append(gradient)
    results = []
    for source in sources:
        if id(source) in pending:
            pending[id(source)] = [aggregate(pending[id(source)])]
            results.append(pending[id(source)][0])
        else:
            results.append(kept.get(id(source)))
    return results


def _reachable_from(sources: Sequence[Any], records: Sequence[Record]) -> set[int]:
    reachable = {id(source) for source in sources}
    for record in records:
        if any(id(tensor) in reachable for tensor in record.inputs):
            reachable.update(
                id(output) for output in record.outputs if is_differentiable(output.dtype)
            )
    return reachable


def gradients_of_inputs(
    record: Record, gradients: list[Any], reachable: set[int]
) -> Sequence[Any]:
    """Gradients of the inputs of a call by those of its outputs.

    Args:
        record: the call.
        gradients: gradient of each output, or None.
        reachable: ids of the inputs whose gradients are wanted.
    """
    context = GradientContext(record, reachable)
    rule = record.rule
    if rule is None and record.row is not None:
        if not record.row.differentiable:
            return [None] * len(record.inputs)
        rule = record.row.gradient
    if rule is None:
        return _generic(record, gradients, context)
    result: Any = rule(context, *gradients)
    if not isinstance(result, (tuple, list)):
        result = (result,)
    if len(result) != len(record.inputs):
        name = record.row.name if record.row is not None else "a custom gradient"
        raise ValueError(
            f"the gradient rule of {name} must give {len(record.inputs)} gradients, got "
            f"{len(result)}"
        )
    return list(result)


# What writes down the gradient of a branch or loop with effects, by the name of its op: put
# here by the room that runs them.
RUN_BODIES: dict[str, Callable[..., Sequence[Any]]] = {}


def _generic(record: Record, gradients: Sequence[Any], context: GradientContext) -> list[Any]:
    row = record.row
    if row is None:
        raise LookupError("a call without a row needs a gradient rule of its own")
    wrt = tuple(i for i in range(len(record.inputs)) if context.needs(i))
    given = tuple(
        i
        for i, gradient in enumerate(gradients)
        if gradient is not None and is_differentiable(record.outputs[i].dtype)
    )
    results: list[Any] = [None] * len(record.inputs)
    if not wrt or not given:
        return results
    if row.device is None and row.name in RUN_BODIES and record.node is not None:
        for i, part in zip(
            wrt, RUN_BODIES[row.name](record, gradients, wrt, given), strict=True
        ):
            results[i] = part
        return results
    if row.device is None:
        raise LookupError(
            f"no gradient is defined for op {row.name}; stop it with tf.stop_gradient, or "
            f"give one "
            "with tf.custom_gradient"
        )
    parts = call(
        "_VJP",
        list(record.inputs),
        [dense(gradients[i]) for i in given],
        op=row.name,
        op_attrs=record.attrs,
        lengths=tuple(record.lengths or (None,) * len(record.inputs)),
        wrt=wrt,
        given=given,
        forward=record.node,
        Tout=tuple(record.inputs[i].dtype for i in wrt),
    )
    for i, part in zip(wrt, parts, strict=True):
        results[i] = part
    return results


def dense(gradient: Any) -> Any:
    """A gradient as one tensor."""
    return densify(gradient) if isinstance(gradient, IndexedSlices) else gradient


def aggregate(gradients: Iterable[Any]) -> Any:
    """Sum of gradients that flow into one tensor; None for none."""
    parts = [gradient for gradient in gradients if gradient is not None]
    if not parts:
        return None
    if len(parts) == 1:
        return parts[0]
    if all(isinstance(part, IndexedSlices) for part in parts):
        return IndexedSlices(
            call("ConcatV2", [part.values for part in parts], 0),
            call("ConcatV2", [_as_int64(part.indices) for part in parts], 0),
            parts[0].dense_shape,
        )
    tensors = [dense(part) for part in parts]
    if tensors[0].dtype is dtypes.variant:
        return call("_AddVariants", tensors)
    if len(tensors) == 2:
        return call("AddV2", tensors[0], tensors[1])
    return call("AddN", tensors)


def _as_int64(indices: Any) -> Any:
    if indices.dtype == dtypes.int64:
        return indices
    return call("Cast", indices, DstT=dtypes.int64)
