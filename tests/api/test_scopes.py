"""Critical sections, creators of variables, registered gradients, and modes of execution."""

import inspect
import threading

import numpy as np
import pytest

import penstock as tf


def test_critical_sections_run_one_function_at_a_time():
    section = tf.CriticalSection(name="counter")
    total = tf.Variable(0)

    @tf.function
    def add():
        def step():
            seen = total.read_value()
            return total.assign(seen + 1)

        return section.execute(step)

    def many():
        for _ in range(20):
            add()

    add()
    threads = [threading.Thread(target=many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert total.numpy() == 81
    assert section.name == "counter"


def test_critical_sections_give_what_the_function_gives():
    section = tf.CriticalSection()

    first, second = section.execute(lambda: (1, [2.0]))

    assert (first.numpy(), second[0].numpy()) == (1, 2.0)
    assert section.execute(lambda: None) is None
    with pytest.raises(TypeError, match="not callable"):
        section.execute(3)
    with pytest.raises(ValueError, match="critical_section_def"):
        tf.CriticalSection(critical_section_def=3)


def test_a_failure_leaves_a_critical_section_free():
    section = tf.CriticalSection(shared_name="tests.section")

    with pytest.raises(ZeroDivisionError):
        section.execute(lambda: 1 // 0)

    assert tf.CriticalSection(shared_name="tests.section").execute(lambda: 3).numpy() == 3


def test_creators_see_and_change_variables():
    seen = []

    def creator(next_creator, **kwargs):
        seen.append(kwargs)
        return next_creator(**{**kwargs, "initial_value": 5})

    with tf.variable_creator_scope(creator):
        made = tf.Variable(3, name="v")

    assert made.numpy() == 5
    assert made.name == "v:0"
    assert set(seen[0]) == set(inspect.signature(tf.Variable).parameters)
    assert tf.Variable(3).numpy() == 3


def test_the_innermost_creator_is_asked_first():
    def outer(next_creator, **kwargs):
        return "outer"

    def inner(next_creator, **kwargs):
        return next_creator(**kwargs), "inner"

    with tf.variable_creator_scope(outer), tf.variable_creator_scope(inner):
        made = tf.Variable(1)

    assert made == ("outer", "inner")


def test_gradients_are_registered_once():
    rule = tf.RegisterGradient("tests.Once")(lambda op, gradient: gradient)

    assert rule(None, 3) == 3
    with pytest.raises(KeyError, match="Registering two gradient"):
        tf.RegisterGradient("tests.Once")(lambda op, gradient: gradient)
    with pytest.raises(KeyError, match="Registering two gradient"):
        tf.RegisterGradient("Square")(lambda op, gradient: gradient)
    with pytest.raises(TypeError, match="must be a string"):
        tf.RegisterGradient(3)


@tf.RegisterGradient("tests.SevenTimes")
def _seven_times(op, gradient):
    assert op.type == "Square"
    assert len(op.inputs) == len(op.outputs) == 1
    return gradient * 7.0


def test_ops_of_a_graph_use_other_gradients():
    @tf.function
    def slopes(x):
        graph = x.graph
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            with graph.gradient_override_map({"Square": "tests.SevenTimes"}):
                y = tf.square(x)
            z = tf.square(x)
        return tape.gradient(y, x), tape.gradient(z, x), tf.gradients(y, x)[0]

    assert [slope.numpy() for slope in slopes(tf.constant(3.0))] == [7, 6, 7]


def test_memory_is_shared_with_other_libraries():
    tensor = tf.constant([[1.0, 2.0], [3.0, 4.0]])

    capsule = tf.experimental.dlpack.to_dlpack(tensor)
    back = tf.experimental.dlpack.from_dlpack(capsule)

    assert type(capsule).__name__ == "PyCapsule"
    np.testing.assert_array_equal(back, tensor)
    taken = tf.experimental.dlpack.from_dlpack(np.arange(3, dtype=np.int64))
    assert taken.dtype is tf.int64
    assert taken.numpy().tolist() == [0, 1, 2]
    with pytest.raises(tf.errors.InvalidArgumentError, match="must be a TF tensor"):
        tf.experimental.dlpack.to_dlpack(np.ones(3))
    with pytest.raises(tf.errors.InvalidArgumentError, match="dtype string"):
        tf.experimental.dlpack.to_dlpack(tf.constant("a"))
    with pytest.raises(TypeError, match="capsule is needed"):
        tf.experimental.dlpack.from_dlpack(3)


def test_functions_are_compiled_as_a_whole():
    assert [
        value.numpy()
        for value in tf.xla.experimental.compile(lambda x: x * 2, [tf.constant(3)])
    ] == [6]

    @tf.function
    def both(x):
        with tf.xla.experimental.jit_scope():
            return tf.xla.experimental.compile(lambda x: (x * 2, x), [x])

    assert [value.numpy() for value in both(tf.constant(3))] == [6, 3]
    with (
        pytest.raises(RuntimeError, match="not supported when eager"),
        tf.xla.experimental.jit_scope(),
    ):
        pass


def test_modes_of_execution_change_no_result():
    with (
        tf.experimental.async_scope(),
        tf.experimental.function_executor_type("SINGLE_THREADED_EXECUTOR"),
    ):
        assert (tf.constant(3) + 1).numpy() == 4
    tf.experimental.async_clear_error()
    with (
        pytest.raises(tf.errors.NotFoundError, match="No executor factory"),
        tf.experimental.function_executor_type("OTHER"),
    ):
        pass


def test_libraries_for_the_runtime_of_tensorflow_are_refused(tmp_path):
    library = tmp_path / "ops.so"
    library.write_bytes(b"")

    with pytest.raises(FileNotFoundError):
        tf.load_library("/nowhere.so")
    with pytest.raises(tf.errors.NotFoundError):
        tf.load_op_library("/nowhere.so")
    with pytest.raises(FileNotFoundError):
        tf.experimental.register_filesystem_plugin("/nowhere.so")
    for load in (
        tf.load_library,
        tf.load_op_library,
        tf.experimental.register_filesystem_plugin,
    ):
        with pytest.raises(tf.errors.UnimplementedError, match="C\\+\\+ runtime"):
            load(str(library))


def test_the_horizon_of_compatibility_can_be_moved():
    assert not tf.compat.forward_compatible(2999, 1, 1)
    with tf.compat.forward_compatibility_horizon(2999, 1, 2):
        assert tf.compat.forward_compatible(2999, 1, 1)
        assert not tf.compat.forward_compatible(2999, 1, 2)
    assert not tf.compat.forward_compatible(2999, 1, 1)
