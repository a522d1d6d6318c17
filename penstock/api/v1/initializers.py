"""First values of variables, as `tf.compat.v1` names them."""

from __future__ import annotations

import math
from typing import Any

from penstock.api import filling, initializers, random
from penstock.core import dtypes
from penstock.core.errors import UnimplementedError
from penstock.core.tensor_shape import TensorShape
from penstock.runtime.dispatch import call


class Initializer:
    """Makes values of a dtype of its own where none is asked for.

    Args:
        dtype: the dtype.
    """

    def __init__(self, dtype: Any = dtypes.float32) -> None:
        self.dtype = dtypes.as_dtype(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
        """A tensor of a shape."""
        kind = self.dtype if dtype is None else dtypes.as_dtype(dtype)
        return self._make([size or 0 for size in TensorShape(shape).as_list()], kind)

    def _make(self, shape: list[int], dtype: Any) -> Any:
        raise UnimplementedError(f"{type(self).__name__} must say what its values are")


class zeros_initializer(Initializer):  # noqa: N801  (TensorFlow's name)
    """Zeros, or empty texts."""

    def _make(self, shape: list[int], dtype: Any) -> Any:
        return filling.zeros(shape, dtype)


class ones_initializer(Initializer):  # noqa: N801  (TensorFlow's name)
    """Ones."""

    def _make(self, shape: list[int], dtype: Any) -> Any:
        return filling.ones(shape, dtype)


class constant_initializer(Initializer):  # noqa: N801  (TensorFlow's name)
    """One value everywhere, or given values.

    Args:
        value: a number, or a list or array of as many as the variable has elements.
        dtype: the dtype.
        verify_shape: whether the value must have the variable's shape.
    """

    def __init__(
        self, value: Any = 0, dtype: Any = dtypes.float32, verify_shape: bool = False
    ) -> None:
        super().__init__(dtype)
        self.value = value
        self._verifies = verify_shape

    def _make(self, shape: list[int], dtype: Any) -> Any:
        make = initializers.constant_initializer(self.value)
        made = make(shape, dtype)
        if self._verifies and list(TensorShape(made.shape).as_list()) != shape:
            raise TypeError(f"Expected Tensor's shape: {tuple(shape)}, got {made.shape}.")
        return made


class random_uniform_initializer(Initializer):  # noqa: N801  (TensorFlow's name)
    """Numbers spread evenly over a range."""

    def __init__(
        self,
        minval: Any = 0.0,
        maxval: Any = None,
        seed: int | None = None,
        dtype: Any = dtypes.float32,
    ) -> None:
        super().__init__(dtype)
        self.minval, self.maxval, self.seed = minval, maxval, seed

    def _make(self, shape: list[int], dtype: Any) -> Any:
        return random.uniform(shape, self.minval, self.maxval, dtype, seed=self.seed)


class random_normal_initializer(Initializer):  # noqa: N801  (TensorFlow's name)
    """Normally distributed numbers."""

    def __init__(
        self,
        mean: float = 0.0,
        stddev: float = 1.0,
        seed: int | None = None,
        dtype: Any = dtypes.float32,
    ) -> None:
        super().__init__(dtype)
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def _make(self, shape: list[int], dtype: Any) -> Any:
        return random.normal(shape, self.mean, self.stddev, dtype, seed=self.seed)


class truncated_normal_initializer(random_normal_initializer):  # noqa: N801
    """Normally distributed numbers within two standard deviations."""

    def _make(self, shape: list[int], dtype: Any) -> Any:
        return random.truncated_normal(shape, self.mean, self.stddev, dtype, seed=self.seed)


class variance_scaling_initializer(Initializer):  # noqa: N801  (TensorFlow's name)
    """Numbers whose variance follows from the number of inputs or outputs.

    Args:
        scale: factor of the variance.
        mode: "fan_in", "fan_out" or "fan_avg".
        distribution: "uniform", "normal", "truncated_normal" or "untruncated_normal".
        seed: seed of the op.
        dtype: the dtype.

    Raises:
        ValueError: an argument is none of these, or the scale is not positive.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
        dtype: Any = dtypes.float32,
    ) -> None:
        super().__init__(dtype)
        if scale <= 0:
            raise ValueError(f"scale must be positive, got {scale}")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f"mode must be 'fan_in', 'fan_out' or 'fan_avg', got {mode!r}")
        known = ("normal", "uniform", "truncated_normal", "untruncated_normal")
        if distribution not in known:
            raise ValueError(f"distribution must be one of {known}, got {distribution!r}")
        self.scale, self.mode, self.distribution, self.seed = scale, mode, distribution, seed

    def _make(self, shape: list[int], dtype: Any) -> Any:
        fan_in, fan_out = _fans(shape)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}
        variance = self.scale / max(1.0, fan[self.mode])
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return random.uniform(shape, -limit, limit, dtype, seed=self.seed)
        if self.distribution == "untruncated_normal":
            return random.normal(shape, 0.0, math.sqrt(variance), dtype, seed=self.seed)
        # The deviation of a normal distribution that is cut at two of its own.
        deviation = math.sqrt(variance) / 0.87962566103423978
        return random.truncated_normal(shape, 0.0, deviation, dtype, seed=self.seed)


def _fans(shape: list[int]) -> tuple[float, float]:
    if not shape:
        return 1.0, 1.0
    if len(shape) == 1:
        return float(shape[0]), float(shape[0])
    window = math.prod(shape[:-2])
    return float(window * shape[-2]), float(window * shape[-1])


class glorot_uniform_initializer(variance_scaling_initializer):  # noqa: N801
    """Evenly spread numbers by the sizes of inputs and outputs."""

    def __init__(self, seed: int | None = None, dtype: Any = dtypes.float32) -> None:
        super().__init__(1.0, "fan_avg", "uniform", seed, dtype)


class glorot_normal_initializer(variance_scaling_initializer):  # noqa: N801
    """Normally distributed numbers by the sizes of inputs and outputs."""

    def __init__(self, seed: int | None = None, dtype: Any = dtypes.float32) -> None:
        super().__init__(1.0, "fan_avg", "truncated_normal", seed, dtype)


def he_normal(seed: int | None = None) -> variance_scaling_initializer:
    """Normally distributed numbers by the size of the inputs."""
    return variance_scaling_initializer(2.0, "fan_in", "truncated_normal", seed)


def he_uniform(seed: int | None = None) -> variance_scaling_initializer:
    """Evenly spread numbers by the size of the inputs."""
    return variance_scaling_initializer(2.0, "fan_in", "uniform", seed)


def lecun_normal(seed: int | None = None) -> variance_scaling_initializer:
    """Normally distributed numbers by the size of the inputs."""
    return variance_scaling_initializer(1.0, "fan_in", "truncated_normal", seed)


def lecun_uniform(seed: int | None = None) -> variance_scaling_initializer:
    """Evenly spread numbers by the size of the inputs."""
    return variance_scaling_initializer(1.0, "fan_in", "uniform", seed)


class uniform_unit_scaling_initializer(Initializer):  # noqa: N801  (TensorFlow's name)
    """Evenly spread numbers that keep the scale of what is multiplied with them."""

    def __init__(
        self, factor: float = 1.0, seed: int | None = None, dtype: Any = dtypes.float32
    ) -> None:
        super().__init__(dtype)
        self.factor, self.seed = factor, seed

    def _make(self, shape: list[int], dtype: Any) -> Any:
        limit = math.sqrt(3.0 / max(1.0, math.prod(shape[:-1]))) * self.factor
        return random.uniform(shape, -limit, limit, dtype, seed=self.seed)


class orthogonal_initializer(Initializer):  # noqa: N801  (TensorFlow's name)
    """A matrix whose rows or columns are orthogonal.

    Args:
        gain: factor.
        seed: seed of the op.
        dtype: the dtype.
    """

    def __init__(
        self, gain: float = 1.0, seed: int | None = None, dtype: Any = dtypes.float32
    ) -> None:
        super().__init__(dtype)
        self.gain, self.seed = gain, seed

    def _make(self, shape: list[int], dtype: Any) -> Any:
        if len(shape) < 2:
            raise ValueError(f"the shape must have two axes or more, got {shape}")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        flat = [max(rows, columns), min(rows, columns)]
        q, r = call("Qr", random.normal(flat, dtype=dtype, seed=self.seed), full_matrices=False)
        q = call("Mul", q, call("Sign", call("MatrixDiagPart", r)))
        if rows < columns:
            q = call("Transpose", q, [1, 0])
        return call("Mul", call("Reshape", q, shape), self.gain)


class identity(Initializer):  # noqa: N801
    """The identity matrix, times a factor."""

    def __init__(self, gain: float = 1.0, dtype: Any = dtypes.float32) -> None:
        super().__init__(dtype)
        self.gain = gain

    def _make(self, shape: list[int], dtype: Any) -> Any:
        if len(shape) != 2:
            raise ValueError("Identity matrix initializer can only be used for 2D matrices.")
        rows, columns = shape
        made = call("Cast", [[i == j for j in range(columns)] for i in range(rows)], DstT=dtype)
        return call("Mul", made, self.gain)


zeros = zeros_initializer
ones = ones_initializer
constant = constant_initializer
random_uniform = random_uniform_initializer
random_normal = random_normal_initializer
truncated_normal = truncated_normal_initializer
variance_scaling = variance_scaling_initializer
glorot_uniform = glorot_uniform_initializer
glorot_normal = glorot_normal_initializer
uniform_unit_scaling = uniform_unit_scaling_initializer
orthogonal = orthogonal_initializer
