"""Why a gradient is None: the way from a source to a target, and what blocks it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from penstock.core.dtypes import DType

# `explain(source_position, target_position)` of a step that has steps of its own.
Inside = Callable[[int, int], "str | None"]


@dataclass(slots=True, eq=False)
class Step:
    """One recorded call as far as gradients care: ids of tensors, and what stops here.

    `stops` says why no gradient flows back through the step; empty where it does.
    """

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    stops: str = ""
    where: str = ""
    inside: Inside | None = None


def stop_of(name: str, inputs: Sequence[DType], outputs: Sequence[DType]) -> str:
    """Why no gradient flows back through an op without one; `{at}` stands for its place."""
    if name == "StopGradient":
        return "tf.stop_gradient{at} stops it"
    if name in ("Cast", "Bitcast") and outputs:
        return f"{name}{{at}} to {outputs[0].name} makes numbers without gradients"
    if any(kind.is_floating or kind.is_complex for kind in inputs) and not any(
        kind.is_floating or kind.is_complex for kind in outputs
    ):
        kinds = " and ".join(sorted({kind.name for kind in outputs}))
        return f"op {name}{{at}} gives {kinds or 'nothing'}, which has no gradient"
    return f"op {name}{{at}} has no gradient"


def explain(steps: Sequence[Step], target: int, source: int) -> tuple[str, str]:
    """Tell what lies between a source and a target.

    Args:
        steps: calls in the order in which they were made.
        target: id of the target.
        source: id of the source.

    Returns:
        A verdict and a text: "joined" (a gradient can flow), "blocked" with what blocks it,
        "unused" (nothing takes the source), or "apart" (no way leads to the target).
    """
    reached, flowing = {source}, {source}
    for step in steps:
        if any(tensor in reached for tensor in step.inputs):
            reached.update(step.outputs)
        if not step.stops and any(tensor in flowing for tensor in step.inputs):
            flowing.update(step.outputs)
    if target in flowing:
        return _inside(steps, flowing, target, source)
    if target not in reached:
        used = any(source in step.inputs for step in steps)
        return ("apart", "") if used else ("unused", "")
    leading = {target}
    blocks: list[Step] = []
    for step in reversed(steps):
        if any(tensor in leading for tensor in step.outputs):
            leading.update(step.inputs)
            if step.stops and any(tensor in flowing for tensor in step.inputs):
                blocks.append(step)
    return "blocked", _places(blocks[::-1])


def _places(blocks: Sequence[Step]) -> str:
    texts = []
    for step in blocks[:3]:
        where = f" at {step.where}" if step.where else ""
        texts.append(step.stops.replace("{at}", where))
    more = f", and {len(blocks) - 3} more" if len(blocks) > 3 else ""
    return "; ".join(dict.fromkeys(texts)) + more


def _inside(
    steps: Sequence[Step], flowing: set[int], target: int, source: int
) -> tuple[str, str]:
    """Look into functions on the way: the gradient may end there."""
    leading = {target}
    reasons = []
    for step in reversed(steps):
        ends = [i for i, tensor in enumerate(step.outputs) if tensor in leading]
        if not ends or step.stops:
            continue
        starts = [i for i, tensor in enumerate(step.inputs) if tensor in flowing]
        for i in starts:
            found = None if step.inside is None else step.inside(i, ends[0])
            if found is None:
                leading.add(step.inputs[i])
            else:
                reasons.append(f"in function {step.name!r}, {found}")
    if source in leading:
        return "joined", ""
    return "blocked", "; ".join(dict.fromkeys(reasons[::-1]))
