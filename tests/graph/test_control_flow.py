import numpy as np
import pytest

import penstock as tf
from penstock.runtime.dispatch import call


def graph(f):
    return tf.function(f, autograph=False)


def _sum(x):
    return call("Sum", x, list(range(x.shape.rank)), keep_dims=False)


@pytest.mark.parametrize("chosen", [True, False])
def test_a_branch_is_chosen_when_the_graph_runs(chosen):
    v = tf.Variable([2.0, 3.0])

    @graph
    def f(p, x):
        return tf.cond(p, lambda: x * v, lambda: x + 1.0)

    x = tf.constant([1.0, 1.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(tf.constant(chosen), x)

    dx, dv = tape.gradient(y, [x, v])
    np.testing.assert_array_equal(y, [2, 3] if chosen else [2, 2])
    np.testing.assert_array_equal(dx, [2, 3] if chosen else [1, 1])
    np.testing.assert_array_equal(dv, [1, 1] if chosen else [0, 0])


def test_a_branch_assigns_only_when_it_is_taken():
    v = tf.Variable(0.0)

    @graph
    def f(p):
        def count():
            v.assign_add(1.0)
            return tf.constant(1)

        return tf.cond(p, count, lambda: tf.constant(0))

    f(tf.constant(True))
    f(tf.constant(False))
    f(tf.constant(True))

    assert float(v) == 2.0


def test_branches_must_agree_in_structure():
    @graph
    def f(p):
        return tf.cond(p, lambda: (tf.constant(1), tf.constant(2)), lambda: tf.constant(1))

    with pytest.raises(TypeError, match="same structure"):
        f(tf.constant(True))


@pytest.mark.parametrize(("index", "expected"), [(0, 10), (1, 20), (2, 30), (7, 30), (-1, 30)])
def test_switch_case_takes_the_last_branch_for_other_numbers(index, expected):
    @graph
    def f(i):
        return tf.switch_case(i, [lambda: 10, lambda: 20, lambda: 30])

    assert int(f(tf.constant(index))) == expected


def test_a_loop_with_a_known_trip_count_is_differentiated():
    w = tf.Variable([[0.5, 0.1], [0.2, 0.3]])

    @graph
    def unrolled_by_penstock(x):
        _, h = tf.while_loop(lambda i, h: i < 3, lambda i, h: (i + 1, h @ w), (0, x))
        return h

    x = tf.constant([[1.0, 2.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = _sum(unrolled_by_penstock(x))
    dx, dw = tape.gradient(y, [x, w])

    with tf.GradientTape() as by_hand:
        by_hand.watch(x)
        z = _sum(x @ w @ w @ w)
    ex, ew = by_hand.gradient(z, [x, w])
    np.testing.assert_allclose(y, z, rtol=1e-6)
    np.testing.assert_allclose(dx, ex, rtol=1e-6)
    np.testing.assert_allclose(dw, ew, rtol=1e-6)


def test_a_loop_whose_trip_count_depends_on_values():
    @graph
    def f(x):
        (y,) = tf.while_loop(lambda x: _sum(x) < 100.0, lambda x: (x * 2.0,), (x,))
        return y

    np.testing.assert_array_equal(f(tf.constant([1.0, 2.0])), [64, 128])


def test_the_gradient_of_a_bounded_loop_of_unknown_length():
    @graph
    def f(x):
        (y,) = tf.while_loop(
            lambda x: x < 100.0, lambda x: (x * 2.0,), (x,), maximum_iterations=10
        )
        return y

    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)

    assert float(y) == 192.0
    assert float(tape.gradient(y, x)) == 64.0


def test_a_variable_assigned_in_a_loop():
    v = tf.Variable(1.0)

    @graph
    def f(n):
        def body(i):
            v.assign(v * 2.0)
            return (i + 1,)

        tf.while_loop(lambda i: i < n, body, (0,))
        return v.read_value()

    assert float(f(tf.constant(3))) == 8.0
    assert float(v) == 8.0


def test_a_variable_read_in_a_loop_has_its_whole_gradient():
    v = tf.Variable(3.0)

    @graph
    def f(x):
        _, y = tf.while_loop(lambda i, y: i < 4, lambda i, y: (i + 1, y * v), (0, x))
        return y

    with tf.GradientTape() as tape:
        y = f(tf.constant(1.0))

    assert float(tape.gradient(y, v)) == 4 * 27.0


def test_maximum_iterations_ends_a_loop():
    @graph
    def f(x):
        return tf.while_loop(lambda x: True, lambda x: (x + 1,), (x,), maximum_iterations=5)[0]

    assert int(f(tf.constant(0))) == 5


def test_a_loop_variable_that_changes_its_shape_needs_an_invariant():
    def body(x):
        return (call("ConcatV2", [x, x], 0),)

    @graph
    def refused(x):
        return tf.while_loop(lambda x: True, body, (x,), maximum_iterations=2)

    @graph
    def allowed(x):
        return tf.while_loop(
            lambda x: call("Size", x) < 10,
            body,
            (x,),
            shape_invariants=(tf.TensorShape([None]),),
        )

    with pytest.raises(ValueError, match="shape_invariants"):
        refused(tf.constant([1.0]))
    assert allowed(tf.constant([1.0]))[0].shape.as_list() == [16]


@pytest.mark.parametrize("in_graph", [True, False])
def test_a_tensor_array_is_written_in_a_loop_and_stacked(in_graph):
    def f(x):
        array = tf.TensorArray(tf.float32, size=3)
        _, array = tf.while_loop(
            lambda i, _: i < 3,
            lambda i, a: (i + 1, a.write(i, x * tf.cast(i, tf.float32))),
            (0, array),
        )
        return array.stack()

    run = graph(f) if in_graph else f

    np.testing.assert_array_equal(run(tf.constant([1.0, 2.0])), [[0, 0], [1, 2], [2, 4]])


def test_the_gradient_flows_through_a_tensor_array():
    @graph
    def f(x):
        array = tf.TensorArray(tf.float32, size=4).unstack(x)
        out = tf.TensorArray(tf.float32, size=4)
        _, out = tf.while_loop(
            lambda i, _: i < 4, lambda i, o: (i + 1, o.write(i, array.read(i) * 2.0)), (0, out)
        )
        return out.stack()

    x = tf.constant([1.0, 2.0, 3.0, 4.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x) * tf.constant([1.0, 10.0, 100.0, 1000.0])

    np.testing.assert_array_equal(tape.gradient(y, x), [2, 20, 200, 2000])


def test_a_row_function_is_mapped_over_rows():
    @graph
    def f(x):
        return tf.map_fn(_sum, x)

    np.testing.assert_array_equal(f(tf.constant([[1.0, 2.0], [3.0, 4.0]])), [3, 7])


def test_scan_keeps_every_sum():
    @graph
    def f(x):
        return tf.scan(lambda a, b: a + b, x)

    np.testing.assert_array_equal(f(tf.constant([1.0, 2.0, 3.0])), [1, 3, 6])
    assert float(tf.foldl(lambda a, b: a - b, tf.constant([1.0, 2.0, 3.0]))) == -4.0
    assert float(tf.foldr(lambda a, b: a - b, tf.constant([1.0, 2.0, 3.0]))) == 0.0


def test_a_loop_inside_a_branch_inside_a_loop():
    @graph
    def f(n):
        def body(i, total):
            def add():
                return tf.while_loop(
                    lambda j, t: j < i, lambda j, t: (j + 1, t + 1), (0, total)
                )[1]

            return i + 1, tf.cond(tf.equal(i % 2, 0), add, lambda: total)

        return tf.while_loop(lambda i, t: i < n, body, (0, 0))[1]

    assert int(f(tf.constant(6))) == 0 + 2 + 4


def test_rows_that_a_loop_walks_along_are_handed_in_by_the_scan():
    w = tf.Variable([[0.5, 0.1], [0.2, 0.3]])

    @graph
    def f(x):
        rows = tf.TensorArray(tf.float32, size=5).unstack(x)
        out = tf.TensorArray(tf.float32, size=5)

        def body(i, h, out):
            h = call("Tanh", h @ w + rows.read(i))
            return i + 1, h, out.write(i, h)

        h = tf.constant([[0.0, 0.0]])
        return tf.while_loop(lambda i, *_: i < 4, body, (1, h, out))[2].stack()

    x = tf.constant(np.linspace(-1, 1, 10, dtype=np.float32).reshape(5, 1, 2))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    dx, dw = tape.gradient(y, [x, w])

    with tf.GradientTape() as by_hand:
        by_hand.watch(x)
        h, parts = tf.constant([[0.0, 0.0]]), [tf.constant([[0.0, 0.0]])]
        for i in range(1, 4):
            h = call("Tanh", h @ w + x[i])
            parts.append(h)
        z = call("Pack", [*parts, tf.constant([[0.0, 0.0]])], axis=0)
    ex, ew = by_hand.gradient(z, [x, w])
    np.testing.assert_allclose(y, z, rtol=1e-5)
    np.testing.assert_allclose(dx, ex, rtol=1e-5)
    np.testing.assert_allclose(dw, ew, rtol=1e-5)


def test_a_list_that_starts_empty_may_grow_in_a_loop():
    @tf.function
    def f(n):
        items = call("TensorListReserve", [2], 0, element_dtype=tf.float32)

        def body(i, held):
            row = tf.fill([2], tf.cast(i, tf.float32))
            return i + 1, call(
                "TensorListSetItem", held, i, row, resize_if_index_out_of_bounds=True
            )

        _, items = tf.while_loop(lambda i, _: i < n, body, [tf.constant(0), items])
        return call("TensorListStack", items, [2], element_dtype=tf.float32)

    np.testing.assert_array_equal(f(tf.constant(3)).numpy(), [[0, 0], [1, 1], [2, 2]])


def test_a_loop_whose_variables_fit_each_other_only_as_they_grow_runs():
    @tf.function
    def f(n):
        def body(i, a, b):
            longer = tf.concat([a, tf.ones([1])], 0)
            return i + 1, longer, b + tf.reduce_sum(tf.reshape(longer, [i + 1]))

        _, a, b = tf.while_loop(
            lambda i, *_: i < n,
            body,
            [tf.constant(0), tf.zeros([0]), tf.constant(0.0)],
            shape_invariants=[tf.TensorShape([]), tf.TensorShape([None]), tf.TensorShape([])],
        )
        return a, b

    a, b = f(tf.constant(4))

    np.testing.assert_array_equal(a.numpy(), np.ones(4))
    assert b.numpy() == 1 + 2 + 3 + 4


def test_case_without_default_refuses_when_no_predicate_is_true():
    def choose(p):
        return tf.case([(p, lambda: 1), (tf.identity(p), lambda: 2)])

    for function in (choose, tf.function(choose, autograph=False)):
        assert int(function(tf.constant(True))) == 1
        with pytest.raises(tf.errors.InvalidArgumentError, match="None of conditions"):
            function(tf.constant(False))


def test_switch_case_wants_its_keys_without_gaps():
    with pytest.raises(ValueError, match="contiguous"):
        tf.switch_case(tf.constant(1), {0: lambda: 1.0, 5: lambda: 2.0})


def test_mapping_over_nothing_gives_nothing():
    assert tf.map_fn(lambda x: x, tf.zeros([0, 2])).shape == [0]
