"""Values that hold for some sizes of an unknown dimension and not for others."""

import numpy as np
import pytest

import penstock as tf

ANY_LENGTH = [tf.TensorSpec([None], tf.float32)]


@pytest.mark.parametrize(
    "test",
    [
        lambda n: n < 2,
        lambda n: n > 1,
        lambda n: tf.equal(n, 0),
        lambda n: tf.equal(n % 2, 0),
        lambda n: tf.equal(n // 5000, 0),
        lambda n: tf.cast(n > 1, tf.int32) > 0,
        lambda n: tf.minimum(n, 1) > 0,
        lambda n: tf.where(n > 1, 4, 3) > 3,
    ],
)
def test_a_branch_that_depends_on_a_size_is_chosen_by_each_size(test):
    @tf.function(input_signature=ANY_LENGTH, autograph=False)
    def choose(x):
        return tf.cond(test(tf.shape(x)[0]), lambda: 1, lambda: 0)

    for n in (0, 1, 2, 3, 6000):
        wanted = int(bool(test(tf.constant(n))))
        assert int(choose(np.zeros(n, np.float32))) == wanted, n


def test_a_comparison_of_an_unknown_size_has_no_static_value():
    seen = []

    @tf.function(input_signature=[tf.TensorSpec([None, 3])])
    def look(x):
        rows, columns = tf.shape(x)[0], tf.shape(x)[1]
        seen.extend(tf.get_static_value(each) for each in (rows > 0, rows % 2, columns > 0))
        return x

    look(np.zeros((1, 3), np.float32))

    assert seen[:2] == [None, None]
    assert bool(seen[2]) is True


def test_a_size_that_only_some_lengths_have_is_unknown():
    seen = []

    @tf.function(input_signature=ANY_LENGTH)
    def f(x):
        count = tf.maximum(1 + (tf.shape(x)[0] - 2048) // 128, 0)
        seen.append(tf.range(count).shape.as_list())
        seen.append(tf.signal.frame(x, 2048, 128).shape.as_list())
        seen.append(x[: tf.shape(x)[0] % 2].shape.as_list())
        return tf.range(count)

    assert f(np.zeros(2304, np.float32)).shape == [3]
    assert seen == [[None], [None, 2048], [None]]


def test_a_branch_that_fails_and_is_not_taken_does_no_harm():
    @tf.function(input_signature=[tf.TensorSpec([None]), tf.TensorSpec([], tf.bool)])
    def f(x, taken):
        return tf.cond(taken, lambda: tf.range(0, tf.shape(x)[0] - 2), lambda: tf.range(1))

    assert f(np.zeros(1, np.float32), False).numpy().tolist() == [0]
    assert f(np.zeros(4, np.float32), True).numpy().tolist() == [0, 1]
    with pytest.raises(tf.errors.InvalidArgumentError, match="start <= limit"):
        f(np.zeros(1, np.float32), True)


def test_the_sizes_of_a_sparse_tensor_are_known_one_by_one():
    seen = []

    @tf.function(input_signature=[tf.TensorSpec([2], tf.int64)], autograph=False)
    def look(v):
        places, values = tf.zeros([0, 3], tf.int64), tf.zeros([0])
        packed = tf.SparseTensor(places, values, (v[0], 3, -1))
        joined = tf.SparseTensor(places, values, tf.concat([v, [5]], 0))
        seen.extend([packed.shape.as_list(), joined.shape.as_list()])
        return v

    look([2, 3])

    assert seen == [[None, 3, None], [None, None, 5]]
