"""`tf.compat.v1.train`: the parts that programs of TensorFlow 2 use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from penstock.core.errors import MissingNameError
from penstock.train.checkpoint import Checkpoint
from penstock.train.checkpoint_state import (
    checkpoint_exists,
    get_checkpoint_state,
    latest_checkpoint,
    update_checkpoint_state,
)
from penstock.train.global_step import (
    cosine_decay,
    create_global_step,
    exponential_decay,
    get_global_step,
    get_or_create_global_step,
    global_step,
    inverse_time_decay,
    natural_exp_decay,
    piecewise_constant,
    piecewise_constant_decay,
    polynomial_decay,
)
from penstock.train.graph_optimizers import (
    AdadeltaOptimizer,
    AdagradOptimizer,
    AdamOptimizer,
    FtrlOptimizer,
    GradientDescentOptimizer,
    MomentumOptimizer,
    Optimizer,
    RMSPropOptimizer,
)
from penstock.train.meta_graph import export_meta_graph, import_meta_graph
from penstock.train.moving_average import ExponentialMovingAverage
from penstock.train.polling import checkpoints_iterator
from penstock.train.reader import (
    CheckpointReader,
    list_variables,
    load_checkpoint,
    load_variable,
)
from penstock.train.saver import Saver
from penstock.wire.events import read_events

__all__ = [
    "AdadeltaOptimizer",
    "AdagradOptimizer",
    "AdamOptimizer",
    "Checkpoint",
    "ExponentialMovingAverage",
    "FtrlOptimizer",
    "GradientDescentOptimizer",
    "MomentumOptimizer",
    "NewCheckpointReader",
    "Optimizer",
    "RMSPropOptimizer",
    "Saver",
    "checkpoint_exists",
    "checkpoints_iterator",
    "cosine_decay",
    "create_global_step",
    "exponential_decay",
    "export_meta_graph",
    "get_checkpoint_state",
    "get_global_step",
    "get_or_create_global_step",
    "global_step",
    "import_meta_graph",
    "inverse_time_decay",
    "latest_checkpoint",
    "list_variables",
    "load_checkpoint",
    "load_variable",
    "natural_exp_decay",
    "piecewise_constant",
    "piecewise_constant_decay",
    "polynomial_decay",
    "summary_iterator",
    "update_checkpoint_state",
]


def summary_iterator(path: str) -> Iterator[Any]:
    """Yield the `Event` messages of an event file.

    Raises:
        NotFoundError: there is no such file.
        DataLossError: the file is damaged.
    """
    return read_events(path)


def NewCheckpointReader(filepattern: str) -> CheckpointReader:  # noqa: N802  (TensorFlow's name)
    """Return a reader of a checkpoint.

    Raises:
        NotFoundError: there is no checkpoint of that name.
    """
    return CheckpointReader(filepattern)


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    raise MissingNameError(f"tf.compat.v1.train.{name} is not implemented")
