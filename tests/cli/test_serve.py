"""`penstock serve`: its flags, and its life as a process."""

import argparse
import http.client
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from penstock.cli import main as cli
from penstock.cli.commands import serve
from penstock.cli.serve.options import OPTIONS
from penstock.core.errors import InvalidArgumentError
from penstock.serving.batcher import BatchingParameters
from penstock.serving.model_config import ModelConfig
from penstock.serving.source import Specific, every_version
from penstock.serving.watch import WatchConfig

ROOT = Path(__file__).parents[2]
# The command with a loader that needs no model on disk.
PROGRAM = """
import sys
from penstock.cli.commands import serve
from penstock.cli.main import main
from penstock.serving.server import Server
from tests.serving.fakes import FakeLoader, doubler
serve.Server = lambda config: Server(config, FakeLoader(doubler))
sys.exit(main(sys.argv[1:]))
"""


def config(*flags):
    parser = argparse.ArgumentParser()
    serve.add_arguments(parser)
    return serve.config_of(parser.parse_args(["--model_base_path", "models/m", *flags]))


def test_the_defaults_are_those_of_tf_serving_where_it_has_some():
    got = config()

    assert (got.host, got.port) == ("127.0.0.1", 8501)
    assert [(m.name, m.base_path) for m in got.models] == [("default", Path("models/m"))]
    assert got.grpc_port is None
    assert got.batching == BatchingParameters()
    assert got.limits.request_timeout_s == 30
    assert got.limits.max_request_bytes == 64 * 1024 * 1024
    assert got.file_system_poll_wait_seconds == 1


def test_flags_reach_the_server():
    got = config(
        *("--model_name=digits", "--host=::", "--rest_api_port=0", "--enable_batching"),
        *("--rest_api_timeout_in_ms=1500", "--max_request_bytes=1000"),
        *("--max_batch_size=8", "--max_enqueued_batches=3"),
        *("--file_system_poll_wait_seconds=0.5", "--port=8500"),
    )

    assert (got.models[0].name, got.host, got.port) == ("digits", "::", 0)
    assert got.batching == BatchingParameters(8, 3)
    assert (got.limits.request_timeout_s, got.limits.max_request_bytes) == (1.5, 1000)
    assert got.file_system_poll_wait_seconds == 0.5
    assert (got.grpc_port, got.grpc_limits.max_request_bytes) == (8500, 1000)


@pytest.mark.parametrize(
    ("flags", "batches"),
    [
        (["--enable_batching"], True),
        (["--enable_batching=true"], True),
        (["--enable_batching", "1"], True),
        (["--enable_batching=false"], False),
        (["--enable_batching", "0"], False),
    ],
)
def test_batching_is_switched_as_in_tf_serving(flags, batches):
    assert (config(*flags).batching is not None) == batches


@pytest.mark.parametrize(
    "flags",
    [
        ["--rest_api_port=65536"],
        ["--rest_api_port=http"],
        ["--rest_api_timeout_in_ms=0"],
        ["--enable_batching=maybe"],
        ["--file_system_poll_wait_seconds=nan"],
        ["--memory_budget=lots"],
        ["--allowed_batch_sizes=1,x"],
        ["--nobody_knows"],
    ],
)
def test_flags_that_make_no_sense_are_usage_errors(flags, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["serve", "--model_base_path", "m", *flags])

    assert stopped.value.code == 2
    assert flags[0].partition("=")[0] in capsys.readouterr().err


@pytest.mark.parametrize(
    "flags", [[], ["--model_base_path=m", "--model_config_file=models.config"]]
)
def test_what_to_serve_is_named_once(flags, capsys):
    assert cli.main(["serve", *flags]) == 1
    assert "must be named once, by --model_base_path, --mod" in capsys.readouterr().err


@pytest.mark.parametrize(
    "flag", ["--grpc_socket_path=/tmp/socket", "--platform_config_file=f", "--use_tflite_model"]
)
def test_what_is_not_served_is_refused_by_name(flag, capsys):
    status = cli.main(["serve", "--model_base_path", "m", flag])

    name = flag.partition("=")[0]
    assert status == 1
    assert capsys.readouterr().err.startswith(f"penstock serve: {name} is not supported: ")


def test_the_help_fits_a_screen(capsys):
    with pytest.raises(SystemExit):
        cli.main(["serve", "--help"])

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 56
    assert max(map(len, lines)) <= 100


def test_every_option_stands_in_the_long_help(capsys):
    with pytest.raises(SystemExit):
        cli.main(["serve", "--help_all"])

    text = capsys.readouterr().out
    assert [option.name for option in OPTIONS if f"--{option.name} " not in text] == []


TOML = """
host = "::"
rest_api_port = 9000
max_request_bytes = "1M"
enable_batching = false
allowed_batch_sizes = [1, 8, 64]
stop_timeout_seconds = 2.5
api_keys_file = "keys.toml"
[[models]]
name = "digits"
base_path = "s3://models/digits"
versions = [3, 5]
labels = { stable = 3 }
[[models]]
name = "other"
base_path = "/models/other"
versions = "all"
[[models]]
name = "third"
base_path = "third"
"""


