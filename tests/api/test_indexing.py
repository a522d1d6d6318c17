"""Slices, gathers, scatters and masks through the public names."""

import numpy as np
import pytest

import penstock as tf

X = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


@pytest.mark.parametrize("jit", [None, True])
def test_an_index_that_a_graph_computes_may_stand_beside_constant_bounds(jit):
    @tf.function(jit_compile=jit)
    def part(x, i):
        return x[i, 1:, None, ::2], x[..., i], x[0, i]

    first, second, third = part(X, tf.constant(1))

    np.testing.assert_array_equal(first, X[1, 1:, None, ::2])
    np.testing.assert_array_equal(second, X[..., 1])
    np.testing.assert_array_equal(third, X[0, 1])


def test_a_bound_that_a_graph_computes_gives_a_size_of_its_own():
    @tf.function
    def head(x, n):
        return x[:n]

    assert head(X, tf.constant(1)).shape == [1, 3, 4]
    assert head(X, tf.constant(2)).shape == [2, 3, 4]


def test_an_index_out_of_bounds_is_told_by_compiled_code():
    @tf.function(jit_compile=True)
    def row(x, i):
        return x[i]

    with pytest.raises(tf.errors.InvalidArgumentError, match="out of bounds"):
        row(X, tf.constant(2))


