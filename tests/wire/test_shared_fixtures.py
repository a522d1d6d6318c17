"""The large collection of files that TensorFlow wrote, where it lies beside the checkout."""

import base64
import json

import numpy as np
import pytest

from penstock.core.dtypes import as_dtype
from penstock.core.errors import DataLossError
from penstock.wire import protos
from penstock.wire.bundle import BundleReader
from penstock.wire.events import read_events
from penstock.wire.examples import parse_example, parse_sequence_example
from penstock.wire.records import read_records
from penstock.wire.tensors import make_ndarray
from tests.wire.golden import SHARED, assert_identical

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="no shared fixtures here")

INDICES = sorted(SHARED.glob("checkpoints/*/ckpt/*.index")) + sorted(
    SHARED.glob("saved_models/*/model/variables/*.index")
)
MODELS = sorted(SHARED.glob("saved_models/*/model/saved_model.pb"))


def load_manifest(name):
    path = SHARED / name / "manifest.json"
    return json.loads(path.read_text()) if path.exists() else {}


def name(path):
    return "/".join(path.parts[-4:])


@pytest.mark.parametrize("index", INDICES, ids=name)
def test_every_tensor_of_every_checkpoint_is_read(index):
    reader = BundleReader(index.with_suffix(""))

    for key, shape in reader.shape_map().items():
        assert list(reader.read(key).shape) == shape.as_list()


def stored_array(arrays, key):
    """An array of an .npz that has further dtypes as bits, under a key with a suffix."""
    if key in arrays:
        return arrays[key]
    if f"{key}#len" in arrays:
        lengths, data = arrays[f"{key}#len"], arrays[f"{key}#bytes"].tobytes()
        stops = np.cumsum(lengths.ravel())
        strings = np.empty(lengths.size, object)
        strings[:] = [
            data[stop - n : stop] for stop, n in zip(stops, lengths.ravel(), strict=True)
        ]
        return strings.reshape(lengths.shape)
    (found,) = (each for each in arrays if each.startswith(f"{key}#"))
    return arrays[found].view(as_dtype(found.rpartition("#")[2]).np)


@pytest.mark.parametrize(
    "folder", sorted(SHARED.glob("checkpoints/*/expected.npz")), ids=lambda p: p.parent.name
)
def test_every_checkpoint_holds_the_values_that_tensorflow_read(folder):
    with np.load(folder, allow_pickle=False) as file:
        arrays = {key: file[key] for key in file.files}

    for prefix, key in {tuple(each.split("#")[0].split("::")) for each in arrays}:
        found = BundleReader(folder.parent / prefix).read(key)
        assert_identical(found, stored_array(arrays, f"{prefix}::{key}"))


def test_graphs_and_states_beside_checkpoints_are_read():
    (meta,) = SHARED.glob("checkpoints/tf1_saver/ckpt/*-3.meta")

    graph = protos.parse(protos.MetaGraphDef, meta.read_bytes())
    state = protos.parse_text(protos.CheckpointState, (meta.parent / "checkpoint").read_text())

    assert graph.saver_def.restore_op_name == "save/restore_all"
    assert state.model_checkpoint_path.endswith("model.ckpt-3")


@pytest.mark.parametrize("path", MODELS, ids=name)
def test_every_saved_model_keeps_its_bytes(path):
    serialized = path.read_bytes()

    model = protos.parse(protos.SavedModel, serialized)

    assert model.meta_graphs[0].graph_def.node
    again = protos.SavedModel.FromString(model.SerializeToString(deterministic=True))
    assert again == model
    assert len(again.SerializeToString()) == len(serialized)


@pytest.mark.parametrize("path", MODELS, ids=name)
def test_every_constant_of_every_model_is_read(path):
    (graph,) = (
        m.graph_def for m in protos.SavedModel.FromString(path.read_bytes()).meta_graphs
    )
    nodes = [*graph.node, *(n for f in graph.library.function for n in f.node_def)]

    for node in nodes:
        if node.op == "Const":
            assert isinstance(make_ndarray(node.attr["value"].tensor), np.ndarray)


@pytest.mark.parametrize("file", load_manifest("records").get("files", []))
def test_every_record_file_gives_its_records(file):
    facts = load_manifest("records")["files"][file]
    found = []

    try:
        found.extend(read_records(SHARED / "records" / file, facts.get("compression")))
    except DataLossError:
        found = None

    assert (found is None) == ("error" in facts)
    assert found is None or len(found) == facts["count"]


def check_feature(found, described):
    if described is None:
        assert found is None
    elif described["kind"] == "bytes_list":
        assert found.tolist() == [base64.b64decode(text) for text in described["value"]]
    else:
        dtype = {"float_list": np.float32, "int64_list": np.int64}[described["kind"]]
        np.testing.assert_array_equal(found, np.array(described["value"], dtype), strict=True)


def test_every_example_has_its_features():
    described = load_manifest("records")["examples"]

    for record, features in zip(
        read_records(SHARED / "records/examples.tfrecord"), described, strict=True
    ):
        found = parse_example(record)
        assert set(found) == set(features)
        for key, feature in features.items():
            check_feature(found[key], feature)


def test_every_sequence_example_has_its_steps():
    described = load_manifest("records")["sequences"]

    for record, sequence in zip(
        read_records(SHARED / "records/sequences.tfrecord"), described, strict=True
    ):
        context, lists = parse_sequence_example(record)
        assert set(lists) == set(sequence["feature_lists"])
        for key, feature in sequence["context"].items():
            check_feature(context[key], feature)
        for key, steps in sequence["feature_lists"].items():
            for found, feature in zip(lists[key], steps, strict=True):
                check_feature(found, feature)


def test_event_files_hold_the_scalars():
    scalars = load_manifest("events")["scalars"]
    (path,) = (SHARED / "events/train").glob("events.*")
    found = {tag: [] for tag in scalars}

    for event in read_events(path):
        for value in event.summary.value:
            if value.tag in found:
                found[value.tag].append([event.step, make_ndarray(value.tensor).item()])

    assert found == scalars
