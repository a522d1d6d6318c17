import sys
import threading
import time

import pytest

from penstock.serving.courtesy import courteous


def work(seconds):
    """Compute for so long by the thread's own clock; returns the time that it took."""
    start, end = time.perf_counter(), time.thread_time() + seconds
    while time.thread_time() < end:
        pass
    return time.perf_counter() - start


def test_others_get_the_interpreter_quickly_and_everything_is_as_before_afterwards():
    interval = sys.getswitchinterval()
    with courteous():
        assert sys.getswitchinterval() < 0.001
        assert sys.getprofile() is not None

    assert sys.getswitchinterval() == interval
    assert sys.getprofile() is None


def test_without_requests_nothing_changes():
    interval = sys.getswitchinterval()
    with courteous(is_serving=False):
        assert sys.getswitchinterval() == interval
        assert sys.getprofile() is None


def test_a_profiler_that_is_there_stays():
    seen = []
    sys.setprofile(lambda *_: seen.append(1))
    try:
        before = sys.getprofile()
        with courteous():
            assert sys.getprofile() is before
        assert sys.getprofile() is before
    finally:
        sys.setprofile(None)
    assert seen


def test_what_goes_wrong_within_leaves_nothing_behind():
    with pytest.raises(ValueError, match="wrong"), courteous():
        raise ValueError("wrong")

    assert sys.getprofile() is None


def test_a_thread_that_competes_gets_most_of_the_time():
    done = threading.Event()
    other = []

    def compete():
        while not done.is_set():
            other.append(work(0.001))

    thread = threading.Thread(target=compete)
    thread.start()
    start = time.thread_time()
    try:
        with courteous():
            work(0.05)
    finally:
        done.set()
        thread.join()

    own_s = time.thread_time() - start
    # By equal shares the other would have computed as long.
    assert len(other) * 0.001 > 1.5 * own_s
