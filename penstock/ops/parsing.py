"""Parsing of serialized examples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.example_parser import (
    ExamplePlan,
    dense_features,
    list_features,
    parse_batch,
    parse_one,
)
from penstock.ops.string import as_bytes
from penstock.ops.table import REQUIRED, TYPE_LIST, op

Array = Any

_PLANS_LIMIT: Final = 256
# Plans by the identity of what they were made of, which they keep alive: a graph hands the same
# arrays and attrs to its kernels again and again.
_plans: dict[tuple[int, ...], tuple[tuple[Any, ...], ExamplePlan]] = {}


def _plan_of(sources: tuple[Any, ...], make: Callable[[], ExamplePlan]) -> ExamplePlan:
    key = tuple(map(id, sources))
    found = _plans.get(key)
    if found is None:
        if len(_plans) >= _PLANS_LIMIT:
            _plans.clear()
        found = _plans[key] = (sources, make())
    return found[1]


def _result_shapes(
    serialized: Any,
    sparse: int,
    dense_shapes: Sequence[Any],
    ragged: int = 0,
) -> tuple[TensorShape, ...]:
    rank = serialized.shape.rank
    if rank is None:
        return (TensorShape(None),) * (3 * sparse + len(dense_shapes) + 2 * ragged)
    count = serialized.shape[0] if rank else None
    vector = TensorShape([None])
    splits = [None if count is None else count + 1] if rank else [0]
    return (
        *[TensorShape([None, rank + 1])] * sparse,
        *[vector] * sparse,
        *[TensorShape([rank + 1])] * sparse,
        *(TensorShape([count] * rank).concatenate(_opened(shape)) for shape in dense_shapes),
        *[vector] * ragged,
        *[TensorShape(splits)] * ragged,
    )


def _opened(shape: Any) -> TensorShape:
    return TensorShape(shape)


def _v2_shapes(
    serialized: Any,
    *_: Any,
    num_sparse: int,
    dense_shapes: Sequence[Any],
    ragged_value_types: Sequence[DType],
    **__: Any,
) -> tuple[TensorShape, ...]:
    return _result_shapes(serialized, num_sparse, dense_shapes, len(ragged_value_types))


@op(
    "ParseExampleV2",
    inputs=(
        "serialized: string",
        "names: string",
        "sparse_keys: string",
        "dense_keys: string",
        "ragged_keys: string",
        "dense_defaults: Tdense",
    ),
    outputs=(
        "sparse_indices: num_sparse * int64",
        "sparse_values: sparse_types",
        "sparse_shapes: num_sparse * int64",
        "dense_values: Tdense",
        "ragged_values: ragged_value_types",
        "ragged_row_splits: ragged_split_types",
    ),
    attrs={
        "Tdense": TYPE_LIST,
        "num_sparse": REQUIRED,
        "sparse_types": TYPE_LIST,
        "ragged_value_types": TYPE_LIST,
        "ragged_split_types": TYPE_LIST,
        "dense_shapes": REQUIRED,
    },
    kernel="host",
    differentiable=False,
    shape=_v2_shapes,
)
def parse_example_v2(  # noqa: PLR0917  (the inputs of the op)
    serialized: Array,
    names: Array,
    sparse_keys: Array,
    dense_keys: Array,
    ragged_keys: Array,
    dense_defaults: Sequence[Array],
    *,
    Tdense: Sequence[DType],  # noqa: N803
    num_sparse: int,
    sparse_types: Sequence[DType],
    ragged_value_types: Sequence[DType],
    ragged_split_types: Sequence[DType],
    dense_shapes: Sequence[Any],
) -> tuple[Any, ...]:
    """Features of serialized examples, as sparse, dense and ragged tensors.

    Shape: serialized [n] or [], names [n] or [0], sparse_keys [num_sparse], dense_keys [m],
        ragged_keys [k], dense_defaults [...] each -> sparse_indices [v, 2] each,
        sparse_values [v] each, sparse_shapes [2] each, dense_values [n, ...] each,
        ragged_values [v] each, ragged_row_splits [n + 1] each.
    Errors: InvalidArgumentError when a message is no example, lacks a feature without default,
        or holds one of another type or number of values.
    """
    del num_sparse

    def make() -> ExamplePlan:
        return ExamplePlan(
            list_features(sparse_keys.ravel().tolist(), sparse_types, "sparse_types"),
            dense_features(
                dense_keys.ravel().tolist(),
                Tdense,
                [TensorShape(shape) for shape in dense_shapes],
                dense_defaults,
            ),
            list_features(
                ragged_keys.ravel().tolist(),
                ragged_value_types,
                "ragged_value_types",
                ragged_split_types,
            ),
        )

    sources = (
        *(sparse_keys, dense_keys, ragged_keys, *dense_defaults, Tdense, sparse_types),
        *(ragged_value_types, ragged_split_types, dense_shapes),
    )
    return _parse(serialized, names, _plan_of(sources, make))


def _parse(serialized: Array, names: Array, plan: ExamplePlan) -> tuple[Any, ...]:
    if serialized.ndim == 0:
        lists = parse_one(serialized.item(), plan)
    elif serialized.ndim == 1:
        labels = names.ravel().tolist()
        if len(labels) not in (0, len(serialized)):
            raise InvalidArgumentError(
                f"names must be as many as serialized or none, got {len(labels)} and "
                f"{len(serialized)}"
            )
        lists = parse_batch(serialized.tolist(), plan, labels)
    else:
        raise InvalidArgumentError(
            f"Expected serialized to be a scalar or vector, got shape: {list(serialized.shape)}"
        )
    return tuple(item for part in lists for item in part)


def _v1_shapes(
    serialized: Any,
    names: Any,  # noqa: ARG001
    sparse_keys: Sequence[Any],
    *_: Any,
    dense_shapes: Sequence[Any],
    **__: Any,
) -> tuple[TensorShape, ...]:
    return _result_shapes(serialized, len(sparse_keys), dense_shapes)


@op(
    "ParseExample",
    inputs=(
        "serialized: string",
        "names: string",
        "sparse_keys: Nsparse * string",
        "dense_keys: Ndense * string",
        "dense_defaults: Tdense",
    ),
    outputs=(
        "sparse_indices: Nsparse * int64",
        "sparse_values: sparse_types",
        "sparse_shapes: Nsparse * int64",
        "dense_values: Tdense",
    ),
    attrs={"sparse_types": TYPE_LIST, "Tdense": TYPE_LIST, "dense_shapes": REQUIRED},
    kernel="host",
    differentiable=False,
    shape=_v1_shapes,
)
def parse_example(
    serialized: Array,
    names: Array,
    sparse_keys: Sequence[Array],
    dense_keys: Sequence[Array],
    dense_defaults: Sequence[Array],
    *,
    sparse_types: Sequence[DType],
    Tdense: Sequence[DType],  # noqa: N803
    dense_shapes: Sequence[Any],
) -> tuple[Any, ...]:
    """Features of serialized examples, as sparse and dense tensors.

    Shape: serialized [n], names [n] or [0], sparse_keys [] each, dense_keys [] each,
        dense_defaults [...] each -> sparse_indices [v, 2] each, sparse_values [v] each,
        sparse_shapes [2] each, dense_values [n, ...] each.
    Errors: as for ParseExampleV2.
    """
    plan = ExamplePlan(
        list_features([key.item() for key in sparse_keys], sparse_types, "sparse_types"),
        dense_features(
            [key.item() for key in dense_keys],
            Tdense,
            [TensorShape(shape) for shape in dense_shapes],
            dense_defaults,
        ),
    )
    return _parse(serialized, names, plan)


def _single_shapes(
    serialized: Any, *_: Any, num_sparse: int, dense_shapes: Sequence[Any], **__: Any
) -> tuple[TensorShape, ...]:
    del serialized
    return (
        *[TensorShape([None, 1])] * num_sparse,
        *[TensorShape([None])] * num_sparse,
        *[TensorShape([1])] * num_sparse,
        *(TensorShape(shape) for shape in dense_shapes),
    )


@op(
    "ParseSingleExample",
    inputs=("serialized: string", "dense_defaults: Tdense"),
    outputs=(
        "sparse_indices: num_sparse * int64",
        "sparse_values: sparse_types",
        "sparse_shapes: num_sparse * int64",
        "dense_values: Tdense",
    ),
    attrs={
        "num_sparse": REQUIRED,
        "sparse_keys": REQUIRED,
        "dense_keys": REQUIRED,
        "sparse_types": TYPE_LIST,
        "Tdense": TYPE_LIST,
        "dense_shapes": REQUIRED,
    },
    kernel="host",
    differentiable=False,
    shape=_single_shapes,
)
def parse_single_example(
    serialized: Array,
    dense_defaults: Sequence[Array],
    *,
    num_sparse: int,
    sparse_keys: Sequence[str],
    dense_keys: Sequence[str],
    sparse_types: Sequence[DType],
    Tdense: Sequence[DType],  # noqa: N803
    dense_shapes: Sequence[Any],
) -> tuple[Any, ...]:
    """Features of one serialized example, as sparse and dense tensors.

    Shape: serialized [], dense_defaults [...] each -> sparse_indices [v, 1] each,
        sparse_values [v] each, sparse_shapes [1] each, dense_values [...] each.
    Errors: as for ParseExampleV2.
    """
    del num_sparse

    def make() -> ExamplePlan:
        return ExamplePlan(
            list_features([as_bytes(k) for k in sparse_keys], sparse_types, "sparse_types"),
            dense_features(
                [as_bytes(k) for k in dense_keys],
                Tdense,
                [TensorShape(shape) for shape in dense_shapes],
                dense_defaults,
            ),
        )

    sources = (sparse_keys, dense_keys, sparse_types, Tdense, dense_shapes, *dense_defaults)
    lists = parse_one(serialized.item(), _plan_of(sources, make))
    return tuple(item for part in lists for item in part)
