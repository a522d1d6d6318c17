"""Releases of TensorFlow that brought an op, for models that older ones shall load."""

from __future__ import annotations

import re
from typing import Any, Final

from penstock.core import dtypes
from penstock.core.errors import UnimplementedError
from penstock.graph.graph_def.attr_values import read_attr
from penstock.ops.table import REQUIRED, TYPE_LIST, has, lookup

_SINCE: Final = {
    (2, 1): "StatelessCase Case",
    (2, 2): "MatrixDiagV3 MatrixDiagPartV3 MatrixSetDiagV3 Erfinv Ndtri Xlog1py",
    (2, 3): "SobolSample TensorScatterMax TensorScatterMin StatelessRandomGammaV2 "
    "StatelessRandomBinomial StatelessRandomPoisson StatelessParameterizedTruncatedNormal",
    (2, 4): "RaggedBincount DenseBincount SparseBincount RngReadAndSkip SparseCrossV2 BesselI0 "
    "BesselI1 BesselJ0 BesselJ1 BesselK0 BesselK0e BesselK1 BesselK1e BesselY0 BesselY1 Dawsn "
    "Expint FresnelCos FresnelSin Spence InitializeTableFromDataset",
    (2, 5): "StatelessRandomUniformV2 StatelessRandomUniformIntV2 "
    "StatelessRandomUniformFullIntV2 StatelessRandomNormalV2 StatelessTruncatedNormalV2 "
    "StatelessRandomGetKeyCounter StatelessRandomGetAlg StatelessRandomGetKeyCounterAlg "
    "StatelessSampleDistortedBoundingBox ImageProjectiveTransformV3",
    (2, 6): "BatchMatMulV3",
    (2, 7): "AnonymousHashTable AnonymousMutableHashTable AnonymousMutableDenseHashTable "
    "AnonymousMutableHashTableOfTensors",
    (2, 8): "StatelessShuffle",
    (2, 10): "ApproxTopK RandomIndexShuffle",
    (2, 11): "UniformQuantize UniformDequantize UniformQuantizedDot StatelessRandomGammaV3",
    (2, 12): "XlaCallModule DisableCopyOnRead",
    (2, 13): "SparseSegmentSumGradV2 SparseSegmentMeanGradV2 SparseSegmentSqrtNGradV2",
    (2, 14): "SegmentSumV2 SegmentProdV2 SegmentMaxV2 SegmentMinV2",
    (2, 15): "Conv FFTND IFFTND RFFTND IRFFTND",
}
_RELEASE_OF: Final = {op: release for release, ops in _SINCE.items() for op in ops.split()}
_INT32: Final = dtypes.int32.as_datatype_enum
# Ops whose rows have a default that TensorFlow's do not.
_REQUIRED: Final = ("PlaceholderWithDefault", "PriorityQueueV2", "AccumulateNV2")


def parse_release(text: str) -> tuple[int, int]:
    """Read the name of a release, such as "2.4".

    Raises:
        ValueError: it is none.
    """
    match = re.fullmatch(r"(\d+)\.(\d+)(\.\d+)?", text)
    if match is None or int(match[1]) < 2:
        raise ValueError(f"min_tf must be a release such as '2.4', got {text!r}")
    return int(match[1]), int(match[2])


def make_loadable(graph_def: Any, release: tuple[int, int]) -> None:
    """Write ops that a release of TensorFlow lacks by those that it has.

    Args:
        graph_def: the graph with its functions.
        release: the oldest one that shall load it.

    Raises:
        UnimplementedError: an op has no older form.
    """
    parts = [("the main graph", graph_def.node)]
    parts += [
        (f"function {function.signature.name!r}", function.node_def)
        for function in graph_def.library.function
    ]
    for place, nodes in parts:
        by_name = {node.name: node for node in nodes}
        for node in nodes:
            since = _RELEASE_OF.get(node.op, (0, 0))
            if since > release:
                _replace(node, by_name, release, place)
            _drop_defaults(node)
        _drop_unused(nodes, release)


def _replace(node: Any, by_name: dict[str, Any], release: Any, place: str) -> None:
    if node.op in _DROPPED:
        return  # what used it is written in another way
    rule = _OLDER.get(node.op)
    if rule is None or not rule(node, by_name):
        wanted = ".".join(map(str, release))
        since = ".".join(map(str, _RELEASE_OF[node.op]))
        raise UnimplementedError(
            f"op {node.op!r}, node {node.name!r} of {place}, came with TensorFlow {since} and "
            f"has no form in {wanted}; save with min_tf={since!r} or later, or leave it out"
        )


def _older_matmul(node: Any, _: dict[str, Any]) -> bool:
    kinds = {node.attr[name].type for name in ("Ta", "Tb", "Tout")}
    if len(kinds) > 1:
        return False
    node.op = "BatchMatMulV2"
    node.attr["T"].type = kinds.pop()
    for name in ("Ta", "Tb", "Tout"):
        del node.attr[name]
    return True


def _older_random(node: Any, by_name: dict[str, Any]) -> bool:
    """From a seed, where the key and the counter are made of one by the op for that."""
    shape, key, _, _, *limits = node.input
    maker = by_name.get(key.partition(":")[0])
    if maker is None or maker.op not in _DROPPED:
        return False
    seed = maker.input[0]
    node.op = node.op.removesuffix("V2")
    del node.input[:]
    node.input.extend([shape, seed, *limits])
    node.attr["T"].type = node.attr["Tshape"].type or 3
    node.attr["Tseed"].type = maker.attr["Tseed"].type or 9
    node.attr.pop("Tshape", None)
    return True


_DROPPED: Final = (
    "StatelessRandomGetKeyCounter",
    "StatelessRandomGetAlg",
    "StatelessRandomGetKeyCounterAlg",
)
_OLDER: Final = {
    "BatchMatMulV3": _older_matmul,
    "StatelessRandomUniformV2": _older_random,
    "StatelessRandomUniformIntV2": _older_random,
    "StatelessRandomUniformFullIntV2": _older_random,
    "StatelessRandomNormalV2": _older_random,
    "StatelessTruncatedNormalV2": _older_random,
}


def _drop_defaults(node: Any) -> None:
    """Leave out attrs with their default values, as older releases do not know them all."""
    if node.op == "TopKV2" and node.attr["Tk"].type == _INT32:
        del node.attr["Tk"]
    if not has(node.op) or node.op in _REQUIRED:
        return
    row = lookup(node.op)
    for name, default in row.attrs.items():
        if name not in node.attr or default in (None, REQUIRED, TYPE_LIST):
            continue
        if read_attr(node.attr[name], default) == default:
            del node.attr[name]


def _drop_unused(nodes: Any, release: tuple[int, int]) -> None:
    """Leave out the nodes that only newer forms of others took."""
    if release >= _RELEASE_OF[_DROPPED[0]]:
        return
    used = {text.removeprefix("^").partition(":")[0] for node in nodes for text in node.input}
    for node in [node for node in nodes if node.op in _DROPPED and node.name not in used]:
        nodes.remove(node)
