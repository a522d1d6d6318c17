"""Shapes that may be known only in part."""

# ruff: noqa: SLF001  (shapes read each other's sizes)
from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, SupportsIndex, overload

from penstock.core.dimension import Dimension, as_dimension, dimension_size, dimension_value
from penstock.core.message_forms import message_form
from penstock.core.trace_type import ConstantTraceType

__all__ = [
    "Dimension",
    "TensorShape",
    "as_dimension",
    "as_shape",
    "broadcast_static_shape",
    "dimension_at_index",
    "dimension_value",
    "unknown_shape",
]


class TensorShape(ConstantTraceType):
    """Sizes of the axes of a tensor: integers, `None` where unknown, or not even a rank.

    Example:
        >>> TensorShape([2, None]).merge_with([None, 3])
        TensorShape([2, 3])

    Source: `tf.TensorShape`.
    """

    __slots__ = ("_dims",)

    _dims: tuple[int | None, ...] | None

    def __init__(self, dims: Any) -> None:
        if dims is None:
            self._dims = None
        elif isinstance(dims, TensorShape):
            self._dims = dims._dims
        elif isinstance(dims, (tuple, list)):
            for size in dims:
                # The common sizes pass here; the call below is for the others.
                if size is not None and (type(size) is not int or size < 0):
                    self._dims = tuple([dimension_size(size) for size in dims])
                    return
            self._dims = tuple(dims)
        else:
            self._dims = _sizes_of(dims)

    @classmethod
    def of(cls, dims: tuple[int | None, ...] | None) -> TensorShape:
        """Make a shape of sizes that are right by construction; nothing is checked."""
        self = cls.__new__(cls)
        self._dims = dims
        return self

    @property
    def rank(self) -> int | None:
        """Number of axes, or `None`."""
        return None if self._dims is None else len(self._dims)

    @property
    def ndims(self) -> int | None:
        """Number of axes, or `None`: the older name of `rank`."""
        return None if self._dims is None else len(self._dims)

    @property
    def dims(self) -> list[Dimension] | None:
        """The sizes as `Dimension` objects, or `None` when the rank is unknown."""
        return None if self._dims is None else [Dimension(size) for size in self._dims]

    def as_tuple(self) -> tuple[int | None, ...]:
        """Return the sizes as a tuple.

        Raises:
            ValueError: the rank is unknown.
        """
        if self._dims is None:
            raise ValueError("as_tuple() is not defined on an unknown TensorShape.")
        return self._dims

    def as_list(self) -> list[int | None]:
        """Return the sizes as a list.

        Raises:
            ValueError: the rank is unknown.
        """
        if self._dims is None:
            raise ValueError("as_list() is not defined on an unknown TensorShape.")
        return list(self._dims)

    def num_elements(self) -> int | None:
        """Return the product of the sizes, or `None` if one of them is unknown."""
        if self._dims is None or None in self._dims:
            return None
        return math.prod(self._dims)  # type: ignore[arg-type]  # no None is left

    def is_fully_defined(self) -> bool:
        """Tell whether rank and all sizes are known."""
        return self._dims is not None and None not in self._dims

    def is_compatible_with(self, other: Any) -> bool:
        """Tell whether some fully defined shape fits both."""
        other = as_shape(other)
        if self._dims is None or other._dims is None:
            return True
        return len(self._dims) == len(other._dims) and all(
            mine is None or theirs is None or mine == theirs
            for mine, theirs in zip(self._dims, other._dims, strict=True)
        )

    def is_subtype_of(self, other: Any) -> bool:
        """Tell whether every shape that fits this one also fits `other`."""
        if not isinstance(other, TensorShape):
            return False
        if other._dims is None:
            return True
        if self._dims is None or len(self._dims) != len(other._dims):
            return False
        return all(
            theirs is None or mine == theirs
            for mine, theirs in zip(self._dims, other._dims, strict=True)
        )

    def most_specific_compatible_shape(self, other: Any) -> TensorShape:
        """Return the narrowest shape that both this and `other` fit."""
        other = as_shape(other)
        if self._dims is None or other._dims is None or len(self._dims) != len(other._dims):
            return _UNKNOWN
        return TensorShape.of(
            tuple(
                mine if mine == theirs else None
                for mine, theirs in zip(self._dims, other._dims, strict=True)
            )
        )

    def most_specific_common_supertype(self, others: Sequence[Any]) -> TensorShape | None:
        """Return the narrowest shape that this and all `others` fit; `None` for non-shapes."""
        result = self
        for other in others:
            if not isinstance(other, TensorShape):
                return None
            result = result.most_specific_compatible_shape(other)
        return result

    def merge_with(self, other: Any) -> TensorShape:
        """Return what is known when both are true.

        Raises:
            ValueError: they contradict each other.
        """
        other = as_shape(other)
        if self._dims is None:
            return other  # type: ignore[no-any-return]
        if other._dims is None:
            return self
        if not self.is_compatible_with(other):
            raise ValueError(f"Shapes {self} and {other} are not compatible")
        return TensorShape.of(
            tuple(
                theirs if mine is None else mine
                for mine, theirs in zip(self._dims, other._dims, strict=True)
            )
        )

    def concatenate(self, other: Any) -> TensorShape:
        """Return the axes of this shape followed by those of `other`."""
        other = as_shape(other)
        if self._dims is None or other._dims is None:
            return _UNKNOWN
        return TensorShape.of(self._dims + other._dims)

    def with_rank(self, rank: int) -> TensorShape:
        """Return this shape, knowing that it has `rank` axes.

        Raises:
            ValueError: it has another rank.
        """
        if self._dims is None:
            return unknown_shape(rank)
        self.assert_has_rank(rank)
        return self

    def with_rank_at_least(self, rank: int) -> TensorShape:
        """Return this shape if it has `rank` axes or more.

        Raises:
            ValueError: it has fewer.
        """
        if self._dims is not None and len(self._dims) < rank:
            raise ValueError(f"Shape {self} must have rank at least {rank}")
        return self

    def with_rank_at_most(self, rank: int) -> TensorShape:
        """Return this shape if it has `rank` axes or fewer.

        Raises:
            ValueError: it has more.
        """
        if self._dims is not None and len(self._dims) > rank:
            raise ValueError(f"Shape {self} must have rank at most {rank}")
        return self

    def assert_has_rank(self, rank: int | None) -> None:
        """Raise `ValueError` unless the rank can be `rank`."""
        if self._dims is not None and rank is not None and len(self._dims) != rank:
            raise ValueError(f"Shape {self} must have rank {rank}")

    def assert_same_rank(self, other: Any) -> None:
        """Raise `ValueError` unless both can have the same rank."""
        other = as_shape(other)
        known = self._dims is not None and other._dims is not None
        if known and self.rank != other.rank:
            raise ValueError(f"Shapes {self} and {other} must have the same rank")

    def assert_is_compatible_with(self, other: Any) -> None:
        """Raise `ValueError` unless some fully defined shape fits both."""
        if not self.is_compatible_with(other):
            raise ValueError(f"Shapes {self} and {other} are incompatible")

    def assert_is_fully_defined(self) -> None:
        """Raise `ValueError` unless rank and all sizes are known."""
        if not self.is_fully_defined():
            raise ValueError(f"Shape {self} is not fully defined")

    def as_proto(self) -> Any:
        """Return the shape as a message."""
        return message_form("shape").write(self)

    @classmethod
    def experimental_type_proto(cls) -> Any:
        """Return the class of messages that describe shapes."""
        return message_form("shape").message

    def experimental_as_proto(self) -> Any:
        """Return the shape as a message."""
        return self.as_proto()

    @classmethod
    def experimental_from_proto(cls, proto: Any) -> TensorShape:
        """Make the shape that a message describes."""
        shape: TensorShape = message_form("shape").read(proto)
        return shape

    def __iter__(self) -> Iterator[int | None]:
        if self._dims is None:
            raise ValueError("Cannot iterate over a shape with unknown rank.")
        return iter(self._dims)

    def __len__(self) -> int:
        if self._dims is None:
            raise ValueError("Cannot take the length of shape with unknown rank.")
        return len(self._dims)

    def __bool__(self) -> bool:
        return self._dims is not None

    @overload
    def __getitem__(self, key: SupportsIndex) -> int | None: ...
    @overload
    def __getitem__(self, key: slice) -> TensorShape: ...
    def __getitem__(self, key: SupportsIndex | slice) -> int | TensorShape | None:
        if self._dims is not None:
            found = self._dims[key]
            return TensorShape.of(found) if isinstance(found, tuple) else found
        if not isinstance(key, slice):
            return None
        return _unknown_slice(key)

    def __add__(self, other: Any) -> TensorShape:
        return self.concatenate(other)

    def __radd__(self, other: Any) -> TensorShape:
        return as_shape(other).concatenate(self)

    def __concat__(self, other: Any) -> TensorShape:
        return self.concatenate(other)

    def __eq__(self, other: object) -> bool:
        if type(other) is not TensorShape:
            try:
                other = as_shape(other)
            except (TypeError, ValueError):
                return NotImplemented
        return self._dims == other._dims

    def __hash__(self) -> int:
        return hash(self._dims)

    def __repr__(self) -> str:
        return f"TensorShape({None if self._dims is None else list(self._dims)})"

    def __str__(self) -> str:
        return "<unknown>" if self._dims is None else str(self._dims)

    def __reduce__(self) -> Any:
        return TensorShape, (self._dims,)


