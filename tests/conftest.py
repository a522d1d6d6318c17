"""The conditions under which every test runs."""

import os
import sys

# Read by XLA when it starts, hence before the first import of jax: two devices, so that no test
# passes only because there is a single one.
os.environ["XLA_FLAGS"] = (
    os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=2"
).strip()

# What a test compiles is not kept for the next run: a test that passes only because of what an
# earlier one compiled would say nothing.
os.environ.setdefault("PENSTOCK_EXECUTABLES", "0")

import pytest
from hypothesis import settings

# A fixed seed: a failure found once is found again. No deadline: a compile may take a second.
settings.register_profile("penstock", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("penstock")


@pytest.fixture(autouse=True)
def _global_seed_of_a_test_ends_with_it():
    yield
    random_state = sys.modules.get("penstock.runtime.random_state")
    if random_state is not None and random_state.global_seed() is not None:
        random_state.set_seed(None)
