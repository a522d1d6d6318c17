"""Queues of tensors."""

import threading

import numpy as np
import pytest

import penstock as tf

# What TensorFlow gives for seed 3 and the numbers below 30.
SHUFFLED = [17, 12, 28, 26, 25, 6, 8, 11, 29, 22, 10, 20, 19, 3, 7, 9, 1, 27, 18, 23]


def test_elements_leave_in_the_order_in_which_they_came():
    queue = tf.queue.FIFOQueue(3, [tf.int32, tf.string], [[], [2]])

    queue.enqueue((1, ["a", "b"]))
    queue.enqueue_many(([2, 3], [["c", "d"], ["e", "f"]]))

    assert queue.size().numpy() == 3
    number, text = queue.dequeue()
    assert (number.numpy(), text.numpy().tolist()) == (1, [b"a", b"b"])
    numbers, texts = queue.dequeue_many(2)
    assert numbers.numpy().tolist() == [2, 3]
    assert texts.numpy().tolist() == [[b"c", b"d"], [b"e", b"f"]]


def test_closed_queues_take_nothing_and_give_what_is_left():
    queue = tf.queue.FIFOQueue(3, tf.int32, [[]])
    queue.enqueue(1)
    queue.enqueue(2)

    assert not queue.is_closed()
    queue.close()

    assert queue.is_closed()
    with pytest.raises(tf.errors.CancelledError, match="is closed"):
        queue.enqueue(3)
    with pytest.raises(tf.errors.OutOfRangeError, match="requested 3, current size 2"):
        queue.dequeue_many(3)
    assert queue.dequeue_up_to(3).numpy().tolist() == [1, 2]
    with pytest.raises(tf.errors.OutOfRangeError, match="insufficient elements"):
        queue.dequeue()


def test_names_make_elements_dicts():
    queue = tf.queue.FIFOQueue(10, [tf.int32, tf.float32], names=["u", "v"])

    queue.enqueue({"u": 3, "v": 0.5})

    found = queue.dequeue()
    assert {key: value.numpy() for key, value in found.items()} == {"u": 3, "v": 0.5}
    with pytest.raises(ValueError, match="do not match names of Queue"):
        queue.enqueue({"w": 3})
    with pytest.raises(ValueError, match="must enqueue a dictionary"):
        queue.enqueue(3)
    with pytest.raises(ValueError, match="must have names"):
        tf.queue.FIFOQueue(1, tf.int32).enqueue({"u": 1})


def test_what_does_not_fit_is_refused():
    queue = tf.queue.FIFOQueue(10, [tf.int32], [[2]])

    with pytest.raises(TypeError):
        queue.enqueue("a")
    with pytest.raises(tf.errors.InvalidArgumentError, match="Shape mismatch"):
        queue.enqueue(1)
    with pytest.raises(ValueError, match="rank"):
        queue.enqueue_many([1])
    with pytest.raises(tf.errors.InvalidArgumentError, match="-1 < 0"):
        queue.dequeue_many(-1)
    with pytest.raises(tf.errors.InvalidArgumentError, match="specified shapes"):
        tf.queue.FIFOQueue(3, tf.int32).dequeue_many(2)
    with pytest.raises(ValueError, match="same length as the list of dtypes"):
        tf.queue.FIFOQueue(3, [tf.int32], [[]], ["a", "b"])
    assert queue.dequeue_many(0).shape == (0, 2)


def test_padding_queues_pad_to_the_largest_element():
    queue = tf.queue.PaddingFIFOQueue(10, [tf.int32, tf.string], [[None], []])
    queue.enqueue(([1], "a"))
    queue.enqueue(([1, 2, 3], "b"))

    numbers, texts = queue.dequeue_many(2)

    assert numbers.numpy().tolist() == [[1, 0, 0], [1, 2, 3]]
    assert texts.numpy().tolist() == [b"a", b"b"]


def test_priority_queues_give_the_smallest_first_and_equals_in_order():
    queue = tf.queue.PriorityQueue(10, [tf.string], [[]])
    queue.enqueue((np.int64(5), "five"))
    queue.enqueue((np.int64(1), "one"))
    queue.enqueue_many((np.array([3, 2, 3]), ["three", "two", "three again"]))

    keys, texts = queue.dequeue_many(5)

    assert queue.dtypes == [tf.int64, tf.string]
    assert keys.numpy().tolist() == [1, 2, 3, 3, 5]
    assert texts.numpy().tolist() == [b"one", b"two", b"three", b"three again", b"five"]


def test_shuffle_queues_give_tensorflows_order():
    queue = tf.queue.RandomShuffleQueue(100, 0, [tf.int32], [[]], seed=3)
    queue.enqueue_many([list(range(30))])

    found = queue.dequeue_many(20).numpy().tolist()

    assert found == SHUFFLED


def test_shuffle_queues_hold_elements_back_until_they_are_closed():
    queue = tf.queue.RandomShuffleQueue(10, 2, [tf.int32], [[]])
    queue.enqueue_many([[1, 2, 3]])
    first = queue.dequeue()
    taken = []
    waiting = threading.Thread(target=lambda: taken.append(int(queue.dequeue())), daemon=True)
    waiting.start()
    waiting.join(0.05)
    assert not taken

    queue.close()
    waiting.join(5)

    assert sorted([int(first), *taken, int(queue.dequeue())]) == [1, 2, 3]


def test_those_who_find_a_queue_full_or_empty_wait():
    queue = tf.queue.FIFOQueue(1, tf.int32, [[]])

    def produce():
        for i in range(20):
            queue.enqueue(i)
        queue.close()

    producer = threading.Thread(target=produce, daemon=True)
    producer.start()
    seen = [int(queue.dequeue()) for _ in range(20)]
    producer.join(5)

    assert seen == list(range(20))
    assert queue.is_closed()


def test_closing_can_cancel_those_who_wait_to_put_elements_in():
    queue = tf.queue.FIFOQueue(1, tf.int32, [[]])
    queue.enqueue(1)
    errors = []

    def produce():
        try:
            queue.enqueue(2)
        except tf.errors.CancelledError as error:
            errors.append(error)

    producer = threading.Thread(target=produce, daemon=True)
    producer.start()
    producer.join(0.05)
    queue.close(cancel_pending_enqueues=True)
    producer.join(5)

    assert len(errors) == 1
    assert queue.size().numpy() == 1


def test_functions_use_queues_and_shared_names_find_them():
    queue = tf.queue.FIFOQueue(10, tf.int32, [[]], shared_name="tests.shared")
    same = tf.queue.FIFOQueue(10, tf.int32, [[]], shared_name="tests.shared")

    @tf.function
    def move(x):
        queue.enqueue(x)
        return queue.size(), queue.dequeue()

    size, value = move(tf.constant(7))
    queue.enqueue(8)

    assert (size.numpy(), value.numpy()) == (1, 7)
    assert same.dequeue().numpy() == 8
    with pytest.raises(tf.errors.InvalidArgumentError, match="Shared queue"):
        tf.queue.FIFOQueue(10, tf.string, [[]], shared_name="tests.shared")


def test_one_of_several_queues_is_chosen_by_number():
    queues = [tf.queue.FIFOQueue(3, tf.int32, [[]]) for _ in range(2)]
    queues[1].enqueue(5)

    chosen = tf.queue.QueueBase.from_list(1, queues)

    assert chosen.dequeue().numpy() == 5
    with pytest.raises(TypeError, match="list of queues"):
        tf.queue.QueueBase.from_list(0, [])
