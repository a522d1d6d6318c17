"""Sums of products in Einstein's notation."""

from __future__ import annotations

import functools
import math
import string
from collections import Counter
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from penstock.core.dtypes import bfloat16, float16
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.linalg import broadcast_dims
from penstock.ops.lowering import ORDERED_FACTORS, applies, note_product
from penstock.ops.table import REQUIRED, gradient, host_kernel, op

jnp = jax.numpy

_NARROW = frozenset({float16.np, bfloat16.np})
_DOTS = "..."


@functools.lru_cache(maxsize=1024)
def parse(equation: str) -> tuple[tuple[str, ...], str]:
    """Split an equation into the subscripts of its inputs and those of its output.

    Errors: InvalidArgumentError when it is malformed.
    """
    text = equation.replace(" ", "")
    left, arrow, output = text.partition("->")
    if not arrow:
        raise InvalidArgumentError(f"equation must have the form 'ij,jk->ik', got {equation!r}")
    inputs = tuple(left.split(","))
    for subscripts in (*inputs, output):
        rest = subscripts.replace(_DOTS, "", 1)
        if not all(label in string.ascii_letters for label in rest):
            raise InvalidArgumentError(
                f"equation must consist of letters and '...', got {equation!r}"
            )
    missing = set(output.replace(_DOTS, "")) - set(left)
    if missing:
        raise InvalidArgumentError(
            f"the inputs of {equation!r} must have the label {sorted(missing)[0]!r}"
        )
    return inputs, output


def _explicit(
    inputs: Sequence[str], output: str, ranks: Sequence[int]
) -> tuple[list[str], str, str]:
    """Write labels in place of '...'; the third result holds those labels, outermost first."""
    used = set("".join(inputs))
    free = [label for label in string.ascii_letters if label not in used]
    covered = []
    for subscripts, rank in zip(inputs, ranks, strict=True):
        named = len(subscripts.replace(_DOTS, ""))
        has_dots = _DOTS in subscripts
        if rank < named or (rank > named and not has_dots):
            raise InvalidArgumentError(
                f"subscripts {subscripts!r} must fit their input, got one of rank {rank}"
            )
        covered.append(rank - named if has_dots else 0)
    batch = "".join(free[: max(covered, default=0)])
    if len(batch) < max(covered, default=0):
        raise InvalidArgumentError("an input has too many axes under '...'")
    full = [
        subscripts.replace(_DOTS, batch[len(batch) - count :])
        for subscripts, count in zip(inputs, covered, strict=True)
    ]
    return full, output.replace(_DOTS, batch), batch


def _sizes(
    full: Sequence[str], shapes: Sequence[Sequence[int | None]], batch: str
) -> dict[str, Any]:
    """Size of every label.

    Errors: InvalidArgumentError when a label has two sizes; those of '...' broadcast.
    """
    sizes: dict[str, Any] = {}
    for labels, shape in zip(full, shapes, strict=True):
        for label, size in zip(labels, shape, strict=True):
            known = sizes.get(label)
            if label in batch and label in sizes:
                sizes[label] = broadcast_dims([known], [size])[0]
            elif known is None:
                sizes[label] = size
            elif size is not None and size != known:
                raise InvalidArgumentError(
                    f"label {label!r} must have one size, got {known} and {size}"
                )
    return sizes


def _einsum_shape(inputs: Sequence[Any], *, equation: str) -> TensorShape:
    subscripts, output = parse(equation)
    shapes = [spec.shape for spec in inputs]
    if any(shape.rank is None for shape in shapes):
        if _DOTS in output:
            return TensorShape(None)
        return TensorShape([None] * len(output))
    _check_count(subscripts, inputs, equation)
    dims = [shape.as_list() for shape in shapes]
    full, out, batch = _explicit(subscripts, output, [len(shape) for shape in dims])
    sizes = _sizes(full, dims, batch)
    return TensorShape([sizes[label] for label in out])


def _check_count(subscripts: Sequence[str], inputs: Sequence[Any], equation: str) -> None:
    if len(subscripts) != len(inputs):
        raise InvalidArgumentError(
            f"{equation!r} must get {len(subscripts)} inputs, got {len(inputs)}"
        )


@op(
    "Einsum",
    inputs=("inputs: N * T",),
    outputs=("output: T",),
    attrs={"equation": REQUIRED},
    kernel="device",
    shape=_einsum_shape,
)
def einsum(inputs: tuple[Any, ...], *, equation: str) -> Any:
    """Sum of products.

    Labels that the output repeats give a diagonal.

    Shape: inputs [...] each -> output [...], as the equation says.
    Errors: InvalidArgumentError when the equation does not fit the inputs.
    """
    full, out, sizes = _resolved(inputs, equation)
    distinct = "".join(dict.fromkeys(out))
    operands = list(inputs)
    if len(operands) == 2:
        note_product(math.prod(int(size) for size in sizes.values()), operands[0].dtype)
    if operands[0].dtype in _NARROW:
        operands = [operand.astype(np.float32) for operand in operands]
    result = _ordered(full, operands, distinct)
    if result is None:
        result = jnp.einsum(f"{','.join(full)}->{distinct}", *operands)
    result = result.astype(inputs[0].dtype)
    return result if distinct == out else _diagonal(jnp, result, distinct, out)


