"""`jax.numpy` with its 32-bit defaults, for tests that ask it which dtype to expect.

Penstock switches JAX to 64 bits for the whole process. Keras' tests mean JAX as it starts.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
import sys
from types import ModuleType

import jax
import jax.numpy

import penstock


def _narrow(function):
    @functools.wraps(function)
    def narrowed(*args, **kwargs):
        with jax.enable_x64(False):
            return function(*args, **kwargs)

    return narrowed


class NarrowNumpy(ModuleType):
    """`jax.numpy` whose functions run without 64-bit types."""

    def __getattr__(self, name):
        value = getattr(_WIDE, name)
        if callable(value) and not isinstance(value, type) and not hasattr(value, "dtype"):
            value = _narrow(value)
        self.__dict__[name] = value
        return value


_WIDE = jax.numpy


def install():
    """Give modules that are imported from now on the narrow `jax.numpy`."""
    # Penstock's own modules must have got the wide one before.
    for room in ("ops", "runtime", "graph", "distribute"):
        package = importlib.import_module(f"penstock.{room}")
        for module in pkgutil.walk_packages(package.__path__, f"penstock.{room}."):
            importlib.import_module(module.name)
    assert penstock.constant(1.0) is not None
    narrow = NarrowNumpy("jax.numpy")
    sys.modules["jax.numpy"] = narrow
    jax.numpy = narrow
