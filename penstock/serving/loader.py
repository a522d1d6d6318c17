"""SavedModels as servables."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from penstock.core import metrics
from penstock.core.errors import GRPC_STATUS, OpError
from penstock.graph.varying_sizes import compiling_all_sizes
from penstock.runtime.devices import count_of_kind
from penstock.saved_model.load import load, unload
from penstock.serving import device_metrics
from penstock.serving.compile_ahead import compile_ahead
from penstock.serving.executables import Brought, ExecutableCache
from penstock.serving.servable import (
    DEFAULT_SIGNATURE,
    Array,
    Arrays,
    Servable,
    SignatureSpec,
)
from penstock.serving.signature_run import SharedGraph, SignatureRun, graphs_for
from penstock.serving.signatures import read_meta_graph, signatures_of
from penstock.serving.warmup import FILE as WARM_UP_FILE
from penstock.serving.warmup import warm_up, warm_up_sizes


class SavedModelServable:
    """One version of a SavedModel, its signatures as functions on arrays.

    Args:
        signatures: what the file says of them.
        model: what `tf.saved_model.load` returned.
        graphs: of its signatures, perhaps made by another version.
    """

    def __init__(
        self,
        name: str,
        version: int,
        signatures: Mapping[str, SignatureSpec],
        model: Any,
        graphs: Mapping[str, SharedGraph],
    ) -> None:
        self.name = name
        self.version = version
        self.signatures = signatures
        # The functions hold only weak ties to the variables, so the model is kept as well.
        self._model = model
        self.graphs = graphs
        self._runs: dict[str, SignatureRun] = {}
        # Inputs of recorded requests by signature, while it is warmed up.
        self.samples: Mapping[str, Arrays] = {}

    def run(self, signature_name: str, inputs: Arrays) -> dict[str, Array]:
        """Compute the outputs of a signature."""
        run = self._runs.get(signature_name)
        if run is None:
            spec, shared = self.signatures[signature_name], self.graphs[signature_name]
            run = SignatureRun(self._model.signatures, signature_name, spec, shared)
            self._runs[signature_name] = run
        return run(inputs)

    def close(self) -> bool:
        """Let go of the model, which nobody may use any more.

        Returns:
            Whether all of its memory is free by that: other versions use its graphs.
        """
        used = set(self._runs)
        self._runs.clear()
        unload(self._model)
        self._model = None
        for graph in self.graphs.values():
            graph.users -= 1
        return all(graph.users > 0 for name, graph in self.graphs.items() if name in used)


class SavedModelLoader:
    """Loads SavedModels for a manager.

    Args:
        batch_sizes: numbers of rows for which a version is compiled before it serves.
        executables: keeps what is compiled from one start to the next.
        with_warm_up: whether recorded requests are run.
    """

    def __init__(
        self,
        batch_sizes: Sequence[int] = (),
        executables: ExecutableCache | None = None,
        *,
        with_warm_up: bool = True,
    ) -> None:
        self._batch_sizes = tuple(batch_sizes)
        self._executables = executables
        self._with_warm_up = with_warm_up
        device_metrics.watch()

    def compile_ahead(self, path: Path, is_stopping: Callable[[], bool]) -> None:
        """Compile a version in another process, where that can be and is worth it.

        Args:
            path: folder of the version.
            is_stopping: asked now and then, whether to give up.
        """
        # Only the CPU's executables can be made beside those that are used.
        if self._executables is None or count_of_kind("GPU") or count_of_kind("TPU"):
            return
        meta_graph = read_meta_graph(path)
        graphs = graphs_for(meta_graph, signatures_of(meta_graph))
        default = graphs.get(DEFAULT_SIGNATURE)
        if default is not None and (
            self._batch_sizes in default.warmed
            or self._executables.has_noted(path, self._what(default))
        ):
            return
        compile_ahead(
            path,
            self._batch_sizes,
            self._executables.place,
            with_warm_up=self._with_warm_up,
            is_stopping=is_stopping,
        )

    def load(self, name: str, version: int, path: Path) -> SavedModelServable:
        """Load one version, and run it as much as it takes to be quick from then on.

        Of its signatures that is the default one, and of its batch sizes only the smallest
        when nothing has to be compiled; `finish` does the others.

        Raises:
            NotFoundError: there is no SavedModel at `path`.
            DataLossError: its file is damaged.
        """
        meta_graph = read_meta_graph(path)
        signatures = signatures_of(meta_graph)
        graphs = graphs_for(meta_graph, signatures)
        brought = self._bring(path)
        servable = SavedModelServable(name, version, signatures, load(str(path)), graphs)
        # What needs no compilation is soon done while the first requests are answered.
        default, sizes = DEFAULT_SIGNATURE, self._batch_sizes
        is_quick = brought.count > 0 or (default in graphs and sizes in graphs[default].warmed)
        with compiling_all_sizes():
            samples = _timed_warm_up(servable, path) if self._with_warm_up else {}
            servable.samples = samples
            self._warm_up(servable, default, sizes[:1] if is_quick else sizes)
        self._keep(path, brought)
        for graph in graphs.values():
            graph.users += 1
        return servable

    def finish(self, servable: SavedModelServable, path: Path) -> None:
        """Do the rest of the warm-up; the servable can be used meanwhile."""
        brought = self._bring(path)
        names = [name for name in servable.signatures if name != DEFAULT_SIGNATURE]
        with compiling_all_sizes():
            for name in (DEFAULT_SIGNATURE, *names):
                # What was compiled for another version with these graphs is there.
                graph = servable.graphs.get(name)
                if graph is not None and self._batch_sizes not in graph.warmed:
                    self._warm_up(servable, name, self._batch_sizes)
        servable.samples = {}
        self._keep(path, brought)
        default = servable.graphs.get(DEFAULT_SIGNATURE)
        if (
            self._executables is not None
            and default is not None
            and default.digest is not None
            and self._batch_sizes in default.warmed
        ):
            self._executables.note(path, self._what(default))

    def _what(self, graph: SharedGraph) -> str:
        return f"{graph.digest} {self._batch_sizes}"

    def _warm_up(self, servable: SavedModelServable, name: str, sizes: tuple[int, ...]) -> None:
        done = warm_up_sizes(servable, sizes, servable.samples, lambda each: each == name)
        if done == len(sizes):
            servable.graphs[name].warmed.add(sizes)

    def _bring(self, path: Path) -> Brought:
        if self._executables is None:
            return Brought(frozenset(), 0)
        return self._executables.bring(path)

    def _keep(self, path: Path, brought: Brought) -> None:
        if self._executables is not None:
            self._executables.keep(path, brought.known)


def _timed_warm_up(servable: Servable, path: Path) -> dict[str, Arrays]:
    if not (path / WARM_UP_FILE).is_file():
        return {}
    start = time.perf_counter()
    status = "INTERNAL"
    try:
        samples = warm_up(servable, path)
        status = "OK"
        return samples
    except OpError as error:
        status = GRPC_STATUS.get(error.error_code, "UNKNOWN")
        raise
    finally:
        taken = (time.perf_counter() - start) * 1e6
        metrics.MODEL_WARMUP_LATENCY.labels(str(path), status).observe(taken)
