"""Functions applied to all rows at once, and Jacobians found so."""

import numpy as np
import pytest

import penstock as tf

RANDOM = np.random.default_rng(5)
ROWS = RANDOM.normal(size=(5, 4, 3)).astype(np.float32)


def _ops_of(function, *args):
    return {op.type for op in function.get_concrete_function(*args).graph.get_operations()}


def test_a_map_in_a_function_is_one_node_without_a_loop():
    f = tf.function(lambda x: tf.vectorized_map(lambda row: tf.reduce_sum(row * row), x))

    np.testing.assert_allclose(f(ROWS), (ROWS**2).sum(axis=(1, 2)), rtol=1e-5)
    assert not _ops_of(f, ROWS) & {"While", "StatelessWhile"}


@pytest.mark.parametrize("rows", [5, 300])
def test_eager_maps_are_right_for_few_and_many_rows(rows):
    x = np.arange(rows * 2, dtype=np.float32).reshape(rows, 2)

    total, doubled = tf.vectorized_map(lambda row: (tf.reduce_sum(row), row * 2.0), x)

    np.testing.assert_array_equal(total, x.sum(axis=1))
    np.testing.assert_array_equal(doubled, x * 2)


def test_the_gradient_of_a_map_flows_to_rows_and_to_what_is_captured():
    w = tf.Variable([[1.0], [2.0], [3.0]])

    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.vectorized_map(lambda row: tf.matmul(row, w) ** 2, x)
        return tape.gradient(y, [x, w])

    by_x, by_w = f(tf.constant(ROWS))
    product = ROWS @ w.numpy()
    np.testing.assert_allclose(by_x, 2 * product * w.numpy()[:, 0], rtol=1e-4)
    np.testing.assert_allclose(
        by_w, np.einsum("nij,nik->jk", ROWS, 2 * product), rtol=1e-4, atol=1e-4
    )


def test_a_branch_in_a_map_gives_no_gradient_of_the_branch_not_taken():
    x = tf.constant([4.0, -1.0, 0.0])

    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.vectorized_map(
                lambda v: tf.cond(v > 0, lambda: tf.math.log(v), lambda: v * 2.0), x
            )
        return tape.gradient(y, x)

    np.testing.assert_allclose(f(x), [0.25, 2.0, 2.0])


def test_what_cannot_be_compiled_runs_row_by_row():
    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.vectorized_map(lambda v: tf.reduce_sum(tf.boolean_mask(v, v > 0)), x)
        return y, tape.gradient(y, x)

    y, gradient = f(tf.constant(ROWS))
    np.testing.assert_allclose(y, np.where(ROWS > 0, ROWS, 0).sum(axis=(1, 2)), rtol=1e-5)
    np.testing.assert_array_equal(gradient, ROWS > 0)


def test_random_numbers_differ_from_row_to_row():
    f = tf.function(lambda x: tf.vectorized_map(lambda v: v + tf.random.uniform([]), x))

    assert len(set(f(tf.zeros([6])).numpy().tolist())) == 6


def test_a_check_that_fails_in_a_row_is_raised():
    table = tf.constant([1.0, 2.0, 3.0])
    f = tf.function(
        lambda ids: tf.vectorized_map(lambda i: tf.gather(table, i), ids), jit_compile=True
    )

    np.testing.assert_array_equal(f(tf.constant([2, 0])), [3.0, 1.0])
    with pytest.raises(tf.errors.InvalidArgumentError, match="7"):
        f(tf.constant([0, 7]))


def test_a_map_of_no_rows_has_the_shape_of_its_rows():
    f = tf.function(lambda x: tf.vectorized_map(lambda v: tf.concat([v, v], 0), x))

    assert f(tf.zeros([0, 3])).shape == [0, 6]
    assert tf.vectorized_map(lambda v: v[:1], tf.zeros([0, 3])).shape == [0, 1]


@pytest.mark.parametrize("size", [3, 300])
def test_jacobians_are_right_in_functions_and_outside(size):
    x = tf.constant(np.linspace(-1, 1, size, dtype=np.float32))

    def jacobian(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x * tf.reduce_sum(x)
        return tape.jacobian(y, x)

    v = x.numpy()
    expected = np.eye(size, dtype=np.float32) * v.sum() + v[:, None]
    np.testing.assert_allclose(jacobian(x), expected, atol=1e-4)
    np.testing.assert_allclose(tf.function(jacobian)(x), expected, atol=1e-4)


def test_a_jacobian_in_a_function_takes_one_way_back():
    def jacobian(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.tanh(x)
        return tape.jacobian(y, x)

    short = tf.function(jacobian).get_concrete_function(tf.TensorSpec([2], tf.float32))
    long = tf.function(jacobian).get_concrete_function(tf.TensorSpec([64], tf.float32))

    assert len(long.graph.get_operations()) == len(short.graph.get_operations())


def test_a_batch_jacobian_in_a_function_is_right():
    w = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], np.float32)

    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.matmul(x, w) ** 2
        return tape.batch_jacobian(y, x)

    x = ROWS[0]
    np.testing.assert_allclose(
        f(tf.constant(x)), np.einsum("no,io->noi", 2 * (x @ w), w), rtol=1e-5
    )


def test_a_saved_map_gives_the_same_again(tmp_path):
    class Mapper(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 3])])
        def f(self, x):
            return tf.vectorized_map(lambda row: (tf.reduce_sum(row), row[::-1]), x)

    tf.saved_model.save(Mapper(), str(tmp_path))
    total, turned = tf.saved_model.load(str(tmp_path)).f(tf.constant(ROWS[0]))

    np.testing.assert_allclose(total, ROWS[0].sum(axis=1), rtol=1e-6)
    np.testing.assert_array_equal(turned, ROWS[0][:, ::-1])
