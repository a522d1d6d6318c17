"""Recurrent cells that do a whole step, or all steps of a sequence, in one op."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from penstock.core.errors import InvalidArgumentError
from penstock.ops.elementwise import FLOATS, unary
from penstock.ops.namespace import namespace
from penstock.ops.table import device_kernel, op


class _Step(NamedTuple):
    """What a step of an LSTM gives, in the order of the outputs."""

    i: Any
    cs: Any
    f: Any
    o: Any
    ci: Any
    co: Any
    h: Any


class _Weights(NamedTuple):
    w: Any
    wci: Any
    wcf: Any
    wco: Any
    b: Any


def _sigmoid(xp: Any, x: Any) -> Any:
    # The argument of the exponential is never positive, so that it cannot overflow.
    power = xp.exp(-xp.abs(x))
    return xp.where(x >= 0, 1 / (1 + power), power / (1 + power)).astype(x.dtype)


def _lstm_step(
    x: Any,
    cs_prev: Any,
    h_prev: Any,
    weights: _Weights,
    *,
    order: str,
    forget_bias: float,
    cell_clip: float,
    use_peephole: bool,
) -> _Step:
    """One step; `order` names the gates as they stand in the columns of the weights."""
    xp = namespace(x, cs_prev, h_prev, *weights)
    gates = xp.concatenate([x, h_prev], axis=1) @ weights.w + weights.b
    part = dict(zip(order, xp.split(gates, 4, axis=1), strict=True))
    i, f, o = part["i"], part["f"] + x.dtype.type(forget_bias), part["o"]
    if use_peephole:
        i, f = i + cs_prev * weights.wci, f + cs_prev * weights.wcf
    i, f, ci = _sigmoid(xp, i), _sigmoid(xp, f), xp.tanh(part["c"])
    cs = ci * i + cs_prev * f
    if cell_clip > 0:
        cs = xp.clip(cs, -cell_clip, cell_clip).astype(x.dtype)
    if use_peephole:
        o = o + cs * weights.wco
    o, co = _sigmoid(xp, o), xp.tanh(cs)
    return _Step(i, cs, f, o, ci, co, co * o)


def _check_cell(x: Any, h_prev: Any, w: Any, b: Any, gates: int) -> None:
    rows = x.shape[-1] + h_prev.shape[-1]
    columns = gates * h_prev.shape[-1]
    if tuple(w.shape) != (rows, columns) or tuple(b.shape) != (columns,):
        raise InvalidArgumentError(
            f"weights must be [{rows}, {columns}] and biases [{columns}], got shapes "
            f"{list(w.shape)} and {list(b.shape)}"
        )


_CELL_INPUTS = (
    "x: T",
    "cs_prev: T",
    "h_prev: T",
    "w: T",
    "wci: T",
    "wcf: T",
    "wco: T",
    "b: T",
)
_CELL_OUTPUTS = ("i: T", "cs: T", "f: T", "o: T", "ci: T", "co: T", "h: T")


@op(
    "LSTMBlockCell",
    inputs=_CELL_INPUTS,
    outputs=_CELL_OUTPUTS,
    attrs={"forget_bias": 1.0, "cell_clip": 3.0, "use_peephole": False},
)
def lstm_block_cell(
    x: Any, cs_prev: Any, h_prev: Any, *weights: Any, forget_bias: float, **attrs: Any
) -> tuple[Any, ...]:
    """One step of an LSTM whose gates stand in the order input, cell, forget, output.

    Shape: x [n, k], cs_prev [n, m], h_prev [n, m], w [k + m, 4 m], wci [m], wcf [m], wco [m],
    b [4 m] -> i [n, m], cs [n, m], f [n, m], o [n, m], ci [n, m], co [n, m], h [n, m].
    Errors: InvalidArgumentError when the shapes do not fit each other.
    """
    unary("LSTMBlockCell", x, FLOATS)
    _check_cell(x, h_prev, weights[0], weights[-1], 4)
    return tuple(
        _lstm_step(
            x,
            cs_prev,
            h_prev,
            _Weights(*weights),
            order="icfo",
            forget_bias=forget_bias,
            **attrs,
        )
    )


def _sequence_on_host(
    seq_len_max: Any, x: Any, cs: Any, h: Any, weights: _Weights, **attrs: Any
) -> tuple[Any, ...]:
    length = min(int(seq_len_max), len(x))
    outputs = tuple(np.zeros((len(x), *h.shape), x.dtype) for _ in _CELL_OUTPUTS)
    for t in range(length):
        step = _lstm_step(x[t], cs, h, weights, **attrs)
        cs, h = step.cs, step.h
        for output, value in zip(outputs, step, strict=True):
            output[t] = value
    return outputs


def _sequence_on_device(
    seq_len_max: Any, x: Any, cs: Any, h: Any, weights: _Weights, **attrs: Any
) -> tuple[Any, ...]:
    def body(state: tuple[Any, Any], given: tuple[Any, Any]) -> tuple[Any, Any]:
        t, row = given
        step = _lstm_step(row, *state, weights, **attrs)
        inside = t < seq_len_max
        kept = tuple(
            jnp.where(inside, new, old)
            for new, old in zip((step.cs, step.h), state, strict=True)
        )
        return kept, tuple(jnp.where(inside, value, 0).astype(x.dtype) for value in step)

    _, outputs = jax.lax.scan(body, (cs, h), (jnp.arange(len(x)), x))
    return tuple(outputs)


def _sequence(
    run: Any, order: str, inputs: tuple[Any, ...], forget_bias: float, attrs: dict[str, Any]
) -> tuple[Any, ...]:
    seq_len_max, x, cs, h, *weights = inputs
    unary("BlockLSTM", x, FLOATS)
    if x.ndim != 3:
        raise InvalidArgumentError(f"x must be [time, n, k], got shape {list(x.shape)}")
    _check_cell(x, h, weights[0], weights[-1], 4)
    return run(  # type: ignore[no-any-return]
        seq_len_max, x, cs, h, _Weights(*weights), order=order, forget_bias=forget_bias, **attrs
    )


_BLOCK_INPUTS = ("seq_len_max: int64", *_CELL_INPUTS)


@op(
    "BlockLSTM",
    inputs=_BLOCK_INPUTS,
    outputs=_CELL_OUTPUTS,
    attrs={"forget_bias": 1.0, "cell_clip": 3.0, "use_peephole": False},
    kernel="host",
)
def block_lstm(*inputs: Any, forget_bias: float, **attrs: Any) -> tuple[Any, ...]:
    """All steps of an LSTM; those from `seq_len_max` on give zeros.

    Shape: seq_len_max [], x [time, n, k], cs_prev [n, m], h_prev [n, m], w [k + m, 4 m],
    wci [m], wcf [m], wco [m], b [4 m] -> i [time, n, m], cs [time, n, m], f [time, n, m],
    o [time, n, m], ci [time, n, m], co [time, n, m], h [time, n, m].
    Errors: InvalidArgumentError when the shapes do not fit each other.
    """
    return _sequence(_sequence_on_host, "icfo", inputs, forget_bias, attrs)


@device_kernel("BlockLSTM")
def block_lstm_on_device(*inputs: Any, forget_bias: float, **attrs: Any) -> tuple[Any, ...]:
    """See `block_lstm`."""
    return _sequence(_sequence_on_device, "icfo", inputs, forget_bias, attrs)


@op(
    "BlockLSTMV2",
    inputs=_BLOCK_INPUTS,
    outputs=_CELL_OUTPUTS,
    attrs={"cell_clip": 0.0, "use_peephole": False},
    kernel="host",
)
def block_lstm_v2(*inputs: Any, **attrs: Any) -> tuple[Any, ...]:
    """`BlockLSTM` without a bias of the forget gate, its gates in the order of Keras.

    Shape: seq_len_max [], x [time, n, k], cs_prev [n, m], h_prev [n, m], w [k + m, 4 m],
    wci [m], wcf [m], wco [m], b [4 m] -> i [time, n, m], cs [time, n, m], f [time, n, m],
    o [time, n, m], ci [time, n, m], co [time, n, m], h [time, n, m].
    """
    return _sequence(_sequence_on_host, "ifco", inputs, 0.0, attrs)


@device_kernel("BlockLSTMV2")
def block_lstm_v2_on_device(*inputs: Any, **attrs: Any) -> tuple[Any, ...]:
    """See `block_lstm_v2`."""
    return _sequence(_sequence_on_device, "ifco", inputs, 0.0, attrs)


@op(
    "GRUBlockCell",
    inputs=("x: T", "h_prev: T", "w_ru: T", "w_c: T", "b_ru: T", "b_c: T"),
    outputs=("r: T", "u: T", "c: T", "h: T"),
)
def gru_block_cell(x: Any, h_prev: Any, *weights: Any) -> tuple[Any, ...]:
    """One step of a GRU: reset and update gate, candidate and state.

    Shape: x [n, k], h_prev [n, m], w_ru [k + m, 2 m], w_c [k + m, m], b_ru [2 m], b_c [m] ->
    r [n, m], u [n, m], c [n, m], h [n, m].
    Errors: InvalidArgumentError when the shapes do not fit each other.
    """
    unary("GRUBlockCell", x, FLOATS)
    w_ru, w_c, b_ru, b_c = weights
    _check_cell(x, h_prev, w_ru, b_ru, 2)
    _check_cell(x, h_prev, w_c, b_c, 1)
    xp = namespace(x, h_prev, w_ru, w_c, b_ru, b_c)
    join = functools.partial(xp.concatenate, axis=1)
    r, u = xp.split(_sigmoid(xp, join([x, h_prev]) @ w_ru + b_ru), 2, axis=1)
    c = xp.tanh(join([x, h_prev * r]) @ w_c + b_c)
    return r, u, c, u * h_prev + (1 - u) * c
