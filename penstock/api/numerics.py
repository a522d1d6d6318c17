"""Checks that numbers are finite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.api.composite import open_to_composites
from penstock.core.errors import InvalidArgumentError
from penstock.ops.table import OpDef
from penstock.runtime.context import state
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call

__all__ = [
    "check_numerics",
    "assert_all_finite",
    "enable_check_numerics",
    "disable_check_numerics",
]


def check_numerics(tensor: Any, message: str, name: str | None = None) -> Any:
    """Return the tensor, if all its elements are finite.

    Args:
        tensor: floating numbers.
        message: beginning of the error's text.
        name: name of the node in a graph.

    Raises:
        InvalidArgumentError: an element is NaN or infinite.
    """
    return call("CheckNumerics", tensor, message=message, name=name)


def assert_all_finite(x: Any, message: str, name: str | None = None) -> Any:
    """Return x, if all its elements are finite.

    Raises:
        InvalidArgumentError: an element is NaN or infinite.
    """
    return check_numerics(convert_to_tensor(x), message, name)


class _Checker:
    """A recorder that looks at the outputs of every op that is run."""

    def record(
        self,
        row: OpDef,
        attrs: dict[str, Any],
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        lengths: Sequence[int | None] | None,
    ) -> None:
        """Raise when an output is not finite.

        Raises:
            InvalidArgumentError: it holds NaN or infinity.
        """
        del attrs, inputs, lengths
        for i, output in enumerate(outputs):
            value = getattr(output, "_value", None)
            if value is None or not output.dtype.is_floating:
                continue
            array = np.asarray(value)
            if not np.isfinite(array.astype(np.float64)).all():
                found = "NaN" if np.isnan(array.astype(np.float64)).any() else "Inf"
                raise InvalidArgumentError(
                    f"output {i} of op {row.name} holds {found}: shape {list(array.shape)}, "
                    f"dtype {output.dtype.name}"
                )


_checker = _Checker()


def enable_check_numerics(stack_height_limit: int = 30, path_length_limit: int = 50) -> None:
    """Check the result of every op that runs eagerly on this thread, and of every function.

    Args:
        stack_height_limit: accepted for compatibility; errors carry Python's own traceback.
        path_length_limit: likewise.
    """
    del stack_height_limit, path_length_limit
    if _checker not in state.recorders:
        state.recorders = [*state.recorders, _checker]


def disable_check_numerics() -> None:
    """Stop what `enable_check_numerics` began."""
    state.recorders = [each for each in state.recorders if each is not _checker]


open_to_composites(globals())
