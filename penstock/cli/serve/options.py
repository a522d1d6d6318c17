"""The options of `penstock serve`, one row each: of the command line and of the TOML file.

Options that tensorflow_model_server has, too, have its names.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock.core.errors import InvalidArgumentError
from penstock.serving.batcher import BatchingParameters
from penstock.serving.http import HttpLimits
from penstock.serving.manager import MAX_RETRIES, RETRY_AFTER_S
from penstock.serving.memory import parse_bytes

_BATCHING = BatchingParameters()
_LIMITS = HttpLimits()


@dataclass(frozen=True, slots=True)
class Option:
    """One option.

    Args:
        name: without the dashes.
        kind: turns its text into a value, or raises ValueError.
        metavar: stands for the value in the help; empty for a switch.
        help: one short line.
        group: under which it stands.
        default: when it is not given.
        is_common: whether it stands in the short help.
    """

    name: str
    kind: Callable[[str], Any]
    metavar: str
    help: str
    group: str
    default: Any = None
    is_common: bool = False


def positive(text: str) -> int:
    """A whole number of at least 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {text}")
    return value


def count(text: str) -> int:
    """A whole number of at least 0."""
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"must be at least 0, got {text}")
    return value


def port(text: str) -> int:
    """The number of a port."""
    value = int(text)
    if not 0 <= value <= 65535:
        raise argparse.ArgumentTypeError(f"must be from 0 to 65535, got {text}")
    return value


def seconds(text: str) -> float:
    """A time of at least 0."""
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be at least 0, got {text}")
    return value


def boolean(text: str) -> bool:
    """Yes or no."""
    if text.lower() not in ("true", "false", "1", "0"):
        raise argparse.ArgumentTypeError(f"must be true or false, got '{text}'")
    return text.lower() in ("true", "1")


def size(text: str) -> int:
    """A number of bytes, such as 512M."""
    try:
        return parse_bytes(text)
    except InvalidArgumentError as error:
        raise argparse.ArgumentTypeError(error.message) from None


def sizes(text: str) -> tuple[int, ...]:
    """Whole numbers with commas between them."""
    return tuple(positive(part) for part in text.split(","))


def place(text: str) -> Path | str:
    """A folder of this machine, or an address in an object store."""
    return text if "://" in text else Path(text)


def share(text: str) -> float:
    """A number from 0 to 1."""
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"must be from 0 to 1, got {text}")
    return value


def schema_files(text: str) -> dict[str, Path]:
    """A schema file, or several as MODEL=FILE with commas between them."""
    found = {}
    for part in text.split(","):
        name, mark, path = part.rpartition("=")
        if (mark and not name) or not path:
            raise argparse.ArgumentTypeError(f"must be FILE or MODEL=FILE, got '{part}'")
        found[name.strip()] = Path(path.strip())
    return found


_MODELS, _NETWORK, _BATCHES = "models", "network", "batching"
_SECURITY, _OPERATION = "security", "operation"

GROUPS = (_MODELS, _NETWORK, _BATCHES, _SECURITY, _OPERATION)

