"""Axes and sizes of one data format, told in another."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.ops.checks import require
from penstock.ops.elementwise import kinds, unary
from penstock.ops.namespace import namespace
from penstock.ops.table import op

_INDICES = kinds(dtypes.int32, dtypes.int64)


def _check_formats(source: str, target: str) -> None:
    for format_ in (source, target):
        if len(format_) not in (4, 5) or sorted(format_) != sorted(source):
            raise InvalidArgumentError(
                "src_format and dst_format must be 4 or 5 letters, the same in both, got "
                f"{source!r} and {target!r}"
            )


@op(
    "DataFormatDimMap",
    inputs=("x: T",),
    outputs=("y: T",),
    attrs={"src_format": "NHWC", "dst_format": "NCHW"},
    shape="same",
    differentiable=False,
)
def data_format_dim_map(x: Any, *, src_format: str, dst_format: str) -> Any:
    """Axes of one format as those of another.

    Shape: x [...] -> y [...].
    Errors: InvalidArgumentError for an axis outside of the format, or other letters.
    """
    xp = unary("DataFormatDimMap", x, _INDICES)
    _check_formats(src_format, dst_format)
    rank = len(src_format)
    require(
        (x >= -rank) & (x < rank),
        InvalidArgumentError,
        f"x must be in [{-rank}, {rank})",
        got=x,
    )
    places = np.array([dst_format.index(letter) for letter in src_format], x.dtype)
    return xp.asarray(places)[x % rank]


@op(
    "DataFormatVecPermute",
    inputs=("x: T",),
    outputs=("y: T",),
    attrs={"src_format": "NHWC", "dst_format": "NCHW"},
    shape="same",
    differentiable=False,
)
def data_format_vec_permute(x: Any, *, src_format: str, dst_format: str) -> Any:
    """Sizes, or pairs of paddings, in the order of another format.

    A vector without the sizes of batch and channels holds the spatial ones alone.

    Shape: x [rank] or [rank, 2], or with the spatial axes alone -> y [...], as x.
    Errors: InvalidArgumentError for another shape, or other letters.
    """
    unary("DataFormatVecPermute", x, _INDICES)
    xp = namespace(x)
    _check_formats(src_format, dst_format)
    rank = len(src_format)
    if x.ndim not in (1, 2) or x.shape[0] not in (rank, rank - 2):
        raise InvalidArgumentError(
            f"x must have {rank} or {rank - 2} rows and at most 2 axes, got shape "
            f"{list(x.shape)}"
        )
    if x.ndim == 2 and x.shape[1] != 2:
        raise InvalidArgumentError(f"x must hold pairs, got shape {list(x.shape)}")
    if x.shape[0] == rank - 2:
        spatial = [letter for letter in src_format if letter not in "NC"]
        order = [spatial.index(letter) for letter in dst_format if letter not in "NC"]
    else:
        order = [src_format.index(letter) for letter in dst_format]
    return xp.stack([x[place] for place in order])
