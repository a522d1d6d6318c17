"""List the ops that this build knows, with their inputs and outputs."""

import argparse
import json
from typing import TextIO

from penstock.ops.table import OpDef, rows


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument(
        "--prefix", default="", metavar="TEXT", help="only ops whose name starts so"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(args: argparse.Namespace, out: TextIO) -> int:
    """Print one op a line. Returns 1 when no op matches, so that scripts can ask."""
    found = [row for row in rows() if row.name.startswith(args.prefix)]
    for row in found:
        print(json.dumps(_record(row)) if args.json else _text(row), file=out)
    return 0 if found else 1


def _text(row: OpDef) -> str:
    return f"{row.name}({', '.join(row.inputs)}) -> {', '.join(row.outputs)}"


def _record(row: OpDef) -> dict[str, object]:
    kernels = {"host": row.host, "device": row.device}
    return {
        "name": row.name,
        "inputs": row.inputs,
        "outputs": row.outputs,
        "attrs": sorted(row.attrs),
        "kernels": [name for name, kernel in kernels.items() if kernel is not None],
        "stateful": row.stateful,
    }
