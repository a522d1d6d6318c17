"""`tf.einsum`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call

_DOTS = "..."
_ASSUMED = 2  # size of unknown dimensions when the order of products is chosen


def einsum(equation: str, *inputs: Any, **kwargs: Any) -> Any:
    """Sum of products in Einstein's notation.

    Args:
        equation: subscripts, such as "bij,bjk->bik"; '...' stands for further axes. Without
            "->" the result has the labels that occur once, in alphabetical order.
        inputs: the operands, of one dtype.
        kwargs: `optimize`, the way of ordering products ("greedy" or "optimal"), and `name`.

    Raises:
        TypeError: there is another keyword.
        ValueError: the equation is malformed, or is for another number of operands.
        InvalidArgumentError: the equation does not fit the operands.

    Example:
        >>> import penstock as tf
        >>> tf.einsum("ij->j", [[1, 2], [3, 4]]).numpy().tolist()
        [4, 6]
    """
    name = kwargs.pop("name", None)
    optimize = kwargs.pop("optimize", "greedy")
    if kwargs:
        raise TypeError(
            f"einsum takes the keywords 'name' and 'optimize', got {sorted(kwargs)}"
        )
    if not inputs:
        raise ValueError("einsum needs at least one input")
    text = equation.replace(" ", "")
    left, arrow, output = text.partition("->")
    if not arrow:
        counts = Counter(left.replace(_DOTS, "").replace(",", ""))
        dots = _DOTS if _DOTS in left else ""
        output = dots + "".join(sorted(label for label in counts if counts[label] == 1))
    terms = left.split(",")
    _check(terms, output, len(inputs), equation)
    tensors = _converted(inputs)
    ranks_known = all(tensor.shape.rank is not None for tensor in tensors)
    if len(tensors) > 2 and len(terms) == len(tensors) and ranks_known:
        return _in_pairs(terms, output, tensors, optimize, name)
    return call("Einsum", tensors, equation=f"{left}->{output}", name=name)


def _check(terms: list[str], output: str, count: int, equation: str) -> None:
    for term in (*terms, output):
        rest = term.replace(_DOTS, "", 1)
        if not all(label.isascii() and label.isalpha() for label in rest):
            raise ValueError(f"equation must consist of letters and '...', got {equation!r}")
    if len(terms) != count:
        raise ValueError(f"{equation!r} needs {len(terms)} inputs, got {count}")
    labels = output.replace(_DOTS, "")
    if len(set(labels)) < len(labels):
        raise ValueError(f"the output of {equation!r} must have no label twice")
    missing = set(labels) - set("".join(terms))
    if missing:
        raise ValueError(
            f"the inputs of {equation!r} must have the label {sorted(missing)[0]!r}"
        )


def _converted(inputs: Sequence[Any]) -> list[Any]:
    """The operands as tensors; plain values take the dtype of the first tensor."""
    first = next((value.dtype for value in inputs if hasattr(value, "shape")), None)
    return [convert_to_tensor(value, dtype_hint=first) for value in inputs]


def _in_pairs(
    terms: list[str], output: str, tensors: list[Any], optimize: Any, name: str | None
) -> Any:
    """Multiply two operands at a time, in the order that needs the least work."""
    shapes = [
        [_ASSUMED if size is None else size for size in tensor.shape.as_list()]
        for tensor in tensors
    ]
    dummies = [np.broadcast_to(np.float32(0), shape) for shape in shapes]
    kind = optimize if optimize in ("greedy", "optimal") else "greedy"
    try:
        path = np.einsum_path(f"{','.join(terms)}->{output}", *dummies, optimize=kind)[0][1:]
    except ValueError:  # the op says better what does not fit
        return call("Einsum", tensors, equation=f"{','.join(terms)}->{output}", name=name)
    terms, tensors = list(terms), list(tensors)
    for places in path:
        chosen = [(terms[i], tensors[i]) for i in places]
        for i in sorted(places, reverse=True):
            del terms[i], tensors[i]
        while len(chosen) > 1:
            (a, x), (b, y) = chosen[:2]
            later = "".join([output, *terms, *(term for term, _ in chosen[2:])])
            joint = output if not terms and len(chosen) == 2 else _joint(a, b, later)
            product = call("Einsum", [x, y], equation=f"{a},{b}->{joint}")
            chosen[:2] = [(joint, product)]
        terms.append(chosen[0][0])
        tensors.append(chosen[0][1])
    return (
        call("Einsum", tensors, equation=f"{terms[0]}->{output}", name=name)
        if (terms[0] != output)
        else tensors[0]
    )


def _joint(a: str, b: str, later: str) -> str:
    """Labels of a product of two operands: those that something else still needs."""
    dots = _DOTS if _DOTS in a or _DOTS in b else ""
    labels = dict.fromkeys((a + b).replace(_DOTS, ""))
    return dots + "".join(label for label in labels if label in later)
