"""THE table of lowering rules: where a kernel takes another way than the plain one, and why.

A rule is a condition on the shapes, dtypes and platform of an op, and what is done instead:
another form of the kernel, or an option with which the whole computation is compiled. Kernels
ask `applies` at the place where the ways part, so a rule stands in one place and is noted
where it fires. Every rule keeps the results within 1e-5 of the plain way's.

The gains were measured on 2 cores of an x86 processor with AVX-512; read them as ratios.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import jax
import numpy as np

from penstock.core.errors import InvalidArgumentError


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One row: under a condition, ops are lowered another way.

    Args:
        name: how explanations and the variable PENSTOCK_WITHOUT_RULES call it.
        ops: names of the ops that ask for it.
        when: the condition, in words.
        instead: what is done.
        gain: what was measured, plain way first.
        source: how it was measured.
        options: options of the compiler for the computation that the op is part of.
        platforms: where it holds.
    """

    name: str
    ops: tuple[str, ...]
    when: str
    instead: str
    gain: str
    source: str
    options: Mapping[str, Any] = field(default_factory=dict)
    platforms: frozenset[str] = frozenset({"cpu"})


@dataclass(frozen=True, slots=True)
class Fired:
    """A rule that fired while a computation was traced: for which node, and why."""

    rule: Rule
    label: str
    why: str

    def __str__(self) -> str:
        return f"{self.rule.name}: {self.label or self.rule.ops[0]}: {self.why}"


_CONVOLUTIONS = (
    "Conv2D",
    "Conv2DBackpropInput",
    "Conv2DBackpropFilter",
    "Conv3D",
    "Conv3DBackpropInputV2",
    "Conv3DBackpropFilterV2",
    "Conv",
)
_DEPTHWISE = (
    "DepthwiseConv2dNative",
    "DepthwiseConv2dNativeBackpropInput",
    "DepthwiseConv2dNativeBackpropFilter",
)

