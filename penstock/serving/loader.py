"""SavedModels as servables. The only module of this room that knows tensors."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.errors import DataLossError, InvalidArgumentError, NotFoundError
from penstock.core.tensor_shape import TensorShape
from penstock.runtime.convert import convert_to_tensor
from penstock.saved_model.load import load
from penstock.serving.servable import Array, Arrays, SignatureSpec, TensorInfo
from penstock.wire import protos

_SERVE_TAG = "serve"


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

    def run(self, signature_name: str, inputs: Arrays) -> dict[str, Array]:
        """Compute the outputs of a signature."""
        function = self._model.signatures[signature_name]
        outputs = function(**{k: convert_to_tensor(v) for k, v in inputs.items()})
        infos = self.signatures[signature_name].outputs
        return {name: _array(outputs[name], infos[name]) for name in infos}


class SavedModelLoader:
    """Loads SavedModels for a manager."""

    def load(self, name: str, version: int, path: Path) -> SavedModelServable:
        """Load one version.

        Raises:
            NotFoundError: there is no SavedModel at `path`.
            DataLossError: its file is damaged.
        """
        signatures = read_signatures(path)
        return SavedModelServable(name, version, signatures, load(str(path)))


def read_signatures(path: Path) -> dict[str, SignatureSpec]:
    """Return the signatures of a SavedModel, as its file states them.

    Raises:
        NotFoundError: there is no SavedModel at `path`.
        InvalidArgumentError: it was not saved for serving.
        DataLossError: its file is damaged.
    """
    file = path / "saved_model.pb"
    if not file.is_file():
        raise NotFoundError(f"'{path}' must hold a SavedModel, but has no saved_model.pb")
    saved = protos.parse(protos.SavedModel, file.read_bytes(), f"'{file}'")
    graphs = [g for g in saved.meta_graphs if _SERVE_TAG in g.meta_info_def.tags]
    if not graphs:
        found = [list(graph.meta_info_def.tags) for graph in saved.meta_graphs]
        raise InvalidArgumentError(
            f"'{file}' must have a graph with the tag '{_SERVE_TAG}', got the tags {found}"
        )
    return {
        key: SignatureSpec(
            {k: _tensor_info(info) for k, info in signature.inputs.items()},
            {k: _tensor_info(info) for k, info in signature.outputs.items()},
            signature.method_name,
        )
        for key, signature in sorted(graphs[0].signature_def.items())
    }


def _tensor_info(info: Any) -> TensorInfo:
    shape = info.tensor_shape
    dims = None if shape.unknown_rank else [d.size if d.size >= 0 else None for d in shape.dim]
    try:
        dtype = dtypes.as_dtype(info.dtype) if info.dtype else None
    except TypeError as error:
        raise DataLossError(f"tensor '{info.name}' has an unknown type: {error}") from error
    return TensorInfo(info.name, dtype, TensorShape(dims))


def _array(tensor: Any, info: TensorInfo) -> Array:
    value = tensor.numpy()
    if info.dtype is dtypes.string:
        return np.asarray(value, object)
    return np.asarray(value)
