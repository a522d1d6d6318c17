"""Elements kept after the first pass."""

import numpy as np
import pytest

import penstock as tf
from penstock.wire.bundle import BundleReader
from tests.data.contents import Dataset, contents


class Counter:
    """A generator function that counts how often it was started."""

    def __init__(self, values):
        self._values = values
        self.starts = 0

    def __call__(self):
        self.starts += 1
        return iter(self._values)


def _dataset(counter):
    return Dataset.from_generator(counter, output_signature=tf.TensorSpec([], tf.int32))


def test_elements_are_made_once():
    counter = Counter([1, 2, 3])
    dataset = _dataset(counter).cache()

    assert [contents(dataset), contents(dataset)] == [[1, 2, 3], [1, 2, 3]]
    assert counter.starts == 1


def test_a_broken_off_pass_is_not_kept():
    counter = Counter([1, 2, 3])
    dataset = _dataset(counter).cache()

    assert contents(dataset.take(2)) == [1, 2]
    assert contents(dataset) == [1, 2, 3]
    assert counter.starts == 2


def test_a_cache_below_a_shuffle_keeps_the_order_below():
    dataset = Dataset.range(20).shuffle(20).cache()

    first = contents(dataset)

    assert contents(dataset) == first
    assert contents(dataset.repeat(2)) == first * 2


def test_inner_caches_belong_to_their_elements():
    dataset = Dataset.range(2).flat_map(lambda x: Dataset.from_tensors(x).cache().repeat(2))

    assert contents(dataset) == [0, 0, 1, 1]


def test_a_file_keeps_elements(tmp_path):
    counter = Counter([1, 2, 3])
    path = str(tmp_path / "cache")

    assert contents(_dataset(counter).cache(path)) == [1, 2, 3]
    assert contents(_dataset(counter).cache(path)) == [1, 2, 3]
    assert counter.starts == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "cache.data-00000-of-00001",
        "cache.index",
    ]


def test_a_broken_off_pass_leaves_no_file(tmp_path):
    dataset = Dataset.range(5).cache(tmp_path / "cache")

    assert contents(dataset.take(2)) == [0, 1]
    assert list(tmp_path.iterdir()) == []


def test_a_cache_file_has_tensorflow_s_names(tmp_path):
    elements = (np.arange(12), np.array([str(i) for i in range(12)], object))

    contents(Dataset.from_tensor_slices(elements).cache(str(tmp_path / "cache")))

    reader = BundleReader(tmp_path / "cache")
    assert reader.keys()[:3] == ["      0_0", "      0_1", "      1_0"]
    assert reader.read("     11_1").item() == b"11"


@pytest.mark.parametrize("filename", ["", "file"])
def test_all_parts_are_kept(filename, tmp_path):
    dataset = Dataset.from_tensor_slices({"a": [1.5, 2.5], "b": ["x", "y"]})

    cached = dataset.cache(str(tmp_path / filename) if filename else "")

    assert contents(cached) == [{"a": 1.5, "b": b"x"}, {"a": 2.5, "b": b"y"}]
    assert contents(cached) == [{"a": 1.5, "b": b"x"}, {"a": 2.5, "b": b"y"}]
    assert len(cached) == 2
