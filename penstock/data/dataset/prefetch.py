"""`prefetch`: elements made ahead of time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.data.dataset.base import DatasetV2, method, scalar
from penstock.data.run import AUTOTUNE, Run
from penstock.data.workers import Prefetched
from penstock.ops.dataset import Element

# One element in use, one ready, one in the making.
_AUTOMATIC = 2


class _PrefetchDataset(DatasetV2):
    def _check(self) -> None:
        if self._operands[0] < AUTOTUNE:
            raise InvalidArgumentError(
                "buffer_size must be >= 0 or set buffer_size to be -1 for auto-tuning"
            )

    def _start(self, run: Run) -> Iterator[Element]:
        (size,) = self._operands
        elements = self._parents[0]._start(run)
        if size == 0:
            return elements
        return Prefetched(elements, _AUTOMATIC if size == AUTOTUNE else size)

    def _count(self) -> int:
        return self._parents[0]._count()


@method
def prefetch(self: DatasetV2, buffer_size: Any, name: str | None = None) -> DatasetV2:
    """Return a dataset whose elements are made while earlier ones are in use.

    A thread does that, once elements turn out to take long enough to pay for it.

    Args:
        buffer_size: how many elements may be ready, or `AUTOTUNE`; 0 turns it off.
        name: accepted for compatibility.

    Raises:
        InvalidArgumentError: the size is negative.
    """
    return _PrefetchDataset((self,), (scalar(buffer_size, dtypes.int64, "buffer_size"),))
