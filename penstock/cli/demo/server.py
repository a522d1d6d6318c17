"""The served side of the demo: `penstock serve` in a process of its own, for a while."""

import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from penstock.core.errors import UnavailableError

HOST: Final = "127.0.0.1"
_READY_WITHIN_S: Final = 60.0
_STOPPED_WITHIN_S: Final = 10.0


def free_port(wanted: int = 0) -> int:
    """Return `wanted` if nobody listens there, or any free port for 0.

    Raises:
        UnavailableError: the port is taken, or may not be used.
    """
    with socket.socket() as probe:
        # As servers do: a port whose last connections are still closing counts as free.
        if sys.platform != "win32":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError as error:
            raise UnavailableError(
                f"port {wanted} of {HOST} cannot be used: {error.strerror or error}; "
                "choose another with --port, or leave it out"
            ) from error
        port: int = probe.getsockname()[1]
        return port


def serve_command(model_directory: Path, port: int) -> list[str]:
    """The command that serves all versions below `model_directory`."""
    return [
        *(sys.executable, "-m", "penstock", "serve"),
        *("--model_name", model_directory.name, "--model_base_path", str(model_directory)),
        *("--host", HOST, "--rest_api_port", str(port)),
    ]


@contextmanager
def running(command: Sequence[str], model: str, port: int, log: Path) -> Iterator[None]:
    """Run `command` until the block is left; enter it when `model` is available.

    Args:
        command: starts the server.
        model: name of the model to wait for.
        port: where the server will listen.
        log: file for all that the server prints.

    Raises:
        UnavailableError: the server stopped, or was not ready after a minute.
    """
    with log.open("wb") as sink:
        # A session of its own: Ctrl-C reaches only us, and we stop the server in order.
        process = subprocess.Popen(  # noqa: S603  (our own program)
            command, stdout=sink, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            _wait_until_available(process, model, port, log)
            yield
        finally:
            process.terminate()
            try:
                process.wait(_STOPPED_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_available(
    process: subprocess.Popen[bytes], model: str, port: int, log: Path
) -> None:
    deadline = time.monotonic() + _READY_WITHIN_S
    while not _is_available(model, port):
        status = process.poll()
        if status is not None:
            raise UnavailableError(
                f"the server stopped with status {status}: {_last_line(log)}; see '{log}'"
            )
        if time.monotonic() > deadline:
            raise UnavailableError(
                f"model '{model}' was not available after {_READY_WITHIN_S:.0f} s; see '{log}'"
            )
        time.sleep(0.05)


def _is_available(model: str, port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", f"/v1/models/{model}")
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != http.HTTPStatus.OK:
            return False
        versions = json.loads(body)["model_version_status"]
        return any(version["state"] == "AVAILABLE" for version in versions)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    return next(
        (line.strip() for line in reversed(lines) if line.strip()), "it printed nothing"
    )
