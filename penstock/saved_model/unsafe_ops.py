"""Ops that reach beyond a model: to files, to other programs, or into Python.

A SavedModel is a program. What it computes stays inside of it, except for these ops, which a
model from elsewhere must not run unless the one who loads it says so.
"""

from __future__ import annotations

from typing import Any, Final

from penstock.core.errors import PermissionDeniedError
from penstock.graph.graph_def.reader import node_name

_FILES: Final = (
    "ReadFile WriteFile MatchingFiles Save SaveSlices SaveV2 Restore RestoreSlice RestoreV2 "
    "MergeV2Checkpoints ShardedFilename CheckpointHasTensor LoadAndRemapMatrix "
    "GenerateVocabRemapping ImmutableConst TextLineReader TextLineReaderV2 TFRecordReader "
    "TFRecordReaderV2 WholeFileReader WholeFileReaderV2 FixedLengthRecordReader "
    "FixedLengthRecordReaderV2 IdentityReader IdentityReaderV2 LMDBReader TextLineDataset "
    "TFRecordDataset TFRecordDatasetV2 FixedLengthRecordDataset FixedLengthRecordDatasetV2 "
    "CSVDataset CSVDatasetV2 SqlDataset LMDBDataset MatchingFilesDataset LoadDataset "
    "SaveDataset SaveDatasetV2 SnapshotDataset SnapshotDatasetV2 CacheDataset CacheDatasetV2 "
    "DatasetToTFRecord CreateSummaryFileWriter CreateSummaryDbWriter FileSystemSetConfiguration"
)
_PROGRAMS: Final = (
    "RpcCall RpcClient RpcServer RpcServerStart RemoteCall DataServiceDataset "
    "DataServiceDatasetV2 DataServiceDatasetV3 DataServiceDatasetV4 RegisterDataset "
    "RegisterDatasetV2 DebugIdentity DebugIdentityV2 DebugIdentityV3 Abort"
)
_PYTHON: Final = "PyFunc PyFuncStateless EagerPyFunc"

UNSAFE_OPS: Final = frozenset(f"{_FILES} {_PROGRAMS} {_PYTHON}".split())


def check_start(meta_graph: Any, start: str, where: str) -> None:
    """Check what runs when a model is loaded into a session.

    Args:
        meta_graph: the model.
        start: name of the op that is run.
        where: how errors call the model.

    Raises:
        PermissionDeniedError: it reaches beyond the model.
    """
    functions = {f.signature.name: f for f in meta_graph.graph_def.library.function}
    nodes = {node.name: node for node in meta_graph.graph_def.node}
    waiting, seen = [nodes[start]] if start in nodes else [], set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if node.op in UNSAFE_OPS:
            raise PermissionDeniedError(
                f"op {node.op!r} reaches beyond the model and is refused; node {node.name!r} "
                f"of '{where}' would run while it is loaded"
            )
        waiting += [nodes[name] for name in map(node_name, node.input) if name in nodes]
        called = [node.op]
        for attr in node.attr.values():
            called += [attr.func.name, *(function.name for function in attr.list.func)]
        for name in called:
            function = functions.pop(name, None)
            if function is not None:
                waiting += function.node_def
