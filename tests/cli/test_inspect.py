import io
import json
import zipfile

import h5py
import numpy as np
import pytest

import penstock as tf
from penstock.cli.main import main
from penstock.wire import protos
from penstock.wire.events import EventFileWriter
from penstock.wire.records import TFRecordWriter
from tests.saved_model.golden import GOLDEN as SAVED_MODELS
from tests.wire.golden import GOLDEN


def inspected(*arguments):
    out = io.StringIO()
    status = main(("inspect", *map(str, arguments)), out)
    return status, out.getvalue()


def record(path):
    status, text = inspected(path, "--json")
    assert status == 0
    return json.loads(text)


def test_a_saved_model_shows_signatures_variables_and_ops():
    path = SAVED_MODELS / "module_signatures" / "model"

    status, text = inspected(path)
    found = record(path)

    assert status == 0
    assert "serving_default" in text
    (graph,) = found["graphs"]
    manifest = json.loads((path.parent / "manifest.json").read_text())
    assert set(manifest["signatures"]) <= set(graph["signatures"])
    assert graph["ops"]["ReadVariableOp"] > 0
    assert found["kind"] == "SavedModel"
    assert found["variables"]


def test_ops_without_a_kernel_are_named(tmp_path):
    saved = protos.SavedModel(saved_model_schema_version=1)
    graph = saved.meta_graphs.add()
    graph.meta_info_def.tags.append("serve")
    graph.graph_def.node.add(name="x", op="TPUReplicate")
    graph.graph_def.node.add(name="y", op="MatMul")
    (tmp_path / "saved_model.pb").write_bytes(saved.SerializeToString())

    found = record(tmp_path)

    assert found["graphs"][0]["ops_without_row"] == ["TPUReplicate"]
    assert "TPUReplicate" in found["warnings"][0]


@pytest.mark.parametrize("name", ["ckpt/all", "ckpt/all.index"])
def test_a_checkpoint_shows_its_tensors(name):
    found = record(GOLDEN / name)

    expected = json.loads((GOLDEN / "ckpt" / "all.json").read_text())
    assert found["kind"] == "checkpoint"
    assert {tensor["name"] for tensor in found["tensors"]} == set(expected)


def test_a_directory_of_checkpoints_shows_the_latest(tmp_path):
    checkpoint = tf.train.Checkpoint(kernel=tf.Variable(tf.zeros([3, 4])))
    checkpoint.save(tmp_path / "ckpt")
    checkpoint.save(tmp_path / "ckpt")

    found = record(tmp_path)

    assert found["prefix"].endswith("ckpt-2")
    assert found["root"] == ["kernel", "save_counter"]
    assert found["elements"] == 13


def test_lost_files_of_values_are_told(tmp_path):
    path = tf.train.Checkpoint(a=tf.Variable(1.0)).write(tmp_path / "ckpt")
    (tmp_path / "ckpt.data-00000-of-00001").unlink()

    assert "1 of 1 files of values are missing" in record(path)["warnings"][0]


def test_an_old_checkpoint_is_known_by_its_bytes():
    assert record(GOLDEN / "ckpt_v1" / "all")["version"] == 1


@pytest.mark.parametrize("compression", ["", "GZIP", "ZLIB"])
def test_records_show_the_features_of_their_examples(tmp_path, compression):
    with TFRecordWriter(tmp_path / "file", compression) as writer:
        for i in range(4):
            example = protos.Example()
            example.features.feature["number"].int64_list.value.extend([i, i])
            if i == 0:
                example.features.feature["text"].bytes_list.value.append(b"caf\xc3\xa9\xff")
            writer.write(example.SerializeToString())

    found = record(tmp_path / "file")
    _, text = inspected(tmp_path / "file")

    assert found["records"] == 4
    assert found["compression"] == (compression or None)
    assert found["features"]["number"] == {"kinds": ["int64"], "present": 4, "values": [2, 2]}
    assert "25%" in text
    assert "caf" in text


def test_records_before_a_damage_are_counted(tmp_path):
    with TFRecordWriter(tmp_path / "file") as writer:
        writer.write(b"one")
        writer.write(b"two")
    data = (tmp_path / "file").read_bytes()
    (tmp_path / "file").write_bytes(data[:-1])

    found = record(tmp_path / "file")

    assert found["records"] == 1
    assert "truncated record" in found["warnings"][0]


