"""The metrics as text for others to fetch: Prometheus' format, and OpenMetrics.

Source: the Prometheus text exposition format 0.0.4, and OpenMetrics 1.0.0. Names keep their
colons, as in TF Serving.
"""

import math
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any, Final

from penstock.core import metrics
from penstock.core.metrics import HistogramValue

PROMETHEUS: Final = "text/plain; version=0.0.4; charset=utf-8"
OPEN_METRICS: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"

# Gauges of which the largest says more than the sum.
_LARGEST: Final = frozenset(
    {"process_start_time_seconds", "process_max_fds", "penstock_serving_model_available"}
)

Values = dict[tuple[str, ...], Any]

# Called before every encoding: what is only known by looking, such as the memory in use.
_observers: list[Callable[[], None]] = []


def look() -> None:
    """Bring up to date what is only known by looking."""
    for observe in _observers:
        observe()


# What other processes counted, by metric and labels.
_others: list[Callable[[], dict[str, Values]]] = []


def add_others(others: Callable[[], dict[str, Values]]) -> None:
    """Let the metrics of other processes be written with those of this one."""
    _others.append(others)


def remove_others(others: Callable[[], dict[str, Values]]) -> None:
    """Write the metrics of this process alone again."""
    _others.remove(others)


def before_encoding(observer: Callable[[], None]) -> None:
    """Let a function look at what it counts before the metrics are written."""
    if observer not in _observers:
        _observers.append(observer)


def content_type(accept: bytes | None) -> str:
    """Return the format that a scraper asks for by its `Accept` header."""
    wanted = (accept or b"").decode("latin-1").lower()
    return OPEN_METRICS if "application/openmetrics-text" in wanted else PROMETHEUS


def encode(kind: str = PROMETHEUS) -> bytes:
    """Write every metric that was counted at least once.

    Args:
        kind: `PROMETHEUS` or `OPEN_METRICS`.
    """
    look()
    is_open = kind == OPEN_METRICS
    lines: list[str] = []
    others = [each() for each in _others]
    for row in metrics.rows():
        cells: Values = {values: cell.value() for values, cell in row.collect()}
        for other in others:
            for values, value in other.get(row.name, {}).items():
                mine = cells.get(values)
                joined = value if mine is None else merge(row.name, row.kind, mine, value)
                cells[values] = joined
        if cells:
            lines += _head(row.name, row.kind, row.help, is_open=is_open)
        for values, value in sorted(cells.items(), key=lambda item: item[0]):
            labels = _labels(row.label_names, values)
            if isinstance(value, HistogramValue):
                lines += _histogram(row.name, labels, row.bounds, value)
            else:
                lines.append(f"{row.name}{_braces(labels)} {_number(value)}")
    if is_open:
        lines.append("# EOF")
    return ("\n".join(lines) + "\n").encode()


def merge(row_name: str, kind: str, one: Any, other: Any) -> Any:
    """Return the value of a cell that two processes have."""
    if isinstance(one, HistogramValue):
        counts = tuple(a + b for a, b in zip(one.counts, other.counts, strict=True))
        return HistogramValue(counts, one.sum + other.sum)
    if kind == "gauge" and row_name in _LARGEST:
        return max(one, other)
    return one + other


def _head(name: str, kind: str, text: str, *, is_open: bool) -> list[str]:
    if is_open and kind == "counter":
        # A counter of OpenMetrics ends in _total, which TF Serving's names do not.
        if name.endswith("_total"):
            name = name.removesuffix("_total")
        else:
            kind = "unknown"
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n")
    if is_open:
        escaped = escaped.replace('"', '\\"')
    return [f"# HELP {name} {escaped}", f"# TYPE {name} {kind}"]


def _histogram(
    name: str, labels: str, bounds: Sequence[float], value: metrics.HistogramValue
) -> list[str]:
    limits = [*(_number(float(bound)) for bound in bounds), "+Inf"]
    before = f"{labels}," if labels else ""
    return [
        *(
            f'{name}_bucket{{{before}le="{limit}"}} {count}'
            for limit, count in zip(limits, accumulate(value.counts), strict=True)
        ),
        f"{name}_sum{_braces(labels)} {_number(value.sum)}",
        f"{name}_count{_braces(labels)} {value.count}",
    ]


def _braces(labels: str) -> str:
    return f"{{{labels}}}" if labels else ""


def _labels(names: Sequence[str], values: Sequence[str]) -> str:
    return ",".join(
        f'{name}="{_escape(value)}"' for name, value in zip(names, values, strict=True)
    )


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    if isinstance(value, int):
        return str(value)
    if math.isinf(value) or math.isnan(value):
        return "NaN" if math.isnan(value) else ("+Inf" if value > 0 else "-Inf")
    return repr(float(value))
