"""Tables of named tensors, as checkpoints, archives and models have them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from penstock.cli.inspect.report import Report, Table, shape_text, size_text


@dataclass(frozen=True)
class Tensor:
    """Name, dtype, shape and size of a tensor; `note` is what else there is to say."""

    name: str
    dtype: str
    shape: Sequence[int]
    itemsize: int
    note: str = ""

    @property
    def count(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def size(self) -> int:
        """Bytes; 0 where they are not fixed."""
        return self.count * self.itemsize

    def record(self) -> dict[str, Any]:
        """For programs."""
        return {
            "name": self.name,
            "dtype": self.dtype,
            "shape": list(self.shape),
            "bytes": self.size,
        } | ({"note": self.note} if self.note else {})


def add_tensors(report: Report, tensors: Iterable[Tensor], title: str) -> None:
    """Put a table of tensors and their sums into a report."""
    found = list(tensors)
    report.record[title] = [tensor.record() for tensor in found]
    report.record["elements"] = sum(tensor.count for tensor in found)
    size = size_text(sum(tensor.size for tensor in found))
    text = f"{len(found):,} with {report.record['elements']:,} elements, {size}"
    report.facts.append((title, text))
    rows = [
        (
            tensor.name,
            tensor.dtype,
            shape_text(tensor.shape),
            size_text(tensor.size) if tensor.itemsize else "",
            tensor.note,
        )
        for tensor in found
    ]
    report.tables.append(Table(title, ("name", "dtype", "shape", "size", ""), rows))
