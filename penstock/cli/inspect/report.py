"""What was found in a file: for people as text, for programs as one JSON object."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO

_UNITS = ("B", "kB", "MB", "GB", "TB")


@dataclass
class Table:
    """Rows of text below a title."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


@dataclass
class Report:
    """What was found.

    Args:
        kind: what the file is.
        record: everything, for programs.
        facts: name and text of what is said in one line each.
        tables: what takes several lines.
        warnings: what a user should know before trusting or loading the file.
    """

    kind: str
    record: dict[str, Any]
    facts: list[tuple[str, str]] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def as_json(self, path: str) -> str:
        """One JSON object."""
        whole = {"path": path, "kind": self.kind, **self.record, "warnings": self.warnings}
        return json.dumps(whole)

    def write(self, path: str, out: TextIO, limit: int | None) -> None:
        """Print for people, with at most `limit` rows of each table."""
        facts = [("path", path), ("kind", self.kind), *self.facts]
        width = max(len(name) for name, _ in facts)
        for name, text in facts:
            print(f"{name:<{width}}  {printable(text)}", file=out)
        for table in self.tables:
            if table.rows:
                _write_table(table, out, limit)
        for warning in self.warnings:
            print(f"\nwarning: {printable(warning)}", file=out)


def _write_table(table: Table, out: TextIO, limit: int | None) -> None:
    print(f"\n{table.title} ({len(table.rows):,})", file=out)
    shown = table.rows if limit is None else table.rows[:limit]
    cells = [table.columns, *(tuple(map(printable, row)) for row in shown)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(table.columns))]
    for row in cells:
        line = "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))
        print(f"  {line.rstrip()}", file=out)
    hidden = len(table.rows) - len(shown)
    if hidden:
        print(f"  ... and {hidden:,} more; --limit 0 shows all", file=out)


def printable(text: str) -> str:
    """Text of a file as a terminal may see it: without commands to it, or halves of letters."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def size_text(size: float) -> str:
    """A number of bytes with a unit."""
    power = 0
    while size >= 1000 and power < len(_UNITS) - 1:
        size, power = size / 1000, power + 1
    return f"{size:.0f} B" if power == 0 else f"{size:.3g} {_UNITS[power]}"


def shape_text(shape: Sequence[int | None] | None) -> str:
    """A shape as `[2, ?]`; `?` alone when not even the rank is known."""
    if shape is None:
        return "?"
    sizes = ("?" if size in (None, -1) else str(size) for size in shape)
    return f"[{', '.join(sizes)}]"


def shortened(text: str, width: int = 60) -> str:
    """Text on one line, of at most `width` characters."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 3] + "..."
