"""TF Serving's model config file. Source: model_server_config.proto of TF Serving."""

from pathlib import Path

import pytest

from penstock.core.errors import InvalidArgumentError, NotFoundError
from penstock.serving.model_config import (
    LoggingConfig,
    ModelConfig,
    config_message,
    models_of,
    read_model_config,
)
from penstock.serving.source import Latest, Specific, every_version

FILE = """
# Comments are part of the format.
model_config_list {
  config {
    name: 'digits'
    base_path: '/models/digits'
    model_platform: "tensorflow"
    model_version_policy { specific { versions: 3 versions: 5 } }
    version_labels { key: 'stable' value: 3 }
    version_labels { key: 'canary' value: 5 }
    logging_config {
      log_collector_config { type: 'file' filename_prefix: '/var/log/digits' }
      sampling_config { sampling_rate: 0.25 }
    }
  }
  config { name: "all", base_path: "s3://models/all", model_version_policy: { all: {} } }
  config: < name: 'few' base_path: 'few' model_version_policy { latest { num_versions: 2 } } >
  config { name: 'one' base_path: '/models/one' model_type: TENSORFLOW }
}
"""


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "models.config"
        path.write_text(text)
        return path

    return write


def test_every_field_of_the_file_is_read(file):
    digits, everything, few, one = read_model_config(file(FILE))

    assert digits == ModelConfig(
        "digits",
        Path("/models/digits"),
        Specific(frozenset({3, 5})),
        {"stable": 3, "canary": 5},
        LoggingConfig(0.25, "file", "/var/log/digits"),
    )
    assert (everything.base_path, everything.policy) == ("s3://models/all", every_version)
    assert (few.name, few.policy) == ("few", Latest(2))
    assert (one.policy, one.labels, one.logging) == (Latest(1), {}, None)


def test_a_message_made_of_models_says_the_same(file):
    models = tuple(
        ModelConfig(m.name, m.base_path, m.policy, m.labels)
        for m in read_model_config(file(FILE))
    )

    assert models_of(config_message(models)) == models


def config(text):
    return f"model_config_list {{ config {{ name: 'm' base_path: '/m' {text} }} }}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (config("model_platform: 'caffe'"), "platform of model 'm' must be 'tensorflow'"),
        (config("model_type: OTHER"), "platform of model 'm' must be 'tensorflow'"),
        (config("model_type: TENSORFLOW model_platform: 'tensorflow'"), "Illegal setting both"),
        (config("model_version_policy { specific {} }"), "must name at least one version"),
        (config("logging_config { sampling_config { sampling_rate: 2 } }"), "from 0 to 1"),
        (config("} config { name: 'm' base_path: '/n'"), "two models have the name 'm'"),
        (config("colour: 'red'"), "must be a tensorflow.serving.ModelServerConfig"),
        ("model_config_list { config { name: 'm' } }", "must have a base_path"),
        (
            "model_config_list { config { name: 'a/b' base_path: '/m' } }",
            "must not be empty or",
        ),
        ("custom_model_config {}", "list the models in model_config_list"),
        ("model_config_list { config", "must be a tensorflow.serving.ModelServerConfig"),
    ],
)
def test_what_cannot_be_served_is_refused_with_the_reason(file, text, message):
    with pytest.raises(InvalidArgumentError, match=message):
        read_model_config(file(text))


def test_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(NotFoundError, match="none' cannot be read: No such file"):
        read_model_config(tmp_path / "none")


def test_a_file_may_list_no_models(file):
    assert read_model_config(file("model_config_list {}")) == ()
