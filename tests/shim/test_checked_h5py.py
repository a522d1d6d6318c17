"""Files that Keras opens through h5py are checked before h5py believes them."""

import io
import os
import struct
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from penstock.core.errors import DataLossError
from penstock.shim import checked_h5py

VALUES = np.arange(6.0).reshape(2, 3)


def written(path, count=1, **settings):
    with h5py.File(path, "w", **settings) as file:
        for number in range(count):
            file.create_dataset(f"d{number}", data=VALUES)
    return path


def without_end(path):
    """A list of free bytes that leads to itself, after which libhdf5 looks for ever."""
    data = bytearray(written(path).read_bytes())
    place = data.index(b"HEAP")
    size, free, address = struct.unpack_from("<QQQ", data, place + 8)
    struct.pack_into("<QQ", data, address + free, free, size - free)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("settings", [{}, {"libver": "latest"}])
def test_whole_files_are_opened(tmp_path, settings):
    path = written(tmp_path / "a.h5", **settings)

    for name in (path, str(path), os.fsencode(path), io.BytesIO(path.read_bytes())):
        with checked_h5py.File(name) as file:
            np.testing.assert_array_equal(file["d0"], VALUES)


def test_files_of_unfamiliar_forms_are_read_by_another_process_first(tmp_path):
    path = written(tmp_path / "a.h5", 30, libver="latest")

    with checked_h5py.File(path, "r") as file:
        assert len(file) == 30


def test_a_damaged_file_is_refused_before_it_is_opened(tmp_path):
    path = without_end(tmp_path / "a.h5")

    with pytest.raises(DataLossError, match="free bytes"):
        checked_h5py.File(path)
    with pytest.raises(OSError, match="free bytes"):
        checked_h5py.File(io.BytesIO(path.read_bytes()), "r")


def test_values_that_were_never_stored_do_not_take_memory(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("zeros", shape=(1 << 30,), dtype="f4")

    with pytest.raises(DataLossError, match="0 are stored"):
        checked_h5py.File(path)


def test_everything_else_is_h5pys_own(tmp_path):
    path = tmp_path / "a.h5"
    with checked_h5py.File(path, "w") as file:
        assert isinstance(file, h5py.File)
    with h5py.File(path) as file:
        assert isinstance(file, checked_h5py.File)
    assert checked_h5py.Dataset is h5py.Dataset
    with pytest.raises(OSError, match="signature"):
        checked_h5py.File(io.BytesIO(b"something else"))
    with pytest.raises(FileNotFoundError):
        checked_h5py.File(tmp_path / "none.h5")


PROGRAM = """
import sys
import zipfile
import penstock as tf
tf.install_as_tensorflow()
import h5py, keras, tests.shim.test_checked_h5py as own
from keras.src.legacy.saving import legacy_h5_format
folder = own.Path(sys.argv[1])
model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3)])
for name in ("a.keras", "a.h5"):
    model.save(folder / name)
model.save_weights(folder / "a.weights.h5")
own.without_end(folder / "bad.h5").rename(folder / "bad.weights.h5")
own.without_end(folder / "bad.h5")
with zipfile.ZipFile(folder / "bad.keras", "w") as bad:
    with zipfile.ZipFile(folder / "a.keras") as good:
        for name in good.namelist():
            data = good.read(name)
            if name.endswith(".h5"):
                data = (folder / "bad.h5").read_bytes()
            bad.writestr(name, data)
def load(name):
    if ".weights" in name:
        model.load_weights(folder / name)
    else:
        keras.models.load_model(folder / name)
for name in ("a.keras", "a.h5", "a.weights.h5"):
    load(name)
    try:
        load(name.replace("a.", "bad."))
    except tf.errors.DataLossError as error:
        assert "free bytes" in error.message, error
    else:
        raise AssertionError(name)
with h5py.File(folder / "a.h5") as file:
    legacy_h5_format.load_model_from_hdf5(file)
assert h5py.File.__module__.startswith("h5py")
"""


def test_keras_opens_files_of_all_kinds_through_the_check(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=200,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "KERAS_BACKEND": "tensorflow"},
        check=False,
    )

    assert done.returncode == 0, done.stderr
