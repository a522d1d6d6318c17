"""Samples of activations, softmax and biases."""

import math

import ml_dtypes
import numpy as np

from tests.ops.sample import Sample

x = np.float32([[-2.0, -0.5, 0.25], [1.5, 4.0, 7.0]])
seed = np.float32([[1.0, -2.0, 0.5], [3.0, 0.25, -1.0]])
channels = np.float32([10.0, 20.0, 30.0])
image = np.arange(12, dtype=np.float32).reshape(1, 3, 2, 2)
powers = np.exp(x - x.max(axis=-1, keepdims=True))
shares = powers / powers.sum(axis=-1, keepdims=True)
scale, scale_alpha = 1.0507009873554805, 1.7580993408473766
slope = np.where(x > 0, 1, np.exp(x))
positive, inside = x > 0, (x > 0) & (x < 6)

SAMPLES = [
    Sample("Relu", (x,), np.maximum(x, 0)),
    Sample("Relu", (np.int32([-3, 0, 4]),), np.int32([0, 0, 4])),
    Sample("Relu", (np.float32([np.nan]),), np.float32([np.nan]), differentiable=False),
    Sample("ReluGrad", (seed, x), np.where(positive, seed, 0)),
    Sample("Relu6", (x,), np.clip(x, 0, 6)),
    Sample("Relu6", (np.uint8([3, 9]),), np.uint8([3, 6])),
    Sample("Relu6Grad", (seed, x), np.where(inside, seed, 0)),
    Sample("LeakyRelu", (x,), np.where(positive, x, np.float32(0.2) * x)),
    Sample("LeakyRelu", (x,), np.where(positive, x, -x), {"alpha": -1.0}),
    Sample(
        "LeakyReluGrad",
        (seed, x),
        np.where(positive, seed, seed * np.float32(0.1)),
        {"alpha": 0.1},
    ),
    Sample("Elu", (x,), np.where(positive, x, np.expm1(x))),
    Sample("EluGrad", (seed, x), np.where(x < 0, seed * (x + 1), seed)),
    Sample(
        "Selu",
        (x,),
        np.where(positive, scale * x, scale_alpha * np.expm1(x)).astype(np.float32),
    ),
    Sample(
        "SeluGrad",
        (seed, x),
        (seed * np.where(x < 0, x + scale_alpha, scale)).astype(np.float32),
    ),
    Sample("Softplus", (x,), np.log1p(np.exp(x))),
    Sample("Softplus", (np.float32([-200, 200]),), np.float32([0, 200])),
    Sample("SoftplusGrad", (seed, x), seed / (1 + np.exp(-x))),
    Sample("Softsign", (x,), x / (1 + abs(x))),
    Sample("SoftsignGrad", (seed, x), seed / (1 + abs(x)) ** 2),
    Sample("Softmax", (x,), shares),
    Sample("Softmax", (np.float32([[1000.0, 0.0]]),), np.float32([[1.0, 0.0]])),
    Sample("Softmax", (np.zeros((2, 0), np.float32),), np.zeros((2, 0), np.float32)),
    Sample("LogSoftmax", (x,), np.log(shares)),
    Sample(
        "LogSoftmax",
        (np.array([[1.0, 1.0]], ml_dtypes.bfloat16),),
        np.array([[-math.log(2)] * 2], ml_dtypes.bfloat16),
    ),
    Sample("L2Loss", (x,), np.float32((x * x).sum() / 2)),
    Sample("BiasAdd", (x, channels), x + channels),
    Sample(
        "BiasAdd", (image, channels), image + channels[:, None, None], {"data_format": "NCHW"}
    ),
    Sample("BiasAddV1", (x, channels), x + channels),
    Sample("BiasAddGrad", (x,), x.sum(axis=0)),
    Sample("BiasAddGrad", (image,), image.sum(axis=(0, 2, 3)), {"data_format": "NCHW"}),
    Sample("BiasAddGrad", (np.int8([[100], [100]]),), np.int8([-56])),
]
