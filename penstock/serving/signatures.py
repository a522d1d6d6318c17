"""The signatures that a SavedModel states in its file."""

from pathlib import Path
from typing import Any

from penstock.core import dtypes
from penstock.core.errors import DataLossError, InvalidArgumentError, NotFoundError
from penstock.core.tensor_shape import TensorShape
from penstock.serving.servable import SignatureSpec, TensorInfo
from penstock.wire import protos

_SERVE_TAG = "serve"


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