DEPTHWISE_TAPS: Final = Rule(
    name="depthwise_taps",
    ops=_DEPTHWISE,
    when="the window has at most 64 cells",
    instead="a sum of shifted views times one weight per channel, one fused loop",
    gain="MobileNetV2-like inference, batch 1: 17.4 -> 2.5 ms, batch 32: 477 -> 57 ms of CPU",
    source="whole nets beside grouped convolutions, least of interleaved repeats",
)
PATCHES_PRODUCT: Final = Rule(
    name="patches_product",
    ops=_CONVOLUTIONS,
    when="the filter is longer than the input without its margins; no groups, channels last",
    instead="patches of the input times the filter as one matrix product",
    gain="3x3 on 2x2 with 512 channels: 83.5 -> 2.1 ms of CPU",
    source="the op alone; XLA's fast path refuses such filters",
)
TILED_MAXIMUM: Final = Rule(
    name="tiled_maximum",
    ops=("MaxPool", "MaxPoolGrad", "MaxPoolV2", "MaxPoolGradV2", "MaxPool3D", "MaxPool3DGrad"),
    when="the window has at most 32 cells",
    instead="the maximum of the window's taps; the gradient goes to the first that equals it",
    gain="gradient over [64, 32, 32, 32], 2x2: 23.5 -> 2.0 ms of CPU; with the bias and relu "
    "before it, where windows lie side by side, another 7.3 -> 2.4 ms",
    source="the op alone beside select_and_scatter; with its neighbours beside a sum of pads",
)
TRANSPOSED_BY_ROWS: Final = Rule(
    name="transposed_by_rows",
    ops=("Conv2DBackpropFilter",),
    when="float32, channels last, no groups; a batch of images of 2^20 numbers or more",
    instead="the images are laid out with the batch innermost row by row, as XLA takes them "
    "for the gradient of the filter; in one piece it walks across the whole batch at each step",
    gain="train step of a small CNN, batch 64: 68.4 -> 64.8 ms of CPU for its largest layer",
    source="the layer with its gradients, least of interleaved repeats",
)
LIBRARY_FUSION: Final = Rule(
    name="library_fusion",
    ops=(*_CONVOLUTIONS, "MatMul", "BatchMatMulV2", "BatchMatMulV3", "Einsum"),
    when="float32; a gradient of a convolution of 2^20 products or more, and in a computation "
    "that assigns variables such a convolution, or a matrix product of 2^26 or more",
    instead="the computation is compiled with products and reductions fused into library calls",
    gain="train step of a small CNN: 213 -> 58 ms together with tiled_maximum and kept "
    "memory; Transformer train step: 319 -> 286 ms of CPU; small nets lose 10%, hence the "
    "bounds",
    source="whole steps, least of interleaved repeats; the Transformer on a busy machine",
    options={
        "xla_cpu_experimental_ynn_fusion_type": (
            "LIBRARY_FUSION_TYPE_DOT,LIBRARY_FUSION_TYPE_REDUCE"
        )
    },
)
TURNED_RESULT: Final = Rule(
    name="turned_result",
    ops=("MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"),
    when="float32; the first matrix is read by columns, has 2^10 rows and 2^20 numbers, and "
    "twice the columns of the second, as for the gradient of a layer that narrows",
    instead="the second matrix is turned instead, which is smaller, and then the result",
    gain="[4096, 512] with [4096, 128]: 5.1 -> 3.2 ms, [2048, 1024] with [2048, 256]: "
    "8.5 -> 6.0 ms",
    source="the op alone, least of interleaved repeats",
)
ORDERED_FACTORS: Final = Rule(
    name="ordered_factors",
    ops=("Einsum",),
    when="two factors without a label twice, and every label in both of them or in the output",
    instead="the larger factor stands where it is read as it lies in memory: first if its last "
    "label is summed, else second; of equals, the second has the last label of the output",
    gain="BNTS,BSNH->BTNH of attention, 32 x 128 x 4 x 64: 4.9 -> 3.3 ms; "
    "64 x 64 x 4 x 32: 1.2 -> 0.9 ms",
    source="the op alone beside jax.numpy.einsum, least of interleaved repeats",
)
THREADED_CONVOLUTION: Final = Rule(
    name="threaded_convolution",
    ops=_CONVOLUTIONS,
    when="float32; a convolution of 2^20 products or more, where library_fusion does not fire",
    instead="the computation is compiled with reductions alone as library calls, so that "
    "convolutions run on all threads; fused products make a chain of them ten times slower",
    gain="MobileNetV2-like inference, batch 1: 2.85 -> 2.24 ms, batch 32: 57.5 -> 32.3 ms; "
    "ResNet-18-like, batch 1: 5.9 -> 4.0 ms, batch 32: 67.6 -> 54.5 ms; three layers of "
    "4 x 2048 x 2048 with products fused too: 1.0 -> 10.7 ms each",
    source="whole nets and layers, least of interleaved repeats",
    options={"xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_REDUCE"},
)
PREPARED_VALUES: Final = Rule(
    name="prepared_values",
    ops=("ReadVariableOp",),
    when="a computation that changes no state and takes no gradient computes 2^12 numbers or "
    "more, or factors of weights, from variables and constants alone",
    instead="they are computed by numpy when a variable has a new value, and kept; at most "
    "twice the size of the variables that they come from",
    gain="MobileNetV2-like inference, batch 1: 2.44 -> 2.37 ms, batch 32: 32.9 -> 31.8 ms",
    source="whole nets, least of interleaved repeats",
)
SCALED_WEIGHTS: Final = Rule(
    name="scaled_weights",
    ops=("Conv2D", "Conv3D", "DepthwiseConv2dNative", "MatMul"),
    when="with prepared_values: a product by one number for each channel, or a batch "
    "normalization, and nothing else takes the result of the op, in float32 or float64",
    instead="the weights of the op are multiplied by the numbers, and a bias as well",
    gain="MobileNetV2-like inference, batch 1: 2.37 -> 2.24 ms, batch 32: 31.8 -> 31.0 ms; "
    "ResNet-18-like, batch 1: 4.47 -> 4.36 ms, batch 32: none",
    source="whole nets, least of interleaved repeats",
)
DENSE_CONVOLUTION: Final = Rule(
    name="dense_convolution",
    ops=("Conv2D",),
    when="with prepared_values: images have so few pixels that pixels times places are no more "
    "than the cells of the filter, or twice as many for 8 images or more; no groups, channels "
    "last, float32 or float64",
    instead="one product by a matrix from all pixels to all places, made of the filter",
    gain="ResNet-18-like inference, batch 32: 53.9 -> 50.4 ms, 105.6 -> 97.4 ms of CPU",
    source="whole nets, least of interleaved repeats",
)

