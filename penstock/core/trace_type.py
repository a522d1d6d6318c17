"""What a function's trace knows of an argument, and what every kind of that can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, Protocol, runtime_checkable


class TraceType(ABC):
    """What is known of an argument: two arguments of one type share a trace.

    Source: `tf.types.experimental.TraceType`.
    """

    __slots__ = ()

    @abstractmethod
    def is_subtype_of(self, other: TraceType) -> bool:
        """Tell whether a trace for `other` also serves arguments of this type."""

    @abstractmethod
    def most_specific_common_supertype(self, others: Sequence[Any]) -> Any:
        """Return the narrowest type that covers this and all `others`, or None."""

    @abstractmethod
    def placeholder_value(self, placeholder_context: Any) -> Any:
        """Return what stands for the argument while a function is traced."""

    def to_tensors(self, value: Any) -> list[Any]:
        """Take a value of this type apart into tensors."""
        del value
        return []

    def from_tensors(self, tensors: Iterator[Any]) -> Any:
        """Make a value of this type of the next tensors."""
        del tensors
        return self.placeholder_value(None)

    def flatten(self) -> list[Any]:
        """Return the specs of the tensors that `to_tensors` gives."""
        return []

    def cast(self, value: Any, cast_context: Any) -> Any:
        """Return `value` as a value of this type.

        Raises:
            TypeError: it is none, and cannot become one.
        """
        del cast_context
        return value


@runtime_checkable
class SupportsTracingProtocol(Protocol):
    """An object that tells traces what is to be known of it.

    Source: `tf.types.experimental.SupportsTracingProtocol`.
    """

    def __tf_tracing_type__(self, context: Any) -> TraceType:
        """Return the type of this object."""


class ConstantTraceType:
    """Gives shapes and dtypes, which are no tensors, what every `TraceType` has."""

    __slots__ = ()

    def placeholder_value(self, placeholder_context: Any) -> Any:
        """Return None: a fact is no argument of its own."""
        del placeholder_context

    def to_tensors(self, value: Any) -> list[Any]:
        """Return no tensors."""
        del value
        return []

    def from_tensors(self, tensors: Any) -> Any:
        """Return None, and take no tensor."""
        del tensors

    def flatten(self) -> list[Any]:
        """Return no specs."""
        return []

    def cast(self, value: Any, cast_context: Any) -> Any:
        """Return `value`, which must be this very fact.

        Raises:
            AssertionError: it is another.
        """
        del cast_context
        if value is not self and not (type(value) is type(self) and value == self):
            raise AssertionError(f"Can not cast {value!r} to type {self!r}")
        return value
