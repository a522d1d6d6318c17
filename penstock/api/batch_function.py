"""`tf.nondifferentiable_batch_function`: calls from several threads are run together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from penstock.api.script_ops import numpy_function
from penstock.core import nest
from penstock.core.errors import FailedPreconditionError, InvalidArgumentError, UnavailableError
from penstock.core.type_spec import TensorSpec
from penstock.function.polymorphic import function
from penstock.runtime.context import init_scope
from penstock.runtime.tensor import Tensor

__all__ = ["nondifferentiable_batch_function"]


class _Piece:
    """Rows that one call brings to a batch, and what comes of them."""

    def __init__(self, rows: list[np.ndarray[Any, Any]]) -> None:
        self.rows = rows
        self.size = len(rows[0])
        self.done = threading.Event()
        self.results: list[np.ndarray[Any, Any]] = []
        self.error: Exception | None = None


class _Batch:
    """Pieces that are run together."""

    def __init__(self) -> None:
        self.pieces: list[_Piece] = []
        self.full = threading.Event()

    @property
    def size(self) -> int:
        return sum(piece.size for piece in self.pieces)


class _Batcher:
    """Gathers the rows of calls into batches for one traced function."""

    def __init__(self, run: Callable[..., list[Any]], options: _Options) -> None:
        self._run = run
        self._options = options
        self._lock = threading.Lock()
        self._open: _Batch | None = None
        self._waiting = 0
        self._threads = threading.Semaphore(options.threads)

    def __call__(self, *arrays: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
        options = self._options
        if any(array.ndim == 0 for array in arrays):
            raise InvalidArgumentError(
                "Batching input tensors must have at least one dimension"
            )
        sizes = {len(array) for array in arrays}
        if len(sizes) > 1:
            raise InvalidArgumentError(
                "Batching input tensors supplied in a given op invocation must have equal "
                "0th-dimension size"
            )
        (size,) = sizes
        if size > options.largest:
            raise InvalidArgumentError(
                f"Task size {size} is larger than maximum input batch size {options.largest}"
            )
        pieces = self._enqueued(list(arrays), size)
        for piece in pieces:
            piece.done.wait()
        for piece in pieces:
            if piece.error is not None:
                raise piece.error
        if len(pieces) == 1:
            return pieces[0].results
        return [np.concatenate(each) for each in zip(*(p.results for p in pieces), strict=True)]

    def _enqueued(self, arrays: list[np.ndarray[Any, Any]], size: int) -> list[_Piece]:
        limit = self._options.limit
        with self._lock:
            taken = self._open.size if self._open is not None else 0
            cuts = [0, size]
            if self._options.splits:
                first = min(limit - taken or limit, size)
                cuts = [0, *range(first, size, limit), size]
            pieces = [
                _Piece([array[start:stop] for array in arrays])
                for start, stop in pairwise(cuts)
            ]
            fits = self._open is not None and taken + pieces[0].size <= limit
            if self._waiting + len(pieces) - fits > self._options.queue:
                raise UnavailableError(
                    "The batch scheduling queue to which this task was submitted is full"
                )
            for piece in pieces:
                self._add(piece)
        return pieces

    def _add(self, piece: _Piece) -> None:
        limit = self._options.limit
        batch = self._open
        if batch is not None and batch.size + piece.size > limit:
            batch.full.set()
            batch = None
        if batch is None:
            batch = self._open = _Batch()
            self._waiting += 1
            threading.Thread(target=self._process, args=(batch,), daemon=True).start()
        batch.pieces.append(piece)
        if batch.size == limit:
            batch.full.set()
            self._open = None

    def _process(self, batch: _Batch) -> None:
        batch.full.wait(self._options.seconds)
        with self._threads:
            with self._lock:
                if self._open is batch:
                    self._open = None
                self._waiting -= 1
            try:
                self._compute(batch)
            except Exception as error:  # noqa: BLE001  (the callers raise it)
                for piece in batch.pieces:
                    piece.error = error
            for piece in batch.pieces:
                piece.done.set()

    def _compute(self, batch: _Batch) -> None:
        size = batch.size
        wanted = next((each for each in self._options.allowed if each >= size), size)
        columns = []
        for rows in zip(*(piece.rows for piece in batch.pieces), strict=True):
            joined = np.concatenate(rows)
            if 0 < size < wanted:  # As in TensorFlow, the first row fills a batch up.
                joined = np.concatenate([joined, np.repeat(joined[:1], wanted - size, 0)])
            columns.append(joined)
        length = len(columns[0])
        results = self._run(*columns)
        if any(result.ndim == 0 or len(result) != length for result in results):
            raise FailedPreconditionError(
                "Batched output tensor's 0th dimension does not equal the sum of the 0th "
                "dimension sizes of the input tensors"
            )
        start = 0
        for piece in batch.pieces:
            piece.results = [result[start : start + piece.size] for result in results]
            start += piece.size


class _Options:
    """How batches are made up."""

    def __init__(
        self,
        threads: int,
        largest: int,
        micros: int,
        allowed: Sequence[int] | None,
        queue: int,
        splits: bool,
    ) -> None:
        self.threads = max(int(threads), 1)
        self.largest = int(largest)
        self.seconds = micros / 1e6
        self.allowed = list(allowed or ())
        self.queue = queue
        self.splits = splits
        if any(a >= b for a, b in pairwise(self.allowed)):
            raise InvalidArgumentError(
                "allowed_batch_sizes entries must be monotonically increasing"
            )
        self.limit = self.allowed[-1] if self.allowed else self.largest
        if self.limit > self.largest:
            raise InvalidArgumentError(
                "the last entry of allowed_batch_sizes must be at most max_batch_size, not "
                f"{self.limit} > {self.largest}"
            )
        if not splits and self.limit != self.largest:
            raise InvalidArgumentError(
                "final entry in allowed_batch_sizes must equal max_batch_size when "
                "enable_large_batch_splitting is False"
            )


def nondifferentiable_batch_function(
    num_batch_threads: int,
    max_batch_size: int,
    batch_timeout_micros: int,
    allowed_batch_sizes: Sequence[int] | None = None,
    max_enqueued_batches: int = 10,
    autograph: bool = True,
    enable_large_batch_splitting: bool = True,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator of functions whose calls from several threads are run together.

    The arguments of the calls are joined along their first axis, and each call gets its rows
    of the results. There are no gradients.

    Args:
        num_batch_threads: number of batches that run at once.
        max_batch_size: most rows of a batch.
        batch_timeout_micros: how long a batch waits for more rows.
        allowed_batch_sizes: increasing numbers of rows to which batches are filled up.
        max_enqueued_batches: number of batches that may wait; beyond it calls raise
            UnavailableError.
        autograph: whether Python control flow is converted.
        enable_large_batch_splitting: whether the rows of one call may be run in several
            batches.

    Raises:
        InvalidArgumentError: the allowed sizes do not increase, or go beyond the largest.

    Example:
        >>> @tf.nondifferentiable_batch_function(1, 4, 1000)
        ... def double(x):
        ...     return x * 2
        >>> double(tf.constant([1, 2])).numpy().tolist()
        [2, 4]

    Source: `tf.nondifferentiable_batch_function`.
    """
    options = _Options(
        num_batch_threads,
        max_batch_size,
        batch_timeout_micros,
        allowed_batch_sizes,
        max_enqueued_batches,
        enable_large_batch_splitting,
    )

    def decorator(fn: Callable[..., Any]) -> Callable[..., Any]:
        traced = function(fn, autograph=autograph)
        batchers: dict[Any, tuple[Any, _Batcher]] = {}
        lock = threading.Lock()

        def found(args: Sequence[Tensor]) -> tuple[Any, _Batcher]:
            specs = tuple(
                TensorSpec(
                    x.shape if x.shape.rank in (None, 0) else [None, *x.shape[1:]], x.dtype
                )
                for x in args
            )
            with lock:
                if specs not in batchers:
                    with init_scope():
                        concrete = traced.get_concrete_function(*specs)

                    def run(*columns: Any) -> list[Any]:
                        results = nest.flatten(concrete(*columns), expand_composites=True)
                        return [result.numpy() for result in results]

                    batchers[specs] = concrete, _Batcher(run, options)
                return batchers[specs]

        def decorated(*args: Any) -> Any:
            for arg in args:
                if not isinstance(arg, Tensor):
                    raise ValueError(  # noqa: TRY004  (TensorFlow raises ValueError)
                        "All arguments to functions decorated with `batch_function` are "
                        f"supposed to be Tensors; found {arg!r}."
                    )
            concrete, batcher = found(args)
            kinds = nest.flatten(concrete.structured_outputs, expand_composites=True)
            results = numpy_function(batcher, list(args), [kind.dtype for kind in kinds])
            for result, kind in zip(results, kinds, strict=True):
                result.set_shape(kind.shape)
            return nest.pack_sequence_as(
                concrete.structured_outputs, results, expand_composites=True
            )

        return decorated

    return decorator
