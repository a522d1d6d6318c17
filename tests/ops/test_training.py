"""Optimizer updates against those of TensorFlow."""

import json
from pathlib import Path

import numpy as np
import pytest

import penstock as tf
from penstock.ops.table import lookup

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/ops/training.json").read_text())[
    "cases"
]


def _name(case):
    return "-".join([case["op"], *case["attrs"], f"l1={case['inputs'].get('l1')}"])


each_case = pytest.mark.parametrize("case", GOLDEN, ids=_name)


def _prepared(case):
    row = lookup(case["op"])
    variables, arguments = {}, {}
    for name, value in case["inputs"].items():
        if name in row.writes:
            variables[name] = tf.Variable(np.array(value, np.float32))
            arguments[name] = variables[name].handle
        else:
            kind = {"indices": np.int32, "global_step": np.int64}.get(name, np.float32)
            arguments[name] = tf.constant(np.array(value, kind))
    return variables, arguments


def _check(variables, case):
    for name, variable in variables.items():
        np.testing.assert_allclose(
            variable.numpy(),
            np.array(case["after"][name], np.float32),
            2e-6,
            2e-6,
            err_msg=name,
        )


@each_case
def test_an_update_gives_what_tensorflow_gives(case):
    variables, arguments = _prepared(case)

    getattr(tf.raw_ops, case["op"])(**arguments, **case["attrs"])

    _check(variables, case)


@each_case
def test_a_compiled_update_gives_what_tensorflow_gives(case):
    variables, arguments = _prepared(case)
    handles = {name: arguments.pop(name) for name in variables}
    names = list(arguments)

    @tf.function(jit_compile=True)
    def update(*values):
        given = dict(zip(names, values, strict=True))
        getattr(tf.raw_ops, case["op"])(**handles, **given, **case["attrs"])

    update(*arguments.values())

    _check(variables, case)


def test_a_gradient_of_another_shape_is_refused():
    variable = tf.Variable([1.0, 2.0])

    with pytest.raises(tf.errors.InvalidArgumentError, match="same shape"):
        tf.raw_ops.ResourceApplyGradientDescent(
            var=variable.handle, alpha=0.1, delta=tf.constant([1.0, 2.0, 3.0])
        )


def test_an_index_out_of_range_is_refused():
    variable, accum = tf.Variable([[1.0], [2.0]]), tf.Variable([[1.0], [1.0]])

    with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[0, 2\)"):
        tf.raw_ops.ResourceSparseApplyAdagrad(
            var=variable.handle,
            accum=accum.handle,
            lr=0.1,
            grad=tf.constant([[1.0]]),
            indices=tf.constant([2]),
        )


def test_a_value_read_before_the_update_stays_as_it_was():
    variable, accum = tf.Variable([1.0, 2.0]), tf.Variable([1.0, 1.0])
    before, slot = variable.read_value(), accum.read_value()

    for _ in range(2):
        tf.raw_ops.ResourceApplyAdagrad(
            var=variable.handle,
            accum=accum.handle,
            lr=0.5,
            grad=tf.constant([1.0, 1.0]),
            update_slots=False,
        )

    np.testing.assert_array_equal(before, [1.0, 2.0])
    np.testing.assert_array_equal(slot, [1.0, 1.0])
    np.testing.assert_array_equal(variable, [0.0, 1.0])
