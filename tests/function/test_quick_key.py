"""Calls whose arguments are plain find their trace by a short key, as if by the long one."""

import numpy as np
import pytest

import penstock as tf
from penstock.function.quick_key import quick_key


def key_of(structure):
    key, tensors = [], []
    assert quick_key(structure, key, tensors)
    return tuple(key), tensors


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((np.ones(2),), (np.ones(3),)),
        ((np.ones(2),), (np.ones(2, np.float32),)),
        ((np.ones(2),), ((np.ones(2),),)),
        (([np.ones(2)],), ((np.ones(2),),)),
        (({"a": True},), ({"b": True},)),
        ((True,), (False,)),
        ((None,), (False,)),
        (("1",), (None,)),
        ((tf.constant([1], tf.int8),), (tf.constant([1], tf.uint8),)),
    ],
)
def test_calls_that_need_traces_of_their_own_have_different_keys(one, other):
    assert key_of(one)[0] != key_of(other)[0]


@pytest.mark.parametrize(
    "leaf", [1, 1.0, object(), np.float32(1), {1: 0, "a": 0}, np.array("x")]
)
def test_what_is_not_plain_is_left_to_the_long_way(leaf):
    assert not quick_key((leaf,), [], [])


def test_tensors_come_in_the_order_of_flatten_whatever_the_order_of_a_dict():
    first = {"b": np.array([2.0]), "a": (np.array([0.0]), np.array([1.0]))}
    second = {"a": (np.array([0.0]), np.array([1.0])), "b": np.array([2.0])}
    assert key_of(first)[0] == key_of(second)[0]
    for arguments in (first, second):
        assert [t.numpy().tolist() for t in key_of(arguments)[1]] == [[0.0], [1.0], [2.0]]


def test_calls_with_nested_arrays_are_traced_once_and_answer_for_each_call():
    @tf.function
    def f(pair, training):
        x, named = pair
        return x * named["scale"] + (1.0 if training else 0.0)

    for i in range(5):
        x = np.full(3, float(i))
        got = f((x, {"scale": np.array(2.0)}), True)
        np.testing.assert_array_equal(got.numpy(), 2.0 * x + 1.0)
        np.testing.assert_array_equal(f((x, {"scale": np.array(2.0)}), False).numpy(), 2.0 * x)
    assert f.experimental_get_tracing_count() == 2


def test_array_changed_after_the_call_does_not_change_what_was_kept():
    v = tf.Variable([0.0, 0.0])

    @tf.function
    def keep(pair):
        v.assign(pair[0])
        return pair[0]

    for _ in range(2):
        x = np.ones(2, np.float32)
        kept = keep((x,))
        x[:] = 7.0
        np.testing.assert_array_equal(v.numpy(), [1.0, 1.0])
        np.testing.assert_array_equal(kept.numpy(), [1.0, 1.0])


def test_quantized_and_plain_integers_are_traced_apart():
    @tf.function
    def name_of(x):
        return tf.constant(x.dtype.name)

    plain = tf.constant([1], tf.int8)
    quantized = tf.bitcast(plain, tf.qint8)
    assert name_of(plain).numpy() == b"int8"
    assert name_of(quantized).numpy() == b"qint8"
    assert name_of(plain).numpy() == b"int8"
