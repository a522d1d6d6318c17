"""What a program of the exchange is: how a model is made, and what is asked of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

PROGRAMS = {}


@dataclass
class Call:
    """One call: attributes that lead to the function, or `signatures` and a key."""

    path: str
    args: tuple = ()
    kwargs: dict = field(default_factory=dict)


@dataclass
class Model:
    """What is saved: by Keras' `export`, by its own `write`, or as any object."""

    root: Any = None
    signatures: Any = None
    export: bool = False
    write: Callable[[str], None] | None = None


@dataclass
class Program:
    name: str
    build: Callable[[], Model]
    calls: Callable[[], list[Call]]
    tolerance: float
    tags: list[str] | None


def program(calls, *, tolerance=1e-5, tags=None):
    """Register a program: a function without arguments that gives a `Model`."""

    def register(build):
        PROGRAMS[build.__name__] = Program(build.__name__, build, calls, tolerance, tags)
        return build

    return register


def serve(*arrays):
    """Calls of a Keras export, by its endpoint."""
    import tensorflow as tf

    return [Call("serve", tuple(tf.constant(a) for a in arrays))]


def floats(seed, *shape):
    """Numbers that are the same everywhere."""
    return np.random.default_rng(seed).random(shape, np.float32)


def integers(seed, top, *shape):
    """Whole numbers that are the same everywhere."""
    return np.random.default_rng(seed).integers(0, top, shape).astype(np.int32)
