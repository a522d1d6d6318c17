"""The calls that are compared: for each function a strategy of `(arguments, attrs)`."""

import numpy as np
from hypothesis import strategies as st

from tests.conformance.properties.arrays import (
    ANY,
    COMPLEX,
    FLOATS,
    INDICES,
    INTEGERS,
    NUMBERS,
    REALS,
    SEEDS,
    arrays,
    broadcasting,
    filled,
    shapes,
    solid,
)

OPERATIONS = {}


def operation(*names):
    """Add a composite strategy that draws the arguments and attrs of a call."""

    def add(strategy):
        for name in names:
            OPERATIONS[name] = st.composite(strategy)(name)
        return strategy

    return add


def _axis(draw, rank, spare=1):
    """An axis, negative ones and now and then one outside of the rank among them."""
    return draw(st.integers(-rank - (draw(st.integers(0, 7)) == 0) * spare, max(rank - 1, 0)))


BINARY = {
    "add": NUMBERS,
    "subtract": NUMBERS,
    "multiply": NUMBERS,
    "divide": FLOATS + COMPLEX,
    "truediv": REALS,
    "floordiv": REALS,
    "math.floormod": REALS,
    "maximum": REALS,
    "minimum": REALS,
    "math.squared_difference": NUMBERS,
    "math.divide_no_nan": FLOATS + COMPLEX,
    "math.atan2": FLOATS,
    "math.xlogy": FLOATS,
    "equal": ANY,
    "not_equal": ANY,
    "less": REALS,
    "less_equal": REALS,
    "greater": REALS,
    "greater_equal": REALS,
    "logical_and": ("bool",),
    "logical_or": ("bool",),
    "bitwise.bitwise_and": INTEGERS,
    "bitwise.bitwise_xor": INTEGERS,
}


@operation(*BINARY)
def _binary(draw, name):
    return draw(broadcasting(dtypes=BINARY[name])), {}


@operation("pow")
def _pow(draw, _):
    whole = draw(st.booleans())
    kinds, low = (("int32", "int64"), 0.0) if whole else (("float32", "float64"), -3.0)
    return draw(broadcasting(dtypes=kinds, special=not whole, low=low)), {}


UNARY = {
    "abs": REALS + COMPLEX,
    "negative": NUMBERS,
    "sign": NUMBERS,
    "square": NUMBERS,
    "sqrt": FLOATS,
    "math.rsqrt": FLOATS,
    "exp": FLOATS,
    "math.log": FLOATS,
    "math.log1p": FLOATS,
    "sin": FLOATS,
    "cos": FLOATS,
    "tan": FLOATS,
    "tanh": FLOATS,
    "sigmoid": FLOATS,
    "math.erf": ("float32",),
    "math.softplus": FLOATS,
    "floor": FLOATS,
    "math.ceil": FLOATS,
    "round": (*FLOATS, "int32", "int64"),
    "math.is_nan": FLOATS,
    "logical_not": ("bool",),
    "nn.relu": REALS,
    "nn.relu6": FLOATS,
    "nn.elu": FLOATS,
    "nn.leaky_relu": FLOATS,
    "zeros_like": ANY,
    "ones_like": ANY,
    "shape": ANY,
    "size": ANY,
    "identity": ANY,
    "transpose": ANY,
    "where": (*REALS, "bool"),
}
# Trigonometric functions of huge numbers are noise in every library.
_SMALL = {"sin", "cos", "tan"}


@operation(*UNARY)
def _unary(draw, name):
    return [draw(arrays(UNARY[name], special=name not in _SMALL))], {}


@operation("cast")
def _cast(draw, _):
    source = draw(st.sampled_from(ANY))
    target = draw(st.sampled_from(ANY))
    # What does not fit an integer type is not defined, and differs between sizes of arrays.
    bounded = {"low": 0.0} if target in INTEGERS else {}
    special = target not in INTEGERS
    return [draw(arrays((source,), special=special, **bounded))], {"dtype": f"tf.{target}"}


