"""Checkpoints: their tensors, files and objects."""

from __future__ import annotations

from pathlib import Path

from penstock.cli.inspect.report import Report, size_text
from penstock.cli.inspect.tensors import Tensor, add_tensors
from penstock.core.errors import NotFoundError
from penstock.train.object_graph import OBJECT_GRAPH_KEY
from penstock.train.restore import read_object_graph
from penstock.wire.bundle import BundleReader, LegacyReader, data_name, open_checkpoint


def inspect_checkpoint(prefix: Path) -> Report:
    """Describe the checkpoint with a prefix.

    Raises:
        DataLossError: it is damaged.
    """
    reader = open_checkpoint(prefix)
    if isinstance(reader, LegacyReader):
        report = Report("checkpoint (version 1)", {"version": 1, "prefix": reader.prefix})
        report.facts.append(
            ("note", "an old format; `penstock convert` writes the one of version 2")
        )
    else:
        report = Report("checkpoint", {"version": 2, "prefix": reader.prefix})
        _add_files(report, reader)
        _add_objects(report, reader)
    tensors = []
    for key in reader:
        if key == OBJECT_GRAPH_KEY:
            continue
        entry = reader.entry(key)
        slices = len(getattr(entry.message, "slices", ()))
        note = f"in {slices} slices" if slices else ""
        tensors.append(Tensor(key, entry.dtype.name, entry.sizes, entry.dtype.size, note))
    add_tensors(report, tensors, "tensors")
    return report


def _add_files(report: Report, reader: BundleReader) -> None:
    shards = reader.header.num_shards
    paths = [Path(data_name(reader.prefix, shard, shards)) for shard in range(shards)]
    missing = [path.name for path in paths if not path.exists()]
    size = sum(path.stat().st_size for path in paths if path.exists())
    report.record["shards"] = shards
    report.record["bytes"] = size
    report.facts.append(("files", f"{shards} of values, {size_text(size)}"))
    if missing:
        report.warnings.append(
            f"{len(missing)} of {shards} files of values are missing, first '{missing[0]}'; "
            "copy the whole checkpoint"
        )


def _add_objects(report: Report, reader: BundleReader) -> None:
    try:
        graph = read_object_graph(reader)
    except NotFoundError:
        return  # in a file that is missing, which is said
    report.record["objects"] = None if graph is None else len(graph.nodes)
    if graph is None:
        report.facts.append(("objects", "none; values are found by the names of variables"))
        return
    names = [child.local_name for child in graph.nodes[0].children] if graph.nodes else []
    slots = sum(len(node.slot_variables) for node in graph.nodes)
    report.record["root"] = names
    report.record["slot_variables"] = slots
    text = f"{len(graph.nodes):,}, at the root {', '.join(names) or 'nothing'}"
    report.facts.append(("objects", text + (f"; {slots:,} slot variables" if slots else "")))
