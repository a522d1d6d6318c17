"""Checkpoints as nodes of graphs: what sessions and servers save and restore variables by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock.core.errors import InvalidArgumentError, UnimplementedError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.table import TYPE_LIST, op

Array = Any

_loaders: list[Callable[[], Any]] = []


def use_wire(loader: Callable[[], Any]) -> None:
    """Set what gives the module that reads and writes checkpoints."""
    _loaders[:] = [loader]


def _texts(values: Array) -> list[str]:
    return [value.decode() for value in np.asarray(values, object).ravel()]


@op(
    "SaveV2",
    inputs=(
        "prefix: string",
        "tensor_names: string",
        "shape_and_slices: string",
        "tensors: dtypes",
    ),
    attrs={"dtypes": TYPE_LIST},
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=lambda *_, **__: (),
)
def save_v2(
    prefix: Array,
    tensor_names: Array,
    shape_and_slices: Array,
    tensors: Sequence[Array],
    *,
    dtypes: Any,
) -> Any:
    """Write tensors to a checkpoint.

    Shape: prefix [], tensor_names [n], shape_and_slices [n], tensors [...] each.
    Errors: UnimplementedError for parts of tensors, InvalidArgumentError when there is not one
    tensor for each name.
    """
    names = _texts(tensor_names)
    if len(names) != len(tensors):
        raise InvalidArgumentError(f"got {len(names)} names for {len(tensors)} tensors")
    if any(_texts(shape_and_slices)):
        raise UnimplementedError("SaveV2 writes whole tensors, not parts of them")
    with _loaders[0]().BundleWriter(_texts(prefix)[0]) as writer:
        for name, tensor, dtype in sorted(
            zip(names, tensors, dtypes, strict=True), key=lambda item: item[0]
        ):
            writer.add(name, np.asarray(tensor), dtype)
    return ()


@op(
    "RestoreV2",
    inputs=("prefix: string", "tensor_names: string", "shape_and_slices: string"),
    outputs=("tensors: dtypes",),
    attrs={"dtypes": TYPE_LIST},
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=lambda *_, dtypes, **__: tuple(TensorShape(None) for _ in dtypes),
)
def restore_v2(
    prefix: Array, tensor_names: Array, shape_and_slices: Array, *, dtypes: Any
) -> Any:
    """Read tensors, or parts of them, from a checkpoint.

    Shape: prefix [], tensor_names [n], shape_and_slices [n] -> tensors [...] each.
    Errors: NotFoundError when there is no checkpoint or it lacks a tensor,
    InvalidArgumentError when one has another dtype.
    """
    wire = _loaders[0]()
    reader = wire.BundleReader(_texts(prefix)[0])
    found = []
    pairs = zip(_texts(tensor_names), _texts(shape_and_slices), dtypes, strict=True)
    for name, part, dtype in pairs:
        kept = reader.entry(name).dtype
        if kept != dtype:
            raise InvalidArgumentError(
                f"{name!r} must be {dtype.name}, the file has {kept.name}"
            )
        found.append(wire.read_part(reader, name, part))
    return tuple(found)


@op(
    "MergeV2Checkpoints",
    inputs=("checkpoint_prefixes: string", "destination_prefix: string"),
    attrs={"delete_old_dirs": True, "allow_missing_files": False},
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=lambda *_, **__: (),
)
def merge_v2_checkpoints(
    checkpoint_prefixes: Array,
    destination_prefix: Array,
    *,
    delete_old_dirs: bool,  # noqa: ARG001  (what is merged here has no directory of its own)
    allow_missing_files: bool,  # noqa: ARG001
) -> Any:
    """Make one checkpoint of several that hold different tensors.

    Shape: checkpoint_prefixes [n], destination_prefix [].
    Errors: NotFoundError when a checkpoint is missing.
    """
    _loaders[0]().merge_bundles(_texts(checkpoint_prefixes), _texts(destination_prefix)[0])
    return ()
