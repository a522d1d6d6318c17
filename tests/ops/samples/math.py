"""Samples of elementwise functions of one argument."""

import numpy as np

from tests.ops.sample import Sample

x = np.float32([[-1.7, -0.3, 0.4], [0.9, 1.6, 2.2]])
positive = np.float32([[0.2, 0.7, 1.0], [1.4, 2.5, 6.0]])
inner = np.float32([-0.9, -0.4, 0.1, 0.6])
above_one = np.float32([1.2, 1.9, 3.5])
halves = np.float32([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.3])
whole = np.int32([-3, 0, 5])
z = np.complex64([1 + 2j, -0.5 + 0.3j])
slope = np.float32([[0.5, -1.0, 2.0], [1.5, -0.5, 1.0]])

SAMPLES = [
    Sample("Abs", (x,), np.where(x < 0, -x, x)),
    Sample("Abs", (whole,), np.int32([3, 0, 5])),
    Sample("Neg", (x,), 0 - x),
    Sample("Neg", (whole,), np.int32([3, 0, -5])),
    Sample("Sign", (x,), np.float32([[-1, -1, 1], [1, 1, 1]])),
    Sample("Sign", (whole,), np.int32([-1, 0, 1])),
    Sample("Sign", (z,), z / np.hypot(z.real, z.imag)),
    Sample("Square", (x,), x * x),
    Sample("Square", (z,), z * z),
    Sample("Sqrt", (positive,), positive**0.5),
    Sample("Rsqrt", (positive,), positive**-0.5),
    Sample("Reciprocal", (positive,), 1 / positive),
    Sample("Inv", (positive,), 1 / positive),
    Sample("Exp", (x,), np.e**x, tolerance=1e-5),
    Sample("Expm1", (np.float32([1e-8, 0.5]),), np.float32([1e-8, 0.6487212707])),
    Sample("Log", (positive,), np.log2(positive) * np.float32(np.log(2))),
    Sample("Log1p", (np.float32([1e-8, 0.5]),), np.float32([1e-8, 0.4054651081])),
    Sample("Sigmoid", (x,), 0.5 + 0.5 * np.tanh(x / 2)),
    Sample("Sin", (x,), np.exp(1j * x).imag.astype(np.float32)),
    Sample("Cos", (x,), np.exp(1j * x).real.astype(np.float32)),
    Sample("Tan", (inner,), np.sin(inner) / np.cos(inner)),
    Sample("Asin", (np.sin(inner),), inner),
    Sample("Acos", (inner,), np.float32(np.pi / 2) - np.arcsin(inner)),
    Sample("Atan", (np.tan(inner),), inner),
    Sample("Sinh", (x,), (np.exp(x) - np.exp(-x)) / 2),
    Sample("Cosh", (x,), (np.exp(x) + np.exp(-x)) / 2),
    Sample("Tanh", (x,), 1 - 2 / (np.exp(2 * x) + 1)),
    Sample("Asinh", (np.sinh(x),), x),
    Sample("Acosh", (above_one,), np.log(above_one + np.sqrt(above_one**2 - 1))),
    Sample("Atanh", (np.tanh(inner),), inner),
    Sample("Floor", (halves,), np.float32([-3, -2, -1, 0, 1, 2, 0])),
    Sample("Ceil", (halves,), np.float32([-2, -1, 0, 1, 2, 3, 1])),
    Sample("Round", (halves,), np.float32([-2, -2, 0, 0, 2, 2, 0])),
    Sample("Round", (whole,), whole),
    Sample("Rint", (halves,), np.float32([-2, -2, 0, 0, 2, 2, 0])),
    Sample("ReciprocalGrad", (x, slope), -slope * x**2),
    Sample("InvGrad", (x, slope), -slope * x**2),
    Sample("SqrtGrad", (x, slope), slope / (2 * x)),
    Sample("RsqrtGrad", (x, slope), -slope * x**3 / 2),
    Sample("SigmoidGrad", (x, slope), slope * (x - x**2)),
    Sample("TanhGrad", (x, slope), slope - slope * x**2),
]
