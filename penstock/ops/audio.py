"""Sound: WAV files, spectrograms and mel-frequency cepstral coefficients."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.table import REQUIRED, op

Array = Any

_PCM, _EXTENSIBLE = 1, 0xFFFE
_TOO_SHORT = "Data too short when trying to read string"


def _decode_shape(_: Any, *, desired_channels: int, desired_samples: int) -> Any:
    samples = None if desired_samples < 0 else desired_samples
    channels = None if desired_channels < 0 else desired_channels
    return TensorShape([samples, channels]), TensorShape([])


@op(
    "DecodeWav",
    inputs=("contents: string",),
    outputs=("audio: float32", "sample_rate: int32"),
    attrs={"desired_channels": -1, "desired_samples": -1},
    kernel="host",
    differentiable=False,
    shape=_decode_shape,
)
def decode_wav(contents: Array, *, desired_channels: int, desired_samples: int) -> Any:
    """Samples of a 16-bit PCM WAV file, between -1 and 1.

    Shape: contents [] -> audio [samples, channels], sample_rate [].
    Errors: InvalidArgumentError when the contents are no such file.
    Source: TensorFlow op `DecodeWav`: lacking channels repeat the last one, lacking samples
        are zeros.
    """
    if np.ndim(contents):
        raise InvalidArgumentError(f"contents must be scalar, got shape {contents.shape}")
    data = bytes(np.asarray(contents)[()])
    rate, samples = _read_wav(data)
    audio = samples.astype(np.float32) / np.float32(32768)
    if desired_channels >= 0:
        last = audio.shape[1] - 1
        audio = audio[:, np.minimum(np.arange(desired_channels), last)]
    if desired_samples >= 0:
        lacking = max(desired_samples - len(audio), 0)
        audio = np.pad(audio[:desired_samples], ((0, lacking), (0, 0)))
    return audio, np.asarray(rate, np.int32)


def _read_wav(data: bytes) -> tuple[int, Array]:
    """Sample rate and samples [n, channels]."""
    if len(data) < 12:
        raise InvalidArgumentError(_TOO_SHORT)
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise InvalidArgumentError(
            f"Header mismatch: Expected RIFF and WAVE but found {data[:4]!r}, {data[8:12]!r}"
        )
    if data[12:16] != b"fmt ":
        raise InvalidArgumentError(f"Header mismatch: Expected fmt  but found {data[12:16]!r}")
    channels, rate, start = _read_format(data)
    while start + 8 <= len(data):
        kind, size = data[start : start + 4], struct.unpack_from("<I", data, start + 4)[0]
        start += 8
        if kind == b"data":
            if start + size > len(data):
                raise InvalidArgumentError(_TOO_SHORT)
            count = size // (2 * channels) * channels
            samples = np.frombuffer(data, "<i2", count, start)
            return rate, samples.reshape(-1, channels)
        # Chunks that start at odd places are padded by one byte.
        start += size + size % 2
    raise InvalidArgumentError("a WAV file must have a chunk named data, found none")


def _read_format(data: bytes) -> tuple[int, int, int]:
    """Channels, sample rate, and where the chunk after the format starts."""
    if len(data) < 36:
        raise InvalidArgumentError(_TOO_SHORT)
    size, form, channels, rate, per_second, frame, bits = struct.unpack_from(
        "<IHHIIHH", data, 16
    )
    if size not in (16, 18, 40):
        raise InvalidArgumentError(
            f"Bad format chunk size for WAV: expected 16 or 18, got {size}"
        )
    if form not in (_PCM, _EXTENSIBLE):
        raise InvalidArgumentError(
            f"Bad audio format for WAV: Expected 1 (PCM), but got {form}"
        )
    if bits != 16:
        raise InvalidArgumentError(f"Can only read 16-bit WAV files, but received {bits}")
    if channels == 0 or frame != 2 * channels or per_second != frame * rate:
        raise InvalidArgumentError(
            "a WAV file must have channels * 2 bytes a frame, and frames * rate bytes a "
            f"second, got {channels} channels, {frame} and {per_second} bytes at {rate} Hz"
        )
    return channels, rate, 20 + size


@op(
    "EncodeWav",
    inputs=("audio: float32", "sample_rate: int32"),
    outputs=("contents: string",),
    kernel="host",
    differentiable=False,
    shape=lambda *_, **__: TensorShape([]),
)
def encode_wav(audio: Array, sample_rate: Array) -> Array:
    """Bytes of a 16-bit PCM WAV file.

    Shape: audio [samples, channels], sample_rate [] -> contents [].
    Errors: InvalidArgumentError when audio is no matrix or the rate is not positive.
    """
    if audio.ndim != 2:
        raise InvalidArgumentError(f"audio must be 2-dimensional, got shape {audio.shape}")
    if np.ndim(sample_rate):
        raise InvalidArgumentError(f"sample_rate must be scalar, got {sample_rate.shape}")
    rate, channels = int(sample_rate), audio.shape[1]
    if rate <= 0:
        raise InvalidArgumentError(f"sample_rate must be in (0, 2^32), got: {rate}")
    if not 0 < channels < 1 << 15:
        raise InvalidArgumentError(f"channels must be in (0, 2^15), got: {channels}")
    scaled = np.clip(audio * np.float32(32768), -32768, 32767)
    # To the nearest, halves away from zero.
    nearest = np.trunc(scaled + np.copysign(np.float32(0.5), scaled))
    body = np.clip(nearest, -32768, 32767).astype("<i2").tobytes()
    frame = 2 * channels
    form = struct.pack("<IHHIIHH", 16, _PCM, channels, rate, frame * rate, frame, 16)
    head = b"RIFF" + struct.pack("<I", 36 + len(body)) + b"WAVEfmt " + form
    text = np.empty((), object)
    text[()] = head + b"data" + struct.pack("<I", len(body)) + body
    return text


def _spectrogram_shape(spec: Any, *, window_size: int, stride: int, **_: Any) -> TensorShape:
    if spec.shape.rank is None:
        return TensorShape([None, None, None])
    samples, channels = spec.shape.as_list()
    frames = None if samples is None else _frames(samples, window_size, stride)
    return TensorShape([channels, frames, _power_of_two(window_size) // 2 + 1])


def _frames(samples: int, window_size: int, stride: int) -> int:
    return 0 if samples < window_size else 1 + (samples - window_size) // stride


def _power_of_two(size: int) -> int:
    return 1 << max(size - 1, 0).bit_length()


@op(
    "AudioSpectrogram",
    inputs=("input: float32",),
    outputs=("spectrogram: float32",),
    attrs={"window_size": REQUIRED, "stride": REQUIRED, "magnitude_squared": False},
    kernel="host",
    differentiable=False,
    shape=_spectrogram_shape,
)
def audio_spectrogram(
    input: Array, *, window_size: int, stride: int, magnitude_squared: bool
) -> Array:
    """Strength of each frequency in windows of the sound, weighted by a Hann window.

    Shape: input [samples, channels] -> spectrogram [channels, frames, frequencies].
    Errors: InvalidArgumentError when the input is no matrix, a window is below 2 or a stride
        below 1.
    """
    if input.ndim != 2:
        raise InvalidArgumentError(f"input must be 2-dimensional, got shape {input.shape}")
    if window_size < 2 or stride < 1:
        raise InvalidArgumentError(
            f"window_size must be at least 2 and stride 1, got {window_size} and {stride}"
        )
    count = _frames(len(input), window_size, stride)
    size = _power_of_two(window_size)
    if count == 0:
        return np.zeros((input.shape[1], 0, size // 2 + 1), np.float32)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window_size) / window_size)
    views = np.lib.stride_tricks.sliding_window_view(input.T, window_size, axis=1)
    frames = views[:, ::stride].astype(np.float64) * window
    spectrum = np.fft.rfft(frames, size)
    power = spectrum.real**2 + spectrum.imag**2
    return (power if magnitude_squared else np.sqrt(power)).astype(np.float32)


@op(
    "Mfcc",
    inputs=("spectrogram: float32", "sample_rate: int32"),
    outputs=("output: float32",),
    attrs={
        "upper_frequency_limit": 4000.0,
        "lower_frequency_limit": 20.0,
        "filterbank_channel_count": 40,
        "dct_coefficient_count": 13,
    },
    kernel="host",
    differentiable=False,
    shape=lambda spec, _, *, dct_coefficient_count, **__: spec.shape[:2].concatenate(
        [dct_coefficient_count]
    ),
)
def mfcc(
    spectrogram: Array,
    sample_rate: Array,
    *,
    upper_frequency_limit: float,
    lower_frequency_limit: float,
    filterbank_channel_count: int,
    dct_coefficient_count: int,
) -> Array:
    """Mel-frequency cepstral coefficients of squared magnitudes.

    Shape: spectrogram [channels, frames, frequencies], sample_rate [] -> output [channels,
        frames, coefficients].
    Errors: InvalidArgumentError when the spectrogram has not three axes.
    """
    if spectrogram.ndim != 3:
        raise InvalidArgumentError(
            f"spectrogram must be 3-dimensional, got shape {spectrogram.shape}"
        )
    bank = _mel_bank(
        spectrogram.shape[2],
        int(sample_rate),
        filterbank_channel_count,
        (lower_frequency_limit, upper_frequency_limit),
    )
    energies = np.sqrt(spectrogram.astype(np.float64)) @ bank
    logarithms = np.log(np.maximum(energies, 1e-12))
    n = filterbank_channel_count
    angles = np.pi / n * np.outer(np.arange(n) + 0.5, np.arange(dct_coefficient_count))
    return (np.sqrt(2.0 / n) * (logarithms @ np.cos(angles))).astype(np.float32)


def _mel(frequency: Array) -> Array:
    return 1127.0 * np.log1p(frequency / 700.0)


def _mel_bank(bins: int, rate: int, channels: int, limits: tuple[float, float]) -> Array:
    """Weights [bins, channels] of triangles that are evenly spaced in mel."""
    low, high = _mel(limits[0]), _mel(limits[1])
    spacing = (high - low) / (channels + 1)
    width = 0.5 * rate / (bins - 1)
    first, last = int(1.5 + limits[0] / width), int(limits[1] / width)
    bank = np.zeros((bins, channels))
    for i in range(first, min(last + 1, bins)):
        place = (_mel(i * width) - low) / spacing
        # Between the centres below and above it shares its strength by its distance to them.
        below = int(np.floor(place)) - 1
        share = 1.0 - (place - np.floor(place))
        if 0 <= below < channels:
            bank[i, below] = share
        if 0 <= below + 1 < channels:
            bank[i, below + 1] = 1.0 - share
    return bank
