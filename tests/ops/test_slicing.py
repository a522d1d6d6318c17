"""Strided slices against numpy's own indexing, and what they refuse."""

import jax
import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.ops.checks import collecting, raise_failed
from penstock.ops.slicing import (
    slice_,
    strided_slice,
    strided_slice_grad,
    strided_slice_on_host,
)
from penstock.runtime.operators import slice_arguments

NONE = slice(None)
KEYS = [
    (1,),
    (-1, 2),
    (NONE, 1),
    (Ellipsis, -2),
    (slice(None, None, -1), slice(3, 0, -2)),
    (slice(-3, -1), Ellipsis, slice(None, None, 3)),
    (None, 0, Ellipsis, None),
    (slice(5, None),),
    (slice(2, 1), 1),
    (1, None, slice(-100, 100), 4),
    (),
]
X = np.arange(60).reshape(3, 4, 5)


def arguments(keys):
    begin, end, strides, masks = slice_arguments(keys)
    return (begin, end, strides), masks


@pytest.mark.parametrize("keys", KEYS, ids=str)
def test_a_slice_is_numpys(keys):
    bounds, masks = arguments(keys)

    for kernel in (strided_slice_on_host, strided_slice):
        np.testing.assert_array_equal(kernel(X, *bounds, **masks), X[keys])


@pytest.mark.parametrize("keys", KEYS, ids=str)
def test_a_compiled_slice_is_numpys(keys):
    bounds, masks = arguments(keys)

    compiled = jax.jit(lambda x: strided_slice(x, *bounds, **masks))

    np.testing.assert_array_equal(compiled(X), X[keys])


@pytest.mark.parametrize("keys", KEYS, ids=str)
@pytest.mark.parametrize("jit", [False, True])
def test_the_gradient_writes_where_the_slice_read(keys, jit):
    bounds, masks = arguments(keys)
    part = X[keys] + 1.0
    expected = np.zeros(X.shape)
    expected[keys] = part
    shape = np.int32(X.shape)

    def kernel(dy):
        return strided_slice_grad(shape, *bounds, dy, **masks)

    got = (jax.jit(kernel) if jit else kernel)(part)

    np.testing.assert_array_equal(got, expected)


def test_a_traced_index_is_taken_without_knowing_it():
    masks = arguments((1, NONE, 2))[1]

    def kernel(x, i):
        begin = jax.numpy.stack([i, i * 0, i + 1])
        return strided_slice(x, begin, begin + 1, np.int32([1, 1, 1]), **masks)

    np.testing.assert_array_equal(jax.jit(kernel)(X, 1), X[1, :, 2])
    np.testing.assert_array_equal(jax.jit(kernel)(X, -2), X[-2, :, -1])


def test_a_traced_index_out_of_bounds_is_told():
    masks = arguments((1,))[1]
    causes = []

    def kernel(x, i):
        with collecting() as collector:
            collector.causes = causes
            begin = i.reshape(1)
            out = strided_slice(x, begin, begin + 1, np.int32([1]), **masks)
        return out, collector.flag()

    _, flag = jax.jit(kernel)(X, 3)

    with pytest.raises(InvalidArgumentError, match="slice index of dimension 0 out of bounds"):
        raise_failed(flag, causes)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ((3,), "slice index 3 of dimension 0 out of bounds"),
        ((-4,), "slice index -4 of dimension 0 out of bounds"),
        ((slice(0, 1, 0),), "strides must not be zero"),
        ((0, 0, 0, 0), "a slice of 4 axes needs as many"),
    ],
)
def test_a_slice_that_makes_no_sense_is_refused(keys, message):
    bounds, masks = arguments(keys)

    with pytest.raises(InvalidArgumentError, match=message):
        strided_slice_on_host(X, *bounds, **masks)


def test_strings_keep_their_array_when_one_is_left():
    words = np.array([b"a", b"b"], object)
    bounds, masks = arguments((1,))

    result = strided_slice_on_host(words, *bounds, **masks)

    assert result.shape == ()
    assert result.item() == b"b"


@pytest.mark.parametrize("begin", [[0, 3, 0], [-1, 0, 0], [0, 0, 5]])
def test_a_block_must_lie_in_the_array(begin):
    with pytest.raises(InvalidArgumentError, match="must lie in"):
        slice_(X, np.int32(begin), np.int32([1, 2, 1]))
