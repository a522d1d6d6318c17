"""Pytest plugin that runs the tests of the Keras wheel on penstock.

It takes the place of the `conftest.py` that lies in Keras' repository and not in its wheel.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType

os.environ["KERAS_BACKEND"] = "tensorflow"

import penstock

penstock.install_as_tensorflow()

import keras  # noqa: E402
import pytest  # noqa: E402

from tests.keras_suite import known, narrow_jax  # noqa: E402
from tests.keras_suite.absent import package_missing_in  # noqa: E402

narrow_jax.install()

KERAS = Path(keras.__file__).parent


def _skip_if_backend(given_backend, reason):
    return pytest.mark.skipif(keras.config.backend() == given_backend, reason=reason)


# Tests import this name from Keras' own conftest.
_conftest = ModuleType("conftest")
_conftest.skip_if_backend = _skip_if_backend
sys.modules["conftest"] = _conftest


_left_out = []


def pytest_ignore_collect(collection_path):
    if not collection_path.name.endswith("_test.py"):
        return None
    package = package_missing_in(collection_path)
    if package is None:
        return None
    _left_out.append(f"{collection_path.relative_to(KERAS)}: {package} is not installed")
    return True


def pytest_terminal_summary(terminalreporter):
    for line in _left_out:
        terminalreporter.write_line(f"left out {line}")


def pytest_configure(config):
    config.addinivalue_line("markers", "requires_trainable_backend: needs gradients")
    config.addinivalue_line("markers", "multi_device: needs several devices")


def pytest_addoption(parser):
    parser.addoption(
        "--update-known-failures",
        action="store_true",
        help="write the tests that fail into the list, and take those that pass out of it",
    )


def pytest_collection_modifyitems(config, items):
    if config.getoption("--update-known-failures"):
        return
    reasons, _ = known.load()
    for item in items:
        reason = reasons.get(name_of(item))
        if reason is not None:
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))


_ran = set()
_failed = {}


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    name = name_of(item)
    if report.failed:
        error = call.excinfo
        _failed.setdefault(name, known.reason_of(f"{error.typename}: {error.value}"))
    if report.when == "call" and not report.skipped:
        _ran.add(name)


def pytest_sessionfinish(session):
    if session.config.getoption("--update-known-failures"):
        known.update(_ran | set(_failed), _failed)


def name_of(item):
    """Name of a test in the list: `file::Class::test` below the Keras package."""
    _, _, rest = item.nodeid.partition("::")
    return f"{Path(item.path).relative_to(KERAS).as_posix()}::{rest}"
