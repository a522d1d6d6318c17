"""`tf.types.experimental`: what functions, tensors and types of arguments are."""

from __future__ import annotations

import importlib
from types import SimpleNamespace
from typing import Any

from penstock.core.trace_type import SupportsTracingProtocol, TraceType
from penstock.function.concrete_function import ConcreteFunction
from penstock.function.kinds import AtomicFunction, Callable, FunctionType
from penstock.function.polymorphic import Function as GenericFunction
from penstock.function.polymorphic import Function as PolymorphicFunction
from penstock.runtime.tensor import TensorLike

__all__ = [
    "AtomicFunction",
    "Callable",
    "ConcreteFunction",
    "FunctionType",
    "GenericFunction",
    "PolymorphicFunction",
    "SupportsTracingProtocol",
    "TensorLike",
    "TraceType",
]


def __getattr__(name: str) -> Any:
    if name != "distributed":
        raise AttributeError(f"module 'tf.types.experimental' has no attribute {name!r}")
    # The room of strategies is loaded when it is asked for.
    values = importlib.import_module("penstock.distribute.values")
    made = SimpleNamespace(Mirrored=values.Mirrored, PerReplica=values.PerReplica)
    globals()[name] = made
    return made
