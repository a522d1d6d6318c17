"""SavedModels as servables. The only module of this room that knows tensors."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from penstock.core import dtypes, metrics
from penstock.core.errors import GRPC_STATUS, OpError
from penstock.function.concrete_function import ConcreteFunction
from penstock.graph.varying_sizes import compiling_all_sizes
from penstock.runtime.convert import convert_to_tensor
from penstock.saved_model.load import load
from penstock.serving import device_metrics
from penstock.serving.executables import Brought, ExecutableCache
from penstock.serving.servable import (
    DEFAULT_SIGNATURE,
    Array,
    Arrays,
    Servable,
    SignatureSpec,
    TensorInfo,
)
from penstock.serving.signatures import read_signatures
from penstock.serving.warmup import FILE as WARM_UP_FILE
from penstock.serving.warmup import warm_up, warm_up_sizes


class SavedModelServable:
    """One version of a SavedModel, its signatures as functions on arrays.

    Args:
        signatures: what the file says of them.
        model: what `tf.saved_model.load` returned.
    """

    def __init__(
        self, name: str, version: int, signatures: Mapping[str, SignatureSpec], model: Any
    ) -> None:
        self.name = name
        self.version = version
        self.signatures = signatures
        # The functions hold only weak ties to the variables, so the model is kept as well.
        self._model = model
        self._runs: dict[str, _Run] = {}
        # Inputs of recorded requests by signature, while it is warmed up.
        self.samples: Mapping[str, Arrays] = {}

    def run(self, signature_name: str, inputs: Arrays) -> dict[str, Array]:
        """Compute the outputs of a signature."""
        run = self._runs.get(signature_name)
        if run is None:
            function = self._model.signatures[signature_name]
            run = _Run(function, self.signatures[signature_name])
            self._runs[signature_name] = run
        return run(inputs)


class _Run:
    """One signature, called with arrays.

    The arrays are those that the signature's check has let through, so they go to the graph
    as they are; tensors around them would cost more than a small model.
    """

    def __init__(self, function: Any, signature: SignatureSpec) -> None:
        self._function = function
        self._outputs = signature.outputs
        self._names: list[str] | None = None
        if (
            isinstance(function, ConcreteFunction)
            and set(function.arg_keywords or ()) == set(signature.inputs)
            and all(info.dtype is not None for info in signature.outputs.values())
        ):
            places = function.result_places()
            if isinstance(places, Mapping) and places.keys() >= signature.outputs.keys():
                self._names = function.arg_keywords
                self._graph = function.function
                self._captured = function.captured_inputs
                self._places = [(name, places[name]) for name in signature.outputs]

    def __call__(self, inputs: Arrays) -> dict[str, Array]:
        if self._names is None:
            tensors = {k: convert_to_tensor(v) for k, v in inputs.items()}
            outputs = self._function(**tensors)
            infos = self._outputs
            return {name: _array(outputs[name].numpy(), infos[name]) for name in infos}
        values = [inputs[name] for name in self._names]
        values += [tensor._value for tensor in self._captured]  # noqa: SLF001
        results = self._graph.run_values(values)
        return {name: _array(results[i], self._outputs[name]) for name, i in self._places}


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

    def load(self, name: str, version: int, path: Path) -> SavedModelServable:
        """Load one version, and run it as much as it takes to be quick from then on.

        Of its signatures that is the default one, and of its batch sizes only the smallest
        when nothing has to be compiled; `finish` does the others.

        Raises:
            NotFoundError: there is no SavedModel at `path`.
            DataLossError: its file is damaged.
        """
        signatures = read_signatures(path)
        brought = self._bring(path)
        servable = SavedModelServable(name, version, signatures, load(str(path)))
        # What needs no compilation is soon done while the first requests are answered.
        sizes = self._batch_sizes[:1] if brought.count else self._batch_sizes
        with compiling_all_sizes():
            samples = _timed_warm_up(servable, path) if self._with_warm_up else {}
            servable.samples = samples
            warm_up_sizes(servable, sizes, samples, _is_default)
        self._keep(path, brought)
        return servable

    def finish(self, servable: SavedModelServable, path: Path) -> None:
        """Do the rest of the warm-up; the servable can be used meanwhile."""
        brought = self._bring(path)
        with compiling_all_sizes():
            warm_up_sizes(servable, self._batch_sizes, servable.samples, _is_default)
            warm_up_sizes(
                servable,
                self._batch_sizes,
                servable.samples,
                lambda name: not _is_default(name),
            )
        servable.samples = {}
        self._keep(path, brought)

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


def _is_default(name: str) -> bool:
    return name == DEFAULT_SIGNATURE


def _array(value: Any, info: TensorInfo) -> Array:
    if info.dtype is dtypes.string:
        return np.asarray(value, object)
    return np.asarray(value)
