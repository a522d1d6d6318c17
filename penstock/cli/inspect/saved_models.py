"""SavedModels: signatures, variables, ops and versions, from the messages alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from penstock.cli.inspect.checkpoints import inspect_checkpoint
from penstock.cli.inspect.report import Report, Table, shape_text, size_text
from penstock.core.errors import OpError
from penstock.ops.table import has
from penstock.saved_model.files import read_saved_model, variables_prefix
from penstock.saved_model.missing_ops import placed_nodes
from penstock.wire.bundle import index_name
from penstock.wire.tensors import make_dtype, make_shape

# Nodes that a reader understands although no row runs them.
_STRUCTURE = frozenset(
    {"NoOp", "PartitionedCall", "StatefulPartitionedCall", "SaveV2", "RestoreV2"}
    | {"MergeV2Checkpoints", "ShardedFilename", "_Arg", "_Retval", "Save", "Restore"}
)


def inspect_saved_model(directory: Path) -> Report:
    """Describe a SavedModel.

    Raises:
        DataLossError: its file is damaged.
    """
    message = read_saved_model(directory)
    size = sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
    report = Report("SavedModel", {"bytes": size})
    report.facts.append(("size", size_text(size)))
    report.record["graphs"] = []
    for graph in message.meta_graphs:
        _add_graph(report, graph)
    _add_variables(report, directory)
    return report


def _add_graph(report: Report, meta: Any) -> None:
    info = meta.meta_info_def
    ops = _ops(meta)
    lacking = sorted(name for name in ops if name not in _STRUCTURE and not has(name))
    objects = len(meta.object_graph_def.nodes)
    signatures = {
        key: _signature(signature) for key, signature in sorted(meta.signature_def.items())
    }
    assets = [asset.filename for asset in meta.asset_file_def]
    report.record["graphs"].append(
        {
            "tags": list(info.tags),
            "tensorflow_version": info.tensorflow_version,
            "producer": meta.graph_def.versions.producer,
            "min_consumer": meta.graph_def.versions.min_consumer,
            "objects": objects,
            "functions": len(meta.graph_def.library.function),
            "signatures": signatures,
            "assets": assets,
            "ops": dict(ops.most_common()),
            "ops_without_row": lacking,
        }
    )
    versions = meta.graph_def.versions
    report.facts += [
        ("tags", ", ".join(info.tags) or "none"),
        ("written by", f"{_writer(info)}, graph version {versions.producer}"),
        ("objects", f"{objects:,}" if objects else "none: a model of TensorFlow 1"),
        ("functions", f"{len(meta.graph_def.library.function):,}"),
        ("nodes", f"{sum(ops.values()):,} of {len(ops):,} ops"),
    ]
    if assets:
        report.facts.append(("assets", ", ".join(assets)))
    report.tables.append(Table("signatures", ("key", "", "name", "tensor"), _rows(signatures)))
    report.tables.append(
        Table("ops", ("op", "nodes"), [(name, str(count)) for name, count in ops.most_common()])
    )
    places = placed_nodes(meta, set(lacking))
    report.record["graphs"][-1]["nodes_without_kernel"] = [asdict(place) for place in places]
    if lacking:
        rows = [
            (place.op, place.node, place.function, ", ".join(place.signatures))
            for place in places
        ]
        report.tables.append(
            Table("nodes without kernel", ("op", "node", "function", "signatures"), rows)
        )
        report.warnings.append(
            f"{len(lacking)} ops have no kernel here: {', '.join(lacking)}; what needs one of "
            "them raises UnimplementedError when it runs, unless it is given a kernel with "
            "tf.saved_model.experimental.op_kernel"
        )


def _writer(info: Any) -> str:
    version, revision = info.tensorflow_version or "?", info.tensorflow_git_version or "?"
    return f"TensorFlow {version} ({revision})"


def _ops(meta: Any) -> Counter[str]:
    nodes: list[Iterable[Any]] = [meta.graph_def.node]
    nodes += [function.node_def for function in meta.graph_def.library.function]
    own = {function.signature.name for function in meta.graph_def.library.function}
    found = Counter(node.op for part in nodes for node in part)
    # A call of a function of the file is written as a node whose op is the function.
    return Counter({name: count for name, count in found.items() if name not in own})


def _signature(signature: Any) -> dict[str, Any]:
    return {
        "method": signature.method_name,
        "inputs": {key: _tensor(info) for key, info in sorted(signature.inputs.items())},
        "outputs": {key: _tensor(info) for key, info in sorted(signature.outputs.items())},
    }


def _tensor(info: Any) -> dict[str, Any]:
    shape = make_shape(info.tensor_shape)
    return {
        # An op that only initialises is an output without a type.
        "dtype": make_dtype(info.dtype, f"'{info.name}'").name if info.dtype else None,
        "shape": None if shape.rank is None else shape.as_list(),
    }


def _rows(signatures: dict[str, Any]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for key, signature in signatures.items():
        shown = key
        for side in ("inputs", "outputs"):
            for name, tensor in signature[side].items():
                text = f"{tensor['dtype'] or 'op'} {shape_text(tensor['shape'])}"
                rows.append((shown, side[:-1], name, text))
                shown = ""
        if shown:
            rows.append((key, "", "", "takes and gives nothing"))
    return rows


def _add_variables(report: Report, directory: Path) -> None:
    prefix = variables_prefix(directory)
    if not Path(index_name(prefix)).exists():
        report.record["variables"] = []
        report.facts.append(("variables", "none"))
        return
    try:
        inner = inspect_checkpoint(prefix)
    except OpError as error:
        report.warnings.append(f"its variables cannot be read: {error.message}")
        return
    report.record["variables"] = inner.record["tensors"]
    report.record["elements"] = inner.record["elements"]
    report.facts.append(("variables", dict(inner.facts)["tensors"]))
    for table in inner.tables:
        table.title = "variables"
    report.tables += inner.tables
    report.warnings += inner.warnings
