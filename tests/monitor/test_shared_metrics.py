"""Metrics of several processes on one page."""

import json
import subprocess
import sys

import pytest
from prometheus_client.parser import text_string_to_metric_families

from penstock.core import metrics
from penstock.monitor import exposition
from penstock.monitor.shared_metrics import SharedMetrics

OTHER = """
import sys
from pathlib import Path
from penstock.core import metrics
from penstock.monitor.shared_metrics import SharedMetrics
metrics.REQUEST_COUNT.labels("m", "OK").increment(5)
metrics.REQUEST_COUNT.labels("other", "OK").increment(2)
metrics.REQUEST_EXAMPLE_COUNTS.labels("m").observe(3)
metrics.MODEL_AVAILABLE.labels("m", "1").set(1)
shared = SharedMetrics(Path(sys.argv[1]))
shared.write()
print("written", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def shared(tmp_path):
    for row in metrics.rows():
        row.clear()
    metrics.REQUEST_COUNT.labels("m", "OK").increment(1)
    metrics.REQUEST_EXAMPLE_COUNTS.labels("m").observe(1)
    metrics.MODEL_AVAILABLE.labels("m", "1").set(1)
    made = SharedMetrics(tmp_path, every_s=100)
    exposition.add_others(made.others)
    yield made
    exposition.remove_others(made.others)


def samples():
    return {
        (s.name.removesuffix("_total"), *sorted(s.labels.values())): s.value
        for family in text_string_to_metric_families(exposition.encode().decode())
        for s in family.samples
    }


def start_other(folder):
    process = subprocess.Popen(
        [sys.executable, "-c", OTHER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "written\n"
    return process


def test_what_processes_counted_is_added_up_and_stays_when_one_ends(shared, tmp_path):
    other = start_other(tmp_path)
    during = samples()
    other.communicate("")
    after = samples()

    for found in (during, after):
        assert found[":tensorflow:serving:request_count", "OK", "m"] == 6
        assert found[":tensorflow:serving:request_count", "OK", "other"] == 2
        assert found[":tensorflow:serving:request_example_counts_sum", "m"] == 4
        assert found[":tensorflow:serving:request_example_counts_count", "m"] == 2
        assert found["penstock_serving_model_available", "1", "m"] == 1
    # The memory of a process goes with it.
    memory = ("process_resident_memory_bytes",)
    assert during[memory] > after.get(memory, 0)


def test_a_file_that_makes_no_sense_is_passed_over(shared, tmp_path):
    (tmp_path / "1.metrics.json").write_text("{")

    assert samples()[":tensorflow:serving:request_count", "OK", "m"] == 1


def test_its_own_file_is_not_added(shared, tmp_path):
    shared.write()

    (path,) = tmp_path.glob("*.metrics.json")
    assert json.loads(path.read_bytes())[":tensorflow:serving:request_count"]
    assert samples()[":tensorflow:serving:request_count", "OK", "m"] == 1
