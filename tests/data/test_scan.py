"""Elements and a state."""

import numpy as np
import pytest

import penstock as tf
from tests.data.contents import Dataset, contents, plain


def test_scan_carries_a_state():
    dataset = Dataset.range(5).scan(np.int64(0), lambda total, x: (total + x, total + x))

    assert contents(dataset) == [0, 1, 3, 6, 10]
    assert contents(dataset) == [0, 1, 3, 6, 10]
    assert len(dataset) == 5


def test_states_and_elements_may_be_structures():
    dataset = Dataset.from_tensor_slices(([1, 2], [3, 4])).scan(
        {"seen": 0}, lambda state, pair: ({"seen": state["seen"] + 1}, (state["seen"], pair[1]))
    )

    assert contents(dataset) == [(0, 3), (1, 4)]


def test_a_state_may_grow():
    dataset = Dataset.range(3).scan(
        tf.zeros([0], tf.int64), lambda seen, x: (tf.concat([seen, [x]], 0), seen)
    )

    assert contents(dataset) == [[], [0], [0, 1]]
    assert dataset.element_spec == tf.TensorSpec([None], tf.int64)


def test_scan_must_give_a_state_and_an_output():
    with pytest.raises(TypeError, match="pair"):
        Dataset.range(3).scan(np.int64(0), lambda state, _: state)
    with pytest.raises(TypeError, match="must match the initial state"):
        Dataset.range(3).scan(0, lambda _, x: (x, x))


def test_reduce_folds():
    assert int(Dataset.range(5).reduce(np.int64(0), lambda state, x: state + x)) == 10
    assert int(Dataset.range(0).reduce(np.int64(7), lambda state, x: state + x)) == 7


def test_reduce_takes_structures():
    result = Dataset.from_tensor_slices(([1, 2], [3.0, 4.0])).reduce(
        {"a": 0, "b": 0.0}, lambda state, pair: {"a": state["a"] + pair[0], "b": pair[1]}
    )

    assert {key: plain(part.numpy()) for key, part in result.items()} == {"a": 3, "b": 4.0}


def test_reduce_may_let_the_state_grow():
    result = Dataset.range(3).reduce(
        tf.zeros([0], tf.int64), lambda state, x: tf.concat([state, [x]], 0)
    )

    assert result.numpy().tolist() == [0, 1, 2]


def test_the_state_keeps_its_dtype_and_structure():
    with pytest.raises(TypeError, match="int32"):
        Dataset.range(5).reduce(0, lambda state, x: state + x)
    with pytest.raises(tf.errors.InvalidArgumentError, match="structure"):
        Dataset.range(5).reduce(np.int64(0), lambda state, x: (state, x))


def test_reduce_works_within_functions():
    @tf.function
    def total(dataset, factor):
        return dataset.reduce(np.int64(0), lambda state, x: state + x * factor)

    assert int(total(Dataset.range(5), tf.constant(2, tf.int64))) == 20
    assert int(total(Dataset.range(6), tf.constant(1, tf.int64))) == 15
    assert total.experimental_get_tracing_count() == 1


def test_a_single_element_is_what_a_dataset_of_one_holds():
    number, text = Dataset.from_tensors((1, "a")).get_single_element()

    assert (int(number), text.numpy()) == (1, b"a")
    with pytest.raises(tf.errors.InvalidArgumentError, match="empty"):
        Dataset.range(0).get_single_element()
    with pytest.raises(tf.errors.InvalidArgumentError, match="more than one"):
        Dataset.range(2).get_single_element()
