"""Measures several programs in processes of their own, which take turns.

Each side is a Python program that defines `work()`; a worker process runs it in bursts when
told to, so that a busy moment of the machine meets all sides, and the least time of a burst is
kept, because noise only ever adds. Real TensorFlow is found through PENSTOCK_PEER_PYTHON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent

_WORKER = """
import sys, time, os
out = os.fdopen(os.dup(1), "w"); os.dup2(2, 1)
namespace = {{}}
exec(compile(sys.stdin.read({length}), "side", "exec"), namespace)
work = namespace["work"]
for _ in range({warm}):
    work()
print("ready", file=out, flush=True)
for line in sys.stdin:
    calls = int(line)
    start = time.perf_counter()
    for _ in range(calls):
        work()
    print((time.perf_counter() - start) / calls, file=out, flush=True)
"""


@dataclass
class Side:
    """One program: source text that defines `work()`."""

    name: str
    source: str
    python: str = sys.executable
    environment: dict[str, str] = field(default_factory=dict)
    warm: int = 3


def peer_python() -> str | None:
    """The Python that has real TensorFlow, or None."""
    return os.environ.get("PENSTOCK_PEER_PYTHON")


def measure(sides, rounds=30, calls=20):
    """Least seconds of one call of each side, by name."""
    workers = {}
    for side in sides:
        environment = {
            **os.environ,
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "PYTHONPATH": str(_ROOT),
            **side.environment,
        }
        worker = subprocess.Popen(
            [side.python, "-c", _WORKER.format(length=len(side.source), warm=side.warm)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if "PENSTOCK_BENCH_VERBOSE" not in os.environ else None,
            text=True,
            env=environment,
        )
        worker.stdin.write(side.source)
        worker.stdin.flush()
        workers[side.name] = worker
    try:
        for name, worker in workers.items():
            if worker.stdout.readline().strip() != "ready":
                raise SystemExit(f"side {name!r} failed; PENSTOCK_BENCH_VERBOSE=1 shows why")
        best = dict.fromkeys(workers, float("inf"))
        for _ in range(rounds):
            for name, worker in workers.items():
                worker.stdin.write(f"{calls}\n")
                worker.stdin.flush()
                best[name] = min(best[name], float(worker.stdout.readline()))
        return best
    finally:
        for worker in workers.values():
            worker.stdin.close()
            worker.wait(timeout=60)


def report(question, best, limits):
    """Print one JSON line: microseconds of each side and the ratio of ours to the others.

    Returns:
        0 when every ratio is within its limit, else 1.
    """
    line = {"question": question}
    line.update({f"{name}_us": round(seconds * 1e6, 2) for name, seconds in best.items()})
    within = True
    for name, limit in limits.items():
        if name in best:
            ratio = best["penstock"] / best[name]
            line[f"ratio_to_{name}"] = round(ratio, 3)
            line[f"limit_to_{name}"] = limit
            within = within and ratio <= limit
    print(json.dumps(line))
    return 0 if within else 1


def both(source, warm=3):
    """The same program on penstock and, where there is one, on real TensorFlow."""
    sides = [Side("penstock", source.replace("MODULE", "penstock"), warm=warm)]
    if peer_python():
        sides.append(
            Side("tensorflow", source.replace("MODULE", "tensorflow"), peer_python(), warm=warm)
        )
    return sides
