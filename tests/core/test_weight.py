import subprocess
import sys
from pathlib import Path

from penstock.core import dtypes

# The package's own __init__ loads higher rooms, so it is left out.
SCRIPT = """
import importlib, pkgutil, sys, types
package = sys.modules["penstock"] = types.ModuleType("penstock")
package.__path__ = [sys.argv[1]]
core = importlib.import_module("penstock.core")
for module in pkgutil.iter_modules(core.__path__):
    importlib.import_module(f"penstock.core.{module.name}")
print(*{name.partition(".")[0] for name in sys.modules})
"""


def test_core_needs_numpy_and_ml_dtypes_only():
    package = str(Path(dtypes.__file__).parents[1])

    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, package], capture_output=True, text=True, check=True
    )

    loaded = set(done.stdout.split())
    assert {"numpy", "ml_dtypes"} <= loaded
    assert loaded & {"jax", "jaxlib", "scipy", "keras", "tensorflow", "attr", "wrapt"} == set()
