"""Look-up of rows of a table by number."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.api.composite import open_to_composites
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.tensor import Tensor

__all__ = ["embedding_lookup"]


def embedding_lookup(
    params: Any, ids: Any, max_norm: float | None = None, name: str | None = None
) -> Any:
    """Rows of a table.

    Args:
        params: the table `[rows, ...]`, or a list of tables that hold consecutive rows of it.
        ids: numbers of rows, of any shape.
        max_norm: longest row to return; longer ones are shortened. None for no limit.
        name: name of the op.

    Returns:
        `[*ids.shape, ...]`.

    Raises:
        ValueError: there are no tables.
        InvalidArgumentError: a number is no row.

    Example:
        >>> import penstock as tf
        >>> tf.nn.embedding_lookup([[1., 2.], [3., 4.]], [1, 1, 0]).numpy().tolist()
        [[3.0, 4.0], [3.0, 4.0], [1.0, 2.0]]
    """
    if params is None or (isinstance(params, (list, tuple)) and not params):
        raise ValueError("params must be a table, or a list of at least one")
    ids = convert_to_tensor(ids)
    table = _table(params)
    limited = max_norm is not None
    if hasattr(table, "sparse_read"):
        rows = table.sparse_read(ids, name=None if limited else name)
    else:
        rows = call("GatherV2", table, ids, 0, name=None if limited else name)
    if max_norm is None:
        return rows
    return _shortened(rows, ids.shape.rank, max_norm, name)


def _table(params: Any) -> Any:
    """One table of those that a list holds."""
    if isinstance(params, (list, tuple)) and _are_tables(params):
        if len(params) == 1:
            return params[0]
        return call("ConcatV2", [convert_to_tensor(part) for part in params], 0)
    if hasattr(params, "sparse_read"):
        return params
    return convert_to_tensor(params)


def _are_tables(params: Any) -> bool:
    return all(
        isinstance(part, (Tensor, np.ndarray)) or hasattr(part, "sparse_read")
        for part in params
    )


def _shortened(rows: Any, id_rank: int | None, max_norm: float, name: str | None) -> Any:
    """Scale rows longer than `max_norm` down to it."""
    if id_rank is None or rows.shape.rank is None:
        raise ValueError("max_norm needs params and ids of known rank")
    axes = np.arange(id_rank, rows.shape.rank, dtype=np.int32)
    square = call("Sum", rows * rows, axes, keep_dims=True)
    positive = call("Greater", square, call("ZerosLike", square))
    # A row of zeros has no direction: keep the slope of its length finite.
    safe = call("SelectV2", positive, square, call("OnesLike", square))
    length = call("SelectV2", positive, call("Sqrt", safe), square)
    limit = convert_to_tensor(max_norm, dtype=rows.dtype)
    return call("RealDiv", rows * limit, call("Maximum", length, limit), name=name)


open_to_composites(globals())
