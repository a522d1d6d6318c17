"""One axis size that may be unknown, with arithmetic in which the unknown spreads."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any


def dimension_size(value: Any) -> int | None:
    """Return `value` as a size of an axis: an integer from 0, or `None` for unknown.

    Raises:
        TypeError: `value` is neither an integer nor `None`.
        ValueError: it is negative.
    """
    if value is None:
        return None
    if type(value) is not int:
        if isinstance(value, Dimension):
            return value.value
        try:
            value = int(operator.index(value))
        except AttributeError:
            raise TypeError(_not_a_size(value)) from None
        except TypeError:
            raise TypeError(_not_a_size(value)) from None
    if value < 0:
        raise ValueError(f"Dimension {value} must be >= 0")
    return value  # type: ignore[no-any-return]


def _not_a_size(value: Any) -> str:
    return (
        "Dimension value must be integer or None or have an __index__ method, "
        f"got value {value!r} with type {type(value)!r}"
    )


class Dimension:
    """Size of one axis, kept for code written for TensorFlow 1.

    Arithmetic with an unknown size gives an unknown size, comparison gives `None`.

    Source: `tf.compat.v1.Dimension`.
    """

    __slots__ = ("_value",)
    # Equal dimensions may both be unknown, so equality is no base for a hash.
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: Any) -> None:
        self._value = dimension_size(value)

    @property
    def value(self) -> int | None:
        """The size, or `None`."""
        return self._value

    def is_compatible_with(self, other: Any) -> bool:
        """Tell whether the two can be the same size."""
        theirs = dimension_size(other)
        return self._value is None or theirs is None or self._value == theirs

    def assert_is_compatible_with(self, other: Any) -> None:
        """Raise `ValueError` unless the two can be the same size."""
        if not self.is_compatible_with(other):
            raise ValueError(f"Dimensions {self} and {other} are not compatible")

    def merge_with(self, other: Any) -> Dimension:
        """Return what is known when both are true."""
        other = as_dimension(other)
        self.assert_is_compatible_with(other)
        return Dimension(other.value if self._value is None else self._value)

    def _combine(
        self, other: Any, function: Callable[[int, int], int], swap: bool = False
    ) -> Any:
        try:
            theirs = dimension_size(other)
        except (TypeError, ValueError):
            return NotImplemented
        if self._value is None or theirs is None:
            return Dimension(None)
        return Dimension(
            function(theirs, self._value) if swap else function(self._value, theirs)
        )

    def _compare(self, other: Any, function: Callable[[int, int], bool]) -> Any:
        theirs = dimension_size(other)
        if self._value is None or theirs is None:
            return None
        return function(self._value, theirs)

    def __add__(self, other: Any) -> Any:
        return self._combine(other, operator.add)

    def __radd__(self, other: Any) -> Any:
        return self._combine(other, operator.add)

    def __sub__(self, other: Any) -> Any:
        return self._combine(other, operator.sub)

    def __rsub__(self, other: Any) -> Any:
        return self._combine(other, operator.sub, swap=True)

    def __mul__(self, other: Any) -> Any:
        return self._combine(other, operator.mul)

    def __rmul__(self, other: Any) -> Any:
        return self._combine(other, operator.mul)

    def __floordiv__(self, other: Any) -> Any:
        return self._combine(other, operator.floordiv)

    def __rfloordiv__(self, other: Any) -> Any:
        return self._combine(other, operator.floordiv, swap=True)

    def __mod__(self, other: Any) -> Any:
        return self._combine(other, operator.mod)

    def __rmod__(self, other: Any) -> Any:
        return self._combine(other, operator.mod, swap=True)

    def __truediv__(self, other: Any) -> Any:
        raise TypeError(
            f"unsupported operand type(s) for /: 'Dimension' and {type(other).__name__!r}, "
            "please use // instead"
        )

    def __rtruediv__(self, other: Any) -> Any:
        raise TypeError(
            f"unsupported operand type(s) for /: {type(other).__name__!r} and 'Dimension', "
            "please use // instead"
        )

    def __lt__(self, other: Any) -> Any:
        return self._compare(other, operator.lt)

    def __le__(self, other: Any) -> Any:
        return self._compare(other, operator.le)

    def __gt__(self, other: Any) -> Any:
        return self._compare(other, operator.gt)

    def __ge__(self, other: Any) -> Any:
        return self._compare(other, operator.ge)

    def __eq__(self, other: object) -> Any:
        try:
            return self._compare(other, operator.eq)
        except (TypeError, ValueError):
            return NotImplemented

    def __ne__(self, other: object) -> Any:
        try:
            return self._compare(other, operator.ne)
        except (TypeError, ValueError):
            return NotImplemented

    def __bool__(self) -> bool:
        return bool(self._value)

    def __int__(self) -> int:
        return self._value  # type: ignore[return-value]  # Python refuses None by itself

    def __index__(self) -> int:
        return self._value  # type: ignore[return-value]

    def __repr__(self) -> str:
        return f"Dimension({self._value!r})"

    def __str__(self) -> str:
        return "?" if self._value is None else str(self._value)

    def __reduce__(self) -> Any:
        return Dimension, (self._value,)


def as_dimension(value: Any) -> Dimension:
    """Return `value` if it is a `Dimension`, else make one of it."""
    return value if isinstance(value, Dimension) else Dimension(value)


def dimension_value(dimension: Any) -> Any:
    """Return the size in a `Dimension`; anything else as it is."""
    return dimension.value if isinstance(dimension, Dimension) else dimension
