"""Graphs outside of functions, and the sessions that run them."""

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1


@pytest.fixture
def session():
    with v1.Graph().as_default(), v1.Session() as running:
        yield running


def test_a_fetch_runs_with_what_is_fed(session):
    x = v1.placeholder(tf.float32, [None, 2], "x")
    y = x * 2.0

    np.testing.assert_array_equal(session.run(y, {x: [[1, 2]]}), [[2.0, 4.0]])
    np.testing.assert_array_equal(session.run(y.name, {"x:0": [[3, 4]]}), [[6, 8]])


def test_fetches_keep_their_structure(session):
    a, b = tf.constant(1), tf.constant([b"t"])
    sparse = tf.SparseTensor([[0, 1]], [5.0], [2, 2])

    got = session.run({"a": a, "rest": (b, [a, tf.no_op()]), "sparse": sparse})

    assert got["a"] == 1
    assert got["rest"][0].tolist() == [b"t"]
    assert got["rest"][1] == [1, None]
    assert isinstance(got["sparse"], v1.SparseTensorValue)
    np.testing.assert_array_equal(got["sparse"].indices, [[0, 1]])


def test_any_tensor_can_be_fed(session):
    middle = tf.constant(3.0) + 1.0
    end = middle * 2.0

    assert session.run(end) == 8.0
    assert session.run(end, {middle: 10.0}) == 20.0


def test_a_placeholder_that_is_needed_must_be_fed(session):
    x = v1.placeholder(tf.float32, [2], "images")

    with pytest.raises(tf.errors.InvalidArgumentError, match="'images' with dtype float32"):
        session.run(x + 1.0)
    with pytest.raises(ValueError, match=r"Cannot feed value of shape \(3,\)"):
        session.run(x, {x: [1, 2, 3]})


def test_a_placeholder_may_have_a_default(session):
    rate = v1.placeholder_with_default(0.5, [])

    assert session.run(rate * 2) == 1.0
    assert session.run(rate * 2, {rate: 3.0}) == 6.0


def test_variables_must_be_initialized():
    with v1.Graph().as_default():
        w = v1.get_variable("w", initializer=[1.0, 2.0])
        with v1.Session() as session:
            with pytest.raises(tf.errors.FailedPreconditionError, match="'w'"):
                session.run(w)
            assert session.run(v1.report_uninitialized_variables()).tolist() == [b"w"]
            session.run(v1.global_variables_initializer())
            np.testing.assert_array_equal(session.run(w), [1.0, 2.0])


def test_each_session_has_values_of_its_own():
    with v1.Graph().as_default() as graph:
        count = v1.Variable(0, name="count")
        more = v1.assign_add(count, 1)
        start = v1.global_variables_initializer()
    one, other = v1.Session(graph=graph), v1.Session(graph=graph)
    for each in (one, other):
        each.run(start)

    seen = [one.run(more), one.run(more), other.run(more)]

    assert seen == [1, 2, 1]


def test_only_what_is_needed_runs(session):
    count = v1.Variable(0)
    v1.assign_add(count, 100)
    x = tf.constant(2.0)
    session.run(count.initializer)

    session.run(x * 3.0)

    assert session.run(count) == 0


def test_control_dependencies_run_first(session):
    count = v1.Variable(1)
    session.run(count.initializer)
    with tf.control_dependencies([v1.assign(count, 5)]):
        seen = tf.identity(count.read_value())
    with v1.control_dependencies([v1.assign_add(count, 1)]):
        done = tf.no_op()

    assert session.run(seen) == 5
    assert session.run(done) is None
    assert session.run(count) == 6


def test_a_branch_may_assign(session):
    total, flag = v1.Variable(1.0), v1.placeholder(tf.bool, [])
    session.run(total.initializer)
    changed = v1.cond(flag, lambda: v1.assign_add(total, 10.0), lambda: tf.constant(-1.0))
    op = v1.cond(flag, lambda: v1.assign(total, 0.0).op, tf.no_op)

    assert session.run(changed, {flag: False}) == -1.0
    assert session.run(total) == 1.0
    assert session.run(changed, {flag: True}) == 11.0
    session.run(op, {flag: True})
    assert session.run(total) == 0.0


