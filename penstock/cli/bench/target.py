"""What is asked of the server: inputs that fit its signature, encoded once."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penstock.core.errors import InvalidArgumentError
from penstock.serving.client.exchange import Signature, Tensor

Array = NDArray[Any]
_UNKNOWN_SIZE = 8


def make_inputs(signature: Signature, rows: int, seed: int = 0) -> dict[str, Array]:
    """Return random inputs of so many rows.

    Raises:
        InvalidArgumentError: an input is of a kind that cannot be made up.
    """
    random = np.random.default_rng(seed)
    return {name: _random(tensor, rows, random) for name, tensor in signature.inputs.items()}


def _random(tensor: Tensor, rows: int, random: np.random.Generator) -> Array:
    if tensor.dtype is None or tensor.dtype == np.dtype(object) or tensor.shape is None:
        raise InvalidArgumentError(
            f"values of input '{tensor.name}' cannot be made up; give them with --inputs"
        )
    shape = [_UNKNOWN_SIZE if size < 0 else size for size in tensor.shape]
    if tensor.shape and tensor.shape[0] < 0:
        shape[0] = rows
    if tensor.dtype.kind == "b":
        return random.random(shape) < 0.5
    if tensor.dtype.kind in "iu":
        return random.integers(0, 10, shape).astype(tensor.dtype)
    # Four digits, as data that were written down have.
    return np.round(random.random(shape), 4).astype(tensor.dtype)


def read_inputs(path: Path) -> dict[str, Array]:
    """Read inputs by name from an .npz file, or from a JSON object of lists.

    Raises:
        InvalidArgumentError: it is neither.
    """
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as file:
                return dict(file)
        told = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InvalidArgumentError(f"'{path}' must be .npz or JSON: {error}") from error
    if not isinstance(told, Mapping):
        raise InvalidArgumentError(f"'{path}' must hold an object with a list for each input")
    return {name: _array(value) for name, value in told.items()}


def _array(value: Any) -> Array:
    array = np.asarray(value)
    return array.astype(object) if array.dtype.kind == "U" else array


def repeat(inputs: Mapping[str, Array], rows: int) -> dict[str, Array]:
    """Return the inputs with so many rows, those given over and over."""
    return {
        name: value[np.arange(rows) % len(value)] if value.ndim and len(value) else value
        for name, value in inputs.items()
    }
