"""SavedModels of sessions."""

import numpy as np
import pytest

import penstock as tf
from tests.saved_model.golden import GOLDEN, Fixture, array

v1 = tf.compat.v1


@pytest.mark.parametrize(
    "name", ["tf1_builder", "tf1_cnn_bn", "tf1_control_flow_v1", "tf1_nested", "tf1_train_ref"]
)
def test_a_session_runs_what_tensorflow_saved(name):
    fixture = Fixture(GOLDEN / name)
    with v1.Graph().as_default(), v1.Session() as session:
        message = v1.saved_model.load(session, ["serve"], fixture.model)
        for call in fixture.manifest["calls"]:
            signature = message.signature_def[call["name"]]
            feeds = {
                signature.inputs[key].name: array(fixture.store, spec["key"])
                for key, spec in call["args"].items()
            }
            got = session.run({k: i.name for k, i in signature.outputs.items()}, feeds)

            for key, spec in call["outputs"].items():
                expected = array(fixture.store, spec["key"])
                np.testing.assert_allclose(got[key], expected, rtol=1e-4, atol=1e-5)


def test_a_session_is_saved_for_serving(tmp_path):
    with v1.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None], "x")
        w = v1.get_variable("w", initializer=3.0)
        session.run(w.initializer)
        v1.saved_model.simple_save(session, tmp_path / "m", {"x": x}, {"y": x * w})
    loaded = tf.saved_model.load(tmp_path / "m")

    answer = loaded.signatures["serving_default"](x=tf.constant([1.0, 2.0]))

    np.testing.assert_array_equal(answer["y"], [3.0, 6.0])


def test_a_model_has_signatures_assets_and_a_start(tmp_path):
    (tmp_path / "words.txt").write_text("one\ntwo\n")
    with v1.Graph().as_default(), v1.Session() as session:
        path = tf.constant(str(tmp_path / "words.txt"), name="path")
        v1.add_to_collection(v1.GraphKeys.ASSET_FILEPATHS, path)
        text = tf.io.read_file(path)
        started = v1.get_variable("started", initializer=0, trainable=False)
        start = v1.assign(started, 5).op
        session.run(started.initializer)
        builder = v1.saved_model.Builder(tmp_path / "m")
        info = v1.saved_model.build_tensor_info
        signature = v1.saved_model.build_signature_def(
            {}, {"text": info(text), "started": info(tf.identity(started))}, "predict"
        )
        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            {"words": signature},
            assets_list=v1.get_collection(v1.GraphKeys.ASSET_FILEPATHS),
            main_op=start,
        )
        builder.save()
    (tmp_path / "words.txt").unlink()

    with v1.Graph().as_default(), v1.Session() as session:
        message = v1.saved_model.load(session, ["serve"], tmp_path / "m")
        outputs = message.signature_def["words"].outputs
        asset = message.asset_file_def[0].tensor_info.name
        feeds = {asset: str(tmp_path / "m" / "assets" / "words.txt")}

        assert session.run(outputs["text"].name, feeds) == b"one\ntwo\n"
        assert session.run(outputs["started"].name) == 5


def test_a_directory_with_files_is_refused(tmp_path):
    (tmp_path / "other").write_text("")

    with pytest.raises(AssertionError, match="isn't empty"):
        v1.saved_model.Builder(tmp_path)


def test_unknown_tags_are_told():
    with (
        v1.Graph().as_default(),
        v1.Session() as session,
        pytest.raises(RuntimeError, match="nowhere"),
    ):
        v1.saved_model.load(session, ["nowhere"], GOLDEN / "tf1_builder" / "model")
