"""`from_list` and `at`: elements of a list, and elements by number."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from penstock.api.data_structure import (
    Structure,
    common,
    normalize,
    spec_of,
    tensors_of,
    value_of,
)
from penstock.core.errors import OutOfRangeError
from penstock.data.dataset.base import DatasetV2
from penstock.data.dataset.tensors import Source
from penstock.data.run import Run
from penstock.ops.dataset import Element


class _ListDataset(Source):
    def __init__(self, structure: Structure, elements: list[Element]) -> None:
        self._elements = elements
        super().__init__(structure)

    def _start(self, run: Run) -> Iterator[Element]:
        return iter(self._elements)

    def _count(self) -> int:
        return len(self._elements)


def from_list(elements: list[Any], name: str | None = None) -> DatasetV2:
    """Return a dataset of the elements of a list, which are structures of one kind.

    Args:
        elements: at least one element.
        name: accepted for compatibility.

    Raises:
        ValueError: the list is empty.
        TypeError: it is no list, or elements differ in structure.
    """
    if not isinstance(elements, list):
        raise TypeError("`elements` must be a list.")
    if not elements:
        raise ValueError("Invalid `elements`. `elements` should not be empty.")
    normal = [normalize(element) for element in elements]
    spec = spec_of(normal[0])
    for element in normal[1:]:
        spec = common(spec, spec_of(element))
    structure = Structure(spec)
    values = [
        tuple([value_of(tensor) for tensor in tensors_of(element, structure)])
        for element in normal
    ]
    return _ListDataset(structure, values)


def at(dataset: DatasetV2, index: Any) -> Any:
    """Return the element numbered `index`.

    Raises:
        OutOfRangeError: there is none.
    """
    number = int(index)
    element = None
    if number >= 0:
        element = next(itertools.islice(dataset._element_source(), number, None), None)
    if element is None:
        raise OutOfRangeError(f"no element of {dataset!r} has the number {number}")
    return dataset._structure.wrap(element)
