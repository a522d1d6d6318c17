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
import importlib.util, pathlib, sys, tempfile, time, os
out = os.fdopen(os.dup(1), "w"); os.dup2(2, 1)
# AutoGraph reads the source of functions: they need a file and a module.
folder = tempfile.TemporaryDirectory()
path = pathlib.Path(folder.name, "side.py")
path.write_text(sys.stdin.read({length}))
spec = importlib.util.spec_from_file_location("side", path)
side = sys.modules["side"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(side)
namespace = vars(side)
cases = namespace.get("CASES") or {{"": namespace["work"]}}
if "" in cases:
    for _ in range({warm}):
        cases[""]()
print("ready", file=out, flush=True)
for line in sys.stdin:
    calls, _, case = line.strip().partition(" ")
    calls, work = int(calls), cases[case]
    if case:
        work()
        start = time.perf_counter()
        settle(work())
        calls = max(1, min(200, int(calls * 1e-6 / (time.perf_counter() - start))))
    start, before = time.perf_counter(), time.process_time()
    for _ in range(calls):
        settle(work())
    spent = time.perf_counter() - start, time.process_time() - before
    print(*(each / calls for each in spent), file=out, flush=True)
"""

# XLA answers before it has computed: one call ends when its value is there.
_SETTLE = """
def settle(value):
    for each in value if isinstance(value, (list, tuple)) else (value,):
        wait = getattr(getattr(each, "_value", None), "block_until_ready", None)
        if wait is not None:
            wait()
"""


class Seconds(float):
    """Seconds of a clock, and those that processors worked, on all threads together."""

    def __new__(cls, wall, cpu=float("inf")):
        self = super().__new__(cls, wall)
        self.cpu = cpu
        return self

    def least(self, other):
        return Seconds(min(self, other), min(self.cpu, other.cpu))


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
    return _measure(sides, {"": calls}, rounds)[""]


def measure_cases(sides, cases, rounds=7, microseconds=3000, hopeless=float("inf")):
    """Least seconds of one call by case and side, of sides that define `CASES` by name.

    Each measurement lasts about `microseconds`, and one call at least. A side whose processors
    work so many times longer than another's after two rounds, as `hopeless` says, is not asked
    again.
    """
    return _measure(sides, dict.fromkeys(cases, microseconds), rounds, hopeless)


def _measure(sides, cases, rounds, hopeless=float("inf")):
    workers = {}
    try:
        for side in sides:
            workers[side.name] = _start(side)
        for name, worker in workers.items():
            if worker.stdout.readline().strip() != "ready":
                raise SystemExit(f"side {name!r} failed; PENSTOCK_BENCH_VERBOSE=1 shows why")
        best = {case: dict.fromkeys(workers, Seconds("inf")) for case in cases}
        for case, calls in cases.items():
            for turn in range(rounds):
                for name, worker in workers.items():
                    if turn >= 2 and _is_hopeless(best[case], name, hopeless):
                        continue
                    worker.stdin.write(f"{calls} {case}\n")
                    worker.stdin.flush()
                    answer = worker.stdout.readline()
                    if not answer:
                        raise SystemExit(f"side {name!r} failed at {case!r}")
                    spent = Seconds(*map(float, answer.split()))
                    best[case][name] = best[case][name].least(spent)
        return best
    finally:
        for worker in workers.values():
            worker.stdin.close()
            worker.wait(timeout=60)


def _is_hopeless(best, name, times):
    """Whether a side is so many times slower than another by the clock and by processors."""
    own = best[name]
    return own > times * min(best.values()) and own.cpu > times * min(
        each.cpu for each in best.values()
    )


def _start(side):
    worker = subprocess.Popen(
        [
            side.python,
            "-c",
            _SETTLE + _WORKER.format(length=len(side.source), warm=side.warm),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if "PENSTOCK_BENCH_VERBOSE" not in os.environ else None,
        text=True,
        env={
            **os.environ,
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "PYTHONPATH": str(_ROOT),
            **side.environment,
        },
    )
    worker.stdin.write(side.source)
    worker.stdin.flush()
    return worker


def report(question, best, limits):
    """Print one JSON line: microseconds of each side and the ratio of ours to the others.

    The time that processors worked is told beside it: others on the machine change it less.
    The limits are those of the clock's.

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
            ours, theirs = (getattr(best[side], "cpu", 0) for side in ("penstock", name))
            if theirs:
                line[f"cpu_ratio_to_{name}"] = round(ours / theirs, 3)
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
