"""Lowering rules: the ways that they choose give what the plain ways give."""

import functools
from pathlib import Path

import jax
import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.ops import lowering
from penstock.ops.lowering import RULES, options_of, recording, without
from penstock.ops.table import has, lookup

_CPU = pytest.mark.skipif(jax.default_backend() != "cpu", reason="the rules are for the CPU")


def _random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def _conv(strides=1, padding="SAME"):
    return {
        **lookup("Conv2D").attrs,
        "strides": (1, strides, strides, 1),
        "padding": padding,
    }


def _without_cudnn(attrs):
    return {name: value for name, value in attrs.items() if name != "use_cudnn_on_gpu"}


def _pool(size, padding="VALID"):
    return {
        **lookup("MaxPool").attrs,
        "ksize": (1, size, size, 1),
        "strides": (1, size, size, 1),
        "padding": padding,
    }


_X = _random(2, 8, 8, 6)
_TIES = np.random.default_rng(1).integers(0, 3, (2, 8, 8, 3)).astype(np.float32)
_BIG = _random(4, 16, 16, 32)
_MANY = _random(64, 32, 32, 16)

# Rule, op, constant inputs that come first or later (None marks the arrays), arrays, attrs.
_CASES = [
    ("depthwise_taps", "DepthwiseConv2dNative", (_X, _random(3, 3, 6, 2)), _conv()),
    ("depthwise_taps", "DepthwiseConv2dNative", (_X, _random(5, 5, 6, 1)), _conv(2)),
    (
        "depthwise_taps",
        "DepthwiseConv2dNativeBackpropInput",
        (np.array([2, 8, 8, 6], np.int32), _random(3, 3, 6, 2), _random(2, 4, 4, 12)),
        _conv(2),
    ),
    (
        "depthwise_taps",
        "DepthwiseConv2dNativeBackpropFilter",
        (_X, np.array([3, 3, 6, 2], np.int32), _random(2, 8, 8, 12)),
        _conv(),
    ),
    ("patches_product", "Conv2D", (_random(3, 2, 2, 16), _random(3, 3, 16, 8)), _conv()),
    (
        "patches_product",
        "Conv2DBackpropInput",
        (np.array([3, 2, 2, 16], np.int32), _random(3, 3, 16, 8), _random(3, 2, 2, 8)),
        _conv(),
    ),
    (
        "patches_product",
        "Conv2DBackpropFilter",
        (_random(3, 2, 2, 16), np.array([3, 3, 16, 8], np.int32), _random(3, 2, 2, 8)),
        _conv(),
    ),
    *[
        (
            "transposed_by_rows",
            "Conv2DBackpropFilter",
            (_MANY, np.array([3, 3, 16, 2], np.int32), _random(64, 32 // step, 32 // step, 2)),
            _conv(step),
        )
        for step in (1, 2)
    ],
    ("tiled_maximum", "MaxPool", (_X,), _pool(2)),
    ("tiled_maximum", "MaxPool", (_TIES,), _pool(3, "SAME")),
    ("library_fusion", "Conv2D", (_BIG, _random(3, 3, 32, 32)), _conv()),
    ("threaded_convolution", "Conv2D", (_BIG, _random(3, 3, 32, 32)), _conv()),
    (
        "library_fusion",
        "Conv2DBackpropInput",
        (np.array([4, 16, 16, 32], np.int32), _random(3, 3, 32, 32), _random(4, 8, 8, 32)),
        _conv(2),
    ),
    (
        "library_fusion",
        "Conv2DBackpropFilter",
        (_BIG, np.array([3, 3, 32, 32], np.int32), _random(4, 16, 16, 32)),
        _conv(),
    ),
    (
        "library_fusion",
        "MatMul",
        (_random(512, 512), _random(512, 512)),
        {**lookup("MatMul").attrs},
    ),
    (
        "turned_result",
        "MatMul",
        (_random(2048, 512), _random(2048, 128)),
        {**lookup("MatMul").attrs, "transpose_a": True},
    ),
    (
        "turned_result",
        "BatchMatMulV2",
        (_random(2048, 512), _random(2048, 128)),
        {**lookup("BatchMatMulV2").attrs, "adj_x": True},
    ),
]

# Shapes of the two factors of an equation.
_EQUATIONS = {
    "BNTS,BSNH->BTNH": ((2, 4, 5, 6), (2, 6, 4, 3)),
    "BNTS,BTNH->BSNH": ((2, 4, 5, 6), (2, 5, 4, 3)),
    "aecd,abcd->acbe": ((2, 5, 4, 3), (2, 5, 4, 3)),
    "ab,bc->ca": ((3, 4), (4, 5)),
    "ba,bc->ac": ((6, 3), (6, 2)),
    "ij,j->i": ((3, 4), (4,)),
    "...ij,jk->...ik": ((2, 3, 4), (4, 5)),
}


def _compiled(op, inputs, attrs, *, trains=True):
    """The op as XLA computes it, with the options of its rules, and the rules that fired."""
    row = lookup(op)
    known = {name: attrs[name] for name in row.attrs}
    fixed = [array.dtype == np.int32 for array in inputs]

    def kernel(*arrays):
        given = iter(arrays)
        values = [
            inputs[i] if fixed[i] and i in row.constants(known) else next(given)
            for i in range(len(inputs))
        ]
        return row.device(*values, **known)

    arrays = [
        array for i, array in enumerate(inputs) if not (fixed[i] and i in row.constants(known))
    ]
    with recording(op, trains=trains) as fired:
        jax.eval_shape(kernel, *arrays)
    result = jax.jit(kernel, compiler_options=options_of(fired) or None)(*arrays)
    return np.asarray(result), {one.rule.name for one in fired}


def _assert_close(found, plain):
    scale = np.abs(plain).max()
    assert np.abs(found - plain).max() <= 1e-5 * scale


@_CPU
@pytest.mark.parametrize(("rule", "op", "inputs", "attrs"), _CASES)
def test_a_rule_gives_what_the_plain_way_gives(rule, op, inputs, attrs):
    trains = rule != "threaded_convolution"
    found, fired = _compiled(op, inputs, attrs, trains=trains)
    assert rule in fired
    with without():
        plain, none = _compiled(op, inputs, attrs, trains=trains)
    assert none == set()
    _assert_close(found, plain)


@_CPU
@pytest.mark.parametrize("equation", _EQUATIONS)
def test_factors_in_another_order_give_the_same_product(equation):
    arrays = [_random(*shape, seed=i) for i, shape in enumerate(_EQUATIONS[equation])]

    def kernel(*arrays):
        return lookup("Einsum").device(arrays, equation=equation)

    with recording() as fired:
        found = jax.jit(kernel)(*arrays)
    assert [one.rule.name for one in fired] == ["ordered_factors"]
    _assert_close(np.asarray(found), np.einsum(equation, *arrays))


@_CPU
@pytest.mark.parametrize("x", [_X, _TIES])
@pytest.mark.parametrize("padding", ["VALID", "SAME"])
def test_the_gradient_of_a_maximum_goes_to_the_first_of_equals_with_and_without_the_rule(
    x, padding
):
    attrs = _pool(2, padding)
    largest, _ = _compiled("MaxPool", (x,), attrs)
    grad = _random(*largest.shape)
    found, fired = _compiled("MaxPoolGrad", (x, largest, grad), attrs)
    assert fired == {"tiled_maximum"}
    with without("tiled_maximum"):
        plain, none = _compiled("MaxPoolGrad", (x, largest, grad), attrs)
    assert none == set()
    np.testing.assert_array_equal(found, plain)
    expected = np.zeros_like(x)
    for n, i, j, c in np.ndindex(*largest.shape):
        tile = x[n, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2, c]
        a, b = np.unravel_index(np.argmax(tile), tile.shape)
        expected[n, 2 * i + a, 2 * j + b, c] += grad[n, i, j, c]
    np.testing.assert_array_equal(found, expected)


def test_every_rule_says_where_when_why_and_what_it_gains():
    for name, rule in RULES.items():
        assert name == rule.name
        assert all(has(op) for op in rule.ops)
        for text in (rule.when, rule.instead, rule.gain, rule.source):
            assert text.strip()
        assert rule.platforms


@_CPU
def test_what_fires_is_noted_with_the_node_and_the_reason():
    kernel = functools.partial(lookup("MaxPool").device, **_pool(2))
    with recording("a test") as fired:
        jax.eval_shape(kernel, _X)
        with lowering.at("node 7"):
            jax.eval_shape(kernel, _TIES)
    assert [str(each) for each in fired] == [
        "tiled_maximum: a test: a window of 4 cells",
        "tiled_maximum: node 7: a window of 4 cells",
    ]


def test_products_without_training_small_ones_and_other_dtypes_ask_for_no_options():
    with recording() as fired:
        lowering.note_product(1 << 30, np.dtype(np.float32))
    assert fired == []
    with recording(trains=True) as fired:
        lowering.note_product((1 << 26) - 1, np.dtype(np.float32))
        lowering.note_product(1 << 30, np.dtype(np.float64))
        lowering.note_convolution((1 << 20) - 1, np.dtype(np.float32))
    assert fired == []


@_CPU
def test_a_gradient_of_a_convolution_is_compiled_with_products_fused():
    with recording() as fired:
        lowering.note_convolution(1 << 20, np.dtype(np.float32))
        forward = options_of(fired)
        lowering.note_convolution(1 << 20, np.dtype(np.float32), backward=True)
    assert "DOT" not in next(iter(forward.values()))
    assert [one.rule.name for one in fired] == ["threaded_convolution", "library_fusion"]
    assert options_of(fired) == options_of(reversed(fired)) == lowering.LIBRARY_FUSION.options


def test_an_unknown_rule_cannot_be_left_out():
    with pytest.raises(InvalidArgumentError, match="rules to leave out"), without("no_rule"):
        pass


@_CPU
def test_no_rule_fires_on_a_platform_that_it_is_not_for(monkeypatch):
    monkeypatch.setattr(lowering.jax, "default_backend", lambda: "gpu")
    assert not lowering.applies(lowering.TILED_MAXIMUM, True)


def test_the_design_page_tells_of_every_rule():
    page = Path(__file__).parents[2] / "docs" / "design" / "0010-lowering-rules.md"
    rows = [line for line in page.read_text(encoding="utf-8").splitlines() if line[:3] == "| `"]
    assert {row.split("`")[1] for row in rows} == set(RULES)