@pytest.fixture
def toml(tmp_path):
    def write(text):
        path = tmp_path / "serve.toml"
        path.write_text(text)
        return f"--config={path}"

    return write


def parsed(*flags):
    parser = argparse.ArgumentParser()
    serve.add_arguments(parser)
    return serve.config_of(parser.parse_args(flags))


def test_options_and_models_come_from_a_file(toml):
    got = parsed(toml(TOML))

    assert (got.host, got.port, got.batching) == ("::", 9000, None)
    assert (got.limits.max_request_bytes, got.stop_timeout_s) == (1 << 20, 2.5)
    assert got.security.api_keys_file == Path("keys.toml")
    assert got.models == (
        ModelConfig("digits", "s3://models/digits", Specific(frozenset({3, 5})), {"stable": 3}),
        ModelConfig("other", Path("/models/other"), every_version),
        ModelConfig("third", Path("third")),
    )


def test_the_command_line_goes_before_the_file(toml):
    got = parsed(toml(TOML), "--rest_api_port=1", "--enable_batching")

    assert (got.port, got.host) == (1, "::")
    assert got.batching.allowed_batch_sizes == (1, 8, 64)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rest_api_prt = 1", "no option 'rest_api_prt'; did you mean 'rest_api_port'"),
        ("rest_api_port = 'x'", "'rest_api_port' in"),
        ("rest_api_port = {}", "must be a text, number or list"),
        ("[[models]]\nname = 'm'", "must have a name and a base_path"),
        ("[[models]]\nname = 'm'\nbase_path = 'm'\nversions = 'new'", "how many of the latest"),
        ("[[models]]\nname = 'm'\nbase_path = 'm'\npath = 'm'", "only, got path"),
        ("models = 3", r"a table \[\[models\]\] for each model"),
        ("rest_api_port", "must be TOML"),
    ],
)
def test_mistakes_in_the_file_are_named(toml, text, message):
    with pytest.raises(InvalidArgumentError, match=message):
        parsed(toml(text))


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--tls_key_file=key.pem"], "must be given together"),
        (["--tls_client_ca_file=ca.pem"], "needs --tls_certificate_file"),
        (["--know_clients_by_certificate"], "only with --tls_client_ca_file"),
        (["--jwt_issuer=https://idp"], "--jwt_audience"),
    ],
)
def test_security_that_is_half_given_is_refused(flags, message):
    with pytest.raises(InvalidArgumentError, match=message):
        config(*flags)


@pytest.fixture
def start(tmp_path):
    """Starts the command as a process; returns it and its first line."""
    (tmp_path / "double" / "1").mkdir(parents=True)
    processes = []

    def run(*flags):
        process = subprocess.Popen(
            [
                *(sys.executable, "-W", "error", "-c", PROGRAM, "serve"),
                *("--model_name", "double", "--model_base_path", str(tmp_path / "double")),
                *flags,
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process, process.stderr.readline().strip()

    yield run
    for process in processes:
        process.kill()
        process.communicate()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_server_says_where_it_is_answers_and_stops_in_order(start, number):
    process, line = start("--rest_api_port=0")
    said, _, url = line.rpartition(" ")
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
    connection.request("POST", "/v1/models/double:predict", '{"instances": [[1, 2]]}')
    answer = json.loads(connection.getresponse().read())

    process.send_signal(number)
    output, errors = process.communicate(timeout=30)
    connection.close()

    assert said == "serving double version 1 on"
    assert answer == {"predictions": [[2.0, 4.0]]}
    assert (process.returncode, output, errors) == (0, "", "")


def test_a_taken_port_is_one_line_and_status_1(start):
    _, line = start("--rest_api_port=0")
    port = line.rpartition(":")[2]

    process, complaint = start(f"--rest_api_port={port}")
    process.communicate(timeout=30)

    assert process.returncode == 1
    assert complaint.startswith(f"penstock serve: cannot listen on 127.0.0.1:{port}: ")


def test_the_options_of_watching_are_taken_over(tmp_path):
    monitoring = tmp_path / "monitoring.config"
    monitoring.write_text('prometheus_config { enable: true path: "/metrics" }')

    watch = config(
        *("--schema_file", "a=x.toml,b=y.toml"),
        *("--access_log", "-", "--request_log", "logs", "--request_log_sampling_rate", "0.5"),
        *("--trace_sampling_rate", "0.25", "--server_timing=false"),
        *("--monitoring_config_file", str(monitoring)),
    ).watch

    assert watch == WatchConfig(
        metrics_path="/metrics",
        server_timing=False,
        access_log="-",
        schema_files={"a": Path("x.toml"), "b": Path("y.toml")},
        request_log=Path("logs"),
        request_log_sampling_rate=0.5,
        trace_sampling_rate=0.25,
    )
