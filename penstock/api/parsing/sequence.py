"""`tf.io.parse_sequence_example` and `tf.io.parse_single_sequence_example`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from penstock.api.parsing.composing import compose
from penstock.api.parsing.example import keys_tensor
from penstock.api.parsing.features import (
    FixedLenFeature,
    FixedLenSequenceFeature,
    RaggedFeature,
    VarLenFeature,
)
from penstock.api.parsing.request import Request
from penstock.core import dtypes
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.ragged_tensor import RaggedTensor
from penstock.runtime.sparse_tensor import SparseTensor

_IN_CONTEXT: Final = (VarLenFeature, FixedLenFeature, RaggedFeature)
_IN_STEPS: Final = (VarLenFeature, FixedLenSequenceFeature, RaggedFeature)

Features = Mapping[str, Any] | None


def parse_sequence_example(
    serialized: Any,
    context_features: Features = None,
    sequence_features: Features = None,
    example_names: Any = None,
    name: Any = None,
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Features of serialized `SequenceExample` messages, as tensors for the whole batch.

    Args:
        serialized: the messages, [n].
        context_features: by key, what is expected of the context: `FixedLenFeature`,
            `VarLenFeature` or `RaggedFeature`.
        sequence_features: likewise of the steps: `FixedLenSequenceFeature`, `VarLenFeature`
            or `RaggedFeature`.
        example_names: names of the messages that errors tell, [n].
        name: name of the node in a graph.

    Returns:
        The context, the steps (dense ones filled up with zeros), and for the dense ones the
        number of steps of each message.

    Raises:
        ValueError: nothing is asked for, or a feature is not told in full.
        InvalidArgumentError: a message is no sequence example, lacks what it must have, or
            holds values of another type or number.
    """
    if not (context_features or sequence_features):
        raise ValueError(
            "Both `context_features` and `sequence_features` arguments are None, but at least "
            "one should have values."
        )
    serialized = convert_to_tensor(serialized, dtypes.string)
    return _parse(serialized, context_features, sequence_features, example_names, name)


def parse_single_sequence_example(
    serialized: Any,
    context_features: Features = None,
    sequence_features: Features = None,
    example_name: Any = None,
    name: Any = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Features of one serialized `SequenceExample` message.

    Args:
        serialized: the message, [].
        context_features: see `parse_sequence_example`.
        sequence_features: see `parse_sequence_example`.
        example_name: name of the message that errors tell, [].
        name: name of the node in a graph.

    Returns:
        The context and the steps, without the axis of a batch.

    Raises:
        ValueError: `serialized` is no scalar; or see `parse_sequence_example`.
        InvalidArgumentError: see `parse_sequence_example`.
    """
    if not (context_features or sequence_features):
        raise ValueError(
            "Both context_features and sequence_features are None, but at least one should "
            "have values."
        )
    serialized = convert_to_tensor(serialized, dtypes.string)
    if serialized.shape.rank not in (None, 0):
        raise ValueError("Input serialized must be a scalar")
    serialized.set_shape([])
    context, steps, _ = _parse(
        serialized, context_features, sequence_features, example_name, name
    )
    return context, steps


def _parse(
    serialized: Any, context_features: Features, step_features: Features, names: Any, name: Any
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    context = Request(context_features or {}, allowed=_IN_CONTEXT)
    steps = Request(step_features or {}, allowed=_IN_STEPS, in_steps=True)
    results = call(
        "ParseSequenceExampleV2",
        serialized,
        convert_to_tensor([] if names is None else names, dtypes.string),
        keys_tensor(context.sparse),
        keys_tensor(context.dense),
        keys_tensor(context.ragged),
        keys_tensor(steps.sparse),
        keys_tensor(steps.dense),
        keys_tensor(steps.ragged),
        convert_to_tensor(list(steps.missing_is_empty.values()), dtypes.bool),
        context.default_tensors(),
        Ncontext_sparse=len(context.sparse),
        Nfeature_list_sparse=len(steps.sparse),
        Nfeature_list_dense=len(steps.dense),
        Tcontext_dense=tuple(context.dense.values()),
        context_sparse_types=tuple(context.sparse.values()),
        context_dense_shapes=tuple(context.shapes.values()),
        context_ragged_value_types=tuple(value for value, _ in context.ragged.values()),
        context_ragged_split_types=tuple(splits for _, splits in context.ragged.values()),
        feature_list_dense_types=tuple(steps.dense.values()),
        feature_list_sparse_types=tuple(steps.sparse.values()),
        feature_list_dense_shapes=tuple(steps.shapes.values()),
        feature_list_ragged_value_types=tuple(value for value, _ in steps.ragged.values()),
        feature_list_ragged_split_types=tuple(splits for _, splits in steps.ragged.values()),
        name=name,
    )
    single = serialized.shape.rank == 0
    lengths = dict(zip(steps.dense, results[10], strict=True))
    return (
        compose(context_features or {}, _context_of(context, results[:6], single=single)),
        compose(step_features or {}, _steps_of(steps, results[6:], single=single)),
        lengths,
    )


def _sparse_and_dense(request: Request, results: Any) -> dict[str, Any]:
    indices, values, shapes, dense = results
    parsed: dict[str, Any] = {
        key: SparseTensor(*parts)
        for key, *parts in zip(request.sparse, indices, values, shapes, strict=True)
    }
    parsed.update(zip(request.dense, dense, strict=True))
    return parsed


def _context_of(request: Request, results: Any, *, single: bool) -> dict[str, Any]:
    parsed = _sparse_and_dense(request, results[:4])
    for key, values, splits in zip(request.ragged, *results[4:], strict=True):
        parsed[key] = (
            values if single else RaggedTensor.from_row_splits(values, splits, validate=False)
        )
    return parsed


def _steps_of(request: Request, results: Any, *, single: bool) -> dict[str, Any]:
    parsed = _sparse_and_dense(request, results[:4])
    for key, values, outer, inner in zip(request.ragged, *results[5:], strict=True):
        rows = RaggedTensor.from_row_splits(values, inner, validate=False)
        parsed[key] = (
            rows if single else RaggedTensor.from_row_splits(rows, outer, validate=False)
        )
    return parsed
