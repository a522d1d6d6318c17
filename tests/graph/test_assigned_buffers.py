"""Which buffers of variables a compiled assignment takes over, and that nobody notices."""

import numpy as np
import pytest

import penstock as tf

SMALL, LARGE = 16, 1 << 19


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_value_read_before_an_assignment_stays_as_it_was(size):
    v = tf.Variable(tf.ones([size]))

    @tf.function
    def double():
        v.assign(v * 2.0)

    double()
    before = v.read_value()
    double()
    np.testing.assert_array_equal(before.numpy(), np.full(size, 2.0, np.float32))
    np.testing.assert_array_equal(v.numpy(), np.full(size, 4.0, np.float32))


def test_large_buffer_is_taken_over_and_a_small_one_is_not():
    small, large = tf.Variable(tf.ones([SMALL])), tf.Variable(tf.ones([LARGE]))

    @tf.function
    def double():
        small.assign(small * 2.0)
        large.assign(large * 2.0)

    double()
    old_small, old_large = small._holder.value, large._holder.value
    double()
    assert old_large.is_deleted()
    assert not old_small.is_deleted()
    np.testing.assert_array_equal(small.numpy(), np.full(SMALL, 4.0, np.float32))
    np.testing.assert_array_equal(large.numpy(), np.full(LARGE, 4.0, np.float32))


def test_array_given_to_assign_is_not_changed_by_compiled_assignments():
    for size in (SMALL, LARGE):
        given = np.ones(size, np.float32)
        v = tf.Variable(tf.zeros([size]))
        v.assign(given)

        @tf.function
        def double(variable=v):
            variable.assign(variable * 2.0)

        double()
        double()
        np.testing.assert_array_equal(given, np.ones(size, np.float32))
        np.testing.assert_array_equal(v.numpy(), np.full(size, 4.0, np.float32))


def test_two_variables_with_one_value_part_when_one_is_assigned():
    a, b = tf.Variable(tf.ones([LARGE])), tf.Variable(tf.zeros([LARGE]))

    @tf.function
    def copy():
        b.assign(a)

    @tf.function
    def double():
        a.assign(a * 2.0)

    copy()
    double()
    np.testing.assert_array_equal(b.numpy(), np.ones(LARGE, np.float32))
    np.testing.assert_array_equal(a.numpy(), np.full(LARGE, 2.0, np.float32))
