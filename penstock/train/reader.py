"""Reading checkpoints by the names of their tensors: `tf.train.load_checkpoint` and its kin."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from penstock.core.dtypes import DType
from penstock.train.checkpoint_state import latest_checkpoint
from penstock.wire.bundle import open_checkpoint


class CheckpointReader:
    """Tensors of a checkpoint by name.

    Args:
        prefix: path of the checkpoint without `.index`.

    Raises:
        NotFoundError: there is no checkpoint.
        DataLossError: it is damaged.
    """

    def __init__(self, prefix: str | os.PathLike[str]) -> None:
        self._bundle = open_checkpoint(prefix)

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        """Shapes of all tensors."""
        return {key: list(self._bundle.entry(key).sizes) for key in self._bundle.keys()}  # noqa: SIM118

    def get_variable_to_dtype_map(self) -> dict[str, DType]:
        """Dtypes of all tensors."""
        return self._bundle.dtype_map()

    def has_tensor(self, tensor_str: str) -> bool:
        """Whether there is a tensor of that name."""
        return tensor_str in self._bundle

    def get_tensor(self, tensor_str: str) -> Any:
        """Read a tensor as a numpy array; a scalar comes as numpy's scalar, or as bytes.

        Raises:
            NotFoundError: there is none of that name.
        """
        array = self._bundle.read(tensor_str)
        return array if array.ndim else array[()]

    def debug_string(self) -> bytes:
        """Names, dtypes and shapes, one tensor a line."""
        lines = []
        for key in self._bundle.keys():  # noqa: SIM118
            entry = self._bundle.entry(key)
            sizes = ",".join(map(str, entry.sizes))
            lines.append(f"{key} (DT_{entry.dtype.name.upper()}) [{sizes}]")
        return "\n".join(lines).encode()


def load_checkpoint(ckpt_dir_or_file: str | os.PathLike[str]) -> CheckpointReader:
    """Return a reader of a checkpoint, or of the latest one in a directory.

    Raises:
        ValueError: the directory has no checkpoint.
        NotFoundError: there is no checkpoint of that name.
    """
    return CheckpointReader(checkpoint_prefix(ckpt_dir_or_file))


def load_variable(ckpt_dir_or_file: str | os.PathLike[str], name: str) -> Any:
    """Read one tensor of a checkpoint.

    Args:
        ckpt_dir_or_file: the checkpoint, or the directory whose latest one is meant.
        name: name of the tensor; a `:0` at its end does not matter.
    """
    return load_checkpoint(ckpt_dir_or_file).get_tensor(name.removesuffix(":0"))


def list_variables(
    ckpt_dir_or_file: str | os.PathLike[str],
) -> list[tuple[str, list[int]]]:
    """Names and shapes of all tensors of a checkpoint, by name."""
    shapes = load_checkpoint(ckpt_dir_or_file).get_variable_to_shape_map()
    return sorted(shapes.items())


def checkpoint_prefix(path: str | os.PathLike[str]) -> str:
    """Prefix of a checkpoint, given as such or as the directory whose latest one is meant.

    Raises:
        ValueError: the directory has no checkpoint.
    """
    if not Path(path).is_dir():
        return os.fspath(path)
    latest = latest_checkpoint(path)
    if latest is None:
        raise ValueError(
            "Couldn't find 'checkpoint' file or checkpoints in given directory "
            f"{os.fspath(path)}"
        )
    return latest
