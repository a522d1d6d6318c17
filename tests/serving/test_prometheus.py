"""The metrics page. Source: the Prometheus text format, 0.0.4."""

from penstock.core import metrics
from penstock.serving.protocols import prometheus


def test_counters_and_histograms_are_written_line_by_line():
    metrics.REQUEST_COUNT.labels('a "b" \\ c', "OK").increment(3)
    cell = metrics.REQUEST_EXAMPLE_COUNTS.labels("written")
    for value in (1, 2, 3, 1e9):
        cell.observe(value)

    lines = prometheus.encode().decode().splitlines()

    name = ":tensorflow:serving:request_count"
    assert f"# TYPE {name} counter" in lines
    assert f'{name}{{model_name="a \\"b\\" \\\\ c",status="OK"}} 3' in lines
    name = ":tensorflow:serving:request_example_counts"
    assert f"# TYPE {name} histogram" in lines
    assert f'{name}_bucket{{model="written",le="1"}} 1' in lines
    assert f'{name}_bucket{{model="written",le="2"}} 2' in lines
    assert f'{name}_bucket{{model="written",le="4"}} 3' in lines
    assert f'{name}_bucket{{model="written",le="+Inf"}} 4' in lines
    assert f'{name}_sum{{model="written"}} 1e+09' in lines
    assert f'{name}_count{{model="written"}} 4' in lines


def test_every_line_ends():
    assert prometheus.encode().endswith(b"\n")
