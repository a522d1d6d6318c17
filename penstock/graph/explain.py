"""Which lowering rules fire in a graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax

from penstock.core.errors import InvalidArgumentError
from penstock.graph.compiled import CompiledSegment
from penstock.graph.lower import Program
from penstock.graph.tracing import NeedHostError
from penstock.ops.lowering import Fired


def fired_so_far(programs: Sequence[Program]) -> list[Fired]:
    """The rules that fired in what has run so far."""
    found = [
        each
        for program in programs
        for segment in program.compiled_segments()
        for each in segment.all_fired
    ]
    return list(dict.fromkeys(found))


def firing(program: Program) -> list[Fired]:
    """The rules that fire when a graph of known sizes is compiled; nothing runs.

    Raises:
        InvalidArgumentError: a size is not known.
    """
    found: list[Fired] = []
    for segment in program.segments():
        if segment.on_device:
            compiled = CompiledSegment(segment, program.constants)
            try:
                found += compiled.fired(
                    [abstract(each.dtype, each.shape, each.name) for each in compiled.arrays],
                    [abstract_variable(each) for each in compiled.kept],
                    [abstract_variable(each) for each in compiled.given],
                )
            except NeedHostError as need:
                raise InvalidArgumentError(
                    f"the rules of a graph that runs partly on the host are known once it has "
                    f"run: {need}"
                ) from need
    return list(dict.fromkeys(found))


def abstract(dtype: Any, shape: Any, name: str) -> Any:
    """What JAX must know of an argument to compile for it.

    Raises:
        InvalidArgumentError: the shape is not fully known.
    """
    if not shape.is_fully_defined():
        raise InvalidArgumentError(
            f"{name} must have a known shape to be compiled, has {shape}"
        )
    return jax.ShapeDtypeStruct(shape.as_list(), dtype.np)


def abstract_variable(handle: Any) -> Any:
    """Like `abstract`, of the variable behind a handle."""
    return abstract(handle.variable_dtype, handle.variable_shape, handle.name)
