"""`unique` and `ignore_errors`: elements left out."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError, OpError
from penstock.data.dataset.base import DatasetV2, method
from penstock.data.run import Run
from penstock.ops.dataset import Element

_logger = logging.getLogger("penstock")


class _Unique(Iterator[Element]):
    """Elements that did not come before."""

    def __init__(self, elements: Iterator[Element]) -> None:
        self._elements = elements
        self._seen: set[Any] = set()

    def __next__(self) -> Element:
        while True:
            element = next(self._elements)
            array = np.asarray(element[0])
            contents = tuple(array.ravel().tolist())
            key = (array.shape, contents)
            if key not in self._seen:
                self._seen.add(key)
                return element


class _UniqueDataset(DatasetV2):
    def _check(self) -> None:
        if len(self._parents[0]._structure.tensor_specs) != 1:
            raise InvalidArgumentError(
                "UniqueDataset only supports inputs with a single component."
            )

    def _start(self, run: Run) -> Iterator[Element]:
        return _Unique(self._parents[0]._start(run))


@method
def unique(self: DatasetV2, name: str | None = None) -> DatasetV2:
    """Return a dataset without the elements that came before.

    Raises:
        TypeError: elements are no int32, int64 or strings.
    """
    allowed = (dtypes.int32, dtypes.int64, dtypes.string)
    for spec in self._structure.tensor_specs:
        if spec.dtype not in allowed:
            raise TypeError(
                f"`tf.data.Dataset.unique` does not support type {spec.dtype} -- only "
                "`tf.int32`, `tf.int64`, and `tf.string` are supported."
            )
    return _UniqueDataset((self,))


class _WithoutErrors(Iterator[Element]):
    """Elements; those whose making fails are left out."""

    def __init__(self, elements: Iterator[Element], *, log_warning: bool) -> None:
        self._elements = elements
        self._log_warning = log_warning

    def __next__(self) -> Element:
        while True:
            try:
                return next(self._elements)
            except OpError as error:
                if self._log_warning:
                    _logger.warning("an element is left out: %s", error)


class _IgnoreErrorsDataset(DatasetV2):
    def __init__(self, parent: DatasetV2, *, log_warning: bool) -> None:
        self._log_warning = log_warning
        super().__init__((parent,))

    def _start(self, run: Run) -> Iterator[Element]:
        return _WithoutErrors(self._parents[0]._start(run), log_warning=self._log_warning)


@method
def ignore_errors(
    self: DatasetV2, log_warning: bool = False, name: str | None = None
) -> DatasetV2:
    """Return a dataset without the elements whose making raises an error.

    Args:
        log_warning: whether each error is logged.
        name: accepted for compatibility.
    """
    return _IgnoreErrorsDataset(self, log_warning=log_warning)
