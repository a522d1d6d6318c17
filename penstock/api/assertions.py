"""Assertions about the values, ranks and shapes of tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from penstock.api.composite import open_to_composites
from penstock.api.operands import known_array
from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.ops.summarize import summarize as _written_out
from penstock.runtime.context import state
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call

__all__ = [
    "Assert",
    "assert_equal",
    "assert_none_equal",
    "assert_less",
    "assert_less_equal",
    "assert_greater",
    "assert_greater_equal",
    "assert_near",
    "assert_positive",
    "assert_negative",
    "assert_non_negative",
    "assert_non_positive",
    "assert_rank",
    "assert_rank_at_least",
    "assert_rank_in",
    "assert_shapes",
]


def Assert(  # noqa: N802  (TensorFlow's name)
    condition: Any, data: Any, summarize: int | None = None, name: str | None = None
) -> Any:
    """Fail unless the condition is true.

    Args:
        condition: a boolean, or several that must all be true.
        data: a list of what the error shows.
        summarize: number of elements to show of each; None is 3.
        name: name of the node in a graph.

    Returns:
        The op in a graph, else None.

    Raises:
        InvalidArgumentError: the condition is false.
    """
    limit = 3 if summarize is None else summarize
    condition = convert_to_tensor(condition, dtypes.bool)
    if state.graph is None:
        if not np.all(known_array(condition)):
            shown = "\n".join(_shown(each, limit) for each in data)
            raise InvalidArgumentError(f"expected the condition to be true, with data {shown}")
        return None
    whole = condition if condition.shape.rank == 0 else call("All", condition, _axes(condition))
    call(
        "Assert", whole, [convert_to_tensor(each) for each in data], summarize=limit, name=name
    )
    return state.graph.last_node()


def _axes(tensor: Any) -> Any:
    rank = tensor.shape.rank
    return call("Range", 0, call("Rank", tensor), 1) if rank is None else list(range(rank))


def _shown(value: Any, limit: int) -> str:
    found = known_array(convert_to_tensor(value))
    return str(value) if found is None else _written_out(found, limit)


def _op() -> Any:
    return None if state.graph is None else state.graph.last_node()


def _compare(
    op_name: str,
    sign: str,
    x: Any,
    y: Any,
    message: str | None,
    summarize: int | None,
    name: str | None,
) -> Any:
    limit = 3 if summarize is None else summarize
    x = convert_to_tensor(x)
    y = convert_to_tensor(y, None if hasattr(y, "dtype") else x.dtype)
    holds = call(op_name, x, y)
    found = known_array(holds)
    if found is not None:
        if not found.all():
            raise InvalidArgumentError(
                _comparison_text(found, sign, known_array(x), known_array(y), message, limit)
            )
        return None if state.graph is None else call("NoOp") or _op()
    data: list[Any] = [message] if message else []
    data += [f"Condition x {sign} y did not hold element-wise:", "x = ", x, "y = ", y]
    return Assert(holds, data, limit, name)


def _comparison_text(
    holds: Any, sign: str, x: Any, y: Any, message: str | None, limit: int
) -> str:
    lines = [message] if message else []
    lines.append(f"Condition x {sign} y did not hold.")
    if x is not None and y is not None:
        if holds.ndim and x.shape == y.shape:
            places = np.argwhere(~holds)
            shown = places[: limit if limit >= 0 else None]
            lines.append(f"Indices of first {len(shown)} different values:\n{shown}")
            for word, array in (("x", x), ("y", y)):
                lines.append(f"Corresponding {word} values:\n{array[~holds][: len(shown)]}")
        for word, array in (("x", x), ("y", y)):
            first = array.reshape(-1)[: limit if limit >= 0 else None]
            lines.append(f"First {len(first)} elements of {word}:\n{first}")
    return "\n".join(lines)


def assert_equal(
    x: Any,
    y: Any,
    message: str | None = None,
    summarize: int | None = None,
    name: str | None = None,
) -> Any:
    """Fail unless x and y are equal, element by element and with broadcasting.

    Args:
        x: a tensor.
        y: a tensor of the same dtype.
        message: beginning of the error's text.
        summarize: number of elements to show; None is 3.
        name: name of the node in a graph.

    Returns:
        The op in a graph, else None.

    Raises:
        InvalidArgumentError: two elements differ.
    """
    return _compare("Equal", "==", x, y, message, summarize, name)


def assert_none_equal(
    x: Any,
    y: Any,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """Fail if an element of x equals that of y; see `assert_equal`."""
    return _compare("NotEqual", "!=", x, y, message, summarize, name)


def assert_less(
    x: Any,
    y: Any,
    message: str | None = None,
    summarize: int | None = None,
    name: str | None = None,
) -> Any:
    """Fail unless x < y everywhere; see `assert_equal`."""
    return _compare("Less", "<", x, y, message, summarize, name)


def assert_less_equal(
    x: Any,
    y: Any,
    message: str | None = None,
    summarize: int | None = None,
    name: str | None = None,
) -> Any:
    """Fail unless x <= y everywhere; see `assert_equal`."""
    return _compare("LessEqual", "<=", x, y, message, summarize, name)


def assert_greater(
    x: Any,
    y: Any,
    message: str | None = None,
    summarize: int | None = None,
    name: str | None = None,
) -> Any:
    """Fail unless x > y everywhere; see `assert_equal`."""
    return _compare("Greater", ">", x, y, message, summarize, name)


def assert_greater_equal(
    x: Any,
    y: Any,
    message: str | None = None,
    summarize: int | None = None,
    name: str | None = None,
) -> Any:
    """Fail unless x >= y everywhere; see `assert_equal`."""
    return _compare("GreaterEqual", ">=", x, y, message, summarize, name)


def assert_near(
    x: Any,
    y: Any,
    rtol: Any = None,
    atol: Any = None,
    message: str | None = None,
    summarize: int | None = None,
    name: str | None = None,
) -> Any:
    """Fail unless `|x - y| <= atol + rtol * |y|` everywhere.

    Args:
        x: floating or complex numbers.
        y: likewise.
        rtol: relative tolerance; None is ten times the precision of the dtype.
        atol: absolute tolerance; likewise.
        message: beginning of the error's text.
        summarize: number of elements to show; None is 3.
        name: name of the node in a graph.

    Raises:
        InvalidArgumentError: two elements are further apart.
    """
    x = convert_to_tensor(x)
    y = convert_to_tensor(y, None if hasattr(y, "dtype") else x.dtype)
    kind = x.dtype.real_dtype
    if not kind.is_floating:
        raise ValueError(f"x must be of a floating or complex dtype, got {x.dtype.name}")
    default = 10 * _precision(kind)
    rtol = convert_to_tensor(default if rtol is None else rtol, kind)
    atol = convert_to_tensor(default if atol is None else atol, kind)
    size = _size_of(y)
    bound = call("AddV2", atol, call("Mul", rtol, size))
    holds = call("LessEqual", _size_of(call("Sub", x, y)), bound)
    data = [message] if message else []
    data += ["x and y not equal to tolerance", "rtol", rtol, "atol", atol, "x", x, "y", y]
    return Assert(holds, data, summarize, name)


def _precision(kind: dtypes.DType) -> float:
    one = np.ones((), kind.np)
    step = np.ones((), kind.np)
    while one + step / 2 != one:
        step = (step / 2).astype(kind.np)
    return float(step)


def _size_of(x: Any) -> Any:
    if x.dtype.is_complex:
        return call("ComplexAbs", x, Tout=x.dtype.real_dtype)
    return call("Abs", x)


def _against_zero(
    op_name: str,
    sign: str,
    x: Any,
    message: str | None,
    summarize: int | None,
    name: str | None,
) -> Any:
    x = convert_to_tensor(x)
    zero = np.zeros((), x.dtype.np)
    holds = call(op_name, x, zero)
    data = [message] if message else []
    data += [f"Condition x {sign} 0 did not hold element-wise:", "x = ", x]
    return Assert(holds, data, summarize, name)


def assert_positive(
    x: Any, message: str | None = None, summarize: int | None = None, name: str | None = None
) -> Any:
    """Fail unless x > 0 everywhere.

    Raises:
        InvalidArgumentError: an element is not.
    """
    return _against_zero("Greater", ">", x, message, summarize, name)


def assert_negative(
    x: Any, message: str | None = None, summarize: int | None = None, name: str | None = None
) -> Any:
    """Fail unless x < 0 everywhere.

    Raises:
        InvalidArgumentError: an element is not.
    """
    return _against_zero("Less", "<", x, message, summarize, name)


def assert_non_negative(
    x: Any, message: str | None = None, summarize: int | None = None, name: str | None = None
) -> Any:
    """Fail unless x >= 0 everywhere.

    Raises:
        InvalidArgumentError: an element is not.
    """
    return _against_zero("GreaterEqual", ">=", x, message, summarize, name)


def assert_non_positive(
    x: Any, message: str | None = None, summarize: int | None = None, name: str | None = None
) -> Any:
    """Fail unless x <= 0 everywhere.

    Raises:
        InvalidArgumentError: an element is not.
    """
    return _against_zero("LessEqual", "<=", x, message, summarize, name)


def _rank_check(
    x: Any,
    ranks: Iterable[Any],
    words: str,
    fits: Callable[[int, list[int]], bool],
    op_name: str,
    message: str | None,
    name: str | None,
) -> Any:
    """Check a rank when it is known, or else make the op that checks it."""
    x = convert_to_tensor(x)
    wanted = [convert_to_tensor(rank) for rank in ranks]
    for rank in wanted:
        if rank.dtype != dtypes.int32:
            raise TypeError(f"a rank must be of type {dtypes.int32!r}; got {rank.dtype!r}")
        if rank.shape.rank not in (None, 0):
            raise ValueError("Rank must be a scalar.")
    known = [known_array(rank) for rank in wanted]
    lead = f"{message}.  " if message else ""
    if x.shape.rank is not None and all(rank is not None for rank in known):
        numbers = [int(rank) for rank in known]
        if not fits(x.shape.rank, numbers):
            shown = numbers[0] if op_name != "In" else tuple(numbers)
            raise ValueError(
                f"{lead}Tensor must have rank {words}{shown}.  Received rank {x.shape.rank}, "
                f"shape {tuple(x.shape.as_list())}"
            )
        return None if state.graph is None else call("NoOp") or _op()
    rank = call("Rank", x)
    if op_name == "In":
        flags = call("Pack", [call("Equal", rank, each) for each in wanted])
        holds = call("Any", flags, 0)
    else:
        holds = call(op_name, rank, wanted[0])
    return Assert(
        holds, [f"{lead}rank must be {words}", *wanted, "got shape", call("Shape", x)]
    )


def assert_rank(x: Any, rank: Any, message: str | None = None, name: str | None = None) -> Any:
    """Fail unless x has a given rank.

    Args:
        x: a tensor.
        rank: the number of axes.
        message: beginning of the error's text.
        name: name of the node in a graph.

    Raises:
        ValueError: x is known to have another rank.
    """
    return _rank_check(x, [rank], "", lambda got, want: got == want[0], "Equal", message, name)


def assert_rank_at_least(
    x: Any, rank: Any, message: str | None = None, name: str | None = None
) -> Any:
    """Fail unless x has at least a given rank.

    Raises:
        ValueError: x is known to have a lower rank.
    """
    return _rank_check(
        x, [rank], "at least ", lambda got, want: got >= want[0], "GreaterEqual", message, name
    )


def assert_rank_in(
    x: Any, ranks: Iterable[Any], message: str | None = None, name: str | None = None
) -> Any:
    """Fail unless the rank of x is one of several.

    Raises:
        ValueError: x is known to have another rank.
    """
    return _rank_check(x, ranks, "in ", lambda got, want: got in want, "In", message, name)


def assert_shapes(
    shapes: Any,
    data: Any = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> None:
    """Fail unless tensors have the shapes written for them, with letters for unknown sizes.

    Args:
        shapes: a dict or a list of pairs: a tensor, and its sizes. A size is a number, a symbol
            that stands for the same size everywhere, or None or "." for any; "..." or Ellipsis,
            first or last, stands for any axes.
        data: a list of what the error of an op shows.
        summarize: number of elements to show of each.
        message: beginning of the error's text.
        name: name of the node in a graph.

    Raises:
        ValueError: a shape is known not to fit.
        InvalidArgumentError: a shape turns out not to fit when a function runs.

    Example:
        >>> import penstock as tf
        >>> tf.debugging.assert_shapes([(tf.zeros([2, 3]), ("n", 3)), (tf.zeros([2]), ("n",))])
    """
    del name
    pairs = shapes.items() if isinstance(shapes, dict) else shapes
    lead = f"{message}.  " if message else ""
    sizes: dict[Any, Any] = {}
    for tensor, wanted in pairs:
        if not hasattr(wanted, "__iter__") and not hasattr(wanted, "__getitem__"):
            raise ValueError(f"{lead}a specified shape must be iterable, got {wanted!r}")
        x = convert_to_tensor(tensor)
        for symbol, size in _axes_of(x, list(wanted), lead):
            _check_size(symbol, size, sizes, lead, data, summarize)


def _axes_of(x: Any, wanted: list[Any], lead: str) -> list[tuple[Any, Any]]:
    """Pairs of a wanted size and the size that x has, known or as a tensor."""
    open_front = bool(wanted) and wanted[0] in ("...", Ellipsis)
    open_back = len(wanted) > 1 and wanted[-1] in ("...", Ellipsis)
    if open_front and not open_back:
        named, rank_words = wanted[1:], "at least "
    elif open_back and not open_front:
        named, rank_words = wanted[:-1], "at least "
    else:
        named, rank_words = wanted, ""
    rank = x.shape.rank
    if rank is not None:
        fits = rank >= len(named) if rank_words else rank == len(named)
        # A scalar and a vector of one element may stand for each other.
        fits = fits or (not rank_words and len(named) == 1 and rank == 0)
        if not fits:
            raise ValueError(
                f"{lead}Tensor must have rank {rank_words}{len(named)}.  Received rank {rank}, "
                f"shape {tuple(x.shape.as_list())}"
            )
        if rank == 0 and named:
            return [(named[0], 1)]
        start = rank - len(named) if open_front else 0
        known = list(x.shape[start : start + len(named)])
    else:
        known = [None] * len(named)
        start = -len(named) if open_front else 0
    dynamic = None
    pairs = []
    for i, symbol in enumerate(named):
        if symbol in (None, "."):
            continue
        size: Any = known[i]
        if size is None:
            dynamic = call("Shape", x) if dynamic is None else dynamic
            size = dynamic[start + i]
        pairs.append((symbol, size))
    return pairs


def _check_size(
    symbol: Any, size: Any, sizes: dict[Any, Any], lead: str, data: Any, summarize: int | None
) -> None:
    wanted = symbol
    if not isinstance(symbol, (int, np.integer)):
        if isinstance(symbol, str) and symbol.isdigit():
            wanted = int(symbol)
        elif symbol not in sizes:
            sizes[symbol] = size
            return
        else:
            wanted = sizes[symbol]
    if isinstance(wanted, (int, np.integer)) and isinstance(size, int):
        if wanted != size:
            raise ValueError(
                f"{lead}dimension {symbol!r} must have size {wanted}.  Received size {size}"
            )
        return
    holds = call("Equal", size, wanted)
    Assert(
        holds, data or [f"{lead}dimension {symbol!r} must have size", wanted, size], summarize
    )


open_to_composites(globals())
