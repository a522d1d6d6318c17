"""Tells which signatures of SavedModels compute the same, but for the values of variables."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from penstock.serving.servable import SignatureSpec

# Graphs beyond that are mostly constants: comparing them would take longer than it saves.
_MAX_BYTES = 64 << 20
# Names that nobody chose; what they look like they cannot be taken for anything else.
_GENERATED = re.compile(rb"__inference_.*_[0-9]+")


def digests_of(meta_graph: Any, signatures: Mapping[str, SignatureSpec]) -> dict[str, str]:
    """Return a digest for each signature whose function is known before it is read.

    Functions count by what they do: their names, and the numbers of the objects that they
    take, change from one training to the next.
    """
    if not meta_graph.HasField("object_graph_def") or meta_graph.ByteSize() > _MAX_BYTES:
        return {}
    digests = _Digests(meta_graph)
    return {
        name: digests.of_signature(function, signatures[name])
        for name, function in _functions(meta_graph.object_graph_def).items()
        if name in signatures
    }


def _functions(objects: Any) -> dict[str, Any]:
    """The function of each signature, as the object graph has it."""
    found: dict[str, Any] = {}
    if not objects.nodes:
        return found
    for child in objects.nodes[0].children:
        if child.local_name != "signatures" or child.node_id >= len(objects.nodes):
            continue
        for each in objects.nodes[child.node_id].children:
            if each.node_id < len(objects.nodes):
                node = objects.nodes[each.node_id]
                if node.WhichOneof("kind") == "bare_concrete_function":
                    found[each.local_name] = node.bare_concrete_function
    return found


class _Digests:
    def __init__(self, meta_graph: Any) -> None:
        self._objects = meta_graph.object_graph_def
        self._graph = meta_graph.graph_def
        functions = meta_graph.graph_def.library.function
        self._functions = {f.signature.name.encode(): f for f in functions}
        # Longer names first, which others may be parts of.
        self._names = sorted(self._functions, key=len, reverse=True)
        self._done: dict[bytes, bytes] = {}
        self._constants: dict[str, Any] = {}

    def of_signature(self, function: Any, spec: SignatureSpec) -> str:
        name = function.concrete_function_name
        concrete = self._objects.concrete_functions[name]
        parts: list[str | bytes] = [
            self._of_function(name.encode()),
            repr((list(function.argument_keywords), function.allowed_positional_arguments)),
            repr([(k, str(i)) for k, i in (*spec.inputs.items(), *spec.outputs.items())]),
            _content(concrete.canonicalized_input_signature),
            _content(concrete.output_signature),
            *map(self._of_object, concrete.bound_inputs),
        ]
        digest = hashlib.sha256()
        for part in parts:
            content = part.encode() if isinstance(part, str) else part
            digest.update(len(content).to_bytes(8, "little") + content)
        return digest.hexdigest()

    def _of_function(self, name: bytes) -> bytes:
        """Digest of what a function does, and those that it calls."""
        if name not in self._done:
            self._done[name] = name  # of a function that calls itself
            content = _content(self._functions[name])
            called = b""
            for other in self._names:
                if other not in content:
                    continue
                known = b"" if other == name else self._of_function(other)
                if _GENERATED.fullmatch(other):
                    content = content.replace(other, known)
                else:
                    called += other + b"=" + known + b";"
            self._done[name] = hashlib.sha256(called + content).hexdigest().encode()
        return self._done[name]

    def _of_object(self, number: int) -> bytes:
        """What a function takes, without its value where that is given in each run."""
        node = self._objects.nodes[number]
        kind = node.WhichOneof("kind") or ""
        if kind == "variable":
            variable = type(node.variable)()
            variable.CopyFrom(node.variable)
            variable.ClearField("name")
            return _content(variable)
        if kind == "constant":
            if not self._constants:
                nodes = self._graph.node
                self._constants = {n.name: n for n in nodes if n.op == "Const"}
            return _content(self._constants[node.constant.operation].attr["value"])
        return kind.encode()


def _content(message: Any) -> bytes:
    return bytes(message.SerializeToString(deterministic=True))
