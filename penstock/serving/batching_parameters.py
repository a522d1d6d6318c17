"""Limits of batchers, and TF Serving's file of them."""

import logging
from dataclasses import dataclass
from itertools import accumulate, takewhile
from pathlib import Path
from typing import Any

from penstock.core.errors import InvalidArgumentError, NotFoundError
from penstock.wire import protos

_log = logging.getLogger("penstock.serving")


@dataclass(frozen=True, slots=True)
class BatchingParameters:
    """Limits of one batcher. Field names follow TF Serving's batching parameters.

    A batch is what arrived while the loop or the device was busy, and a lone request never
    waits, unless `batch_timeout_micros` says so.

    Args:
        max_batch_size: rows of one request, or of one call.
        max_enqueued_batches: full batches that may wait before requests are refused.
        allowed_batch_sizes: sizes to which batches are padded, rising, the last one being
            the largest of a call; by default the powers of two. Few sizes mean few
            compilations.
        batch_timeout_micros: time that a batch which is not full waits for more rows.
        pad_variable_length_inputs: whether requests whose inputs differ in other dimensions
            than the first share calls; the shorter ones are filled up with their first
            element.
        enable_large_batch_splitting: whether requests of more rows than a call takes are cut.
        max_execution_batch_size: rows of one call, where requests are cut; 0 for
            `max_batch_size`.
        max_queue_wait_s: requests are refused when the rows before them would take longer.
    """

    max_batch_size: int = 64
    max_enqueued_batches: int = 64
    allowed_batch_sizes: tuple[int, ...] = ()
    batch_timeout_micros: int = 0
    pad_variable_length_inputs: bool = False
    enable_large_batch_splitting: bool = True
    max_execution_batch_size: int = 0
    max_queue_wait_s: float = 10.0

    def __post_init__(self) -> None:
        for name in ("max_batch_size", "max_enqueued_batches"):
            if getattr(self, name) < 1:
                raise InvalidArgumentError(
                    f"{name} must be at least 1, got {getattr(self, name)}"
                )
        for name in ("batch_timeout_micros", "max_execution_batch_size", "max_queue_wait_s"):
            if getattr(self, name) < 0:
                raise InvalidArgumentError(
                    f"{name} must not be negative, got {getattr(self, name)}"
                )
        size, name = self.max_batch_size, "max_batch_size"
        if self.max_execution_batch_size:
            if not self.enable_large_batch_splitting or self.max_execution_batch_size > size:
                raise InvalidArgumentError(
                    "max_execution_batch_size needs enable_large_batch_splitting and must be "
                    f"at most max_batch_size {size}, got {self.max_execution_batch_size}"
                )
            size, name = self.max_execution_batch_size, "max_execution_batch_size"
        sizes = self.allowed_batch_sizes
        if not sizes:
            powers = accumulate([1] * size.bit_length(), lambda power, _: power * 2)
            sizes = (*takewhile(lambda power: power < size, powers), size)
            object.__setattr__(self, "allowed_batch_sizes", sizes)
        if sizes[0] < 1 or sizes[-1] != size or list(sizes) != sorted(set(sizes)):
            raise InvalidArgumentError(
                f"allowed_batch_sizes must rise and end with {name} {size}, got {list(sizes)}"
            )

    @property
    def largest(self) -> int:
        """Rows of one call."""
        return self.allowed_batch_sizes[-1]

    def padded(self, size: int) -> int:
        """Smallest allowed size that holds `size` rows."""
        return next(allowed for allowed in self.allowed_batch_sizes if allowed >= size)


def read_batching_parameters(file: Path) -> BatchingParameters:
    """Read the file that `--batching_parameters_file` names.

    Raises:
        NotFoundError: there is no such file.
        InvalidArgumentError: it is no text of a BatchingParameters message, or its limits make
            no sense.
    """
    try:
        text = file.read_bytes()
    except OSError as error:
        raise NotFoundError(f"cannot read '{file}': {error.strerror}") from error
    return batching_parameters(
        protos.parse_text(protos.BatchingParameters, text, f"batching parameters '{file}'")
    )


def batching_parameters(message: Any) -> BatchingParameters:
    """Return what a BatchingParameters message says, with our defaults for the rest.

    Raises:
        InvalidArgumentError: the limits make no sense.
    """
    given = {field.name: value for field, value in message.ListFields()}
    for name in ("num_batch_threads", "thread_pool_name"):
        if name in given:
            del given[name]
            _log.info("%s has no effect: XLA uses all cores for one batch", name)
    sizes = tuple(given.pop("allowed_batch_sizes", ()))
    pad = bool(given.pop("pad_variable_length_inputs", False))
    values = {name: wrapped.value for name, wrapped in given.items()}
    if sizes and "max_batch_size" not in values and "max_execution_batch_size" not in values:
        values["max_batch_size"] = sizes[-1]
    return BatchingParameters(
        allowed_batch_sizes=sizes, pad_variable_length_inputs=pad, **values
    )
