"""`tf.test`, `tf.hessians`, messages."""

import numpy as np
import pytest

import penstock as tf


class Comparisons(tf.test.TestCase):
    def test_what_is_alike_passes(self):
        self.assertAllEqual(tf.constant([1, 2]), [1, 2])
        self.assertAllClose({"a": tf.constant(1.0)}, {"a": np.float32(1.0 + 1e-8)})
        self.assertAllCloseAccordingToType(tf.constant(1.0, tf.float16), 1.0005)
        self.assertAllInRange([1.0, 2.0], 1, 2)
        self.assertShapeEqual(np.zeros([2, 3]), tf.zeros([2, 3]))
        self.assertDTypeEqual(tf.constant(1), tf.int32)
        assert self.evaluate(tf.constant(3)) == 3

    def test_what_is_not_alike_fails(self):
        for check in (
            lambda: self.assertAllEqual([1, 2], [1, 3]),
            lambda: self.assertAllClose([1.0], [1.1]),
            lambda: self.assertNotAllClose([1.0], [1.0]),
            lambda: self.assertNotAllEqual([1], [1]),
            lambda: self.assertAllInRange([1.0, 2.0], 1, 2, open_upper_bound=True),
            lambda: self.assertAllInSet([1, 2], {1}),
            lambda: self.assertShapeEqual(np.zeros([2]), tf.zeros([3])),
            lambda: self.assertAllGreater([1, 2], 1),
        ):
            with pytest.raises(AssertionError):
                check()


def test_gradients_by_tape_and_by_differences_are_close():
    exact, near = tf.test.compute_gradient(lambda x, y: x**2 * y, [[1.0, 2.0], [3.0, 4.0]])

    np.testing.assert_allclose(exact[0], [[6, 0], [0, 16]])
    np.testing.assert_allclose(exact[1], [[1, 0], [0, 4]])
    np.testing.assert_allclose(near, exact, rtol=1e-3)


def test_hessians_are_second_derivatives():
    @tf.function
    def second(x):
        return tf.hessians(x[0] ** 2 * x[1], x)

    np.testing.assert_allclose(second(tf.constant([1.0, 2.0]))[0], [[4, 2], [2, 0]])


def test_a_tensor_message_holds_its_array():
    message = tf.make_tensor_proto(tf.constant([[1.0, 2.0]]))

    np.testing.assert_array_equal(tf.make_ndarray(message), [[1.0, 2.0]])
    assert message.dtype == tf.float32.as_datatype_enum


def test_conversions_of_low_priority_numbers_come_first():
    class Boxed:
        value = 1.0

    def convert(by):
        return lambda box, dtype=None, name=None, as_ref=False: tf.constant(box.value * by)

    tf.register_tensor_conversion_function(Boxed, convert(2.0))
    tf.register_tensor_conversion_function(Boxed, convert(3.0), priority=50)

    assert tf.convert_to_tensor(Boxed()) == 3.0
