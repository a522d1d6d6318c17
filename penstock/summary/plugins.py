"""Summaries that TensorBoard's own plugins show: scalars, histograms, images, audio, text.

Each is a tensor whose metadata names the plugin. The value is computed only if it is recorded.

Source: the data formats of TensorBoard's plugins, version 0.
"""

from __future__ import annotations

from typing import Any, Final

from penstock.api import image as image_ops
from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.graph.branching import cond
from penstock.graph.loops import map_fn
from penstock.graph.symbol import constant_value
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.tensor import Tensor
from penstock.summary.recording import summary_scope, write
from penstock.wire import protos

_BUCKETS: Final = 30
# AudioPluginData{encoding: WAV}
_AUDIO_CONTENT: Final = b"\x10\x0b"


def _metadata(plugin: str, description: str | None, content: bytes = b"") -> Any:
    metadata = protos.SummaryMetadata(summary_description=description or "")
    metadata.plugin_data.plugin_name = plugin
    metadata.plugin_data.content = content
    return metadata


def scalar(name: str, data: Any, step: Any = None, description: str | None = None) -> Any:
    """Write a number, shown as a curve over the steps.

    Args:
        name: name of the summary.
        data: real number, written as float32.
        step: default: the step in force.
        description: Markdown text.

    Returns:
        Boolean scalar: whether the summary was written.

    Raises:
        ValueError: the data is not a scalar, or there is no step.

    Example:
        >>> import penstock as tf
        >>> writer = tf.summary.create_file_writer("/tmp/penstock_example/logs")
        >>> with writer.as_default():
        ...     written = tf.summary.scalar("loss", 0.25, step=3)
    """

    def value() -> Tensor:
        tensor = convert_to_tensor(data)
        if tensor.shape.rank not in (0, None):
            raise ValueError(f"Expected scalar shape, saw shape: {tensor.shape}.")
        return call("Cast", tensor, DstT=dtypes.float32)

    with summary_scope(name, "scalar_summary", values=[data, step]) as (tag, _):
        return write(tag, value, step, _metadata("scalars", description))


def histogram(
    name: str,
    data: Any,
    step: Any = None,
    buckets: int | None = None,
    description: str | None = None,
) -> Any:
    """Write how often values lie where, in buckets of one width.

    Args:
        name: name of the summary.
        data: numbers, counted as float64.
        step: default: the step in force.
        buckets: number of buckets, default 30.
        description: Markdown text.

    Returns:
        Boolean scalar: whether the summary was written.

    Raises:
        ValueError: there is no step.
    """
    count = _BUCKETS if buckets is None else max(int(buckets), 0)
    with summary_scope(name, "histogram_summary", values=[data, buckets, step]) as (tag, _):
        return write(
            tag, lambda: _buckets(data, count), step, _metadata("histograms", description)
        )


def _buckets(data: Any, count: int) -> Tensor:
    """Left edge, right edge and number of values of each bucket, as float64 [count, 3]."""
    values = call("Cast", convert_to_tensor(data), DstT=dtypes.float64)
    values = call("Reshape", values, [-1])
    if count == 0:
        return call("Fill", [0, 3], _float64(0))
    size = call("Size", values, out_type=dtypes.int32)
    # Without a value there is no least one: a zero stands in, and is not counted below.
    padded = call("ConcatV2", [values, call("Fill", [1], _float64(0))], 0)
    kept = cond(call("Greater", size, 0), lambda: values, lambda: padded)
    low = call("Min", kept, [0])
    high = call("Max", kept, [0])
    width = call("Sub", high, low)
    return cond(
        call("Equal", width, _float64(0)),
        lambda: _all_in_the_last(low, size, count),
        lambda: _spread(values, low, high, count),
    )


def _float64(value: float) -> Tensor:
    return convert_to_tensor(value, dtypes.float64)


def _all_in_the_last(value: Tensor, size: Tensor, count: int) -> Tensor:
    edges = call("Fill", [count], value)
    empty = call("Fill", [count - 1], _float64(0))
    total = call("Reshape", call("Cast", size, DstT=dtypes.float64), [1])
    return call("Pack", [edges, edges, call("ConcatV2", [empty, total], 0)], axis=1)


def _spread(values: Tensor, low: Tensor, high: Tensor, count: int) -> Tensor:
    step = call("RealDiv", call("Sub", high, low), _float64(count))
    places = call("Floor", call("RealDiv", call("Sub", values, low), step))
    last = _float64(count - 1)
    # What is no number lies in no bucket.
    places = call(
        "SelectV2", call("IsNan", places), _float64(-1), call("Minimum", places, last)
    )
    counts = call(
        "UnsortedSegmentSum",
        call("OnesLike", values),
        call("Cast", places, DstT=dtypes.int32),
        count,
    )
    steps = call("Cast", call("Range", 0, count, 1), DstT=dtypes.float64)
    left = call("AddV2", low, call("Mul", steps, step))
    edges = call("ConcatV2", [left, call("Reshape", high, [1])], 0)
    right = call("Slice", edges, [1], [count])
    return call("Pack", [left, right, counts], axis=1)


