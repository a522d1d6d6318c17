"""Signatures of SavedModels called with arrays, and graphs that versions have in common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from penstock.core import dtypes
from penstock.function.concrete_function import ConcreteFunction
from penstock.graph.graph_function import GraphFunction
from penstock.runtime.convert import convert_to_tensor
from penstock.serving.graph_digest import digests_of
from penstock.serving.servable import Array, Arrays, SignatureSpec, TensorInfo


@dataclass(frozen=True, slots=True)
class _Graph:
    """A graph without the variables that it computes with.

    Args:
        function: takes the arguments, then what is captured.
        names: of the arguments.
        places: of the outputs, among the results.
        captured: for each capture its place among all that the file's function takes.
    """

    function: GraphFunction
    names: Sequence[str]
    places: Sequence[tuple[str, int]]
    captured: Sequence[int]


class SharedGraph:
    """The graph of a signature, for all versions whose files state the same of it.

    What is compiled for one version serves the next one, which has other values only. It is
    kept as long as a version uses it.
    """

    __slots__ = ("__weakref__", "digest", "graph", "users", "warmed")

    def __init__(self, digest: str | None) -> None:
        # What tells it from others; `None` if it is for one version only.
        self.digest = digest
        # Made by the first version that runs it.
        self.graph: _Graph | None = None
        # Batch sizes for which it was run.
        self.warmed: set[tuple[int, ...]] = set()
        # Versions that are loaded.
        self.users = 0


_known: WeakValueDictionary[str, SharedGraph] = WeakValueDictionary()


def graphs_for(
    meta_graph: Any, signatures: Mapping[str, SignatureSpec]
) -> dict[str, SharedGraph]:
    """Return the graph of each signature, which another version may have made."""
    found = {}
    digests = digests_of(meta_graph, signatures)
    for name in signatures:
        digest = digests.get(name)
        graph = None if digest is None else _known.get(digest)
        if graph is None:
            graph = SharedGraph(digest)
            if digest is not None:
                _known[digest] = graph
        found[name] = graph
    return found


class SignatureRun:
    """One signature of a loaded model, called with arrays.

    The arrays are those that the signature's check has let through, so they go to the graph
    as they are; tensors around them would cost more than a small model.

    Args:
        signatures: of the model that was loaded.
        name: of the signature.
        spec: what the file says of it.
        shared: has the graph already, or takes it.
    """

    def __init__(
        self,
        signatures: Mapping[str, Any],
        name: str,
        spec: SignatureSpec,
        shared: SharedGraph,
    ) -> None:
        self._outputs = spec.outputs
        takes = getattr(signatures, "captured", lambda _: None)(name)
        graph = shared.graph
        if graph is None or takes is None:
            self._function = function = signatures[name]
            places = _places(function, spec)
            self._names = None if places is None else function.arg_keywords
            if places is None:
                return
            self._places: Sequence[tuple[str, int]] = places
            self._run_values = function.function.run_values
            self._captured = function.captured_inputs
            if takes is not None:
                _share(function, places, takes, shared)
            return
        self._names = graph.names
        self._places = graph.places
        self._run_values = graph.function.run_values
        self._captured = [takes[place] for place in graph.captured]

    def __call__(self, inputs: Arrays) -> dict[str, Array]:
        """Compute the outputs."""
        infos = self._outputs
        if self._names is None:
            tensors = {k: convert_to_tensor(v) for k, v in inputs.items()}
            outputs = self._function(**tensors)
            return {name: _array(outputs[name].numpy(), infos[name]) for name in infos}
        values = [inputs[name] for name in self._names]
        values += [tensor._value for tensor in self._captured]  # noqa: SLF001
        results = self._run_values(values)
        return {name: _array(results[i], infos[name]) for name, i in self._places}


def _places(function: Any, spec: SignatureSpec) -> list[tuple[str, int]] | None:
    """Where the outputs are among the results of a graph, if it can be run by itself."""
    if (
        isinstance(function, ConcreteFunction)
        and set(function.arg_keywords or ()) == set(spec.inputs)
        and all(info.dtype is not None for info in spec.outputs.values())
    ):
        places = function.result_places()
        if isinstance(places, Mapping) and places.keys() >= spec.outputs.keys():
            return [(name, places[name]) for name in spec.outputs]
    return None


def _share(
    function: ConcreteFunction,
    places: Sequence[tuple[str, int]],
    takes: Sequence[Any],
    shared: SharedGraph,
) -> None:
    """Let other versions have a graph, if all that it captures is what the file states."""
    order = {id(tensor): place for place, tensor in enumerate(takes)}
    captured = [order.get(id(tensor)) for tensor in function.captured_inputs]
    if None in captured:
        return
    # The graph may outlive the version that made it, whose variables it must not keep.
    function.graph.release_captures()
    shared.graph = _Graph(
        function.function,
        function.arg_keywords or [],
        places,
        [p for p in captured if p is not None],
    )


def _array(value: Any, info: TensorInfo) -> Array:
    if info.dtype is dtypes.string:
        return np.asarray(value, object)
    return np.asarray(value)