def test_a_gradient_of_a_slice_in_a_loop_lands_in_its_place():
    @tf.function
    def slope(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.constant(0.0)
            for i in tf.range(2):
                total += tf.reduce_sum(x[i, 1:]) * tf.cast(i + 1, tf.float32)
        return tape.gradient(total, x)

    expected = np.zeros_like(X)
    expected[0, 1:], expected[1, 1:] = 1, 2

    np.testing.assert_array_equal(slope(tf.constant(X)), expected)


def test_a_boolean_index_must_fit():
    np.testing.assert_array_equal(tf.constant(X)[X[:, 0, 0] > 3], X[1:])
    with pytest.raises(ValueError, match="incompatible"):
        tf.constant(X)[np.array([True])]
    with pytest.raises(ValueError, match="scalar"):
        tf.constant(X)[True]


def test_a_list_is_an_index_for_each_axis():
    np.testing.assert_array_equal(tf.constant(X)[[1, 2]], X[1, 2])


@pytest.mark.parametrize("key", [1.5, "a", np.array([0, 1])])
def test_an_index_of_another_kind_is_refused(key):
    with pytest.raises(TypeError, match="valid indices"):
        tf.constant(X)[key]


def test_slices_of_variables_can_be_assigned():
    variable = tf.Variable(tf.zeros([3, 2]))

    variable[1:, 0].assign([1.0, 2.0])
    variable[0].assign(variable[0] + 5.0)

    np.testing.assert_array_equal(variable, [[5, 5], [1, 0], [2, 0]])


def test_where_needs_both_values_or_none():
    with pytest.raises(ValueError, match="both be non-None"):
        tf.where([True], 1)


def test_where_gives_no_nan_to_the_gradient_of_the_other_branch():
    x = tf.constant([0.0, 4.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.where(x > 0, tf.sqrt(tf.where(x > 0, x, 1.0)), 0.0)

    np.testing.assert_array_equal(tape.gradient(y, x), [0, 0.25])


def test_the_gradient_of_a_gather_along_the_first_axis_holds_slices_only():
    x = tf.constant(X[0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.gather(x, [2, 0, 2])

    gradient = tape.gradient(y, x)

    assert isinstance(gradient, tf.IndexedSlices)
    np.testing.assert_array_equal(gradient.indices, [2, 0, 2])
    np.testing.assert_array_equal(tf.convert_to_tensor(gradient), [[1] * 4, [0] * 4, [2] * 4])


@pytest.mark.parametrize("source", [tf.constant, tf.Variable])
def test_the_slices_of_a_gather_by_a_matrix_of_indices_lie_in_one_row(source):
    x = source(X[0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.gather(x, [[2, 0], [1, 2]])

    gradient = tape.gradient(y, x)

    np.testing.assert_array_equal(gradient.indices, [2, 0, 1, 2])
    np.testing.assert_array_equal(gradient.values, np.ones((4, 4)))
    np.testing.assert_array_equal(gradient.dense_shape, [3, 4])


def test_a_gather_in_a_batch_picks_for_each_row():
    result = tf.gather(X, [[3, 0], [1, 1]], axis=2, batch_dims=1)

    np.testing.assert_array_equal(result, [X[0][:, [3, 0]], X[1][:, [1, 1]]])


def test_gather_nd_in_a_batch_picks_for_each_row():
    result = tf.gather_nd(X, [[[2, 3]], [[0, 1]]], batch_dims=1)

    np.testing.assert_array_equal(result, [[X[0, 2, 3]], [X[1, 0, 1]]])


@pytest.mark.parametrize("axis", [0, 1])
def test_boolean_mask_is_numpys(axis):
    mask = np.array([[True, False, True], [False, True, True]])[:, : X.shape[axis]]
    mask = mask[0][: X.shape[axis]]

    expected = X[mask] if axis == 0 else X[:, mask]

    np.testing.assert_array_equal(tf.boolean_mask(X, mask, axis=axis), expected)


def test_boolean_mask_takes_a_mask_of_several_axes_in_a_graph():
    mask = X[..., 0] > 3

    @tf.function(
        input_signature=[tf.TensorSpec([None, None, 4]), tf.TensorSpec([None, None], tf.bool)]
    )
    def pick(x, mask):
        return tf.boolean_mask(x, mask)

    np.testing.assert_array_equal(pick(X, mask), X[mask])


def test_boolean_mask_refuses_a_mask_that_does_not_fit():
    with pytest.raises(ValueError, match="scalar"):
        tf.boolean_mask(X, mask=True)
    with pytest.raises(ValueError, match="incompatible"):
        tf.boolean_mask(X, [True])


def test_unique_names_its_results():
    found = tf.unique_with_counts(["b", "a", "b"])

    assert found.y.numpy().tolist() == [b"b", b"a"]
    assert found.idx.numpy().tolist() == [0, 1, 0]
    assert found.count.numpy().tolist() == [2, 1]


def test_stitching_undoes_partitioning():
    parts = tf.dynamic_partition(tf.range(6), [0, 1, 0, 2, 1, 0], 3)

    np.testing.assert_array_equal(tf.dynamic_stitch(parts, parts), np.arange(6))


def test_scatter_nd_joins_strings_at_one_place():
    result = tf.scatter_nd([[1], [1]], ["a", "b"], [2])

    assert result.numpy().tolist() == [b"", b"ab"]


def test_bad_indices_can_be_ignored():
    result = tf.tensor_scatter_nd_update(
        tf.zeros([2]), [[0], [9]], [1.0, 2.0], bad_indices_policy="IGNORE"
    )

    np.testing.assert_array_equal(result, [1, 0])


@pytest.mark.parametrize("axis", [2, -1])
def test_ragged_places_along_the_last_axis_pick_in_every_row(axis):
    x = np.arange(24).reshape(2, 3, 4)
    picked = tf.gather(x, tf.ragged.constant([[2], [0, 1, 1]]), axis=axis)

    assert picked.shape.as_list() == [2, 3, 2, None]
    for rows, wanted in zip(picked.to_list(), x.tolist(), strict=True):
        assert rows == [[[row[2]], [row[0], row[1], row[1]]] for row in wanted]


def test_distinct_rows_of_an_empty_matrix():
    rows, places = tf.raw_ops.UniqueV2(x=np.zeros((0, 3)), axis=[0])

    assert (rows.shape, places.shape) == ([0, 3], [0])


def test_axes_are_scalars_and_batches_agree():
    x = tf.zeros([3, 4])
    with pytest.raises(tf.errors.InvalidArgumentError, match="scalar"):
        tf.gather(x, [0], axis=[0])
    with pytest.raises(tf.errors.InvalidArgumentError, match="vector"):
        tf.transpose(x, [[0, 1]])
    with pytest.raises(tf.errors.InvalidArgumentError, match="agree"):
        tf.gather_nd(x, [[0], [2]], batch_dims=1)
