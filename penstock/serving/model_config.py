"""Which models to serve: as our own records, and as TF Serving's `ModelServerConfig` says it.

Source: model_server_config.proto and the checks of `ServerCore` in TF Serving.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from penstock.core.errors import InvalidArgumentError, NotFoundError
from penstock.serving.source import Latest, Specific, VersionPolicy, every_version
from penstock.wire import protos

PLATFORM = "tensorflow"
_MAX_FILE_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class LoggingConfig:
    """Which share of a model's requests is written down, and where to.

    Args:
        sampling_rate: from 0 to 1.
        collector: type of the collector, such as `file`.
        filename_prefix: of the files that the collector writes.
    """

    sampling_rate: float
    collector: str = ""
    filename_prefix: str = ""


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """One model to serve.

    Args:
        name: in the paths of requests.
        base_path: folder with a sub-folder for each version, named by its number; a local
            path, or the address of an object store such as `s3://models/digits`.
        policy: which of the versions are served.
        labels: version of each label.
        logging: of its requests; `None` for what the server does by itself.
    """

    name: str
    base_path: Path | str
    policy: VersionPolicy = field(default_factory=Latest)
    labels: Mapping[str, int] = field(default_factory=dict)
    logging: LoggingConfig | None = None


def check_models(models: Sequence[ModelConfig]) -> None:
    """Refuse names that cannot be in a path, or that two models have.

    Raises:
        InvalidArgumentError: there is one.
    """
    names = [model.name for model in models]
    for name in names:
        if not name or set(name) & set("/:"):
            raise InvalidArgumentError(
                f"the name of a model must not be empty or hold '/' or ':', got '{name}'"
            )
        if names.count(name) > 1:
            raise InvalidArgumentError(f"two models have the name '{name}'")


def read_model_config(path: Path) -> tuple[ModelConfig, ...]:
    """Return the models of a file with a `ModelServerConfig` in text format.

    Raises:
        NotFoundError: there is no such file.
        InvalidArgumentError: it says something else, or what cannot be served.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise NotFoundError(
            f"model config file '{path}' cannot be read: {error.strerror}"
        ) from error
    if len(text) > _MAX_FILE_BYTES:
        raise InvalidArgumentError(
            f"model config file '{path}' must have at most {_MAX_FILE_BYTES} bytes"
        )
    message = protos.parse_text(protos.ModelServerConfig, text, f"'{path}'")
    return models_of(message)


def models_of(message: Any) -> tuple[ModelConfig, ...]:
    """Return the models of a `ModelServerConfig` message.

    Raises:
        InvalidArgumentError: it has what cannot be served.
    """
    if message.WhichOneof("config") == "custom_model_config":
        raise InvalidArgumentError(
            "custom_model_config is not supported; list the models in model_config_list"
        )
    models = tuple(_model_of(config) for config in message.model_config_list.config)
    check_models(models)
    return models


def config_message(models: Iterable[ModelConfig]) -> Any:
    """Return the `ModelServerConfig` message that lists models."""
    message = protos.ModelServerConfig()
    message.model_config_list.SetInParent()
    for model in models:
        config = message.model_config_list.config.add(
            name=model.name, base_path=str(model.base_path), model_platform=PLATFORM
        )
        policy = config.model_version_policy
        if isinstance(model.policy, Latest):
            policy.latest.num_versions = model.policy.num_versions
        elif isinstance(model.policy, Specific):
            policy.specific.versions.extend(sorted(model.policy.versions))
        else:
            policy.all.SetInParent()
        config.version_labels.update(model.labels)
    return message


def _model_of(config: Any) -> ModelConfig:
    name = config.name
    if config.model_type and config.model_platform:
        raise InvalidArgumentError(
            "Illegal setting both ModelServerConfig::model_type (deprecated) and "
            f"model_platform, for model {name}"
        )
    if config.model_type == protos.find("tensorflow.serving.ModelType").Value("OTHER") or (
        config.model_platform not in ("", PLATFORM)
    ):
        raise InvalidArgumentError(
            f"the platform of model '{name}' must be '{PLATFORM}', "
            f"got '{config.model_platform or 'OTHER'}'"
        )
    if not config.base_path:
        raise InvalidArgumentError(f"model '{name}' must have a base_path")
    return ModelConfig(
        name,
        config.base_path if "://" in config.base_path else Path(config.base_path),
        _policy_of(config.model_version_policy, name),
        dict(config.version_labels),
        _logging_of(config) if config.HasField("logging_config") else None,
    )


def _policy_of(policy: Any, name: str) -> VersionPolicy:
    kind = policy.WhichOneof("policy_choice")
    if kind == "all":
        return every_version
    if kind == "specific":
        if not policy.specific.versions:
            raise InvalidArgumentError(
                f"the policy 'specific' of model '{name}' must name at least one version"
            )
        return Specific(frozenset(policy.specific.versions))
    # In TF Serving, too, a number that is left out, or 0, means one version.
    return Latest(policy.latest.num_versions or 1)


def _logging_of(config: Any) -> LoggingConfig:
    logging = config.logging_config
    rate = logging.sampling_config.sampling_rate
    if not 0 <= rate <= 1:
        raise InvalidArgumentError(
            f"sampling_rate of model '{config.name}' must be from 0 to 1, got {rate:g}"
        )
    collector = logging.log_collector_config
    return LoggingConfig(rate, collector.type, collector.filename_prefix)
