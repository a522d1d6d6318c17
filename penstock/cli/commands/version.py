"""Print the versions of penstock and of what it stands on."""

import argparse
import importlib.metadata
import json
import platform
from typing import TextIO

from penstock import __version__

_PACKAGES = ("jax", "jaxlib", "keras", "numpy")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace, out: TextIO) -> int:
    """Print one name and version a line."""
    found = {"penstock": __version__, "python": platform.python_version()}
    found.update((name, _version(name)) for name in _PACKAGES)
    if args.json:
        print(json.dumps(found), file=out)
    else:
        print("\n".join(f"{name} {version}" for name, version in found.items()), file=out)
    return 0


def _version(package: str) -> str:
    # Its metadata tells without importing it, which would take seconds.
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
