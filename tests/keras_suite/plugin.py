"""Pytest plugin that runs the tests of the Keras wheel on penstock.

It takes the place of the `conftest.py` that lies in Keras' repository and not in its wheel.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType

os.environ["KERAS_BACKEND"] = "tensorflow"

import penstock

penstock.install_as_tensorflow()

import keras  # noqa: E402
import pytest  # noqa: E402

from tests.keras_suite import narrow_jax  # noqa: E402

narrow_jax.install()

KERAS = Path(keras.__file__).parent
KNOWN_FAILURES = Path(__file__).with_name("known_failures.toml")


def _skip_if_backend(given_backend, reason):
    return pytest.mark.skipif(keras.config.backend() == given_backend, reason=reason)


# Tests import this name from Keras' own conftest.
_conftest = ModuleType("conftest")
_conftest.skip_if_backend = _skip_if_backend
sys.modules["conftest"] = _conftest


def known_failures():
    """Reasons by test, `file::Class::test` below the Keras package; a final `*` matches any."""
    with KNOWN_FAILURES.open("rb") as file:
        groups = tomllib.load(file)["group"]
    return {test: group["reason"] for group in groups for test in group["tests"]}


# Packages that some test files import and that need not be there.
OPTIONAL = ("grain", "orbax", "pandas", "tensorboard", "tf2onnx", "torch")
_absent = [name for name in OPTIONAL if importlib.util.find_spec(name) is None]
_IMPORT = re.compile(rf"^(?:import|from) ({'|'.join(_absent) or '-'})\b", re.MULTILINE)
_left_out = []


def pytest_ignore_collect(collection_path):
    if not collection_path.name.endswith("_test.py"):
        return None
    found = _IMPORT.search(collection_path.read_text())
    if found is None:
        return None
    _left_out.append(f"{collection_path.relative_to(KERAS)}: {found.group(1)} is not installed")
    return True


def pytest_terminal_summary(terminalreporter):
    for line in _left_out:
        terminalreporter.write_line(f"left out {line}")


def pytest_configure(config):
    config.addinivalue_line("markers", "requires_trainable_backend: needs gradients")
    config.addinivalue_line("markers", "multi_device: needs several devices")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--with-known-failures"):
        return
    exact = known_failures()
    prefixes = {name[:-1]: reason for name, reason in exact.items() if name.endswith("*")}
    for item in items:
        name = _name(item)
        reason = exact.get(name)
        if reason is None:
            reason = next((r for p, r in prefixes.items() if name.startswith(p)), None)
        if reason is not None:
            item.add_marker(pytest.mark.skip(reason=f"known failure: {reason}"))


def _name(item):
    path, _, rest = item.nodeid.partition("::")
    relative = Path(item.path).relative_to(KERAS)
    return f"{relative.as_posix()}::{rest}" if path else item.nodeid


def pytest_addoption(parser):
    parser.addoption(
        "--with-known-failures",
        action="store_true",
        help="run the tests that are known to fail too",
    )
