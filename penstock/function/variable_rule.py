"""Variables that a function makes: in its first call, and never again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from penstock.function.concrete_function import ConcreteFunction
from penstock.runtime.context import state


class VariableRule:
    """What one function may do about variables.

    A function may make variables while it is first traced, as long as it keeps them: a second
    trace, in which it must not make any, is the one that runs. So a variable made anew by every
    call is found out by the first.

    Source: `tf.function`.
    """

    def __init__(self) -> None:
        # None before the first trace, then whether that made variables.
        self._made: bool | None = None

    def trace(self, traced: Callable[[], ConcreteFunction]) -> ConcreteFunction:
        """Make a trace, twice if the first one makes variables.

        Raises:
            ValueError: it makes variables, and it is not the first.
        """
        if self._made is not None:
            with _telling(self._refuse):
                return traced()
        with _telling(self._note):
            concrete = traced()
        if not self._made:
            self._made = False
            return concrete
        with _telling(self._refuse):
            return traced()

    def _note(self) -> None:
        self._made = True

    def _refuse(self) -> None:
        if self._made:
            raise ValueError(
                "tf.function only supports singleton tf.Variables created on the first call; "
                "make the variable outside the function, or only while it is None"
            )
        raise ValueError(
            "Creating variables on a non-first call to a function decorated with tf.function; "
            "make them outside, or in the first call"
        )


@contextmanager
def _telling(listener: Callable[[], None]) -> Iterator[None]:
    saved = state.on_variable
    state.on_variable = listener
    try:
        yield
    finally:
        state.on_variable = saved
