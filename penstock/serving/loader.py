"""SavedModels as servables. The only module of this room that knows tensors."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.runtime.convert import convert_to_tensor
from penstock.saved_model.load import load
from penstock.serving.servable import Array, Arrays, SignatureSpec, TensorInfo
from penstock.serving.signatures import read_signatures
from penstock.serving.warmup import warm_up


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
        """Load one version, and run the warm-up requests that came with it.

        Raises:
            NotFoundError: there is no SavedModel at `path`.
            DataLossError: its file is damaged.
        """
        signatures = read_signatures(path)
        servable = SavedModelServable(name, version, signatures, load(str(path)))
        warm_up(servable, path)
        return servable


def _array(tensor: Any, info: TensorInfo) -> Array:
    value = tensor.numpy()
    if info.dtype is dtypes.string:
        return np.asarray(value, object)
    return np.asarray(value)
