"""Test files that import packages which need not be there."""

from __future__ import annotations

import importlib.util
import re

OPTIONAL = (
    "ai_edge_litert",
    "grain",
    "onnxruntime",
    "orbax",
    "pandas",
    "tensorboard",
    "tf2onnx",
    "torch",
)
_absent = [name for name in OPTIONAL if importlib.util.find_spec(name) is None]
_IMPORT = re.compile(rf"^(?:import|from) ({'|'.join(_absent) or '-'})\b", re.MULTILINE)


def package_missing_in(path):
    """Name of a package that a file imports and that is not installed, or None."""
    found = _IMPORT.search(path.read_text())
    return None if found is None else found.group(1)
