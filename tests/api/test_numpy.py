"""`tf.experimental.numpy`: values and dtypes are NumPy's."""

import numpy as np
import pytest

import penstock as tf
from penstock.core.errors import UnimplementedError

tnp = tf.experimental.numpy
X = np.arange(6, dtype=np.float32).reshape(2, 3)
V = np.array([3.0, -1.5, 2.0])
MASK = np.array([True, False, True])

CALLS = [
    ("add", (X, 1.5)),
    ("add", ([1], [2.0])),
    ("multiply", (X, np.float64(2))),
    ("true_divide", (1, 2)),
    ("floor_divide", ([7, -7], 2)),
    ("mod", ([7, -7], 3)),
    ("power", (2.0, [1, 2])),
    ("sqrt", ([4, 9],)),
    ("exp", (X,)),
    ("log10", ([100.0],)),
    ("log2", ([8],)),
    ("cbrt", ([-8.0, 27.0],)),
    ("hypot", (3.0, [4.0])),
    ("logaddexp", (V, 1.0)),
    ("logaddexp", (np.inf, np.inf)),
    ("heaviside", (V, 0.5)),
    ("clip", (X, 1, 4)),
    ("gcd", ([12, 18, 0], [8, 27, 5])),
    ("lcm", ([4, 0], [6, 5])),
    ("sinc", ([0.0, 0.5],)),
    ("around", (V * 1.234, 2)),
    ("fix", (V,)),
    ("signbit", ([-0.0, 1.0],)),
    ("isclose", ([1.0, np.inf, np.nan], [1.0 + 1e-9, np.inf, np.nan])),
    ("angle", ([1 + 1j, -1.0],)),
    ("sum", ([True, True],)),
    ("sum", (np.int8([100, 100]),)),
    ("mean", ([1, 2],)),
    ("var", (X, 1)),
    ("std", ([1, 2, 4],)),
    ("average", ([1, 2, 3], 0, [3, 2, 1])),
    ("nanmean", ([[1, np.nan], [3, 4]], 0)),
    ("cumsum", (X,)),
    ("cumprod", (X + 1, 1)),
    ("argmax", (X,)),
    ("argmin", (X, 1)),
    ("count_nonzero", (X, 0)),
    ("ptp", (X, 1)),
    ("arange", (0, 1, 0.25)),
    ("arange", (3,)),
    ("linspace", (0, 1, 5, False)),
    ("logspace", (0, 2, 3)),
    ("geomspace", (1, 1000, 4)),
    ("eye", (3, 4, -1)),
    ("tri", (3, 4, 1)),
    ("tril", (X, -1)),
    ("triu", (X, 1)),
    ("diag", ([1, 2], 1)),
    ("diag", (X, -1)),
    ("vander", ([1, 2, 3],)),
    ("append", ([1], [2, 3])),
    ("full", ([2, 2], 7)),
    ("concatenate", ([[1, 2], [3.5]],)),
    ("vstack", ([[1, 2], [3, 4]],)),
    ("hstack", ([X, X],)),
    ("dstack", ([X, X],)),
    ("split", (X, [1], 1)),
    ("tile", ([1, 2], [2, 2])),
    ("repeat", (X, 2, 0)),
    ("flip", (X,)),
    ("roll", (X, 1)),
    ("rot90", (X, 3)),
    ("pad", (X, 1, "constant")),
    ("pad", (V, [[1, 2]], "reflect")),
    ("take", (X, [2, 0], 1)),
    ("take_along_axis", (X, np.argsort(-X), 1)),
    ("compress", (MASK, X, 1)),
    ("where", (MASK, 1, [1.5, 2.5, 3.5])),
    ("select", ([X > 4, X > 2], [X, -X])),
    ("sort", (-X, 0)),
    ("argsort", (V,)),
    ("diff", (X, 2, 1)),
    ("moveaxis", (np.zeros((2, 3, 4)), [0, 1], [-1, 0])),
    ("swapaxes", (X, 0, 1)),
    ("matmul", (X, [1, 2, 3])),
    ("dot", (X, X.T)),
    ("inner", (X, X)),
    ("outer", ([1, 2], V)),
    ("vdot", ([1 + 1j], [2])),
    ("tensordot", (X, X.T, 1)),
    ("kron", ([[1, 2]], [[1], [3]])),
    ("cross", ([1, 2, 3], [4, 5, 6])),
    ("trace", (X,)),
    ("diagonal", (X, 1)),
    ("polyval", ([1, 2, 3], V)),
    ("nonzero", ([[0, 1], [2, 0]],)),
    ("meshgrid", ([1, 2], [3, 4, 5])),
]


@pytest.mark.parametrize(("name", "arguments"), CALLS, ids=[name for name, _ in CALLS])
def test_a_function_gives_what_numpy_gives(name, arguments):
    expected = getattr(np, name)(*arguments)

    result = getattr(tnp, name)(*arguments)

    several = isinstance(expected, (tuple, list))
    for got, want in zip(result, expected, strict=True) if several else [(result, expected)]:
        assert got.dtype.as_numpy_dtype == np.asarray(want).dtype
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-12)


def test_functions_work_in_graphs_of_unknown_sizes():
    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.float32)])
    def graph(x):
        return tnp.concatenate([tnp.ravel(x), tnp.sum(x, axis=0)]), tnp.take(x, [9, -9], axis=1)

    joined, taken = graph(X)

    np.testing.assert_array_equal(joined, [0, 1, 2, 3, 4, 5, 3, 5, 7])
    np.testing.assert_array_equal(taken, X[:, [2, 0]])


def test_gradients_flow_through():
    x = tf.constant(V)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tnp.sum(tnp.where(x > 0, x * x, 0.0))

    np.testing.assert_array_equal(tape.gradient(y, x), np.where(V > 0, 2 * V, 0))


def test_dtypes_are_promoted_as_in_numpy():
    assert tnp.result_type(np.int32, 1.0) == tf.float64
    assert tnp.result_type(np.float32, 1) == tf.float32
    assert tnp.promote_types(np.int8, np.uint8) == np.int16


def test_random_numbers_have_numpys_dtypes():
    tnp.random.seed(3)

    assert tnp.random.rand(2, 3).shape == [2, 3]
    assert tnp.random.randn(2).dtype == tf.float64
    drawn = tnp.random.randint(5, size=100).numpy()
    assert drawn.dtype == np.int64
    assert 0 <= drawn.min() <= drawn.max() < 5


def test_what_is_missing_says_so():
    with pytest.raises(UnimplementedError, match="experimental_enable_numpy_behavior"):
        tnp.experimental_enable_numpy_behavior()
    with pytest.raises(ValueError, match="mode must be"):
        tnp.pad(V, 1, "wrap")


def test_arguments_that_numpy_has_and_tensorflow_refuses():
    x = tnp.array([-1.5, 2.0])

    assert tnp.full_like(x, 3, order="A").numpy().tolist() == [3, 3]
    assert tnp.iinfo(tf.int8).max == tnp.iinfo(np.int8).max == 127
    assert tnp.sign(x).numpy().tolist() == [-1, 1]
    for refused in (
        lambda: tnp.full_like(x, 3, order="C"),
        lambda: tnp.full_like(x, 3, subok=False),
        lambda: tnp.full_like(x, 3, shape=[1]),
        lambda: tnp.sign(x, out=x),
    ):
        with pytest.raises(ValueError, match=r"not supported|doesn't support"):
            refused()
