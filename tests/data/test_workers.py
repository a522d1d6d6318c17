"""Threads that work ahead: when they start, what they hold, and that they end."""

import gc
import threading
import weakref

import pytest

import penstock as tf
from penstock.core.errors import InvalidArgumentError
from penstock.data.workers import Ahead, ParallelCalls, Prefetched
from tests.data.contents import Dataset, contents


class Source:
    """Counts what is taken; fails at given places, and can be kept waiting."""

    def __init__(self, count, failing=(), gate=None):
        self._count = count
        self._failing = set(failing)
        self._gate = gate
        self.taken = 0
        self.full = threading.Semaphore(0)

    def __iter__(self):
        return self

    def __next__(self):
        if self._gate is not None:
            self._gate.wait()
        if self.taken == self._count:
            raise StopIteration
        self.taken += 1
        self.full.release()
        if self.taken - 1 in self._failing:
            raise InvalidArgumentError(f"element {self.taken - 1}")
        return (self.taken - 1,)


def _ours():
    return [t for t in threading.enumerate() if t.name.startswith("penstock-")]


@pytest.fixture(autouse=True)
def no_thread_stays():
    gc.collect()
    assert _ours() == []
    yield
    gc.collect()
    assert _ours() == []


def test_elements_come_in_order():
    assert [x for (x,) in Ahead(Source(100), 4)] == list(range(100))


def test_no_more_is_taken_than_the_buffer_holds():
    source = Source(100)
    ahead = Ahead(source, 3)

    assert next(ahead) == (0,)
    for _ in range(5):  # one given out, three waiting, one in the hands of the worker
        assert source.full.acquire(timeout=5)

    assert not source.full.acquire(timeout=0.05)
    assert source.taken == 5


def test_an_error_comes_in_its_place_and_the_rest_follows():
    ahead = Ahead(Source(4, failing=[1]), 2)

    assert next(ahead) == (0,)
    with pytest.raises(InvalidArgumentError, match="element 1"):
        next(ahead)
    assert list(ahead) == [(2,), (3,)]


def test_a_dropped_iterator_ends_its_thread_and_frees_its_source():
    source = Source(1000)
    freed = weakref.ref(source)
    ahead = Ahead(source, 2)
    next(ahead)
    assert len(_ours()) == 1

    del ahead, source
    gc.collect()

    assert _ours() == []
    assert freed() is None


def test_a_finished_iterator_has_no_thread():
    ahead = Ahead(Source(2), 2)

    assert list(ahead) == [(0,), (1,)]
    for thread in _ours():
        thread.join(5)
    assert _ours() == []


def test_quick_elements_are_taken_inline():
    source = Source(10)
    prefetched = Prefetched(source, 5)

    assert next(prefetched) == (0,)
    assert source.taken == 1
    assert list(prefetched) == [(i,) for i in range(1, 10)]


def _slow(seconds=0.002):
    event = threading.Event()

    def work(element):
        event.wait(seconds)
        return element

    return work


def test_slow_elements_are_taken_ahead():
    wait = _slow()
    prefetched = Prefetched(map(wait, Source(20)), 5)

    found = []
    for element in prefetched:
        found.append(element)
        wait(None)

    assert found == [(i,) for i in range(20)]
    assert prefetched._ahead


def test_slow_calls_share_a_pool_and_come_in_order():
    calls = ParallelCalls(_slow(), Source(20, failing=[7]), 4, in_order=True)

    found = []
    while len(found) < 20:
        try:
            found.append(next(calls)[0])
        except InvalidArgumentError:
            found.append("failed")

    assert found == [*range(7), "failed", *range(8, 20)]
    with pytest.raises(StopIteration):
        next(calls)
    assert 1 < len(_ours()) <= 4


def test_slow_calls_may_overtake_each_other():
    def work(element):
        _slow(0.02 if element[0] == 4 else 0.002)(element)
        return element

    calls = ParallelCalls(work, Source(12), 4, in_order=False)

    assert sorted(x for (x,) in calls) == list(range(12))


def test_errors_of_calls_come_in_their_place():
    wait = _slow()

    def work(element):
        wait(element)
        if element[0] == 5:
            raise InvalidArgumentError("five")
        return element

    calls = ParallelCalls(work, Source(8), 3, in_order=True)

    assert [next(calls) for _ in range(5)] == [(i,) for i in range(5)]
    with pytest.raises(InvalidArgumentError, match="five"):
        next(calls)
    assert list(calls) == [(6,), (7,)]


def test_prefetch_gives_the_same_elements():
    dataset = Dataset.range(5).map(lambda x: x + 1)

    for size in (0, 1, 3, tf.data.AUTOTUNE):
        assert contents(dataset.prefetch(size)) == [1, 2, 3, 4, 5]
    with pytest.raises(InvalidArgumentError, match="buffer_size"):
        dataset.prefetch(-2)


def test_a_pipeline_that_is_dropped_early_ends_its_threads():
    def wait(x):
        return tf.py_function(_slow(), [x], tf.int64)

    dataset = Dataset.range(100).map(wait, num_parallel_calls=3).batch(2).prefetch(2)
    iterator = iter(dataset)
    for _ in range(6):
        next(iterator)
        _slow()(None)
    assert _ours()

    del iterator
    gc.collect()

    assert _ours() == []
