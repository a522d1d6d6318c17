"""The result in a terminal: a table with bars, and the conclusion."""

import math
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from penstock.cli.bench.load import Outcome
from penstock.cli.bench.measurement import Measurement

_BAR = 24
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def show(measurement: Measurement, out: TextIO) -> None:
    """Print the tables and the conclusion."""
    console = Console(file=out, highlight=False)
    everything = [o for ramp in measurement.ramps.values() for o in ramp.outcomes]
    low, high = _range(everything)
    for setting, ramp in measurement.ramps.items():
        table = Table(title=str(setting), title_justify="left", title_style="bold", box=None)
        for name in ("requests/s", "answered/s", "p50 ms", "p95 ms", "p99 ms", "errors"):
            table.add_column(name, justify="right")
        table.add_column(f"p99, {low:g} to {high:g} ms (logarithmic)")
        for outcome in sorted(ramp.outcomes, key=lambda o: o.rate):
            style = _style(outcome, ramp.best, measurement)
            table.add_row(
                f"{outcome.rate:,.0f}",
                f"{outcome.achieved:,.0f}",
                *(_ms(outcome.latency_ms(p)) for p in (50, 95, 99)),
                f"{outcome.failed:,}" if outcome.failed else "",
                Text(_bar(outcome.latency_ms(99), low, high)),
                style=style,
            )
        console.print(table)
        console.print()
    console.print(Text.assemble(("Best  ", "bold"), measurement.reason()))


def _style(outcome: Outcome, best: Outcome | None, measurement: Measurement) -> str:
    if outcome is best:
        return "bold green"
    return "red" if measurement.goal.broken_by(outcome) is not None else ""


def _range(outcomes: list[Outcome]) -> tuple[float, float]:
    found = [o.latency_ms(99) for o in outcomes if math.isfinite(o.latency_ms(99))] or [1.0]
    low = 10 ** math.floor(math.log10(max(min(found), 1e-3)))
    high = 10 ** math.ceil(math.log10(max(*found, 2e-3)))
    return low, max(low * 10, high)


def _bar(value: float, low: float, high: float) -> str:
    if not math.isfinite(value):
        return "no answer"
    share = (math.log(max(value, low)) - math.log(low)) / (math.log(high) - math.log(low))
    eighths = round(max(min(share, 1.0), 0.0) * _BAR * 8)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _ms(value: float) -> str:
    if not math.isfinite(value):
        return "-"
    return f"{value:.2f}" if value < 10 else f"{value:,.0f}"
