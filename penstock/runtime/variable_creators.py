"""Functions that see every variable as it is made, and may change how."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from penstock.runtime.context import state

Creator = Callable[..., Any]


class CreatedThroughScopes(type):
    """Metaclass of variables: making one asks the creators in force."""

    @property
    def __signature__(cls) -> inspect.Signature:
        # Without it, what looks at the class would see the arguments of `__call__`.
        signature = inspect.signature(cls.__init__)  # type: ignore[misc]
        return signature.replace(parameters=list(signature.parameters.values())[1:])

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make a variable, through the creators in force."""
        creators = state.variable_creators
        # Subclasses are made by those who know them.
        if not creators or "_uses_creators" not in cls.__dict__:
            return super().__call__(*args, **kwargs)
        bound = cls.__signature__.bind(*args, **kwargs)
        bound.apply_defaults()
        make: Creator = super().__call__
        for creator in creators:
            make = _chained(creator, make)
        return make(**bound.arguments)


def _chained(creator: Creator, following: Creator) -> Creator:
    def make(**kwargs: Any) -> Any:
        return creator(following, **kwargs)

    return make


@contextmanager
def variable_creator_scope(variable_creator: Creator) -> Iterator[None]:
    """Have variables inside made by a function.

    Args:
        variable_creator: takes the next creator, and the arguments of `tf.Variable` by name;
            returns what stands for the variable. It may call the next creator with other
            arguments. The innermost scope is asked first.
    """
    saved = state.variable_creators
    state.variable_creators = [*saved, variable_creator]
    try:
        yield
    finally:
        state.variable_creators = saved
