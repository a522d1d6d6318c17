"""Look-up of rows by sparse matrices of their numbers, against sums written out."""

import numpy as np
import pytest

import penstock as tf

TABLE = np.arange(12, dtype=np.float32).reshape(4, 3) - 3
PLACES = [[0, 0], [0, 1], [2, 0], [2, 3]]
IDS = tf.SparseTensor(PLACES, tf.constant([1, 0, 1, 2], tf.int64), [3, 4])
WEIGHTS = tf.SparseTensor(PLACES, tf.constant([1.0, 2.0, 4.0, 0.5]), [3, 4])


@pytest.mark.parametrize(
    ("combiner", "first", "last"),
    [("sum", 1, 1), ("mean", 3, 4.5), ("sqrtn", np.sqrt(5), np.sqrt(16.25)), (None, 3, 4.5)],
)
def test_rows_are_weighted_and_combined(combiner, first, last):
    expected = np.zeros((3, 3), np.float32)
    expected[0] = (TABLE[1] + 2 * TABLE[0]) / first
    expected[2] = (4 * TABLE[1] + 0.5 * TABLE[2]) / last

    result = tf.nn.embedding_lookup_sparse(TABLE, IDS, WEIGHTS, combiner)

    np.testing.assert_allclose(result, expected, rtol=1e-6)


def test_the_gradient_of_a_variable_holds_the_rows_that_were_read():
    table = tf.Variable(TABLE)
    with tf.GradientTape() as tape:
        y = tf.nn.embedding_lookup_sparse(table, IDS, None, "sum")

    gradient = tape.gradient(y, table)

    assert isinstance(gradient, tf.IndexedSlices)
    np.testing.assert_array_equal(
        tf.convert_to_tensor(gradient), [[1] * 3, [2] * 3, [1] * 3, [0] * 3]
    )


def test_missing_and_negative_ids_give_zeros_or_a_default():
    ids = tf.SparseTensor(PLACES, tf.constant([1, -1, -1, -1], tf.int64), [3, 4])

    zeros = tf.nn.safe_embedding_lookup_sparse(TABLE, ids)
    defaults = tf.nn.safe_embedding_lookup_sparse(TABLE, ids, default_id=3)

    np.testing.assert_array_equal(zeros, [TABLE[1], [0] * 3, [0] * 3])
    np.testing.assert_array_equal(defaults, [TABLE[1], TABLE[3], TABLE[3]])


def test_leading_axes_stay():
    ids = tf.SparseTensor([[0, 0, 0], [1, 1, 1]], tf.constant([1, 2], tf.int64), [2, 2, 2])

    result = tf.nn.safe_embedding_lookup_sparse(TABLE, ids, combiner="sum")

    assert result.shape == [2, 2, 3]
    np.testing.assert_array_equal(result[1, 1], TABLE[2])


def test_what_cannot_be_looked_up_is_refused():
    with pytest.raises(ValueError, match="combiner"):
        tf.nn.embedding_lookup_sparse(TABLE, IDS, None, combiner="max")
    with pytest.raises(TypeError, match="sp_ids"):
        tf.nn.embedding_lookup_sparse(TABLE, [1], None)
    with pytest.raises(TypeError, match="sp_weights"):
        tf.nn.embedding_lookup_sparse(TABLE, IDS, [1.0])
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.nn.embedding_lookup_sparse(TABLE[:2], IDS, None)
