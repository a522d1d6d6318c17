"""Samples of poolings, by the definition in `tests.ops.naive`."""

import numpy as np

from penstock.core.dtypes import int32
from tests.ops import naive
from tests.ops.sample import Sample

random = np.random.default_rng(3)


def _array(*shape):
    return random.normal(size=shape).astype(np.float32)


x = _array(2, 5, 4, 2)
tied = np.round(x)
volume = _array(1, 3, 4, 3, 2)
big = _array(1, 7, 7, 1)
over = {"ksize": (1, 3, 2, 1), "strides": (1, 2, 1, 1), "padding": "SAME"}
apart = {"ksize": (1, 2, 2, 1), "strides": (1, 2, 2, 1), "padding": "VALID"}
window, steps = (3, 2), (2, 1)
box = {"ksize": (1, 2, 2, 2, 1), "strides": (1, 1, 2, 1, 1), "padding": "SAME"}
# More cells than are worth a program of their own.
whole = {"ksize": (1, 6, 6, 1), "strides": (1, 1, 1, 1), "padding": "VALID"}
grad, apart_grad, volume_grad = _array(2, 3, 4, 2), _array(2, 2, 2, 2), _array(1, 3, 2, 3, 2)
whole_grad = _array(1, 2, 2, 1)


def _largest(array, size, strides, padding):
    return naive.pool(array, size, strides, padding, np.max)


def _mean(array, size, strides, padding):
    return naive.pool(array, size, strides, padding, np.mean)


SAMPLES = [
    Sample("MaxPool", (x,), _largest(x, window, steps, "SAME"), over),
    Sample("MaxPool", (x,), _largest(x, (2, 2), (2, 2), "VALID"), apart),
    Sample("MaxPool", (big,), _largest(big, (6, 6), (1, 1), "VALID"), whole),
    Sample(
        "MaxPool",
        (x.transpose(0, 3, 1, 2),),
        _largest(x, (2, 2), (2, 2), "VALID").transpose(0, 3, 1, 2),
        {
            "ksize": (1, 1, 2, 2),
            "strides": (1, 1, 2, 2),
            "padding": "VALID",
            "data_format": "NCHW",
        },
    ),
    Sample(
        "MaxPool",
        (x,),
        x.max(axis=-1, keepdims=True),
        {"ksize": (1, 1, 1, 2), "strides": (1, 1, 1, 2), "padding": "VALID"},
    ),
    Sample(
        "MaxPool",
        (np.int32([[[[-3], [-4]]]]),),
        np.int32([[[[-3]]]]),
        {"ksize": (1, 2, 2, 1), "strides": (1, 2, 2, 1), "padding": "SAME"},
    ),
    Sample(
        "MaxPoolGrad",
        (tied, _largest(tied, window, steps, "SAME"), grad),
        naive.max_pool_gradient(tied, grad, window, steps, "SAME"),
        over,
        differentiable=False,
    ),
    Sample(
        "MaxPoolGrad",
        (tied, _largest(tied, (2, 2), (2, 2), "VALID"), apart_grad),
        naive.max_pool_gradient(tied, apart_grad, (2, 2), (2, 2), "VALID"),
        apart,
        differentiable=False,
    ),
    Sample(
        "MaxPoolGrad",
        (big, _largest(big, (6, 6), (1, 1), "VALID"), whole_grad),
        naive.max_pool_gradient(big, whole_grad, (6, 6), (1, 1), "VALID"),
        whole,
        differentiable=False,
    ),
    Sample(
        "MaxPoolV2",
        (x, np.int32([1, 3, 2, 1]), np.int32([1, 2, 1, 1])),
        _largest(x, window, steps, "SAME"),
        {"padding": "SAME"},
    ),
    Sample(
        "MaxPoolGradV2",
        (
            tied,
            _largest(tied, window, steps, "SAME"),
            grad,
            np.int32([1, 3, 2, 1]),
            np.int32([1, 2, 1, 1]),
        ),
        naive.max_pool_gradient(tied, grad, window, steps, "SAME"),
        {"padding": "SAME"},
        differentiable=False,
    ),
    Sample("MaxPool3D", (volume,), _largest(volume, (2, 2, 2), (1, 2, 1), "SAME"), box),
    Sample(
        "MaxPool3DGrad",
        (volume, _largest(volume, (2, 2, 2), (1, 2, 1), "SAME"), volume_grad),
        naive.max_pool_gradient(volume, volume_grad, (2, 2, 2), (1, 2, 1), "SAME"),
        box,
        differentiable=False,
    ),
    Sample("AvgPool", (x,), _mean(x, window, steps, "SAME"), over),
    Sample("AvgPool", (x,), _mean(x, (2, 2), (2, 2), "VALID"), apart),
    Sample("AvgPool", (big,), _mean(big, (6, 6), (1, 1), "VALID"), whole),
    Sample(
        "AvgPoolGrad",
        (np.int32(x.shape), grad),
        naive.mean_pool_gradient(x.shape, grad, window, steps, "SAME"),
        over,
    ),
    Sample(
        "AvgPoolGrad",
        (np.int32([2, 4, 4, 2]), apart_grad),
        naive.mean_pool_gradient((2, 4, 4, 2), apart_grad, (2, 2), (2, 2), "VALID"),
        apart,
    ),
    Sample(
        "AvgPoolGrad",
        (np.int32(big.shape), whole_grad),
        naive.mean_pool_gradient(big.shape, whole_grad, (6, 6), (1, 1), "VALID"),
        whole,
    ),
    Sample("AvgPool3D", (volume,), _mean(volume, (2, 2, 2), (1, 2, 1), "SAME"), box),
    Sample(
        "AvgPool3DGrad",
        (np.int32(volume.shape), volume_grad),
        naive.mean_pool_gradient(volume.shape, volume_grad, (2, 2, 2), (1, 2, 1), "SAME"),
        box,
    ),
    Sample(
        "MaxPoolWithArgmax",
        (np.float32([[[[1], [5]], [[5], [2]]]] * 2),),
        (np.float32([[[[5]]]] * 2), np.int64([[[[1]]]] * 2)),
        apart,
        differentiable=False,
    ),
    Sample(
        "MaxPoolWithArgmax",
        (np.float32([[[[1], [5]], [[7], [2]]]] * 2),),
        (np.float32([[[[7]]]] * 2), np.int32([[[[2]]], [[[6]]]])),
        apart | {"include_batch_in_index": True, "Targmax": int32},
    ),
    Sample(
        "MaxPoolGradWithArgmax",
        (
            np.zeros((2, 2, 2, 1), np.float32),
            np.float32([[[[3]]], [[[4]]]]),
            np.int64([[[[2]]], [[[0]]]]),
        ),
        np.float32([[[[0], [0]], [[3], [0]]], [[[4], [0]], [[0], [0]]]]),
        apart,
    ),
]
