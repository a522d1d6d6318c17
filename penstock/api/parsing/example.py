"""`tf.io.parse_example` and `tf.io.parse_single_example`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock.api.parsing.composing import compose
from penstock.api.parsing.request import Request
from penstock.core import dtypes
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.ragged_tensor import RaggedTensor
from penstock.runtime.sparse_tensor import SparseTensor


def parse_example(
    serialized: Any, features: Mapping[str, Any], example_names: Any = None, name: Any = None
) -> dict[str, Any]:
    """Features of serialized `Example` messages, as tensors for the whole batch.

    Args:
        serialized: the messages, [n]; or one, [].
        features: by key, what is expected: `FixedLenFeature`, `FixedLenSequenceFeature`,
            `VarLenFeature`, `SparseFeature` or `RaggedFeature`.
        example_names: names of the messages that errors tell, [n].
        name: name of the node in a graph.

    Returns:
        Tensors, sparse tensors and ragged tensors by key.

    Raises:
        ValueError: `features` is empty, or a feature is not told in full.
        InvalidArgumentError: a message is no example, lacks a feature without default, or
            holds one of another type or number of values.
    """
    if not features:
        raise ValueError(f"Argument `features` cannot be None or falsy. Got {features}")
    request = Request(features)
    serialized = convert_to_tensor(serialized, dtypes.string)
    names = convert_to_tensor([] if example_names is None else example_names, dtypes.string)
    parsed = _parse(serialized, request, names, name)
    return compose(features, parsed)


def parse_single_example(
    serialized: Any, features: Mapping[str, Any], example_names: Any = None, name: Any = None
) -> dict[str, Any]:
    """Features of one serialized `Example` message.

    Args:
        serialized: the message, [].
        features: see `parse_example`.
        example_names: name of the message that errors tell, [].
        name: name of the node in a graph.

    Returns:
        Tensors by key, without the axis of a batch.

    Raises:
        ValueError: `serialized` is no scalar; or see `parse_example`.
        InvalidArgumentError: see `parse_example`.
    """
    if not features:
        raise ValueError(f"Argument `features` cannot be None or falsy. Got {features}")
    serialized = convert_to_tensor(serialized, dtypes.string)
    if serialized.shape.rank not in (None, 0):
        raise ValueError("Input serialized must be a scalar")
    serialized.set_shape([])
    return parse_example(serialized, features, example_names, name)


def _parse(serialized: Any, request: Request, names: Any, name: Any) -> dict[str, Any]:
    ragged_types = tuple(request.ragged.values())
    results = call(
        "ParseExampleV2",
        serialized,
        names,
        keys_tensor(request.sparse),
        keys_tensor(request.dense),
        keys_tensor(request.ragged),
        request.default_tensors(),
        num_sparse=len(request.sparse),
        Tdense=tuple(request.dense.values()),
        sparse_types=tuple(request.sparse.values()),
        ragged_value_types=tuple(value for value, _ in ragged_types),
        ragged_split_types=tuple(splits for _, splits in ragged_types),
        dense_shapes=tuple(request.shapes.values()),
        name=name,
    )
    indices, values, shapes, dense, flat, splits = results
    parsed: dict[str, Any] = {
        key: SparseTensor(*parts)
        for key, *parts in zip(request.sparse, indices, values, shapes, strict=True)
    }
    parsed.update(zip(request.dense, dense, strict=True))
    single = serialized.shape.rank == 0
    for key, numbers, ends in zip(request.ragged, flat, splits, strict=True):
        row = numbers if single else RaggedTensor.from_row_splits(numbers, ends, validate=False)
        parsed[key] = row
    return parsed


def keys_tensor(keys: Any) -> Any:
    """Keys as a string tensor."""
    return convert_to_tensor(list(keys), dtypes.string)
