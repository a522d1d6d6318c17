"""The page of metrics, read by the parsers of Prometheus' own client."""

import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from penstock.core import metrics
from penstock.monitor import exposition, process

ODD = 'a "b" \\ c\nd'


@pytest.fixture(params=["prometheus", "openmetrics"])
def families(request):
    for row in metrics.rows():
        row.clear()
    metrics.REQUEST_COUNT.labels(ODD, "OK").increment(1234567)
    metrics.REQUESTS.labels("m", "1", "s", "Predict", "REST", "OK").increment(2)
    cell = metrics.REQUEST_EXAMPLE_COUNTS.labels("written")
    cell.observe(1)
    cell.observe(3)
    cell.observe(1e9)
    process.observe()
    if request.param == "prometheus":
        text = exposition.encode().decode()
        return {f.name: f for f in text_string_to_metric_families(text)}
    text = exposition.encode(exposition.OPEN_METRICS).decode()
    return {f.name: f for f in openmetrics.text_string_to_metric_families(text)}


def samples(families, prefix):
    return {
        (s.name, s.labels.get("le")): s.value
        for family in families.values()
        for s in family.samples
        if s.name.startswith(prefix) and s.labels.get("model", "written") == "written"
    }


def test_labels_and_large_counts_survive(families):
    found = [
        s
        for family in families.values()
        for s in family.samples
        if s.labels.get("model_name") == ODD
        and s.name.removesuffix("_total") == ":tensorflow:serving:request_count"
    ]

    assert [s.value for s in found] == [1234567]
    assert found[0].labels == {"model_name": ODD, "status": "OK"}


def test_buckets_hold_what_is_not_above_their_bound(families):
    name = ":tensorflow:serving:request_example_counts"

    found = samples(families, name)

    bounds = [float(2**power) for power in range(15)]
    assert [found[f"{name}_bucket", repr(b)] for b in bounds] == [1, 1] + [2] * 13
    assert found[f"{name}_bucket", "+Inf"] == 3
    assert found[f"{name}_count", None] == 3
    assert found[f"{name}_sum", None] == 1e9 + 4


def test_the_process_tells_what_it_takes(families):
    found = samples(families, "process_")

    assert found["process_cpu_seconds_total", None] > 0
    assert found["process_resident_memory_bytes", None] > 1e6
    assert found["process_start_time_seconds", None] > 1.6e9


def test_every_metric_has_a_help_and_a_type(families):
    assert all(f.documentation and f.type for f in families.values())


def test_a_scraper_gets_the_format_that_it_asks_for():
    asked = b"application/openmetrics-text;version=1.0.0;q=0.75,text/plain;q=0.5"

    assert exposition.content_type(asked) == exposition.OPEN_METRICS
    assert exposition.content_type(b"text/plain") == exposition.PROMETHEUS
    assert exposition.content_type(None) == exposition.PROMETHEUS
    assert exposition.encode(exposition.OPEN_METRICS).endswith(b"\n# EOF\n")
    assert exposition.encode().endswith(b"\n")