REDUCTIONS = {
    "reduce_sum": NUMBERS,
    "reduce_mean": FLOATS + INDICES,
    "reduce_max": REALS,
    "reduce_min": REALS,
    "reduce_prod": NUMBERS,
    "reduce_logsumexp": FLOATS,
    "reduce_all": ("bool",),
    "reduce_any": ("bool",),
    "math.reduce_std": FLOATS,
    "math.reduce_variance": FLOATS,
}
# Sums of infinities and ties of equal numbers are compared, but not what is divided by zero.
_TAME = {"math.reduce_std", "math.reduce_variance", "reduce_prod"}


@operation(*REDUCTIONS)
def _reduction(draw, name):
    x = draw(arrays(REDUCTIONS[name], special=name not in _TAME))
    one = st.just(_axis(draw, x.ndim))
    several = st.lists(st.integers(-x.ndim, max(x.ndim - 1, 0)), max_size=2)
    axis = draw(st.one_of(st.none(), one, several))
    return [x], {"axis": axis, "keepdims": draw(st.booleans())}


@operation("argmax", "argmin")
def _arg(draw, _):
    x = draw(arrays(REALS, shape=shapes(low=1)))
    kind = draw(st.sampled_from(["tf.int32", "tf.int64"]))
    return [x], {"axis": _axis(draw, x.ndim), "output_type": kind}


@operation("cumsum", "math.cumprod")
def _running(draw, _):
    x = draw(arrays(FLOATS + INDICES, special=False))
    return [x], {
        "axis": _axis(draw, x.ndim),
        "exclusive": draw(st.booleans()),
        "reverse": draw(st.booleans()),
    }


@operation("reshape")
def _reshape(draw, _):
    x = draw(arrays(ANY, shape=shapes(high=3)))
    sizes = list(x.shape[::-1]) if draw(st.booleans()) else [x.size]
    if draw(st.booleans()) and sizes:
        sizes[draw(st.integers(0, len(sizes) - 1))] = -1
    if draw(st.integers(0, 9)) == 0:
        sizes.append(2)
    return [x, sizes], {}


@operation("concat")
def _concat(draw, _):
    shape = list(draw(shapes(low=1)))
    dtype = draw(st.sampled_from(ANY))
    axis = _axis(draw, len(shape))
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        if -len(shape) <= axis < len(shape):
            shape[axis] = draw(st.integers(0, 3))
        parts.append(filled(tuple(shape), dtype, draw(SEEDS)))
    return [parts], {"axis": axis}


@operation("stack")
def _stack(draw, _):
    shape, dtype = draw(shapes()), draw(st.sampled_from(ANY))
    parts = [filled(shape, dtype, draw(SEEDS)) for _ in range(draw(st.integers(1, 3)))]
    return [parts], {"axis": _axis(draw, len(shape) + 1)}


@operation("unstack")
def _unstack(draw, _):
    x = draw(arrays(ANY, shape=solid(low=1)))
    return [x], {"axis": _axis(draw, x.ndim)}


@operation("split")
def _split(draw, _):
    x = draw(arrays(ANY, shape=solid(low=1, largest=6)))
    axis = draw(st.integers(-x.ndim, x.ndim - 1))
    size = x.shape[axis]
    pieces = draw(st.one_of(st.integers(1, 4), st.just([1, size - 1]), st.just([-1, 1])))
    return [x, pieces], {"axis": axis}


@operation("tile")
def _tile(draw, _):
    x = draw(arrays(ANY))
    return [x, [draw(st.integers(0, 3)) for _ in x.shape]], {}


@operation("pad")
def _pad(draw, _):
    x = draw(arrays(NUMBERS))
    mode = draw(st.sampled_from(["CONSTANT", "REFLECT", "SYMMETRIC"]))
    margins = [[draw(st.integers(0, 3)), draw(st.integers(0, 3))] for _ in x.shape]
    if not margins:
        return [x.reshape(1), [[1, 2]]], {"mode": mode}
    return [x, margins], {"mode": mode}


