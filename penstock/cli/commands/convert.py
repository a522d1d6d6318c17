"""Turn a file into another kind: weights, old checkpoints, Keras models.

  checkpoint, .npz, .safetensors  ->  checkpoint, .npz, .safetensors
  checkpoint of version 1         ->  checkpoint of version 2
  .keras, .h5 (a whole model)     ->  SavedModel, with a signature for serving

What the target is, its suffix says; without one it is a checkpoint's prefix, or the directory
of a SavedModel. Values keep their names and types; nothing is unpickled or run.
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from penstock.cli.convert import keras_models, weights
from penstock.cli.inspect.kinds import inspector
from penstock.cli.inspect.report import Report
from penstock.core.errors import AlreadyExistsError, InvalidArgumentError
from penstock.train.object_graph import OBJECT_GRAPH_KEY

_SOURCES: dict[str, Callable[[Path], weights.Weights]] = {
    "npz archive": weights.from_npz,
    "safetensors file": weights.from_safetensors,
}
_TARGETS: dict[str, Callable[[weights.Weights, Path], weights.Weights]] = {
    ".npz": weights.to_npz,
    ".safetensors": weights.to_safetensors,
    "": weights.to_checkpoint,
}
_MODELS = ("Keras model", "Keras model (HDF5)")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument("source", type=Path, help="file, directory or checkpoint")
    parser.add_argument("target", type=Path, help="what to write")
    parser.add_argument("--force", action="store_true", help="write over what is there")
    parser.add_argument(
        "--unsafe",
        action="store_true",
        help="run the Python code that layers of a Keras model hold",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace, out: TextIO) -> int:
    """Convert. Returns 0 also when something was left out, which is said."""
    report = inspector(args.source)()
    if not args.force and _is_there(args.target):
        raise AlreadyExistsError(f"'{args.target}' is there; pass --force to write over it")
    left_out: list[str] = []
    if report.kind in _MODELS:
        _convert_model(args, report)
        made = "SavedModel"
    else:
        converted = _convert_weights(args, report)
        left_out = [name for name in converted.left_out if name != OBJECT_GRAPH_KEY]
        made = f"{len(converted.tensors):,} tensors"
    record = {
        "source": str(args.source),
        "kind": report.kind,
        "target": str(args.target),
        "made": made,
        "left_out": left_out,
    }
    if args.json:
        print(json.dumps(record), file=out)
    else:
        print(f"{report.kind} '{args.source}' -> '{args.target}': {made}", file=out)
    if left_out:
        print(
            "penstock convert: left out, because the target cannot hold their type: "
            f"{', '.join(left_out)}",
            file=sys.stderr,
        )
    return 0


def _is_there(target: Path) -> bool:
    if target.is_dir():
        return any(target.iterdir())
    return target.exists() or Path(f"{target}.index").exists()


def _convert_model(args: argparse.Namespace, report: Report) -> None:
    if args.target.suffix:
        raise InvalidArgumentError(
            f"a Keras model becomes a SavedModel, which is a directory, got '{args.target}'; "
            "name it without a suffix"
        )
    code = report.record["layers_with_code"]
    keras_models.to_saved_model(args.source, args.target, code, unsafe=args.unsafe)


def _convert_weights(args: argparse.Namespace, report: Report) -> weights.Weights:
    if report.kind.startswith("checkpoint"):
        source = weights.from_checkpoint(Path(report.record["prefix"]))
    elif report.kind in _SOURCES:
        source = _SOURCES[report.kind](args.source)
    else:
        raise InvalidArgumentError(
            f"a {report.kind} cannot be converted; `penstock convert --help` lists what can"
        )
    write = _TARGETS.get(args.target.suffix)
    if write is None:
        # A checkpoint's name may have a dot in it, such as `model.ckpt`.
        if args.target.suffix in (".keras", ".h5", ".pb", ".tfrecord"):
            raise InvalidArgumentError(
                f"weights become a checkpoint, .npz or .safetensors, got '{args.target}'"
            )
        write = weights.to_checkpoint
    return write(source, args.target)