def test_events_are_shown_by_tag(tmp_path):
    with EventFileWriter(tmp_path) as writer:
        for step, loss in ((1, 0.5), (3, 0.25)):
            value = protos.Summary.Value(tag="loss", simple_value=loss)
            writer.add_event(step=step, summary=protos.Summary(value=[value]))

    found = record(tmp_path)

    assert found["tags"]["loss"] == {
        "plugin": "simple_value",
        "count": 2,
        "steps": [1, 3],
        "last_value": 0.25,
    }


def keras_file(path, config, **others):
    weights = io.BytesIO()
    with h5py.File(weights, "w") as file:
        file["layers/dense/vars/0"] = np.zeros((4, 3), np.float32)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("metadata.json", '{"keras_version": "3.15.1"}')
        archive.writestr("model.weights.h5", weights.getvalue())
        for name, text in others.items():
            archive.writestr(name, text)


DENSE = {"class_name": "Dense", "config": {"name": "dense", "units": 3}}
LAMBDA = {
    "class_name": "Lambda",
    "config": {"name": "evil", "function": {"class_name": "__lambda__", "config": {}}},
}


def model_of(*layers):
    return {"class_name": "Sequential", "config": {"name": "model", "layers": list(layers)}}


def test_a_keras_model_shows_layers_and_weights(tmp_path):
    keras_file(tmp_path / "m.keras", model_of(DENSE))

    found = record(tmp_path / "m.keras")

    assert found["model"] == {"class": "Sequential", "name": "model"}
    assert found["layers"] == [{"name": "dense", "class": "Dense", "about": "units=3"}]
    assert found["weights"][0]["shape"] == [4, 3]
    assert found["warnings"] == []


def test_layers_with_code_and_names_that_lead_out_are_told(tmp_path):
    older = {"class_name": "Lambda", "config": {"name": "old", "function": ["4wEA", None]}}
    keras_file(tmp_path / "m.keras", model_of(DENSE, LAMBDA, older), **{"../../x": "y"})

    code, stray = record(tmp_path / "m.keras")["warnings"]

    assert "evil, old" in code
    assert "../../x" in stray


def test_an_hdf5_file_shows_datasets_but_follows_no_link_out(tmp_path):
    with h5py.File(tmp_path / "a.weights.h5", "w") as file:
        file["layer/kernel"] = np.zeros((2, 3), np.float32)
        file["layer/out"] = h5py.ExternalLink("/etc/passwd", "x")

    kernel, out = record(tmp_path / "a.weights.h5")["weights"]

    assert kernel["bytes"] == 24
    assert out["note"] == "links to another file, not read"


def test_pickled_arrays_are_told_and_not_read(tmp_path):
    np.savez(tmp_path / "a.npz", good=np.zeros(3), evil=np.array([print], object))

    found = record(tmp_path / "a.npz")

    assert {array["name"]: array.get("note") for array in found["arrays"]} == {
        "good": None,
        "evil": "pickled, not read",
    }
    assert "any code" in found["warnings"][0]


def test_long_tables_are_cut_unless_all_is_wanted(tmp_path):
    np.savez(tmp_path / "a.npz", **{f"a{i}": np.zeros(1) for i in range(60)})

    _, short = inspected(tmp_path / "a.npz")
    _, whole = inspected(tmp_path / "a.npz", "--limit", "0")

    assert "... and 20 more; --limit 0 shows all" in short
    assert "a59" not in short
    assert "a59" in whole


def test_what_is_unknown_or_missing_is_one_line(tmp_path, capsys):
    (tmp_path / "text").write_text("hello world, this is text")

    assert inspected(tmp_path / "text")[0] == 1
    assert inspected(tmp_path / "none")[0] == 1

    unknown, missing = capsys.readouterr().err.splitlines()
    assert "its first bytes 68 65 6c 6c" in unknown
    assert missing.startswith("penstock inspect: no file, directory or checkpoint")


def test_several_paths_are_described_one_after_the_other(tmp_path, capsys):
    np.savez(tmp_path / "a.npz", a=np.zeros(1))

    status, text = inspected(tmp_path / "a.npz", tmp_path / "none", tmp_path / "a.npz")

    assert status == 1
    assert text.count("npz archive") == 2
    assert "no file" in capsys.readouterr().err


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04",
        b"\x89HDF\r\n\x1a\n",
        bytes(40) + (0xDB4775248B80FB57).to_bytes(8, "little"),
        b"",
    ],
)
def test_damaged_files_are_refused_in_one_line(tmp_path, capsys, data):
    (tmp_path / "file").write_bytes(data)

    assert inspected(tmp_path / "file")[0] == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
