"""Options of saving: older releases, files of values, tags, aliases."""

from pathlib import Path

import numpy as np
import pytest

import penstock as tf
from penstock.saved_model.debug_nodes import check_namespaces
from penstock.saved_model.files import read_saved_model
from penstock.wire import protos


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


# -- what TensorFlow's other options do ---


def checked_model():
    module = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    def serve(x):
        tf.print("seen", x)
        tf.debugging.assert_positive(x)
        return tf.debugging.check_numerics(tf.math.log(x), "not a number")

    module.serve = serve
    return module


def test_checks_and_prints_can_be_stripped(tmp_path, capfd):
    options = tf.saved_model.SaveOptions(experimental_debug_stripper=True)
    tf.saved_model.save(checked_model(), tmp_path / "whole")
    tf.saved_model.save(checked_model(), tmp_path / "stripped", options=options)

    debugging = {"Assert", "PrintV2", "CheckNumerics"}
    assert debugging <= {node.op for node in nodes_of(tmp_path / "whole")}
    assert not debugging & {node.op for node in nodes_of(tmp_path / "stripped")}
    got = tf.saved_model.load(tmp_path / "stripped").serve(tf.constant([1.0, -1.0]))
    assert np.isnan(got.numpy()).tolist() == [False, True]
    assert capfd.readouterr().err == ""
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.saved_model.load(tmp_path / "whole").serve(tf.constant([1.0, -1.0]))


def test_the_lines_of_nodes_are_written_when_asked_for(tmp_path):
    options = tf.saved_model.SaveOptions(save_debug_info=True)
    tf.saved_model.save(checked_model(), tmp_path / "m", options=options)

    data = (tmp_path / "m" / "debug" / "saved_model_debug_info.pb").read_bytes()
    info = protos.GraphDebugInfo.FromString(data)
    (name,) = (each for each in info.name_to_trace_id if each.startswith("Log@"))
    frame = info.frames_by_id[info.traces_by_id[info.name_to_trace_id[name]].frame_id[0]]
    line = Path(__file__).read_text().splitlines()[frame.line - 1]
    assert info.files[frame.file_index] == __file__
    assert "tf.math.log(x)" in line


def test_ops_of_other_namespaces_are_refused_where_some_are_named(model, tmp_path):
    graph = protos.GraphDef()
    graph.node.add(name="a", op="Mine>Twice")
    graph.library.function.add().node_def.add(name="b", op="Other>Op")
    check_namespaces(graph, None)
    check_namespaces(graph, ["Mine", "Other"])
    with pytest.raises(ValueError, match="Other>Op; add theirs to namespace_whitelist"):
        check_namespaces(graph, ["Mine"])
    options = tf.saved_model.SaveOptions(namespace_whitelist=[])
    tf.saved_model.save(model, tmp_path / "m", options=options)
    with pytest.raises(ValueError, match="must be a string"):
        tf.saved_model.SaveOptions(namespace_whitelist=[3])


def test_chunks_and_unknown_policies_and_devices_are_refused(model, tmp_path):
    with pytest.raises(ValueError, match="experimental_image_format"):
        tf.saved_model.SaveOptions(experimental_image_format=True)
    for options in (tf.saved_model.SaveOptions, tf.saved_model.LoadOptions):
        with pytest.raises(ValueError, match="invalid VariablePolicy"):
            options(experimental_variable_policy="x")
        policy = options(experimental_variable_policy="Save_variable_devices")
        assert policy.experimental_variable_policy.value == "save_variable_devices"
    options = tf.saved_model.SaveOptions(experimental_io_device="nonsense")
    with pytest.raises(ValueError, match="nonsense"):
        tf.saved_model.save(model, tmp_path / "m", options=options)
    fine = tf.saved_model.SaveOptions(experimental_io_device="/job:localhost")
    tf.saved_model.save(model, tmp_path / "m", options=fine)
    options = tf.saved_model.LoadOptions(experimental_io_device="nonsense")
    with pytest.raises(ValueError, match="nonsense"):
        tf.saved_model.load(tmp_path / "m", options=options)