def _sizes_of(dims: Any) -> tuple[int | None, ...] | None:
    sizes = getattr(dims, "dim", None)
    if sizes is not None and hasattr(dims, "unknown_rank"):
        # A TensorShapeProto, whichever module generated it; -1 stands for unknown.
        known = tuple(None if each.size == -1 else int(each.size) for each in sizes)
        return None if dims.unknown_rank else known
    if isinstance(dims, (str, bytes)):
        raise TypeError(
            f"Failed to convert {dims!r} to a shape: it could not be converted to a dimension; "
            "give one size (as 10) or an iterable of sizes (as [1, 10, None])"
        )
    try:
        each_size: Iterable[Any] = iter(dims)
    except TypeError:
        return (dimension_size(dims),)
    return tuple([dimension_size(size) for size in each_size])


def _unknown_slice(key: slice) -> TensorShape:
    start = 0 if key.start is None else key.start
    stop = key.stop
    if key.step is not None:
        raise ValueError("Steps are not yet handled")
    if stop is None or start < 0 or stop < 0:
        return _UNKNOWN
    return unknown_shape(max(stop - start, 0))


def as_shape(shape: Any) -> TensorShape:
    """Return `shape` if it is a `TensorShape`, else make one of it."""
    return shape if isinstance(shape, TensorShape) else TensorShape(shape)


