"""Runs the programs of this folder against one of the two sides and writes what they give.

Usage: runner.py {penstock,tensorflow} OUTPUT.json [GROUP ...]
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import sys
import warnings
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent
GROUPS = (
    "autograph",
    "branches",
    "loops",
    "dynamic",
    "gradients",
    "traces",
    "refusals",
    "mixtures",
    "idioms",
    "corners",
)

PUBLIC_ERRORS = (
    "FailedPreconditionError",
    "InvalidArgumentError",
    "NotFoundError",
    "OperatorNotAllowedInGraphError",
    "OutOfRangeError",
    "UnimplementedError",
)


def programs_of(group):
    """The programs of a group, by name: functions of `tf`."""
    path = FOLDER / f"{group}.py"
    name = f"penstock_conformance_programs_{group}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    module = sys.modules[name]
    return {
        key: value
        for key, value in vars(module).items()
        if callable(value)
        and getattr(value, "__module__", None) == name
        and not key.startswith("_")
    }


def _number(value):
    if isinstance(value, complex):
        return {"complex": [_number(value.real), _number(value.imag)]}
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    return value


def plain(value):
    """A result as JSON: arrays with their dtype and shape, nests as lists and dicts."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, (int, float, complex)):
        return _number(value)
    if isinstance(value, bytes):
        return {"bytes": value.decode("latin-1")}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in sorted(value.items(), key=str)}
    if hasattr(value, "row_splits") and hasattr(value, "to_list"):
        return {"ragged": plain(value.to_list()), "dtype": value.dtype.name}
    if hasattr(value, "dense_shape") and hasattr(value, "indices"):
        parts = (value.indices, value.values, value.dense_shape)
        return {"sparse": [plain(part) for part in parts if part is not None]}
    if hasattr(value, "as_list") and hasattr(value, "rank"):
        return {"shape": None if value.rank is None else value.as_list()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray | np.generic) or hasattr(value, "numpy"):
        array = np.asarray(value.numpy() if hasattr(value, "numpy") else value)
        kind = "string" if array.dtype.kind in "OS" else array.dtype.name
        flat = [plain(item) for item in array.reshape(-1).tolist()]
        return {"array": flat, "dtype": kind, "dims": list(array.shape)}
    raise TypeError(f"a program must not return {type(value).__name__}")


def result_of(program, tf):
    """What a program gives as JSON, or the class of the error that it raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return {"result": plain(program(tf))}
        except Exception as error:  # noqa: BLE001  (an error is a result to compare)
            for kind in type(error).__mro__:
                if kind.__module__ == "builtins":
                    builtin = kind.__name__
                    break
            name = type(error).__name__
            # TensorFlow's own subclasses of Python's errors have no public names there.
            return {"error": name if name in PUBLIC_ERRORS else builtin, "text": str(error)}


def main():
    side, output, *groups = sys.argv[1:]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    tf = importlib.import_module(side)
    results = {}
    for group in groups or GROUPS:
        for name, program in programs_of(group).items():
            result = result_of(program, tf)
            result.pop("text", None)
            results[f"{group}.{name}"] = result
    Path(output).write_text(json.dumps(results, indent=0, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
