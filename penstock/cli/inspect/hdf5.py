"""HDF5 files: models of older Keras, weights, and any others."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import IO, BinaryIO

from penstock.cli.inspect.tensors import Tensor
from penstock.wire.hdf5 import read_any_structure


def read_hdf5(path: Path, what: str) -> tuple[dict[str, str], list[Tensor]]:
    """Attributes and datasets of a file; links to other files are not followed.

    Args:
        path: the file.
        what: how errors call it.

    Raises:
        DataLossError: it is damaged.
    """
    with path.open("rb") as file:
        return _described(file, what)


def read_hdf5_stream(stream: IO[bytes], what: str) -> list[Tensor]:
    """Datasets of a file that is read from its start on.

    Raises:
        DataLossError: it is damaged.
    """
    with tempfile.TemporaryFile() as file:
        shutil.copyfileobj(stream, file)
        return _described(file, what)[1]


def _described(file: BinaryIO, what: str) -> tuple[dict[str, str], list[Tensor]]:
    found = read_any_structure(file, what)
    tensors = [
        Tensor(each.name, each.dtype, each.shape, each.itemsize, each.note)
        for each in found.datasets
    ]
    return dict(found.attributes), tensors
