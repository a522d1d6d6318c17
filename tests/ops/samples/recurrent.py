"""Samples of recurrent cells, from their equations."""

import numpy as np

from tests.ops.sample import Sample

rng = np.random.default_rng(3)


def some(*shape):
    """Small numbers, so that no gate is shut."""
    return rng.normal(0, 0.5, shape).astype(np.float32)


N, K, M, T = 2, 3, 4, 3
x, cs, h = some(N, K), some(N, M), some(N, M)
w, b = some(K + M, 4 * M), some(4 * M)
peepholes = some(M), some(M), some(M)
steps = some(T, N, K)


def logistic(values):
    return 1 / (1 + np.exp(-values))


def lstm(x, cs, h, order, *, bias, clip=np.inf, peepholes=(0, 0, 0)):
    """A step in float64: (i, cs, f, o, ci, co, h)."""
    gates = np.concatenate([x, h], 1).astype(np.float64) @ w + b
    part = dict(zip(order, np.split(gates, 4, axis=1), strict=True))
    i = logistic(part["i"] + cs * peepholes[0])
    f = logistic(part["f"] + bias + cs * peepholes[1])
    ci = np.tanh(part["c"])
    new = np.clip(ci * i + cs * f, -clip, clip)
    o = logistic(part["o"] + new * peepholes[2])
    co = np.tanh(new)
    return i, new, f, o, ci, co, co * o


def run(order, length, **options):
    """All steps; those from `length` on give zeros."""
    state, made = (cs, h), []
    for t in range(T):
        step = lstm(steps[t], *state, order, **options)
        state = step[1], step[6]
        made.append(step if t < length else tuple(np.zeros((N, M)) for _ in step))
    return tuple(np.stack(each).astype(np.float32) for each in zip(*made, strict=True))


def as_float32(values):
    return tuple(value.astype(np.float32) for value in values)


w_ru, w_c, b_ru, b_c = some(K + M, 2 * M), some(K + M, M), some(2 * M), some(M)


def gru():
    r, u = np.split(logistic(np.concatenate([x, h], 1) @ w_ru + b_ru), 2, axis=1)
    c = np.tanh(np.concatenate([x, h * r], 1) @ w_c + b_c)
    return r, u, c, u * h + (1 - u) * c


CELL = (x, cs, h, w, *peepholes, b)
BLOCK = (steps, cs, h, w, *peepholes, b)

SAMPLES = [
    Sample("LSTMBlockCell", CELL, as_float32(lstm(x, cs, h, "icfo", bias=1.0, clip=3.0))),
    Sample(
        "LSTMBlockCell",
        CELL,
        as_float32(lstm(x, cs, h, "icfo", bias=0.5, clip=0.1, peepholes=peepholes)),
        {"forget_bias": 0.5, "cell_clip": 0.1, "use_peephole": True},
        differentiable=False,
    ),
    Sample("BlockLSTM", (np.int64(2), *BLOCK), run("icfo", 2, bias=1.0, clip=3.0)),
    Sample(
        "BlockLSTMV2",
        (np.int64(T), *BLOCK),
        run("ifco", T, bias=0.0, peepholes=peepholes),
        {"use_peephole": True},
    ),
    Sample("GRUBlockCell", (x, h, w_ru, w_c, b_ru, b_c), as_float32(gru())),
]
