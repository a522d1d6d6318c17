"""Make an API key for a client of `penstock serve`.

The key is printed once and kept nowhere. What the server needs of it, a hash, is printed as
lines for the file of --api_keys_file, or added to the file named here.
"""

import argparse
import os
from pathlib import Path
from typing import TextIO

from penstock.serving.middleware.api_keys import ApiKeys, new_key


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    add = parser.add_argument
    add("client", help="name of the client, for roles, quotas and logs")
    add("--role", action="append", default=[], metavar="NAME", help="that it has; repeatable")
    add("--add_to", type=Path, metavar="FILE", help="file of keys that gets the lines")


def run(args: argparse.Namespace, out: TextIO) -> int:
    """Make a key and print it.

    Raises:
        InvalidArgumentError: a name is not printable, or the file has something else in it.
    """
    key, lines = new_key(args.client, tuple(args.role))
    if args.add_to is None:
        print(f"{key}\n\n{lines}", end="", file=out)
        return 0
    is_new = not args.add_to.exists()
    if not is_new:
        ApiKeys(args.add_to)  # what makes no sense is not made longer
    descriptor = os.open(args.add_to, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "a", encoding="utf-8") as file:
        file.write(lines if is_new else f"\n{lines}")
    print(key, file=out)
    return 0
