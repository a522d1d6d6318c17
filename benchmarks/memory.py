"""Whether memory grows: models made, fitted and deleted, and predictions of one row."""

import gc
import json
import sys
from pathlib import Path

import numpy as np

from penstock import keras

FIT_LIMIT = 0.05  # MB an iteration
PREDICT_LIMIT = 0.1  # KB a call


def resident():
    """Bytes of this process that are in memory."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    raise SystemExit("no VmRSS in /proc/self/status: this needs Linux")


def model():
    made = keras.Sequential(
        [keras.Input((16,)), keras.layers.Dense(16, activation="relu"), keras.layers.Dense(4)]
    )
    made.compile("adam", "mse")
    return made


def slope(values, step):
    """Growth by one iteration: a line through what was measured every `step` iterations."""
    return float(np.polyfit(np.arange(len(values)) * step, values, 1)[0])


def report(question, growth, limit, unit, measured):
    line = {
        "question": question,
        f"growth_{unit}": round(growth, 4),
        f"limit_{unit}": limit,
        "resident_mb": [round(each / 2**20, 1) for each in measured],
    }
    print(json.dumps(line), flush=True)
    return int(growth > limit)


def fits(count, warm, step):
    x, y = np.zeros((32, 16), np.float32), np.zeros((32, 4), np.float32)
    measured = []
    for i in range(warm + count):
        made = model()
        made.fit(x, y, verbose=0)
        del made
        keras.backend.clear_session()
        if i >= warm and (i - warm) % step == 0:
            gc.collect()
            measured.append(resident())
    growth = slope(measured, step) / 2**20
    return report("a model made, fitted and deleted", growth, FIT_LIMIT, "mb", measured)


def predictions(count, warm, step):
    made = model()
    row = np.zeros((1, 16), np.float32)
    measured = []
    for i in range(warm + count):
        made.predict(row, verbose=0)
        if i >= warm and (i - warm) % step == 0:
            gc.collect()
            measured.append(resident())
    growth = slope(measured, step) / 2**10
    return report("a prediction of one row", growth, PREDICT_LIMIT, "kb", measured)


def main(small=False):
    status = predictions(*((300, 50, 50) if small else (10_000, 1_000, 500)))
    return status | fits(*((20, 5, 5) if small else (300, 50, 10)))


if __name__ == "__main__":
    raise SystemExit(main("--small" in sys.argv))
