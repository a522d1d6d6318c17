"""Pictures of the report, as SVG text: lines, a histogram, and a scan.

Colours come from the page's style sheet through class names, so that they follow its light and
dark schemes. Every picture carries a sentence for those who do not see it.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

_WIDTH, _HEIGHT = 460, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 74, 12, 34
_LABEL_DISTANCE = 15


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart: its name, written at its end, its values, and its class."""

    name: str
    values: Sequence[float]
    style: str


@dataclass(frozen=True, slots=True)
class _Frame:
    """Maps values to the drawing: x from `x_low` to `x_high`, y likewise."""

    x_low: float
    x_high: float
    y_low: float
    y_high: float
    right: float = _RIGHT

    def x(self, value: float) -> float:
        share = (value - self.x_low) / ((self.x_high - self.x_low) or 1.0)
        return round(_LEFT + share * (_WIDTH - _LEFT - self.right), 1)

    def y(self, value: float) -> float:
        share = (value - self.y_low) / ((self.y_high - self.y_low) or 1.0)
        return round(_HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM), 1)


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers that cover `low` to `high`, near `about` of them."""
    span = (high - low) or abs(high) or 1.0
    raw = span / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(
        factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999
    )
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def line_chart(
    lines: Sequence[Line],
    *,
    says: str,
    x_name: str,
    y_format: Callable[[float], str],
    y_low: float | None = None,
    y_high: float | None = None,
) -> str:
    """A chart of values over 1, 2, 3, ...

    Args:
        lines: at least one, all of one length.
        says: what the chart shows, in a sentence.
        x_name: what is counted along the bottom.
        y_format: text of a value at the left.
        y_low: lowest value shown; the least of the lines if left out.
        y_high: likewise.
    """
    values = [value for line in lines for value in line.values]
    marks = ticks(
        min(values) if y_low is None else y_low, max(values) if y_high is None else y_high
    )
    count = len(lines[0].values)
    frame = _Frame(1, max(count, 2), marks[0], marks[-1])
    parts = [*_horizontals(frame, marks, y_format), *_counting(frame, count, x_name)]
    for line in lines:
        points = [(frame.x(i), frame.y(value)) for i, value in enumerate(line.values, 1)]
        if len(points) == 1:
            x, y = points[0]
            parts.append(f'<circle class="dot {line.style}" cx="{x}" cy="{y}" r="3"/>')
        path = " ".join(f"{x},{y}" for x, y in points)
        parts.append(f'<polyline class="line {line.style}" points="{path}"/>')
    ends = _apart([frame.y(line.values[-1]) for line in lines])
    parts += [
        _text(frame.x(count) + 7, y + 4, line.name, f"name {line.style}", "start")
        for line, y in zip(lines, ends, strict=True)
    ]
    return _svg(says, parts)


def histogram(
    values: NDArray[np.float64], marks: Sequence[tuple[str, float]], *, says: str, x_name: str
) -> str:
    """How often values occur; the few beyond the last mark are gathered in the last bar.

    Args:
        values: [n] at least one.
        marks: named values, each shown as an upright line, in ascending order.
        says: what the picture shows, in a sentence.
        x_name: what the values are, with their unit.
    """
    low = float(values.min())
    high = max(float(marks[-1][1]) * 1.15, low + 1e-9)
    counts, edges = np.histogram(np.minimum(values, high), bins=32, range=(low, high))
    # A little air above the highest bar, where the names of the marks stand.
    frame = _Frame(low, high, 0, float(counts.max()) * 1.1, right=14)
    parts = []
    for count, (left, right) in zip(counts, itertools.pairwise(edges), strict=True):
        x, y = frame.x(left), frame.y(count)
        size = f'width="{max(frame.x(right) - x - 1, 0.5):.1f}" height="{frame.y(0) - y:.1f}"'
        parts.append(f'<rect class="bar" x="{x}" y="{y}" {size}/>')
    parts.append(f'<path class="axis" d="M{_LEFT} {frame.y(0)}H{_WIDTH - 14}"/>')
    parts += [
        _text(frame.x(value), _HEIGHT - _BOTTOM + 16, f"{value:g}", "tick", "middle")
        for value in ticks(low, high)
        if low <= value <= high
    ]
    for name, value in marks:
        x = frame.x(value)
        parts.append(f'<path class="mark" d="M{x} {_TOP + 10}V{frame.y(0)}"/>')
        parts.append(_text(x, _TOP + 4, name, "name", "middle"))
    parts.append(_text(_LEFT, _HEIGHT - 2, x_name, "tick", "start"))
    return _svg(says, parts)


def scan(image: NDArray[np.uint8], says: str) -> str:
    """One scan, dark ink on light paper in both colour schemes.

    Args:
        image: [h, w] or [h, w, 1] of 0 to 16.
        says: what is seen, in a phrase.
    """
    pixels = image.reshape(image.shape[0], image.shape[1])
    height, width = pixels.shape
    parts = [f'<rect class="paper" width="{width}" height="{height}"/>']
    for level in range(1, 17):
        squares = "".join(f"M{x} {y}h1v1h-1z" for y, x in np.argwhere(pixels == level))
        if squares:
            parts.append(f'<path class="ink" fill-opacity="{level / 16:g}" d="{squares}"/>')
    return (
        f'<svg class="scan" viewBox="0 0 {width} {height}" shape-rendering="crispEdges" '
        f'role="img" aria-label="{escape(says)}">{"".join(parts)}</svg>'
    )


def _svg(says: str, parts: Sequence[str]) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(says)}">{"".join(parts)}</svg>'
    )


def _text(x: float, y: float, content: str, style: str, anchor: str) -> str:
    place = f'x="{round(x, 1)}" y="{round(y, 1)}" text-anchor="{anchor}"'
    return f'<text class="{style}" {place}>{escape(content)}</text>'


def _horizontals(
    frame: _Frame, marks: Sequence[float], y_format: Callable[[float], str]
) -> list[str]:
    return [
        f'<path class="grid" d="M{_LEFT} {frame.y(mark)}H{_WIDTH - frame.right}"/>'
        + _text(_LEFT - 8, frame.y(mark) + 4, y_format(mark), "tick", "end")
        for mark in marks
    ]


def _counting(frame: _Frame, count: int, name: str) -> list[str]:
    every = math.ceil(count / 12)
    shown = [i for i in range(1, count + 1) if i == 1 or i % every == 0]
    return [
        *(_text(frame.x(i), _HEIGHT - _BOTTOM + 16, str(i), "tick", "middle") for i in shown),
        _text(_LEFT, _HEIGHT - 2, name, "tick", "start"),
    ]


def _apart(heights: Sequence[float]) -> list[float]:
    """Move labels that would overlap away from each other, keeping their order."""
    order = sorted(range(len(heights)), key=heights.__getitem__)
    placed = list(heights)
    for above, below in itertools.pairwise(order):
        lack = _LABEL_DISTANCE - (placed[below] - placed[above])
        if lack > 0:
            placed[above] -= lack / 2
            placed[below] += lack / 2
    return placed
