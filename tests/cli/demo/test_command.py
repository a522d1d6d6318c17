import io
import json
import os
import signal
import socket

import pytest

from penstock.cli.commands import demo
from penstock.cli.main import main
from tests.cli.demo.outcomes import outcome


@pytest.fixture
def found(monkeypatch):
    """Lets a test say what the stages find out, and what they print meanwhile."""

    def install(result, prints=""):
        def stages(options, narrator):
            print(prints, end="")
            narrator.say("train", "told")
            return result() if callable(result) else result

        monkeypatch.setattr(demo, "run_demo", stages)

    return install


def test_json_is_one_object_and_nothing_else(found, tmp_path):
    found(outcome(wrong=[1]), prints="a library talks")
    out = io.StringIO()

    status = main(["demo", "--json", "--output", str(tmp_path)], out)
    told = json.loads(out.getvalue())

    assert status == 0
    assert out.getvalue().count("\n") == 1
    assert told["accuracy"] == 0.95
    assert told["report"] == str(tmp_path / "report.html")


def test_the_reader_is_told_the_figures_and_where_the_report_is(found, tmp_path):
    found(outcome(wrong=[1]))
    out = io.StringIO()

    status = main(["demo", "--output", str(tmp_path)], out)

    assert status == 0
    assert "accuracy  95.0% held out, 1 of 20 misread" in out.getvalue()
    assert f"report    {tmp_path / 'report.html'}" in out.getvalue()


def test_wrong_served_answers_are_a_failure(found):
    found(outcome(served_off_by=0.5))
    out = io.StringIO()

    assert main(["demo"], out) == 1
    assert "DIFFER" in out.getvalue()


def test_a_taken_port_is_one_line_and_nothing_is_written(tmp_path, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status = main(["demo", "--port", str(port), "--output", str(tmp_path / "new")])

    captured = capsys.readouterr()
    assert status == 1
    assert captured.err.startswith(f"penstock demo: port {port} of 127.0.0.1 cannot be used")
    assert captured.err.count("\n") == 1
    assert not (tmp_path / "new").exists()


def test_what_is_no_model_is_not_overwritten(tmp_path, capsys):
    precious = tmp_path / "digits" / "1" / "thesis.txt"
    precious.parent.mkdir(parents=True)
    precious.write_text("long work")

    assert main(["demo", "--output", str(tmp_path)]) == 1
    assert "holds no model; choose another place with --output" in capsys.readouterr().err
    assert precious.read_text() == "long work"


def test_a_polite_kill_unwinds_the_stages(found):
    unwound = []

    def killed():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            unwound.append(True)

    found(killed)
    before = signal.getsignal(signal.SIGTERM)

    with pytest.raises(SystemExit) as stopped:
        main(["demo"], io.StringIO())

    assert stopped.value.code == 128 + signal.SIGTERM
    assert unwound == [True]
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("options", [["--epochs", "0"], ["--port", "70000"], ["--epochs", "x"]])
def test_options_without_sense_are_usage_errors(options, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["demo", *options])

    assert stopped.value.code == 2
    assert options[0] in capsys.readouterr().err