def unknown_shape(rank: int | None = None) -> TensorShape:
    """Return a shape of which at most the rank is known."""
    return _UNKNOWN if rank is None else TensorShape.of((None,) * rank)


def dimension_at_index(shape: Any, index: int) -> Dimension:
    """Return one size as a `Dimension`, unknown when the rank is."""
    known = as_shape(shape)
    return Dimension(None if known.rank is None else known[index])


def broadcast_static_shape(shape_x: Any, shape_y: Any) -> TensorShape:
    """Return the shape of an elementwise op of two tensors.

    Raises:
        ValueError: two sizes differ and neither is 1.
    """
    x, y = as_shape(shape_x), as_shape(shape_y)
    if x._dims is None or y._dims is None:
        return _UNKNOWN
    if x._dims == y._dims:
        return x
    longer, shorter = (x._dims, y._dims) if len(x._dims) >= len(y._dims) else (y._dims, x._dims)
    shorter = (1,) * (len(longer) - len(shorter)) + shorter
    sizes: list[int | None] = []
    for a, b in zip(longer, shorter, strict=True):
        if b in (a, 1):
            sizes.append(a)
        elif a == 1:
            sizes.append(b)
        elif a is None or b is None:
            # The known size is above 1 or 0, and the unknown one must agree with it or be 1.
            sizes.append(b if a is None else a)
        else:
            raise ValueError(
                "Incompatible shapes for broadcasting: two sizes must be equal or one of them "
                f"1, got {x} and {y}"
            )
    return TensorShape.of(tuple(sizes))


_UNKNOWN = TensorShape(None)
