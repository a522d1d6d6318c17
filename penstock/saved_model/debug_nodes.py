"""Taking checks and prints out of a graph, and telling where its nodes were made."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

from penstock.function.concrete_function import ConcreteFunction
from penstock.wire import protos

_WITHOUT_OUTPUT: Final = ("Assert", "PrintV2")
_PASSING_ON: Final = ("CheckNumerics", "Print")


def strip_debug_nodes(graph: Any) -> None:
    """Make nodes that check or print do nothing, in a GraphDef and its functions.

    What they took is still computed before what followed them, as TensorFlow leaves it.
    """
    _strip(graph.node)
    for function in graph.library.function:
        _strip(function.node_def)


def _strip(nodes: Iterable[Any]) -> None:
    for node in nodes:
        if node.op in _WITHOUT_OUTPUT:
            node.op = "NoOp"
            kept, rest = [], list(node.input)
            attrs = [name for name in node.attr if not name.startswith("_")]
        elif node.op in _PASSING_ON:
            node.op = "Identity"
            kept, rest = list(node.input[:1]), list(node.input[1:])
            attrs = [name for name in node.attr if name != "T"]
        else:
            continue
        for name in attrs:
            del node.attr[name]
        del node.input[:]
        # Each node once: several outputs of one are the same as a control input.
        node.input.extend([*kept, *dict.fromkeys(map(_as_control_input, rest))])


def _as_control_input(name: str) -> str:
    return name if name.startswith("^") else f"^{name.partition(':')[0]}"


def debug_info(functions: Mapping[str, ConcreteFunction]) -> Any:
    """The GraphDebugInfo of functions: the line of the program that made each node."""
    info = protos.GraphDebugInfo()
    files: dict[str, int] = {}
    for function, concrete in functions.items():
        for node in concrete.function.nodes:
            filename, _, line = node.where.rpartition(":")
            if not filename:
                continue
            number = files.setdefault(filename, len(files))
            place = zlib.crc32(node.where.encode())
            frame = info.frames_by_id[place]
            frame.file_index, frame.line = number, int(line)
            trace = info.traces_by_id[place]
            if not trace.frame_id:
                trace.frame_id.append(place)
            info.name_to_trace_id[f"{node.name}@{function}"] = place
    info.files.extend(files)
    return info


def check_namespaces(graph: Any, allowed: Iterable[str] | None) -> None:
    """Ops with a namespace, as in `Space>Op`, must be of one that may be saved.

    Args:
        graph: the GraphDef.
        allowed: the namespaces; None allows all.

    Raises:
        ValueError: an op is of another.
    """
    if allowed is None:
        return
    spaces = set(allowed)
    nodes = [graph.node, *(function.node_def for function in graph.library.function)]
    used = {node.op for part in nodes for node in part if ">" in node.op}
    refused = sorted(op for op in used if op.partition(">")[0] not in spaces)
    if refused:
        raise ValueError(
            f"ops of a SavedModel must be of the namespaces {sorted(spaces)}, got "
            f"{', '.join(refused)}; add theirs to namespace_whitelist"
        )