def image(
    name: str,
    data: Any,
    step: Any = None,
    max_outputs: int = 3,
    description: str | None = None,
) -> Any:
    """Write images.

    Args:
        name: name of the summary.
        data: [n, h, w, c] of uint8, or of floats in [0, 1]; c is 1 to 4.
        step: default: the step in force.
        max_outputs: number of images written at most.
        description: Markdown text.

    Returns:
        Boolean scalar: whether the summary was written.

    Raises:
        ValueError: the data is not of rank 4, or there is no step.
    """

    def value() -> Tensor:
        given = _of_rank(data, 4)
        pixels = image_ops.convert_image_dtype(given, dtypes.uint8, saturate=True)
        pngs = call("EncodePng", _first(pixels, max_outputs))
        sizes = call("Shape", given, out_type=dtypes.int32)
        sides = call("AsString", call("GatherV2", sizes, [2, 1], 0))
        return call("ConcatV2", [sides, pngs], 0)

    with summary_scope(name, "image_summary", values=[data, max_outputs, step]) as (tag, _):
        return write(tag, value, step, _metadata("images", description))


def _of_rank(data: Any, rank: int) -> Tensor:
    tensor = convert_to_tensor(data)
    if tensor.shape.rank not in (rank, None):
        raise ValueError(
            f"Tensor  must have rank {rank}.  Received rank {tensor.shape.rank}, "
            f"shape {tensor.shape}"
        )
    return tensor


def _first(batch: Tensor, limit: Any) -> Tensor:
    """The first items of a batch."""
    count = convert_to_tensor(limit, dtypes.int32)
    known = constant_value(count)
    if known is not None and int(known) < 0:
        raise InvalidArgumentError(f"max_outputs must be at least 0, got {int(known)}")
    return call("StridedSlice", batch, [0], call("Reshape", count, [1]), [1])


def audio(
    name: str,
    data: Any,
    sample_rate: Any,
    step: Any = None,
    max_outputs: int = 3,
    encoding: str | None = None,
    description: str | None = None,
) -> Any:
    """Write sounds.

    Args:
        name: name of the summary.
        data: float32 [n, frames, channels] in [-1, 1].
        sample_rate: samples per second.
        step: default: the step in force.
        max_outputs: number of sounds written at most.
        encoding: "wav" or None.
        description: Markdown text.

    Returns:
        Boolean scalar: whether the summary was written.

    Raises:
        ValueError: the data is not of rank 3, the encoding is unknown, or there is no step.
        InvalidArgumentError: the data is not float32.
    """
    if encoding not in (None, "wav"):
        raise ValueError(f"Unknown encoding: {encoding!r}")

    def value() -> Tensor:
        given = _of_rank(data, 3)
        if given.dtype is not dtypes.float32:
            raise InvalidArgumentError(f"data must be float32, got {given.dtype.name}")
        rate = convert_to_tensor(sample_rate, dtypes.int32)
        wavs = map_fn(
            lambda sound: call("EncodeWav", sound, rate),
            _first(given, max_outputs),
            fn_output_signature=dtypes.string,
        )
        # The second column is a text for each sound, which nobody gives any more.
        return call("Pack", [wavs, call("ZerosLike", wavs)], axis=1)

    metadata = _metadata("audio", description, _AUDIO_CONTENT)
    with summary_scope(name, "audio_summary", values=[data, sample_rate, step]) as (tag, _):
        return write(tag, value, step, metadata)


def text(name: str, data: Any, step: Any = None, description: str | None = None) -> Any:
    """Write texts, shown as Markdown; a tensor of them as a table.

    Args:
        name: name of the summary.
        data: string, or tensor of strings.
        step: default: the step in force.
        description: Markdown text.

    Returns:
        Boolean scalar: whether the summary was written.

    Raises:
        TypeError: the data is no string.
        ValueError: there is no step.
    """

    def value() -> Tensor:
        tensor = convert_to_tensor(data)
        if tensor.dtype is not dtypes.string:
            raise TypeError(f"tensor must be of type tf.string; got {tensor.dtype!r}")
        return tensor

    with summary_scope(name, "text_summary", values=[data, step]) as (tag, _):
        return write(tag, value, step, _metadata("text", description))
