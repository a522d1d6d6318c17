"""Summary values as messages, and the files to which writers append them.

Two generations stand beside each other: tensors with the metadata of a plugin, which is what
`tf.summary` writes, and the fields for numbers, histograms, images and sounds of before.

Source: TensorFlow's `summary.proto`, `SummaryFileWriter` and `histogram.cc`.
"""

from __future__ import annotations

import functools
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from penstock.core.dtypes import as_dtype
from penstock.core.errors import (
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
)
from penstock.wire import protos
from penstock.wire.events import EventFileWriter
from penstock.wire.tensors import array_to_proto, make_shape_proto

Array = NDArray[Any]

_QUEUE: Final = 10
_FLUSH_MILLIS: Final = 120_000


def tensor_value(tag: str, array: Array, metadata: bytes) -> Any:
    """A `Summary` of one tensor.

    Args:
        tag: name of the value.
        array: strings are objects, `bytes`.
        metadata: a serialized SummaryMetadata; may be empty.

    Raises:
        DataLossError: the metadata is no message.
    """
    summary = protos.Summary()
    value = summary.value.add(tag=tag)
    if array.dtype.kind in "biufc":
        # As TensorFlow's runtime writes it, while a single value of Python stands in a field.
        value.tensor.dtype = as_dtype(array.dtype).as_datatype_enum
        value.tensor.tensor_shape.CopyFrom(make_shape_proto(array.shape))
        little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        value.tensor.tensor_content = little.tobytes()
    else:
        value.tensor.CopyFrom(array_to_proto(array))
    if metadata:
        what = f"metadata of summary '{tag}'"
        value.metadata.CopyFrom(protos.parse(protos.SummaryMetadata, metadata, what))
    return summary


def scalar_values(tags: Sequence[str], numbers: Sequence[float]) -> Any:
    """A `Summary` of plain numbers."""
    summary = protos.Summary()
    for tag, number in zip(tags, numbers, strict=True):
        summary.value.add(tag=tag, simple_value=number)
    return summary


def histogram_value(tag: str, values: Array) -> Any:
    """A `Summary` of how often values lie where, in buckets that grow by a tenth.

    Raises:
        InvalidArgumentError: a value is not finite.
    """
    flat = np.asarray(values).astype(np.float64).ravel()
    if not np.isfinite(flat).all():
        raise InvalidArgumentError(
            f"values of histogram '{tag}' must be finite, got "
            f"{flat[~np.isfinite(flat)][0]} among {flat.size}"
        )
    limits = _bucket_limits()
    counts = np.bincount(np.searchsorted(limits, flat, side="right"), minlength=len(limits))
    summary = protos.Summary()
    histogram = summary.value.add(tag=tag).histo
    histogram.min = flat.min() if flat.size else np.finfo(np.float64).max
    histogram.max = flat.max() if flat.size else -np.finfo(np.float64).max
    histogram.num = flat.size
    histogram.sum = flat.sum()
    histogram.sum_squares = np.square(flat).sum()
    for limit, count in _without_runs_of_zeros(limits, counts):
        histogram.bucket_limit.append(limit)
        histogram.bucket.append(count)
    return summary


@functools.cache
def _bucket_limits() -> Array:
    positive = []
    limit = 1e-12
    while limit < 1e20:
        positive.append(limit)
        limit *= 1.1
    largest = float(np.finfo(np.float64).max)
    upper = [*positive, largest]
    return np.array([-limit for limit in reversed(upper)] + [0.0] + upper)


def _without_runs_of_zeros(limits: Array, counts: Array) -> list[tuple[float, float]]:
    """Buckets, of those that are empty one after the other only the last."""
    kept = []
    for i, count in enumerate(counts[: len(limits)]):
        follows_empty = i + 1 < len(limits) and counts[i + 1] <= 0
        if count > 0 or not follows_empty:
            kept.append((float(limits[i]), float(count)))
    return kept or [(float(limits[-1]), 0.0)]


def image_values(
    tags: Callable[[int], str], pngs: Sequence[bytes], sizes: tuple[int, int, int]
) -> Any:
    """A `Summary` of encoded images of one size (height, width, channels)."""
    height, width, channels = sizes
    summary = protos.Summary()
    for i, png in enumerate(pngs):
        image = summary.value.add(tag=tags(i)).image
        image.height, image.width, image.colorspace = height, width, channels
        image.encoded_image_string = png
    return summary


