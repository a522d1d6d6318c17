"""Models of TensorFlow that we load and save again answer alike in TensorFlow 2.21."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import penstock as tf

pytestmark = pytest.mark.peer

PYTHON = os.environ.get("PENSTOCK_PEER_PYTHON")
FIXTURES = Path(__file__).parents[3].parent / "shared" / "fixtures"


def test_every_kind_of_model_survives_being_saved_again(tmp_path):
    if not PYTHON:
        pytest.skip("PENSTOCK_PEER_PYTHON names no Python that has TensorFlow")
    if not FIXTURES.is_dir():
        pytest.skip("the fixtures are not beside the checkout")
    folders = sorted(path for path in (FIXTURES / "saved_models").iterdir() if path.is_dir())
    for source in folders:
        target = tmp_path / "saved_models" / source.name
        tags = ["serve"] if source.name.startswith("tf1") else None
        loaded = tf.saved_model.load(source / "model", tags=tags)
        signatures = dict(loaded.signatures)
        tf.saved_model.save(loaded, target / "model", signatures=signatures)
        for name in ("manifest.json", "io.npz"):
            shutil.copy(source / name, target)

    command = [PYTHON, FIXTURES / "check_artifacts.py", "--module", "tensorflow"]
    command += ["--dir", tmp_path, "--kind", "saved_models", "-v"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert len(folders) == 23
    assert done.returncode == 0, done.stdout[-3000:]
