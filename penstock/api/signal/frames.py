"""Frames of signals, and the transforms made of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.api.operands import static_integer
from penstock.api.signal.cosine import dct, idct
from penstock.api.signal.fourier import irfft, rfft
from penstock.api.signal.windows import hann_window, vorbis_window
from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call

Window = Callable[..., Any]


def _scalar(value: Any) -> Any:
    """An integer where it is known, else a scalar tensor."""
    known = static_integer(value)
    return convert_to_tensor(value, dtypes.int32) if known is None else known


def _size(tensor: Any, axis: int) -> Any:
    known = tensor.shape.as_list()[axis]
    return call("Shape", tensor)[axis] if known is None else known


def _at_least_zero(value: Any) -> Any:
    return max(value, 0) if isinstance(value, int) else call("Maximum", value, 0)


def frame(
    signal: Any,
    frame_length: Any,
    frame_step: Any,
    pad_end: bool = False,
    pad_value: Any = 0,
    axis: Any = -1,
    name: str | None = None,
) -> Any:
    """Cut a signal into frames, which may overlap.

    Args:
        signal: samples along `axis`.
        frame_length: samples per frame.
        frame_step: samples from the start of one frame to that of the next.
        pad_end: whether to fill up frames that reach over the end.
        pad_value: what to fill them with.
        axis: the axis that holds samples.
        name: name of the node in a graph.

    Returns:
        The signal with two axes, frames and samples, in place of `axis`.
    """
    signal = convert_to_tensor(signal)
    axis = int(axis) % signal.shape.rank
    length, step = _scalar(frame_length), _scalar(frame_step)
    if isinstance(step, int) and step == 0:
        raise InvalidArgumentError("frame_step must not be 0")
    size = _size(signal, axis)
    if pad_end:
        count = _at_least_zero(-(-size // step))
        lack = _at_least_zero(length + step * (count - 1) - size)
        paddings: list[Any] = [[0, 0]] * signal.shape.rank
        paddings[axis] = [0, lack]
        value = convert_to_tensor(pad_value, signal.dtype)
        signal = call("PadV2", signal, convert_to_tensor(paddings, dtypes.int32), value)
    else:
        count = _at_least_zero(1 + (size - length) // step)
    starts = call("Range", 0, count, 1) * step
    offsets = call("Range", 0, length, 1)
    places = call("ExpandDims", starts, 1) + call("ExpandDims", offsets, 0)
    if axis:
        return call("GatherV2", signal, places, axis, name=name)
    # The gradient of a gather from the first axis is sparse; that of a signal should not be.
    rows = call("GatherV2", call("ExpandDims", signal, 0), places, 1)
    return call("Squeeze", rows, squeeze_dims=(0,), name=name)


def overlap_and_add(signal: Any, frame_step: Any, name: str | None = None) -> Any:
    """Put frames together and add where they overlap.

    Args:
        signal: frames, [..., frames, samples].
        frame_step: samples from the start of one frame to that of the next.
        name: name of the node in a graph.

    Returns:
        Signals, [..., (frames - 1) * frame_step + samples].
    """
    signal = convert_to_tensor(signal)
    rank = signal.shape.rank
    if rank is None or rank < 2:
        raise ValueError(f"signal must have rank 2 or more, got shape {signal.shape}")
    step = _scalar(frame_step)
    count, length = _size(signal, -2), _size(signal, -1)
    total = (count - 1) * step + length
    starts = call("Range", 0, count, 1) * step
    places = call("ExpandDims", starts, 1) + call("ExpandDims", call("Range", 0, length, 1), 0)
    front = np.array([rank - 2, rank - 1, *range(rank - 2)], np.int32)
    sums = call("UnsortedSegmentSum", call("Transpose", signal, front), places, total)
    back = np.array([*range(1, rank - 1), 0], np.int32)
    return call("Transpose", sums, back, name=name)


def _power_of_two(length: Any) -> Any:
    """The least power of two that is not below `length`."""
    if isinstance(length, int):
        return 1 << max(length - 1, 0).bit_length()
    exponent = call(
        "Ceil", call("Log", call("Cast", length, DstT=dtypes.float64)) / math.log(2.0)
    )
    power = call("Pow", np.float64(2), exponent)
    return call("Cast", call("Round", power), DstT=dtypes.int32)


def stft(
    signals: Any,
    frame_length: Any,
    frame_step: Any,
    fft_length: Any = None,
    window_fn: Window | None = hann_window,
    pad_end: bool = False,
    name: str | None = None,
) -> Any:
    """Short-time Fourier transform.

    Args:
        signals: real samples, [..., samples].
        frame_length: samples per frame.
        frame_step: samples from the start of one frame to that of the next.
        fft_length: length of each transform; None takes the next power of two.
        window_fn: function of a length and a dtype that gives a window, or None.
        pad_end: whether to fill up frames that reach over the end with zeros.
        name: name of the node in a graph.

    Returns:
        Complex numbers, [..., frames, fft_length // 2 + 1].
    """
    length = _scalar(frame_length)
    signals = convert_to_tensor(signals)
    frames = frame(signals, length, frame_step, pad_end=pad_end)
    if window_fn is not None:
        frames = frames * window_fn(length, dtype=frames.dtype)
    size = _power_of_two(length) if fft_length is None else _scalar(fft_length)
    return rfft(frames, [size], name=name)


def inverse_stft_window_fn(
    frame_step: Any, forward_window_fn: Window = hann_window, name: str | None = None
) -> Window:
    """Window with which `inverse_stft` restores what `stft` got.

    Args:
        frame_step: the step of `stft`.
        forward_window_fn: the window of `stft`.
        name: unused.

    Returns:
        A function of a length and a dtype.
    """
    step = _scalar(frame_step)

    def inverse_window(frame_length: Any, dtype: Any) -> Any:
        length = _scalar(frame_length)
        window = forward_window_fn(length, dtype=dtype)
        overlaps = -(-length // step)
        paddings = convert_to_tensor([[0, overlaps * step - length]], dtypes.int32)
        squares = call("Pad", call("Square", window), paddings)
        rows = call("Reshape", squares, [overlaps, step])
        total = call("Sum", rows, np.array([0], np.int32), keep_dims=True)
        repeated = call("Tile", total, [overlaps, 1])
        whole = call("Reshape", repeated, np.array([-1], np.int32))
        return window / whole[:length]

    return inverse_window


def inverse_stft(
    stfts: Any,
    frame_length: Any,
    frame_step: Any,
    fft_length: Any = None,
    window_fn: Window | None = hann_window,
    name: str | None = None,
) -> Any:
    """Signal of a short-time Fourier transform; see `stft` and `inverse_stft_window_fn`.

    Args:
        stfts: complex numbers, [..., frames, fft_length // 2 + 1].
        frame_length: samples per frame.
        frame_step: samples from the start of one frame to that of the next.
        fft_length: length of each transform; None takes the next power of two.
        window_fn: function of a length and a dtype that gives a window, or None.
        name: name of the node in a graph.
    """
    length = _scalar(frame_length)
    size = _power_of_two(length) if fft_length is None else _scalar(fft_length)
    frames = irfft(stfts, [size])
    frames = frames[..., :length]
    lack = _at_least_zero(length - size)
    if not isinstance(lack, int) or lack:
        paddings: list[Any] = [[0, 0]] * (frames.shape.rank - 1)
        frames = call("Pad", frames, convert_to_tensor([*paddings, [0, lack]], dtypes.int32))
    if window_fn is not None:
        frames = frames * window_fn(length, dtype=frames.dtype)
    return overlap_and_add(frames, frame_step, name=name)


def mdct(
    signals: Any,
    frame_length: Any,
    window_fn: Window | None = vorbis_window,
    pad_end: bool = False,
    norm: str | None = None,
    name: str | None = None,
) -> Any:
    """Modified discrete cosine transform.

    Args:
        signals: real samples, [..., samples].
        frame_length: samples per frame, divisible by 4; frames overlap by half.
        window_fn: function of a length and a dtype that gives a window, or None.
        pad_end: whether to fill up frames that reach over the end with zeros.
        norm: None or "ortho".
        name: name of the node in a graph.

    Returns:
        Real numbers, [..., frames, frame_length // 2].
    """
    length = _scalar(frame_length)
    if isinstance(length, int) and length % 4:
        raise ValueError(f"frame_length must be a multiple of 4, got {length}")
    frames = frame(convert_to_tensor(signals), length, length // 2, pad_end=pad_end)
    frames = frames * _mdct_window(window_fn, length, frames.dtype)
    a, b, c, d = call("Split", -1, frames, num_split=4)
    last = np.array([-1], np.int32)
    first = call("Sub", call("Neg", call("ReverseV2", c, last)), d)
    second = call("Sub", a, call("ReverseV2", b, last))
    return dct(call("ConcatV2", [first, second], -1), type=4, norm=norm, name=name)


def _mdct_window(window_fn: Window | None, length: Any, dtype: Any) -> Any:
    if window_fn is None:
        return np.array(math.sqrt(0.5), dtype.np)
    return window_fn(length, dtype=dtype)


def inverse_mdct(
    mdcts: Any,
    window_fn: Window | None = vorbis_window,
    norm: str | None = None,
    name: str | None = None,
) -> Any:
    """Signal of a modified discrete cosine transform; arguments as in `mdct`."""
    mdcts = convert_to_tensor(mdcts)
    half = _size(mdcts, -1)
    result = idct(mdcts, type=4, norm=norm)
    if norm is None:
        scale = (
            0.5 / half if isinstance(half, int) else 0.5 / call("Cast", half, DstT=result.dtype)
        )
        result = result * scale
    first, second = call("Split", -1, result, num_split=2)
    last = np.array([-1], np.int32)
    quarters = [
        second,
        call("Neg", call("ReverseV2", second, last)),
        call("Neg", call("ReverseV2", first, last)),
        call("Neg", first),
    ]
    frames = call("ConcatV2", quarters, -1)
    frames = frames * _mdct_window(window_fn, 2 * half, frames.dtype)
    return overlap_and_add(frames, half, name=name)
