"""How bodies of branches and loops run: compiled where they can be, else by numpy."""

import numpy as np
import pytest

import penstock as tf
from penstock.graph.rounds import Rounds
from penstock.graph.varying_sizes import VaryingSizes


def concrete(function, *specs):
    return tf.function(function).get_concrete_function(*specs)


SCALAR = tf.TensorSpec([], tf.int32)
VECTOR = tf.TensorSpec([None], tf.float32)


def count_triples(n):
    s = tf.constant(0)
    for i in tf.range(n):
        for j in tf.range(i):
            for k in tf.range(j):
                if (i + j + k) % 2 == 0:
                    s += 1
                    continue
                s += i * j * k
    return s


def grade(x):
    if x < 0:
        y = 0
    elif x < 1:
        y = 1
    elif x < 2:
        y = 2
    elif x < 3:
        y = 3
    elif x < 4:
        y = 4
    elif x < 5:
        y = 5
    elif x < 6:
        y = 6
    else:
        y = 7
    return y


def test_nested_loops_over_ranges_are_compiled_whole():
    f = concrete(count_triples, SCALAR)

    expected = sum(
        1 if (i + j + k) % 2 == 0 else i * j * k
        for i in range(7)
        for j in range(i)
        for k in range(j)
    )
    assert int(f(tf.constant(7))) == expected
    assert f.function.program.host_nodes() == []


def test_a_branch_is_evaluated_once_for_each_kind_of_inputs():
    f = concrete(grade, SCALAR)
    assert [int(f(tf.constant(v))) for v in (-1, 0, 3, 9)] == [0, 1, 4, 7]

    bodies = [n.attrs["else_branch"] for n in f.graph.nodes if "If" in n.row.name]
    depth = 0
    while bodies:
        (body,) = bodies
        assert len(body.abstract) <= 2
        bodies = [n.attrs["else_branch"] for n in body.nodes if "If" in n.row.name]
        depth += 1
    assert depth == 7


def body_of(function, *specs):
    traced = concrete(function, *specs)
    (node,) = [n for n in traced.graph.nodes if "While" in n.row.name]
    return node.attrs["body"]


class Clock:
    """Each run takes as long as it is told."""

    def __init__(self, step):
        self.now, self.step = 0.0, step

    def __call__(self):
        self.now += self.step
        return self.now


def step(n):
    x = tf.constant([1.0])
    i = tf.constant(0)
    while i < n:
        x = x + 1.0
        i += 1
    return x


@pytest.mark.parametrize(("seconds", "compiled"), [(0.0001, False), (0.1, True)])
def test_slow_rounds_are_left_to_compiled_code(seconds, compiled):
    body = body_of(step, SCALAR)
    rounds = Rounds(body, Clock(seconds))
    values = [np.zeros(s.shape.as_list(), s.dtype.np) for s in body.inputs]

    results = [rounds.run(values) for _ in range(6)]

    assert (body._program is not None) == compiled
    for result in results[1:]:
        for first, other in zip(results[0], result, strict=True):
            np.testing.assert_array_equal(first, np.asarray(other))


def test_many_sizes_are_not_all_compiled():
    f = concrete(lambda x: tf.reduce_sum(x * x), VECTOR)
    sizes = VaryingSizes(f.function.inputs, f.function.outputs, f.function.nodes, Clock(1e-6))

    runs = [sizes.run([np.ones(n, np.float32)]) for n in range(1, 8)]

    assert [run is None for run in runs] == [True, True, False, False, False, False, False]
    assert [float(run[0]) for run in runs[2:]] == [3.0, 4.0, 5.0, 6.0, 7.0]


def test_a_size_that_comes_often_is_compiled():
    f = concrete(lambda x: tf.reduce_sum(x * x), VECTOR)
    sizes = VaryingSizes(f.function.inputs, f.function.outputs, f.function.nodes, Clock(1e-6))
    for n in (1, 2):
        sizes.run([np.ones(n, np.float32)])

    runs = [sizes.run([np.ones(5, np.float32)]) for _ in range(25)]

    assert runs[0] is not None
    assert runs[-1] is None


UPDATES = [
    (lambda v: v.scatter_nd_update([[0]], [9.0]), [9.0, 2.0]),
    (lambda v: v.scatter_mul(tf.IndexedSlices([5.0], [1])), [1.0, 10.0]),
    (lambda v: v.scatter_div(tf.IndexedSlices([2.0], [1])), [1.0, 1.0]),
    (lambda v: v[1].assign(7.0), [1.0, 7.0]),
    (lambda v: v.scatter_max(tf.IndexedSlices([5.0], [0])), [5.0, 2.0]),
]


@pytest.mark.parametrize(("update", "expected"), UPDATES)
def test_variables_of_any_kind_of_update_may_change_in_a_branch(update, expected):
    v = tf.Variable([1.0, 2.0])

    @tf.function
    def f(x):
        if x > 0:
            update(v)
        return v.read_value()

    np.testing.assert_array_equal(f(tf.constant(-1)), [1.0, 2.0])
    np.testing.assert_array_equal(f(tf.constant(1)), expected)
    np.testing.assert_array_equal(v, expected)


def test_an_optimizer_step_may_stand_in_a_loop():
    w = tf.Variable([2.0, -1.0])
    optimizer = tf.keras.optimizers.SGD(0.1, momentum=0.9)
    optimizer.build([w])

    @tf.function
    def train(n):
        for _ in tf.range(n):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(w**2)
            optimizer.apply([tape.gradient(loss, w)], [w])
        return loss

    train(tf.constant(3))
    expected, speed = np.array([2.0, -1.0]), np.zeros(2)
    for _ in range(3):
        speed = 0.9 * speed - 0.1 * 2.0 * expected
        expected = expected + speed

    np.testing.assert_allclose(w, expected, rtol=1e-5)
