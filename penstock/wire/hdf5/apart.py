"""Structure of HDF5 files of forms that are not known here, read by another process.

The library that knows all forms may run without end, ask for any amount of memory or crash on
damaged files, which must not happen to the program that asks.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import BinaryIO, Final

from penstock.core.errors import DataLossError
from penstock.wire.hdf5.source import UnfamiliarError
from penstock.wire.hdf5.structure import Dataset, Structure, read_structure

_CHILD: Final = Path(__file__).with_name("apart_child.py")
_SECONDS: Final = 8


def read_any_structure(file: BinaryIO, what: str) -> Structure:
    """Read the structure of a file of any form, and check it.

    Args:
        file: where to read; its values are not read.
        what: how errors call it.

    Raises:
        DataLossError: it is damaged.
    """
    try:
        return read_structure(file, what)
    except UnfamiliarError:
        pass
    file.seek(0)
    with tempfile.NamedTemporaryFile(suffix=".h5") as copy:
        shutil.copyfileobj(file, copy)
        copy.flush()
        return _read_apart(copy.name, what)


def _read_apart(path: str, what: str) -> Structure:
    # As few threads as can be: each would take a part of the memory that is allowed.
    settings = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(  # noqa: S603  (our own program)
            [sys.executable, "-W", "ignore", _CHILD, path],
            capture_output=True,
            check=False,
            timeout=_SECONDS,
            env=settings,
        )
    except subprocess.TimeoutExpired:
        raise DataLossError(f"{what} must be an HDF5 file: reading it does not end") from None
    if done.returncode:
        raise DataLossError(
            f"{what} must be an HDF5 file: its reader ended with {done.returncode}"
        )
    found = json.loads(done.stdout)
    if "error" in found:
        raise DataLossError(f"{what} must be an HDF5 file: {found['error']}")
    datasets = [
        Dataset(name, dtype, tuple(shape), itemsize, stored, note)
        for name, dtype, shape, itemsize, stored, note in found["datasets"]
    ]
    return Structure(found["attributes"], datasets)
