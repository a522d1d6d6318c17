"""`tf.nondifferentiable_batch_function`."""

import threading

import numpy as np
import pytest

import penstock as tf


def in_threads(fn, arguments):
    """Results of calls in threads of their own, in the order of the arguments."""
    results = [None] * len(arguments)

    def work(i):
        try:
            results[i] = fn(arguments[i])
        except tf.errors.OpError as error:
            results[i] = error

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(arguments))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def rows_seen(sizes):
    """A function that notes how many rows it is run on."""

    def fn(x):
        tf.numpy_function(lambda y: sizes.append(len(y)), [x], [])
        return {"twice": x * 2, "sum": tf.reduce_sum(x, axis=1)}

    return fn


def test_calls_of_several_threads_are_run_together():
    sizes = []
    batched = tf.nondifferentiable_batch_function(1, 4, 20_000_000)(rows_seen(sizes))

    results = in_threads(batched, [tf.constant([[i, i + 1]]) for i in range(4)])

    assert sizes == [4]
    for i, result in enumerate(results):
        assert result["twice"].numpy().tolist() == [[2 * i, 2 * i + 2]]
        assert result["sum"].numpy().tolist() == [2 * i + 1]


def test_calls_in_functions_are_run_together():
    sizes = []
    batched = tf.nondifferentiable_batch_function(1, 2, 20_000_000)(rows_seen(sizes))

    @tf.function
    def run(x):
        result = batched(x)["twice"] + 1
        assert result.shape.as_list() == [None, 2]
        return result

    run.get_concrete_function(tf.TensorSpec([1, 2], tf.int32))
    results = in_threads(run, [tf.constant([[i, 5]]) for i in range(2)])

    assert [result.numpy().tolist() for result in results] == [[[1, 11]], [[3, 11]]]
    assert sizes == [2]


def test_a_batch_is_run_when_its_time_is_up_and_filled_to_a_size_allowed():
    sizes = []
    batched = tf.nondifferentiable_batch_function(1, 8, 1000, [2, 5, 8])(rows_seen(sizes))
    x = np.arange(6, dtype=np.float32).reshape(3, 2)

    result = batched(tf.constant(x))

    np.testing.assert_array_equal(result["twice"].numpy(), x * 2)
    assert sizes == [5]


def test_the_rows_of_one_call_are_split():
    sizes = []
    batched = tf.nondifferentiable_batch_function(1, 8, 1000, [2, 3])(rows_seen(sizes))
    x = np.arange(14, dtype=np.float32).reshape(7, 2)

    np.testing.assert_array_equal(batched(tf.constant(x))["twice"].numpy(), x * 2)
    assert sorted(sizes) == [2, 3, 3]


def test_there_is_no_gradient():
    variable = tf.Variable([2.0])
    batched = tf.nondifferentiable_batch_function(1, 1, 0)(lambda x: x * variable)

    with tf.GradientTape() as tape:
        result = batched(tf.constant([3.0]))

    assert result.numpy().tolist() == [6.0]
    assert tape.gradient(result, variable) is None


def test_what_cannot_be_batched_is_refused():
    batch = tf.nondifferentiable_batch_function
    double = batch(1, 2, 0)(lambda x: x * 2)

    with pytest.raises(ValueError, match="supposed to be Tensors"):
        double([1])
    with pytest.raises(tf.errors.InvalidArgumentError, match="at least one dimension"):
        double(tf.constant(1))
    with pytest.raises(tf.errors.InvalidArgumentError, match="larger than maximum"):
        double(tf.constant([1, 2, 3]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="equal 0th-dimension"):
        batch(1, 4, 0)(lambda x, y: x)(tf.constant([1]), tf.constant([1, 2]))
    with pytest.raises(tf.errors.FailedPreconditionError, match="does not equal the sum"):
        batch(1, 4, 0)(lambda x: x[:1])(tf.constant([1, 2]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="monotonically"):
        batch(1, 4, 0, [3, 2])
    with pytest.raises(tf.errors.InvalidArgumentError, match="must equal max_batch_size"):
        batch(1, 4, 0, [2], enable_large_batch_splitting=False)


def test_too_many_waiting_batches_are_refused():
    held, started = threading.Event(), threading.Event()

    def wait(x):
        started.set()
        held.wait(60)
        return x

    @tf.nondifferentiable_batch_function(1, 1, 0, max_enqueued_batches=1)
    def slow(x):
        result = tf.numpy_function(wait, [x], tf.int32)
        result.set_shape([None])
        return result

    first = threading.Thread(target=slow, args=(tf.constant([1]),))
    first.start()
    assert started.wait(60)
    second = threading.Thread(target=slow, args=(tf.constant([2]),), daemon=True)
    second.start()
    refused = in_threads(slow, [tf.constant([3])] * 2)
    held.set()
    first.join(60)
    second.join(60)
    assert any(isinstance(each, tf.errors.UnavailableError) for each in refused)
