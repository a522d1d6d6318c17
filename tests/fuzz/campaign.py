"""Runs `child.py` over many damaged files, and goes on behind those that end it.

Usage: campaign.py COUNT [KIND...]; prints one JSON line for each kind.
"""

import json
import selectors
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Twice what one file may take: the child itself tells of those between.
PATIENCE_S = 20


def run(kind, count, folder, first=0):
    """What went wrong: number -> why."""
    wrong = {}
    start, end = first, first + count
    while start < end:
        command = [sys.executable, "-W", "ignore", "-m", "tests.fuzz.child"]
        command += [kind, str(folder / str(start)), str(start), str(end)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
        ) as child:
            current, hung = _follow(child, wrong)
            if hung:
                child.kill()
            errors = child.communicate()[1]
        if hung:
            wrong[current] = f"took more than {PATIENCE_S} s"
        elif child.returncode:
            wrong[current] = f"ended with {child.returncode}: {errors[-300:]}"
        else:
            break
        if current is None:
            break
        start = current + 1
    return wrong


def _follow(child, wrong):
    """Read what a child says, until it ends or is silent for too long."""
    current = None
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while True:
            # The first file waits for the imports.
            wait = PATIENCE_S if current is not None else 120
            if not selector.select(wait):
                return current, True
            line = child.stdout.readline()
            if not line:
                return current, False
            mark, _, rest = line.strip().partition(" ")
            number, _, why = rest.partition(" ")
            if mark == ">":
                current = int(number)
            elif mark == "!":
                wrong[int(number)] = why


def main(count, kinds):
    from tests.fuzz.kinds import KINDS

    for kind in kinds or KINDS:
        start = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            wrong = run(kind, count, Path(folder))
        seconds = round(time.monotonic() - start)
        outcome = {"kind": kind, "files": count, "seconds": seconds, "wrong": len(wrong)}
        print(json.dumps({**outcome, "first": dict(list(wrong.items())[:20])}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
