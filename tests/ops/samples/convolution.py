"""Samples of convolutions, by the definition in `tests.ops.naive`."""

import numpy as np

from tests.ops import naive
from tests.ops.sample import Sample

random = np.random.default_rng(1)


def _array(*shape):
    return random.normal(size=shape).astype(np.float32)


def _shape(array):
    return np.int32(array.shape)


x, kernel = _array(2, 4, 5, 2), _array(3, 2, 2, 3)
same, valid = {"padding": "SAME"}, {"padding": "VALID"}
one, two = {"strides": (1, 1, 1, 1)}, {"strides": (1, 2, 2, 1)}
grad = _array(2, 2, 3, 3)
small = _array(1, 2, 2, 3)
wide = _array(3, 3, 3, 2)
grouped = _array(2, 2, 1, 4)
halves = [
    naive.convolve(x[..., i : i + 1], grouped[..., 2 * i : 2 * i + 2], (1, 1), "VALID")
    for i in range(2)
]
first = {"data_format": "NCHW"}
padded = np.pad(x, ((0, 0), (1, 0), (0, 2), (0, 0)))
explicit = {"padding": "EXPLICIT", "explicit_paddings": (0, 0, 1, 0, 0, 2, 0, 0)}
volume, box = _array(1, 3, 4, 2, 2), _array(2, 2, 1, 2, 2)
steps = {"strides": (1, 1, 2, 1, 1)}
volume_grad = _array(1, 3, 2, 2, 2)
depth = _array(3, 2, 2, 2)
depth_grad = _array(2, 2, 3, 4)


def _by_channel(function, *arrays):
    """A gradient of a depthwise convolution, from that of each channel alone."""
    return np.concatenate([function(c, *arrays) for c in range(2)], axis=-1)


SAMPLES = [
    Sample("Conv2D", (x, kernel), naive.convolve(x, kernel, (1, 1), "SAME"), one | same),
    Sample("Conv2D", (x, kernel), naive.convolve(x, kernel, (2, 2), "SAME"), two | same),
    Sample(
        "Conv2D",
        (x, kernel),
        naive.convolve(x, kernel, (1, 1), "VALID", (1, 2)),
        one | valid | {"dilations": (1, 1, 2, 1)},
    ),
    Sample("Conv2D", (x, grouped), np.concatenate(halves, axis=-1), one | valid),
    Sample(
        "Conv2D",
        (x.transpose(0, 3, 1, 2), kernel),
        naive.convolve(x, kernel, (2, 2), "SAME").transpose(0, 3, 1, 2),
        {"strides": (1, 1, 2, 2)} | same | first,
    ),
    Sample(
        "Conv2D", (x, kernel), naive.convolve(padded, kernel, (1, 1), "VALID"), one | explicit
    ),
    # The filter outgrows the input: another way through the CPU.
    Sample("Conv2D", (small, wide), naive.convolve(small, wide, (1, 1), "SAME"), one | same),
    Sample("Conv2D", (x[:0], kernel), np.zeros((0, 4, 5, 3), np.float32), one | same),
    Sample(
        "Conv2DBackpropInput",
        (_shape(x), kernel, grad),
        naive.input_gradient(x.shape, kernel, grad, (2, 2), "SAME"),
        two | same,
    ),
    Sample(
        "Conv2DBackpropInput",
        (np.int32([4, 5]), kernel, grad),
        naive.input_gradient(x.shape, kernel, grad, (2, 2), "SAME"),
        two | same,
    ),
    Sample(
        "Conv2DBackpropFilter",
        (x, _shape(kernel), grad),
        naive.filter_gradient(x, kernel.shape, grad, (2, 2), "SAME"),
        two | same,
    ),
    Sample(
        "Conv3D", (volume, box), naive.convolve(volume, box, (1, 2, 1), "SAME"), steps | same
    ),
    Sample(
        "Conv3DBackpropInputV2",
        (_shape(volume), box, volume_grad),
        naive.input_gradient(volume.shape, box, volume_grad, (1, 2, 1), "SAME"),
        steps | same,
    ),
    Sample(
        "Conv3DBackpropFilterV2",
        (volume, _shape(box), volume_grad),
        naive.filter_gradient(volume, box.shape, volume_grad, (1, 2, 1), "SAME"),
        steps | same,
    ),
    Sample(
        "Conv",
        (x.reshape(1, 2, 4, 5, 2), kernel),
        naive.convolve(x, kernel, (1, 1), "SAME").reshape(1, 2, 4, 5, 3),
        one | same | {"batch_dims": 2},
    ),
    Sample(
        "DepthwiseConv2dNative",
        (x, depth),
        naive.depthwise(x, depth, (2, 2), "SAME"),
        two | same,
    ),
    Sample(
        "DepthwiseConv2dNative",
        (x.transpose(0, 3, 1, 2), depth),
        naive.depthwise(x, depth, (1, 1), "VALID", (1, 2)).transpose(0, 3, 1, 2),
        one | valid | first | {"dilations": (1, 1, 1, 2)},
    ),
    Sample(
        "DepthwiseConv2dNativeBackpropInput",
        (_shape(x), depth, depth_grad),
        _by_channel(
            lambda c: naive.input_gradient(
                (2, 4, 5, 1),
                depth[:, :, c : c + 1],
                depth_grad[..., 2 * c : 2 * c + 2],
                (2, 2),
                "SAME",
            )
        ),
        two | same,
    ),
    Sample(
        "DepthwiseConv2dNativeBackpropFilter",
        (x, _shape(depth), depth_grad),
        np.stack(
            [
                naive.filter_gradient(
                    x[..., c : c + 1],
                    (3, 2, 1, 2),
                    depth_grad[..., 2 * c : 2 * c + 2],
                    (2, 2),
                    "SAME",
                )[:, :, 0]
                for c in range(2)
            ],
            axis=2,
        ),
        two | same,
    ),
]
