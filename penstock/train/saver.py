"""`tf.compat.v1.train.Saver`: checkpoints that name values by their variables."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from penstock.core.errors import InvalidArgumentError, NotFoundError, UnimplementedError
from penstock.graph.session.graph import GraphKeys, default_graph
from penstock.graph.session.meta_graph import meta_graph_of
from penstock.graph.session.variable import GraphVariable
from penstock.graph.symbol import Symbol
from penstock.runtime.context import executing_eagerly, init_scope
from penstock.runtime.tensor import wrap
from penstock.train.checkpoint_state import (
    checkpoint_exists,
    delete_checkpoint,
    update_checkpoint_state,
)
from penstock.train.object_graph import as_array
from penstock.wire.bundle import BundleWriter, open_checkpoint
from penstock.wire.files import write_atomically

_KEY: Final = "VARIABLE_VALUE"
_HOUR_S: Final = 3600.0


class Saver:
    """Saves and restores variables by name, and keeps the newest checkpoints.

    In eager execution `var_list` must be given, and the `sess` of the methods is not looked at.

    Args:
        var_list: variables, by name or with the names that they have; in a graph None takes
            all of it.
        reshape: whether a value may have another shape of the same number of elements.
        sharded: accepted for compatibility; there is one file of values.
        max_to_keep: number of checkpoints kept; 0 or None keeps all.
        keep_checkpoint_every_n_hours: besides, one of every so many hours is kept for good.
        name, restore_sequentially, saver_def, builder, defer_build, allow_empty, write_version,
            pad_step_number, save_relative_paths, filename: see TensorFlow; `pad_step_number`
            fills numbers up to 8 digits, the others are accepted for compatibility.
        clock: gives the time in seconds.

    Raises:
        ValueError: there are no variables, or two of one name.
    """

    def __init__(
        self,
        var_list: Any = None,
        reshape: bool = False,
        sharded: bool = False,
        max_to_keep: int | None = 5,
        keep_checkpoint_every_n_hours: float = 10000.0,
        name: str | None = None,
        restore_sequentially: bool = False,
        saver_def: Any = None,
        builder: Any = None,
        defer_build: bool = False,
        allow_empty: bool = False,
        write_version: int = 2,
        pad_step_number: bool = False,
        save_relative_paths: bool = False,
        filename: str | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        del sharded, name, restore_sequentially, saver_def, builder, defer_build
        del write_version, save_relative_paths, filename
        graph = default_graph()
        if var_list is None and not executing_eagerly():
            var_list = graph.get_collection(GraphKeys.GLOBAL_VARIABLES)
        if var_list is None:
            raise RuntimeError(
                "When eager execution is enabled, `var_list` must specify a list or dict of "
                "variables to save"
            )
        self._variables = _by_name(var_list)
        if not self._variables and not allow_empty:
            raise ValueError("No variables to save")
        self._reshape = reshape
        self._max_to_keep = max_to_keep
        self._every_s = keep_checkpoint_every_n_hours * _HOUR_S
        self._pad = pad_step_number
        self._clock = clock
        self._next_kept = clock() + self._every_s
        self._kept: list[tuple[str, float]] = []

    @property
    def variables(self) -> dict[str, Any]:
        """The variables by name."""
        return dict(self._variables)

    @property
    def last_checkpoints(self) -> list[str]:
        """Paths of the checkpoints that are kept for now, oldest first."""
        return [path for path, _ in self._kept]

    def set_last_checkpoints(self, last_checkpoints: Iterable[str]) -> None:
        """Take over checkpoints that were saved earlier."""
        now = self._clock()
        self._kept = [(path, now) for path in last_checkpoints]

    set_last_checkpoints_with_time = set_last_checkpoints

    def recover_last_checkpoints(self, checkpoint_paths: Iterable[str]) -> None:
        """Take over those of some checkpoints that exist."""
        self.set_last_checkpoints(path for path in checkpoint_paths if checkpoint_exists(path))

    def save(
        self,
        sess: Any,
        save_path: str | os.PathLike[str],
        global_step: Any = None,
        latest_filename: str | None = None,
        meta_graph_suffix: str = "meta",
        write_meta_graph: bool = True,
        write_state: bool = True,
        strip_default_attrs: bool = False,
        save_debug_info: bool = False,
    ) -> str:
        """Write a checkpoint, then delete those that are too many.

        Args:
            sess: the session whose values are saved, where the variables are of a graph.
            save_path: path of the checkpoint.
            global_step: number added to the path, with a dash between.
            latest_filename: name of the state file; default "checkpoint".
            write_state: whether the state file is written.
            meta_graph_suffix: ends the name of the file with the graph.
            write_meta_graph: whether a graph is written beside its values.
            strip_default_attrs, save_debug_info: accepted for compatibility.

        Returns:
            The path with the number.
        """
        del strip_default_attrs, save_debug_info
        path = os.fspath(save_path)
        if global_step is not None:
            step = _number(global_step, sess)
            path = f"{path}-{step:08d}" if self._pad else f"{path}-{step}"
        with BundleWriter(path) as writer:
            for name in sorted(self._variables):
                variable = self._variables[name]
                if isinstance(variable, GraphVariable):
                    writer.add(name, sess.run(variable), variable.dtype)
                    continue
                array, dtype = as_array(variable._serialize_to_tensors()[_KEY])
                writer.add(name, array, dtype)
        if write_meta_graph:
            self._write_meta_graph(f"{path}.{meta_graph_suffix}")
        self._kept = [(other, when) for other, when in self._kept if other != path]
        self._kept.append((path, self._clock()))
        gone = self._surplus()
        if write_state:
            update_checkpoint_state(
                Path(path).parent, path, self.last_checkpoints, latest_filename
            )
        for old in gone:
            delete_checkpoint(old)
        return path

    def _write_meta_graph(self, path: str) -> None:
        variables = [v for v in self._variables.values() if isinstance(v, GraphVariable)]
        if not variables:
            return
        graph = variables[0].graph
        # A graph with nodes that only run here is saved without its MetaGraphDef.
        with contextlib.suppress(UnimplementedError):
            message = meta_graph_of(graph, variables)
            write_atomically(path, message.SerializeToString(deterministic=True))

    def export_meta_graph(self, filename: Any = None, **kwargs: Any) -> Any:
        """See `tf.compat.v1.train.export_meta_graph`."""
        message = meta_graph_of(default_graph(), list(self._variables.values()))
        if filename is not None:
            write_atomically(os.fspath(filename), message.SerializeToString(deterministic=True))
        return message

    def as_saver_def(self) -> Any:
        """What runs the saver, as a SaverDef."""
        return self.export_meta_graph().saver_def

    def _surplus(self) -> list[str]:
        gone = []
        while self._max_to_keep and len(self._kept) > self._max_to_keep:
            path, when = self._kept.pop(0)
            if when > self._next_kept:
                self._next_kept += self._every_s
            else:
                gone.append(path)
        return gone

    def restore(self, sess: Any, save_path: str | os.PathLike[str] | None) -> None:
        """Give the variables the values of a checkpoint.

        Args:
            sess: the session whose values are replaced, where the variables are of a graph.
            save_path: path of the checkpoint.

        Raises:
            ValueError: there is no checkpoint.
            NotFoundError: it lacks a variable.
            InvalidArgumentError: a value has another shape than its variable.
        """
        if save_path is None:
            raise ValueError("Can't load save_path when it is None.")
        path = os.fspath(save_path)
        if not checkpoint_exists(path):
            raise ValueError(f"The passed save_path is not a valid checkpoint: {path}")
        reader = open_checkpoint(path)
        missing = [name for name in self._variables if name not in reader]
        if missing:
            raise NotFoundError(
                f"checkpoint '{path}' lacks {len(missing)} of {len(self._variables)} "
                f"variables, first '{missing[0]}'"
            )
        with init_scope():
            for name, variable in self._variables.items():
                array = reader.read(name)
                if self._reshape and variable.shape.is_fully_defined():
                    array = _reshaped(array, variable, name)
                elif not variable.shape.is_compatible_with(array.shape):
                    raise InvalidArgumentError(
                        f"'{name}' must have shape {variable.shape}, the checkpoint has "
                        f"{list(array.shape)}"
                    )
                if isinstance(variable, GraphVariable):
                    sess.holder_of(variable.handle).set_value(array, owned=False)
                    continue
                value = wrap(array, reader.entry(name).dtype)
                variable._restore_from_tensors({_KEY: value})


def _number(step: Any, sess: Any) -> int:
    if isinstance(step, (GraphVariable, Symbol)):
        return int(sess.run(step))
    return int(getattr(step, "numpy", lambda: step)())


def _reshaped(array: Any, variable: Any, name: str) -> Any:
    if array.size != variable.shape.num_elements():
        raise InvalidArgumentError(
            f"'{name}' must have as many elements as {variable.shape}, the checkpoint has "
            f"{list(array.shape)}"
        )
    return array.reshape(variable.shape.as_list())


def _by_name(variables: Any) -> dict[str, Any]:
    if isinstance(variables, Mapping):
        return dict(variables)
    named: dict[str, Any] = {}
    for variable in variables:
        name = variable._shared_name
        if name in named:
            raise ValueError(f"At least two variables have the same name: {name}")
        named[name] = variable
    return named