@operation("reverse")
def _reverse(draw, _):
    x = draw(arrays(ANY))
    return [x, draw(st.lists(st.integers(-x.ndim, x.ndim), max_size=2))], {}


@operation("roll")
def _roll(draw, _):
    x = draw(arrays(ANY, shape=solid(low=1)))
    axis = draw(st.integers(0, x.ndim - 1))
    return [x], {"shift": draw(st.integers(-5, 5)), "axis": axis}


@operation("expand_dims", "squeeze")
def _one_axis(draw, name):
    x = draw(arrays(ANY, shape=solid(largest=2)))
    return [x], {"axis": _axis(draw, x.ndim + (name == "expand_dims"))}


@operation("repeat")
def _repeat(draw, _):
    x = draw(arrays(ANY, shape=solid(low=1)))
    return [x, draw(st.integers(0, 3))], {"axis": draw(st.integers(-x.ndim, x.ndim - 1))}


@operation("gather")
def _gather(draw, _):
    x = draw(arrays(ANY, shape=solid(low=1)))
    axis = draw(st.integers(-x.ndim, x.ndim - 1))
    beyond = draw(st.integers(0, 7)) == 0
    index = filled(
        draw(shapes(high=2)),
        draw(st.sampled_from(INDICES)),
        draw(SEEDS),
        low=0,
        high=x.shape[axis] - 1 + beyond,
    )
    return [x, index], {"axis": axis}


@operation("gather_nd")
def _gather_nd(draw, _):
    x = draw(arrays(ANY, shape=solid(low=1)))
    depth = draw(st.integers(1, x.ndim))
    high = min(x.shape[:depth]) - 1 + (draw(st.integers(0, 7)) == 0)
    shape = (*draw(shapes(high=2)), depth)
    return [x, filled(shape, "int32", draw(SEEDS), low=0, high=high)], {}


@operation("scatter_nd")
def _scatter_nd(draw, _):
    rows, width = draw(st.integers(0, 4)), draw(st.integers(1, 3))
    size = draw(st.integers(1, 4))
    high = size - 1 + (draw(st.integers(0, 7)) == 0)
    index = filled((rows, 1), "int32", draw(SEEDS), low=0, high=high)
    updates = filled((rows, width), draw(st.sampled_from(NUMBERS)), draw(SEEDS))
    return [index, updates, [size, width]], {}


@operation("tensor_scatter_nd_add", "tensor_scatter_nd_update", "tensor_scatter_nd_max")
def _tensor_scatter(draw, name):
    size, width, rows = (draw(st.integers(1, 4)) for _ in range(3))
    dtype = draw(st.sampled_from(REALS))
    rows = min(rows, size)
    # Which of several updates of one row stays is not defined: each row is updated once.
    index = draw(st.permutations(range(size)))[:rows]
    x = filled((size, width), dtype, draw(SEEDS))
    if name.endswith("max"):
        x = x + x.dtype.type(1) if dtype in FLOATS else x
    updates = filled((rows, width), dtype, draw(SEEDS))
    return [x, [[row] for row in index], updates], {}


_BOUND = st.one_of(st.none(), st.integers(-5, 5))


@operation("getitem")
def _getitem(draw, _):
    x = draw(arrays(ANY, shape=shapes(low=1)))
    step = st.one_of(st.none(), st.sampled_from([1, 2, -1, -2]))
    key = [
        draw(
            st.one_of(st.builds(slice, _BOUND, _BOUND, step), st.integers(-2, 2), st.just(None))
        )
        for _ in range(draw(st.integers(1, x.ndim)))
    ]
    if draw(st.booleans()):
        key.insert(draw(st.integers(0, len(key))), Ellipsis)
    return [x, key], {}


@operation("slice")
def _slice(draw, _):
    x = draw(arrays(ANY, shape=shapes(low=1)))
    begin = [draw(st.integers(0, size)) for size in x.shape]
    size = [
        draw(st.integers(-1, size + 1 - at)) for at, size in zip(begin, x.shape, strict=True)
    ]
    return [x], {"begin": begin, "size": size}


