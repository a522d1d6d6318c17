"""Damages and reads files of one kind. Usage: child.py KIND FOLDER FIRST LAST.

Writes a line before and after each file, so that the parent knows which one killed the program
or does not end: `> NUMBER` and `< NUMBER`; and `! NUMBER WHY` for what must not happen.
"""

import random
import resource
import sys
import time
import traceback
import warnings
from pathlib import Path

from penstock.core.errors import OpError
from tests.fuzz.kinds import KINDS

SECONDS = 10
# What reading takes whatever the size of the file is: modules, caches, compiled computations.
FLOOR = 48 << 20


def most():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main(name, folder, first, last):
    warnings.simplefilter("ignore")
    folder.mkdir(parents=True, exist_ok=True)
    kind = KINDS[name](folder)
    before = None
    refused = 0
    for number in range(first, last):
        size = kind.make(random.Random(f"{name} {number}"))  # noqa: S311
        print(">", number, flush=True)
        start = time.monotonic()
        try:
            kind.read()
        except kind.errors as error:
            refused += 1
            if isinstance(error, OpError) and not error.message:
                print("!", number, f"an empty message of {type(error).__name__}", flush=True)
        except BaseException as error:  # noqa: BLE001  (that is what is looked for)
            where = traceback.extract_tb(error.__traceback__)[-1]
            what = f"{type(error).__name__}: {error} at {where.filename}:{where.lineno}"
            print("!", number, " ".join(what.split())[:400], flush=True)
        if time.monotonic() - start > SECONDS:
            print("!", number, f"took {time.monotonic() - start:.0f} s", flush=True)
        used = most()
        if before is not None and used - before > max(10 * size, FLOOR):
            print("!", number, f"took {used - before} bytes for {size}", flush=True)
        before = used
    print("= refused", refused, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
