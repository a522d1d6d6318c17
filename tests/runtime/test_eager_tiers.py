"""Large eager calls: numpy first, compiled code for shapes that come again."""

import numpy as np
import pytest

import penstock as tf
from penstock.ops.table import lookup
from penstock.runtime import eager


@pytest.fixture
def compiled(monkeypatch):
    names = []
    run = eager._run_compiled

    def spy(row, *args):
        names.append(row.name)
        return run(row, *args)

    monkeypatch.setattr(eager, "_run_compiled", spy)
    monkeypatch.setattr(eager, "_served", {})
    return names


def test_a_shape_is_compiled_once_it_has_come_often(compiled):
    size = 2 * lookup("Erf").host_limit
    x = tf.constant(np.linspace(-2, 2, size, dtype=np.float32))
    first = tf.math.erf(x)
    assert compiled == []
    for _ in range(10):
        later = tf.math.erf(x)
    assert 0 < len(compiled) < 10
    np.testing.assert_allclose(first, later, rtol=1e-5, atol=1e-6)


def test_new_shapes_are_not_compiled(compiled):
    size = 2 * lookup("Erf").host_limit
    for more in range(20):
        tf.math.erf(np.zeros(size + more, np.float32))
    assert compiled == []


def test_data_that_would_be_constants_stay_with_numpy(compiled):
    ids = np.repeat(np.arange(2048), 2).astype(np.int32)
    data = np.ones((4096, 3000), np.float32)
    total = tf.math.segment_sum(data, ids)
    assert compiled == []
    np.testing.assert_array_equal(total, np.full((2048, 3000), 2, np.float32))


@pytest.mark.parametrize("number", [3, -4])
def test_python_numbers_take_the_dtype_of_whole_tensors(number):
    answer = tf.constant([1, 2], tf.int64) + number
    assert answer.dtype == tf.int64
    np.testing.assert_array_equal(answer, np.array([1, 2]) + number)


def test_a_python_number_that_does_not_fit_wraps():
    answer = tf.constant([1], tf.int8) + 1000
    assert answer.dtype == tf.int8
    assert answer.numpy().tolist() == [-23]  # 1001 modulo 256