def audio_values(
    tags: Callable[[int], str],
    wavs: Sequence[bytes],
    frames: int,
    channels: int,
    sample_rate: float,
) -> Any:
    """A `Summary` of encoded sounds of one length."""
    summary = protos.Summary()
    for i, wav in enumerate(wavs):
        audio = summary.value.add(tag=tags(i)).audio
        audio.num_channels, audio.length_frames = channels, frames
        audio.sample_rate = sample_rate
        audio.encoded_audio_string, audio.content_type = wav, "audio/wav"
    return summary


def merged(summaries: Sequence[bytes]) -> Any:
    """One `Summary` of the values of several serialized ones.

    Raises:
        InvalidArgumentError: two values have one tag.
    """
    whole = protos.Summary()
    seen: set[str] = set()
    for serialized in summaries:
        for value in protos.parse(protos.Summary, serialized, "a summary to merge").value:
            if value.tag in seen:
                raise InvalidArgumentError(
                    f"tags of merged summaries must differ, got '{value.tag}' twice"
                )
            seen.add(value.tag)
            whole.value.add().CopyFrom(value)
    return whole


class SummaryFile:
    """An event file that is flushed when enough has gathered, or enough time has gone by.

    Args:
        logdir: directory of the file; made if it does not exist.
        max_queue: events that may wait to be written.
        flush_millis: time after which an event does not wait any longer.
        filename_suffix: end of the file's name.
        clock: seconds since 1970.

    Raises:
        NotFoundError: the directory cannot be made.
        PermissionDeniedError: it must not be written to.
    """

    def __init__(
        self,
        logdir: str,
        max_queue: int = _QUEUE,
        flush_millis: int = _FLUSH_MILLIS,
        filename_suffix: str = ".v2",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._max_queue = max_queue
        self._flush_s = flush_millis / 1000
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting = 0
        self._flushed_at = clock()
        try:
            self._events = EventFileWriter(logdir, filename_suffix, clock)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotFoundError(f"{logdir}; {error.strerror}") from None
        except PermissionError as error:
            raise PermissionDeniedError(f"{logdir}; {error.strerror}") from None
        # What a program forgot to close is complete on the disk all the same.
        self._finalizer = weakref.finalize(self, self._events.close)

    @property
    def path(self) -> str:
        """Path of the file."""
        return str(self._events.path)

    def add(self, step: int, **fields: Any) -> None:
        """Append an event with these fields of `Event`."""
        self.add_event(protos.Event(step=step, wall_time=self._clock(), **fields))

    def add_summary(self, step: int, summary: Any) -> None:
        """Append a `Summary`."""
        self.add(step, summary=summary)

    def add_serialized_graph(self, step: int, serialized: bytes) -> None:
        """Append a `GraphDef` that was written elsewhere.

        Raises:
            DataLossError: it is no such message.
        """
        protos.parse(protos.GraphDef, serialized, "a graph to show")
        self.add(step, graph_def=serialized)

    def add_serialized_event(self, serialized: bytes) -> None:
        """Append an `Event` that was written elsewhere.

        Raises:
            DataLossError: it is no such message.
        """
        self.add_event(protos.parse(protos.Event, serialized, "an event to import"))

    def add_serialized_summary(self, step: int, serialized: bytes) -> None:
        """Append a `Summary` that was written elsewhere.

        Raises:
            DataLossError: it is no such message.
        """
        self.add_summary(step, protos.parse(protos.Summary, serialized, "a raw summary"))

    def add_event(self, event: Any) -> None:
        """Append an `Event`."""
        self._events.add_event(event)
        with self._lock:
            self._waiting += 1
            due = self._clock() - self._flushed_at >= self._flush_s
            if self._waiting <= self._max_queue and not due:
                return
        self.flush()

    def flush(self) -> None:
        """Hand all events to the operating system."""
        with self._lock:
            self._waiting = 0
            self._flushed_at = self._clock()
        self._events.flush()

    def close(self) -> None:
        """Flush and close the file."""
        self._finalizer()
