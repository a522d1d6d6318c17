"""TFRecord files: how many records there are, and what is in those that are Examples."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from penstock.cli.inspect.report import Report, Table, shortened, size_text
from penstock.core.errors import DataLossError
from penstock.wire import protos
from penstock.wire.records import RecordReader

_SAMPLED = 1000  # records whose features are looked at


@dataclass
class _Feature:
    kinds: Counter[str] = field(default_factory=Counter)
    lengths: list[int] = field(default_factory=list)
    sample: str = ""


def inspect_records(path: Path, compression: str) -> Report:
    """Describe a TFRecord file; one that is damaged is described up to the damage."""
    report = Report("TFRecord file", {"compression": compression or None})
    sizes: list[int] = []
    features: dict[str, _Feature] = {}
    examples = 0
    with RecordReader(path, compression) as reader:
        try:
            for record in reader:
                sizes.append(len(record))
                if len(sizes) <= _SAMPLED and _take(record, features):
                    examples += 1
        except DataLossError as error:
            report.warnings.append(f"{error.message}; the records before it are whole")
    report.record |= {
        "records": len(sizes),
        "bytes": sum(sizes),
        "features": {name: _record(each) for name, each in sorted(features.items())},
    }
    report.facts.append(("compression", compression or "none"))
    report.facts.append(("records", _sizes(sizes)))
    looked = min(len(sizes), _SAMPLED)
    if examples:
        report.facts.append(("examples", f"{examples:,} of the first {looked:,} records"))
    rows = [
        (name, "/".join(each.kinds), _presence(each, examples), _lengths(each), each.sample)
        for name, each in sorted(features.items())
    ]
    columns = ("name", "kind", "present", "values", "first")
    report.tables.append(Table("features", columns, rows))
    return report


def _sizes(sizes: list[int]) -> str:
    if not sizes:
        return "0"
    return (
        f"{len(sizes):,} of {size_text(min(sizes))} to {size_text(max(sizes))}, "
        f"{size_text(sum(sizes))} in all"
    )


def _take(record: bytes, features: dict[str, _Feature]) -> bool:
    """Note the features of a record; returns whether it is an Example."""
    try:
        example = protos.parse(protos.Example, record)
    except DataLossError:
        return False
    # Many bytes parse as an empty message with unknown fields.
    if not example.features.feature:
        return False
    for name, feature in example.features.feature.items():
        found = features.setdefault(name, _Feature())
        kind = feature.WhichOneof("kind") or "empty"
        found.kinds[kind.removesuffix("_list")] += 1
        values = list(getattr(feature, kind).value) if kind != "empty" else []
        found.lengths.append(len(values))
        if not found.sample and values:
            found.sample = _sample(values)
    return True


def _sample(values: list[Any]) -> str:
    first = values[0]
    if isinstance(first, bytes):
        text = first[:40].decode("utf-8", "backslashreplace")
        return shortened(repr(text), 32)
    shown = ", ".join(f"{value:.4g}" for value in values[:3])
    return shown + (", ..." if len(values) > 3 else "")


def _presence(feature: _Feature, examples: int) -> str:
    count = len(feature.lengths)
    return "always" if count == examples else f"{count / examples:.0%}"


def _lengths(feature: _Feature) -> str:
    low, high = min(feature.lengths), max(feature.lengths)
    return str(low) if low == high else f"{low} to {high}"


def _record(feature: _Feature) -> dict[str, Any]:
    return {
        "kinds": sorted(feature.kinds),
        "present": len(feature.lengths),
        "values": [min(feature.lengths), max(feature.lengths)],
    }
