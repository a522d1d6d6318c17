import threading

import pytest

from penstock.core import metrics
from penstock.core.errors import AlreadyExistsError, InvalidArgumentError, NotFoundError
from penstock.core.metrics import Counter, Gauge, Histogram, Metric


def test_a_counter_grows():
    cell = Metric("n", Counter, "h").labels()

    cell.increment()
    cell.increment(2.5)

    assert cell.value() == 3.5
    with pytest.raises(InvalidArgumentError, match="must not decrease, got -1"):
        cell.increment(-1)


def test_a_gauge_goes_up_and_down():
    cell = Metric("n", Gauge, "h").labels()

    cell.set(5)
    cell.increment(-2)

    assert cell.value() == 3


def test_a_value_on_the_bound_falls_into_its_bucket():
    cell = Metric("n", Histogram, "h", bounds=(1, 2, 4)).labels()

    for value in (0.5, 1, 1.5, 2, 4, 5):
        cell.observe(value)

    assert cell.value().counts == (2, 2, 1, 1)
    assert cell.value().count == 6
    assert cell.value().sum == 14.0


def test_every_combination_of_labels_has_its_own_cell():
    metric = Metric("n", Counter, "h", labels=("model", "status"))

    metric.labels("b", "OK").increment()
    metric.labels("a", "OK").increment(2)
    metric.labels("b", "OK").increment()

    assert [(labels, cell.value()) for labels, cell in metric.collect()] == [
        (("a", "OK"), 2),
        (("b", "OK"), 2),
    ]
    metric.clear()
    assert metric.collect() == []


def test_a_missing_label_is_an_error():
    metric = Metric("n", Counter, "h", labels=("model", "status"))

    with pytest.raises(InvalidArgumentError, match="has the labels"):
        metric.labels("a")


def test_labels_beyond_the_limit_are_counted_together(monkeypatch):
    monkeypatch.setattr(metrics, "_CELL_LIMIT", 2)
    metric = Metric("n", Counter, "h", labels=("model",))

    for name in ("a", "b", "c", "d"):
        metric.labels(name).increment()

    assert {labels: cell.value() for labels, cell in metric.collect()} == {
        ("a",): 1,
        ("b",): 1,
        ("_other",): 2,
    }


def test_no_count_is_lost_between_threads():
    metric = Metric("n", Counter, "h", labels=("model",))

    def work():
        for _ in range(2000):
            metric.labels("a").increment()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert metric.labels("a").value() == 8000


def test_the_table_answers_to_the_names_of_tf_serving():
    row = metrics.lookup(":tensorflow:serving:request_latency")

    assert row is metrics.REQUEST_LATENCY
    assert row.kind == "histogram"
    assert row.label_names == ("model_name", "API", "entrypoint")
    assert row.unit == "microseconds"
    assert len(row.bounds) == 33
    assert row.bounds[0] == 10
    assert metrics.REQUEST_COUNT.label_names == ("model_name", "status")
    with pytest.raises(NotFoundError, match="no metric named 'x'"):
        metrics.lookup("x")


@pytest.mark.parametrize("row", metrics.rows(), ids=lambda row: row.name)
def test_every_row_is_complete(row):
    assert row.help
    assert row.help == row.help.strip().rstrip(".")
    assert row.kind in ("counter", "gauge", "histogram")
    assert bool(row.bounds) == (row.kind == "histogram")


def test_a_name_has_one_row():
    with pytest.raises(AlreadyExistsError, match="request_count"):
        metrics.counter(":tensorflow:serving:request_count", "again")
    with pytest.raises(InvalidArgumentError, match="bounds must rise"):
        metrics.histogram("n", "h", (2, 1))


def test_bounds_grow_by_a_factor():
    assert metrics.exponential_bounds(1, 2, 4) == (1, 2, 4, 8)
