"""`tf.audio`: WAV files."""

from __future__ import annotations

from typing import Any, NamedTuple

from penstock.runtime.dispatch import call

__all__ = ["decode_wav", "encode_wav"]


class DecodeWav(NamedTuple):
    """What `decode_wav` gives."""

    audio: Any
    sample_rate: Any


def decode_wav(
    contents: Any, desired_channels: int = -1, desired_samples: int = -1, name: Any = None
) -> Any:
    """Decode a 16-bit PCM WAV file.

    Args:
        contents: bytes of the file, a scalar.
        desired_channels: number of channels; -1 takes those of the file. Lacking ones repeat
            the last.
        desired_samples: number of samples; -1 takes those of the file. Lacking ones are zeros.
        name: of the node in a graph.

    Returns:
        `audio`, float32 [samples, channels] between -1 and 1, and `sample_rate` in Hz.
    """
    found = call(
        "DecodeWav",
        contents,
        desired_channels=desired_channels,
        desired_samples=desired_samples,
        name=name,
    )
    return DecodeWav(*found)


def encode_wav(audio: Any, sample_rate: Any, name: Any = None) -> Any:
    """Encode sound as a 16-bit PCM WAV file.

    Args:
        audio: float32 [samples, channels]; what is not between -1 and 1 is clipped.
        sample_rate: in Hz.
        name: of the node in a graph.
    """
    return call("EncodeWav", audio, sample_rate, name=name)