RULES: Final = {
    rule.name: rule
    for rule in (
        DEPTHWISE_TAPS,
        PATCHES_PRODUCT,
        TILED_MAXIMUM,
        TRANSPOSED_BY_ROWS,
        TURNED_RESULT,
        ORDERED_FACTORS,
        THREADED_CONVOLUTION,
        LIBRARY_FUSION,
        PREPARED_VALUES,
        SCALED_WEIGHTS,
        DENSE_CONVOLUTION,
    )
}


def options_of(fired: Iterable[Fired]) -> dict[str, Any]:
    """The compiler options that rules ask for; those further down in the table win."""
    names = {each.rule.name for each in fired}
    rules = [rule for rule in RULES.values() if rule.name in names]
    return {name: value for rule in rules for name, value in rule.options.items()}


OPS_WITH_RULES: Final = frozenset(op for rule in RULES.values() for op in rule.ops)

# Products from which the libraries' calls are worth it.
_LARGE_CONVOLUTION = 1 << 20
_LARGE_PRODUCT = 1 << 26


class _State(threading.local):
    def __init__(self) -> None:
        self.fired: list[Fired] | None = None
        self.label = ""
        self.trains = False
        self.off: frozenset[str] = _named(os.environ.get("PENSTOCK_WITHOUT_RULES", ""))


def _named(text: str) -> frozenset[str]:
    names = frozenset(name.strip() for name in text.split(",") if name.strip())
    if "all" in names:
        return frozenset(RULES)
    unknown = names - set(RULES)
    if unknown:
        raise InvalidArgumentError(
            f"rules to leave out must be among {sorted(RULES)}, got {sorted(unknown)[0]!r}"
        )
    return names


_state = _State()


def applies(rule: Rule, condition: bool, why: str | Callable[[], str] = "") -> bool:
    """Whether a rule fires here; if so it is noted for who asks.

    Args:
        rule: the rule.
        condition: whether shapes, dtypes and attrs are those of the rule.
        why: what made the condition true, or a function that tells.
    """
    if not condition or not is_on(rule):
        return False
    if _state.fired is not None:
        text = why if isinstance(why, str) else why()
        _state.fired.append(Fired(rule, _state.label, text))
    return True


def is_on(rule: Rule) -> bool:
    """Whether a rule may be followed: it is of this platform, and nobody left it out."""
    return rule.name not in _state.off and jax.default_backend() in rule.platforms


def note_convolution(products: int, dtype: Any, *, backward: bool = False) -> None:
    """Ask for the options of a computation that has a convolution of so many products.

    Args:
        products: multiplications of the convolution.
        dtype: of its operands.
        backward: whether it is a gradient of one.
    """
    rule = LIBRARY_FUSION if _state.trains or backward else THREADED_CONVOLUTION
    _note_products(rule, "convolution", products, _LARGE_CONVOLUTION, dtype)


def note_product(products: int, dtype: Any) -> None:
    """Ask for the options of a train step that has a matrix product of so many products."""
    if _state.trains:
        _note_products(LIBRARY_FUSION, "matrix product", products, _LARGE_PRODUCT, dtype)


def _note_products(rule: Rule, kind: str, products: int, least: int, dtype: Any) -> None:
    applies(
        rule,
        products >= least and np.dtype(dtype) == np.float32,
        lambda: f"a {kind} of {products:.2g} products",
    )


@contextmanager
def recording(label: str = "", *, trains: bool = False) -> Iterator[list[Fired]]:
    """Collect the rules that fire in what is traced inside.

    Args:
        label: what is traced, where nodes do not say so themselves.
        trains: whether the computation assigns variables, as a train step does.
    """
    before = _state.fired, _state.label, _state.trains
    _state.fired, _state.label, _state.trains = [], label, trains
    try:
        yield _state.fired
    finally:
        _state.fired, _state.label, _state.trains = before


@contextmanager
def at(label: str) -> Iterator[None]:
    """Name the node that is traced inside."""
    before = _state.label
    _state.label = label
    try:
        yield
    finally:
        _state.label = before


@contextmanager
def without(*names: str) -> Iterator[None]:
    """Trace what is inside without some rules, or without any where none is named.

    Computations that were compiled before keep their form.

    Raises:
        InvalidArgumentError: there is no such rule.
    """
    before = _state.off
    _state.off = before | _named(",".join(names) or "all")
    try:
        yield
    finally:
        _state.off = before
