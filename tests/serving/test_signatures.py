"""Signatures of SavedModels written by TensorFlow 2.21; expected: what TensorFlow finds."""

from pathlib import Path

import pytest

from penstock.core.errors import DataLossError, InvalidArgumentError, NotFoundError
from penstock.serving.signatures import read_signatures
from penstock.wire import protos
from tests.serving.golden import GOLDEN, signatures

MODELS = Path(__file__).parents[2].parent / "shared" / "fixtures" / "saved_models"


@pytest.mark.parametrize("model", GOLDEN["signatures"])
def test_signatures_are_those_that_tensorflow_finds(model):
    if not MODELS.is_dir():
        pytest.skip("the fixtures are not beside this checkout")

    assert read_signatures(MODELS / model / "model") == signatures(model)


def write(folder, *tags, **tensor):
    saved = protos.SavedModel()
    graph = saved.meta_graphs.add()
    graph.meta_info_def.tags.extend(tags)
    info = graph.signature_def["s"].inputs["x"]
    info.CopyFrom(protos.TensorInfo(**tensor))
    (folder / "saved_model.pb").write_bytes(saved.SerializeToString())


def test_a_shape_may_be_unknown(tmp_path):
    shape = protos.TensorShapeProto(unknown_rank=True)
    write(tmp_path, "serve", name="x:0", dtype=protos.DT_FLOAT, tensor_shape=shape)

    info = read_signatures(tmp_path)["s"].inputs["x"]

    assert str(info) == "float32[...]"
    assert info.accepts((1, 2, 3))


def test_values_of_inputs_that_may_be_left_out_are_read(tmp_path):
    saved = protos.SavedModel()
    graph = saved.meta_graphs.add()
    graph.meta_info_def.tags.append("serve")
    signature = graph.signature_def["s"]
    signature.inputs["x"].dtype = protos.DT_INT64
    signature.defaults["x"].dtype = protos.DT_INT64
    signature.defaults["x"].int64_val.append(7)
    signature.defaults["x"].tensor_shape.SetInParent()
    (tmp_path / "saved_model.pb").write_bytes(saved.SerializeToString())

    default = read_signatures(tmp_path)["s"].defaults["x"]

    assert (default.dtype, default.shape, default[()]) == ("int64", (), 7)


def test_a_folder_without_a_model_is_told(tmp_path):
    with pytest.raises(NotFoundError, match=r"has no saved_model\.pb"):
        read_signatures(tmp_path)


def test_a_model_that_is_not_for_serving_is_told(tmp_path):
    write(tmp_path, "train")

    with pytest.raises(
        InvalidArgumentError, match=r"tag 'serve', got the tags \[\['train'\]\]"
    ):
        read_signatures(tmp_path)


def test_a_damaged_file_is_told(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"\xff" * 20)

    with pytest.raises(DataLossError, match="that are none"):
        read_signatures(tmp_path)


def test_a_type_that_nobody_knows_is_told(tmp_path):
    write(tmp_path, "serve", name="x:0", dtype=99)

    with pytest.raises(InvalidArgumentError, match="dtype of tensor 'x:0' must be a number"):
        read_signatures(tmp_path)
