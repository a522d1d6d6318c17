"""Saving, and what then stands in the files."""

from pathlib import Path

import numpy as np
import pytest

import penstock as tf
from penstock.wire import protos
from penstock.wire.bundle import BundleReader
from tests.saved_model.models import Model, X, traced


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "model"
    tf.saved_model.save(traced(), path)
    return path


@pytest.fixture
def loaded(directory):
    return tf.saved_model.load(directory)


@pytest.fixture(scope="module")
def meta_graph(directory):
    message = protos.SavedModel.FromString((directory / "saved_model.pb").read_bytes())
    return message.meta_graphs[0]


def test_functions_come_back_with_all_their_traces(loaded):
    total, picked = loaded.repeat(tf.constant(X[:1]), 3)

    np.testing.assert_allclose(total.numpy(), X[:1] * [1, 2, 3] * 3)
    np.testing.assert_array_equal(picked.numpy(), [5.0, 7.0])
    np.testing.assert_allclose(loaded.repeat(tf.constant(-X[0]))[0].numpy(), (-X[0] - 1) * 2)


def test_an_object_that_was_callable_is_callable(loaded):
    np.testing.assert_allclose(loaded.scale(tf.constant(X)).numpy(), X * 2)
    np.testing.assert_allclose(loaded.scale(tf.constant(X), training=True).numpy(), X * 6)


def test_variables_lists_dicts_and_tuples_come_back(loaded):
    assert loaded.parts["list"][0].numpy() == 1.0
    assert loaded.parts["list"][1].numpy() == b"text"
    assert loaded.parts["flag"].numpy()
    assert loaded.pair[0].numpy() == 4.0
    assert not loaded.count.trainable
    assert loaded.scale.kernel.trainable


def test_state_is_shared_between_functions_and_signatures(loaded):
    first = loaded.serve(tf.constant(X))["calls"].numpy()
    second = loaded.signatures["serving_default"](x=tf.constant(X))["calls"].numpy()

    assert (first, second, loaded.count.numpy()) == (1, 2, 2)


def test_the_only_function_with_a_signature_serves(loaded):
    assert list(loaded.signatures) == ["serving_default"]
    y = loaded.signatures["serving_default"](x=tf.constant(X))["y"]
    np.testing.assert_allclose(y.numpy(), X * 2 + [1, 2, 3])


def test_values_stand_under_the_names_of_attributes(directory):
    keys = BundleReader(directory / "variables" / "variables").keys()

    assert "scale/kernel/.ATTRIBUTES/VARIABLE_VALUE" in keys
    assert "parts/list/0/.ATTRIBUTES/VARIABLE_VALUE" in keys
    assert "pair/0/.ATTRIBUTES/VARIABLE_VALUE" in keys


def test_the_main_graph_serves_sessions(meta_graph):
    nodes = {node.name: node for node in meta_graph.graph_def.node}
    signature = meta_graph.signature_def["serving_default"]
    call = nodes[signature.outputs["y"].name.partition(":")[0]]

    assert signature.inputs["x"].name == "serving_default_x:0"
    assert nodes["serving_default_x"].op == "Placeholder"
    assert call.op == "StatefulPartitionedCall"
    assert {nodes[name].op for name in call.input} == {"Placeholder", "VarHandleOp"}
    assert meta_graph.saver_def.restore_op_name in nodes
    assert meta_graph.signature_def["__saved_model_init_op"].outputs
    (main_op,) = meta_graph.collection_def["saved_model_main_op"].node_list.value
    assert nodes[main_op].op == "NoOp"


def test_handles_of_variables_with_one_name_are_told_apart(meta_graph):
    shared = [
        node.attr["shared_name"].s
        for node in meta_graph.graph_def.node
        if node.op == "VarHandleOp"
    ]

    assert len(shared) == 7
    assert len(set(shared)) == 7


def test_every_op_is_one_of_the_table_or_a_call(meta_graph):
    calls = {
        "PartitionedCall",
        "StatefulPartitionedCall",
        "SaveV2",
        "RestoreV2",
        "NoOp",
        "VarHandleOp",
    }
    library = meta_graph.graph_def.library.function
    ops = {node.op for function in library for node in function.node_def}

    assert not [op for op in ops if op.startswith("_")]
    assert {op for op in ops if not hasattr(tf.raw_ops, op)} <= calls


def test_large_constants_are_shared_with_the_main_graph(meta_graph):
    constants = [
        n.constant.operation
        for n in meta_graph.object_graph_def.nodes
        if n.HasField("constant")
    ]
    nodes = {node.name: node for node in meta_graph.graph_def.node}

    assert constants
    assert nodes[constants[0]].op == "Const"


def test_a_fingerprint_is_written(directory):
    message = protos.FingerprintDef.FromString((directory / "fingerprint.pb").read_bytes())

    assert message.saved_model_checksum
    assert message.uuid.isdigit()


def test_signatures_are_named_by_the_caller(tmp_path):
    model = Model()
    concrete = model.repeat.get_concrete_function(tf.TensorSpec([None, 3], tf.float32, "rows"))

    tf.saved_model.save(model, tmp_path / "m", {"again": concrete, "serve": model.serve})
    loaded = tf.saved_model.load(tmp_path / "m")

    assert sorted(loaded.signatures) == ["again", "serve"]
    outputs = loaded.signatures["again"](rows=tf.constant(X))
    assert sorted(outputs) == ["output_0", "output_1"]
    np.testing.assert_allclose(outputs["output_0"].numpy(), X * [1, 2, 3] * 2)