@operation("one_hot")
def _one_hot(draw, _):
    index = filled(draw(shapes(high=2)), draw(st.sampled_from(INDICES)), draw(SEEDS), low=-1)
    kind = draw(st.sampled_from(["tf.float32", "tf.int32", "tf.bool"]))
    return [index], {
        "depth": draw(st.integers(0, 4)),
        "axis": draw(st.integers(-1, index.ndim)),
        "dtype": kind,
    }


@operation("range")
def _range(draw, _):
    numbers = st.one_of(st.integers(-6, 6), st.sampled_from([0.5, -0.5, 2.5]))
    return [draw(numbers), draw(numbers), draw(numbers)], {}


@operation("broadcast_to")
def _broadcast_to(draw, _):
    x = draw(arrays(NUMBERS))
    shape = [draw(st.sampled_from([size, 3, 1])) if size == 1 else size for size in x.shape]
    return [x, [*draw(st.lists(st.integers(0, 2), max_size=1)), *shape]], {}


@operation("sort", "argsort")
def _sort(draw, name):
    x = draw(
        arrays(("float32", "float64", "int32", "int64"), shape=shapes(low=1), special=False)
    )
    attrs = {"axis": _axis(draw, x.ndim)}
    attrs["direction"] = draw(st.sampled_from(["ASCENDING", "DESCENDING"]))
    return [x], attrs | ({"stable": True} if name == "argsort" else {})


@operation("math.top_k")
def _top_k(draw, _):
    x = draw(
        arrays(REALS, shape=shapes(low=1)).filter(
            lambda x: x.dtype.kind in "iu" or np.isfinite(x).all()
        )
    )
    return [x], {"k": draw(st.integers(0, x.shape[-1] + 1))}


@operation("unique", "unique_with_counts")
def _unique(draw, _):
    return [draw(arrays(INTEGERS, shape=shapes(low=1, high=1, largest=8)))], {}


@operation("math.bincount")
def _bincount(draw, _):
    x = draw(arrays(("int32",), shape=shapes(high=1, largest=8), special=False, low=-0.0))
    return [x], {"minlength": draw(st.one_of(st.none(), st.integers(0, 6)))}


@operation(
    "math.unsorted_segment_sum", "math.unsorted_segment_max", "math.unsorted_segment_mean"
)
def _segments(draw, _):
    x = draw(arrays(("float32", "float64", "int32"), shape=solid(low=1), special=False))
    ids = filled(x.shape[:1], draw(st.sampled_from(INDICES)), draw(SEEDS), low=-1, high=3)
    return [x, ids, draw(st.integers(4, 5))], {}


@operation("matmul")
def _matmul(draw, _):
    dtype = draw(st.sampled_from(FLOATS + COMPLEX + INDICES))
    batch = draw(shapes(high=1))
    n, k, m = (draw(st.integers(0, 4)) for _ in range(3))
    attrs = {"transpose_a": draw(st.booleans()), "transpose_b": draw(st.booleans())}
    a = (k, n) if attrs["transpose_a"] else (n, k)
    b = (m, k) if attrs["transpose_b"] else (k, m)
    if draw(st.integers(0, 9)) == 0:
        b = (b[0] + 1, b[1])
    first = filled((*batch, *a), dtype, draw(SEEDS))
    return [first, filled((*batch, *b), dtype, draw(SEEDS))], attrs


_EQUATIONS = [
    "ij,jk->ik",
    "ij,ij->",
    "ij->ji",
    "ij,kj->ik",
    "i,j->ij",
    "ij->j",
    "...ij,jk->...ik",
]


