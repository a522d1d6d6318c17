"""What XLA makes of a graph, as text or bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from penstock.core.errors import InvalidArgumentError, UnimplementedError
from penstock.graph.compiled import CompiledSegment
from penstock.graph.explain import abstract, abstract_variable
from penstock.graph.lower import Program

STAGES: Final = (
    "hlo",
    "hlo_serialized",
    "optimized_hlo",
    "optimized_hlo_serialized",
    "optimized_hlo_dot",
)


def compiler_ir(program: Program, stage: str) -> str | bytes:
    """Return a stage of the compilation of a graph.

    Args:
        program: the graph; it must be one computation, of sizes that are all known.
        stage: one of `STAGES`.

    Raises:
        ValueError: there is no such stage.
        InvalidArgumentError: the graph is no single computation, or a size is not known.
        UnimplementedError: the stage is "optimized_hlo_dot".
    """
    writer = _WRITERS.get(stage)
    if writer is None:
        raise ValueError(
            f"Invalid stage selected: {stage!r}. Valid values are: "
            f"{', '.join(map(repr, STAGES))}"
        )
    return writer(_lowered(program))


def _lowered(program: Program) -> Any:
    segments = program.segments()
    if len(segments) != 1 or not segments[0].on_device:
        raise InvalidArgumentError(
            "the graph must be one compiled computation to be shown, it has "
            f"{len(segments)} parts"
        )
    compiled = CompiledSegment(segments[0], program.constants)
    return compiled.lower(
        [abstract(symbol.dtype, symbol.shape, symbol.name) for symbol in compiled.arrays],
        [abstract_variable(symbol) for symbol in compiled.kept],
        [abstract_variable(symbol) for symbol in compiled.given],
    )


def _text(lowered: Any) -> str:
    return str(lowered.as_text(dialect="hlo"))


def _bytes(lowered: Any) -> bytes:
    made: bytes = lowered.compiler_ir(dialect="hlo").as_serialized_hlo_module_proto()
    return made


def _module(lowered: Any) -> Any:
    return lowered.compile().runtime_executable().hlo_modules()[0]


def _optimized_bytes(lowered: Any) -> bytes:
    made: bytes = _module(lowered).as_serialized_hlo_module_proto()
    return made


def _drawing(lowered: Any) -> str:
    del lowered
    raise UnimplementedError("stage 'optimized_hlo_dot': jaxlib draws no graphs")


_WRITERS: Final[dict[str, Callable[[Any], str | bytes]]] = {
    "hlo": _text,
    "hlo_serialized": _bytes,
    "optimized_hlo": lambda lowered: str(lowered.compile().as_text()),
    "optimized_hlo_serialized": _optimized_bytes,
    "optimized_hlo_dot": _drawing,
}
