"""Build and save the programs, or load and ask them.

Usage: run.py {save,load} MODULE FOLDER [NAME...]

MODULE is the package that stands for TensorFlow. `save` writes FOLDER/NAME/model and what the
functions gave before they were saved; `load` compares, and prints JSON: NAME -> what differs.
"""

import importlib
import json
import os
import sys
import traceback
from pathlib import Path

import numpy as np

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
own = importlib.import_module(sys.argv[2])
if own.__name__ == "penstock":
    own.install_as_tensorflow()

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402

for part in ("keras_models", "modules", "more_modules", "graphs", "architectures"):
    importlib.import_module(f"tests.conformance.exchange.{part}")
from tests.conformance.exchange.program import PROGRAMS  # noqa: E402


def reach(root, path):
    """The function that a path leads to."""
    found = root
    for name in path.split("."):
        found = (
            found[name]
            if path.startswith("signatures.") and name != "signatures"
            else getattr(found, name)
        )
    return found


def flat(results):
    """All tensors of a result, as lists that JSON can hold."""
    if isinstance(results, dict):
        results = {key: results[key] for key in sorted(results)}
    tensors = tf.nest.flatten(results, expand_composites=True)
    found = []
    for tensor in tensors:
        value = np.asarray(tensor)
        if value.dtype == object or value.dtype.kind == "S":
            items = [bytes(item).hex() for item in value.ravel().tolist()]
        elif value.dtype.kind == "c":
            items = np.stack([value.real, value.imag], -1).ravel().tolist()
        else:
            items = value.astype(np.float64).ravel().tolist()
        found.append(
            {
                "dtype": tf.as_dtype(tensor.dtype).name,
                "shape": list(value.shape),
                "values": items,
            }
        )
    return found


def answers(program, root):
    return [flat(reach(root, call.path)(*call.args, **call.kwargs)) for call in program.calls()]


def save(program, folder):
    """Write one model; a program's own objects answer before it, as the state may change."""
    keras.utils.set_random_seed(7)
    model = program.build()
    path = str(folder / "model")
    if model.write is not None:
        model.write(path)
    elif model.export:
        model.root.export(path, verbose=False)
    else:
        tf.saved_model.save(model.root, path, signatures=model.signatures)
    loaded = tf.saved_model.load(path, tags=program.tags)
    (folder / "answers.json").write_text(json.dumps(answers(program, loaded)))


def load(program, folder):
    """What differs, or nothing."""
    expected = json.loads((folder / "answers.json").read_text())
    got = answers(program, tf.saved_model.load(str(folder / "model"), tags=program.tags))
    for i, (want, have) in enumerate(zip(expected, got, strict=True)):
        assert len(want) == len(have), f"call {i} gave {len(have)} tensors, not {len(want)}"
        for j, (w, h) in enumerate(zip(want, have, strict=True)):
            where = f"call {i}, tensor {j}"
            assert (w["dtype"], w["shape"]) == (h["dtype"], h["shape"]), f"{where}: {w} {h}"[
                :400
            ]
            if w["dtype"] == "string":
                assert w["values"] == h["values"], f"{where}: {w} {h}"[:400]
            else:
                np.testing.assert_allclose(
                    h["values"],
                    w["values"],
                    program.tolerance,
                    program.tolerance,
                    err_msg=where,
                )


def main(command, folder, names):
    outcome = {}
    for name in names or PROGRAMS:
        target = folder / name
        target.mkdir(parents=True, exist_ok=True)
        if command == "load" and not (target / "answers.json").exists():
            continue
        try:
            globals()[command](PROGRAMS[name], target)
            outcome[name] = ""
        except Exception as error:  # noqa: BLE001  (every program is tried)
            outcome[name] = f"{type(error).__name__}: {error}"[:1500]
            if os.environ.get("EXCHANGE_TRACE"):
                traceback.print_exc()
    print(json.dumps(outcome))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[3]), sys.argv[4:])
