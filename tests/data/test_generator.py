"""Elements that Python code yields."""

import numpy as np
import pytest

import penstock as tf
from tests.data.contents import Dataset, contents

SCALAR = tf.TensorSpec([], tf.int32)


def test_each_pass_calls_the_generator():
    dataset = Dataset.from_generator(lambda: iter([1, 2]), output_signature=SCALAR)

    assert contents(dataset) == [1, 2]
    assert contents(dataset) == [1, 2]
    assert int(dataset.cardinality()) == tf.data.UNKNOWN_CARDINALITY


def test_types_and_shapes_describe_elements():
    def pairs():
        yield [1.0, 2.0], "a"

    dataset = Dataset.from_generator(pairs, (tf.float32, tf.string), ([None], []))

    assert dataset.element_spec == (
        tf.TensorSpec([None], tf.float32),
        tf.TensorSpec([], tf.string),
    )
    assert contents(dataset) == [([1.0, 2.0], b"a")]
    assert Dataset.from_generator(pairs, tf.int64).element_spec == tf.TensorSpec(None, tf.int64)


def test_elements_may_be_dicts():
    dataset = Dataset.from_generator(lambda: iter([{"a": 1}]), output_signature={"a": SCALAR})

    assert contents(dataset) == [{"a": 1}]


def test_arguments_are_values():
    dataset = Dataset.from_generator(
        lambda n: iter(range(n)), output_signature=SCALAR, args=(np.int32(3),)
    )

    assert contents(dataset) == [0, 1, 2]


@pytest.mark.parametrize(
    ("value", "dtype", "expected"), [(1.5, tf.int32, 1), (np.float64(1.5), tf.float32, 1.5)]
)
def test_numbers_are_cast(value, dtype, expected):
    spec = tf.TensorSpec([], dtype)

    assert contents(Dataset.from_generator(lambda: iter([value]), output_signature=spec)) == [
        expected
    ]


def test_an_array_that_is_filled_again_was_copied():
    def refill():
        array = np.zeros(2, np.int32)
        for i in range(3):
            array[:] = i
            yield array

    dataset = Dataset.from_generator(refill, output_signature=tf.TensorSpec([2], tf.int32))

    assert [x.numpy().tolist() for x in list(dataset)] == [[0, 0], [1, 1], [2, 2]]


def test_an_error_comes_after_the_elements_before_it():
    def fails():
        yield 1
        raise ValueError("boom")

    iterator = iter(Dataset.from_generator(fails, output_signature=SCALAR))

    assert int(next(iterator)) == 1
    with pytest.raises(tf.errors.InvalidArgumentError, match="ValueError: boom"):
        next(iterator)
    with pytest.raises(StopIteration):
        next(iterator)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1, 2], r"shape \(2,\) where an element of shape \(\) was expected"),
        ("a", "expected type was int32, but the yielded element was a"),
        ((1, 2), r"shape \(2,\)"),
    ],
)
def test_elements_must_fit(value, message):
    dataset = Dataset.from_generator(lambda: iter([value]), output_signature=SCALAR)

    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        contents(dataset)


def test_elements_must_have_the_structure():
    dataset = Dataset.from_generator(lambda: iter([(1, 2)]), output_signature=(SCALAR,) * 3)

    with pytest.raises(tf.errors.InvalidArgumentError, match="did not match the expected str"):
        contents(dataset)


def test_what_is_no_iterable_is_refused():
    dataset = Dataset.from_generator(lambda: 5, output_signature=SCALAR)

    with pytest.raises(tf.errors.InvalidArgumentError, match="not iterable"):
        contents(dataset)


def test_the_signature_must_be_one():
    with pytest.raises(TypeError, match="output_signature"):
        Dataset.from_generator(lambda: iter([1]))
    with pytest.raises(TypeError, match="can not be used together"):
        Dataset.from_generator(lambda: iter([1]), tf.int32, output_signature=SCALAR)
    with pytest.raises(TypeError, match="TypeSpec"):
        Dataset.from_generator(lambda: iter([1]), output_signature=tf.int32)
    with pytest.raises(TypeError, match="callable"):
        Dataset.from_generator([1], tf.int32)


def test_a_dropped_iterator_closes_the_generator():
    closed = []

    def endless():
        try:
            while True:
                yield 1
        finally:
            closed.append(True)

    iterator = iter(Dataset.from_generator(endless, output_signature=SCALAR))
    next(iterator)

    del iterator

    assert closed == [True]


def test_tapes_and_graphs_around_the_consumer_do_not_reach_the_generator():
    def values():
        yield tf.constant(1.0) * 2

    dataset = Dataset.from_generator(values, output_signature=tf.TensorSpec([], tf.float32))

    @tf.function
    def total():
        return dataset.reduce(0.0, lambda state, x: state + x)

    assert float(total()) == 2.0
