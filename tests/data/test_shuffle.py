"""Random orders; those of known seeds were written down from TensorFlow 2.21."""

import subprocess
import sys

import pytest

import penstock as tf
from tests.data.contents import Dataset, contents


@pytest.fixture(autouse=True)
def global_seed():
    tf.random.set_seed(7)
    yield
    tf.random.set_seed(None)


def test_seeds_give_tensorflow_s_order():
    dataset = Dataset.range(10).shuffle(10, seed=3)

    assert contents(dataset) == [9, 7, 3, 8, 6, 2, 0, 5, 4, 1]
    assert contents(dataset) == [6, 5, 7, 8, 2, 1, 9, 3, 4, 0]


def test_without_reshuffling_all_passes_are_alike():
    dataset = Dataset.range(10).shuffle(10, seed=3, reshuffle_each_iteration=False)

    assert contents(dataset) == [3, 4, 2, 9, 8, 5, 1, 6, 7, 0]
    assert contents(dataset) == [3, 4, 2, 9, 8, 5, 1, 6, 7, 0]


def test_the_global_seed_is_enough():
    first, second = Dataset.range(10).shuffle(10), Dataset.range(10).shuffle(10)

    assert contents(first) == [8, 9, 2, 3, 1, 5, 4, 6, 7, 0]
    assert contents(first) == [6, 1, 7, 9, 2, 8, 3, 0, 4, 5]
    assert contents(second) == [4, 7, 1, 5, 3, 0, 6, 2, 8, 9]


@pytest.mark.parametrize("make", [Dataset.range, lambda n: Dataset.range(n).map(abs)])
def test_a_small_buffer_moves_elements_a_little(make):
    dataset = make(10).shuffle(3, seed=3)

    assert contents(dataset) == [2, 1, 0, 4, 6, 3, 7, 8, 9, 5]
    assert contents(dataset) == [1, 2, 4, 0, 3, 7, 5, 8, 6, 9]


def test_each_round_of_a_repeated_shuffle_has_its_own_order():
    dataset = Dataset.range(5).shuffle(3, seed=3).repeat(2)

    assert contents(dataset) == [2, 1, 0, 4, 3, 1, 2, 4, 3, 0]
    assert contents(dataset) == [1, 0, 3, 4, 2, 0, 3, 1, 4, 2]


def test_a_shuffle_of_a_repeated_dataset_crosses_rounds():
    dataset = Dataset.range(5).repeat(2).shuffle(3, seed=3)

    assert contents(dataset) == [2, 1, 0, 4, 1, 3, 2, 3, 4, 0]


def test_every_element_comes_once():
    dataset = Dataset.range(1000).shuffle(100)

    assert sorted(contents(dataset)) == list(range(1000))


def test_an_unknown_cardinality_takes_all_into_the_buffer():
    dataset = Dataset.range(50).filter(lambda _: True)

    assert sorted(contents(dataset.shuffle(dataset.cardinality()))) == list(range(50))


@pytest.mark.parametrize("size", [0, -1])
def test_the_buffer_must_hold_something(size):
    with pytest.raises(tf.errors.InvalidArgumentError, match="buffer_size"):
        Dataset.range(3).shuffle(size)


def test_errors_do_not_end_it():
    iterator = iter(Dataset.range(8).map(lambda x: 8 // (x - 3)).shuffle(2, seed=1))
    found, errors = [], 0

    for _ in range(8):
        try:
            found.append(int(next(iterator)))
        except tf.errors.InvalidArgumentError:
            errors += 1

    assert errors == 1
    assert sorted(found) == sorted(8 // (x - 3) for x in range(8) if x != 3)


@pytest.mark.slow
def test_another_process_has_the_same_order():
    script = (
        "import penstock as tf; tf.random.set_seed(7); "
        "print([int(x) for x in tf.data.Dataset.range(10).shuffle(10)])"
    )

    printed = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert printed.stdout.strip() == "[8, 9, 2, 3, 1, 5, 4, 6, 7, 0]"
