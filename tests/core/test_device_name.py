"""Names of devices. Expected values: TensorFlow 2.21's `tf.DeviceSpec`."""

import pickle

import pytest

from penstock.core.device_name import DeviceSpec, canonical_name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "/job:localhost/replica:0/task:0/device:CPU:0",
            "/job:localhost/replica:0/task:0/device:CPU:0",
        ),
        ("/cpu:0", "/device:CPU:0"),
        ("gpu:1", "/device:GPU:1"),
        ("/gpu:*", "/device:GPU:*"),
        ("CPU", "/device:CPU:*"),
        ("", ""),
        (None, ""),
        ("//cpu:0", "/device:CPU:0"),
        ("/job:worker/task:3/gpu:1", "/job:worker/task:3/device:GPU:1"),
        ("/device:XLA_CPU:0", "/device:XLA_CPU:0"),
        ("/device:cpu:0", "/device:CPU:0"),
        ("/tpu:0", "/device:TPU:0"),
        ("/device:*:*", "/device:*:*"),
        ("/job:a/job:b", "/job:b"),
        ("/job:*/task:1", "/job:*/task:1"),
    ],
)
def test_names_are_read_and_written_in_full(text, expected):
    assert DeviceSpec.from_string(text).to_string() == expected
    assert canonical_name(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("/device:GPU", "Unknown attribute 'device'"),
        ("/foo:1", "Unknown attribute 'foo'"),
        ("/xla_cpu:0", "Unknown attribute 'xla_cpu'"),
        ("/job:a:b", "Unknown attribute 'job'"),
        ("/Job:a", "Unknown attribute 'Job'"),
        ("/cpu:0:1", "Unknown attribute 'cpu'"),
        ("/job:w/cpu:0/gpu:1", "Multiple device types are not allowed"),
        ("/job:w/replica:x", "invalid literal"),
        ("/replica:*", "invalid literal"),
        ("/cpu:", "invalid literal"),
    ],
)
def test_what_is_no_name_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        DeviceSpec.from_string(text)


def test_parts():
    spec = DeviceSpec(job=1, replica="0", task="1", device_type="gpu", device_index="2")

    assert (spec.job, spec.replica, spec.task) == ("1", 0, 1)
    assert (spec.device_type, spec.device_index) == ("GPU", 2)
    assert spec.to_string() == "/job:1/replica:0/task:1/device:GPU:2"
    assert repr(DeviceSpec(job="a")) == (
        "<DeviceSpec(job=a, replica=None, task=None, device_type=None, device_index=None)>"
    )


def test_names_are_values():
    assert DeviceSpec(job="a") == DeviceSpec(job="a")
    assert hash(DeviceSpec(job="a")) == hash(DeviceSpec(job="a"))
    assert DeviceSpec(job="a") != "/job:a"
    spec = DeviceSpec(job="a", device_type="CPU")
    assert pickle.loads(pickle.dumps(spec)) == spec  # noqa: S301  (our own bytes)


def test_merging_and_replacing():
    low = DeviceSpec(job="a", task=1)

    merged = low.make_merged_spec(DeviceSpec(job="b", device_type="GPU"))

    assert merged.to_string() == "/job:b/task:1/device:GPU:*"
    assert low.replace(job="c", task=2).to_string() == "/job:c/task:2"
    assert low.replace(job=None).to_string() == "/task:1"
    assert low.parse_from_string("/job:b/cpu:0").to_string() == "/job:b/device:CPU:0"
    assert canonical_name(low) == "/job:a/task:1"
