"""Datasets in directories; `tests/golden/saved_dataset` was written by TensorFlow 2.21."""

from pathlib import Path

import pytest

import penstock as tf
from penstock.core import errors

GOLDEN = Path(__file__).parents[1] / "golden" / "saved_dataset"
ELEMENTS = {
    "a": [1, 2, 3],
    "f": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]],
    "s": [b"x", b"yy", b"zzz"],
}


def contents(dataset):
    elements = list(dataset)
    return {
        key: [tf.convert_to_tensor(e[key]).numpy() for e in elements] for key in elements[0]
    }


def as_lists(found):
    return {
        key: [value.tolist() if hasattr(value, "tolist") else value for value in values]
        for key, values in sorted(found.items())
    }


@pytest.mark.parametrize(("name", "compression"), [("plain", None), ("gzip", "GZIP")])
def test_what_tensorflow_saved_is_loaded(name, compression):
    dataset = tf.data.Dataset.load(GOLDEN / name, compression=compression)

    assert as_lists(contents(dataset)) == ELEMENTS
    assert int(dataset.cardinality()) == 3
    assert dataset.element_spec["f"] == tf.TensorSpec([2], tf.float32)


@pytest.mark.parametrize("compression", [None, "GZIP"])
def test_a_saved_dataset_is_loaded_again(tmp_path, compression):
    tf.data.Dataset.from_tensor_slices(ELEMENTS).save(tmp_path, compression=compression)

    assert (
        as_lists(contents(tf.data.Dataset.load(tmp_path, compression=compression))) == ELEMENTS
    )


def test_each_shard_is_a_dataset_for_the_reader(tmp_path):
    tf.data.experimental.save(
        tf.data.Dataset.range(10), str(tmp_path), shard_func=lambda x: x % 3
    )

    in_turn = tf.data.experimental.load(str(tmp_path))
    one_by_one = tf.data.Dataset.load(
        tmp_path, reader_func=lambda shards: shards.flat_map(lambda shard: shard)
    )

    assert [int(x) for x in one_by_one] == [0, 3, 6, 9, 1, 4, 7, 2, 5, 8]
    assert sorted(int(x) for x in in_turn) == list(range(10))


def test_the_last_save_counts(tmp_path):
    tf.data.Dataset.range(3).save(tmp_path)
    tf.data.Dataset.range(5, 7).save(tmp_path)

    assert [int(x) for x in tf.data.Dataset.load(tmp_path)] == [5, 6]


def test_an_empty_dataset_is_saved(tmp_path):
    tf.data.Dataset.range(0).save(tmp_path)

    assert list(tf.data.Dataset.load(tmp_path)) == []


def test_nothing_is_loaded_from_nowhere(tmp_path):
    with pytest.raises(errors.NotFoundError, match=r"dataset_spec\.pb"):
        tf.data.Dataset.load(tmp_path / "nothing")


def test_a_file_that_is_cut_off_says_so(tmp_path):
    tf.data.Dataset.from_tensor_slices(ELEMENTS).save(tmp_path)
    (file,) = tmp_path.rglob("*.snapshot")
    file.write_bytes(file.read_bytes()[:-4])

    with pytest.raises(errors.DataLossError):
        list(tf.data.Dataset.load(tmp_path))


def test_composite_elements_are_refused(tmp_path):
    dataset = tf.data.Dataset.from_tensor_slices(tf.ragged.constant([[1], [2, 3]]))

    with pytest.raises(errors.UnimplementedError, match="RaggedTensorSpec"):
        dataset.save(tmp_path)
