"""Samples of ops on sound. Expected values are TensorFlow's (2.21)."""

import struct

import numpy as np

from tests.ops.sample import Sample

_FORMAT = struct.pack("<IHHIIHH", 16, 1, 2, 8000, 32000, 4, 16)


def _wav(*numbers):
    data = struct.pack(f"<{len(numbers)}h", *numbers)
    head = b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt "
    return head + _FORMAT + b"data" + struct.pack("<I", len(data)) + data


WAV = _wav(16384, -16384, 8192, 32767, -32768, 32767)


def _text(value):
    array = np.empty((), object)
    array[()] = value
    return array


_STEREO = np.array([[0.5, -0.5], [0.25, 32767 / 32768], [-1.0, 32767 / 32768]], np.float32)
_WAVE = np.sin(np.arange(16) * 0.3).astype(np.float32)[:, None]
_HANN = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(16) / 16)

SAMPLES = [
    Sample("DecodeWav", (_text(WAV),), (_STEREO, np.int32(8000)), differentiable=False),
    Sample(
        "DecodeWav",
        (_text(WAV),),
        (np.array([[0.5], [0.25], [-1.0], [0.0]], np.float32), np.int32(8000)),
        {"desired_channels": 1, "desired_samples": 4},
        differentiable=False,
    ),
    Sample(
        "DecodeWav",
        (_text(WAV),),
        (_STEREO[:2, [0, 1, 1]], np.int32(8000)),
        {"desired_channels": 3, "desired_samples": 2},
        differentiable=False,
    ),
    Sample(
        "EncodeWav",
        (np.array([[0.5, -0.5], [0.25, 1.0], [-1.0, 2.0]], np.float32), np.int32(8000)),
        _text(WAV),
        differentiable=False,
    ),
    Sample(  # halves of a step go away from zero
        "EncodeWav",
        (np.array([[0.5, -0.5], [1.5, -2.4]], np.float32) / 32768, np.int32(8000)),
        _text(_wav(1, -1, 2, -2)),
        differentiable=False,
    ),
    Sample(
        "AudioSpectrogram",
        (_WAVE,),
        np.abs(np.fft.rfft(_WAVE[:, 0] * _HANN)).astype(np.float32)[None, None],
        {"window_size": 16, "stride": 8},
        differentiable=False,
    ),
    Sample(
        "Mfcc",
        (np.abs(np.sin(np.arange(34.0))).astype(np.float32).reshape(1, 2, 17), np.int32(8000)),
        np.array(
            [
                [
                    [0.61843079, -0.81503868, 0.23215145, 0.14050274],
                    [0.19882748, -0.90005749, 0.18542381, -0.14047085],
                ]
            ],
            np.float32,
        ),
        {
            "filterbank_channel_count": 6,
            "dct_coefficient_count": 4,
            "upper_frequency_limit": 3000.0,
            "lower_frequency_limit": 100.0,
        },
        differentiable=False,
    ),
]
