"""Samples of Fourier transforms."""

import numpy as np

from penstock.core.dtypes import complex64, complex128, float32, float64
from tests.ops.sample import Sample

rng = np.random.default_rng(3)
x = rng.normal(size=(2, 3, 4))
z = x + 1j * rng.normal(size=(2, 3, 4))
wide = {"Tcomplex": complex128}
real = {"Treal": float64}


def _n(*sizes):
    return np.int32(sizes)


SAMPLES = [
    Sample("FFT", (z,), np.fft.fft(z), differentiable=False),
    Sample("FFT", (np.complex64([[1, 2j]]),), np.complex64([[1 + 2j, 1 - 2j]]), {}, False),
    Sample("IFFT", (z,), np.fft.ifft(z), differentiable=False),
    Sample("FFT2D", (z,), np.fft.fft2(z), differentiable=False),
    Sample("IFFT2D", (z,), np.fft.ifft2(z), differentiable=False),
    Sample("FFT3D", (z,), np.fft.fftn(z), differentiable=False),
    Sample("IFFT3D", (z,), np.fft.ifftn(z), differentiable=False),
    Sample("RFFT", (x, _n(4)), np.fft.rfft(x), wide),
    Sample("RFFT", (x, _n(3)), np.fft.rfft(x[..., :3]), wide),
    Sample("RFFT", (np.float32([1, 2]), _n(2)), np.complex64([3, -1]), {"Tcomplex": complex64}),
    Sample("RFFT2D", (x, _n(3, 4)), np.fft.rfft2(x), wide),
    Sample("RFFT3D", (x, _n(2, 3, 4)), np.fft.rfftn(x), wide),
    Sample("IRFFT", (z, _n(6)), np.fft.irfft(z), real, differentiable=False),
    Sample("IRFFT", (z, _n(7)), np.fft.irfft(z, 7), real, differentiable=False),
    Sample(
        "IRFFT", (np.complex64([3, -1]), _n(2)), np.float32([1, 2]), {"Treal": float32}, False
    ),
    Sample("IRFFT2D", (z, _n(3, 5)), np.fft.irfft2(z, (3, 5)), real, differentiable=False),
    Sample(
        "IRFFT3D",
        (z, _n(2, 3, 5)),
        np.fft.irfftn(z, (2, 3, 5), (0, 1, 2)),
        real,
        differentiable=False,
    ),
    Sample("FFTND", (z, _n(3, 2), _n(1, 0)), np.fft.fftn(z, (3, 2), (1, 0)), {}, False),
    Sample("IFFTND", (z, _n(3, 2), _n(1, 0)), np.fft.ifftn(z, (3, 2), (1, 0)), {}, False),
    Sample("RFFTND", (x, _n(4, 3), _n(2, 1)), np.fft.rfftn(x, (4, 3), (2, 1)), wide),
    Sample("IRFFTND", (z, _n(2, 5), _n(0, 2)), np.fft.irfftn(z, (2, 5), (0, 2)), real, False),
]
