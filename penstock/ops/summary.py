"""Summary writers behind handles, and summaries as strings; all of it on the host.

A kernel gets the `WriterResource` behind a handle. What the bytes look like is known elsewhere:
`use_wire` says who gives the messages and the files.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.core.errors import InvalidArgumentError, NotFoundError
from penstock.core.tensor_shape import TensorShape
from penstock.ops import png
from penstock.ops.audio import encode_wav
from penstock.ops.table import REQUIRED, op

Array = Any

_wire: list[Callable[[], Any]] = []
_shared: dict[tuple[str, str], WriterResource] = {}
_lock = threading.Lock()


def use_wire(load: Callable[[], Any]) -> None:
    """Set what gives the module of summary messages and files, when it is first needed."""
    _wire[:] = [load]


class WriterResource:
    """What stands behind the handle of a writer: a file, once it was made."""

    __slots__ = ("__weakref__", "_closed", "_file", "_lock")

    def __init__(self) -> None:
        self._file: Any = None
        self._closed = False
        self._lock = threading.Lock()

    def open(self, make: Callable[[], Any]) -> None:
        """Give the writer a file; one that has a file keeps it."""
        with self._lock:
            if self._file is None:
                self._file, self._closed = make(), False

    @property
    def file(self) -> Any:
        """The file.

        Raises:
            NotFoundError: there is none, or it was closed.
        """
        file = self._file
        if file is None:
            state = "is closed" if self._closed else "has no file yet"
            raise NotFoundError(f"the summary writer must be open to be written to; it {state}")
        return file

    def close(self) -> None:
        """Close the file; done again it changes nothing."""
        with self._lock:
            if self._file is not None:
                self._file.close()
            self._file, self._closed = None, True


def _no_outputs(*_: Any, **__: Any) -> tuple[TensorShape, ...]:
    return ()


def _scalar(*_: Any, **__: Any) -> TensorShape:
    return TensorShape([])


def _bytes(value: Any, what: str) -> bytes:
    array = np.asarray(value)
    if array.size != 1:
        raise InvalidArgumentError(f"{what} must be a scalar, got shape {list(array.shape)}")
    item = array.item()
    return item if isinstance(item, bytes) else str(item).encode()


def _text(value: Any, what: str) -> str:
    return _bytes(value, what).decode("utf-8", "replace")


def _step(value: Any) -> int:
    array = np.asarray(value)
    if array.size != 1:
        raise InvalidArgumentError(f"step must be a scalar, got shape {list(array.shape)}")
    return int(array.item())


@op(
    "SummaryWriter",
    outputs=("writer: resource",),
    attrs={"shared_name": "", "container": ""},
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=_scalar,
)
def summary_writer(*, shared_name: str, container: str) -> Any:
    """Handle of a writer, which is made when its name is first used.

    Shape: -> writer [].
    """
    if not shared_name:
        return WriterResource()
    with _lock:
        return _shared.setdefault((container, shared_name), WriterResource())


@op(
    "CreateSummaryFileWriter",
    inputs=(
        "writer: resource",
        "logdir: string",
        "max_queue: int32",
        "flush_millis: int32",
        "filename_suffix: string",
    ),
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=_no_outputs,
)
def create_summary_file_writer(
    writer: Any, logdir: Any, max_queue: Any, flush_millis: Any, filename_suffix: Any
) -> Any:
    """Give a writer an event file of its own; one that has a file keeps it.

    Shape: writer [], logdir [], max_queue [], flush_millis [], filename_suffix [].
    Errors: NotFoundError when the directory cannot be made.
    """
    writer.open(
        lambda: _wire[0]().SummaryFile(
            _text(logdir, "logdir"),
            int(np.asarray(max_queue).item()),
            int(np.asarray(flush_millis).item()),
            _text(filename_suffix, "filename_suffix"),
        )
    )
    return ()


@op(
    "FlushSummaryWriter",
    inputs=("writer: resource",),
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=_no_outputs,
)
def flush_summary_writer(writer: Any) -> Any:
    """Hand what was written to the operating system.

    Shape: writer [].
    Errors: NotFoundError when the writer is closed.
    """
    writer.file.flush()
    return ()


@op(
    "CloseSummaryWriter",
    inputs=("writer: resource",),
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=_no_outputs,
)
def close_summary_writer(writer: Any) -> Any:
    """Flush and close the file of a writer.

    Shape: writer [].
    """
    writer.close()
    return ()


@op(
    "WriteSummary",
    inputs=(
        "writer: resource",
        "step: int64",
        "tensor: T",
        "tag: string",
        "summary_metadata: string",
    ),
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=_no_outputs,
)
def write_summary(
    writer: Any, step: Any, tensor: Array, tag: Any, summary_metadata: Any
) -> Any:
    """Append a tensor, with metadata that says which plugin shows it.

    Shape: writer [], step [], tensor [...], tag [], summary_metadata [].
    Errors: NotFoundError when the writer is closed.
    """
    name, metadata = _text(tag, "tag"), _bytes(summary_metadata, "summary_metadata")
    value = _wire[0]().tensor_value(name, np.asarray(tensor), metadata)
    writer.file.add_summary(_step(step), value)
    return ()


@op(
    "WriteRawProtoSummary",
    inputs=("writer: resource", "step: int64", "tensor: string"),
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=_no_outputs,
)
def write_raw_proto_summary(writer: Any, step: Any, tensor: Any) -> Any:
    """Append serialized Summary messages.

    Shape: writer [], step [], tensor [...].
    Errors: NotFoundError when the writer is closed, DataLossError for other bytes.
    """
    for serialized in np.asarray(tensor).ravel().tolist():
        writer.file.add_serialized_summary(_step(step), serialized)
    return ()


@op(
    "WriteGraphSummary",
    inputs=("writer: resource", "step: int64", "tensor: string"),
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=_no_outputs,
)
def write_graph_summary(writer: Any, step: Any, tensor: Any) -> Any:
    """Append a serialized GraphDef.

    Shape: writer [], step [], tensor [].
    Errors: NotFoundError when the writer is closed, DataLossError for other bytes.
    """
    writer.file.add_serialized_graph(_step(step), _bytes(tensor, "tensor"))
    return ()


@op(
    "ImportEvent",
    inputs=("writer: resource", "event: string"),
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=_no_outputs,
)
def import_event(writer: Any, event: Any) -> Any:
    """Append a serialized Event message.

    Shape: writer [], event [].
    Errors: NotFoundError when the writer is closed, DataLossError for other bytes.
    """
    writer.file.add_serialized_event(_bytes(event, "event"))
    return ()


def _number(value: Any) -> float:
    array = np.asarray(value)
    if array.size != 1:
        raise InvalidArgumentError(f"value must be a scalar, got shape {list(array.shape)}")
    return float(array.item())


@op(
    "WriteScalarSummary",
    inputs=("writer: resource", "step: int64", "tag: string", "value: T"),
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=_no_outputs,
)
def write_scalar_summary(writer: Any, step: Any, tag: Any, value: Any) -> Any:
    """Append a number, in the form of before there were plugins.

    Shape: writer [], step [], tag [], value [].
    Errors: NotFoundError when the writer is closed.
    """
    summary = _wire[0]().scalar_values([_text(tag, "tag")], [_number(value)])
    writer.file.add_summary(_step(step), summary)
    return ()


@op(
    "WriteHistogramSummary",
    inputs=("writer: resource", "step: int64", "tag: string", "values: T"),
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=_no_outputs,
)
def write_histogram_summary(writer: Any, step: Any, tag: Any, values: Any) -> Any:
    """Append how often values lie where.

    Shape: writer [], step [], tag [], values [...].
    Errors: InvalidArgumentError for values that are not finite, NotFoundError when the writer
        is closed.
    """
    summary = _wire[0]().histogram_value(_text(tag, "tag"), np.asarray(values))
    writer.file.add_summary(_step(step), summary)
    return ()


@op(
    "WriteImageSummary",
    inputs=(
        "writer: resource",
        "step: int64",
        "tag: string",
        "tensor: T",
        "bad_color: uint8",
    ),
    attrs={"max_images": 3},
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=_no_outputs,
)
def write_image_summary(
    writer: Any, step: Any, tag: Any, tensor: Any, bad_color: Any, *, max_images: int
) -> Any:
    """Append images, in the form of before there were plugins.

    Shape: writer [], step [], tag [], tensor [n, h, w, c], bad_color [c].
    Errors: InvalidArgumentError for another rank or number of channels, NotFoundError when
        the writer is closed.
    """
    summary = _images(_text(tag, "tag"), np.asarray(tensor), np.asarray(bad_color), max_images)
    writer.file.add_summary(_step(step), summary)
    return ()


@op(
    "WriteAudioSummary",
    inputs=(
        "writer: resource",
        "step: int64",
        "tag: string",
        "tensor: float32",
        "sample_rate: float32",
    ),
    attrs={"max_outputs": 3},
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=_no_outputs,
)
def write_audio_summary(
    writer: Any, step: Any, tag: Any, tensor: Any, sample_rate: Any, *, max_outputs: int
) -> Any:
    """Append sounds, in the form of before there were plugins.

    Shape: writer [], step [], tag [], tensor [n, frames, channels], sample_rate [].
    Errors: InvalidArgumentError for another rank, NotFoundError when the writer is closed.
    """
    summary = _sounds(_text(tag, "tag"), np.asarray(tensor), sample_rate, max_outputs)
    writer.file.add_summary(_step(step), summary)
    return ()


def _images(tag: str, images: Array, bad_color: Array, limit: int) -> Any:
    if images.ndim != 4 or images.shape[3] not in (1, 3, 4):
        raise InvalidArgumentError(
            "tensor must be 4-D with last dim 1, 3, or 4, got shape " + str(list(images.shape))
        )
    if bad_color.size < images.shape[3]:
        raise InvalidArgumentError(
            f"bad_color must have a value for each of {images.shape[3]} channels, "
            f"got {bad_color.size}"
        )
    chosen = images[: _at_least_one("max_images", limit)]
    pngs = [png.encode(_as_bytes_of_colour(image, bad_color)) for image in chosen]
    return _wire[0]().image_values(_numbered(tag, "image", limit), pngs, images.shape[1:])


def _as_bytes_of_colour(image: Array, bad_color: Array) -> Array:
    """An image in bytes: floats are spread over them, and what is not finite has a colour."""
    if image.dtype == np.uint8:
        return image
    pixels = image.astype(np.float64)
    good = np.isfinite(pixels).all(axis=-1)
    finite = pixels[good]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 0.0)
    # Negative values lie around a middle grey; others start at black.
    reach = max(abs(low), abs(high)) if low < 0 else high
    scale = (127.0 if low < 0 else 255.0) / reach if reach > 0 else 0.0
    scaled = np.where(good[..., None], pixels, 0.0) * scale + (128.0 if low < 0 else 0.0)
    result: Array = np.clip(scaled, 0, 255).astype(np.uint8)
    result[~good] = bad_color[: image.shape[-1]].astype(np.uint8)
    return result


def _at_least_one(name: str, limit: int) -> int:
    if limit < 1:
        raise InvalidArgumentError(f"{name} must be at least 1, got {limit}")
    return limit


def _numbered(tag: str, kind: str, limit: int) -> Callable[[int], str]:
    """Tags of the parts of a summary that may have `limit` of them."""
    return lambda i: f"{tag}/{kind}" if limit == 1 else f"{tag}/{kind}/{i}"


def _sounds(tag: str, sounds: Array, sample_rate: Any, limit: int) -> Any:
    if sounds.ndim not in (2, 3):
        raise InvalidArgumentError(f"tensor must be 2-D or 3-D, got shape {list(sounds.shape)}")
    whole = sounds if sounds.ndim == 3 else sounds[:, :, None]
    rate = _number(sample_rate)
    if rate <= 0:
        raise InvalidArgumentError(f"sample_rate must be above 0, got {rate}")
    chosen = whole[: _at_least_one("max_outputs", limit)]
    wavs = [np.asarray(encode_wav(sound, np.int32(rate))).item() for sound in chosen]
    return _wire[0]().audio_values(
        _numbered(tag, "audio", limit), wavs, whole.shape[1], whole.shape[2], rate
    )


def _serialized(summary: Any) -> Array:
    result = np.empty((), object)
    result[()] = summary.SerializeToString()
    return result


@op(
    "ScalarSummary",
    inputs=("tags: string", "values: T"),
    outputs=("summary: string",),
    kernel="host",
    differentiable=False,
    shape=_scalar,
)
def scalar_summary(tags: Any, values: Any) -> Array:
    """Serialized Summary of numbers.

    Shape: tags [...], values [...] -> summary [].
    Errors: InvalidArgumentError when there is not a tag for each value.
    """
    names, numbers = np.asarray(tags).ravel(), np.asarray(values).ravel()
    if np.shape(tags) != np.shape(values):
        raise InvalidArgumentError(
            f"tags and values must have one shape, got {list(np.shape(tags))} and "
            f"{list(np.shape(values))}"
        )
    texts = [_text(name, "a tag") for name in names]
    return _serialized(_wire[0]().scalar_values(texts, numbers.astype(np.float64).tolist()))


@op(
    "HistogramSummary",
    inputs=("tag: string", "values: T"),
    outputs=("summary: string",),
    kernel="host",
    differentiable=False,
    shape=_scalar,
)
def histogram_summary(tag: Any, values: Any) -> Array:
    """Serialized Summary of how often values lie where.

    Shape: tag [], values [...] -> summary [].
    Errors: InvalidArgumentError for values that are not finite.
    """
    return _serialized(_wire[0]().histogram_value(_text(tag, "tag"), np.asarray(values)))


@op(
    "AudioSummary",
    inputs=("tag: string", "tensor: float32"),
    outputs=("summary: string",),
    attrs={"sample_rate": REQUIRED, "max_outputs": 3},
    kernel="host",
    differentiable=False,
    shape=_scalar,
)
def audio_summary(tag: Any, tensor: Any, *, sample_rate: float, max_outputs: int) -> Array:
    """Serialized Summary of sounds.

    Shape: tag [], tensor [n, frames, channels] -> summary [].
    Errors: InvalidArgumentError for another rank.
    """
    name = _text(tag, "tag")
    return _serialized(_sounds(name, np.asarray(tensor), sample_rate, max_outputs))


@op(
    "AudioSummaryV2",
    inputs=("tag: string", "tensor: float32", "sample_rate: float32"),
    outputs=("summary: string",),
    attrs={"max_outputs": 3},
    kernel="host",
    differentiable=False,
    shape=_scalar,
)
def audio_summary_v2(tag: Any, tensor: Any, sample_rate: Any, *, max_outputs: int) -> Array:
    """Serialized Summary of sounds.

    Shape: tag [], tensor [n, frames, channels], sample_rate [] -> summary [].
    Errors: InvalidArgumentError for another rank.
    """
    name = _text(tag, "tag")
    return _serialized(_sounds(name, np.asarray(tensor), sample_rate, max_outputs))


@op(
    "TensorSummaryV2",
    inputs=("tag: string", "tensor: T", "serialized_summary_metadata: string"),
    outputs=("summary: string",),
    kernel="host",
    differentiable=False,
    shape=_scalar,
)
def tensor_summary_v2(tag: Any, tensor: Any, serialized_summary_metadata: Any) -> Array:
    """Serialized Summary of a tensor.

    Shape: tag [], tensor [...], serialized_summary_metadata [] -> summary [].
    """
    metadata = _bytes(serialized_summary_metadata, "serialized_summary_metadata")
    value = _wire[0]().tensor_value(_text(tag, "tag"), np.asarray(tensor), metadata)
    return _serialized(value)


@op(
    "MergeSummary",
    inputs=("inputs: N * string",),
    outputs=("summary: string",),
    kernel="host",
    differentiable=False,
    shape=_scalar,
)
def merge_summary(inputs: Any) -> Array:
    """Serialized Summary with the values of several.

    Shape: inputs [...] each -> summary [].
    Errors: InvalidArgumentError when two values have one tag.
    """
    parts = [part for each in inputs for part in np.asarray(each).ravel().tolist()]
    return _serialized(_wire[0]().merged(parts))
