"""Serve SavedModels over HTTP and gRPC, as TensorFlow Serving does.

Of each model the highest version is served; a higher one that appears later takes over
without an interruption. Ctrl-C or SIGTERM stops the server when its work is answered.
"""

import argparse
import gc
import logging
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

from penstock.cli.serve.config_file import MODELS, read_config
from penstock.cli.serve.options import GROUPS, OPTIONS, boolean
from penstock.core.errors import InvalidArgumentError, UnimplementedError
from penstock.runtime.allocator import allow_keeping_memory
from penstock.serving.batcher import BatchingParameters
from penstock.serving.batching_parameters import read_batching_parameters
from penstock.serving.fronts.supervisor import FrontServer
from penstock.serving.fronts.workers import settle_memory
from penstock.serving.grpc.limits import GrpcLimits
from penstock.serving.http import HttpLimits
from penstock.serving.manager import Manager
from penstock.serving.middleware.tokens import TokenConfig
from penstock.serving.security import SecurityConfig
from penstock.serving.server import ModelConfig, Server, ServerConfig
from penstock.serving.tls import TlsConfig, read_ssl_config
from penstock.serving.watch import METRICS_PATH, WatchConfig, read_metrics_path

# Flags of tensorflow_model_server that would change what is served. Passing them over in
# silence would serve something else than was asked for.
_REFUSED = {
    "grpc_socket_path": "gRPC is served on a port only; give --port",
    "platform_config_file": "SavedModels are the only platform",
    "saved_model_tags": "the graph with the tag 'serve' is served",
    "use_tflite_model": "give a SavedModel",
}
# And those that say how its machine shall work, which ours does in another way.
_IGNORED = (
    *("rest_api_num_threads", "tensorflow_session_parallelism", "num_load_threads"),
    *("tensorflow_intra_op_parallelism", "tensorflow_inter_op_parallelism"),
    *("num_unload_threads", "per_process_gpu_memory_fraction", "grpc_max_threads"),
    *("flush_filesystem_caches", "grpc_channel_arguments", "enable_profiler"),
    *("num_initial_load_threads", "xla_cpu_compilation_enabled", "prefer_tflite_model"),
)


