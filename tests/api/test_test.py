"""`tf.test`, `tf.hessians`, messages."""

import unittest

import numpy as np
import pytest

import penstock as tf


class Comparisons(tf.test.TestCase):
    def test_what_is_alike_passes(self):
        self.assertAllEqual(tf.constant([1, 2]), [1, 2])
        self.assertAllClose({"a": tf.constant(1.0)}, {"a": np.float32(1.0 + 1e-8)})
        self.assertAllCloseAccordingToType(tf.constant(1.0, tf.float16), 1.0005)
        self.assertAllInRange([1.0, 2.0], 1, 2)
        self.assertShapeEqual(np.zeros([2, 3]), tf.zeros([2, 3]))
        self.assertDTypeEqual(tf.constant(1), tf.int32)
        assert self.evaluate(tf.constant(3)) == 3

    def test_what_is_not_alike_fails(self):
        for check in (
            lambda: self.assertAllEqual([1, 2], [1, 3]),
            lambda: self.assertAllClose([1.0], [1.1]),
            lambda: self.assertNotAllClose([1.0], [1.0]),
            lambda: self.assertNotAllEqual([1], [1]),
            lambda: self.assertAllInRange([1.0, 2.0], 1, 2, open_upper_bound=True),
            lambda: self.assertAllInSet([1, 2], {1}),
            lambda: self.assertShapeEqual(np.zeros([2]), tf.zeros([3])),
            lambda: self.assertAllGreater([1, 2], 1),
        ):
            with pytest.raises(AssertionError):
                check()


def test_gradients_by_tape_and_by_differences_are_close():
    exact, near = tf.test.compute_gradient(lambda x, y: x**2 * y, [[1.0, 2.0], [3.0, 4.0]])

    np.testing.assert_allclose(exact[0], [[6, 0], [0, 16]])
    np.testing.assert_allclose(exact[1], [[1, 0], [0, 4]])
    np.testing.assert_allclose(near, exact, rtol=1e-3)


def test_hessians_are_second_derivatives():
    @tf.function
    def second(x):
        return tf.hessians(x[0] ** 2 * x[1], x)

    np.testing.assert_allclose(second(tf.constant([1.0, 2.0]))[0], [[4, 2], [2, 0]])


def test_a_tensor_message_holds_its_array():
    message = tf.make_tensor_proto(tf.constant([[1.0, 2.0]]))

    np.testing.assert_array_equal(tf.make_ndarray(message), [[1.0, 2.0]])
    assert message.dtype == tf.float32.as_datatype_enum


def test_conversions_of_low_priority_numbers_come_first():
    class Boxed:
        value = 1.0

    def convert(by):
        return lambda box, dtype=None, name=None, as_ref=False: tf.constant(box.value * by)

    tf.register_tensor_conversion_function(Boxed, convert(2.0))
    tf.register_tensor_conversion_function(Boxed, convert(3.0), priority=50)

    assert tf.convert_to_tensor(Boxed()) == 3.0


