"""What functions are, by what they can do: the classes of `tf.types.experimental`."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from penstock.function.concrete_function import ConcreteFunction


class FunctionType(inspect.Signature):
    """Parameters of a function, each with the type of its argument as annotation.

    Source: `tf.types.experimental.FunctionType`.
    """

    __slots__ = ()

    @classmethod
    def from_callable(cls, obj: Any, *, follow_wrapped: bool = True, **_: Any) -> FunctionType:
        """Make the type of a Python function; nothing is known of its arguments.

        Args:
            obj: the function.
            follow_wrapped: whether a decorated function counts as what it decorates.
        """
        made: FunctionType = super().from_callable(obj, follow_wrapped=follow_wrapped)
        return made


class Callable(ABC):
    """Something with a function type that can be called.

    Source: `tf.types.experimental.Callable`.
    """

    @property
    @abstractmethod
    def function_type(self) -> FunctionType:
        """Its parameters."""

    @abstractmethod
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run it."""


class AtomicFunction(Callable):
    """The graph of a trace alone, to which what it captures is handed.

    Args:
        concrete: the trace.

    Source: `tf.types.experimental.AtomicFunction`.
    """

    def __init__(self, concrete: ConcreteFunction) -> None:
        self._concrete = concrete

    @property
    def name(self) -> str:
        """Name of the function."""
        return self._concrete.name

    @property
    def function_type(self) -> FunctionType:
        """Its parameters."""
        return self._concrete.function_type

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the graph on arguments that fit the trace."""
        return self._concrete(*args, **kwargs)

    def call_with_captures(
        self, args: Sequence[Any], kwargs: dict[str, Any], captures: Sequence[Any]
    ) -> Any:
        """Run the graph on arguments and on other tensors in place of what it captured.

        Args:
            args: arguments by position.
            kwargs: arguments by name.
            captures: tensors, in the order of the trace's `captured_inputs`.

        Raises:
            ValueError: there are more or fewer captures.
        """
        own = self._concrete.captured_inputs
        if len(captures) != len(own):
            raise ValueError(f"{self.name} captures {len(own)} tensors, got {len(captures)}")
        return self._concrete.call_captured(args, kwargs, captures)

    def __repr__(self) -> str:
        return f"AtomicFunction(name={self.name}, function_type={self.function_type})"


def type_of_trace(names: Sequence[str], structure: Any) -> FunctionType:
    """Parameters of a trace, annotated with what it was traced for.

    Args:
        names: names of the arguments by position, as far as they have any.
        structure: `(args, kwargs)` with specs in place of tensors.
    """
    args, kwargs = structure
    by_position = [
        inspect.Parameter(
            names[i] if i < len(names) else f"args_{i}",
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            annotation=argument,
        )
        for i, argument in enumerate(args)
    ]
    by_name = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=argument)
        for name, argument in kwargs.items()
    ]
    return FunctionType([*by_position, *by_name])
