"""The signatures that a SavedModel states in its file."""

from pathlib import Path
from typing import Any

from penstock.core.errors import InvalidArgumentError, NotFoundError
from penstock.serving.servable import SignatureSpec, TensorInfo
from penstock.wire import protos
from penstock.wire.tensors import make_dtype, make_ndarray, make_shape

_SERVE_TAG = "serve"


def read_signatures(path: Path) -> dict[str, SignatureSpec]:
    """Return the signatures of a SavedModel, as its file states them.

    Raises as `read_meta_graph` does.
    """
    return signatures_of(read_meta_graph(path))


def read_meta_graph(path: Path) -> Any:
    """Return the graph of a SavedModel that is for serving.

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
    return graphs[0]


def signatures_of(meta_graph: Any) -> dict[str, SignatureSpec]:
    """Return the signatures of a graph."""
    return {
        key: SignatureSpec(
            {k: _tensor_info(info) for k, info in signature.inputs.items()},
            {k: _tensor_info(info) for k, info in signature.outputs.items()},
            signature.method_name,
            {k: make_ndarray(value) for k, value in signature.defaults.items()},
        )
        for key, signature in sorted(meta_graph.signature_def.items())
    }


def _tensor_info(info: Any) -> TensorInfo:
    # An op that only initialises is listed as an output without a type.
    dtype = make_dtype(info.dtype, f"tensor '{info.name}'") if info.dtype else None
    return TensorInfo(info.name, dtype, make_shape(info.tensor_shape))