def test_more_than_ten_outputs_keep_their_places(tmp_path):
    class Many(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([], tf.float32)])
        def f(self, x):
            return [x + float(i) for i in range(12)]

    tf.saved_model.save(Many(), tmp_path / "m")
    outputs = tf.saved_model.load(tmp_path / "m").signatures["serving_default"](
        x=tf.constant(0.0)
    )

    assert {name: value.numpy() for name, value in outputs.items()} == {
        f"output_{i}": float(i) for i in range(12)
    }


def test_a_function_that_was_never_called_is_saved_without_traces(tmp_path):
    class Quiet(tf.Module):
        @tf.function
        def f(self, x):
            return x

    tf.saved_model.save(Quiet(), tmp_path / "m")

    with pytest.raises(ValueError, match="zero restored functions"):
        tf.saved_model.load(tmp_path / "m").f(tf.constant(1.0))


def test_a_variable_that_is_no_attribute_is_refused(tmp_path):
    hidden = tf.Variable(1.0, name="hidden")

    class Loose(tf.Module):
        @tf.function(input_signature=[])
        def f(self):
            return hidden.read_value()

    with pytest.raises(AssertionError, match=r"untracked.*hidden"):
        tf.saved_model.save(Loose(), tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_an_op_without_native_form_leaves_no_model_behind(tmp_path):
    class Odd(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec(None, tf.float32)])
        def f(self, x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = tf.raw_ops.MatrixExponential(input=x)
            return tape.gradient(y, x)

    with pytest.raises(tf.errors.UnimplementedError, match="no form among TensorFlow's ops"):
        tf.saved_model.save(Odd(), tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_a_signature_needs_a_function_with_known_arguments(tmp_path):
    model = Model()

    with pytest.raises(ValueError, match="input signature"):
        tf.saved_model.save(model, tmp_path / "m", signatures=model.repeat)
    with pytest.raises(ValueError, match="Trackable"):
        tf.saved_model.save(lambda x: x, tmp_path / "m")


def test_signatures_is_a_reserved_name(tmp_path):
    model = tf.Module()
    model.signatures = [tf.Variable(1.0)]

    with pytest.raises(ValueError, match="reserved"):
        tf.saved_model.save(model, tmp_path / "m")


def test_saving_again_replaces_the_model_and_keeps_other_files(tmp_path):
    module = tf.Module()
    module.v = tf.Variable(1.0)
    tf.saved_model.save(module, tmp_path / "m")
    (tmp_path / "m" / "assets.extra").mkdir()
    (tmp_path / "m" / "assets.extra" / "note").write_text("mine")
    module.v.assign(2.0)

    tf.saved_model.save(module, tmp_path / "m")

    assert tf.saved_model.load(tmp_path / "m").v.numpy() == 2.0
    assert (tmp_path / "m" / "assets.extra" / "note").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_assets_are_copied_and_found_again(tmp_path):
    (tmp_path / "words.txt").write_text("a\nb\n")

    class WithFile(tf.Module):
        def __init__(self):
            super().__init__()
            self.file = tf.saved_model.Asset(tmp_path / "words.txt")

        @tf.function(input_signature=[])
        def path(self):
            return tf.identity(self.file.asset_path)

    model = WithFile()
    tf.saved_model.save(model, tmp_path / "m")
    (tmp_path / "words.txt").unlink()
    loaded = tf.saved_model.load((tmp_path / "m").rename(tmp_path / "moved"))

    found = Path(loaded.path().numpy().decode())
    assert found.read_text() == "a\nb\n"
    assert found.parent == tmp_path / "moved" / "assets"


def test_a_checkpoint_restores_from_a_saved_model(directory):
    model = Model()
    model.bias.assign([0.0, 0.0, 0.0])

    tf.train.Checkpoint(model).restore(str(directory)).expect_partial()

    np.testing.assert_array_equal(model.bias.numpy(), [1.0, 2.0, 3.0])


def test_an_object_used_by_two_names_is_one_object_after_loading(tmp_path):
    module = tf.Module()
    module.a = tf.Variable(1.0)
    module.b = {"same": module.a}
    tf.saved_model.save(module, tmp_path / "m")

    loaded = tf.saved_model.load(tmp_path / "m")

    assert loaded.a is loaded.b["same"]


def test_aliases_of_functions_are_kept(tmp_path):
    model = traced()
    options = tf.saved_model.SaveOptions(function_aliases={"mine": model.serve})
    tf.saved_model.save(model, tmp_path / "m", options=options)

    loaded = tf.saved_model.load(
        tmp_path / "m",
        options=tf.saved_model.LoadOptions(experimental_load_function_aliases=True),
    )

    assert list(loaded.function_aliases) == ["mine"]


def test_the_fingerprint_tells_models_apart_but_not_copies(tmp_path):
    module = tf.Module()
    module.v = tf.Variable(1.0)
    tf.saved_model.save(module, tmp_path / "a")
    tf.saved_model.save(module, tmp_path / "b")
    module.w = tf.Variable(2.0)
    tf.saved_model.save(module, tmp_path / "c")

    a, b, c = (tf.saved_model.experimental.read_fingerprint(tmp_path / name) for name in "abc")

    assert a == b
    assert a.singleprint() == b.singleprint() != c.singleprint()
    with pytest.raises(FileNotFoundError, match="Fingerprint"):
        tf.saved_model.experimental.read_fingerprint(tmp_path)
