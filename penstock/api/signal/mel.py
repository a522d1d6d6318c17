"""The mel scale: perceived pitch."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.api.signal.cosine import dct
from penstock.core import dtypes
from penstock.core.dtypes import as_dtype
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call

_BREAK_HERTZ = 700.0
_HIGH_Q = 1127.0


def _mel(hertz: Any, kind: Any) -> Any:
    ratio = call("RealDiv", hertz, np.array(_BREAK_HERTZ, kind.np))
    return call(
        "Mul",
        np.array(_HIGH_Q, kind.np),
        call("Log", call("AddV2", ratio, np.array(1, kind.np))),
    )


def linear_to_mel_weight_matrix(
    num_mel_bins: int = 20,
    num_spectrogram_bins: Any = 129,
    sample_rate: Any = 8000,
    lower_edge_hertz: float = 125.0,
    upper_edge_hertz: float = 3800.0,
    dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Any:
    """Matrix that turns linear spectra into mel spectra by a product from the right.

    Args:
        num_mel_bins: number of bands.
        num_spectrogram_bins: number of linear bins, `fft_length // 2 + 1`.
        sample_rate: samples per second.
        lower_edge_hertz: lowest frequency of the bands.
        upper_edge_hertz: highest frequency of the bands.
        dtype: floating type.
        name: name of the node in a graph.

    Returns:
        Weights, [num_spectrogram_bins, num_mel_bins].

    Raises:
        ValueError: an argument is out of range.
    """
    kind = as_dtype(dtype)
    _check(num_mel_bins, sample_rate, lower_edge_hertz, upper_edge_hertz, kind)
    zero = np.array(0, kind.np)
    rate = convert_to_tensor(sample_rate)
    rate = rate if rate.dtype is kind else call("Cast", rate, DstT=kind)
    nyquist = rate / np.array(2, kind.np)
    bins = convert_to_tensor(num_spectrogram_bins, dtypes.int32)
    # The constant part of a spectrum belongs to no band.
    spectrum = _mel(call("LinSpace", zero, nyquist, bins)[1:], kind)
    spectrum = call("ExpandDims", spectrum, 1)
    low, high = (
        _mel(convert_to_tensor(edge, kind), kind)
        for edge in (lower_edge_hertz, upper_edge_hertz)
    )
    edges = call("LinSpace", low, high, num_mel_bins + 2)
    lower, centre, upper = (
        call("ExpandDims", edges[i : i + num_mel_bins], 0) for i in range(3)
    )
    rising = (spectrum - lower) / (centre - lower)
    falling = (upper - spectrum) / (upper - centre)
    weights = call("Maximum", zero, call("Minimum", rising, falling))
    return call("Pad", weights, np.array([[1, 0], [0, 0]], np.int32), name=name)


def _check(bands: int, rate: Any, low: float, high: float, kind: Any) -> None:
    if bands <= 0:
        raise ValueError(f"num_mel_bins must be positive, got {bands}")
    if low < 0.0:
        raise ValueError(f"lower_edge_hertz must not be negative, got {low}")
    if low >= high:
        raise ValueError(
            f"lower_edge_hertz must be below upper_edge_hertz, got {low} and {high}"
        )
    if isinstance(rate, (int, float)):
        if rate <= 0.0:
            raise ValueError(f"sample_rate must be positive, got {rate}")
        if high > rate / 2:
            raise ValueError(f"upper_edge_hertz must be at most {rate / 2}, got {high}")
    if not kind.is_floating:
        raise ValueError(f"dtype must be floating, got {kind.name}")


def mfccs_from_log_mel_spectrograms(log_mel_spectrograms: Any, name: str | None = None) -> Any:
    """Mel-frequency cepstral coefficients.

    Args:
        log_mel_spectrograms: logarithms of mel spectra, [..., num_mel_bins].
        name: name of the node in a graph.
    """
    spectra = convert_to_tensor(log_mel_spectrograms)
    bands = spectra.shape.as_list()[-1]
    if bands == 0:
        raise ValueError("num_mel_bins must be positive, got 0")
    size = call("Shape", spectra)[-1] if bands is None else np.array(bands, np.int32)
    scale = call("Rsqrt", call("Cast", call("Mul", size, 2), DstT=spectra.dtype))
    return call("Mul", dct(spectra, type=2), scale, name=name)
