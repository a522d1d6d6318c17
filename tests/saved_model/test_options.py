"""Options of saving: older releases, files of values, tags, aliases."""

import numpy as np
import pytest

import penstock as tf
from penstock.saved_model.files import read_saved_model


def nodes_of(path):
    graph = read_saved_model(path).meta_graphs[0].graph_def
    return [node for function in graph.library.function for node in function.node_def]


@pytest.fixture
def model():
    module = tf.Module()
    module.w = tf.Variable(np.arange(64.0, dtype=np.float32).reshape(8, 8))

    @tf.function(input_signature=[tf.TensorSpec([2], tf.int32, "seed")])
    def serve(seed):
        x = tf.random.stateless_uniform([2, 8], seed)
        whole = tf.random.stateless_uniform([3], seed, 0, 9, tf.int32)
        return {"top": tf.math.top_k(x @ module.w, 2).values, "whole": whole}

    module.serve = serve
    return module


def test_a_model_for_an_older_release_has_its_ops_and_the_same_values(model, tmp_path):
    tf.saved_model.save(model, tmp_path / "new")
    tf.saved_model.save(model, tmp_path / "old", min_tf="2.4")

    newer, older = ({n.op for n in nodes_of(tmp_path / name)} for name in ("new", "old"))
    assert "StatelessRandomUniformV2" in newer
    assert not {op for op in older if op.startswith("StatelessRandomGet") or "V2" in op} - {
        "SaveV2",
        "RestoreV2",
        "TopKV2",
    }
    top = next(node for node in nodes_of(tmp_path / "old") if node.op == "TopKV2")
    assert "index_type" not in top.attr  # which 2.4 does not know
    expected = model.serve(tf.constant([1, 2]))
    got = tf.saved_model.load(tmp_path / "old").serve(tf.constant([1, 2]))
    for key, value in expected.items():
        np.testing.assert_allclose(got[key].numpy(), value.numpy(), rtol=1e-6)


def test_an_op_without_an_older_form_is_named(tmp_path):
    module = tf.Module()
    spec = tf.TensorSpec([4], tf.int32)
    module.serve = tf.function(lambda x: tf.math.bincount(x, minlength=3), [spec])

    with pytest.raises(tf.errors.UnimplementedError, match=r"DenseBincount.*2.4.*min_tf='2.4'"):
        tf.saved_model.save(module, tmp_path / "m", min_tf="2.2")
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("text", ["1.15", "new", "2"])
def test_a_release_must_be_one_of_tensorflow_2(model, tmp_path, text):
    with pytest.raises(ValueError, match="min_tf must be a release"):
        tf.saved_model.save(model, tmp_path / "m", min_tf=text)


def test_values_are_spread_over_files(model, tmp_path):
    policy = tf.train.experimental.MaxShardSizePolicy(100)
    options = tf.saved_model.SaveOptions(experimental_sharding_callback=policy)
    tf.saved_model.save(model, tmp_path / "m", options=options)

    assert len(list((tmp_path / "m" / "variables").glob("*.data-*"))) > 2
    loaded = tf.saved_model.load(tmp_path / "m")
    np.testing.assert_array_equal(loaded.w.numpy(), model.w.numpy())


def test_every_option_is_taken(model, tmp_path):
    options = tf.saved_model.SaveOptions(
        namespace_whitelist=["Mine"],
        save_debug_info=True,
        function_aliases={"serving": model.serve},
        experimental_debug_stripper=True,
        experimental_io_device="/job:localhost",
        experimental_variable_policy=tf.saved_model.experimental.VariablePolicy.NONE,
        experimental_custom_gradients=False,
        experimental_image_format=True,
        experimental_skip_saver=True,
        extra_tags=["gpu"],
    )
    tf.saved_model.save(model, tmp_path / "m", options=options)
    load = tf.saved_model.LoadOptions(
        experimental_io_device="/job:localhost", experimental_load_function_aliases=True
    )

    loaded = tf.saved_model.load(tmp_path / "m", tags=["serve", "gpu"], options=load)

    assert "serving" in loaded.function_aliases
    message = read_saved_model(tmp_path / "m").meta_graphs[0]
    assert sorted(message.meta_info_def.tags) == ["gpu", "serve"]
    assert not message.saver_def.save_tensor_name
    with pytest.raises(ValueError, match="must have a graph with the tags"):
        tf.saved_model.load(tmp_path / "m", tags=["serve"])