def _ordered(full: Sequence[str], operands: Sequence[Any], out: str) -> Any:
    """The product of two factors in the order that reads the larger one as it lies in memory.

    Returns:
        None where the rule does not fire.
    """
    if len(operands) != 2 or any(len(set(labels)) < len(labels) for labels in full):
        return None
    shared = [label for label in full[0] if label in full[1]]
    lone = [label for labels in full for label in labels if label not in shared]
    if any(label not in out for label in lone) or not all(full):
        return None
    sizes = [
        dict(zip(*pair, strict=True)) for pair in zip(full, _shapes(operands), strict=True)
    ]
    if any(sizes[0][label] != sizes[1][label] for label in shared):
        return None  # one of the two is broadcast
    first = _first_factor(full, operands, out)
    batch = [label for label in shared if label in out]
    summed = [label for label in shared if label not in out]
    if first is None or not summed or not applies(ORDERED_FACTORS, True, f"{full} -> {out}"):
        return None
    labels = full[first], full[1 - first]
    summing, stacking = (
        tuple([term.index(label) for label in some] for term in labels)
        for some in (summed, batch)
    )
    numbers: Any = (summing, stacking)
    product = jax.lax.dot_general(operands[first], operands[1 - first], numbers)
    made = [*batch, *(label for term in labels for label in term if label not in shared)]
    return product.transpose([made.index(label) for label in out])


def _shapes(operands: Sequence[Any]) -> list[tuple[int, ...]]:
    return [operand.shape for operand in operands]


def _first_factor(full: Sequence[str], operands: Sequence[Any], out: str) -> int | None:
    """Which of two factors comes first; None where it does not matter."""
    if operands[0].size != operands[1].size:
        larger = int(operands[1].size > operands[0].size)
        last = full[larger][-1]
        if last in full[1 - larger]:
            return None if last in out else larger
        return 1 - larger
    last = out[-1:]
    if (last in full[0]) == (last in full[1]):
        return None
    return int(last in full[0])


def _resolved(inputs: tuple[Any, ...], equation: str) -> tuple[list[str], str, dict[str, Any]]:
    subscripts, output = parse(equation)
    _check_count(subscripts, inputs, equation)
    full, out, batch = _explicit(subscripts, output, [value.ndim for value in inputs])
    return full, out, _sizes(full, [value.shape for value in inputs], batch)


def _diagonal(xp: Any, value: Any, labels: str, out: str) -> Any:
    """Spread `value` over axes that repeat a label: zero where their places differ."""
    for label, count in Counter(out).items():
        axis = labels.index(label)
        for _ in range(count - 1):
            size = value.shape[axis]
            eye = xp.eye(size, dtype=value.dtype)
            eye = eye.reshape(eye.shape + (1,) * (value.ndim - axis - 1))
            value = xp.expand_dims(value, axis) * eye
            labels = labels[:axis] + label + labels[axis:]
    order, taken = [], Counter[str]()
    for label in out:
        places = [i for i, other in enumerate(labels) if other == label]
        order.append(places[taken[label]])
        taken[label] += 1
    return xp.transpose(value, order)


@host_kernel("Einsum", limit=1 << 13)
def einsum_on_host(inputs: tuple[Any, ...], *, equation: str) -> Any:
    """Numpy kernel of `Einsum`."""
    full, out, sizes = _resolved(inputs, equation)
    kind = inputs[0].dtype
    operands = (
        [value.astype(np.float32) for value in inputs] if kind in _NARROW else list(inputs)
    )
    distinct = "".join(dict.fromkeys(out))
    labels, value = _single(full[0], operands[0])
    for i in range(1, len(operands)):
        later = set("".join(full[i + 1 :])) | set(distinct)
        labels, value = _pair(labels, value, *_single(full[i], operands[i]), later)
    result = _finish(labels, value, distinct, sizes)
    result = result if distinct == out else _diagonal(np, result, distinct, out)
    return np.asarray(result, kind)


def _single(labels: str, value: Any) -> tuple[str, Any]:
    """Take the diagonal of axes that share a label."""
    distinct = "".join(dict.fromkeys(labels))
    if distinct == labels:
        return labels, value
    return distinct, np.einsum(f"{labels}->{distinct}", value)


