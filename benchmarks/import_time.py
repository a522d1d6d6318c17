"""What `import penstock` adds to `import jax`, with the names that a program uses."""

import json
import subprocess
import sys
import time
from pathlib import Path

LIMIT = 0.25  # seconds
# Names are loaded with the first one, so the statement alone would say too little.
PROGRAM = "import penstock as tf; tf.constant"
_ROOT = Path(__file__).resolve().parent.parent


def seconds(program):
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True, cwd=_ROOT)
    return time.perf_counter() - start


def main(rounds=10):
    best = {"jax": float("inf"), "penstock": float("inf")}
    for _ in range(rounds):
        best["jax"] = min(best["jax"], seconds("import jax, jax.numpy"))
        best["penstock"] = min(best["penstock"], seconds(PROGRAM))
    added = best["penstock"] - best["jax"]
    line = {
        "question": "import penstock",
        "jax_s": best["jax"],
        "penstock_s": best["penstock"],
        "added_s": added,
        "limit_s": LIMIT,
    }
    print(json.dumps({k: round(v, 3) if isinstance(v, float) else v for k, v in line.items()}))
    return 0 if added <= LIMIT else 1


if __name__ == "__main__":
    raise SystemExit(main(2 if "--small" in sys.argv else 10))
