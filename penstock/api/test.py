"""`tf.test`: test cases that compare tensors, numeric gradients, what this build has."""

# ruff: noqa: PT028  (the parameters are TensorFlow's)
from __future__ import annotations

import contextlib
import tempfile
import unittest
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from penstock.api.test_members import CaseMembers
from penstock.api.test_tools import (
    Benchmark,
    assert_equal_graph_def,
    benchmark_config,
    create_local_cluster,
    disable_with_predicate,
    experimental,
    with_eager_op_as_function,
)
from penstock.core import nest
from penstock.core.dtypes import as_dtype
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.devices import devices_of_kind
from penstock.runtime.tape import GradientTape
from penstock.runtime.tensor import TensorLike

__all__ = [
    "Benchmark",
    "TestCase",
    "assert_equal_graph_def",
    "benchmark_config",
    "compute_gradient",
    "create_local_cluster",
    "disable_with_predicate",
    "experimental",
    "gpu_device_name",
    "is_built_with_cuda",
    "is_built_with_gpu_support",
    "is_built_with_rocm",
    "is_built_with_xla",
    "is_cpu_target_available",
    "is_gpu_available",
    "main",
    "with_eager_op_as_function",
]


def main(argv: Any = None) -> None:
    """Run all tests of the program."""
    unittest.main(argv=argv)


def is_built_with_xla() -> bool:
    """Whether functions can be compiled: they always are."""
    return True


def is_built_with_cuda() -> bool:
    """Whether computations can run on NVIDIA's devices of this machine."""
    return bool(devices_of_kind("GPU"))


def is_built_with_gpu_support() -> bool:
    """Whether computations can run on the GPUs of this machine."""
    return bool(devices_of_kind("GPU"))


def is_built_with_rocm() -> bool:
    """Whether computations can run on AMD's devices: no."""
    return False


def is_cpu_target_available(target: str) -> bool:
    """Whether the compiler makes code for a processor; asked for the own one, it does."""
    return target in ("x86_64", "aarch64")


def is_gpu_available(cuda_only: bool = False, min_cuda_compute_capability: Any = None) -> bool:
    """Whether this machine has a GPU that computations can run on."""
    return bool(devices_of_kind("GPU"))


def gpu_device_name() -> str:
    """Name of the first GPU; empty where there is none."""
    return "/device:GPU:0" if devices_of_kind("GPU") else ""