def _finish(labels: str, value: Any, out: str, sizes: dict[str, Any]) -> Any:
    """Sum what the output lacks, and bring the axes into order."""
    extra = tuple(i for i, label in enumerate(labels) if label not in out)
    if extra:
        value = value.sum(axis=extra, dtype=value.dtype)
        labels = "".join(label for label in labels if label in out)
    value = value.transpose([labels.index(label) for label in out])
    # Labels under '...' may have kept a size of 1.
    return np.broadcast_to(value, [sizes[label] for label in out])


def _pair(x_labels: str, x: Any, y_labels: str, y: Any, later: set[str]) -> tuple[str, Any]:
    """Multiply two operands as one stack of matrix products."""
    shared = [label for label in x_labels if label in y_labels]
    for label in list(shared):
        p, q = x.shape[x_labels.index(label)], y.shape[y_labels.index(label)]
        if p == q:
            continue
        # One of the two has size 1 here, under '...': it is the other that matters.
        shared.remove(label)
        if p == 1:
            x, x_labels = x.squeeze(x_labels.index(label)), x_labels.replace(label, "")
        else:
            y, y_labels = y.squeeze(y_labels.index(label)), y_labels.replace(label, "")
    batch = [label for label in shared if label in later]
    summed = [label for label in shared if label not in later]
    x, x_labels = _drop(x, x_labels, later, y_labels)
    y, y_labels = _drop(y, y_labels, later, x_labels)
    x_only = [label for label in x_labels if label not in shared]
    y_only = [label for label in y_labels if label not in shared]
    left = _matrices(x, x_labels, batch, x_only, summed)
    right = _matrices(y, y_labels, batch, summed, y_only)
    shape = [x.shape[x_labels.index(label)] for label in (*batch, *x_only)]
    shape += [y.shape[y_labels.index(label)] for label in y_only]
    return "".join((*batch, *x_only, *y_only)), np.matmul(left, right).reshape(shape)


def _drop(value: Any, labels: str, later: set[str], other: str) -> tuple[Any, str]:
    """Sum over labels that nothing else has."""
    axes = tuple(
        i for i, label in enumerate(labels) if label not in later and label not in other
    )
    if not axes:
        return value, labels
    kept = "".join(label for i, label in enumerate(labels) if i not in axes)
    return value.sum(axis=axes, dtype=value.dtype), kept


def _matrices(
    value: Any, labels: str, batch: list[str], rows: list[str], columns: list[str]
) -> Any:
    """Group the axes of `value` into [batch..., rows, columns]."""
    moved = value.transpose([labels.index(label) for label in (*batch, *rows, *columns)])
    outer = moved.shape[: len(batch)]
    inner = moved.shape[len(batch) : len(batch) + len(rows)]
    return moved.reshape(
        *outer,
        int(np.prod(inner)),
        int(np.prod(moved.shape[len(batch) + len(rows) :])),
    )


@gradient("Einsum")
def einsum_gradient(g: Any, grad: Any) -> Any:
    """Contract the gradient with the other operands; what was summed alone is spread."""
    inputs, output = parse(g.attrs["equation"])
    if not _is_plain(inputs, output):
        return g.generic(grad)
    results: list[Any] = []
    for i, subscripts in enumerate(inputs):
        if not g.needs(i):
            results.append(None)
            continue
        others = [value for j, value in enumerate(g.inputs) if j != i]
        if grad.dtype.is_complex:
            others = [g.call("Conj", other) for other in others]
        known = output + "".join(text for j, text in enumerate(inputs) if j != i)
        reached = "".join(label for label in subscripts if label == "." or label in known)
        left = ",".join([output, *(text for j, text in enumerate(inputs) if j != i)])
        flow = g.call("Einsum", [grad, *others], equation=f"{left}->{reached}")
        results.append(_spread(g, flow, g.inputs[i], subscripts, reached))
    return tuple(results)


def _is_plain(inputs: Sequence[str], output: str) -> bool:
    """Whether the rule applies: no label twice in a term, '...' in front of all or of none."""
    terms = (*inputs, output)
    if any(len(set(term.replace(_DOTS, ""))) < len(term.replace(_DOTS, "")) for term in terms):
        return False
    return all(term.startswith(_DOTS) for term in terms) or _DOTS not in "".join(terms)


def _spread(g: Any, flow: Any, like: Any, subscripts: str, reached: str) -> Any:
    """Repeat `flow` along the labels that it lacks, and sum what '...' broadcast."""
    if reached == subscripts:
        return g.reduce_to(flow, like) if _DOTS in subscripts else flow
    labels = subscripts.replace(_DOTS, "")
    # From the last to the first, so that the axes behind a place are all there already.
    for place, label in reversed(list(enumerate(labels))):
        if label not in reached:
            flow = g.call("ExpandDims", flow, place - len(labels))
    if _DOTS in subscripts:
        joint = g.call("BroadcastArgs", g.call("Shape", flow), g.call("Shape", like))
        return g.reduce_to(g.call("BroadcastTo", flow, joint), like)
    return g.call("BroadcastTo", flow, g.call("Shape", like))
