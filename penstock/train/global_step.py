"""The count of training steps, and learning rates that follow it, of `tf.compat.v1.train`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from penstock.core import dtypes
from penstock.graph.session.graph import GraphKeys, default_graph
from penstock.graph.session.variable import GraphVariable
from penstock.runtime.context import state
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.variable import Variable


def get_global_step(graph: Any = None) -> Any:
    """The count of steps of a graph, or None."""
    found = (graph or default_graph()).get_collection(GraphKeys.GLOBAL_STEP)
    return found[0] if found else None


def create_global_step(graph: Any = None) -> Any:
    """Make the count of steps of a graph.

    Raises:
        ValueError: it exists.
    """
    if get_global_step(graph) is not None:
        raise ValueError('"global_step" already exists.')
    owner = graph or default_graph()
    first = convert_to_tensor(0, dtypes.int64)
    if state.graph is None:
        made: Any = Variable(first, trainable=False, name="global_step")
    else:
        keys = [GraphKeys.GLOBAL_VARIABLES]
        made = GraphVariable(first, trainable=False, name="global_step", collections=keys)
    owner.add_to_collection(GraphKeys.GLOBAL_STEP, made)
    return made


def get_or_create_global_step(graph: Any = None) -> Any:
    """The count of steps of a graph, made if there is none."""
    found = get_global_step(graph)
    return create_global_step(graph) if found is None else found


def global_step(sess: Any, global_step_tensor: Any) -> int:
    """The count of steps in a session."""
    if isinstance(global_step_tensor, GraphVariable) or sess is not None:
        return int(sess.run(global_step_tensor))
    return int(global_step_tensor.numpy())


def _decayed(learning_rate: Any, step: Any, make: Any) -> Any:
    """A rate in a graph; in eager execution a function that gives it for the step then."""

    def rate() -> Any:
        first = convert_to_tensor(learning_rate)
        count = step.read_value() if isinstance(step, Variable) else convert_to_tensor(step)
        return make(first, call("Cast", count, DstT=first.dtype))

    return rate if state.graph is None else rate()


def exponential_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Any:
    """A rate times `decay_rate` for every `decay_steps` steps."""

    def make(first: Any, count: Any) -> Any:
        power = count / call("Cast", decay_steps, DstT=first.dtype)
        power = call("Floor", power) if staircase else power
        return first * call("Pow", call("Cast", decay_rate, DstT=first.dtype), power)

    return _decayed(learning_rate, global_step, make)


def natural_exp_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Any:
    """A rate that decays by the natural exponential of the steps."""

    def make(first: Any, count: Any) -> Any:
        power = count / call("Cast", decay_steps, DstT=first.dtype)
        power = call("Floor", power) if staircase else power
        return first * call("Exp", power * -decay_rate)

    return _decayed(learning_rate, global_step, make)


def inverse_time_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Any:
    """A rate divided by a number that grows with the steps."""

    def make(first: Any, count: Any) -> Any:
        ratio = count / call("Cast", decay_steps, DstT=first.dtype)
        ratio = call("Floor", ratio) if staircase else ratio
        return first / (ratio * decay_rate + 1.0)

    return _decayed(learning_rate, global_step, make)


def polynomial_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    end_learning_rate: Any = 0.0001,
    power: float = 1.0,
    cycle: bool = False,
    name: str | None = None,
) -> Any:
    """A rate that falls to another one in `decay_steps` steps, and with `cycle` again."""

    def make(first: Any, count: Any) -> Any:
        steps = call("Cast", decay_steps, DstT=first.dtype)
        if cycle:
            rounds = call("Ceil", count / steps)
            steps = steps * call("Maximum", rounds, 1.0)
        else:
            count = call("Minimum", count, steps)
        left = call("Pow", 1.0 - count / steps, power)
        return (first - end_learning_rate) * left + end_learning_rate

    return _decayed(learning_rate, global_step, make)


def cosine_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    alpha: float = 0.0,
    name: str | None = None,
) -> Any:
    """A rate that falls along half a wave of the cosine."""

    def make(first: Any, count: Any) -> Any:
        steps = call("Cast", decay_steps, DstT=first.dtype)
        part = call("Minimum", count, steps) / steps
        wave = (call("Cos", part * math.pi) + 1.0) * 0.5
        return first * (wave * (1.0 - alpha) + alpha)

    return _decayed(learning_rate, global_step, make)


def piecewise_constant(
    x: Any, boundaries: Sequence[Any], values: Sequence[Any], name: str | None = None
) -> Any:
    """The value between the boundaries that the steps have reached.

    Raises:
        ValueError: there is not one value more than boundaries.
    """
    if len(boundaries) != len(values) - 1:
        raise ValueError("The length of boundaries should be 1 less than the length of values")

    def rate() -> Any:
        count = x.read_value() if isinstance(x, Variable) else convert_to_tensor(x)
        limits = convert_to_tensor(list(boundaries), count.dtype)
        # The number of boundaries that lie below.
        passed = call("Cast", call("Greater", count, limits), DstT=dtypes.int32)
        return call("GatherV2", convert_to_tensor(list(values)), call("Sum", passed, 0), 0)

    return rate if state.graph is None else rate()


piecewise_constant_decay = piecewise_constant