def compute_gradient(
    f: Callable[..., Any], x: Sequence[Any], delta: float | None = None
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Derivatives of a function by its gradient and by differences.

    Args:
        f: takes as many tensors as `x` has and returns one.
        x: its arguments.
        delta: step of the differences; None takes 1/1024.

    Returns:
        Two tuples of matrices, one for each argument: [elements of the argument... as columns,
        elements of the result as rows], by the gradient and by differences.
    """
    if not isinstance(x, (list, tuple)):
        # TensorFlow's class of error.
        raise ValueError(  # noqa: TRY004
            f"`x` must be a list or tuple of values, got {type(x).__name__}"
        )
    step = 1.0 / 1024 if delta is None else delta
    arguments = [convert_to_tensor(value) for value in x]
    columns = range(len(arguments))
    exact = tuple(_by_gradient(f, arguments, i) for i in columns)
    return exact, tuple(_by_differences(f, arguments, i, step) for i in columns)


def _by_gradient(f: Callable[..., Any], arguments: list[Any], i: int) -> Any:
    with GradientTape(persistent=True) as tape:
        tape.watch(arguments[i])
        result = f(*arguments)
    found = tape.jacobian(result, arguments[i], unconnected_gradients="zero")
    size = int(np.prod(result.shape.as_list()))
    return np.asarray(found).reshape(size, -1)


def _by_differences(f: Callable[..., Any], arguments: list[Any], i: int, step: float) -> Any:
    start = np.asarray(arguments[i])
    columns = []
    for place in range(start.size):
        ends = []
        for sign in (1, -1):
            moved = start.copy()
            moved.reshape(-1)[place] += sign * step
            given = [*arguments[:i], convert_to_tensor(moved), *arguments[i + 1 :]]
            ends.append(np.asarray(f(*given)).ravel())
        columns.append((ends[0] - ends[1]) / (2 * step))
    return np.stack(columns, axis=1).astype(start.dtype)


class TestCase(CaseMembers):
    """A test case that compares tensors, arrays and nests of them."""

    __test__ = False  # a base for others, which collectors of tests must not take

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.__test__ = True

    def evaluate(self, tensors: Any) -> Any:
        """Return tensors as arrays, in the nest in which they came."""
        return nest.map_structure(_array, tensors)

    def get_temp_dir(self) -> str:
        """Return a directory for this test, which goes when it ends."""
        if not hasattr(self, "_directory"):
            self._directory = tempfile.TemporaryDirectory()
            self.addCleanup(self._directory.cleanup)
        return self._directory.name

    def create_tempfile_name(self) -> str:
        """Return a name for a file in the directory of this test."""
        return f"{self.get_temp_dir()}/file"

    @contextlib.contextmanager
    def session(self, *_: Any, **__: Any) -> Iterator[None]:
        """Do nothing: ops run at once."""
        yield

    cached_session = session

    def test_session(
        self,
        graph: Any = None,
        config: Any = None,
        use_gpu: bool = True,
        force_gpu: bool = False,
    ) -> Any:
        """Do what `session` does; runners take it for a test by its name, and skip it."""
        del graph, config, use_gpu, force_gpu
        if self.id().endswith(".test_session"):
            self.skipTest("Not a test.")
        return self.session()

    def assertAllEqual(self, a: Any, b: Any, msg: Any = None) -> None:  # noqa: N802
        """Fail unless shapes and values are the same."""
        np.testing.assert_array_equal(_array(a), _array(b), err_msg=msg or "")

    def assertNotAllEqual(self, a: Any, b: Any, msg: Any = None) -> None:  # noqa: N802
        """Fail when all values are the same."""
        try:
            self.assertAllEqual(a, b)
        except AssertionError:
            return
        raise AssertionError(msg or "the values must differ, they are all the same")

    def assertAllClose(  # noqa: N802
        self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, msg: Any = None
    ) -> None:
        """Fail unless structures agree and values differ by at most atol + rtol * |b|."""
        if isinstance(a, (dict, list, tuple)) and not _is_array_like(a):
            nest.assert_same_structure(a, b)
            pairs = zip(nest.flatten(a), nest.flatten(b), strict=True)
        else:
            pairs = zip([a], [b], strict=True)
        for one, other in pairs:
            np.testing.assert_allclose(
                _wide(_array(one)), _wide(_array(other)), rtol, atol, err_msg=msg or ""
            )

    def assertAllCloseAccordingToType(  # noqa: N802
        self,
        a: Any,
        b: Any,
        rtol: float = 1e-06,
        atol: float = 1e-06,
        float_rtol: float = 1e-06,
        float_atol: float = 1e-06,
        half_rtol: float = 0.001,
        half_atol: float = 0.001,
        bfloat16_rtol: float = 0.01,
        bfloat16_atol: float = 0.01,
        msg: Any = None,
    ) -> None:
        """Like `assertAllClose`, with a tolerance for each dtype."""
        limits = {
            "float32": (float_rtol, float_atol),
            "complex64": (float_rtol, float_atol),
            "float16": (half_rtol, half_atol),
            "bfloat16": (bfloat16_rtol, bfloat16_atol),
        }
        for value in (_array(a), _array(b)):
            wider = limits.get(value.dtype.name, (rtol, atol))
            rtol, atol = max(rtol, wider[0]), max(atol, wider[1])
        self.assertAllClose(a, b, rtol, atol, msg)

    def assertNotAllClose(self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6) -> None:  # noqa: N802
        """Fail when all values are close."""
        try:
            self.assertAllClose(a, b, rtol, atol)
        except AssertionError:
            return
        raise AssertionError("the values must differ, they are all close")

    def assertAllInRange(  # noqa: N802
        self,
        target: Any,
        lower_bound: Any,
        upper_bound: Any,
        open_lower_bound: bool = False,
        open_upper_bound: bool = False,
    ) -> None:
        """Fail unless all values are between the bounds."""
        value = _array(target)
        above = value > lower_bound if open_lower_bound else value >= lower_bound
        below = value < upper_bound if open_upper_bound else value <= upper_bound
        good = above & below
        if not good.all():
            raise AssertionError(
                f"values must be between {lower_bound} and {upper_bound}, got {value[~good]}"
            )

    def assertAllGreater(self, a: Any, comparison_target: Any) -> None:  # noqa: N802
        """Fail unless all values are greater."""
        if not _array(a).min() > comparison_target:
            raise AssertionError(f"every value must be > {comparison_target}, got {_array(a)}")

    def assertAllGreaterEqual(self, a: Any, comparison_target: Any) -> None:  # noqa: N802
        """Fail unless all values are greater or equal."""
        if not _array(a).min() >= comparison_target:
            raise AssertionError(f"every value must be >= {comparison_target}, got {_array(a)}")

    def assertAllLess(self, a: Any, comparison_target: Any) -> None:  # noqa: N802
        """Fail unless all values are less."""
        if not _array(a).max() < comparison_target:
            raise AssertionError(f"every value must be < {comparison_target}, got {_array(a)}")

    def assertAllLessEqual(self, a: Any, comparison_target: Any) -> None:  # noqa: N802
        """Fail unless all values are less or equal."""
        if not _array(a).max() <= comparison_target:
            raise AssertionError(f"every value must be <= {comparison_target}, got {_array(a)}")

    def assertAllInSet(self, target: Any, expected_set: Any) -> None:  # noqa: N802
        """Fail unless every value is in the set."""
        odd = set(_array(target).ravel().tolist()) - set(expected_set)
        if odd:
            raise AssertionError(f"values must be in {expected_set}, got {sorted(odd)}")

    def assertShapeEqual(self, input_a: Any, input_b: Any, msg: Any = None) -> None:  # noqa: N802
        """Fail unless shapes are the same."""
        first, second = tuple(_shape(input_a)), tuple(_shape(input_b))
        if first != second:
            raise AssertionError(msg or f"shapes must be the same, got {first} and {second}")

    def assertDTypeEqual(self, target: Any, expected_dtype: Any) -> None:  # noqa: N802
        """Fail unless the dtype is the expected one."""
        given, wanted = as_dtype(_array(target).dtype), as_dtype(expected_dtype)
        if given != wanted:
            raise AssertionError(f"the dtype must be {wanted.name}, got {given.name}")


def _is_array_like(value: Any) -> bool:
    try:
        return np.asarray(value).dtype != object
    except (TypeError, ValueError):
        return False


def _array(value: Any) -> Any:
    if isinstance(value, TensorLike):
        return np.asarray(value.numpy())  # type: ignore[attr-defined]
    return value if isinstance(value, str) else np.asarray(value)


def _wide(value: Any) -> Any:
    """Narrow floats as float32, which NumPy can compare."""
    narrow = value.dtype.name in ("bfloat16", "float16")
    return value.astype(np.float32) if narrow else value


def _shape(value: Any) -> Any:
    return value.shape.as_list() if hasattr(value.shape, "as_list") else value.shape
