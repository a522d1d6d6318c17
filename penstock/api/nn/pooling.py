"""Poolings over one to three spatial axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.api.nn.windows import explicit_padding, per_axis
from penstock.api.nn.space_to_batch import with_space_to_batch
from penstock.core import dtypes
from penstock.core.dtypes import as_dtype
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call

__all__ = [
    "avg_pool",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "fractional_avg_pool",
    "fractional_max_pool",
    "max_pool",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "max_pool_with_argmax",
    "pool",
]
