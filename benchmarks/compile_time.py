"""How long does the first train step of a net take, beside Keras on plain JAX?

Each net of `nets.py` is trained for one step by `model.fit` in a process of its own, without
executables or caches of earlier ones: making the trainer's function, tracing, lowering and
compiling are all of what is measured, since the step itself takes milliseconds. Sides take
turns, and the least time is kept; the time that processors worked stands beside the clock's.
A second process of ours, with the executables that the first one kept, tells what a start
costs afterwards. The limit beside JAX is for all nets together. `--rounds=N` says how often,
other words choose nets by their names.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
NETS = ("MLP", "CNN", "LSTM", "Transformer")
LIMIT = 1.0
LIMIT_AGAIN = 0.4

# A tiny model of another shape is trained first: what every program pays once, such as reading
# the modules of Keras' trainer, is not what is asked.
_CHILD = """
import os, sys, time
os.environ["KERAS_BACKEND"] = "WHICH"
PREPARE
sys.path.insert(0, "FOLDER")
import keras
import numpy as np
import nets_keras
warm = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2)])
warm.compile("sgd", "mse")
warm.fit(np.zeros((2, 3), "float32"), np.zeros((2, 2), "float32"), verbose=0)
keras.utils.set_random_seed(0)
model, x = nets_keras.TRAINED["NET"]()
y = nets_keras._classes()
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile("adam", loss, jit_compile=JIT)
x, y = x[: nets_keras.BATCH], y[: nets_keras.BATCH]
before = time.perf_counter(), time.process_time()
model.fit(x, y, batch_size=nets_keras.BATCH, shuffle=False, verbose=0)
print(time.perf_counter() - before[0], time.process_time() - before[1])
"""
_OURS = ("tensorflow", "import penstock; penstock.install_as_tensorflow()", "False")
_JAX = ("jax", "", '"auto"')


def first_step(net, side, executables):
    """Seconds of the clock and of the processors until the first step is done."""
    backend, prepare, jit = side
    source = _CHILD.replace("WHICH", backend).replace("PREPARE", prepare)
    source = source.replace("FOLDER", str(HERE)).replace("NET", net).replace("JIT", jit)
    environment = {
        **os.environ,
        "PYTHONPATH": str(HERE.parent),
        "PENSTOCK_EXECUTABLES": executables,
        "JAX_ENABLE_COMPILATION_CACHE": "true" if executables != "0" else "false",
    }
    done = subprocess.run(
        [sys.executable, "-c", source],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"the first step of {net} failed:\n{done.stderr[-2000:]}")
    return tuple(map(float, done.stdout.split()[-2:]))


def measured(net, rounds):
    """Least wall and processor seconds by side."""
    best = {}

    def note(side, spent):
        best[side] = tuple(map(min, best.get(side, spent), spent))

    for _ in range(rounds):
        note("jax", first_step(net, _JAX, "0"))
        note("penstock", first_step(net, _OURS, "0"))
        with tempfile.TemporaryDirectory() as folder:
            note("penstock_keeping", first_step(net, _OURS, folder))
            note("penstock_again", first_step(net, _OURS, folder))
    return best


def main(arguments):
    rounds = 3
    chosen = []
    for argument in arguments:
        if argument.startswith("--rounds="):
            rounds = int(argument.partition("=")[2])
        elif argument == "--small":
            rounds, chosen = 1, ["MLP"]
        else:
            chosen.append(argument)
    within = True
    total = {"jax": 0.0, "penstock": 0.0}
    for net in [net for net in NETS if not chosen or any(word in net for word in chosen)]:
        best = measured(net, rounds)
        line = {"question": f"first train step of {net}"}
        for side, (wall, cpu) in best.items():
            line[f"{side}_s"], line[f"{side}_cpu_s"] = round(wall, 3), round(cpu, 3)
        ratio = best["penstock"][0] / best["jax"][0]
        again = best["penstock_again"][0] / best["penstock_keeping"][0]
        line["ratio_to_jax"] = round(ratio, 3)
        line["cpu_ratio_to_jax"] = round(best["penstock"][1] / best["jax"][1], 3)
        line["ratio_again"], line["limit_again"] = round(again, 3), LIMIT_AGAIN
        line["load"] = round(os.getloadavg()[0], 1)
        print(json.dumps(line), flush=True)
        total = {side: total[side] + best[side][0] for side in total}
        within = within and again <= LIMIT_AGAIN
    ratio = total["penstock"] / total["jax"]
    line = {"question": "first train steps of all", "ratio_to_jax": round(ratio, 3)}
    print(json.dumps({**line, "limit_to_jax": LIMIT}))
    within = within and ratio <= LIMIT
    return 0 if within else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
