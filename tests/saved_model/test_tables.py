"""Tables in SavedModels."""

from pathlib import Path

import pytest

import penstock as tf

GOLDEN = Path(__file__).parents[1] / "golden" / "saved_model"


class Model(tf.Module):
    def __init__(self, vocabulary):
        super().__init__()
        self.words = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
        self.dense = tf.lookup.experimental.DenseHashTable(
            tf.string, tf.float32, [0.0, 0.0], "", "$", initial_num_buckets=8
        )
        index = tf.lookup.TextFileIndex
        lines = tf.lookup.TextFileInitializer(
            vocabulary, tf.string, index.WHOLE_LINE, tf.int64, index.LINE_NUMBER
        )
        self.lines = tf.lookup.StaticVocabularyTable(lines, 1)
        self.words.insert(["a", "b"], [1, 2])
        self.dense.insert(["a"], [[3.0, 4.0]])

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def find(self, keys):
        return {
            "dense": self.dense.lookup(keys),
            "lines": self.lines.lookup(keys),
            "words": self.words.lookup(keys),
        }

    @tf.function(
        input_signature=[tf.TensorSpec([None], tf.string), tf.TensorSpec([None], tf.int64)]
    )
    def add(self, keys, values):
        self.words.insert(keys, values)
        return self.words.size()


@pytest.fixture
def saved(tmp_path):
    vocabulary = tmp_path / "lines.txt"
    vocabulary.write_text("x\na\n")
    model = Model(str(vocabulary))
    tf.saved_model.save(model, str(tmp_path / "model"), signatures=model.find)
    vocabulary.unlink()
    return str(tmp_path / "model")


def answers(function):
    return {k: v.numpy().tolist() for k, v in function(tf.constant(["a", "z"])).items()}


EXPECTED = {"dense": [[3.0, 4.0], [0.0, 0.0]], "lines": [1, 2], "words": [1, -1]}


def test_tables_come_back_with_their_contents(saved):
    model = tf.saved_model.load(saved)

    assert answers(model.find) == EXPECTED
    assert answers(model.signatures["serving_default"]) == EXPECTED


def test_a_loaded_table_can_be_written_and_saved_again(saved, tmp_path):
    model = tf.saved_model.load(saved)
    model.add(tf.constant(["z"]), tf.constant([26], tf.int64))

    tf.saved_model.save(model, str(tmp_path / "again"))
    again = tf.saved_model.load(str(tmp_path / "again"))

    assert answers(again.find) == {**EXPECTED, "words": [1, 26]}


def test_two_loads_do_not_share_their_tables(saved):
    one, two = tf.saved_model.load(saved), tf.saved_model.load(saved)

    one.add(tf.constant(["z"]), tf.constant([26], tf.int64))

    assert answers(two.find) == EXPECTED


def test_tables_of_tensorflow_1_are_filled_when_the_model_is_loaded():
    model = tf.saved_model.load(str(GOLDEN / "tf1_tables"))
    key = tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"b"]))
    example = tf.train.Example(features=tf.train.Features(feature={"key": key}))

    sums = model.signatures["serving_default"](words=tf.constant(["a", "bb", "q"]))["sums"]
    found = model.signatures["parsed"](serialized=tf.constant([example.SerializeToString()]))[
        "found"
    ]

    # Two tables are added up; each gives -1 for what it does not know.
    assert sums.numpy().tolist() == [1 - 1, -1 + 1, -1 - 1]
    assert found.numpy().tolist() == [2]


def test_files_of_tables_are_saved_again(saved, tmp_path):
    tf.saved_model.save(tf.saved_model.load(saved), str(tmp_path / "again"))
    names = sorted(path.name for path in (Path(saved) / "assets").iterdir())

    assert sorted(path.name for path in (tmp_path / "again" / "assets").iterdir()) == names
