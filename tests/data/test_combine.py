"""Several datasets in one."""

import numpy as np
import pytest

import penstock as tf
from tests.data.contents import Dataset, contents


def test_zip_nests_as_its_arguments_do():
    one, two = Dataset.range(3), Dataset.range(10, 14)

    assert contents(Dataset.zip(one, two)) == [(0, 10), (1, 11), (2, 12)]
    assert contents(Dataset.zip({"a": one, "b": (two, one)}))[0] == {"a": 0, "b": (10, 0)}
    assert contents(Dataset.zip((one,)))[0] == (0,)
    assert contents(Dataset.zip(one))[0] == 0
    assert contents(Dataset.zip(datasets=(one, two)))[0] == (0, 10)


def test_zip_takes_datasets_alone():
    with pytest.raises(TypeError, match="at least one"):
        Dataset.zip()
    with pytest.raises(TypeError, match="class 'int'"):
        Dataset.zip((Dataset.range(3), 3))
    with pytest.raises(TypeError, match="use `tuple` instead"):
        Dataset.zip([Dataset.range(3), Dataset.range(3)])


def _choices(*numbers):
    return Dataset.from_tensor_slices(np.array(numbers, np.int64))


def test_choices_tell_the_order():
    datasets = [Dataset.range(3), Dataset.range(10, 13)]
    choices = _choices(0, 1, 1, 0, 1, 1, 0, 0)

    assert contents(Dataset.choose_from_datasets(datasets, choices)) == [0, 10, 11, 1, 12]
    assert contents(
        Dataset.choose_from_datasets(datasets, choices, stop_on_empty_dataset=False)
    ) == [0, 10, 11, 1, 12, 2]


def test_a_choice_must_exist():
    with pytest.raises(tf.errors.InvalidArgumentError, match="2 >= 2"):
        contents(Dataset.choose_from_datasets([Dataset.range(3)] * 2, _choices(2)))
    with pytest.raises(TypeError, match=r"scalar `tf\.int64`"):
        Dataset.choose_from_datasets([Dataset.range(3)], Dataset.from_tensor_slices([0]))


def test_samples_of_a_seed_are_tensorflow_s():
    tf.random.set_seed(1)
    datasets = [Dataset.range(20), Dataset.range(100, 120)]

    sampled = Dataset.sample_from_datasets(datasets, [0.3, 0.7], seed=1)

    # Written down from TensorFlow 2.21.
    assert contents(sampled) == [
        *[0, 100, 101, 102, 103, 1, 2, 104, 105, 106, 3, 107, 108, 109, 110, 111, 112, 113],
        *[114, 4, 115, 5, 116, 117, 118, 119, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17],
        *[18, 19],
    ]
    tf.random.set_seed(None)


def test_weights_are_chances():
    datasets = [Dataset.from_tensors(i).repeat() for i in range(3)]

    sampled = Dataset.sample_from_datasets(datasets, [0.2, 0.0, 0.8], seed=5).take(2000)

    counts = np.bincount(contents(sampled), minlength=3) / 2000
    np.testing.assert_allclose(counts, [0.2, 0.0, 0.8], atol=0.03)


def test_weights_may_change():
    weights = Dataset.from_tensor_slices([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])

    sampled = Dataset.sample_from_datasets([Dataset.range(3), Dataset.range(10, 13)], weights)

    assert contents(sampled) == [0, 10, 1]


def test_datasets_to_sample_must_be_alike():
    with pytest.raises(TypeError, match="compatible element specs"):
        Dataset.sample_from_datasets([Dataset.range(2), Dataset.from_tensors("a")])
    with pytest.raises(ValueError, match="same length"):
        Dataset.sample_from_datasets([Dataset.range(2), Dataset.range(2)], [1.0])
    with pytest.raises(ValueError, match="should not be empty"):
        Dataset.sample_from_datasets([])