OPTIONS = (
    # models
    Option("model_name", str, "NAME", "in the paths", _MODELS, "default", is_common=True),
    Option(
        "model_base_path",
        place,
        "DIR",
        "with a sub-folder per version; s3://... too",
        _MODELS,
        is_common=True,
    ),
    Option(
        "model_config_file",
        Path,
        "FILE",
        "several models, in TF Serving's text format",
        _MODELS,
        is_common=True,
    ),
    Option(
        "model_config_file_poll_wait_seconds",
        seconds,
        "S",
        "between two looks at it; 0 for none",
        _MODELS,
        0.0,
        is_common=True,
    ),
    Option(
        "file_system_poll_wait_seconds",
        seconds,
        "S",
        "between two looks for versions; 0 for none",
        _MODELS,
        1.0,
        is_common=True,
    ),
    Option(
        "allow_version_labels_for_unavailable_models",
        boolean,
        "",
        "new labels may name versions that are not loaded",
        _MODELS,
        False,
    ),
    Option(
        "max_num_load_retries",
        count,
        "COUNT",
        "of a version that fails to load",
        _MODELS,
        MAX_RETRIES,
    ),
    Option(
        "load_retry_interval_micros",
        count,
        "US",
        "before such a version is tried again",
        _MODELS,
        int(RETRY_AFTER_S * 1e6),
    ),
    Option(
        "enable_model_warmup",
        boolean,
        "",
        "run the requests recorded with a model",
        _MODELS,
        True,
    ),
    Option(
        "memory_budget",
        size,
        "SIZE",
        "of all loaded versions, such as 8G",
        _MODELS,
        is_common=True,
    ),
    Option(
        "executable_cache",
        str,
        "PLACE",
        "auto, off or a folder for compiled code",
        _MODELS,
        "auto",
        is_common=True,
    ),
    Option("model_cache_dir", Path, "DIR", "for versions from object stores", _MODELS),
    # network
    Option(
        "host",
        str,
        "ADDRESS",
        "to listen on; 0.0.0.0 for all",
        _NETWORK,
        "127.0.0.1",
        is_common=True,
    ),
    Option(
        "rest_api_port",
        port,
        "PORT",
        "HTTP; 0 for any that is free",
        _NETWORK,
        8501,
        is_common=True,
    ),
    Option("port", port, "PORT", "gRPC; 0 for any that is free", _NETWORK, is_common=True),
    Option("grpc_implementation", str, "NAME", "own or grpcio", _NETWORK, "own"),
    Option(
        "enable_serialization_as_tensor_content",
        boolean,
        "",
        "gRPC answers as raw bytes",
        _NETWORK,
        False,
    ),
    Option(
        "rest_api_timeout_in_ms",
        positive,
        "MS",
        "for answering a request",
        _NETWORK,
        30_000,
        is_common=True,
    ),
    Option(
        "max_request_bytes",
        size,
        "SIZE",
        "of a request's body",
        _NETWORK,
        _LIMITS.max_request_bytes,
        is_common=True,
    ),
    Option(
        "max_header_bytes",
        size,
        "SIZE",
        "of a request's headers",
        _NETWORK,
        _LIMITS.max_header_bytes,
    ),
    Option(
        "max_connections",
        positive,
        "COUNT",
        "open at a time, of each port",
        _NETWORK,
        _LIMITS.max_connections,
    ),
    Option(
        "max_pipelined",
        positive,
        "COUNT",
        "requests of a connection in work at a time",
        _NETWORK,
        _LIMITS.max_pipelined,
    ),
    Option(
        "max_buffered_bytes",
        size,
        "SIZE",
        "of bodies that are arriving, all together",
        _NETWORK,
        _LIMITS.max_buffered_bytes,
    ),
    Option(
        "idle_timeout_seconds",
        seconds,
        "S",
        "before an idle connection is closed",
        _NETWORK,
        _LIMITS.idle_timeout_s,
    ),
    Option(
        "read_timeout_seconds",
        seconds,
        "S",
        "for sending a request",
        _NETWORK,
        _LIMITS.read_timeout_s,
    ),
    Option(
        "fronts",
        count,
        "N",
        "processes before one that computes; 0: one in all",
        _NETWORK,
        0,
        is_common=True,
    ),
    # batching
    Option(
        "enable_batching",
        boolean,
        "",
        "let requests that come together share a call",
        _BATCHES,
        True,
        is_common=True,
    ),
    Option(
        "max_batch_size",
        positive,
        "ROWS",
        "of a shared call",
        _BATCHES,
        _BATCHING.max_batch_size,
        is_common=True,
    ),
    Option(
        "allowed_batch_sizes",
        sizes,
        "A,B,...",
        "to which calls are padded; default 1,2,4...",
        _BATCHES,
        (),
    ),
    Option(
        "max_enqueued_batches",
        positive,
        "COUNT",
        "waiting before requests are refused",
        _BATCHES,
        _BATCHING.max_enqueued_batches,
        is_common=True,
    ),
    Option(
        "batching_parameters_file",
        Path,
        "FILE",
        "in TF Serving's text format, instead",
        _BATCHES,
        is_common=True,
    ),
    # security
    Option(
        "tls_certificate_file",
        Path,
        "FILE",
        "of the server, PEM; turns TLS on",
        _SECURITY,
        is_common=True,
    ),
    Option("tls_key_file", Path, "FILE", "its key", _SECURITY, is_common=True),
    Option(
        "tls_client_ca_file",
        Path,
        "FILE",
        "asks clients for certificates (mTLS)",
        _SECURITY,
        is_common=True,
    ),
    Option(
        "tls_require_client_certificate",
        boolean,
        "",
        "turn those without one away",
        _SECURITY,
        True,
    ),
    Option("ssl_config_file", Path, "FILE", "in TF Serving's text format, instead", _SECURITY),
    Option(
        "api_keys_file",
        Path,
        "FILE",
        "hashes of keys; see `penstock api-key`",
        _SECURITY,
        is_common=True,
    ),
    Option(
        "jwt_issuer",
        str,
        "URL",
        "whose tokens are believed (OIDC)",
        _SECURITY,
        "",
        is_common=True,
    ),
    Option(
        "jwt_audience", str, "NAME", "of this server in them", _SECURITY, "", is_common=True
    ),
    Option("jwt_jwks", str, "FILE", "or URL of the issuer's keys", _SECURITY, ""),
    Option("jwt_client_claim", str, "NAME", "where a token names its client", _SECURITY, "sub"),
    Option("jwt_roles_claim", str, "NAME", "where it names the roles", _SECURITY, "roles"),
    Option(
        "know_clients_by_certificate",
        boolean,
        "",
        "the certificate tells who calls",
        _SECURITY,
        False,
    ),
    Option(
        "allow_anonymous",
        boolean,
        "",
        "let calls without credentials in, as anonymous",
        _SECURITY,
        False,
    ),
    Option("policy_file", Path, "FILE", "roles and quotas", _SECURITY, is_common=True),
    # operation
    Option(
        "stop_timeout_seconds",
        seconds,
        "S",
        "for answering what is in work at the end",
        _OPERATION,
        10.0,
        is_common=True,
    ),
    Option(
        "exit_after_load",
        boolean,
        "",
        "load, fill the executable cache, and exit",
        _OPERATION,
        False,
        is_common=True,
    ),
    Option(
        "schema_file",
        schema_files,
        "FILE",
        "of inputs; MODEL=FILE,... for several models",
        _OPERATION,
        is_common=True,
    ),
    Option(
        "access_log",
        str,
        "FILE",
        "a line of JSON for each call; - for stderr",
        _OPERATION,
        is_common=True,
    ),
    Option(
        "request_log",
        Path,
        "DIR",
        "samples of requests as TFRecord",
        _OPERATION,
        is_common=True,
    ),
    Option("request_log_sampling_rate", share, "SHARE", "of the requests", _OPERATION, 0.01),
    Option("bad_input_log", str, "FILE", "samples of inputs that break a schema", _OPERATION),
    Option(
        "trace_sampling_rate",
        share,
        "SHARE",
        "of the calls; turns OpenTelemetry's traces on",
        _OPERATION,
    ),
    Option("trace_endpoint", str, "URL", "of a collector, OTLP over HTTP", _OPERATION),
    Option("server_timing", boolean, "", "tell clients where the time went", _OPERATION, True),
    Option(
        "monitoring_config_file",
        Path,
        "FILE",
        "path of the metrics, in TF Serving's text format",
        _OPERATION,
    ),
)
