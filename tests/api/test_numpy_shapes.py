"""`tf.experimental.numpy` against NumPy: reductions, shapes, joining and picking."""

import numpy as np
import pytest

import penstock as tf

tnp = tf.experimental.numpy

A = np.arange(24.0).reshape(2, 3, 4) - 7
B = np.array([[3, 1, 2], [0, 5, 4]])
v = np.array([1.0, 2, 3])
N = np.array([[1.0, np.nan, 3.0], [np.nan, 2.0, 2.0]])

REDUCTIONS = [
    "sum", "prod", "mean", "var", "std", "max", "min", "amax", "amin", "ptp", "all", "any",
    "argmax", "argmin", "cumsum", "cumprod", "sort", "argsort", "count_nonzero",
]  # fmt: skip

CALLS = [
    ("ravel", (A,), {}),
    (
        "reshape",
        (
            A,
            (4, -1),
        ),
        {},
    ),
    (
        "reshape",
        (
            A,
            (4, 6),
        ),
        {"order": "F"},
    ),
    (
        "expand_dims",
        (
            A,
            1,
        ),
        {},
    ),
    ("squeeze", (A[:, :1],), {"axis": 1}),
    ("transpose", (A,), {}),
    (
        "transpose",
        (
            A,
            (1, 0, 2),
        ),
        {},
    ),
    (
        "swapaxes",
        (
            A,
            0,
            -1,
        ),
        {},
    ),
    (
        "moveaxis",
        (
            A,
            0,
            -1,
        ),
        {},
    ),
    (
        "moveaxis",
        (
            A,
            (0, 1),
            (-1, 0),
        ),
        {},
    ),
    (
        "broadcast_to",
        (
            v,
            (2, 3),
        ),
        {},
    ),
    ("atleast_1d", (3,), {}),
    ("atleast_2d", (v,), {}),
    ("atleast_3d", (v,), {}),
    ("atleast_3d", (B,), {}),
    ("concatenate", ([A, A],), {"axis": 1}),
    ("concatenate", ([A, B],), {"axis": None}),
    (
        "append",
        (
            B,
            B,
        ),
        {"axis": 0},
    ),
    (
        "append",
        (
            B,
            7,
        ),
        {},
    ),
    ("stack", ([v, v],), {"axis": 1}),
    ("vstack", ([v, v],), {}),
    ("hstack", ([v, v],), {}),
    ("hstack", ([B, B],), {}),
    ("dstack", ([B, B],), {}),
    (
        "split",
        (
            A,
            3,
        ),
        {"axis": 1},
    ),
    (
        "split",
        (
            A,
            [1, 2],
        ),
        {"axis": 1},
    ),
    (
        "split",
        (
            np.arange(5),
            [1, 7],
        ),
        {},
    ),
    (
        "vsplit",
        (
            A,
            2,
        ),
        {},
    ),
    (
        "hsplit",
        (
            B,
            3,
        ),
        {},
    ),
    (
        "dsplit",
        (
            A,
            2,
        ),
        {},
    ),
    (
        "tile",
        (
            B,
            (2, 1),
        ),
        {},
    ),
    (
        "tile",
        (
            v,
            (2, 2),
        ),
        {},
    ),
    (
        "tile",
        (
            B,
            2,
        ),
        {},
    ),
    (
        "repeat",
        (
            B,
            2,
        ),
        {},
    ),
    (
        "repeat",
        (
            B,
            2,
        ),
        {"axis": 1},
    ),
    (
        "repeat",
        (
            B,
            [1, 2],
        ),
        {"axis": 0},
    ),
    (
        "roll",
        (
            A,
            2,
        ),
        {},
    ),
    (
        "roll",
        (
            A,
            1,
        ),
        {"axis": 1},
    ),
    ("flip", (A,), {}),
    ("flip", (A,), {"axis": 1}),
    ("flip", (A,), {"axis": (0, 2)}),
    ("flipud", (B,), {}),
    ("fliplr", (B,), {}),
    (
        "pad",
        (
            B,
            1,
            "constant",
        ),
        {},
    ),
    (
        "pad",
        (
            B,
            ((0, 1), (1, 2)),
            "constant",
        ),
        {"constant_values": 9},
    ),
    (
        "pad",
        (
            A,
            ((0, 1), (1, 2), (2, 0)),
            "symmetric",
        ),
        {},
    ),
    (
        "pad",
        (
            B,
            (1, 1),
            "reflect",
        ),
        {},
    ),
    (
        "where",
        (
            B > 2,
            B,
            0.5,
        ),
        {},
    ),
    ("where", (B > 2,), {}),
    ("nonzero", (B,), {}),
    ("nonzero", (A,), {}),
    (
        "select",
        (
            [B > 3, B > 1],
            [B, B * 2.5],
        ),
        {"default": -1},
    ),
    (
        "compress",
        (
            [True, False, True],
            B,
        ),
        {"axis": 1},
    ),
    (
        "compress",
        (
            [0, 1],
            B,
        ),
        {"axis": 0},
    ),
    (
        "compress",
        (
            [0, 1, 1],
            B,
        ),
        {},
    ),
    (
        "take",
        (
            B,
            [0, 5],
        ),
        {},
    ),
    (
        "take",
        (
            A,
            [[0, 1]],
        ),
        {"axis": 2},
    ),
    (
        "take",
        (
            A,
            [-1, 5],
        ),
        {"axis": 0, "mode": "wrap"},
    ),
    (
        "take",
        (
            A,
            [-1, 5],
        ),
        {"axis": 0, "mode": "clip"},
    ),
    (
        "take_along_axis",
        (
            B,
            np.argsort(B, axis=1),
        ),
        {"axis": 1},
    ),
    (
        "take_along_axis",
        (
            A,
            np.array([[[-1]]]),
        ),
        {"axis": 2},
    ),
    ("diff", (A,), {}),
    ("diff", (A,), {"n": 2, "axis": 1}),
    ("diff", ([True, False, False],), {}),
    *(("rot90", (A, k), {"axes": axes}) for k in range(-1, 5) for axes in ((0, 1), (1, 2))),
    ("sum", (A,), {"axis": (0, 2), "keepdims": True}),
    ("var", (A,), {"axis": 1, "ddof": 1}),
    ("average", (A,), {"axis": 1, "weights": v}),
    ("average", (B,), {"weights": B}),
    ("nansum", (N,), {"axis": 1}),
    ("nanprod", (N,), {}),
    ("nanmean", (N,), {"axis": 0}),
]


def _check(name, args, kwargs):
    wanted = getattr(np, name)(*args, **kwargs)

    given = getattr(tnp, name)(*args, **kwargs)

    pairs = [(given, wanted)]
    if isinstance(wanted, (list, tuple)):
        pairs = list(zip(given, wanted, strict=True))
    for got, want in pairs:
        got, want = np.asarray(got), np.asarray(want)  # noqa: PLW2901
        assert (got.shape, got.dtype) == (want.shape, want.dtype)
        np.testing.assert_allclose(got, want, rtol=1e-6)


@pytest.mark.parametrize("axis", [None, 0, -1])
@pytest.mark.parametrize("array", [A, B, A.astype(np.float32)], ids=["A", "B", "narrow"])
@pytest.mark.parametrize("name", REDUCTIONS)
def test_a_reduction_gives_what_numpy_gives(name, array, axis):
    _check(name, (array,), {"axis": axis})


@pytest.mark.parametrize(("name", "args", "kwargs"), CALLS, ids=lambda each: str(each)[:20])
def test_a_change_of_shape_gives_what_numpy_gives(name, args, kwargs):
    _check(name, args, kwargs)