class _AllOptions(argparse.Action):
    """Prints the help with every option in it."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,  # noqa: ARG002
        values: Any,  # noqa: ARG002
        option_string: str | None = None,  # noqa: ARG002
    ) -> None:
        for action in parser._actions:  # noqa: SLF001  (argparse has no other way)
            option = next((o for o in OPTIONS if o.name == action.dest), None)
            if option is not None:
                action.help = _help_of(option.help, option.default, option.kind is boolean)
        parser.print_help()
        parser.exit()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.usage = f"{parser.prog} --model_base_path DIR [--name value ...]"
    parser.formatter_class = _OneLineEach
    parser.add_argument("--config", type=Path, metavar="FILE", help="options as TOML")
    parser.add_argument(
        "--help_all", action=_AllOptions, nargs=0, help="show the less common options too"
    )
    for group in GROUPS:
        add = parser.add_argument_group(group).add_argument
        for option in OPTIONS:
            if option.group != group:
                continue
            is_switch = option.kind is boolean
            text = _help_of(option.help, option.default, is_switch)
            switch: dict[str, Any] = {"nargs": "?", "const": True} if is_switch else {}
            add(
                f"--{option.name}",
                type=option.kind,
                default=argparse.SUPPRESS,
                help=text if option.is_common else argparse.SUPPRESS,
                metavar=option.metavar or "BOOL",
                **switch,
            )
    for flag in (*_REFUSED, *_IGNORED):
        parser.add_argument(f"--{flag}", nargs="?", const="true", help=argparse.SUPPRESS)


def run(args: argparse.Namespace, out: TextIO) -> int:  # noqa: ARG001  (it prints no results)
    """Serve until a signal comes.

    Raises:
        UnimplementedError: a flag asks for what is not served.
        OpError: the model does not load, or the port is taken.
    """
    for flag, advice in _REFUSED.items():
        if getattr(args, flag) is not None:
            raise UnimplementedError(f"--{flag} is not supported: {advice}")
    with _logging_to_stderr() as log, _stopping_on_signals() as stopping:
        for flag in _IGNORED:
            if getattr(args, flag) is not None:
                log.warning("--%s has no meaning here", flag)
        allow_keeping_memory()
        config = config_of(args)
        fills_cache = values_of(args)["exit_after_load"]
        has_fronts = config.fronts and not fills_cache
        # While code is loaded everything stays, and looking for what does not takes time.
        gc.disable()
        try:
            if not has_fronts:
                # It loads JAX, which the fronts do without.
                from penstock.runtime.devices import (  # noqa: PLC0415
                    compute_in_callers_thread,
                )

                compute_in_callers_thread()
            server = FrontServer(config) if has_fronts else Server(config)
            settle_memory()
            server.start()
        finally:
            gc.enable()
        manager = getattr(server, "manager", None)
        if fills_cache and isinstance(manager, Manager):
            manager.wait_until_warm()
        else:
            stopping.may_finish()
            stopping.wait()
        server.stop()
    return 0


def values_of(args: argparse.Namespace) -> dict[str, Any]:
    """Return the value of each option: of the command line, else of the file, else its own.

    Raises:
        InvalidArgumentError: the file makes no sense.
    """
    values = {option.name: option.default for option in OPTIONS}
    if args.config is not None:
        values.update(read_config(args.config))
    values.update((name, value) for name, value in vars(args).items() if name in values)
    return values


def config_of(args: argparse.Namespace) -> ServerConfig:
    """Return what the options say of the server.

    Raises:
        InvalidArgumentError: they do not go together.
    """
    values = values_of(args)
    return ServerConfig(
        _models(values),
        host=values["host"],
        port=values["rest_api_port"],
        grpc_port=values["port"],
        grpc_implementation=values["grpc_implementation"],
        grpc_limits=GrpcLimits(
            max_request_bytes=values["max_request_bytes"],
            max_header_bytes=values["max_header_bytes"],
            max_connections=values["max_connections"],
            max_buffered_bytes=values["max_buffered_bytes"],
            read_timeout_s=values["read_timeout_seconds"],
        ),
        enable_serialization_as_tensor_content=values["enable_serialization_as_tensor_content"],
        batching=_batching(values),
        limits=HttpLimits(
            max_request_bytes=values["max_request_bytes"],
            max_header_bytes=values["max_header_bytes"],
            max_connections=values["max_connections"],
            max_pipelined=values["max_pipelined"],
            max_buffered_bytes=values["max_buffered_bytes"],
            request_timeout_s=values["rest_api_timeout_in_ms"] / 1000,
            read_timeout_s=values["read_timeout_seconds"],
            idle_timeout_s=values["idle_timeout_seconds"],
        ),
        file_system_poll_wait_seconds=values["file_system_poll_wait_seconds"],
        fronts=values["fronts"],
        stop_timeout_s=values["stop_timeout_seconds"],
        model_config_file=values["model_config_file"],
        model_config_file_poll_wait_seconds=values["model_config_file_poll_wait_seconds"],
        allow_version_labels_for_unavailable_models=values[
            "allow_version_labels_for_unavailable_models"
        ],
        max_num_load_retries=values["max_num_load_retries"],
        load_retry_interval_s=values["load_retry_interval_micros"] / 1e6,
        memory_budget=values["memory_budget"],
        model_cache_dir=values["model_cache_dir"],
        enable_model_warmup=values["enable_model_warmup"],
        executable_cache=values["executable_cache"],
        security=_security(values),
        watch=_watch(values),
    )


def _models(values: dict[str, Any]) -> tuple[ModelConfig, ...]:
    base, listed = values["model_base_path"], values.get(MODELS, ())
    given = [base is not None, bool(listed), values["model_config_file"] is not None]
    if sum(given) != 1:
        raise InvalidArgumentError(
            "what to serve must be named once, by --model_base_path, --model_config_file or "
            f"[[models]] of --config, got {sum(given)} of them"
        )
    return tuple(listed) if base is None else (ModelConfig(values["model_name"], base),)


def _watch(values: dict[str, Any]) -> WatchConfig:
    path = METRICS_PATH
    if values["monitoring_config_file"] is not None:
        path = read_metrics_path(values["monitoring_config_file"])
    return WatchConfig(
        metrics_path=path,
        server_timing=values["server_timing"],
        access_log=values["access_log"],
        schema_files=values["schema_file"] or {},
        bad_input_log=values["bad_input_log"],
        request_log=values["request_log"],
        request_log_sampling_rate=values["request_log_sampling_rate"],
        trace_sampling_rate=values["trace_sampling_rate"],
        trace_endpoint=values["trace_endpoint"],
    )


def _batching(values: dict[str, Any]) -> BatchingParameters | None:
    if not values["enable_batching"]:
        return None
    if values["batching_parameters_file"] is not None:
        return read_batching_parameters(values["batching_parameters_file"])
    allowed = values["allowed_batch_sizes"]
    return BatchingParameters(
        values["max_batch_size"], values["max_enqueued_batches"], allowed_batch_sizes=allowed
    )


def _security(values: dict[str, Any]) -> SecurityConfig:
    tls = None
    certificate, key = values["tls_certificate_file"], values["tls_key_file"]
    if (certificate is None) != (key is None):
        raise InvalidArgumentError(
            "--tls_certificate_file and --tls_key_file must be given together"
        )
    if values["ssl_config_file"] is not None:
        tls = read_ssl_config(values["ssl_config_file"])
    elif certificate is not None:
        ca, required = values["tls_client_ca_file"], values["tls_require_client_certificate"]
        tls = TlsConfig(certificate, key, ca, required)
    elif values["tls_client_ca_file"] is not None:
        raise InvalidArgumentError("--tls_client_ca_file needs --tls_certificate_file")
    tokens = None
    if values["jwt_issuer"] or values["jwt_jwks"]:
        tokens = TokenConfig(
            values["jwt_jwks"],
            values["jwt_issuer"],
            values["jwt_audience"],
            values["jwt_client_claim"],
            values["jwt_roles_claim"],
        )
    return SecurityConfig(
        tls,
        values["api_keys_file"],
        tokens,
        with_certificates=values["know_clients_by_certificate"],
        with_anonymous=values["allow_anonymous"],
        policy_file=values["policy_file"],
    )


class _OneLineEach(argparse.RawDescriptionHelpFormatter):
    """Keeps each option and its text on one line, so that the help fits a screen."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=46, width=96)


def _help_of(text: str, default: Any, is_switch: bool) -> str:
    if default in (None, "", ()):
        return text
    shown = str(default).lower() if is_switch else str(default)
    if isinstance(default, float):
        shown = f"{default:g}"
    return f"{text} ({shown})"


class _Stopping:
    """Turns signals into a wish to stop.

    While the model loads, and when the wish is repeated, a signal interrupts at once.
    """

    def __init__(self) -> None:
        self._wish = threading.Event()
        self._can_finish = False

    def on_signal(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self._wish.is_set() or not self._can_finish:
            raise KeyboardInterrupt
        self._wish.set()

    def may_finish(self) -> None:
        """From now on the first signal lets the server finish its work."""
        self._can_finish = True

    def wait(self) -> None:
        """Wait for a signal."""
        self._wish.wait()


@contextmanager
def _stopping_on_signals() -> Iterator[_Stopping]:
    stopping = _Stopping()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, stopping.on_signal) for number in numbers]
    try:
        yield stopping
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


@contextmanager
def _logging_to_stderr() -> Iterator[logging.Logger]:
    logger = logging.getLogger("penstock.serving")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield logger
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
