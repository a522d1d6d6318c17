"""Gradients of branches and loops that have effects: printing, random numbers, Python.

They run once, and what they did cannot be done again. So they run under a tape where their
gradient is wanted, and the tape is passed on to the node that walks it back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.core import dtypes
from penstock.core.tensor_shape import TensorShape
from penstock.graph.graph_function import TAPES
from penstock.graph.host_gradient import run_op, zeros_like
from penstock.graph.lower import TAPED_RUNS
from penstock.graph.symbol import Node, Symbol
from penstock.ops.table import REQUIRED, TYPE_LIST, gradient, op
from penstock.runtime.backprop import RUN_BODIES, Record, dense, is_differentiable
from penstock.runtime.context import graph_scope, not_recording
from penstock.runtime.dispatch import call
from penstock.runtime.tape import GradientTape
from penstock.runtime.tensor import wrap


class TapedRun:
    """What a branch or loop was given and gave, and the tape between.

    Args:
        tape: persistent, no longer recording.
        inputs: eager tensors.
        outputs: eager tensors.
    """

    def __init__(
        self, tape: GradientTape, inputs: Sequence[Any], outputs: Sequence[Any]
    ) -> None:
        self._tape = tape
        self._inputs = list(inputs)
        self._outputs = list(outputs)

    def pull(self, seeds: Sequence[Any], given: Sequence[int], wrt: Sequence[int]) -> list[Any]:
        """Gradients of the inputs `wrt` by those of the outputs `given`, as values."""
        with graph_scope(None), not_recording():
            sources = [self._inputs[i] for i in wrt]
            found = self._tape.gradient(
                [self._outputs[i] for i in given],
                sources,
                output_gradients=[
                    _wrapped(seed, self._outputs[i].dtype)
                    for i, seed in zip(given, seeds, strict=True)
                ],
            )
            return [
                (zeros_like(source) if part is None else dense(part))._value
                for part, source in zip(found, sources, strict=True)
            ]


def _wrapped(value: Any, dtype: Any) -> Any:
    return wrap(value, dtype if dtype.np == object else None)


def tape_of(node: Node) -> Symbol:
    """The symbol of the tape of a node, which from then on runs under one."""
    found: Symbol | None = node.tape
    if found is None:
        found = node.tape = Symbol(node, len(node.outputs), dtypes.variant, TensorShape(()))
    return found


def run_under_tape(node: Node, values: Sequence[Any]) -> tuple[list[Any], TapedRun]:
    """Outputs of a node on the host, and the run that can be walked back."""
    tensors = [
        _wrapped(value, symbol.dtype) for value, symbol in zip(values, node.inputs, strict=True)
    ]
    with (
        graph_scope(None),
        not_recording(),
        GradientTape(persistent=True, watch_accessed_variables=False) as tape,
    ):
        tape.watch([t for t in tensors if is_differentiable(t.dtype) or is_list(t)])
        outputs = list(run_op(node.row, tensors, node.attrs, node.lengths))
    return [output._value for output in outputs], TapedRun(tape, tensors, outputs)


def is_list(tensor: Any) -> bool:
    """Whether a tensor is a list of tensors, through which gradients flow."""
    return bool(tensor.dtype is dtypes.variant)


def _write_down(
    record: Record, gradients: Sequence[Any], wrt: Sequence[int], given: Sequence[int]
) -> list[Any]:
    assert record.node is not None
    return list(
        call(
            "_TapedGradient",
            tape_of(record.node),
            [dense(gradients[i]) for i in given],
            list(record.inputs),
            given=tuple(given),
            wrt=tuple(wrt),
            output_shapes=tuple(record.inputs[i].shape for i in wrt),
            Tout=tuple(record.inputs[i].dtype for i in wrt),
        )
    )


def _shapes(*_: Any, output_shapes: Any, **__: Any) -> Any:
    return tuple(TensorShape(shape) for shape in output_shapes)


@op(
    "_TapedGradient",
    inputs=("tape: variant", "gradients: Tgrad", "inputs: Tin"),
    outputs=("output: Tout",),
    attrs={
        "given": REQUIRED,
        "wrt": REQUIRED,
        "output_shapes": (),
        "Tgrad": TYPE_LIST,
        "Tin": TYPE_LIST,
        "Tout": TYPE_LIST,
    },
    kernel="host",
    shape=_shapes,
)
def taped_gradient(
    tape: TapedRun,
    gradients: Any,
    inputs: Any,
    *,
    given: Sequence[int],
    wrt: Sequence[int],
    **_: Any,
) -> Any:
    """Gradients of what a branch or loop was given, by those of what it gave.

    Shape: tape scalar, gradients [...] of the outputs `given`, inputs [...], which gradients of
    this gradient lead to -> output [...] of the inputs `wrt`.
    """
    del inputs
    return tuple(tape.pull(gradients, given, wrt))


@gradient("_TapedGradient")
def second_gradient(*_: Any) -> Any:
    """Refuse: the tape holds values, not what they were computed from."""
    raise LookupError(
        "no second gradient is defined for a branch or loop with effects (printing, random "
        "numbers, Python functions); take these out of it"
    )


TAPES.append(tape_of)
RUN_BODIES.update(dict.fromkeys(("While", "If", "Case"), _write_down))
TAPED_RUNS.append(run_under_tape)
