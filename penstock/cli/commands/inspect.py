"""Say what is in a file: a SavedModel, checkpoint, TFRecord or event file, Keras model or npz.

The kind is told by the bytes. Nothing of the file is run or unpickled, and no model is built.
A checkpoint is named by its prefix, its `.index` file, or the directory of its state file.
"""

import argparse
import sys
from pathlib import Path
from typing import TextIO

from penstock.cli.inspect.kinds import inspector
from penstock.core.errors import OpError

_LIMIT = 40


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument("path", nargs="+", type=Path, help="file, directory or checkpoint")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument(
        "--limit",
        type=int,
        default=_LIMIT,
        metavar="N",
        help="rows of each table, 0 for all (default: %(default)s)",
    )


def run(args: argparse.Namespace, out: TextIO) -> int:
    """Describe each path. Returns 1 when one could not be read."""
    status = 0
    for i, path in enumerate(args.path):
        try:
            report = inspector(path)()
        except (OpError, OSError) as error:
            if len(args.path) == 1:
                raise
            text = " ".join(str(getattr(error, "message", None) or error).split())
            print(f"penstock inspect: {text}", file=sys.stderr)
            status = 1
            continue
        if args.json:
            print(report.as_json(str(path)), file=out)
        else:
            if i:
                print(file=out)
            report.write(str(path), out, args.limit if args.limit > 0 else None)
    return status