def test_a_loop_reads_variables(session):
    w = v1.get_variable("w", initializer=2.0)
    session.run(w.initializer)
    product = v1.while_loop(lambda i, _: i < 3, lambda i, p: (i + 1, p * w), [0, 1.0])
    alone = v1.while_loop(lambda i: i < 7, lambda i: i + 2, [0])

    assert session.run(product) == [3, 8.0]
    assert session.run(alone) == 8


def test_gradients_reach_variables(session):
    x = v1.placeholder(tf.float32, [3])
    w = v1.get_variable("w", initializer=[1.0, 2.0, 3.0])
    session.run(w.initializer)

    gradient = v1.gradients(tf.reduce_sum(w * w * x), [w])[0]

    np.testing.assert_array_equal(session.run(gradient, {x: [1, 10, 100]}), [2, 40, 600])


def test_strings_are_fed_and_fetched(session):
    x = v1.placeholder(tf.string, [None])

    got = session.run(tf.strings.upper(x), {x: ["a", b"b"]})

    assert got.tolist() == [b"A", b"B"]


def test_a_callable_takes_values(session):
    a, b = v1.placeholder(tf.float32, []), v1.placeholder(tf.float32, [])

    difference = session.make_callable(a - b, [a, b])

    assert difference(5, 3) == 2.0


def test_tensors_and_variables_are_evaluated_in_the_session_in_force(session):
    w = v1.Variable([1.0])
    w.initializer.run()

    w.load([7.0])

    np.testing.assert_array_equal((w * 2).eval(), [14.0])
    np.testing.assert_array_equal(w.eval(session), [7.0])


def test_evaluating_needs_a_session():
    with v1.Graph().as_default():
        x = tf.constant(1.0)

    with pytest.raises(ValueError, match="No default session"):
        x.eval()


def test_functions_are_part_of_a_graph(session):
    w = v1.get_variable("w", initializer=3.0)
    session.run(w.initializer)

    @tf.function
    def scaled(x):
        return x * w

    assert session.run(scaled(tf.constant(2.0))) == 6.0


def test_sparse_placeholders_take_values(session):
    x = v1.sparse_placeholder(tf.float32)
    total = tf.sparse.reduce_sum(x)

    value = v1.SparseTensorValue([[0, 0], [1, 1]], [2.0, 3.0], [2, 2])

    assert session.run(total, {x: value}) == 5.0


def test_names_find_tensors_and_ops():
    graph = v1.Graph()
    with graph.as_default(), tf.name_scope("outer"):
        x = tf.constant(1.0, name="x")

    assert graph.get_tensor_by_name("outer/x:0") is x
    assert graph.get_operation_by_name("outer/x") is x.op
    assert graph.as_graph_element("outer/x:0") is x
    with pytest.raises(KeyError, match="nowhere"):
        graph.get_operation_by_name("nowhere")
    graph.finalize()
    with graph.as_default(), pytest.raises(RuntimeError, match="finalized"):
        tf.constant(2.0)


def test_a_closed_session_refuses():
    with v1.Graph().as_default(), v1.Session() as session:
        x = tf.constant(1.0)

    with pytest.raises(RuntimeError, match="closed"):
        session.run(x)


def test_eager_execution_can_be_turned_off_and_on():
    try:
        v1.disable_eager_execution()
        x = tf.constant(2.0) * 3.0
        assert not tf.executing_eagerly()
        with v1.Session() as session:
            assert session.run(x) == 6.0
    finally:
        v1.enable_eager_execution()
        v1.reset_default_graph()
    assert tf.executing_eagerly()
    assert (tf.constant(2.0) * 3.0).numpy() == 6.0
