"""Parsing of serialized sequence examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.example_parser import (
    ExamplePlan,
    dense_features,
    kind_of,
    list_features,
)
from penstock.ops.sequence_parser import SequencePlan, StepFeature, parse_sequences
from penstock.ops.string import as_bytes
from penstock.ops.table import REQUIRED, TYPE_LIST, op

Array = Any

_TYPES: Final = {
    "context_sparse_types": TYPE_LIST,
    "Tcontext_dense": TYPE_LIST,
    "context_dense_shapes": (),
    "feature_list_dense_types": TYPE_LIST,
    "feature_list_sparse_types": TYPE_LIST,
    "feature_list_dense_shapes": (),
}
_OUTPUTS: Final = (
    "context_sparse_indices: Ncontext_sparse * int64",
    "context_sparse_values: context_sparse_types",
    "context_sparse_shapes: Ncontext_sparse * int64",
    "context_dense_values: Tcontext_dense",
    "feature_list_sparse_indices: Nfeature_list_sparse * int64",
    "feature_list_sparse_values: feature_list_sparse_types",
    "feature_list_sparse_shapes: Nfeature_list_sparse * int64",
    "feature_list_dense_values: feature_list_dense_types",
)


def _shapes(
    rank: int | None,
    count: int | None,
    attrs: dict[str, Any],
    *,
    with_lengths: bool,
    with_ragged: bool,
) -> tuple[TensorShape, ...]:
    """Shapes of the outputs, for messages of a rank."""
    sparse = len(attrs["context_sparse_types"])
    steps = len(attrs["feature_list_sparse_types"])
    ragged = len(attrs.get("context_ragged_value_types", ()))
    step_ragged = len(attrs.get("feature_list_ragged_value_types", ()))
    dense = [TensorShape(shape) for shape in attrs["context_dense_shapes"]]
    step_dense = [TensorShape(shape) for shape in attrs["feature_list_dense_shapes"]]
    if rank is None:
        total = 3 * (sparse + steps) + len(dense) + len(step_dense)
        total += len(step_dense) * with_lengths
        total += (2 * ragged + 3 * step_ragged) * with_ragged
        return (TensorShape(None),) * total
    lead = TensorShape([count] * rank)
    vector = TensorShape([None])
    found = [
        *[TensorShape([None, rank + 1])] * sparse,
        *[vector] * sparse,
        *[TensorShape([rank + 1])] * sparse,
        *(lead.concatenate(shape) for shape in dense),
        *[vector] * (2 * ragged),
        *[TensorShape([None, rank + 2])] * steps,
        *[vector] * steps,
        *[TensorShape([rank + 2])] * steps,
        *(lead.concatenate([None]).concatenate(shape) for shape in step_dense),
    ]
    if with_lengths:
        found += [lead] * len(step_dense)
    return (*found, *[vector] * (3 * step_ragged))


def _step_features(
    names: Sequence[bytes],
    types: Sequence[DType],
    shapes: Sequence[Any],
    missing: Sequence[bool],
) -> tuple[StepFeature, ...]:
    features = []
    for name, dtype, shape, empty in zip(names, types, shapes, missing, strict=True):
        kind = kind_of(dtype, "feature_list_dense_types")
        if not TensorShape(shape).is_fully_defined():
            raise InvalidArgumentError(
                f"feature_list_dense_shapes must be fully known, got {shape} for {name!r}"
            )
        features.append(StepFeature(name, kind, dtype, TensorShape(shape), bool(empty)))
    return tuple(features)


def _plan(  # noqa: PLR0917  (four lists of keys, and what belongs to them)
    context_sparse: Sequence[bytes],
    context_dense: Sequence[bytes],
    step_sparse: Sequence[bytes],
    step_dense: Sequence[bytes],
    missing: Sequence[bool],
    defaults: Sequence[Array],
    attrs: dict[str, Any],
) -> SequencePlan:
    return SequencePlan(
        ExamplePlan(
            list_features(
                context_sparse, attrs["context_sparse_types"], "context_sparse_types"
            ),
            dense_features(
                context_dense,
                attrs["Tcontext_dense"],
                [TensorShape(shape) for shape in attrs["context_dense_shapes"]],
                defaults,
                "Tcontext_dense",
            ),
        ),
        list_features(
            step_sparse, attrs["feature_list_sparse_types"], "feature_list_sparse_types"
        ),
        _step_features(
            step_dense,
            attrs["feature_list_dense_types"],
            attrs["feature_list_dense_shapes"],
            missing,
        ),
    )


def _flat(lists: Sequence[Sequence[Any]]) -> tuple[Any, ...]:
    return tuple(item for part in lists for item in part)


def _run(serialized: Array, names: Array, plan: SequencePlan) -> tuple[list[Any], ...]:
    if serialized.ndim > 1:
        raise InvalidArgumentError(
            f"Expected serialized to be a scalar or vector, got shape: {list(serialized.shape)}"
        )
    labels = names.ravel().tolist()
    if len(labels) not in (0, serialized.size):
        raise InvalidArgumentError(
            f"names must be as many as serialized or none, got {len(labels)} and "
            f"{serialized.size}"
        )
    single = serialized.ndim == 0
    return parse_sequences(serialized.ravel().tolist(), plan, labels, single=single)


def _v2_shapes(serialized: Any, *_: Any, **attrs: Any) -> tuple[TensorShape, ...]:
    rank = serialized.shape.rank
    count = serialized.shape[0] if rank else None
    return _shapes(rank, count, attrs, with_lengths=True, with_ragged=True)


@op(
    "ParseSequenceExampleV2",
    inputs=(
        "serialized: string",
        "debug_name: string",
        "context_sparse_keys: string",
        "context_dense_keys: string",
        "context_ragged_keys: string",
        "feature_list_sparse_keys: string",
        "feature_list_dense_keys: string",
        "feature_list_ragged_keys: string",
        "feature_list_dense_missing_assumed_empty: bool",
        "context_dense_defaults: Tcontext_dense",
    ),
    outputs=(
        *_OUTPUTS[:4],
        "context_ragged_values: context_ragged_value_types",
        "context_ragged_row_splits: context_ragged_split_types",
        *_OUTPUTS[4:],
        "feature_list_dense_lengths: Nfeature_list_dense * int64",
        "feature_list_ragged_values: feature_list_ragged_value_types",
        "feature_list_ragged_outer_splits: feature_list_ragged_split_types",
        "feature_list_ragged_inner_splits: feature_list_ragged_split_types",
    ),
    attrs={
        "Ncontext_sparse": 0,
        "Nfeature_list_sparse": 0,
        "Nfeature_list_dense": 0,
        **_TYPES,
        "context_ragged_value_types": TYPE_LIST,
        "context_ragged_split_types": TYPE_LIST,
        "feature_list_ragged_value_types": TYPE_LIST,
        "feature_list_ragged_split_types": TYPE_LIST,
    },
    kernel="host",
    differentiable=False,
    shape=_v2_shapes,
)
def parse_sequence_example_v2(  # noqa: PLR0917  (the inputs of the op)
    serialized: Array,
    debug_name: Array,
    context_sparse_keys: Array,
    context_dense_keys: Array,
    context_ragged_keys: Array,
    feature_list_sparse_keys: Array,
    feature_list_dense_keys: Array,
    feature_list_ragged_keys: Array,
    feature_list_dense_missing_assumed_empty: Array,
    context_dense_defaults: Sequence[Array],
    **attrs: Any,
) -> tuple[Any, ...]:
    """Features of the context and of the steps of serialized sequence examples.

    Shape: serialized [n] or [], debug_name [n] or [0], context_sparse_keys [a],
        context_dense_keys [b], context_ragged_keys [c], feature_list_sparse_keys [d],
        feature_list_dense_keys [e], feature_list_ragged_keys [f],
        feature_list_dense_missing_assumed_empty [e], context_dense_defaults [...] each ->
        context_sparse_indices [v, 2] each, context_sparse_values [v] each,
        context_sparse_shapes [2] each, context_dense_values [n, ...] each,
        context_ragged_values [v] each, context_ragged_row_splits [n + 1] each,
        feature_list_sparse_indices [v, 3] each, feature_list_sparse_values [v] each,
        feature_list_sparse_shapes [3] each, feature_list_dense_values [n, steps, ...] each,
        feature_list_dense_lengths [n] each, feature_list_ragged_values [v] each,
        feature_list_ragged_outer_splits [n + 1] each,
        feature_list_ragged_inner_splits [s + 1] each.
    Errors: InvalidArgumentError when a message is no sequence example, lacks a feature or list
        that must be there, or holds one of another type or number of values.
    """
    plan = _plan(
        context_sparse_keys.ravel().tolist(),
        context_dense_keys.ravel().tolist(),
        feature_list_sparse_keys.ravel().tolist(),
        feature_list_dense_keys.ravel().tolist(),
        feature_list_dense_missing_assumed_empty.ravel().tolist(),
        context_dense_defaults,
        attrs,
    )
    context = ExamplePlan(
        plan.context.sparse,
        plan.context.dense,
        list_features(
            context_ragged_keys.ravel().tolist(),
            attrs["context_ragged_value_types"],
            "context_ragged_value_types",
            attrs["context_ragged_split_types"],
        ),
    )
    ragged = list_features(
        feature_list_ragged_keys.ravel().tolist(),
        attrs["feature_list_ragged_value_types"],
        "feature_list_ragged_value_types",
        attrs["feature_list_ragged_split_types"],
    )
    return _flat(
        _run(serialized, debug_name, SequencePlan(context, plan.sparse, plan.dense, ragged))
    )


def _v1_shapes(serialized: Any, *_: Any, **attrs: Any) -> tuple[TensorShape, ...]:
    rank = serialized.shape.rank
    count = serialized.shape[0] if rank else None
    return _shapes(rank, count, attrs, with_lengths=True, with_ragged=False)


@op(
    "ParseSequenceExample",
    inputs=(
        "serialized: string",
        "debug_name: string",
        "context_dense_defaults: Tcontext_dense",
    ),
    outputs=(*_OUTPUTS, "feature_list_dense_lengths: Nfeature_list_dense * int64"),
    attrs={
        "feature_list_dense_missing_assumed_empty": REQUIRED,
        "context_sparse_keys": REQUIRED,
        "context_dense_keys": REQUIRED,
        "feature_list_sparse_keys": REQUIRED,
        "feature_list_dense_keys": REQUIRED,
        "Ncontext_sparse": 0,
        "Ncontext_dense": 0,
        "Nfeature_list_sparse": 0,
        "Nfeature_list_dense": 0,
        **_TYPES,
    },
    kernel="host",
    differentiable=False,
    shape=_v1_shapes,
)
def parse_sequence_example_v1(
    serialized: Array,
    debug_name: Array,
    context_dense_defaults: Sequence[Array],
    **attrs: Any,
) -> tuple[Any, ...]:
    """Features of the context and of the steps of serialized sequence examples.

    Shape: serialized [n], debug_name [n] or [0], context_dense_defaults [...] each ->
        context_sparse_indices [v, 2] each, context_sparse_values [v] each,
        context_sparse_shapes [2] each, context_dense_values [n, ...] each,
        feature_list_sparse_indices [v, 3] each, feature_list_sparse_values [v] each,
        feature_list_sparse_shapes [3] each, feature_list_dense_values [n, steps, ...] each,
        feature_list_dense_lengths [n] each.
    Errors: as for ParseSequenceExampleV2.
    """
    missing = {as_bytes(key) for key in attrs["feature_list_dense_missing_assumed_empty"]}

    def keys(name: str) -> list[bytes]:
        return [as_bytes(key) for key in attrs[f"{name}_keys"]]

    dense = keys("feature_list_dense")
    plan = _plan(
        keys("context_sparse"),
        keys("context_dense"),
        keys("feature_list_sparse"),
        dense,
        [key in missing for key in dense],
        context_dense_defaults,
        attrs,
    )
    return _flat(_without_ragged(_run(serialized, debug_name, plan)))


def _without_ragged(lists: Sequence[Any]) -> Sequence[Any]:
    """The lists of dense and sparse features, and the numbers of steps."""
    return (*lists[:4], *lists[6:11])


def _single_shapes(serialized: Any, *_: Any, **attrs: Any) -> tuple[TensorShape, ...]:
    del serialized
    return _shapes(0, None, attrs, with_lengths=False, with_ragged=False)


@op(
    "ParseSingleSequenceExample",
    inputs=(
        "serialized: string",
        "feature_list_dense_missing_assumed_empty: string",
        "context_sparse_keys: Ncontext_sparse * string",
        "context_dense_keys: Ncontext_dense * string",
        "feature_list_sparse_keys: Nfeature_list_sparse * string",
        "feature_list_dense_keys: Nfeature_list_dense * string",
        "context_dense_defaults: Tcontext_dense",
        "debug_name: string",
    ),
    outputs=_OUTPUTS,
    attrs=_TYPES,
    kernel="host",
    differentiable=False,
    shape=_single_shapes,
)
def parse_single_sequence_example(  # noqa: PLR0917  (the inputs of the op)
    serialized: Array,
    feature_list_dense_missing_assumed_empty: Array,
    context_sparse_keys: Sequence[Array],
    context_dense_keys: Sequence[Array],
    feature_list_sparse_keys: Sequence[Array],
    feature_list_dense_keys: Sequence[Array],
    context_dense_defaults: Sequence[Array],
    debug_name: Array,
    **attrs: Any,
) -> tuple[Any, ...]:
    """Features of the context and of the steps of one serialized sequence example.

    Shape: serialized [], feature_list_dense_missing_assumed_empty [k],
        context_sparse_keys [] each, context_dense_keys [] each,
        feature_list_sparse_keys [] each, feature_list_dense_keys [] each,
        context_dense_defaults [...] each, debug_name [] ->
        context_sparse_indices [v, 1] each, context_sparse_values [v] each,
        context_sparse_shapes [1] each, context_dense_values [...] each,
        feature_list_sparse_indices [v, 2] each, feature_list_sparse_values [v] each,
        feature_list_sparse_shapes [2] each, feature_list_dense_values [steps, ...] each.
    Errors: as for ParseSequenceExampleV2.
    """
    missing = set(feature_list_dense_missing_assumed_empty.ravel().tolist())
    dense = [key.item() for key in feature_list_dense_keys]
    plan = _plan(
        [key.item() for key in context_sparse_keys],
        [key.item() for key in context_dense_keys],
        [key.item() for key in feature_list_sparse_keys],
        dense,
        [key in missing for key in dense],
        context_dense_defaults,
        attrs,
    )
    return _flat(_without_ragged(_run(serialized, debug_name, plan))[:-1])
