"""How keys that a table does not know are put into buckets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from penstock.api.lookup.static import StaticVocabularyTable
from penstock.runtime.dispatch import call


class HasherSpec(NamedTuple):
    """Name of a hash function, and its key of two numbers if it has one."""

    hasher: str
    key: Sequence[int] | None


FastHashSpec: Final = HasherSpec("fasthash", None)


class IdTableWithHashBuckets(StaticVocabularyTable):
    """A table of ids whose buckets are chosen by a given hash function.

    Args:
        initializer: what it is filled with, ids as int64.
        num_oov_buckets: number of buckets, at least 1.
        hasher_spec: the hash function.

    Raises:
        TypeError: there is no such hash function.
    """

    def __init__(
        self, initializer: Any, num_oov_buckets: int, hasher_spec: HasherSpec = FastHashSpec
    ) -> None:
        if not isinstance(hasher_spec, HasherSpec):
            raise TypeError(f"`hasher_spec` must be of type HasherSpec, got {hasher_spec}.")
        if hasher_spec.hasher not in ("fasthash", "stronghash"):
            raise TypeError(f"Unknown hasher {hasher_spec.hasher!r}.")
        self._hasher_spec = hasher_spec
        super().__init__(initializer, num_oov_buckets)

    def _buckets(self, texts: Any) -> Any:
        if self._hasher_spec.key is None:
            return super()._buckets(texts)
        return call(
            "StringToHashBucketStrong",
            texts,
            num_buckets=self._num_oov_buckets,
            key=tuple(self._hasher_spec.key),
        )
