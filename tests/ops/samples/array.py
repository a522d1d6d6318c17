"""Samples of identities, shapes, reshaping, filling and broadcasting."""

import numpy as np

from penstock.core import dtypes
from penstock.core.tensor_shape import TensorShape
from tests.ops.sample import Sample

x = np.arange(6, dtype=np.float32).reshape(2, 3)
y = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
text = np.array([[b"a", b"bc"], [b"", b"d"]], object)
z = np.complex64([[1 + 2j, 3 - 1j]])


def ints(*values):
    return np.array(values, np.int32)


SAMPLES = [
    Sample("Const", (), x, {"value": x, "dtype": dtypes.float32}),
    *[Sample(op, (x,), x) for op in ("Identity", "Snapshot", "GuaranteeConst", "DeepCopy")],
    Sample("Identity", (text,), text),
    Sample("IdentityN", ((x, ints(1, 2)),), (x, ints(1, 2))),
    Sample("StopGradient", (x,), x, differentiable=False),
    Sample("PreventGradient", (x,), x, differentiable=False),
    Sample("PlaceholderWithDefault", (x,), x, {"shape": TensorShape([None, 3])}),
    Sample("EnsureShape", (x,), x, {"shape": TensorShape([None, 3])}),
    Sample("Shape", (y,), ints(2, 3, 4)),
    Sample("Shape", (y,), np.int64([2, 3, 4]), {"out_type": dtypes.int64}),
    Sample("ShapeN", ((x, y),), (ints(2, 3), ints(2, 3, 4))),
    Sample("Size", (y,), np.int32(24)),
    Sample("Rank", (y,), np.int32(3)),
    Sample("Reshape", (x, ints(3, 2)), np.float32([[0, 1], [2, 3], [4, 5]])),
    Sample("Reshape", (x, ints(-1)), np.arange(6, dtype=np.float32)),
    Sample("Reshape", (text, ints(4)), np.array([b"a", b"bc", b"", b"d"], object)),
    Sample(
        "Reshape", (np.zeros((0, 3), np.float32), ints(-1, 3)), np.zeros((0, 3), np.float32)
    ),
    Sample("ExpandDims", (x, np.int32(0)), x[None]),
    Sample("ExpandDims", (x, np.int32(-1)), x[..., None]),
    Sample("Squeeze", (x[None, :, None],), x),
    Sample("Squeeze", (x[None, :, None],), x[:, None], {"squeeze_dims": (0,)}),
    Sample("Transpose", (y, ints(2, 0, 1)), np.einsum("abc->cab", y)),
    Sample("Transpose", (text, ints(1, 0)), np.array([[b"a", b""], [b"bc", b"d"]], object)),
    Sample("ConjugateTranspose", (z, ints(1, 0)), np.complex64([[1 - 2j], [3 + 1j]])),
    Sample("InvertPermutation", (ints(2, 0, 1),), ints(1, 2, 0)),
    Sample("Fill", (ints(2, 2), np.float32(7)), np.float32([[7, 7], [7, 7]])),
    Sample("Fill", (ints(2), np.array(b"a", object)), np.array([b"a", b"a"], object)),
    Sample("ZerosLike", (x,), np.zeros((2, 3), np.float32)),
    Sample("ZerosLike", (text[0],), np.array([b"", b""], object)),
    Sample("OnesLike", (x,), np.ones((2, 3), np.float32)),
    Sample("Empty", (ints(2, 1),), np.zeros((2, 1), np.int8), {"dtype": dtypes.int8}),
    Sample("BroadcastTo", (x[:, :1], ints(2, 2, 3)), np.float32([[[0] * 3, [3] * 3]] * 2)),
    Sample("BroadcastArgs", (ints(2, 1), ints(3)), ints(2, 3)),
    Sample("BroadcastGradientArgs", (ints(2, 1), ints(3)), (ints(1), ints(0))),
    Sample("BroadcastGradientArgs", (ints(2, 3), ints(2, 3)), (ints(), ints())),
    Sample("Bitcast", (np.float32([1]),), ints(0x3F800000), {"type": dtypes.int32}),
    Sample("Bitcast", (ints(1),), np.uint8([[1, 0, 0, 0]]), {"type": dtypes.uint8}),
    Sample(
        "Bitcast",
        (np.float32([[1, 2], [3, 4]]),),
        np.complex64([1 + 2j, 3 + 4j]),
        {"type": dtypes.complex64},
    ),
    Sample("NoOp", (), ()),
    Sample("UnravelIndex", (ints(5, 7), ints(3, 4)), ints([1, 1], [1, 3])),
]
