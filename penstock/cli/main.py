"""The entry point of the command line: finds the command, runs it, turns errors into a line."""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Final, TextIO

from penstock import __version__
from penstock.cli.commands import COMMANDS
from penstock.core.errors import OpError

FAILED: Final = 1
INTERRUPTED: Final = 130  # 128 + SIGINT, what a shell reports for Ctrl-C


def main(argv: Sequence[str] | None = None, out: TextIO | None = None) -> int:
    """Run one command and return its exit status.

    Args:
        argv: the arguments after the program's name; those of the process if left out.
        out: where results are printed; standard output if left out.

    Returns:
        0 when the command did what it was asked, 1 when it could not, 130 after Ctrl-C.

    Raises:
        SystemExit: 2 for arguments that make no sense, 0 after `--help` and `--version`.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    out = out or sys.stdout
    name = _top_parser().parse_args(arguments[:1]).command
    try:
        command = _command(name)
        args = _parser_of(name, command).parse_args(arguments[1:])
        status: int = command.run(args, out)
        out.flush()
    except KeyboardInterrupt:
        if sys.stderr.isatty():
            print(file=sys.stderr)  # the prompt comes on a line of its own, not behind a bar
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone, as in `penstock ... | head`. Python would complain again when it
        # flushes at exit, so standard output is pointed away first.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (OpError, OSError) as error:
        print(f"penstock {name}: {_one_line(error)}", file=sys.stderr)
        return FAILED
    return status


def _top_parser() -> argparse.ArgumentParser:
    width = max(map(len, COMMANDS))
    lines = "\n".join(f"  {name:<{width}}  {text}" for name, text in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="penstock",
        description="TensorFlow's Python API and serving, in pure Python on XLA.",
        epilog=f"commands:\n{lines}\n\n'penstock <command> --help' explains one of them.",
        usage="penstock [--version] <command> [options]",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"penstock {__version__}")
    parser.add_argument(
        "command", choices=COMMANDS, metavar="<command>", help=argparse.SUPPRESS
    )
    return parser


def _parser_of(name: str, command: ModuleType) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"penstock {name}",
        description=command.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_arguments(parser)
    return parser


def _command(name: str) -> ModuleType:
    return importlib.import_module(f"penstock.cli.commands.{name.replace('-', '_')}")


def _one_line(error: Exception) -> str:
    text = getattr(error, "message", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())
