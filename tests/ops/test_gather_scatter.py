"""What reading and writing by index refuses, eagerly and in compiled code."""

import jax
import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.ops.checks import collecting, raise_failed
from penstock.ops.table import lookup

X = np.arange(12, dtype=np.float32).reshape(3, 4)
ZERO = np.int32(0)

CALLS = {
    "GatherV2": (lambda bad: (X, np.int32([0, bad]), ZERO), {"batch_dims": 0}),
    "GatherNd": (lambda bad: (X, np.int32([[0], [bad]])), {"bad_indices_policy": ""}),
    "ScatterNd": (
        lambda bad: (np.int32([[0], [bad]]), np.float32([1, 2]), np.int32([3])),
        {"bad_indices_policy": ""},
    ),
    "TensorScatterUpdate": (
        lambda bad: (X[:, 0], np.int32([[bad]]), np.float32([1])),
        {"bad_indices_policy": ""},
    ),
}


@pytest.mark.parametrize("bad", [3, -1])
@pytest.mark.parametrize("name", CALLS)
def test_an_index_outside_is_refused_by_numpy(name, bad):
    arguments, attrs = CALLS[name]

    with pytest.raises(InvalidArgumentError):
        lookup(name).host(*arguments(bad), **attrs)


@pytest.mark.parametrize("bad", [3, -1])
@pytest.mark.parametrize("name", CALLS)
def test_an_index_outside_is_told_by_compiled_code(name, bad):
    arguments, attrs = CALLS[name]
    row = lookup(name)
    values = arguments(bad)
    fixed = row.constant_positions
    causes = []

    def kernel(*traced):
        given = iter(traced)
        merged = [value if i in fixed else next(given) for i, value in enumerate(values)]
        with collecting() as collector:
            collector.causes = causes
            row.device(*merged, **attrs)
        return collector.flag()

    flag = jax.jit(kernel)(*(v for i, v in enumerate(values) if i not in fixed))

    with pytest.raises(InvalidArgumentError, match="indices must"):
        raise_failed(flag, causes)


def test_the_message_names_the_place_of_the_index():
    with pytest.raises(InvalidArgumentError, match=r"indices\[1, 0\] = 7 is not in \[0, 3\)"):
        lookup("GatherV2").host(X, np.int32([[0], [7]]), ZERO, batch_dims=0)


def test_indices_must_be_integers():
    with pytest.raises(InvalidArgumentError, match="must be integers, got float32"):
        lookup("GatherV2").host(X, np.float32([0]), ZERO, batch_dims=0)


def test_nothing_is_gathered_from_nothing():
    empty = np.zeros((0, 4), np.float32)

    assert lookup("GatherV2").host(empty, np.int32([]), ZERO, batch_dims=0).shape == (0, 4)
    with pytest.raises(InvalidArgumentError):
        lookup("GatherV2").host(empty, np.int32([0]), ZERO, batch_dims=0)


@pytest.mark.parametrize("name", ["TensorScatterUpdate", "TensorScatterAdd"])
def test_the_tensor_that_is_written_to_stays_as_it_was(name):
    before = X.copy()

    lookup(name).host(X, np.int32([[0]]), np.ones((1, 4), np.float32), bad_indices_policy="")

    np.testing.assert_array_equal(X, before)


def test_updates_must_have_the_shape_of_their_places():
    with pytest.raises(InvalidArgumentError, match="updates must have shape"):
        lookup("ScatterNd").host(
            np.int32([[0]]), np.float32([[1, 2]]), np.int32([3]), bad_indices_policy=""
        )