@operation("einsum")
def _einsum(draw, _):
    equation = draw(st.sampled_from(_EQUATIONS))
    dtype = draw(st.sampled_from(("float32", "float64", "complex64", "int32")))
    sizes = {label: draw(st.integers(0, 3)) for label in "ijk"}
    terms = equation.partition("->")[0].split(",")
    operands = [
        filled(tuple(sizes[label] for label in term if label != "."), dtype, draw(SEEDS))
        for term in terms
    ]
    return [equation, *operands], {}


@operation("nn.softmax", "nn.log_softmax")
def _softmax(draw, _):
    x = draw(arrays(FLOATS, shape=shapes(low=1), special=False))
    return [x], {"axis": _axis(draw, x.ndim)}


@operation("nn.sparse_softmax_cross_entropy_with_logits")
def _sparse_cross_entropy(draw, _):
    rows, classes = draw(st.integers(0, 4)), draw(st.integers(1, 4))
    high = classes - 1 + (draw(st.integers(0, 7)) == 0)
    labels = filled((rows,), draw(st.sampled_from(INDICES)), draw(SEEDS), low=0, high=high)
    return [labels, filled((rows, classes), draw(st.sampled_from(FLOATS)), draw(SEEDS))], {}


@operation("nn.bias_add")
def _bias_add(draw, _):
    x = draw(arrays(FLOATS, shape=shapes(low=2)))
    wide = x.shape[-1] + (draw(st.integers(0, 7)) == 0)
    return [x, filled((wide,), x.dtype.name, draw(SEEDS))], {}


@operation("nn.conv2d", "nn.depthwise_conv2d")
def _conv2d(draw, name):
    # A window larger than the image leaves gradients that TensorFlow does not initialise.
    n, c, m = (draw(st.integers(1, 3)) for _ in range(3))
    h, w = (draw(st.integers(5, 7)) for _ in range(2))
    rows, columns = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    step = draw(st.integers(1, 2))
    # TensorFlow's own kernel has no gradient of a dilated window, and ends the process.
    dilated = step == 1 and name == "nn.depthwise_conv2d"
    rate = draw(st.integers(1, 2)) if dilated else 1
    padding = draw(st.sampled_from(["SAME", "VALID"]))
    dtype = draw(st.sampled_from(("float32", "float64")))
    x = filled((n, h, w, c), dtype, draw(SEEDS))
    kernel = filled((rows, columns, c, m), dtype, draw(SEEDS))
    strides = step if name == "nn.conv2d" else [1, step, step, 1]
    return [x, kernel], {"strides": strides, "padding": padding, "dilations": [rate, rate]}


@operation("nn.max_pool2d", "nn.avg_pool2d")
def _pool(draw, _):
    shape = (draw(st.integers(0, 2)), *(draw(st.integers(3, 6)) for _ in range(3)))
    x = filled(shape, draw(st.sampled_from(("float32", "float64"))), draw(SEEDS))
    return [x], {
        "ksize": draw(st.integers(1, 3)),
        "strides": draw(st.integers(1, 3)),
        "padding": draw(st.sampled_from(["SAME", "VALID"])),
    }


@operation("clip_by_value")
def _clip(draw, _):
    x = draw(arrays(REALS))
    low, high = (filled((), x.dtype.name, draw(SEEDS), low=0.0) for _ in range(2))
    return [x, min(low, high), max(low, high)], {}


@operation("linalg.band_part")
def _band_part(draw, _):
    x = draw(arrays(NUMBERS, shape=shapes(low=2)))
    return [x, draw(st.integers(-2, 3)), draw(st.integers(-2, 3))], {}


@operation("linalg.diag")
def _diag(draw, _):
    x = draw(arrays(NUMBERS, shape=solid(low=1)))
    return [x], {"k": draw(st.integers(-2, 2))}


@operation("linalg.inv", "linalg.cholesky", "linalg.det")
def _matrix(draw, name):
    size = draw(st.integers(1, 4))
    x = filled((size, size), draw(st.sampled_from(("float32", "float64"))), draw(SEEDS), low=0)
    for place in range(size):
        x[place, place] += 12
    return [(x + x.T) / 2 if name == "linalg.cholesky" else x], {}
