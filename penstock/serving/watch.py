"""What a server tells of its work, put together from its settings."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from penstock.core.errors import InvalidArgumentError, NotFoundError
from penstock.monitor.rotation import Rotation
from penstock.monitor.schema import Schema, read_schema
from penstock.serving.middleware.access_log import AccessLog, BadInputLog
from penstock.serving.middleware.metrics import CallMetrics
from penstock.serving.middleware.request_log import RequestLog, RequestLogConfig
from penstock.serving.middleware.validation import InputContract
from penstock.serving.model_config import ModelConfig
from penstock.serving.probe_api import METRICS_PATH
from penstock.wire import protos

EVERY_MODEL = ""
_COLLECTORS = ("", "file")


@dataclass(frozen=True, slots=True)
class WatchConfig:
    """What is told of calls, and where to.

    Args:
        metrics_path: of the page with the metrics.
        server_timing: whether answers over HTTP say where their time went.
        access_log: file for a line of JSON about each call, "-" for standard error.
        schema_files: schema of the inputs of each model; "" for the only one.
        bad_input_log: file for samples of inputs that broke a schema.
        request_log: folder for samples of requests and answers, of all models.
        request_log_sampling_rate: share of the requests that go there.
        rotation: when a file of request logs is finished.
        trace_sampling_rate: share of the calls that are traced where the caller does not
            decide; `None` for no traces at all.
        trace_endpoint: of a collector of OpenTelemetry, over HTTP.
    """

    metrics_path: str = METRICS_PATH
    server_timing: bool = True
    access_log: str | Path | None = None
    schema_files: Mapping[str, Path] = field(default_factory=dict)
    bad_input_log: str | Path | None = None
    request_log: Path | None = None
    request_log_sampling_rate: float = 0.01
    rotation: Rotation = field(default_factory=Rotation)
    trace_sampling_rate: float | None = None
    trace_endpoint: str | None = None

    def __post_init__(self) -> None:
        if not self.metrics_path.startswith("/"):
            raise InvalidArgumentError(
                f"metrics_path must begin with '/', got '{self.metrics_path}'"
            )
        if not 0 <= self.request_log_sampling_rate <= 1:
            raise InvalidArgumentError(
                f"request_log_sampling_rate must be from 0 to 1, "
                f"got {self.request_log_sampling_rate:g}"
            )


def read_metrics_path(path: Path) -> str:
    """Return where the metrics are, from TF Serving's monitoring config file.

    Raises:
        NotFoundError: there is no such file.
        InvalidArgumentError: it is no `MonitoringConfig` in text format.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise NotFoundError(f"'{path}' must be a file, but: {error.strerror}") from error
    config = protos.parse_text(protos.MonitoringConfig, text, f"'{path}'").prometheus_config
    return str(config.path) or METRICS_PATH


class Watch:
    """The middleware that watches, and what has to be closed with it.

    Args:
        config: what is told.
        models: that are served at the start.
        is_known: whether a model of that name is served.

    Raises:
        OpError: a schema is none, or a log cannot be written.
    """

    def __init__(
        self,
        config: WatchConfig,
        models: Sequence[ModelConfig],
        is_known: Callable[[str], bool],
    ) -> None:
        found: list[object] = []
        if config.trace_sampling_rate is not None:
            found.append(_tracing(config.trace_endpoint, config.trace_sampling_rate))
        request_logs = _request_logs(config, models)
        if request_logs:
            found.append(RequestLog(request_logs))
        sample = None
        bad_inputs: BadInputLog | None = None
        if config.bad_input_log is not None:
            bad_inputs = BadInputLog(config.bad_input_log)
            sample = bad_inputs.sample
        found.append(InputContract(_schemas(config, models), is_known, sample))
        self._metrics = CallMetrics(is_known)
        found.append(self._metrics)
        if config.access_log is not None:
            found.append(AccessLog(config.access_log))
        self.middleware: tuple[object, ...] = tuple(found)
        self._closing = [*found, bad_inputs]

    def keep(self, available: Iterable[tuple[str, int]]) -> None:
        """Forget by and by what was counted of versions that are gone."""
        self._metrics.keep(available)

    def close(self) -> None:
        """Write down what is still noted only."""
        for each in self._closing:
            close = getattr(each, "close", None)
            if close is not None:
                close()


def _tracing(endpoint: str | None, rate: float) -> object:
    # Only those who trace load what traces, which is an extra.
    from penstock.monitor.tracing import Tracer  # noqa: PLC0415
    from penstock.serving.middleware.tracing import CallTracing  # noqa: PLC0415

    return CallTracing(Tracer(endpoint), rate)


def _schemas(config: WatchConfig, models: Sequence[ModelConfig]) -> dict[str, Schema]:
    names = [model.name for model in models]
    schemas = {}
    for name, path in config.schema_files.items():
        if name == EVERY_MODEL and len(names) != 1:
            raise InvalidArgumentError(
                f"a schema file must be given as MODEL=FILE where there are {len(names)} "
                f"models, got '{path}'"
            )
        if name != EVERY_MODEL and name not in names:
            raise InvalidArgumentError(
                f"a schema file is given for the model '{name}', which is none of "
                f"{', '.join(names)}"
            )
        schemas[name or names[0]] = read_schema(path)
    return schemas


def _request_logs(
    config: WatchConfig, models: Sequence[ModelConfig]
) -> dict[str, RequestLogConfig]:
    found = {}
    for model in models:
        told = model.logging
        if told is not None:
            if told.sampling_rate <= 0:
                continue
            if told.collector not in _COLLECTORS or not told.filename_prefix:
                raise InvalidArgumentError(
                    f"logging of model '{model.name}' must have a filename_prefix and a "
                    f"collector of type 'file', got '{told.collector}' and "
                    f"'{told.filename_prefix}'"
                )
            found[model.name] = RequestLogConfig(
                Path(told.filename_prefix), told.sampling_rate, config.rotation
            )
        elif config.request_log is not None:
            found[model.name] = RequestLogConfig(
                config.request_log / model.name,
                config.request_log_sampling_rate,
                config.rotation,
            )
    return found
