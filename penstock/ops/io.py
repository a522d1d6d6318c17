"""Files: reading, writing and finding them."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.table import op
from penstock.wire.file_system import as_path, file_system_of
from penstock.wire.tensors import as_objects

Array = Any


def _name(filename: Array) -> str:
    if filename.ndim:
        raise InvalidArgumentError(
            f"Input filename tensor must be scalar, but had shape: {list(filename.shape)}"
        )
    return as_path(filename.item())


# Reading is stateful here: a graph must not remember what a file held when it was traced.
@op(
    "ReadFile",
    inputs=("filename: string",),
    outputs=("contents: string",),
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=lambda *_, **__: TensorShape([]),
)
def read_file(filename: Array) -> Array:
    """All bytes of a file.

    Shape: filename [] -> contents [].
    Errors: NotFoundError when there is no such file.
    """
    path = _name(filename)
    with file_system_of(path).open(path, "rb") as file:
        contents = np.empty((), object)
        contents[()] = file.read()
    return contents


@op(
    "WriteFile",
    inputs=("filename: string", "contents: string"),
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=lambda *_, **__: (),
)
def write_file(filename: Array, contents: Array) -> Any:
    """Write a file, and the directories that it is in.

    Shape: filename [], contents [].
    """
    path = _name(filename)
    if contents.ndim:
        raise InvalidArgumentError(
            f"Contents tensor must be scalar, but had shape: {list(contents.shape)}"
        )
    files = file_system_of(path)
    directory = path.rpartition("/")[0]
    if directory and not directory.endswith(":/"):
        files.make_directory(directory, with_parents=True)
    with files.open(path, "wb") as file:
        file.write(contents.item())
    return ()


@op(
    "MatchingFiles",
    inputs=("pattern: string",),
    outputs=("filenames: string",),
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=lambda *_, **__: TensorShape([None]),
)
def matching_files(pattern: Array) -> Array:
    """Names of the files that match a pattern, or one of several; in order.

    Shape: pattern [n] or [] -> filenames [k].
    """
    if pattern.ndim > 1:
        raise InvalidArgumentError(
            "Input patterns tensor must be scalar or vector, but had shape: "
            f"{list(pattern.shape)}"
        )
    patterns = [as_path(text) for text in pattern.ravel().tolist()]
    names = [name for one in patterns for name in file_system_of(one).glob(one)]
    return as_objects(sorted(name.encode("utf-8", "surrogateescape") for name in names))


def _check_shards(shard: int, num_shards: int) -> None:
    if not 0 <= shard < num_shards:
        raise InvalidArgumentError(f"shard must be in [0, {num_shards}), got {shard}")


@op(
    "ShardedFilename",
    inputs=("basename: string", "shard: int32", "num_shards: int32"),
    outputs=("filename: string",),
    kernel="host",
    differentiable=False,
    shape=lambda *_, **__: TensorShape([]),
)
def sharded_filename(basename: Array, shard: Array, num_shards: Array) -> Array:
    """Name of one of the files that a whole is split into.

    Shape: basename [], shard [], num_shards [] -> filename [].
    """
    _check_shards(int(shard), int(num_shards))
    return np.array(basename.item() + b"-%05d-of-%05d" % (shard, num_shards), object)


@op(
    "ShardedFilespec",
    inputs=("basename: string", "num_shards: int32"),
    outputs=("filename: string",),
    kernel="host",
    differentiable=False,
    shape=lambda *_, **__: TensorShape([]),
)
def sharded_filespec(basename: Array, num_shards: Array) -> Array:
    """Pattern of the names of the files that a whole is split into.

    Shape: basename [], num_shards [] -> filename [].
    """
    return np.array(basename.item() + b"-?????-of-%05d" % int(num_shards), object)
