"""Elements gathered by a key."""

import pytest

import penstock as tf
from tests.data.contents import Dataset, contents


def _batched(_, group):
    return group.batch(3)


def test_full_groups_come_out_first_and_the_rest_in_the_order_of_keys():
    dataset = Dataset.range(10).group_by_window(lambda x: x % 2, _batched, window_size=3)

    # Written down from TensorFlow 2.21.
    assert contents(dataset) == [[0, 2, 4], [1, 3, 5], [6, 8], [7, 9]]
    assert dataset.element_spec == tf.TensorSpec([None], tf.int64)


def test_the_size_may_depend_on_the_key():
    dataset = Dataset.range(5).group_by_window(
        lambda x: x % 2, lambda _, group: group.batch(4), window_size_func=lambda key: key + 1
    )

    assert contents(dataset) == [[0], [2], [1, 3], [4]]


def test_the_reduction_knows_the_key():
    def label(key, group):
        return group.map(lambda x: x * 10 + key)

    dataset = Dataset.range(4).group_by_window(lambda x: x % 2, label, window_size=2)

    assert contents(dataset) == [0, 20, 11, 31]


def test_one_size_must_be_given():
    with pytest.raises(ValueError, match="must be specified"):
        Dataset.range(3).group_by_window(lambda x: x, _batched)
    with pytest.raises(ValueError, match="must be specified"):
        Dataset.range(3).group_by_window(lambda x: x, _batched, 3, lambda key: key)


def test_functions_must_give_what_they_should():
    with pytest.raises(TypeError, match="int64"):
        Dataset.range(3).group_by_window(lambda _: "a", _batched, window_size=3)
    with pytest.raises(ValueError, match="key_func"):
        Dataset.range(3).group_by_window(lambda x: [x, x], _batched, window_size=3)
    with pytest.raises(TypeError, match="reduce_func"):
        Dataset.range(3).group_by_window(lambda x: x, lambda key, _: key, window_size=3)


SENTENCES = [
    [0],
    [1, 2, 3, 4],
    [5, 6, 7],
    [7, 8, 9, 10, 11],
    [13, 14, 15, 16, 19, 20],
    [21, 22],
]


def _sentences(sentences=None):
    return Dataset.from_generator(
        lambda: iter(sentences or SENTENCES), output_signature=tf.TensorSpec([None], tf.int64)
    )


def _length(sentence):
    return tf.shape(sentence)[0]


def test_elements_of_similar_length_are_batched():
    dataset = _sentences().bucket_by_sequence_length(_length, [3, 5], [2, 2, 2])

    # The example in TensorFlow's documentation.
    assert contents(dataset) == [
        [[1, 2, 3, 4], [5, 6, 7, 0]],
        [[7, 8, 9, 10, 11, 0], [13, 14, 15, 16, 19, 20]],
        [[0, 0], [21, 22]],
    ]


def test_sizes_can_be_padded_to_the_boundary():
    dataset = _sentences([[1], [1, 2, 3], [4]]).bucket_by_sequence_length(
        _length, [3, 5], [2, 2, 2], pad_to_bucket_boundary=True
    )

    assert contents(dataset) == [[[1, 0], [4, 0]], [[1, 2, 3, 0]]]
    assert dataset.element_spec == tf.TensorSpec([None, None], tf.int64)


def test_the_last_bucket_has_no_boundary_to_pad_to():
    dataset = _sentences([[1] * 7]).bucket_by_sequence_length(
        _length, [3, 5], [2, 2, 2], pad_to_bucket_boundary=True
    )

    with pytest.raises(tf.errors.InvalidArgumentError, match="bucket_boundaries"):
        contents(dataset)


def test_batches_can_be_left_as_they_are():
    dataset = _sentences([[1], [4]]).bucket_by_sequence_length(
        _length, [3], [2, 2], no_padding=True
    )

    assert contents(dataset) == [[[1], [4]]]


def test_there_is_one_more_bucket_than_boundaries():
    with pytest.raises(ValueError, match="must equal"):
        _sentences().bucket_by_sequence_length(_length, [3], [1])
