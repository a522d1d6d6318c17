"""A mapping that cannot be changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class ImmutableDict(Mapping[Any, Any]):
    """A mapping whose entries stay what they are; extension types keep their mappings so.

    Args:
        args: as for `dict`.
        kwargs: as for `dict`.
    """

    __slots__ = ("_entries",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._entries: dict[Any, Any] = dict(*args, **kwargs)

    def __getitem__(self, key: Any) -> Any:
        return self._entries[key]

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def __iter__(self) -> Iterator[Any]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"ImmutableDict({self._entries})"
