"""Checks of arrays against a schema, vectorised: a few passes over the values of a request."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penstock.monitor.schema import Feature, Schema

Array = NDArray[Any]

_least = np.minimum.reduce
_largest = np.maximum.reduce


@dataclass(frozen=True, slots=True)
class Violation:
    """What is wrong with one input: the rule that it breaks, and a line that says how."""

    feature: str
    rule: str
    message: str


Check = Callable[[Array], Violation | None]


def check_of(feature: Feature, noun: str = "input") -> Check | None:
    """Return the function that checks an array of rows, `None` where there is nothing to check.

    Args:
        feature: what it must be like.
        noun: for the lines, such as "feature".
    """
    checks = [
        check
        for check in (
            _shape_check(feature, noun),
            _number_check(feature, noun),
            _word_check(feature, noun),
        )
        if check is not None
    ]
    if not checks:
        return None
    if len(checks) == 1:
        return checks[0]

    def check_all(array: Array) -> Violation | None:
        return next((v for check in checks if (v := check(array)) is not None), None)

    return check_all


def checks_of(schema: Schema, names: Mapping[str, Any]) -> tuple[tuple[str, Check], ...]:
    """Return the checks of those inputs that the schema speaks of."""
    found = (
        (name, check_of(schema.features[name])) for name in names if name in schema.features
    )
    return tuple((name, check) for name, check in found if check is not None)


def _shape_check(feature: Feature, noun: str) -> Check | None:
    wanted, low, high = feature.shape, feature.min_values, feature.max_values
    if wanted is None and not low and high is None:
        return None
    name = feature.name

    def check(array: Array) -> Violation | None:
        row = array.shape[1:]
        if wanted is not None and not (
            len(row) == len(wanted)
            and all(size in (-1, got) for size, got in zip(wanted, row, strict=True))
        ):
            text = [("?" if size == -1 else size) for size in wanted]
            return Violation(
                name,
                "shape",
                f"a row of {noun} '{name}' must have the shape "
                f"[{', '.join(map(str, text))}], got {list(row)}",
            )
        values = math.prod(row)
        if values < low or (high is not None and values > high):
            limit = f"at least {low}" if values < low else f"at most {high}"
            return Violation(
                name,
                "value_count",
                f"a row of {noun} '{name}' must have {limit} values, got {values}",
            )
        return None

    return check


def _number_check(feature: Feature, noun: str) -> Check | None:
    low = -np.inf if feature.minimum is None else feature.minimum
    high = np.inf if feature.maximum is None else feature.maximum
    has_range = feature.minimum is not None or feature.maximum is not None
    allows_nan = feature.nan == "accept" or (feature.nan is None and not has_range)
    allows_infinity = feature.infinity != "refuse"
    if allows_nan and allows_infinity and not has_range:
        return None
    name = feature.name

    def check(array: Array) -> Violation | None:
        kind = array.dtype.kind
        if (kind not in "fiub" and kind != "V") or not array.size:
            return None
        flat = array.ravel()
        # NaN goes through both, and fails each comparison.
        least, largest = _least(flat), _largest(flat)
        if (
            low <= least
            and largest <= high
            and (allows_infinity or kind in "iub" or (least != -np.inf and largest != np.inf))
        ):
            return None
        return _explain(flat.astype(np.float64) if kind == "V" else flat, array)

    def _explain(flat: Array, array: Array) -> Violation | None:
        is_nan = np.isnan(flat) if flat.dtype.kind == "f" else np.zeros(flat.shape, bool)
        if not allows_nan and is_nan.any():
            return Violation(
                name, "nan", f"{noun} '{name}' must not be NaN{_where(is_nan, array)}"
            )
        with np.errstate(invalid="ignore"):
            outside = ~((flat >= low) & (flat <= high)) & ~is_nan
        if outside.any():
            value = flat[int(np.argmax(outside))]
            return Violation(
                name,
                "range",
                f"{noun} '{name}' must be {_range_text(feature)}, got {value:g}"
                f"{_where(outside, array)}",
            )
        infinite = np.isinf(flat) if flat.dtype.kind == "f" else is_nan
        if not allows_infinity and infinite.any():
            return Violation(
                name, "infinity", f"{noun} '{name}' must be finite{_where(infinite, array)}"
            )
        return None

    return check


def _word_check(feature: Feature, noun: str) -> Check | None:
    words, longest = feature.vocabulary, feature.max_bytes
    if not words and longest is None:
        return None
    name = feature.name

    def check(array: Array) -> Violation | None:
        values = array.ravel().tolist()
        if words and not words.issuperset(values):
            value = next(value for value in values if value not in words)
            at = np.array([item not in words for item in values])
            return Violation(
                name,
                "vocabulary",
                f"{noun} '{name}' must be one of {_words_text(words)}, "
                f"got {_shown(value)}{_where(at, array)}",
            )
        if longest is not None:
            sizes = [len(value) for value in values if isinstance(value, bytes)]
            if sizes and max(sizes) > longest:
                return Violation(
                    name,
                    "length",
                    f"{noun} '{name}' must have at most {longest} bytes, got {max(sizes)}",
                )
        return None

    return check


def _range_text(feature: Feature) -> str:
    if feature.minimum is None:
        return f"at most {feature.maximum:g}"
    if feature.maximum is None:
        return f"at least {feature.minimum:g}"
    return f"from {feature.minimum:g} to {feature.maximum:g}"


def _words_text(words: frozenset[Any]) -> str:
    listed = sorted(_shown(word) for word in words)
    return ", ".join(listed[:8]) + (f" and {len(listed) - 8} more" if len(listed) > 8 else "")


def _shown(value: Any) -> str:
    if isinstance(value, bytes):
        text = value.decode("utf-8", "backslashreplace")
        value = text if len(text) <= 40 else text[:40] + "…"
    return repr(value)


def _where(found: Array, array: Array) -> str:
    """Name the first row in which something is wrong, and in how many more."""
    if array.ndim == 0 or len(array) <= 1:
        return ""
    rows = np.flatnonzero(found.reshape(len(array), -1).any(axis=1))
    more = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
    return f" in row {rows[0]}{more}"
