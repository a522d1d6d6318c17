"""Versions with the same graphs share what is compiled, and nothing else."""

import gc
import weakref

import jax
import numpy as np
import pytest

import penstock as tf
from penstock.serving.graph_digest import digests_of
from penstock.serving.loader import SavedModelLoader
from penstock.serving.signatures import read_meta_graph, signatures_of

ROWS = np.array([[1.0, 2.0], [3.0, -1.0]], np.float32)
NAME = "serving_default"


class Linear(tf.Module):
    def __init__(self, matrix):
        super().__init__()
        self.matrix = tf.Variable(np.array(matrix, np.float32))

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, "x")])
    def serve(self, x):
        return {"y": x @ self.matrix}


class Squares(Linear):
    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, "x")])
    def serve(self, x):
        return {"y": (x * x) @ self.matrix}


class Lookup(tf.Module):
    def __init__(self, file):
        super().__init__()
        self.table = tf.lookup.StaticHashTable(
            tf.lookup.TextFileInitializer(
                *(str(file), tf.string, tf.lookup.TextFileIndex.WHOLE_LINE),
                *(tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER),
            ),
            -1,
        )

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "x")])
    def serve(self, x):
        return {"y": self.table.lookup(x)}


class Counter(tf.Module):
    def __init__(self, start):
        super().__init__()
        self.count = tf.Variable(np.int64(start))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, "x")])
    def serve(self, x):
        return {"y": self.count.assign_add(1) + x}


def save(model, folder):
    tf.saved_model.save(model, str(folder), signatures=model.serve)
    return folder


@pytest.fixture
def loader():
    return SavedModelLoader((1, 2))


@pytest.fixture
def compilations(monkeypatch):
    """Counts what XLA compiles."""
    names = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda name, _, **__: names.append(name) if "backend_compile" in name else None
    )
    yield names
    jax.monitoring.clear_event_listeners()


def load(loader, folder, version=1):
    servable = loader.load("m", version, folder)
    loader.finish(servable, folder)
    return servable


def test_a_version_with_other_values_compiles_nothing_and_gives_its_own_answers(
    loader, tmp_path, compilations
):
    first = load(loader, save(Linear([[1, 2], [3, 4]]), tmp_path / "1"))
    assert compilations
    compilations.clear()

    second = load(loader, save(Linear([[5, 0], [0, 7]]), tmp_path / "2"), 2)

    assert compilations == []
    np.testing.assert_allclose(second.run(NAME, {"x": ROWS})["y"], [[5, 14], [15, -7]])
    np.testing.assert_allclose(first.run(NAME, {"x": ROWS})["y"], [[7, 10], [0, 2]])


def test_what_a_version_leaves_is_free_while_the_next_one_uses_its_graphs(loader, tmp_path):
    first = load(loader, save(Linear([[1, 2], [3, 4]]), tmp_path / "1"))
    second = load(loader, save(Linear([[5, 0], [0, 7]]), tmp_path / "2"), 2)
    values = weakref.ref(first._model._loaded_objects[0].matrix._holder.value)
    assert values() is not None

    gc.disable()
    try:
        assert first.close()
        assert values() is None
    finally:
        gc.enable()

    np.testing.assert_allclose(second.run(NAME, {"x": ROWS})["y"], [[5, 14], [15, -7]])
    assert not second.close()


def test_another_graph_is_not_taken_for_the_same(loader, tmp_path):
    first = load(loader, save(Linear([[1, 2], [3, 4]]), tmp_path / "1"))
    second = load(loader, save(Squares([[1, 2], [3, 4]]), tmp_path / "2"), 2)

    assert first.graphs[NAME] is not second.graphs[NAME]
    np.testing.assert_allclose(second.run(NAME, {"x": ROWS})["y"], [[13, 18], [12, 22]])
    assert not first.close()


def test_tables_are_those_of_the_version(loader, tmp_path):
    made = []
    for number, words in enumerate(["a\nb\nc\n", "c\nb\nd\n"], 1):
        file = tmp_path / f"{number}.d" / "words.txt"
        file.parent.mkdir()
        file.write_text(words, encoding="ascii")
        made.append(load(loader, save(Lookup(file), tmp_path / str(number)), number))
    words = np.array([b"a", b"b", b"c", b"d"], object)

    assert made[0].graphs[NAME] is made[1].graphs[NAME]
    assert list(made[1].run(NAME, {"x": words})["y"]) == [-1, 1, 0, 2]
    assert list(made[0].run(NAME, {"x": words})["y"]) == [0, 1, 2, -1]


def test_state_is_that_of_the_version(loader, tmp_path):
    first = load(loader, save(Counter(0), tmp_path / "1"))
    second = load(loader, save(Counter(100), tmp_path / "2"), 2)
    zero = {"x": np.zeros(1, np.int64)}

    before = first.run(NAME, zero)["y"][0]
    own = second.run(NAME, zero)["y"][0]

    assert own > 100
    assert first.run(NAME, zero)["y"][0] == before + 1
    assert second.run(NAME, zero)["y"][0] == own + 1


class Scaled(tf.Module):
    def __init__(self, factor, table):
        super().__init__()
        self.factor = factor
        self.table = tf.constant(np.array(table, np.float32))

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, "x")])
    def serve(self, x):
        return {"y": x * self.factor + self.table[:2]}


@pytest.mark.parametrize("changed", ["in the function", "beside the function"])
def test_constants_make_another_graph(loader, tmp_path, changed):
    table = np.arange(1000.0)
    other = Scaled(3.0, table) if changed == "in the function" else Scaled(2.0, table + 5)
    first = load(loader, save(Scaled(2.0, table), tmp_path / "1"))
    second = load(loader, save(other, tmp_path / "2"), 2)

    expected = ROWS * (other.factor) + other.table.numpy()[:2]
    np.testing.assert_allclose(second.run(NAME, {"x": ROWS})["y"], expected)
    np.testing.assert_allclose(first.run(NAME, {"x": ROWS})["y"], ROWS * 2 + [0, 1])
    assert first.graphs[NAME] is not second.graphs[NAME]


def renamed(meta_graph, old, new):
    text = meta_graph.SerializeToString()
    assert text.count(old) > 1
    return type(meta_graph).FromString(text.replace(old, new))


def test_generated_names_of_functions_do_not_count(tmp_path):
    graph = read_meta_graph(save(Linear([[1, 2], [3, 4]]), tmp_path / "1"))
    signatures = signatures_of(graph)
    (name,) = (
        c.concrete_function_name
        for n in graph.object_graph_def.nodes
        for c in [n.bare_concrete_function]
        if "signature" in c.concrete_function_name
    )
    other = name[:-1] + ("1" if name[-1] != "1" else "2")

    digests = digests_of(graph, signatures)

    assert digests.keys() == {NAME}
    assert digests_of(renamed(graph, name.encode(), other.encode()), signatures) == digests
    changed = type(graph).FromString(graph.SerializeToString())
    for function in changed.graph_def.library.function:
        for node in function.node_def:
            if node.op == "MatMul":
                node.attr["transpose_b"].b = True
    assert digests_of(changed, signatures) != digests
