"""Prints how long the messages of common mistakes are, beside real TensorFlow's.

Usage: PENSTOCK_PEER_PYTHON=<python with tensorflow> python -m tests.conformance.mistakes.table
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.conformance.mistakes.programs import MISTAKES

_HEADER = {
    "penstock": "import penstock as tf\nimport penstock.keras as keras\n",
    "tensorflow": "import tensorflow as tf\nimport keras\n",
}


def message(python, module, mistake):
    """The lines that a program prints when it fails, from the traceback on."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "program.py")
        # One line more or less before the program does not change what is printed.
        path.write_text(_HEADER[module] + mistake.program)
        done = subprocess.run(
            [python, str(path)],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"},
        )
    lines = done.stderr.replace(f"{folder}/", "").strip().splitlines()
    starts = [i for i, line in enumerate(lines) if line.startswith("Traceback")]
    return lines[starts[0] :] if starts else []


def main():
    peer = os.environ.get("PENSTOCK_PEER_PYTHON")
    print("| mistake | penstock | TensorFlow 2.21 | penstock's last line |")
    print("|---|---|---|---|")
    for mistake in MISTAKES:
        ours = message(sys.executable, "penstock", mistake)
        theirs = message(peer, "tensorflow", mistake) if peer else []
        last = ours[-1].replace("|", "\\|") if ours else "no error"
        name = mistake.name.replace("_", " ")
        shown = len(theirs) if peer else "-"
        print(f"| {name} | {len(ours)} | {shown} | `{last}` |", flush=True)


if __name__ == "__main__":
    main()
