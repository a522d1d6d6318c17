"""Inputs of graphs."""

from __future__ import annotations

from typing import Any

from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.table import REQUIRED, op


@op(
    "Placeholder",
    outputs=("output: dtype",),
    attrs={"dtype": REQUIRED, "shape": TensorShape(None)},
    kernel="host",
    differentiable=False,
    shape=lambda *, shape, **_: shape,
)
def placeholder(*, dtype: Any, shape: Any) -> Any:
    """Stand for a value that is given when the graph runs.

    Shape: output [...].
    Errors: InvalidArgumentError when it is run without a value.
    """
    raise InvalidArgumentError(
        f"You must feed a value for a placeholder tensor with dtype {dtype.name} and shape "
        f"{shape}"
    )
