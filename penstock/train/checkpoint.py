"""`tf.train.Checkpoint`: values of objects in files, found again by the names of attributes."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from penstock.core import dtypes
from penstock.core.device_name import DeviceSpec
from penstock.core.errors import NotFoundError
from penstock.runtime.context import init_scope
from penstock.runtime.trackable import AutoTrackable, Trackable, wrap_for_tracking
from penstock.runtime.variable import Variable
from penstock.train import object_graph
from penstock.train.background import BackgroundWrites
from penstock.train.checkpoint_state import update_checkpoint_state
from penstock.train.restore import (
    CheckpointLoadStatus,
    InitializationOnlyStatus,
    LoadStatus,
    Restoration,
    read_object_graph,
    restore_by_name,
)
from penstock.train.sharding import Value, write_values
from penstock.train.trackable_view import TrackableView
from penstock.wire.bundle import LegacyReader, open_checkpoint

_SAVED_MODEL_FILES: Final = ("saved_model.pb", "saved_model.pbtxt")


class CheckpointOptions:
    """Options of saving and restoring.

    Args:
        experimental_io_device: device whose host reads and writes; this program does, so it
            is only checked to be a name of a device.
        experimental_enable_async_checkpoint: see `enable_async`.
        experimental_write_callbacks: called after a checkpoint was written, with its path if
            they take an argument.
        enable_async: copy the values, and write them while the program goes on; `sync` and
            the next use of the checkpoint wait for it and raise what went wrong.
        experimental_skip_slot_variables: whether what the optimizers of
            `tf.compat.v1.train` keep beside variables is left out.
        experimental_sharding_callback: how values are spread over files, such as
            `tf.train.experimental.MaxShardSizePolicy`; None writes one file.
    """

    def __init__(
        self,
        experimental_io_device: str | None = None,
        experimental_enable_async_checkpoint: bool = False,
        experimental_write_callbacks: Any = None,
        enable_async: bool = False,
        experimental_skip_slot_variables: bool = False,
        experimental_sharding_callback: Any = None,
    ) -> None:
        self.experimental_io_device = experimental_io_device
        self.enable_async = enable_async or experimental_enable_async_checkpoint
        self.experimental_write_callbacks = list(experimental_write_callbacks or [])
        self.experimental_skip_slot_variables = experimental_skip_slot_variables
        self.experimental_sharding_callback = experimental_sharding_callback

    @property
    def experimental_enable_async_checkpoint(self) -> bool:
        """Another name of `enable_async`."""
        return self.enable_async

    @experimental_enable_async_checkpoint.setter
    def experimental_enable_async_checkpoint(self, value: bool) -> None:
        self.enable_async = value


class Checkpoint(AutoTrackable):
    """Saves and restores objects.

    Values are named by the attributes that lead to them, so that they are found again in a
    program whose objects have the same attributes, in whatever order they are made. Values of
    objects that do not exist yet when `restore` is called are given to them once they do.

    Args:
        root: object whose attributes stand at the root of the checkpoint.
        kwargs: further objects, by name.

    Raises:
        ValueError: something that cannot be tracked was given, or a name twice.

    Example:
        >>> import penstock as tf
        >>> checkpoint = tf.train.Checkpoint(step=tf.Variable(1))
        >>> path = checkpoint.save("/tmp/penstock_example/ckpt")
        >>> status = checkpoint.restore(path).assert_consumed()
    """

    def __init__(self, root: Any = None, **kwargs: Any) -> None:
        super().__init__()
        self._save_counter: Any = None
        self._save_assign_op = None
        self._kwargs: dict[str, Any] = {}
        self._root: Any = None
        self._background = BackgroundWrites()
        if root is not None:
            self._root = _checked(root, "root")
        for name, value in sorted(kwargs.items()):
            tracked = _checked(value() if _is_factory(value) else value, name)
            setattr(self, name, tracked)
            self._kwargs[name] = tracked
        self._check_names()

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _PRIVATE:
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    def _check_names(self) -> None:
        if self._root is None:
            return
        children = TrackableView.children(self._root)
        for name, value in self._kwargs.items():
            if name in children and children[name] is not value:
                raise ValueError(
                    f"Cannot create a Checkpoint with keyword argument {name} if root.{name} "
                    "already exists."
                )

    # -- objects --------------------------------------------------------------------------

    @property
    def save_counter(self) -> Any:
        """int64 variable: how often `save` was called; part of the checkpoint."""
        self._maybe_create_save_counter()
        return self._save_counter

    def _maybe_create_save_counter(self) -> None:
        if self._save_counter is None:
            with init_scope():
                counter = Variable(
                    np.int64(0), dtype=dtypes.int64, name="save_counter", trainable=False
                )
            self._save_counter = counter
            owner = self if self._root is None else self._root
            owner._maybe_initialize_trackable()
            if self._root is None:
                self._track_trackable(counter, "save_counter", overwrite=True)
            else:
                self._root._handle_deferred_dependencies("save_counter", counter)

    def _top(self) -> Any:
        return self if self._root is None else self._root

    def _children_of(self, item: Any) -> dict[str, Any]:
        children = TrackableView.children(item)
        if item is self._root:
            children = {**children, **self._kwargs}
            if self._save_counter is not None:
                children.setdefault("save_counter", self._save_counter)
        return children

    # -- writing --------------------------------------------------------------------------

    def write(
        self, file_prefix: str | os.PathLike[str], options: CheckpointOptions | None = None
    ) -> str:
        """Write a checkpoint of that very name, without counting or noting it.

        Args:
            file_prefix: path of the checkpoint.
            options: see `CheckpointOptions`.

        Returns:
            The path.
        """
        return self._write_then(os.fspath(file_prefix), options, ())

    _write = write

    def _write_then(
        self,
        prefix: str,
        options: CheckpointOptions | None,
        afterwards: Iterable[Callable[[], None]],
    ) -> str:
        """Write a checkpoint, then call what is to follow, now or in the background."""
        options = options or CheckpointOptions()
        # A write that is under way comes first, also where this one does not wait.
        self._background.wait()
        DeviceSpec.from_string(options.experimental_io_device or "")
        graph = object_graph.build(
            self._top(),
            self._children_of,
            with_slots=not options.experimental_skip_slot_variables,
        )
        values: Iterable[Value] = _values(graph)
        if options.enable_async:
            # The program goes on and changes its variables, also where they are.
            values = [(key, array.copy(), dtype) for key, array, dtype in values]

        def write() -> None:
            write_values(prefix, values, options.experimental_sharding_callback)
            for follow in afterwards:
                follow()
            for callback in options.experimental_write_callbacks:
                _call_back(callback, prefix)

        if options.enable_async:
            self._background.start(write)
        else:
            write()
        return prefix

    def save(
        self, file_prefix: str | os.PathLike[str], options: CheckpointOptions | None = None
    ) -> str:
        """Write a numbered checkpoint and note it as the latest of its directory.

        Args:
            file_prefix: path to which `-1`, `-2` and so on is added.
            options: see `CheckpointOptions`.

        Returns:
            The path with the number.
        """
        prefix = os.fspath(file_prefix)
        self.save_counter.assign_add(1)
        path = f"{prefix}-{int(self.save_counter.numpy())}"
        note = functools.partial(update_checkpoint_state, Path(prefix).parent, path, [path])
        return self._write_then(path, options, [note])

    # -- reading --------------------------------------------------------------------------

    def read(
        self, save_path: str | os.PathLike[str], options: CheckpointOptions | None = None
    ) -> LoadStatus:
        """Restore what `write` wrote.

        Args:
            save_path: path of the checkpoint.
            options: see `CheckpointOptions`.

        Raises:
            NotFoundError: there is no checkpoint.
            ValueError: a value does not fit its variable.
        """
        self._background.wait()
        options = options or CheckpointOptions()
        DeviceSpec.from_string(options.experimental_io_device or "")
        return self._restore(os.fspath(save_path), options)

    def _restore(self, prefix: str, options: CheckpointOptions) -> LoadStatus:
        reader = open_checkpoint(prefix)
        message = read_object_graph(reader)
        if message is None or isinstance(reader, LegacyReader):
            return restore_by_name(self._top(), self._children_of, reader)
        restoration = Restoration(
            reader,
            message,
            self._children_of,
            with_slots=not options.experimental_skip_slot_variables,
        )
        restoration.attach(0, self._top())
        return CheckpointLoadStatus(restoration, self._top(), self._children_of)

    def restore(
        self,
        save_path: str | os.PathLike[str] | None,
        options: CheckpointOptions | None = None,
    ) -> LoadStatus:
        """Restore what `save` wrote.

        Args:
            save_path: path of the checkpoint, or directory of a SavedModel; None does nothing.
            options: see `CheckpointOptions`.

        Raises:
            NotFoundError: there is no checkpoint.
            ValueError: a value does not fit its variable.
        """
        if save_path is None:
            self._maybe_create_save_counter()
            return InitializationOnlyStatus()
        path = os.fspath(save_path)
        if any((Path(path) / name).is_file() for name in _SAVED_MODEL_FILES):
            path = os.fspath(Path(path) / "variables" / "variables")
        try:
            status = self.read(path, options)
        except NotFoundError as error:
            raise NotFoundError(
                f"Error when restoring from checkpoint or SavedModel at {save_path}: "
                f"{error.message}"
            ) from error
        self._maybe_create_save_counter()
        return status

    def sync(self) -> None:
        """Wait for checkpoints that are written in the background.

        Raises:
            Exception: what went wrong there.
        """
        self._background.wait()


_PRIVATE: Final = frozenset(
    {"_root", "_kwargs", "_save_counter", "_save_assign_op", "_background"}
)


def _values(graph: object_graph.ObjectGraph) -> Iterator[Value]:
    """All values by key, and the objects that they belong to at last."""
    for key in sorted(graph.values):
        yield key, *object_graph.as_array(graph.values[key])
    objects = np.empty((), object)
    objects[()] = graph.message.SerializeToString(deterministic=True)
    yield object_graph.OBJECT_GRAPH_KEY, objects, dtypes.string


def _is_factory(value: Any) -> bool:
    """Whether a callable that gives an object was passed in its place."""
    return callable(value) and not isinstance(value, Trackable)


def _checked(value: Any, name: str) -> Any:
    tracked = wrap_for_tracking(value)
    if not isinstance(tracked, Trackable):
        raise ValueError(  # noqa: TRY004  (TensorFlow's class)
            "`Checkpoint` was expecting root to be a trackable object (an object derived from "
            f"`Trackable`), got {value} for {name!r}. If you believe this object should be "
            "trackable, make it a tf.Module or tf.Variable."
        )
    return tracked


def _call_back(callback: Any, path: str) -> None:
    code = getattr(callback, "__code__", None)
    takes = getattr(code, "co_argcount", 1)
    callback(path) if takes else callback()
