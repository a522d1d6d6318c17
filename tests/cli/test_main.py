import io
import subprocess
import sys
import types

import pytest

from penstock.cli import main as cli
from penstock.cli.commands import COMMANDS
from penstock.core.errors import NotFoundError


def command(run):
    """A module that stands for a command."""
    module = types.ModuleType("fake", "Stands for a command.")
    module.add_arguments = lambda parser: parser.add_argument("--name", default="x")
    module.run = run
    return module


@pytest.fixture
def fake(monkeypatch):
    def install(run):
        monkeypatch.setattr(cli, "_command", lambda name: command(run))

    return install


def test_a_command_gets_its_options_and_its_status_is_returned(fake):
    def run(args, out):
        print(args.name, file=out)
        return 7

    fake(run)
    out = io.StringIO()

    assert cli.main(["demo", "--name", "y"], out) == 7
    assert out.getvalue() == "y\n"


def test_an_error_is_one_line_without_a_trace(fake, capsys):
    def run(args, out):
        raise NotFoundError("no model in\n 'models/x'")

    fake(run)

    assert cli.main(["demo"]) == 1
    assert capsys.readouterr().err == "penstock demo: no model in 'models/x'\n"


def test_ctrl_c_ends_quietly_with_130(fake, capsys):
    def run(args, out):
        raise KeyboardInterrupt

    fake(run)

    assert cli.main(["demo"]) == 130
    assert capsys.readouterr() == ("", "")


def test_an_unknown_command_is_a_usage_error(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["dem"])

    assert stopped.value.code == 2
    assert "demo" in capsys.readouterr().err


def test_no_command_is_a_usage_error():
    with pytest.raises(SystemExit) as stopped:
        cli.main([])

    assert stopped.value.code == 2


def test_help_lists_every_command(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["--help"])

    assert stopped.value.code == 0
    shown = capsys.readouterr().out
    assert [name for name in COMMANDS if f"\n  {name} " not in shown] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main([name, "--help"])

    assert stopped.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: penstock {name}")


def test_a_reader_that_leaves_is_no_error():
    script = (
        "import sys, types\n"
        "from penstock.cli import main as cli\n"
        "module = types.ModuleType('fake', 'Prints much.')\n"
        "module.add_arguments = lambda parser: None\n"
        "module.run = lambda a, out: [print('x' * 99, file=out) for _ in range(9999)] and 0\n"
        "cli._command = lambda name: module\n"
        "sys.exit(cli.main(['demo']))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.read(1)
        process.stdout.close()
        complaint = process.stderr.read()

    assert complaint == b""
    assert process.returncode == 1
