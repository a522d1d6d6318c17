"""What is true of every op, checked from one row of samples each."""

import importlib
import pkgutil

import jax
import numpy as np
import pytest

import tests.ops.samples
from penstock.core import dtypes
from penstock.function.polymorphic import function
from penstock.ops.table import lookup, rows
from penstock.runtime.backprop import is_differentiable
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.eager import as_tuple, run_values
from penstock.runtime.tape import GradientTape
from penstock.testing.tolerance import assert_close, tolerance_of

SAMPLES = [
    sample
    for module in pkgutil.iter_modules(tests.ops.samples.__path__)
    for sample in importlib.import_module(f"tests.ops.samples.{module.name}").SAMPLES
]


def _name(sample):
    shapes = [np.shape(value) for value in sample.inputs if not isinstance(value, tuple)]
    return f"{sample.op}-{'-'.join(str(list(shape)) for shape in shapes)}"


each_sample = pytest.mark.parametrize("sample", SAMPLES, ids=_name)


def _flat(sample):
    values, lengths = [], []
    for value in sample.inputs:
        if isinstance(value, tuple):
            values.extend(np.asarray(item) for item in value)
            lengths.append(len(value))
        else:
            values.append(np.asarray(value))
            lengths.append(None)
    return values, lengths


def _tensors(sample):
    return [
        [convert_to_tensor(np.asarray(item)) for item in value]
        if isinstance(value, tuple)
        else convert_to_tensor(np.asarray(value))
        for value in sample.inputs
    ]


def _expected(sample):
    return sample.expected if isinstance(sample.expected, tuple) else (sample.expected,)


def _scale(sample, expected):
    if sample.tolerance is None:
        return 1.0
    return sample.tolerance / (tolerance_of(np.asarray(expected).dtype)[0] or 1.0)


def _check(sample, outputs):
    outputs = [getattr(output, "_value", output) for output in outputs]
    expected = _expected(sample)
    assert len(outputs) == len(expected)
    for got, want in zip(outputs, expected, strict=True):
        assert_close(got, want, _scale(sample, want))


@each_sample
def test_the_kernels_give_the_expected_value(sample):
    row = lookup(sample.op)
    values, lengths = _flat(sample)
    attrs = row.complete(sample.attrs)

    if row.host is not None:
        with np.errstate(all="ignore"):
            _check(sample, as_tuple(row.host(*row.pack(values, lengths), **attrs)))
    if row.device is not None and all(value.dtype != object for value in values):
        constants = row.flat_constants(attrs, lengths)
        dynamic = [i for i in range(len(values)) if i not in constants]

        def kernel(*arrays):
            merged = list(values)
            for i, array in zip(dynamic, arrays, strict=True):
                merged[i] = array
            return as_tuple(row.device(*row.pack(merged, lengths), **attrs))

        _check(sample, jax.jit(kernel)(*(values[i] for i in dynamic)))


@each_sample
def test_an_eager_call_gives_the_expected_value(sample):
    result = call(sample.op, *_tensors(sample), **sample.attrs)

    _check(sample, as_tuple(result))


@each_sample
def test_a_graph_gives_the_expected_value(sample):
    constants = lookup(sample.op).constant_positions
    given = _tensors(sample)
    dynamic = [i for i in range(len(given)) if i not in constants]

    @function(autograph=False)
    def graph(*arguments):
        merged = list(given)
        for i, argument in zip(dynamic, arguments, strict=True):
            merged[i] = argument
        return as_tuple(call(sample.op, *merged, **sample.attrs))

    _check(sample, graph(*(given[i] for i in dynamic)))


def _differentiable(sample):
    row = lookup(sample.op)
    return (
        sample.differentiable
        and row.differentiable
        and row.device is not None
        and any(np.asarray(e).dtype.kind == "f" for e in _expected(sample))
    )


@pytest.mark.parametrize("sample", [s for s in SAMPLES if _differentiable(s)], ids=_name)
def test_the_gradient_is_the_slope(sample):
    """Central differences of a weighted sum of the outputs, in float64."""
    row = lookup(sample.op)
    values, lengths = _flat(sample)
    attrs = row.complete(
        {k: dtypes.float64 if v is dtypes.float32 else v for k, v in sample.attrs.items()}
    )
    wide = [v.astype(np.float64) if v.dtype == np.float32 else v for v in values]
    constants = row.flat_constants(attrs, lengths)
    sources = [
        i
        for i, value in enumerate(wide)
        if value.dtype == np.float64 and i not in constants and value.size
    ]
    if not sources:
        pytest.skip("no input carries a gradient")
    tensors = [convert_to_tensor(value) for value in wide]

    def run():
        packed = [list(p) if isinstance(p, tuple) else p for p in row.pack(tensors, lengths)]
        return as_tuple(call(sample.op, *packed, **attrs))

    with GradientTape() as tape:
        tape.watch([tensors[i] for i in sources])
        outputs = run()
        targets = [o for o in outputs if is_differentiable(o.dtype)]
        weights = [
            np.cos(np.arange(o.shape.num_elements()) * 0.7).reshape(o.shape) for o in targets
        ]
    gradients = tape.gradient(
        targets,
        [tensors[i] for i in sources],
        output_gradients=[convert_to_tensor(w) for w in weights],
    )

    for position, gradient in zip(sources, gradients, strict=True):
        slope = _slope(row, wide, attrs, lengths, position, weights)
        got = (
            np.zeros_like(slope)
            if gradient is None
            else np.asarray(convert_to_tensor(gradient))
        )
        np.testing.assert_allclose(got, slope, rtol=1e-4, atol=1e-5)


def _slope(row, values, attrs, lengths, position, weights):  # noqa: PLR0917
    step = 1e-5

    def total(shift, index):
        moved = [np.array(value) for value in values]
        moved[position][index] += shift
        outputs = as_tuple(run_values(row, moved, attrs, lengths))
        floats = [np.asarray(o) for o in outputs if np.asarray(o).dtype.kind == "f"]
        return sum(float((o * w).sum()) for o, w in zip(floats, weights, strict=True))

    slope = np.zeros(values[position].shape)
    for index in np.ndindex(slope.shape):
        slope[index] = (total(step, index) - total(-step, index)) / (2 * step)
    return slope


def test_samples_name_ops_that_exist():
    names = {row.name for row in rows()}

    assert {sample.op for sample in SAMPLES} <= names
