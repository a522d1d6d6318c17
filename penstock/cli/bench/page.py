"""The result as one HTML page that needs nothing else: charts as inline SVG, and numbers."""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources

from penstock.cli.bench.load import Outcome
from penstock.cli.bench.measurement import Measurement, Setting
from penstock.cli.bench.ramp import Ramp

_WIDTH, _HEIGHT = 720, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 64, 18, 44
_PERCENTILES = (50, 95, 99)
_LABEL_DISTANCE = 15


def render(measurement: Measurement) -> str:
    """The page of one run."""
    sections = "".join(
        _section(setting, ramp, measurement) for setting, ramp in measurement.ramps.items()
    )
    goal = measurement.goal
    style = resources.files("penstock.cli.bench").joinpath("page.css").read_text("utf-8")
    name = escape(measurement.model)
    told = (
        f"{measurement.url} · goal: p99 of at most {goal.p99_ms:g} ms, errors at most "
        f"{goal.error_share:.1%} · open loop: latency counts from the moment when a request "
        "was meant to leave"
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Load on {name}</title><style>{style}</style></head>"
        f'<body><h1>Load on “{name}”</h1><p class="soft">{escape(told)}</p>'
        f'<p class="best"><b>Best.</b> {escape(measurement.reason())}</p>'
        f"{sections}</body></html>"
    )


def _section(setting: Setting, ramp: Ramp, measurement: Measurement) -> str:
    outcomes = sorted(ramp.outcomes, key=lambda outcome: outcome.rate)
    limit = f'<p class="soft">Limit: {escape(ramp.limit)}.</p>' if ramp.limit else ""
    return (
        f"<h2>{escape(str(setting))}</h2>{_chart(setting, outcomes, ramp, measurement)}{limit}"
        f'<div class="scroll">{_table(outcomes, ramp, measurement)}</div>'
    )


def _table(outcomes: Sequence[Outcome], ramp: Ramp, measurement: Measurement) -> str:
    names = (
        *("requests/s", "answered/s", "p50 ms", "p95 ms", "p99 ms", "p99.9 ms", "worst ms"),
        *("errors", "generator late, p99 ms"),
    )
    rows = []
    for outcome in outcomes:
        is_bad = measurement.goal.broken_by(outcome) is not None
        kind = "good" if outcome is ramp.best else ("bad" if is_bad else "")
        errors = ", ".join(f"{count:,} {name}" for name, count in outcome.errors.items())
        cells = (
            f"{outcome.rate:,.0f}",
            f"{outcome.achieved:,.0f}",
            *(_ms(outcome.latency_ms(p)) for p in (50, 95, 99, 99.9, 100)),
            errors,
            _ms(outcome.lateness_ms(99)),
        )
        rows.append(f'<tr class="{kind}">' + "".join(f"<td>{escape(c)}</td>" for c in cells))
    head = "".join(f"<th>{name}</th>" for name in names)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


@dataclass(frozen=True, slots=True)
class _Axis:
    """A logarithmic axis: values from `low` to `high` onto pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self) -> list[float]:
        """Round values on the axis: 1, 2 and 5 of each power, or fewer where there are many."""
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        factors = (1, 2, 5) if len(powers) <= 3 else (1,)
        found = [f * 10.0**power for power in powers for f in factors]
        return [value for value in found if self.low <= value <= self.high]


def _chart(
    setting: Setting, outcomes: Sequence[Outcome], ramp: Ramp, measurement: Measurement
) -> str:
    answered = [o for o in outcomes if math.isfinite(o.latency_ms(99))]
    if not answered:
        return '<p class="soft">Nothing was answered.</p>'
    goal_ms = measurement.goal.p99_ms
    values = [o.latency_ms(p) for o in answered for p in _PERCENTILES] + [goal_ms]
    rates = [o.rate for o in answered]
    x = _Axis(min(rates) / 1.1, max(rates) * 1.1, _LEFT, _WIDTH - _RIGHT)
    y = _Axis(min(values) / 1.5, max(values) * 1.3, _HEIGHT - _BOTTOM, _TOP)
    parts = _grid(x, y)
    parts.append(f'<path class="goal" d="M{_LEFT} {y(goal_ms)}H{_WIDTH - _RIGHT}"/>')
    parts.append(_text(_LEFT + 4, y(goal_ms) - 5, f"goal {goal_ms:g} ms", "", "start"))
    if ramp.best is not None:
        at = x(ramp.best.rate)
        parts.append(f'<path class="chosen" d="M{at} {_TOP}V{_HEIGHT - _BOTTOM}"/>')
        parts.append(_text(at, _TOP - 5, f"best: {ramp.best.rate:,.0f}/s", "chosen", "middle"))
    parts += _lines(answered, x, y)
    says = f"Latency over requests per second for {setting}: p50, p95 and p99."
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(says)}">'
        f"{''.join(parts)}</svg>"
    )


def _grid(x: _Axis, y: _Axis) -> list[str]:
    parts = []
    for value in y.ticks():
        parts.append(f'<path class="grid" d="M{_LEFT} {y(value)}H{_WIDTH - _RIGHT}"/>')
        parts.append(_text(_LEFT - 8, y(value) + 4, f"{value:g} ms", "", "end"))
    parts += [
        _text(x(value), _HEIGHT - _BOTTOM + 18, f"{value:,.0f}", "", "middle")
        for value in x.ticks()
    ]
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(_text(middle, _HEIGHT - 6, "requests per second", "", "middle"))
    return parts


def _lines(
    outcomes: Sequence[Outcome], x: Callable[[float], float], y: Callable[[float], float]
) -> list[str]:
    parts, ends = [], []
    for percent in _PERCENTILES:
        style = f"p{percent}"
        points = [(x(o.rate), y(o.latency_ms(percent)), o) for o in outcomes]
        path = " ".join(f"{px},{py}" for px, py, _ in points)
        parts.append(f'<polyline class="line {style}" points="{path}"/>')
        parts += [
            f'<circle class="{style}" cx="{px}" cy="{py}" r="3.5"><title>{o.rate:,.0f}/s: '
            f"p{percent} {_ms(o.latency_ms(percent))} ms</title></circle>"
            for px, py, o in points
        ]
        ends.append((points[-1][1], style, points[-1][0]))
    ends.sort()
    heights = [height for height, _, _ in ends]
    for above, below in itertools.pairwise(range(len(heights))):
        heights[below] = max(heights[below], heights[above] + _LABEL_DISTANCE)
    parts += [
        _text(end + 9, height + 4, style, style, "start")
        for height, (_, style, end) in zip(heights, ends, strict=True)
    ]
    return parts


def _text(x: float, y: float, content: str, style: str, anchor: str) -> str:
    return (
        f'<text class="{style}" x="{round(x, 1)}" y="{round(y, 1)}" text-anchor="{anchor}">'
        f"{escape(content)}</text>"
    )


def _ms(value: float) -> str:
    if not math.isfinite(value):
        return "-"
    return f"{value:.2f}" if value < 10 else f"{value:,.0f}"
