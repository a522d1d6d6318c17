import gc
import inspect
import threading
import weakref

import numpy as np
import pytest

import penstock as tf
from penstock.runtime.dispatch import call


def graph(f=None, **options):
    return tf.function(f, autograph=False, **options)


def test_a_function_is_traced_once_for_each_kind_of_arguments():
    traces = []

    @graph
    def f(x):
        traces.append(x.shape)
        return x + 1.0

    f(tf.constant([1.0]))
    f(tf.constant([2.0]))
    f(tf.constant([1.0, 2.0]))
    f(tf.constant(1.0, tf.float64))

    assert len(traces) == 3


def test_python_values_are_part_of_the_kind():
    traces = []

    @graph
    def f(x, power):
        traces.append(power)
        return x * float(power)

    x = tf.constant(2.0)
    assert float(f(x, 2)) == 4.0
    assert float(f(x, power=2)) == 4.0
    assert float(f(x, 3)) == 6.0
    assert traces == [2, 3]


def test_a_signature_with_an_open_size_serves_all_sizes():
    @graph(input_signature=[tf.TensorSpec([None, 2], tf.float32)])
    def f(x):
        assert x.shape.as_list() == [None, 2]
        return call("Sum", x, [0], keep_dims=False)

    np.testing.assert_array_equal(f(np.ones((3, 2), np.float32)), [3, 3])
    np.testing.assert_array_equal(f(np.ones((5, 2), np.float32)), [5, 5])
    assert f.experimental_get_tracing_count() == 1
    with pytest.raises(TypeError, match="input_signature"):
        f(np.ones((3, 3), np.float32))


def test_sizes_that_vary_are_left_open_when_asked():
    @graph(reduce_retracing=True)
    def f(x):
        return x * 2.0

    for size in range(1, 8):
        f(tf.constant(np.ones(size, np.float32)))

    assert f.experimental_get_tracing_count() == 2


def test_what_a_function_returns_keeps_its_structure():
    @graph
    def f(x):
        return {"a": x, "b": [x + 1.0, None, (x,)]}

    result = f(tf.constant(1.0))

    assert float(result["a"]) == 1.0
    assert float(result["b"][0]) == 2.0
    assert result["b"][1] is None
    assert isinstance(result["b"][2], tuple)


def test_a_method_has_a_trace_of_its_own_for_each_object():
    class Scaler(tf.Module):
        def __init__(self, factor):
            super().__init__()
            self.factor = tf.Variable(factor)

        @tf.function(autograph=False)
        def scale(self, x):
            return x * self.factor

    two, three = Scaler(2.0), Scaler(3.0)

    assert float(two.scale(tf.constant(1.0))) == 2.0
    assert float(three.scale(tf.constant(1.0))) == 3.0


def test_a_function_with_its_traces_is_freed():
    class Model(tf.Module):
        def __init__(self):
            super().__init__()
            self.v = tf.Variable(1.0)

        @tf.function(autograph=False)
        def call(self, x):
            return x * self.v

    model = Model()
    model.call(tf.constant(1.0))
    gone = weakref.ref(model)
    del model
    gc.collect()

    assert gone() is None


def test_a_failing_trace_leaves_nothing_behind():
    fail = [True]

    @graph
    def f(x):
        if fail[0]:
            raise RuntimeError("no")
        return x + 1.0

    with pytest.raises(RuntimeError, match="no"):
        f(tf.constant(1.0))
    fail[0] = False

    assert tf.executing_eagerly()
    assert float(f(tf.constant(1.0))) == 2.0


def test_shapes_that_do_not_fit_are_refused_while_tracing():
    @graph
    def f(x, y):
        return x @ y

    with pytest.raises(ValueError, match=r"inner|equal|match|[Dd]im"):
        f(tf.constant(np.ones((2, 3), np.float32)), tf.constant(np.ones((4, 5), np.float32)))


def test_a_range_whose_size_is_an_argument_runs_between_compiled_parts():
    @graph
    def f(n, x):
        return call("Cast", call("Range", 0, n, 1), DstT=tf.float32) * x

    np.testing.assert_array_equal(f(tf.constant(3), tf.constant(2.0)), [0, 2, 4])
    np.testing.assert_array_equal(f(tf.constant(5), tf.constant(1.0)), [0, 1, 2, 3, 4])


def test_a_mask_of_unknown_size_runs_between_compiled_parts():
    v = tf.Variable(10.0)

    @graph
    def f(x):
        v.assign_add(1.0)
        kept = x[x > 1.5]
        v.assign_add(call("Cast", call("Size", kept), DstT=tf.float32))
        return kept * v

    np.testing.assert_array_equal(f(tf.constant([1.0, 2.0, 3.0])), [26, 39])
    assert float(v) == 13.0


def test_what_cannot_be_compiled_is_named_when_compiling_is_asked_for():
    @graph(jit_compile=True)
    def f(x):
        return x[x > 1.5]

    with pytest.raises(tf.errors.InvalidArgumentError, match=r"Where.*test_function.py"):
        f(tf.constant([1.0, 2.0]))


