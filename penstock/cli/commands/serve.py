"""Serve the SavedModels of one folder over HTTP, as TensorFlow Serving does.

The folder has a sub-folder for each version, named by its number. The highest one is served;
a higher one that appears later takes over without an interruption. Flags have the names of
tensorflow_model_server. Ctrl-C or SIGTERM stops the server when what is in work is answered.
"""

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TextIO

from penstock.core.errors import UnimplementedError
from penstock.serving.batcher import BatchingParameters
from penstock.serving.http import HttpLimits
from penstock.serving.server import ModelConfig, Server, ServerConfig

# Flags of tensorflow_model_server that would change what is served. Passing them over in
# silence would serve something else than was asked for.
_REFUSED = {
    "port": "gRPC is not served; leave it out, and name the HTTP port with --rest_api_port",
    "grpc_socket_path": "gRPC is not served; leave it out",
    "model_config_file": "only one model can be named; give --model_name and --model_base_path",
    "batching_parameters_file": "give --max_batch_size and --max_enqueued_batches instead",
    "monitoring_config_file": "metrics are always at /monitoring/prometheus/metrics",
    "ssl_config_file": "TLS is not served; put a proxy in front",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    add = parser.add_argument
    add("--model_name", default="default", help="in the paths (default: %(default)s)")
    add(
        "--model_base_path",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder with one sub-folder for each version",
    )
    add(
        "--rest_api_port",
        type=_port,
        default=8501,
        metavar="PORT",
        help="HTTP port, 0 for any that is free (default: %(default)s)",
    )
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add(
        "--rest_api_timeout_in_ms",
        type=_positive,
        default=30_000,
        metavar="MS",
        help="time for answering a request (default: %(default)s)",
    )
    add(
        "--max_request_bytes",
        type=_positive,
        default=HttpLimits().max_request_bytes,
        metavar="BYTES",
        help="of a request's body (default: %(default)s)",
    )
    add(
        "--enable_batching",
        type=_boolean,
        nargs="?",
        const=True,
        default=False,
        metavar="BOOL",
        help="let requests that arrive together share a call (default: false)",
    )
    add(
        "--max_batch_size",
        type=_positive,
        default=BatchingParameters().max_batch_size,
        metavar="ROWS",
        help="of a shared call (default: %(default)s)",
    )
    add(
        "--max_enqueued_batches",
        type=_positive,
        default=BatchingParameters().max_enqueued_batches,
        metavar="COUNT",
        help="that may wait before requests are refused (default: %(default)s)",
    )
    add(
        "--file_system_poll_wait_seconds",
        type=_seconds,
        default=1.0,
        metavar="S",
        help="between two looks for new versions (default: %(default)g)",
    )
    for flag in _REFUSED:
        add(f"--{flag}", help=argparse.SUPPRESS)


def run(args: argparse.Namespace, out: TextIO) -> int:  # noqa: ARG001  (it prints no results)
    """Serve until a signal comes.

    Raises:
        UnimplementedError: a flag asks for what is not served.
        OpError: the model does not load, or the port is taken.
    """
    for flag, advice in _REFUSED.items():
        if getattr(args, flag) is not None:
            raise UnimplementedError(f"--{flag} is not supported: {advice}")
    server = Server(config_of(args))
    with _logging_to_stderr(), _stopping_on_signals() as stopping:
        server.start()
        stopping.may_finish()
        stopping.wait()
        server.stop()
    return 0


def config_of(args: argparse.Namespace) -> ServerConfig:
    """Return what the options say of the server."""
    batching = BatchingParameters(args.max_batch_size, args.max_enqueued_batches)
    return ServerConfig(
        (ModelConfig(args.model_name, args.model_base_path),),
        host=args.host,
        port=args.rest_api_port,
        batching=batching if args.enable_batching else None,
        limits=HttpLimits(
            max_request_bytes=args.max_request_bytes,
            request_timeout_s=args.rest_api_timeout_in_ms / 1000,
        ),
        file_system_poll_wait_seconds=args.file_system_poll_wait_seconds,
    )


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
def _logging_to_stderr() -> Iterator[None]:
    logger = logging.getLogger("penstock.serving")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {text}")
    return value


def _port(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 65535:
        raise argparse.ArgumentTypeError(f"must be from 0 to 65535, got {text}")
    return value


def _seconds(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"must be more than 0, got {text}")
    return value


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false", "1", "0"):
        raise argparse.ArgumentTypeError(f"must be true or false, got '{text}'")
    return text.lower() in ("true", "1")