class Members(tf.test.TestCase):
    def test_near_numbers(self):
        self.assertNear(1.0, 1.05, 0.1)
        self.assertArrayNear([1.0, 2.0], [1.01, 2.0], 0.02)
        self.assertNDArrayNear(np.ones(4), np.ones(4) + 0.1, 0.3)
        for check in (
            lambda: self.assertNear(1.0, 1.2, 0.1),
            lambda: self.assertArrayNear([1.0, 2.0], [1.0], 0.1),
            lambda: self.assertNDArrayNear(np.ones(4), np.ones(4) + 0.1, 0.1),
            lambda: self.assertNDArrayNear(np.ones(4), np.ones(3), 9),
        ):
            with pytest.raises(AssertionError):
                check()

    def test_names_and_collections(self):
        self.assertDeviceEqual("/device:CPU:0", "/cpu:0")
        self.assertItemsEqual([2, 1], [1, 2])
        self.assertStartsWith("penstock", "pen")
        for check in (
            lambda: self.assertDeviceEqual("/device:CPU:0", "/device:CPU:1"),
            lambda: self.assertItemsEqual([1, 1], [1]),
            lambda: self.assertStartsWith("penstock", "stock"),
        ):
            with pytest.raises(AssertionError):
                check()

    def test_messages(self):
        proto = tf.TensorShape([1, 2]).as_proto()
        self.assertProtoEquals("dim { size: 1 } dim { size: 2 }", proto)
        self.assertProtoEquals(proto, proto)
        tensor = tf.make_tensor_proto([1.0, 2.0])
        nearby = tf.make_tensor_proto([1.0, 2.0])
        del nearby.float_val[:]
        self.assertProtoEquals(nearby, nearby, relative_tolerance=0.1)
        with pytest.raises(AssertionError):
            self.assertProtoEquals("dim { size: 3 }", proto)
        with pytest.raises(AssertionError, match="Can't compare"):
            self.assertProtoEquals(proto, tensor)

    def test_errors(self):
        with self.assertRaisesOpError("slice index"):
            raise tf.errors.InvalidArgumentError(None, None, "slice index 3 is out of bounds")
        with self.assertRaisesWithPredicateMatch(ValueError, lambda error: "x" in str(error)):
            raise ValueError("x")
        with self.assertRaisesIncompatibleShapesError():
            tf.constant([1, 2]) + tf.constant([1, 2, 3])
        with (
            pytest.raises(AssertionError, match="not the expected"),
            self.assertRaisesWithPredicateMatch(ValueError, "y"),
        ):
            raise ValueError("x")
        with pytest.raises(AssertionError, match="not raised"), self.assertRaisesOpError("x"):
            pass

    def test_threads_and_streams(self):
        seen = []
        good = self.checkedThread(seen.append, args=(3,))
        good.start()
        good.join()
        assert seen == [3]
        assert not good.is_alive()
        bad = self.checkedThread(lambda: 1 // 0)
        bad.start()
        with pytest.raises(AssertionError, match="division"):
            bad.join()

    def test_values(self):
        assert self.evaluate_if_both_tensors(tf.constant(1), tf.constant(2)) == (1, 2)
        assert self.evaluate_if_both_tensors(3, "a") == (3, "a")


def test_what_is_written_to_a_stream_is_captured(tmp_path):
    case = Members()
    with (tmp_path / "out").open("w") as stream:
        with case.captureWritesToStream(stream) as captured:
            stream.write("inside")
        stream.write("outside")

    assert captured.contents() == "inside"
    assert (tmp_path / "out").read_text() == "outside"


class Session:
    def run(self, op, feed_dict=None):
        return op


class Speed(tf.test.Benchmark):
    def benchmark_nothing(self):
        return self.run_op_benchmark(Session(), 3, min_iters=4, extras={"note": 1}, mbs=2)


def test_benchmarks_measure_and_report(capsys):
    found = Speed().benchmark_nothing()

    assert found["name"] == "Speed.benchmark_nothing"
    assert found["iters"] == 4
    assert found["wall_time"] > 0
    assert found["throughput"] == 2 / found["wall_time"]
    assert found["extras"]["note"] == 1
    assert capsys.readouterr().out.startswith("name: Speed.benchmark_nothing iters: 4")
    assert tf.test.Benchmark.is_abstract()
    assert not Speed.is_abstract()
    assert Speed().evaluate([tf.constant(2)]) == [2]
    with pytest.raises(ValueError, match="calling Benchmark"):
        Speed().report_benchmark(iters=1)
    options = tf.test.benchmark_config().graph_options.rewrite_options
    assert options.dependency_optimization == 2


def test_graphs_are_compared_by_their_nodes():
    one, other = (tf.compat.v1.GraphDef() for _ in range(2))
    one.node.add(name="a", op="NoOp")
    one.node.add(name="b", op="NoOp", input=["^x", "^a"])
    other.node.add(name="b", op="NoOp", input=["^a", "^x"])

    with pytest.raises(AssertionError, match="'a' is missing"):
        tf.test.assert_equal_graph_def(one, other)
    other.node.add(name="a", op="NoOp")
    tf.test.assert_equal_graph_def(one, other)
    other.node[1].op = "Const"
    with pytest.raises(AssertionError, match="'a' differs"):
        tf.test.assert_equal_graph_def(one, other)
    with pytest.raises(TypeError, match=r"Expected tf\.GraphDef"):
        tf.test.assert_equal_graph_def(one, 3)


def test_tests_are_skipped_when_a_function_says_so():
    skip = []

    @tf.test.disable_with_predicate(lambda: bool(skip), "not here")
    def runs():
        return "ran"

    assert runs() == "ran"
    skip.append(True)
    with pytest.raises(unittest.SkipTest, match="not here"):
        runs()
    assert tf.test.with_eager_op_as_function(Speed) is Speed
    assert tf.test.with_eager_op_as_function()(Speed) is Speed


def test_devices_are_waited_for_and_clusters_are_refused():
    tf.test.experimental.sync_devices()
    with pytest.raises(tf.errors.UnimplementedError, match="create_local_cluster"):
        tf.test.create_local_cluster(1, 1)
    assert tf.sysconfig.MONOLITHIC_BUILD == 0
