"""The metrics as text for Prometheus to fetch.

Source: the Prometheus text exposition format, 0.0.4. Names keep their colons, as in TF Serving.
"""

from collections.abc import Sequence
from itertools import accumulate

from penstock.core import metrics

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def encode() -> bytes:
    """Write every metric that was counted at least once."""
    lines: list[str] = []
    for row in metrics.rows():
        cells = row.collect()
        if cells:
            lines += [f"# HELP {row.name} {row.help}", f"# TYPE {row.name} {row.kind}"]
        for values, cell in cells:
            labels = list(zip(row.label_names, values, strict=True))
            value = cell.value()
            if isinstance(value, metrics.HistogramValue):
                lines += _histogram(row.name, labels, row.bounds, value)
            else:
                lines.append(f"{row.name}{_labels(labels)} {value:g}")
    return ("\n".join(lines) + "\n").encode()


def _histogram(
    name: str,
    labels: list[tuple[str, str]],
    bounds: Sequence[float],
    value: metrics.HistogramValue,
) -> list[str]:
    limits = [*(f"{bound:g}" for bound in bounds), "+Inf"]
    return [
        *(
            f"{name}_bucket{_labels([*labels, ('le', limit)])} {count}"
            for limit, count in zip(limits, accumulate(value.counts), strict=True)
        ),
        f"{name}_sum{_labels(labels)} {value.sum:g}",
        f"{name}_count{_labels(labels)} {value.count}",
    ]


def _labels(labels: list[tuple[str, str]]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escape(value)}"' for name, value in labels) + "}"


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