def test_an_index_out_of_range_is_an_error_in_compiled_code_too():
    v = tf.Variable(np.arange(4, dtype=np.float32))

    @graph
    def f(i):
        return v.sparse_read(i) * 2.0

    np.testing.assert_array_equal(f(tf.constant([3, 0])), [6, 0])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[0, 4\).*test_function.py"):
        f(tf.constant([4]))
    np.testing.assert_array_equal(f(tf.constant([1])), [2])


def test_an_error_inside_a_loop_comes_out():
    table = tf.constant(np.arange(3))

    f = graph(
        lambda n: tf.while_loop(
            lambda i, t: i < n,
            lambda i, t: (
                i + 1,
                t + call("Cast", call("GatherV2", table, i, 0), DstT=tf.int32),
            ),
            (0, 0),
        )[1]
    )
    assert int(f(tf.constant(3))) == 3
    with pytest.raises(tf.errors.InvalidArgumentError):
        f(tf.constant(4))


def test_a_variable_made_while_tracing_gets_its_first_value():
    held = []

    @graph
    def f(x):
        if not held:
            held.append(tf.Variable(tf.constant([1.0, 2.0]) * 2.0))
        return x + held[0]

    np.testing.assert_array_equal(f(tf.constant([1.0, 1.0])), [3, 5])
    np.testing.assert_array_equal(f(tf.constant([2.0, 1.0])), [4, 5])


def test_eight_threads_call_one_function_with_variables():
    v = tf.Variable(np.ones((16, 16), np.float32))
    count = tf.Variable(0)

    @graph
    def f(x):
        count.assign_add(1)
        return x @ v

    x = tf.constant(np.arange(256, dtype=np.float32).reshape(16, 16))
    expected = np.asarray(f(x))
    wrong = []

    def work():
        wrong.extend(1 for _ in range(25) if not np.array_equal(np.asarray(f(x)), expected))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not wrong
    assert int(count) == 201


def test_a_second_derivative_through_a_function():
    @graph
    def cube(x):
        return x * x * x

    x = tf.constant(3.0)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = cube(x)
        first = inner.gradient(y, x)

    assert float(first) == 27.0
    assert float(outer.gradient(first, x)) == 18.0


def test_unknown_sizes_follow_through_reshapes():
    seen = []

    @graph(input_signature=[tf.TensorSpec([None, 4, 6], tf.float32)])
    def f(x):
        flat = call("Reshape", x, call("Pack", [call("Shape", x)[0], 24], axis=0))
        half = call("Reshape", x, [-1, 3])
        seen.extend([flat.shape.as_list(), half.shape.as_list(), x[:5].shape.as_list()])
        return flat

    f(np.ones((2, 4, 6), np.float32))

    assert seen == [[None, 24], [None, 3], [None, 4, 6]]


def test_a_concrete_function_takes_keywords():
    @graph
    def f(x, y):
        return x - y

    concrete = f.get_concrete_function(
        tf.TensorSpec([None], tf.float32), tf.TensorSpec([], tf.float32)
    )

    np.testing.assert_array_equal(concrete(tf.constant([3.0]), y=tf.constant(1.0)), [2])
    assert concrete.structured_outputs.shape.as_list() == [None]


def test_tensors_of_a_finished_graph_are_refused():
    leaked = []

    @graph
    def f(x):
        leaked.append(x * 2.0)
        return x

    f(tf.constant(1.0))

    with pytest.raises((tf.errors.InvalidArgumentError, TypeError)):
        leaked[0] + 1.0


def test_a_random_op_draws_new_numbers_in_each_call_of_one_compiled_part():
    @graph
    def f():
        return call("RandomUniform", [4], seed=3, seed2=5, dtype=tf.float32) * 1.0

    first, second = np.asarray(f()), np.asarray(f())

    assert f.get_concrete_function().function.program.host_nodes() == []
    assert not np.array_equal(first, second)
    assert np.all((first >= 0) & (first < 1))


def test_an_input_signature_must_have_a_spec_for_every_parameter_without_default():
    spec = tf.TensorSpec([None], tf.float32)

    with pytest.raises(TypeError, match="missing type constraint for y"):
        tf.function(lambda x, y: x, input_signature=[spec])
    with pytest.raises(TypeError, match="1 extra"):
        tf.function(lambda x: x, input_signature=[spec, spec])
    tf.function(lambda x, y=1: x, input_signature=[spec])
    tf.function(lambda *xs: xs, input_signature=[spec, spec])


def test_python_sees_the_parameters_of_a_method_without_its_instance():
    class Owner:
        @tf.function
        def method(self, x, training=False):
            return x

    assert list(inspect.signature(Owner().method).parameters) == ["x", "training"]


def test_the_trace_for_the_stated_signature_is_the_one_that_calls_use():
    f = tf.function(lambda x, n=2: x * n, input_signature=[tf.TensorSpec([None], tf.float32)])

    concrete = f.get_concrete_function()
    f(tf.constant([1.0]))
    f(tf.constant([1.0, 2.0]))

    assert f.experimental_get_tracing_count() == 1
    assert f._list_all_concrete_functions_for_serialization() == [concrete]
