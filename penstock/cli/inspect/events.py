"""Event files: the summaries in them, by tag."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock.cli.inspect.report import Report, Table
from penstock.core.errors import DataLossError, OpError
from penstock.wire.events import read_events
from penstock.wire.tensors import make_ndarray


@dataclass
class _Tag:
    plugin: str
    count: int
    first: int
    last: int
    value: float | None = None


def inspect_events(path: Path) -> Report:
    """Describe an event file; one that is damaged is described up to the damage."""
    report = Report("event file", {})
    tags: dict[str, _Tag] = {}
    kinds: dict[str, int] = {}
    times: list[float] = []
    writer = ""
    try:
        for event in read_events(path, is_growing=True):
            times = [min([event.wall_time, *times]), max([event.wall_time, *times])]
            kind = event.WhichOneof("what") or "nothing"
            kinds[kind] = kinds.get(kind, 0) + 1
            writer = writer or event.source_metadata.writer
            for value in event.summary.value:
                _take(tags, event.step, value)
    except DataLossError as error:
        report.warnings.append(f"{error.message}; the events before it are whole")
    report.record |= {
        "writer": writer,
        "events": kinds,
        "wall_time": times,
        "tags": {
            name: {
                "plugin": tag.plugin,
                "count": tag.count,
                "steps": [tag.first, tag.last],
                "last_value": tag.value,
            }
            for name, tag in sorted(tags.items())
        },
    }
    counted = ", ".join(f"{count:,} {kind}" for kind, count in kinds.items())
    report.facts += [("written by", writer or "unknown"), ("events", counted or "none")]
    if times:
        start, end = (dt.datetime.fromtimestamp(time, dt.UTC) for time in times)
        report.facts.append(("time", f"{start:%Y-%m-%d %H:%M:%S} UTC, for {end - start}"))
    rows = [
        (name, tag.plugin, str(tag.count), _steps(tag), _value(tag))
        for name, tag in sorted(tags.items())
    ]
    columns = ("tag", "plugin", "values", "steps", "last value")
    report.tables.append(Table("tags", columns, rows))
    return report


def _take(tags: dict[str, _Tag], step: int, value: Any) -> None:
    plugin = value.metadata.plugin_data.plugin_name or value.WhichOneof("value") or ""
    tag = tags.setdefault(value.tag, _Tag(plugin, 0, step, step))
    tag.plugin = tag.plugin or plugin
    tag.count += 1
    tag.first, tag.last = min(tag.first, step), max(tag.last, step)
    tag.value = _number(value)


def _number(value: Any) -> float | None:
    if value.WhichOneof("value") == "simple_value":
        return float(value.simple_value)
    if value.WhichOneof("value") != "tensor" or value.tensor.tensor_shape.dim:
        return None
    try:
        array = make_ndarray(value.tensor)
    except OpError:
        return None
    return float(array) if array.dtype.kind in "fiu" else None


def _steps(tag: _Tag) -> str:
    return str(tag.first) if tag.first == tag.last else f"{tag.first} to {tag.last}"


def _value(tag: _Tag) -> str:
    return "" if tag.value is None else f"{tag.value:.6g}"
