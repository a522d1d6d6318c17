"""Samples of quantization."""

import numpy as np

from penstock.core.dtypes import qint8, quint8
from tests.ops.sample import Sample

x = np.float32([-3.0, -1.02, -0.2, 0.0, 0.31, 0.77, 1.26, 5.0])
seed = np.arange(1, 9, dtype=np.float32)
low, high = np.float32(-1), np.float32(1.5)
# Two bits: steps of 2.5 / 3, moved so that zero is one of them, the first.
step = 2.5 / 3
first, last = -step, 2 * step
args = {"min": -1.0, "max": 1.5, "num_bits": 2}
bits = {"num_bits": 2}
rounded = (np.round((np.clip(x, first, last) - first) / step) * step + first).astype(np.float32)
below, above = x < first, x > last
inside = np.where(below | above, 0, seed).astype(np.float32)
in_low, in_high = np.float32(seed[below].sum()), np.float32(seed[above].sum())
pair = np.stack([x, x], axis=1)
seeds = np.stack([seed, seed], axis=1)
lows, highs = np.float32([-1, 0]), np.float32([1.5, 3])
second = np.clip(np.round(x), 0, 3).astype(np.float32)
outside = np.where((x < 0) | (x > 3), np.float32(0), seed)
none = np.float32(0)
plain = np.int8([-127, 0, 64, 127])


def _there_and_back(scale):
    return (np.round(x * scale) / scale).astype(np.float32)


def _half_away(values):
    return np.trunc(values + np.copysign(0.5, values))


SAMPLES = [
    Sample("FakeQuantWithMinMaxArgs", (x,), rounded, args, differentiable=False),
    Sample("FakeQuantWithMinMaxArgsGradient", (seed, x), inside, args, differentiable=False),
    Sample("FakeQuantWithMinMaxVars", (x, low, high), rounded, bits, differentiable=False),
    Sample(
        "FakeQuantWithMinMaxVars", (x, none, none), np.zeros_like(x), bits, differentiable=False
    ),
    Sample(
        "FakeQuantWithMinMaxVarsGradient",
        (seed, x, low, high),
        (inside, in_low, in_high),
        bits,
        differentiable=False,
    ),
    Sample(
        "FakeQuantWithMinMaxVarsPerChannel",
        (pair, lows, highs),
        np.stack([rounded, second], axis=1),
        bits,
        differentiable=False,
    ),
    Sample(
        "FakeQuantWithMinMaxVarsPerChannelGradient",
        (seeds, pair, lows, highs),
        (
            np.stack([inside, outside], axis=1),
            np.float32([in_low, seed[x < 0].sum()]),
            np.float32([in_high, seed[x > 3].sum()]),
        ),
        bits,
        differentiable=False,
    ),
    Sample(
        "QuantizeAndDequantize",
        (x,),
        _there_and_back(127 / 5),
        {"input_min": 0.0, "input_max": 0.0},
        differentiable=False,
    ),
    Sample(
        "QuantizeAndDequantizeV2",
        (x, none, none),
        _there_and_back(127 / 5),
        differentiable=False,
    ),
    Sample(
        "QuantizeAndDequantizeV2",
        (x, np.float32(-2), np.float32(2)),
        (np.round(np.clip(x, -128 / 63.5, 2) * 63.5) / 63.5).astype(np.float32),
        {"range_given": True},
        differentiable=False,
    ),
    Sample(
        "QuantizeAndDequantizeV3",
        (x, none, none, np.int32(3)),
        _there_and_back(3 / 5),
        {"range_given": False},
        differentiable=False,
    ),
    Sample(
        "QuantizeAndDequantizeV4",
        (pair, none, none),
        np.stack([_there_and_back(127 / 5)] * 2, axis=1),
        {"axis": 1},
        differentiable=False,
    ),
    Sample(
        "QuantizeAndDequantizeV4Grad",
        (seed, x, low, high),
        (np.where((x < -1) | (x > 1.5), np.float32(0), seed), none, none),
        differentiable=False,
    ),
    Sample(
        "QuantizeV2",
        (x, np.float32(-2), np.float32(2)),
        (
            np.clip(_half_away(x.astype(np.float64) * 127 / 2), -128, 127)
            .astype(np.int8)
            .view(qint8.np),
            np.float32(-256 / 127),
            np.float32(2),
        ),
        {"T": qint8, "mode": "SCALED"},
    ),
    Sample(
        "QuantizeV2",
        (np.float32([0, 1, 2, 9]), np.float32(0), np.float32(5.1)),
        (np.uint8([0, 50, 100, 255]).view(quint8.np), np.float32(0), np.float32(5.1)),
        {"T": quint8, "mode": "MIN_FIRST"},
    ),
    Sample(
        "QuantizeV2",
        (np.float32([0, 1, 2, 9]), np.float32(0), np.float32(5.1)),
        (np.uint8([0, 50, 100, 255]).view(quint8.np), np.float32(0), np.float32(5.1)),
        {"T": quint8},
    ),
    Sample(
        "Dequantize",
        (plain.view(qint8.np), np.float32(-2), np.float32(2)),
        (plain * np.float64(2 / 127)).astype(np.float32),
        {"mode": "SCALED", "narrow_range": True},
    ),
    Sample(
        "Dequantize",
        (np.uint8([0, 50, 255]).view(quint8.np), np.float32(0), np.float32(5.1)),
        np.float32([0, 1, 5.1]),
    ),
]
