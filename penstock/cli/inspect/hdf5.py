"""HDF5 files: models of older Keras, weights, and any others."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any, Final

from penstock.cli.inspect.tensors import Tensor
from penstock.core.errors import DataLossError
from penstock.wire.hdf5 import Structure, UnfamiliarError, read_structure

_CHILD: Final = Path(__file__).with_name("hdf5_child.py")
_SECONDS: Final = 8


def read_hdf5(path: Path, what: str) -> tuple[dict[str, Any], list[Tensor]]:
    """Attributes and datasets of a file; links to other files are not followed.

    Args:
        path: the file.
        what: how errors call it.

    Raises:
        DataLossError: it is damaged.
    """
    with path.open("rb") as file:
        try:
            return _described(read_structure(file, what))
        except UnfamiliarError:
            return _read_apart(path, what)


def _described(found: Structure) -> tuple[dict[str, Any], list[Tensor]]:
    tensors = [
        Tensor(each.name, each.dtype, each.shape, each.itemsize, each.note)
        for each in found.datasets
    ]
    return dict(found.attributes), tensors


def _read_apart(path: Path, what: str) -> tuple[dict[str, Any], list[Tensor]]:
    """Let another process read, as damaged files can hang or crash the one that does."""
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
    tensors = [Tensor(*row) for row in found["datasets"]]
    return found["attributes"], tensors


def read_hdf5_stream(stream: IO[bytes], what: str) -> list[Tensor]:
    """Datasets of a file that is read from its start on.

    Raises:
        DataLossError: it is damaged.
    """
    with tempfile.NamedTemporaryFile(suffix=".h5") as file:
        shutil.copyfileobj(stream, file)
        file.flush()
        return read_hdf5(Path(file.name), what)[1]
