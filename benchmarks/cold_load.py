"""How long does a fresh process take to import, to load a SavedModel and to answer once?

Run it with the folder of a SavedModel, or without one: then a MobileNet of Keras is exported.
Each side is a process, timed from its start to its end; they take turns, and the least time is
kept. Ours is timed twice: compiling everything, and as it is by default, with what an earlier
process compiled (the folder is empty before the first one). Real TensorFlow is found through
PENSTOCK_PEER_PYTHON.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sides import Seconds, both, report

LIMIT = 0.4

PROGRAM = """
import sys
import MODULE as tf
model = tf.saved_model.load(sys.argv[1])
function = model.signatures["serving_default"]
_, inputs = function.structured_input_signature
filled = {
    name: tf.zeros([size or 1 for size in spec.shape], spec.dtype)
    for name, spec in inputs.items()
}
for value in function(**filled).values():
    value.numpy()
"""

EXPORT = """
import sys
import penstock as tf
keras = tf.keras
model = keras.applications.MobileNet((64, 64, 3), alpha=0.25, weights=None, classes=10)
model.export(sys.argv[1], verbose=False)
"""

_ROOT = Path(__file__).resolve().parent.parent


def run(python, program, model, executables="0"):
    """Seconds of a whole process."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(_ROOT),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PENSTOCK_EXECUTABLES": executables,
    }
    # An installed package comes with its bytecode; that of a checkout is kept by the first run.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run(
        [python, "-c", program, model],
        check=True,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=None if "PENSTOCK_BENCH_VERBOSE" in os.environ else subprocess.DEVNULL,
    )
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Seconds(wall, cpu)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", help="folder of a SavedModel")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--small", action="store_true", help="one round")
    chosen = parser.parse_args()
    rounds = 1 if chosen.small else chosen.rounds
    with tempfile.TemporaryDirectory() as folder:
        model = chosen.model
        if model is None:
            model = str(Path(folder, "mobilenet"))
            run(sys.executable, EXPORT, model)
        ours, *peers = both(PROGRAM)
        kept = str(Path(folder, "executables"))
        run(ours.python, ours.source, model, kept)
        least = dict.fromkeys(
            ("compiled", "kept", *(peer.name for peer in peers)), Seconds("inf")
        )
        for _ in range(rounds):
            spent = {
                "compiled": run(ours.python, ours.source, model),
                "kept": run(ours.python, ours.source, model, kept),
                **{peer.name: run(peer.python, peer.source, model) for peer in peers},
            }
            least = {name: least[name].least(spent[name]) for name in least}
    failed = 0
    theirs = {peer.name: least[peer.name] for peer in peers}
    for case in ("compiled", "kept"):
        question = f"a cold process answers once, executables {case}"
        failed += report(question, {"penstock": least[case], **theirs}, {"tensorflow": LIMIT})
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
