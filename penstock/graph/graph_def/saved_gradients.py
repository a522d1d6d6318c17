"""Gradient rules of `tf.custom_gradient` that a file holds as functions.

A node that passes on the results of such a function, and its arguments behind them, names its
rule; the rule is a function of the file that takes gradients of all these, and tensors of the
function that the node is in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from penstock.runtime.context import state
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call

ATTRIBUTE: Final = "_gradient_op_type"


@dataclass(frozen=True, slots=True)
class SavedGradient:
    """A rule of a file.

    Args:
        function: name of its function.
        present: for each tensor that the node passes on, whether the function gives a gradient.
        captures: what the function takes beside gradients: the name of a tensor of the
            function that the node is in, or what gives a tensor.
        home: name of the function that has these tensors; "" where there are none.
    """

    function: str
    present: Sequence[bool]
    captures: Sequence[str | Callable[[], Any]]
    home: str


def rule_of(
    gradient: SavedGradient, outputs: Sequence[Any], captured: Sequence[Any], inline: Any
) -> Callable[..., list[Any]]:
    """The rule as a function of gradients, which gives one for each tensor passed on.

    Args:
        gradient: the rule.
        outputs: what the node gives.
        captured: the tensors that it takes beside gradients, of the graph of the node.
        inline: `inline(name, arguments)` writes the nodes of a function into a graph.
    """

    def rule(_: Any, *upstream: Any) -> list[Any]:
        filled = [
            call("ZerosLike", output) if given is None else convert_to_tensor(given)
            for given, output in zip(upstream, outputs, strict=True)
        ]
        arguments = [state.graph.capture(tensor) for tensor in (*filled, *captured)]
        found = iter(inline(gradient.function, arguments))
        return [next(found) if present else None for present in gradient.present]

    return rule
