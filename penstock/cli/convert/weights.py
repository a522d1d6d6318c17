"""Named tensors from one kind of file into another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from penstock.core.dtypes import DType, as_dtype
from penstock.core.errors import InvalidArgumentError
from penstock.train.object_graph import OBJECT_GRAPH_KEY
from penstock.wire import npz, safetensors
from penstock.wire.bundle import BundleWriter, open_checkpoint

Values = Iterator[tuple[str, Any]]


@dataclass
class Weights:
    """Named tensors: what is known of them before their values are read.

    `left_out` names what the target cannot hold.
    """

    tensors: dict[str, tuple[DType, tuple[int, ...]]]
    read: Callable[[], Values]
    left_out: list[str] = field(default_factory=list)

    def without(self, unwanted: set[str]) -> Weights:
        """The tensors but for some."""
        kept = {name: spec for name, spec in self.tensors.items() if name not in unwanted}
        return Weights(
            kept,
            lambda: ((name, array) for name, array in self.read() if name in kept),
            [*self.left_out, *sorted(unwanted)],
        )


def from_checkpoint(prefix: Path) -> Weights:
    """The tensors of a checkpoint of either version, without its objects."""
    reader = open_checkpoint(prefix)
    specs = {key: (reader.entry(key).dtype, reader.entry(key).sizes) for key in reader}
    whole = Weights(specs, lambda: ((key, reader.read(key)) for key in specs))
    return whole.without({OBJECT_GRAPH_KEY} & specs.keys())


def from_npz(path: Path) -> Weights:
    """The arrays of an archive.

    Raises:
        InvalidArgumentError: an array is pickled, or of a type that tensors have not.
    """
    specs = {}
    for header in npz.read_headers(path):
        if header.is_pickled:
            raise InvalidArgumentError(
                f"'{header.name}' holds Python objects, which are pickled and could run any "
                "code; leave it out of the archive"
            )
        try:
            specs[header.name] = (as_dtype(header.dtype), header.shape)
        except TypeError:
            raise InvalidArgumentError(
                f"'{header.name}' has dtype {header.dtype}, which no tensor has"
            ) from None
    return Weights(specs, lambda: npz.read_arrays(path))


def from_safetensors(path: Path) -> Weights:
    """The tensors of a safetensors file."""
    specs = {place.name: (place.dtype, place.shape) for place in safetensors.read_places(path)}
    return Weights(specs, lambda: safetensors.read_tensors(path))


def to_checkpoint(weights: Weights, prefix: Path) -> Weights:
    """Write a checkpoint of version 2 that names values as they are named."""
    with BundleWriter(prefix) as writer:
        for name, array in weights.read():
            writer.add(name, array, weights.tensors[name][0])
    return weights


def to_npz(weights: Weights, path: Path) -> Weights:
    """Write an archive of numpy, which holds neither strings nor types that numpy lacks."""
    kept = weights.without(
        {
            name
            for name, (dtype, _) in weights.tensors.items()
            if dtype.name == "string" or dtype.np.isbuiltin != 1
        }
    )
    npz.write_arrays(path, kept.read())
    return kept


def to_safetensors(weights: Weights, path: Path) -> Weights:
    """Write a safetensors file, which holds no strings."""
    kept = weights.without(
        {name for name, (dtype, _) in weights.tensors.items() if not safetensors.holds(dtype)}
    )
    safetensors.write_tensors(path, kept.tensors, kept.read())
    return kept
