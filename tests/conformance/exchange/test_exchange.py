"""Programs built here and in TensorFlow 2.21: each side loads what the other saved."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance.exchange import names

pytestmark = pytest.mark.peer

PYTHON = os.environ.get("PENSTOCK_PEER_PYTHON")
TOOLS = os.environ.get("PENSTOCK_FORMAT_TOOLS_PYTHON")
HERE = Path(__file__).parent
OURS = "penstock"
PYTHONS = {OURS: sys.executable, "tensorflow": PYTHON}
# What only TensorFlow writes: variables of several parts are not made here.
ONE_WAY = {(OURS, "tf1_partitioned")}


def run(python, script, *args):
    done = subprocess.run(
        [python, "-W", "ignore", HERE / script, *args],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(HERE.parents[2]), "KERAS_BACKEND": "tensorflow"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip().splitlines()[-1]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Gives, for a writer, the folder of its models, and why some could not be written."""
    if not PYTHON:
        pytest.skip("PENSTOCK_PEER_PYTHON names no Python that has TensorFlow")
    made = {}

    def write(writer):
        if writer not in made:
            folder = tmp_path_factory.mktemp(writer)
            chosen = [name for name in names.ALL if (writer, name) not in ONE_WAY]
            outcome = run(PYTHONS[writer], "run.py", "save", writer, folder, *chosen)
            made[writer] = folder, json.loads(outcome)
        return made[writer]

    return write


@pytest.mark.parametrize(
    ("writer", "reader"), [(OURS, "tensorflow"), ("tensorflow", OURS), (OURS, OURS)]
)
def test_what_one_side_saves_the_other_answers_alike(written, writer, reader):
    folder, saved = written(writer)
    loaded = json.loads(run(PYTHONS[reader], "run.py", "load", reader, folder))

    assert {name: why for name, why in saved.items() if why} == {}
    assert {name: why for name, why in loaded.items() if why} == {}
    assert set(loaded) == set(saved)
    assert set(names.KINDS) <= set(loaded)


@pytest.mark.parametrize(
    "name", ["keras_mlp", "keras_cnn", "keras_resnet", "keras_transformer"]
)
@pytest.mark.parametrize("tool", ["openvino", "tf2onnx"])
def test_other_programs_read_models_that_are_saved_here(written, tool, name):
    if not TOOLS:
        pytest.skip("PENSTOCK_FORMAT_TOOLS_PYTHON names no Python with OpenVINO and tf2onnx")
    folder, _ = written(OURS)

    assert float(run(TOOLS, "tools.py", tool, folder, name)) < 1e-4
