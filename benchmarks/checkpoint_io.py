"""What it costs to write and to read a checkpoint of one gigabyte.

Ours is on the disk when `write` returns (fsync of the values, the index and their directory);
TensorFlow's is in the memory of the system. Both check the checksums of all they read.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from sides import both, measure_cases, peer_python, report

PROGRAM = """
import os
import numpy as np
import MODULE as tf
folder = os.path.join(FOLDER, "MODULE")
os.makedirs(folder, exist_ok=True)
names = [f"v{i}" for i in range(COUNT)]
rng = np.random.default_rng(0)
made = {name: tf.Variable(rng.random((1024, COLUMNS), np.float32)) for name in names}
target = {name: tf.Variable(np.zeros((1024, COLUMNS), np.float32)) for name in names}
checkpoint, blank = tf.train.Checkpoint(**made), tf.train.Checkpoint(**target)
prefix = os.path.join(folder, "ckpt")
def write():
    checkpoint.write(prefix)
def read():
    blank.read(prefix).assert_consumed()
write()
CASES = {"write": write, "read": read}
"""

# How far the memory of a process rises above its weights while it saves or loads them.
PEAK = """
import os, resource, sys, threading, time
import numpy as np
import penstock as tf
made = {f"v{i}": tf.Variable(np.full((1024, COLUMNS), i, np.float32)) for i in range(COUNT)}
checkpoint = tf.train.Checkpoint(**made)
small = tf.train.Checkpoint(small=tf.Variable(1.0))
small.read(small.write(os.path.join(FOLDER, "warm")))
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
before = most = resident()
done = threading.Event()
def watch():
    global most
    while not done.is_set():
        most = max(most, resident())
        time.sleep(0.002)
watcher = threading.Thread(target=watch)
watcher.start()
checkpoint.WORK
done.set()
watcher.join()
weights = COUNT * 1024 * COLUMNS * 4
print((weights + most - before) / weights)
"""


_FEW_MB = 100  # the rest of a process would count for more


def main(count=64, columns=4096, rounds=3):
    with tempfile.TemporaryDirectory() as folder:
        names = {"COUNT": str(count), "COLUMNS": str(columns), "FOLDER": repr(folder)}
        program, peak = (_filled(text, names) for text in (PROGRAM, PEAK))
        best = measure_cases(both(program), ["write", "read"], rounds=rounds)
        size = count * columns * 4096 / 1e6
        failed = 0
        for case, seconds in best.items():
            failed += report(f"{case} {size:.0f} MB", seconds, {"tensorflow": 1.0})
        for case in ("write", "read") if size > _FEW_MB else ():
            failed += _peak(peak.replace("WORK", f"{case}({folder + '/peak'!r})"), case, size)
    return 1 if failed else 0


def _filled(text, names):
    for name, value in names.items():
        text = text.replace(name, value)
    return text


def _peak(program, case, size, limit=1.2):
    run = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)},
    )
    ratio = float(run.stdout)
    question = f"peak memory by the weights, {case} {size:.0f} MB"
    print(json.dumps({"question": question, "ratio": round(ratio, 3), "limit": limit}))
    return ratio > limit


if __name__ == "__main__":
    small = "--small" in sys.argv
    if not peer_python():
        print(
            "PENSTOCK_PEER_PYTHON names no Python with TensorFlow: ours alone", file=sys.stderr
        )
    raise SystemExit(main(count=4, columns=256, rounds=1) if small else main())
