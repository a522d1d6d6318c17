"""What calls leave in the metrics."""

import threading
import time

import pytest

from penstock.core import metrics
from penstock.serving.call import GRPC, REST, Call, ModelSpec
from penstock.serving.middleware.metrics import UNKNOWN, CallMetrics
from tests.serving.fakes import FakeClock

PREDICTED = ("Predict", "REST", "OK")


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def counting(clock):
    for row in metrics.rows():
        row.clear()
    return CallMetrics(lambda name: name.startswith("m"), clock)


def call(clock, name="m", seconds=0.02, **changes):
    made = Call(REST, "Predict", ModelSpec(name))
    made.start = clock.now - seconds
    made.version, made.signature_name, made.body_bytes = 3, "serving_default", 100
    for key, value in changes.items():
        setattr(made, key, value)
    return made


def test_a_call_is_counted_under_the_names_of_tf_serving(counting, clock):
    counting.done(call(clock, rows=2, compute_s=0.004, queue_s=0.001))

    assert metrics.REQUEST_COUNT.labels("m", "OK").value() == 1
    assert metrics.REQUEST_LATENCY.labels("m", "Predict", "REST").value().sum == pytest.approx(
        20_000
    )
    assert metrics.RUNTIME_LATENCY.labels("m", "Predict", "penstock").value().sum == 4000
    assert metrics.REQUEST_EXAMPLE_COUNT_TOTAL.labels("m").value() == 2
    assert metrics.BATCH_QUEUING_LATENCY.labels("m").value().sum == 1000


def test_version_signature_protocol_and_outcome_are_told_apart(counting, clock):
    counting.done(call(clock))
    counting.done(call(clock, version=4))
    counting.done(call(clock, protocol=GRPC, status="UNAVAILABLE"))

    found = {values: cell.value() for values, cell in metrics.REQUESTS.collect()}
    assert found == {
        ("m", "3", "serving_default", "Predict", "REST", "OK"): 1,
        ("m", "4", "serving_default", "Predict", "REST", "OK"): 1,
        ("m", "3", "serving_default", "Predict", "GRPC", "UNAVAILABLE"): 1,
    }


def test_a_shared_call_counts_its_rows_and_its_padding_once(counting, clock):
    shared = {"rows": 1, "compute_s": 0.001, "batch_size": 3, "padded_size": 4}
    counting.done(call(clock, led=1, **shared))
    counting.done(call(clock, **shared))
    counting.done(call(clock, **shared))

    model = ("m", "3", "serving_default")
    assert metrics.ROWS.labels(*model).value() == 3
    assert metrics.PADDING_ROWS.labels(*model).value() == 1
    assert metrics.BATCH_ROWS.labels(*model).value().count == 1
    assert metrics.BATCH_PROCESSED_SIZE.labels("m").value().sum == 4
    assert metrics.BATCH_PADDING_SIZE.labels("m", "4").value().sum == 1


def test_names_that_nobody_serves_make_one_row(counting, clock):
    for number in range(100):
        counting.done(call(clock, f"x{number}", status="NOT_FOUND"))

    assert [values for values, _ in metrics.REQUEST_COUNT.collect()] == [(UNKNOWN, "NOT_FOUND")]
    assert metrics.REQUEST_COUNT.labels(UNKNOWN, "NOT_FOUND").value() == 100


def test_calls_that_only_ask_are_not_counted(counting, clock):
    counting.done(call(clock, api="GetModelStatus"))

    assert metrics.REQUEST_COUNT.collect() == []


def test_versions_that_are_gone_for_an_hour_leave_the_metrics(counting, clock):
    counting.done(call(clock))
    counting.done(call(clock, version=4))
    counting.keep([("m", 4)])
    clock.now += 3599
    counting.keep([("m", 4)])
    during = [values[1] for values, _ in metrics.REQUESTS.collect()]
    clock.now += 2
    counting.keep([("m", 4)])
    after = [values[1] for values, _ in metrics.REQUESTS.collect()]
    counting.done(call(clock))

    assert (during, after) == (["3", "4"], ["4"])
    # A version that comes back is counted anew.
    assert metrics.REQUESTS.labels("m", "3", "serving_default", *PREDICTED).value() == 1


def test_a_version_that_comes_back_in_time_stays(counting, clock):
    counting.done(call(clock))
    counting.keep([])
    clock.now += 3000
    counting.keep([("m", 3)])
    clock.now += 3000
    counting.keep([])

    assert len(metrics.REQUESTS.collect()) == 1


def test_labels_beyond_the_limit_are_counted_together():
    for number in range(2500):
        metrics.INPUT_VIOLATIONS.labels("m", "s", f"f{number}", "range").increment()

    found = metrics.INPUT_VIOLATIONS.collect()

    assert len(found) <= 2001
    assert sum(cell.value() for _, cell in found) == 2500


def test_an_observation_takes_less_than_a_microsecond():
    cell = metrics.REQUEST_SECONDS.labels("m", "1", "s")
    best = float("inf")
    for _ in range(50):
        start = time.perf_counter()
        for _ in range(100):
            cell.observe(0.0123)
        best = min(best, (time.perf_counter() - start) / 100)

    assert best < 1e-6


def test_thousands_of_calls_are_counted_once_each_however_often_somebody_reads(counting, clock):
    for number in range(1000):
        counting.done(call(clock, rows=2, compute_s=0.004, seconds=0.02 if number % 2 else 3.0))
        if number % 300 == 7:
            assert metrics.REQUEST_COUNT.labels("m", "OK").value() == number + 1

    found = metrics.REQUEST_SECONDS.labels("m", "3", "serving_default").value()
    assert found.count == 1000
    assert found.sum == pytest.approx(500 * 0.02 + 500 * 3.0)
    bounds = metrics.REQUEST_SECONDS.bounds
    assert found.counts[bounds.index(0.025)] == 500
    assert found.counts[bounds.index(5.0)] == 500
    assert metrics.ROWS.labels("m", "3", "serving_default").value() == 2000


def test_reading_in_other_threads_loses_no_call(clock):
    for row in metrics.rows():
        row.clear()
    counting = CallMetrics(lambda _: True, clock)
    done = threading.Event()

    def read():
        while not done.is_set():
            metrics.REQUEST_COUNT.labels("m", "OK").value()

    readers = [threading.Thread(target=read) for _ in range(2)]
    for each in readers:
        each.start()
    for _ in range(3000):
        counting.done(call(clock))
    done.set()
    for each in readers:
        each.join()

    assert metrics.REQUEST_COUNT.labels("m", "OK").value() == 3000
