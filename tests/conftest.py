"""The conditions under which every test runs."""

import os

# Read by XLA when it starts, hence before the first import of jax: two devices, so that no test
# passes only because there is a single one.
os.environ["XLA_FLAGS"] = (
    os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=2"
).strip()

from hypothesis import settings

# A fixed seed: a failure found once is found again. No deadline: a compile may take a second.
settings.register_profile("penstock", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("penstock")
