"""Threads that stop together."""

import threading

import pytest

import penstock as tf


def test_threads_stop_when_one_asks():
    coordinator = tf.train.Coordinator()
    rounds = []

    def work():
        while not coordinator.should_stop():
            rounds.append(1)
            if len(rounds) > 3:
                coordinator.request_stop()

    threads = [threading.Thread(target=work) for _ in range(2)]
    coordinator.register_thread(threads[0])
    for thread in threads:
        thread.start()
    coordinator.join(threads)

    assert coordinator.joined
    assert not any(thread.is_alive() for thread in threads)
    assert coordinator.wait_for_stop(0)


def test_join_raises_the_error_that_stopped_a_thread():
    coordinator = tf.train.Coordinator()

    def work():
        with coordinator.stop_on_exception():
            raise KeyError("wrong")

    thread = threading.Thread(target=work)
    thread.start()
    with pytest.raises(KeyError, match="wrong"):
        coordinator.join([thread])
    with pytest.raises(KeyError, match="wrong"):
        coordinator.raise_requested_exception()
    coordinator.clear_stop()
    assert not coordinator.should_stop()
    assert not coordinator.wait_for_stop(0.01)
    coordinator.raise_requested_exception()


def test_the_end_of_data_is_no_error():
    coordinator = tf.train.Coordinator()
    coordinator.request_stop(tf.errors.OutOfRangeError(None, None, "end"))
    coordinator.join()

    other = tf.train.Coordinator(clean_stop_exception_types=(ValueError,))
    other.request_stop(ValueError("fine"))
    other.join()
    with pytest.raises(OSError, match="late"):
        other.request_stop(OSError("late"))


def test_threads_that_go_on_are_told_of():
    coordinator = tf.train.Coordinator()
    going = threading.Event()
    thread = threading.Thread(target=going.wait, name="stubborn")
    thread.start()
    coordinator.request_stop()

    try:
        with pytest.raises(RuntimeError, match="still running: stubborn"):
            coordinator.join([thread], stop_grace_period_secs=0.01)
        coordinator.join([thread], stop_grace_period_secs=0.01, ignore_live_threads=True)
    finally:
        going.set()
        thread.join()
    with pytest.raises(ValueError, match="must be an error"):
        coordinator.request_stop(3)
