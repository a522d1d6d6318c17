"""How long does a server take from its start to its first answer, and how much memory?

The model is an MLP 784-512-512-10. `penstock serve` starts with the executables of an earlier
start beside the model, and without; real TensorFlow (PENSTOCK_PEER_PYTHON) loads the same
SavedModel and runs it once. Each side is a process; they take turns, and the least time is
kept. Run with `--rounds 1` for a quick look.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from benchmarks.sides import peer_python

LIMIT_S = 1.5
LIMIT_TO_TENSORFLOW = 0.35
LIMIT_MIB = 320

_ROOT = Path(__file__).resolve().parent.parent
_BODY = json.dumps({"instances": [[0.5] * 784]}).encode()

SAVE = """
import sys
from penstock import keras
keras.utils.set_random_seed(1)
dense = keras.layers.Dense
layers = [dense(512, "relu"), dense(512, "relu"), dense(10, "softmax")]
model = keras.Sequential([keras.Input((784,), name="x"), *layers])
model.export(sys.argv[1])
"""
PEER = """
import sys
import tensorflow as tf
function = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
(name,) = function.structured_input_signature[1]
print(function(**{name: tf.fill((1, 784), 0.5)}), flush=True)
print([line for line in open("/proc/self/status") if line.startswith("VmRSS")][0])
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder, "mlp")
        save(base / "1")
        serve(base)
        sides = {
            "penstock": lambda: serve(base),
            "without_executables": lambda: serve(base, "--executable_cache=off"),
        }
        if peer_python():
            sides["tensorflow"] = lambda: peer(base / "1")
        best = {name: (float("inf"), float("inf")) for name in sides}
        for _ in range(rounds):
            for name, side in sides.items():
                best[name] = tuple(map(min, best[name], side()))
    line = {"question": "cold start to the first answer", "load": os.getloadavg()[0]}
    for name, (seconds, mib) in best.items():
        line[f"{name}_s"], line[f"{name}_rss_mib"] = round(seconds, 3), round(mib)
    seconds, mib = best["penstock"]
    within = seconds <= LIMIT_S and mib <= LIMIT_MIB
    line["limit_s"], line["limit_rss_mib"] = LIMIT_S, LIMIT_MIB
    if "tensorflow" in best:
        ratio = seconds / best["tensorflow"][0]
        line["ratio_to_tensorflow"] = round(ratio, 3)
        line["limit_to_tensorflow"] = LIMIT_TO_TENSORFLOW
        within = within and ratio <= LIMIT_TO_TENSORFLOW
    print(json.dumps(line))
    return 0 if within else 1


def save(folder):
    environment = {**os.environ, "PYTHONPATH": str(_ROOT), "KERAS_BACKEND": "tensorflow"}
    command = [sys.executable, "-c", SAVE, str(folder)]
    subprocess.run(command, check=True, capture_output=True, env=environment)


def serve(base, *options):
    """Seconds to the first answer, and MiB resident a moment later."""
    port = 20_000 + os.getpid() % 20_000
    command = [
        *(sys.executable, "-m", "penstock", "serve", "--model_name=mlp"),
        *(f"--model_base_path={base}", f"--rest_api_port={port}", *options),
    ]
    environment = {
        **os.environ,
        "PYTHONPATH": str(_ROOT),
        "XDG_CACHE_HOME": str(base.parent / "none" if options else base.parent),
        "PENSTOCK_EXECUTABLES": "0",
    }
    start = time.perf_counter()
    server = subprocess.Popen(command, stderr=subprocess.PIPE, env=environment)
    try:
        url = f"http://127.0.0.1:{port}/v1/models/mlp:predict"
        while True:
            try:
                urllib.request.urlopen(url, _BODY, timeout=30).read()
                break
            except OSError:
                if server.poll() is not None:
                    raise SystemExit(server.stderr.read().decode()) from None
                time.sleep(0.005)
        seconds = time.perf_counter() - start
        time.sleep(2)  # what was left for later is done
        status = Path(f"/proc/{server.pid}/status").read_text(encoding="ascii")
        return seconds, resident_mib(status)
    finally:
        server.terminate()
        server.wait(30)
        server.stderr.close()


def peer(folder):
    """The same for the TensorFlow runtime: import, load, one call."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [peer_python(), "-c", PEER, str(folder)]
    start = time.perf_counter()
    done = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, text=True
    )
    done.stdout.readline()
    seconds = time.perf_counter() - start
    rest = done.stdout.read()
    done.wait(30)
    return seconds, resident_mib(rest)


def resident_mib(status):
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


if __name__ == "__main__":
    sys.exit(main())
