"""Parameters of runs, as TensorBoard's table of runs reads them."""

import pytest

import penstock as tf
from penstock.wire import protos
from tests.summary.reading import events


def test_parameters_are_written_with_their_kinds(tmp_path):
    writer = tf.summary.create_file_writer(str(tmp_path))
    with writer.as_default():
        tf.summary.experimental.hparams(
            {"rate": 0.5, "units": 3, "name": "adam", "fast": True}, start_time_secs=7.0
        )
        tf.summary.experimental.end_of_run(end_time_secs=9.0)
    writer.close()

    first, last = (value for event in events(tmp_path) for value in event.summary.value)
    assert (first.tag, last.tag) == (
        "_hparams_/session_start_info",
        "_hparams_/session_end_info",
    )
    data = protos.HParamsPluginData.FromString(first.metadata.plugin_data.content)
    values = data.session_start_info.hparams
    kinds = {name: values[name].WhichOneof("kind") for name in values}
    assert first.metadata.plugin_data.plugin_name == "hparams"
    assert data.session_start_info.start_time_secs == 7.0
    assert kinds == {
        "rate": "number_value",
        "units": "number_value",
        "name": "string_value",
        "fast": "bool_value",
    }
    end = protos.HParamsPluginData.FromString(last.metadata.plugin_data.content)
    assert (end.session_end_info.status, end.session_end_info.end_time_secs) == (1, 9.0)


def test_a_parameter_of_another_kind_is_named():
    with pytest.raises(TypeError, match=r"'layers' must be a number.*list"):
        tf.summary.experimental.hparams({"layers": [1, 2]})
