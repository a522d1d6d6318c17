"""Which array library a kernel must use for its arguments."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

# Kernels follow TensorFlow's dtypes: without this JAX would silently turn float64 into float32.
jax.config.update("jax_enable_x64", True)


def namespace(*arrays: Any) -> ModuleType:
    """Return `jax.numpy` when one of `arrays` is a JAX array or tracer, else `numpy`."""
    for array in arrays:
        if isinstance(array, jax.Array):
            return jnp
    return np


def is_concrete(array: Any) -> bool:
    """Whether the values of `array` are known now, that is, not traced."""
    return not isinstance(array, jax.core.Tracer)
