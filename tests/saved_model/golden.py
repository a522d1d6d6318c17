"""SavedModels that TensorFlow wrote, with calls and what it answered."""

import json
from pathlib import Path

import numpy as np

import penstock as tf

GOLDEN = Path(__file__).parents[1] / "golden" / "saved_model"
SHARED = Path(__file__).parents[2].parent / "shared" / "fixtures" / "saved_models"


def array(store, key):
    """The array under `key`; strings are stored as lengths and bytes."""
    if key in store:
        return store[key]
    lengths, data = store[f"{key}#len"], store[f"{key}#bytes"].tobytes()
    items, position = np.empty(lengths.size, object), 0
    for i, length in enumerate(lengths.ravel().tolist()):
        items[i] = data[position : position + length]
        position += length
    return items.reshape(lengths.shape)


def argument(store, spec):
    """An argument of a call: a tensor, or a list of them."""
    if spec["kind"] == "list":
        return [argument(store, item) for item in spec["items"]]
    value = array(store, spec["key"])
    return (
        tf.constant(value.tolist(), tf.string) if value.dtype == object else tf.constant(value)
    )


class Fixture:
    """One model: `folder` holds `model`, `manifest.json` and `io.npz`."""

    def __init__(self, folder):
        self.model = folder / "model"
        self.manifest = json.loads((folder / "manifest.json").read_text())
        with np.load(folder / "io.npz") as stored:
            self.store = dict(stored)

    def calls(self, via):
        return [call for call in self.manifest["calls"] if call["via"] == via]

    def check(self, loaded, call):
        """Make a call and compare what it gives."""
        if call["via"] == "signature":
            args = {k: argument(self.store, spec) for k, spec in call["args"].items()}
            got = loaded.signatures[call["name"]](**args)
            assert sorted(got) == sorted(call["outputs"])
            pairs = [(got[k], call["outputs"][k]) for k in sorted(got)]
        else:
            args = [argument(self.store, spec) for spec in call["args"]]
            got = getattr(loaded, call["name"])(*args)
            flat = tf.nest.flatten(got)
            pairs = list(zip(flat, call["outputs"], strict=True))
        for value, spec in pairs:
            expected = array(self.store, spec["key"])
            assert value.dtype.name == spec["dtype"]
            assert value.shape.as_list() == list(expected.shape)
            if expected.dtype == object:
                assert np.asarray(value.numpy(), object).tolist() == expected.tolist()
            else:
                np.testing.assert_allclose(
                    value.numpy(),
                    expected,
                    rtol=self.manifest["rtol"],
                    atol=self.manifest["atol"],
                )
