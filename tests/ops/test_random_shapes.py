"""Static shapes of random ops in functions: as known as what they are asked for."""

import pytest

import penstock as tf

DRAWS = {
    "uniform": lambda: tf.random.uniform([2, 3]),
    "normal": lambda: tf.random.normal([2, 3]),
    "truncated": lambda: tf.random.truncated_normal([2, 3]),
    "integers": lambda: tf.random.uniform([2, 3], maxval=5, dtype=tf.int32),
    "gamma": lambda: tf.random.gamma([2], tf.ones([3])),
    "poisson": lambda: tf.random.poisson([2], tf.ones([3])),
    "classes": lambda: tf.random.categorical(tf.zeros([2, 5]), 3),
    "shuffled": lambda: tf.random.shuffle(tf.zeros([2, 3])),
}


@pytest.mark.parametrize("name", DRAWS)
def test_the_shape_is_known(name):
    @tf.function
    def draw():
        return DRAWS[name]()

    assert draw.get_concrete_function().outputs[0].shape == (2, 3)
    assert draw().shape == (2, 3)


def test_a_size_that_is_computed_stays_open():
    @tf.function(input_signature=[tf.TensorSpec([None, 4])])
    def draw(x):
        return tf.random.normal([tf.shape(x)[0], 3])

    assert draw.get_concrete_function().outputs[0].shape.as_list() == [None, 3]
    assert draw(tf.zeros([5, 4])).shape == (5, 3)
