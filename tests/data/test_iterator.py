"""Iterators, eagerly and within functions."""

import numpy as np
import pytest

import penstock as tf
from tests.data.contents import Dataset


def test_an_iterator_gives_tensors():
    iterator = iter(Dataset.range(2))

    assert isinstance(iterator, tf.data.Iterator)
    assert iterator.element_spec == tf.TensorSpec([], tf.int64)
    assert isinstance(next(iterator), tf.Tensor)
    assert int(iterator.get_next()) == 1


def test_the_end_is_stop_iteration_or_out_of_range():
    iterator = iter(Dataset.range(0))

    with pytest.raises(StopIteration):
        next(iterator)
    with pytest.raises(tf.errors.OutOfRangeError, match="End of sequence"):
        iterator.get_next()
    assert not iterator.get_next_as_optional().has_value()


def test_the_next_element_may_be_optional():
    optional = iter(Dataset.from_tensors((1, "a"))).get_next_as_optional()

    assert optional.has_value()
    assert optional.element_spec == (tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.string))
    assert optional.get_value()[1].numpy() == b"a"


@tf.function
def _next(iterator):
    return iterator.get_next()


def test_functions_are_traced_for_the_spec_not_the_iterator():
    first, second = iter(Dataset.range(2)), iter(Dataset.range(5, 9).map(lambda x: x + 1))

    values = [int(_next(first)), int(_next(second)), int(_next(first))]

    assert values == [0, 6, 1]
    assert _next.experimental_get_tracing_count() == 1
    with pytest.raises(tf.errors.OutOfRangeError):
        _next(first)


def test_an_iterator_may_be_captured():
    iterator = iter(Dataset.range(3))

    @tf.function
    def pair():
        return next(iterator), iterator.get_next()

    assert [int(x) for x in pair()] == [0, 1]
    assert int(next(iterator)) == 2


def test_a_last_batch_of_fewer_elements_needs_no_other_trace():
    iterator = iter(Dataset.range(5).batch(2))

    @tf.function
    def total(source):
        return tf.reduce_sum(source.get_next())

    assert [int(total(iterator)) for _ in range(3)] == [1, 5, 4]
    assert total.experimental_get_tracing_count() == 1


def test_variables_are_updated_while_iterating():
    weight = tf.Variable(np.float32(1))
    iterator = iter(Dataset.from_tensor_slices(np.array([2, 3], np.float32)))

    @tf.function
    def step(source):
        weight.assign(weight * source.get_next())

    step(iterator)
    step(iterator)

    assert float(weight) == 6.0


def test_a_dataset_may_be_made_within_a_function():
    @tf.function
    def first_sum(count):
        dataset = Dataset.range(count).map(lambda x: x + count).batch(2)
        return tf.reduce_sum(next(iter(dataset))), dataset.cardinality()

    total, length = first_sum(tf.constant(5, tf.int64))

    assert (int(total), int(length)) == (11, 3)


def test_a_loop_over_a_dataset_becomes_a_loop_of_the_graph():
    traces = []

    @tf.function
    def total(dataset):
        result = tf.constant(0, tf.int64)
        for x in dataset:
            traces.append(x)
            if x == 3:
                continue
            if x > 5:
                break
            result += x
        return result

    assert int(total(Dataset.range(10))) == 0 + 1 + 2 + 4 + 5
    assert int(total(Dataset.range(3))) == 3
    assert total.experimental_get_tracing_count() == 1
    assert len(traces) < 5


def test_a_loop_over_an_iterator_leaves_the_rest():
    @tf.function
    def take_two(source):
        count = tf.constant(0)
        total = tf.constant(0, tf.int64)
        for x in source:
            total += x
            count += 1
            if count == 2:
                break
        return total

    iterator = iter(Dataset.range(5))

    assert int(take_two(iterator)) == 1
    assert [int(x) for x in iterator] == [2, 3, 4]


def test_a_dataset_is_an_argument_like_a_tensor():
    @tf.function
    def doubled(dataset):
        return dataset.map(lambda x: x * 2)

    assert [int(x) for x in doubled(Dataset.range(3))] == [0, 2, 4]
    assert [int(x) for x in doubled(Dataset.range(2))] == [0, 2]
    assert doubled.experimental_get_tracing_count() == 1


def test_specs_describe_datasets_and_iterators():
    element = tf.TensorSpec([], tf.int64)

    assert tf.data.DatasetSpec.from_value(Dataset.range(3)) == tf.data.DatasetSpec(element)
    assert tf.type_spec_from_value(iter(Dataset.range(3))) == tf.data.IteratorSpec(element)
    assert not tf.is_tensor(Dataset.range(3))


def test_a_place_can_be_returned_to():
    iterator = iter(Dataset.range(10).map(lambda x: x * 2))
    for _ in range(3):
        next(iterator)
    place = iterator.state()
    after = [int(x) for x in iterator]

    iterator.restore(place)

    assert [int(x) for x in iterator] == after


@pytest.mark.parametrize("seed", [None, 3])
def test_random_orders_are_returned_to(seed):
    dataset = Dataset.range(6).shuffle(6, seed=seed).repeat(3)
    iterator = iter(dataset)
    for _ in range(8):
        next(iterator)
    place = iterator.state()
    within_the_round = [int(next(iterator)) for _ in range(4)]

    fresh = iter(dataset)
    fresh.restore(place)

    assert [int(next(fresh)) for _ in range(4)] == within_the_round


def test_the_rounds_after_a_restored_one_go_on_as_they_would_have():
    def shuffled():
        tf.random.set_seed(1)
        return iter(Dataset.range(6).shuffle(6, seed=3).repeat(3))

    iterator = shuffled()
    for _ in range(4):
        next(iterator)
    place = iterator.state()
    rest = [int(x) for x in iterator]
    restored = shuffled()

    restored.restore(place)

    assert [int(x) for x in restored] == rest
    tf.random.set_seed(None)


def test_a_place_beyond_the_end_is_refused():
    place = {"position": 7, "drawn": []}

    with pytest.raises(tf.errors.InvalidArgumentError, match="stood after 7 elements"):
        iter(Dataset.range(3)).restore(place)


def test_checkpoints_hold_the_place():
    iterator = iter(Dataset.range(10))
    next(iterator)
    saved = iterator._serialize_to_tensors()
    next(iterator)

    iterator._restore_from_tensors(saved)

    assert int(next(iterator)) == 1


def test_iterators_of_numpy_values_are_saved_and_restored():
    iterator = tf.data.Dataset.range(5).as_numpy_iterator()
    first = [iterator.next(), iterator.next()]

    place = iterator.save()
    third = iterator.next()
    iterator.restore(place)

    assert place.dtype is tf.string
    assert [*first, third] == [0, 1, 2]
    assert list(iterator) == [2, 3, 4]


def test_random_datasets_are_a_class_whose_numbers_are_tensorflows():
    dataset = tf.data.experimental.RandomDataset(seed=3)

    assert isinstance(dataset, tf.data.Dataset)
    assert list(dataset.take(3).as_numpy_iterator()) == [3534849767, 279844183, 888998500]
