"""The features that are asked for, sorted by what the parsing ops do with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from penstock.api.parsing.features import (
    FixedLenFeature,
    FixedLenSequenceFeature,
    RaggedFeature,
    SparseFeature,
    UniformRowLength,
    VarLenFeature,
)
from penstock.core import dtypes
from penstock.core.dtypes import DType, as_dtype
from penstock.core.tensor_shape import TensorShape
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call


@dataclass(slots=True)
class Request:
    """Keys, types and shapes of sparse, dense and ragged features.

    Args:
        features: what was said of them, by key.
        allowed: classes of features that may be among them; None for all.
        in_steps: whether they are of the steps of a sequence.

    Raises:
        ValueError: a feature lacks something, is of no known kind, or two do not go together.
    """

    features: Mapping[str, Any]
    allowed: tuple[type, ...] | None = None
    in_steps: bool = False
    sparse: dict[str, DType] = field(default_factory=dict)
    dense: dict[str, DType] = field(default_factory=dict)
    shapes: dict[str, TensorShape] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)
    ragged: dict[str, tuple[DType, DType]] = field(default_factory=dict)
    missing_is_empty: dict[str, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key in sorted(self.features):
            feature = self.features[key]
            adders: dict[type, Callable[[str, Any], None]] = {
                VarLenFeature: self._add_var_len,
                SparseFeature: self._add_sparse_parts,
                FixedLenFeature: self._add_fixed,
                FixedLenSequenceFeature: self._add_sequence,
                RaggedFeature: self._add_ragged_parts,
            }
            adder = adders.get(type(feature))
            refused = self.allowed is not None and type(feature) not in self.allowed
            if adder is None or refused:
                raise ValueError(
                    f"Unsupported {type(feature).__name__} {feature} for key '{key}'"
                )
            adder(key, feature)
        self._check_apart("Dense", self.dense, "sparse", self.sparse)
        self._check_apart("Dense", self.dense, "ragged", self.ragged)
        self._check_apart("Ragged", self.ragged, "sparse", self.sparse)

    @staticmethod
    def _check_apart(one: str, first: Any, other: str, second: Any) -> None:
        both = set(first) & set(second)
        if both:
            raise ValueError(
                f"{one} and {other} keys must not intersect; {one.lower()}_keys: "
                f"{sorted(first)}, {other}_keys: {sorted(second)}, intersection: {sorted(both)}"
            )

    # -- one feature ----------------------------------------------------------------------

    def _add_var_len(self, key: str, feature: VarLenFeature) -> None:
        self._add_sparse(key, feature.dtype, f"VarLenFeature for {key!r}")

    def _add_sparse(self, key: str, dtype: Any, what: str) -> None:
        if dtype is None:
            raise ValueError(f"Missing type for {what}")
        self._note(self.sparse, key, as_dtype(dtype))

    @staticmethod
    def _note(found: dict[str, Any], key: str, kind: Any) -> None:
        if found.setdefault(key, kind) != kind:
            raise ValueError(f"Conflicting type {found[key]} vs {kind} for feature {key}.")

    def _add_sparse_parts(self, key: str, feature: SparseFeature) -> None:
        if not feature.index_key or not feature.value_key or feature.size is None:
            raise ValueError(f"SparseFeature {key!r} must have index_key, value_key and size")
        keys, sizes = index_keys(feature), index_sizes(feature)
        if len(keys) != len(sizes):
            raise ValueError(
                f"SparseFeature {key!r} must have as many sizes as index keys, got {sizes} and "
                f"{keys}"
            )
        for index_key in sorted(keys):
            self._add_sparse(index_key, dtypes.int64, f"index of {key!r}")
        self._add_sparse(feature.value_key, feature.dtype, f"SparseFeature {key!r}")

    def _add_dense(self, key: str, feature: Any, shape: TensorShape, default: Any) -> None:
        if not feature.dtype:
            raise ValueError(f"Missing type for feature {key}. Received feature={feature}.")
        if feature.shape is None:
            raise ValueError(f"Missing shape for feature {key}. Received feature={feature}.")
        self.dense[key] = as_dtype(feature.dtype)
        self.shapes[key] = shape
        if default is not None:
            self.defaults[key] = default

    def _add_fixed(self, key: str, feature: FixedLenFeature) -> None:
        shape = TensorShape(feature.shape)
        if shape.rank and shape[0] is None:
            raise ValueError(
                f"First dimension of shape for feature {key} unknown. Consider using "
                f"FixedLenSequenceFeature. Received feature={feature}."
            )
        if feature.shape is not None and not shape.is_fully_defined():
            raise ValueError(f"All dimensions of shape for feature {key} must be known.")
        self._add_dense(key, feature, shape, feature.default_value)

    def _add_sequence(self, key: str, feature: FixedLenSequenceFeature) -> None:
        shape = TensorShape(feature.shape)
        if self.in_steps:
            self._add_dense(key, feature, shape, None)
            self.missing_is_empty[key] = feature.allow_missing
            if feature.default_value is not None:
                raise ValueError(f"Value feature_list.dense_defaults[{key}] must be None")
            return
        if not feature.allow_missing:
            raise ValueError(
                "Unsupported: FixedLenSequenceFeature requires allow_missing to be True."
            )
        rows = TensorShape([None]).concatenate(shape)
        self._add_dense(key, feature, rows, feature.default_value)

    def _add_ragged_parts(self, key: str, feature: RaggedFeature) -> None:
        splits = feature.row_splits_dtype
        value_key = key if feature.value_key is None else feature.value_key
        self._note(self.ragged, value_key, (feature.dtype, splits))
        for partition in feature.partitions:
            if not isinstance(partition, UniformRowLength):
                self._note(self.ragged, partition.key, (dtypes.int64, splits))

    # -- what the ops take ----------------------------------------------------------------

    def default_tensors(self) -> list[Any]:
        """A default for each dense feature; empty where it must be there."""
        return [self._default(key) for key in self.dense]

    def _default(self, key: str) -> Any:
        dtype, shape = self.dense[key], self.shapes[key]
        has_rows = bool(shape.rank) and shape[0] is None
        value = self.defaults.get(key)
        if value is None and not has_rows:
            return convert_to_tensor([], dtype)
        if value is None:
            value = b"" if dtype is dtypes.string else 0
        tensor = convert_to_tensor(value, dtype)
        wanted = [1] if has_rows else shape.as_list()
        if has_rows and tensor.shape.num_elements() == 1:
            return call("Reshape", tensor, convert_to_tensor([], dtypes.int32))
        return call("Reshape", tensor, convert_to_tensor(wanted, dtypes.int32))


def index_keys(feature: SparseFeature) -> list[str]:
    """Keys of the indices, one for each axis."""
    keys = feature.index_key
    return [keys] if isinstance(keys, str) else list(keys)


def index_sizes(feature: SparseFeature) -> list[Any]:
    """Size of each axis."""
    sizes = feature.size
    return list(sizes) if isinstance(sizes, (list, tuple)) else [sizes]
