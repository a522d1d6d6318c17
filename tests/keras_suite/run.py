"""Runs test files of the Keras wheel on penstock.

Usage: python tests/keras_suite/run.py [keras/src/ops ...] [pytest options]

Paths are those inside the wheel; without one the whole suite runs. The tests of
`known_failures.toml` must fail; `--update-known-failures` brings that list up to date.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
# What pytest exits with when it found no test.
NOTHING_COLLECTED = 5


def main(arguments):
    sys.path.insert(0, str(REPOSITORY))
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])]
    )
    import pytest

    targets = [each for each in arguments if each.startswith("keras/")]
    options = [each for each in arguments if not each.startswith("keras/")]
    packages = Path(importlib.util.find_spec("keras").origin).parents[1]
    paths = [packages / each for each in targets or ["keras/src"]]
    paths = [path for path in paths if not _left_out(path)]
    if not paths:
        return NOTHING_COLLECTED
    with tempfile.TemporaryDirectory() as scratch:
        # An empty configuration: the project's own turns warnings into errors.
        settings = Path(scratch, "pytest.ini")
        settings.write_text("[pytest]\npython_files = *_test.py\n")
        return pytest.main(
            [
                "-c",
                str(settings),
                f"--rootdir={packages}",
                "-p",
                "tests.keras_suite.plugin",
                "-p",
                "no:cacheprovider",
                "--import-mode=importlib",
                "-q",
                *options,
                *map(str, paths),
            ]
        )


def _left_out(path):
    """Whether a file cannot be imported here; pytest itself asks that of folders only."""
    from tests.keras_suite.absent import package_missing_in

    package = package_missing_in(path) if path.is_file() else None
    if package is not None:
        print(f"left out {path.name}: {package} is not installed")
    return package is not None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
