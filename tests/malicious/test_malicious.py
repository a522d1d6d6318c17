"""Files that try to do harm are refused, and what is refused is named."""

import resource
import time

import numpy as np
import pytest

import penstock as tf
from penstock.cli.main import main
from penstock.core.errors import DataLossError, OpError, PermissionDeniedError
from penstock.wire.npz import read_arrays
from penstock.wire.safetensors import read_places
from tests.malicious import corpus


@pytest.fixture
def marker(tmp_path):
    return tmp_path / "marker"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "files").mkdir()
    return tmp_path / "files"


@pytest.fixture(autouse=True)
def _little_time_and_memory():
    start, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert time.monotonic() - start < 30
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 20


SIGNATURES = {
    corpus.writes_in_a_signature: "WriteFile",
    corpus.reads_in_a_signature: "ReadFile",
    corpus.lists_files_in_a_signature: "MatchingFiles",
    corpus.saves_a_checkpoint_in_a_signature: "SaveV2",
    corpus.calls_python_in_a_signature: "EagerPyFunc",
}


@pytest.mark.parametrize("make", SIGNATURES, ids=lambda make: make.__name__)
def test_a_signature_that_reaches_out_is_refused_when_it_comes_to_it(make, folder, marker):
    model = make(folder, marker)
    existed = marker.exists()
    loaded = tf.saved_model.load(model)

    with pytest.raises(PermissionDeniedError, match=f"'{SIGNATURES[make]}'.*node"):
        loaded.signatures["serving_default"](tf.constant("text"))

    assert marker.exists() == existed


def test_a_trusted_model_may_read_files(folder, marker):
    model = corpus.reads_in_a_signature(folder, marker)
    options = tf.saved_model.LoadOptions(allow_unsafe_ops=True)

    loaded = tf.saved_model.load(model, options=options)

    assert loaded.serve(tf.constant("x")).numpy() == b"x" + corpus.SECRET


LOADING = {
    corpus.writes_when_it_is_loaded: "WriteFile",
    corpus.fills_a_table_from_outside: r"\.\./\.\./marker",
    corpus.has_an_asset_with_an_absolute_name: "marker",
    corpus.has_an_asset_that_is_a_link: r"words\.txt",
    corpus.has_variables_that_are_a_link: "variables",
}


@pytest.mark.parametrize("make", LOADING, ids=lambda make: make.__name__)
def test_a_model_that_reaches_out_is_not_loaded(make, folder, marker):
    model = make(folder, marker)
    existed = marker.exists()

    with pytest.raises((PermissionDeniedError, DataLossError), match=LOADING[make]):
        tf.saved_model.load(model)

    assert marker.exists() == existed


ENDLESS = [
    corpus.has_functions_that_call_each_other,
    corpus.has_functions_that_double,
    corpus.has_a_constant_of_endless_size,
    corpus.has_deep_messages,
]


@pytest.mark.parametrize("make", ENDLESS, ids=lambda make: make.__name__)
def test_a_model_without_end_is_refused(make, folder, marker):
    model = make(folder, marker)

    with pytest.raises(OpError):
        tf.saved_model.load(model).signatures["serving_default"](tf.constant("text"))


def test_a_program_may_not_call_an_address(folder, marker):
    program = corpus.calls_an_address_of_this_process(folder, marker)

    with pytest.raises(PermissionDeniedError, match="xla_python_cpu_callback"):
        tf.raw_ops.XlaCallModule(
            args=[np.zeros(2, np.float32)],
            version=9,
            module=program,
            Sout=[[2]],
            Tout=[tf.float32],
            platforms=["CPU"],
        )


KERAS = [
    corpus.lambda_layer,
    corpus.lambda_layer_h5,
    corpus.layer_of_any_module,
    corpus.layer_that_is_a_function,
    corpus.layer_that_downloads,
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("make", KERAS, ids=lambda make: make.__name__)
def test_keras_models_with_code_are_refused(make, folder, marker):
    path = make(folder, marker)
    keras = corpus._keras()

    with pytest.raises((ValueError, TypeError)):
        keras.models.load_model(path)

    assert not marker.exists()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("make", [corpus.lambda_layer, corpus.lambda_layer_h5])
def test_the_layer_with_code_is_named(make, folder, marker, capsys):
    path = make(folder, marker)

    assert main(["convert", str(path), str(folder / "saved")]) != 0
    assert "a_lambda" in capsys.readouterr().err
    assert main(["inspect", str(path)]) == 0
    assert "a_lambda" in capsys.readouterr().out
    assert not marker.exists()


@pytest.mark.filterwarnings("ignore")
def test_names_in_an_archive_lead_nowhere(folder, marker, capsys):
    path = corpus.names_that_lead_out(folder, marker)

    corpus._keras().models.load_model(path)
    main(["inspect", str(path)])

    assert not marker.exists()
    assert "lead out" in capsys.readouterr().out


def test_inspect_refuses_what_unpacks_without_end(folder, marker, capsys):
    path = corpus.bomb(folder, marker)

    assert main(["inspect", str(path)]) != 0
    assert str(path) in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("make", [corpus.external_link, corpus.external_dataset])
def test_weights_outside_of_their_file_are_not_read(make, folder, marker, capsys):
    path = make(folder, marker)
    keras = corpus._keras()
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, name="a_layer")])
    before = [weight.copy() for weight in model.get_weights()]

    with pytest.raises((ValueError, OSError, KeyError)):
        model.load_weights(path)
    assert main(["inspect", str(path)]) == 0

    assert "not read" in capsys.readouterr().out
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_groups_that_hold_each_other_are_listed_once(folder, marker, capsys):
    assert main(["inspect", str(corpus.groups_in_a_circle(folder, marker))]) == 0
    assert "HDF5" in capsys.readouterr().out


def _records(path, compression=""):
    return [record.numpy() for record in tf.data.TFRecordDataset(str(path), compression)]


READERS = {
    corpus.pickled_arrays: lambda path: list(read_arrays(path)),
    corpus.array_of_claimed_size: lambda path: list(read_arrays(path)),
    corpus.record_of_claimed_size: _records,
    corpus.deflated_record_of_claimed_size: lambda path: _records(path, "ZLIB"),
    corpus.safetensors_of_claimed_size: read_places,
    corpus.checkpoint_of_claimed_size: lambda path: tf.train.load_variable(
        str(path), "v/.ATTRIBUTES/VARIABLE_VALUE"
    ),
}


@pytest.mark.parametrize("make", READERS, ids=lambda make: make.__name__)
def test_readers_refuse_what_lies_about_its_size_or_is_pickled(make, folder, marker):
    path = make(folder, marker)

    with pytest.raises(OpError):
        READERS[make](path)

    assert not marker.exists()
