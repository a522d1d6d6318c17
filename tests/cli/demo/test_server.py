import socket
import sys
from pathlib import Path

import pytest

from penstock.cli.demo import server
from penstock.core.errors import UnavailableError

FAKE = Path(__file__).with_name("fake_server.py")


def is_listening(port):
    with socket.socket() as probe:
        return probe.connect_ex((server.HOST, port)) == 0


def test_a_taken_port_is_refused_with_what_to_do():
    with socket.create_server((server.HOST, 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(UnavailableError, match=f"port {port} .*--port"):
            server.free_port(port)


def test_a_free_port_is_given_back():
    port = server.free_port()

    assert server.free_port(port) == port


def test_the_server_runs_as_long_as_the_block(tmp_path):
    port = server.free_port()
    command = [sys.executable, str(FAKE), str(port)]

    with server.running(command, "double", port, tmp_path / "log"):
        assert is_listening(port)

    assert not is_listening(port)


def test_the_server_is_stopped_when_the_block_fails(tmp_path):
    port = server.free_port()
    command = [sys.executable, str(FAKE), str(port)]

    with (
        pytest.raises(KeyboardInterrupt),
        server.running(command, "double", port, tmp_path / "log"),
    ):
        raise KeyboardInterrupt

    assert not is_listening(port)


def test_a_server_that_dies_is_reported_with_its_last_words(tmp_path):
    command = [sys.executable, "-c", "import sys; print('first'); sys.exit('no model here')"]

    with (
        pytest.raises(UnavailableError, match=r"status 1: (no model here|first)"),
        server.running(command, "double", server.free_port(), tmp_path / "log"),
    ):
        pass
