"""Settings of devices, threads and graphs."""

import subprocess
import sys
import textwrap

import pytest

import penstock as tf

CPU = tf.config.PhysicalDevice("/physical_device:CPU:0", "CPU")


def test_devices_have_names_and_details():
    assert CPU in tf.config.list_physical_devices("CPU")
    assert tf.config.list_physical_devices()[0] == CPU
    assert tf.config.experimental.get_device_details(CPU) == {}
    with pytest.raises(ValueError, match=r"must be a tf\.config\.PhysicalDevice"):
        tf.config.experimental.get_device_details("CPU:0")


def test_the_cpu_becomes_several_devices_before_it_is_used():
    program = """
        import penstock as tf

        cpu = tf.config.list_physical_devices("CPU")[0]
        two = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(cpu, two)
        assert tf.config.get_logical_device_configuration(cpu) == two
        print(len(tf.config.list_physical_devices("CPU")))
        print([device.name for device in tf.config.list_logical_devices("CPU")])
        with tf.device("CPU:1"):
            print(tf.constant([1.0, 2.0]) * 2)
        try:
            tf.config.set_logical_device_configuration(cpu, None)
        except RuntimeError as error:
            print(error)
    """

    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines() == [
        "1",
        "['/device:CPU:0', '/device:CPU:1']",
        "tf.Tensor([2. 4.], shape=(2,), dtype=float32)",
        "Virtual devices cannot be modified after being initialized",
    ]


def test_limits_that_xla_does_not_have_are_refused():
    gpu = tf.config.PhysicalDevice("/physical_device:GPU:0", "GPU")
    part = tf.config.LogicalDeviceConfiguration

    assert tf.config.experimental.VirtualDeviceConfiguration is part
    assert tf.config.experimental.get_virtual_device_configuration(gpu) is None
    with pytest.raises(tf.errors.UnimplementedError, match="memory_limit"):
        tf.config.set_logical_device_configuration(CPU, [part(memory_limit=10)])
    with pytest.raises(tf.errors.UnimplementedError, match="cannot make 2 devices"):
        tf.config.set_logical_device_configuration(gpu, [part(), part()])
    with pytest.raises(tf.errors.UnimplementedError, match="experimental_connect_to_host"):
        tf.config.experimental_connect_to_host("localhost:1")
    with pytest.raises(tf.errors.UnimplementedError, match="experimental_connect_to_cluster"):
        tf.config.experimental_connect_to_cluster(None)


def test_memory_of_devices():
    info = tf.config.experimental.get_memory_info("CPU:0")

    assert set(info) == {"current", "peak"}
    assert tf.config.experimental.get_memory_usage("/device:CPU:0") == info["current"]
    with pytest.raises(ValueError, match="No matching devices"):
        tf.config.experimental.get_memory_info("TPU:0")
    with pytest.raises(ValueError, match="Failed parsing device name"):
        tf.config.experimental.get_memory_info("bad")


def test_policies_and_modes_are_kept():
    space = tf.config.experimental
    try:
        space.set_device_policy("warn")
        space.set_synchronous_execution(False)
        space.enable_tensor_float_32_execution(False)
        assert space.get_device_policy() == "warn"
        assert space.get_synchronous_execution() is False
        assert space.tensor_float_32_execution_enabled() is False
        with pytest.raises(ValueError, match="'bad'"):
            space.set_device_policy("bad")
    finally:
        space.set_device_policy(None)
        space.set_synchronous_execution(None)
        space.enable_tensor_float_32_execution(True)
    assert space.get_device_policy() == "silent"
    assert space.get_synchronous_execution() is True


def test_options_of_the_optimizer_are_kept():
    space = tf.config.optimizer
    before = space.get_experimental_options()

    space.set_experimental_options({"constant_folding": False, "unknown": 1})
    space.set_jit(True)

    assert space.get_experimental_options() == {**before, "constant_folding": False}
    assert space.get_jit() == "autoclustering"
    space.set_jit(False)
    assert space.get_jit() == ""


def test_functions_run_eagerly_by_their_older_names():
    seen = []

    @tf.function
    def note(x):
        seen.append(type(x).__name__)
        return x

    tf.config.experimental_run_functions_eagerly(True)
    try:
        assert tf.config.experimental_functions_run_eagerly()
        note(tf.constant(1))
    finally:
        tf.config.experimental_run_functions_eagerly(False)

    assert seen == ["EagerTensor"]


def test_filters_of_devices_are_kept_by_job_and_task():
    one, other = (tf.config.experimental.ClusterDeviceFilters() for _ in range(2))
    one.set_device_filters("ps", 0, ["/job:worker"])

    assert one != other
    other.set_device_filters("ps", 0, ["/job:worker"])
    assert one == other
    with pytest.raises(TypeError, match="to be strings"):
        one.set_device_filters("ps", 0, [3])
