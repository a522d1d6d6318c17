"""Marker classes of values that are made of several tensors, and of their specs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from penstock.core.errors import UnimplementedError


class CompositeTensor(ABC):
    """A value made of tensors, such as a ragged or sparse tensor.

    Nests see it as one leaf unless they are asked to expand composites.

    Source: `tf.__internal__.CompositeTensor`.
    """

    @property
    @abstractmethod
    def _type_spec(self) -> Any:
        """The `TypeSpec` that takes this value apart and builds it again."""

    def _shape_invariant_to_type_spec(self, shape: Any) -> Any:
        """Return the spec of this value as a loop variable whose shape may vary as `shape`."""
        raise UnimplementedError(
            f"{type(self).__name__} must define _shape_invariant_to_type_spec to be a loop "
            f"variable with a shape invariant, got {shape}"
        )

    def _consumers(self) -> list[Any]:
        """Return the ops of a graph that read a component of this value."""
        spec = self._type_spec
        found: list[Any] = []
        for component in spec._to_tensor_list(self):  # noqa: SLF001  (a spec's protocol)
            found += [op for op in component.consumers() if op not in found]
        return found


class SpecMarker:
    """Base of `TypeSpec`, which nests must recognise without importing it.

    `_is_leaf_in_nests` is true for the specs that describe a single tensor.
    """

    __slots__ = ()

    _is_leaf_in_nests = False
