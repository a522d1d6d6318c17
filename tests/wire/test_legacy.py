import numpy as np
import pytest

import penstock as tf
from penstock.core.errors import DataLossError, NotFoundError
from penstock.wire.bundle import BundleReader, LegacyReader, open_checkpoint
from tests.wire.golden import GOLDEN

# Written by `tf.compat.v1.train.Saver(write_version=SaverDef.V1)` of TensorFlow 2.21: variables
# with the values below, and `p`, 30 random numbers of which the three partitions are the same.
FILE = GOLDEN / "ckpt_v1" / "all"
EXPECTED = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "c": np.array([True, False]),
    "dir/b": np.int64(7),
    "e": np.zeros([0, 3], np.float32),
    "h": np.array([1.5, 2], np.float16),
    "s": np.array([b"ab", b"c"], object),
    "u": np.array([1, 255], np.uint8),
    "z": np.array([1 + 2j], np.complex64),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_values_of_every_kind_are_read(name):
    value = LegacyReader(FILE).read(name)

    assert value.dtype == np.asarray(EXPECTED[name]).dtype
    np.testing.assert_array_equal(value, EXPECTED[name])


def test_partitions_make_up_the_whole():
    value = LegacyReader(FILE).read("p")

    assert value.shape == (10, 3)
    np.testing.assert_array_equal(value[4:7], value[:3])
    np.testing.assert_array_equal(value[7:], value[:3])
    np.testing.assert_allclose(value[0], [0.239037395, 0.920399547, 0.0505124331])


def test_names_shapes_and_dtypes_are_listed():
    reader = LegacyReader(FILE)

    assert reader.keys() == sorted([*EXPECTED, "p"])
    assert reader.shape_map()["p"] == [10, 3]
    assert reader.dtype_map()["dir/b"] is tf.int64


def test_either_format_is_opened_by_its_files(tmp_path):
    assert isinstance(open_checkpoint(FILE), LegacyReader)
    assert isinstance(open_checkpoint(GOLDEN / "ckpt" / "all"), BundleReader)
    with pytest.raises(NotFoundError, match="must have an index file"):
        open_checkpoint(tmp_path / "none")
    with pytest.raises(NotFoundError, match="found no file"):
        LegacyReader(tmp_path / "none")


def test_shards_are_found_by_their_numbers(tmp_path):
    (tmp_path / "model-00000-of-00001").write_bytes(FILE.read_bytes())

    for prefix in ("model", "model-?????-of-00001"):
        value = open_checkpoint(tmp_path / prefix).read("a")
        np.testing.assert_array_equal(value, EXPECTED["a"])


def test_variables_are_restored_from_it_by_name():
    a = tf.Variable(tf.zeros([2, 3]), name="a")

    tf.train.Checkpoint(other=a).restore(str(FILE)).assert_consumed()

    np.testing.assert_array_equal(a.numpy(), EXPECTED["a"])
    np.testing.assert_array_equal(tf.train.load_variable(FILE, "s"), EXPECTED["s"])


def test_a_damaged_file_is_refused(tmp_path):
    (tmp_path / "model").write_bytes(FILE.read_bytes()[:-1])

    with pytest.raises(DataLossError):
        LegacyReader(tmp_path / "model")
