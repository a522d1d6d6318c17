"""First values of variables: `tf.zeros_initializer` and its like."""

from __future__ import annotations

from typing import Any, ClassVar

from penstock.api import filling
from penstock.api.random.stateful import normal, uniform
from penstock.api.random.stateless import stateless_normal, stateless_uniform
from penstock.core import dtypes
from penstock.core.dtypes import DType, as_dtype
from penstock.core.errors import UnimplementedError
from penstock.runtime.convert import constant

__all__ = [
    "constant_initializer",
    "ones_initializer",
    "random_normal_initializer",
    "random_uniform_initializer",
    "zeros_initializer",
]


class Initializer:
    """Gives the first value of a variable, for a shape and a dtype."""

    _fields: ClassVar[tuple[str, ...]] = ()

    def __call__(self, shape: Any, dtype: Any = dtypes.float32, **kwargs: Any) -> Any:
        """Return a tensor of the shape and dtype.

        Args:
            shape: of the tensor.
            dtype: of the tensor.
            **kwargs: `partition_shape` and `partition_offset`: the part of the shape that is
                asked for, and where it begins.
        """
        unknown = set(kwargs) - {"partition_shape", "partition_offset"}
        if unknown:
            raise TypeError(f"an initializer takes no {sorted(unknown)[0]!r}")
        return self._value(kwargs.get("partition_shape") or shape, dtype)

    def _value(self, shape: Any, dtype: Any) -> Any:
        raise UnimplementedError(f"{type(self).__name__} must say what its values are")

    def get_config(self) -> dict[str, Any]:
        """Return what makes it again."""
        return {name: getattr(self, name) for name in self._fields}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Initializer:
        """Make one from what `get_config` returned."""
        return cls(**{name: value for name, value in config.items() if name != "dtype"})


def _numeric(dtype: Any) -> DType:
    kind = as_dtype(dtype)
    if not (kind.is_numpy_compatible and kind is not dtypes.string):
        raise ValueError(
            f"Argument `dtype` expected to be numeric or boolean. Received {kind}."
        )
    return kind


def _floating(dtype: Any) -> DType:
    kind = as_dtype(dtype)
    if not kind.is_floating:
        raise ValueError(
            f"Argument `dtype` is expected to be floating point. Received: {kind}."
        )
    return kind


class zeros_initializer(Initializer):  # noqa: N801  (TensorFlow's name)
    """Zeros."""

    def _value(self, shape: Any, dtype: Any) -> Any:
        return filling.zeros(shape, _numeric(dtype))


class ones_initializer(Initializer):  # noqa: N801  (TensorFlow's name)
    """Ones."""

    def _value(self, shape: Any, dtype: Any) -> Any:
        return filling.ones(shape, _numeric(dtype))


class constant_initializer(Initializer):  # noqa: N801  (TensorFlow's name)
    """A value, or the elements of a list.

    Args:
        value: a number, or a list or array with an element for each of the tensor.
        support_partition: whether a part of the shape may be asked for.
    """

    _fields = ("value",)

    def __init__(self, value: Any = 0, support_partition: bool = False) -> None:
        self.value = value
        self.support_partition = support_partition

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        """Return a tensor of the shape, and of the value's dtype unless one is given.

        Raises:
            TypeError: the value has not as many elements as the shape.
        """
        if kwargs and not self.support_partition:
            raise UnimplementedError(
                "constant_initializer does not support partition-related arguments"
            )
        return super().__call__(shape, dtype, **kwargs)

    def _value(self, shape: Any, dtype: Any) -> Any:
        return constant(self.value, None if dtype is None else as_dtype(dtype), shape)


class random_normal_initializer(Initializer):  # noqa: N801  (TensorFlow's name)
    """Samples of a normal distribution.

    Args:
        mean: of the distribution.
        stddev: its standard deviation.
        seed: fixes the samples: every call gives the same ones. None gives others each time.
    """

    _fields = ("mean", "stddev", "seed")

    def __init__(self, mean: Any = 0.0, stddev: Any = 0.05, seed: Any = None) -> None:
        self.mean = mean
        self.stddev = stddev
        self.seed = seed

    def _value(self, shape: Any, dtype: Any) -> Any:
        kind = _floating(dtype)
        if self.seed is None:
            return normal(shape, self.mean, self.stddev, kind)
        return stateless_normal(shape, [self.seed, 0], self.mean, self.stddev, kind)


class random_uniform_initializer(Initializer):  # noqa: N801  (TensorFlow's name)
    """Samples of a uniform distribution.

    Args:
        minval: least value.
        maxval: all values are below it.
        seed: fixes the samples: every call gives the same ones. None gives others each time.
    """

    _fields = ("minval", "maxval", "seed")

    def __init__(self, minval: Any = -0.05, maxval: Any = 0.05, seed: Any = None) -> None:
        self.minval = minval
        self.maxval = maxval
        self.seed = seed

    def _value(self, shape: Any, dtype: Any) -> Any:
        kind = as_dtype(dtype)
        if not (kind.is_floating or kind.is_integer):
            raise ValueError(
                f"Argument `dtype` is expected to be float or int. Received: {kind}."
            )
        if self.seed is None:
            return uniform(shape, self.minval, self.maxval, kind)
        return stateless_uniform(shape, [self.seed, 0], self.minval, self.maxval, kind)
