"""`import penstock` is quick and quiet, and brings nothing that it does not need."""

import subprocess
import sys

HEAVY = {
    "keras",
    "grpc",
    "google.protobuf",
    "tensorflow",
    "sklearn",
    "scipy.stats",
    "rich",
    "h5py",
}


def run_python(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        check=False,
    )


def test_import_loads_nothing_heavy():
    done = run_python("import sys, penstock; print(*sys.modules)")

    assert done.returncode == 0, done.stderr
    assert HEAVY & set(done.stdout.split()) == set()


def test_import_prints_nothing():
    done = run_python("import penstock")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
