"""`tf.autograph`: Python control flow over tensors, and how a function is converted for it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from penstock.api.autograph import experimental

__all__ = ["experimental", "set_verbosity", "to_code", "to_graph", "trace"]


def _conversion() -> Any:
    # The converter takes 0.2 s to load: whoever converts nothing does not pay for it.
    return importlib.import_module("penstock.function.autograph.conversion")


def to_graph(
    entity: Callable[..., Any],
    recursive: bool = True,
    experimental_optional_features: Any = None,
) -> Callable[..., Any]:
    """Convert a function so that its Python control flow may depend on tensors.

    `tf.function` converts by itself; this gives the converted function alone.

    Args:
        entity: function or method with a source in a file.
        recursive: whether functions that it calls are converted too.
        experimental_optional_features: one or several of `experimental.Feature`.

    Raises:
        ValueError: it cannot be converted.

    Example:
        >>> def relu(x):
        ...     if x > 0:
        ...         return x
        ...     return 0.0
        >>> tf.autograph.to_graph(relu)(tf.constant(3.0))
        <tf.Tensor: shape=(), dtype=float32, numpy=3.0>
    """
    made: Callable[..., Any] = _conversion().to_graph(
        entity, recursive, experimental_optional_features
    )
    return made


def to_code(
    entity: Callable[..., Any],
    recursive: bool = True,
    experimental_optional_features: Any = None,
) -> str:
    """Return the source of a function after its conversion.

    Args:
        entity: function or method with a source in a file.
        recursive: whether functions that it calls would be converted too.
        experimental_optional_features: one or several of `experimental.Feature`.

    Raises:
        ValueError: it cannot be converted.
    """
    text: str = _conversion().to_code(entity, recursive, experimental_optional_features)
    return text


def set_verbosity(level: int, alsologtostdout: bool = False) -> None:
    """Set how much the converter tells of its work.

    Args:
        level: 0 for nothing, up to 10.
        alsologtostdout: whether it is printed too.
    """
    importlib.import_module("malt.utils.ag_logging").set_verbosity(level, alsologtostdout)


def trace(*args: Any) -> None:
    """Print arguments while a function is traced."""
    print(*args)  # noqa: T201  (printing is what it is for)
