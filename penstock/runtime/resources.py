"""Objects behind a resource handle, such as tables, and files that belong to a model."""

from __future__ import annotations

import os
from contextlib import nullcontext
from typing import Any, Final

from penstock.core import dtypes
from penstock.core.errors import UnimplementedError
from penstock.runtime.context import init_scope, state
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.trackable import AutoTrackable, Trackable

# Name of the contents of a table in checkpoints; that of its keys and values begin with it.
SAVED_TABLE: Final = "table"


class Asset(Trackable):
    """A file that is copied into a SavedModel, and found there again when it is loaded.

    Args:
        path: where the file is.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        with init_scope():
            self._path = convert_to_tensor(os.fspath(path), dtypes.string)
        # Graphs refer to it, and do not write its value down: models are moved.
        self._path.is_path_of_asset = True

    @property
    def asset_path(self) -> Any:
        """Path of the file, as a string tensor."""
        return self._path


class CapturableResource(Trackable):
    """What holds a resource that functions can use and a SavedModel can make again.

    Subclasses say in `_create_resource` how its handle is made, in `_initialize` how it is
    filled, and in `_destroy_resource` how it is given back.
    """

    def __init__(self, device: str = "", **_: Any) -> None:
        self._resource_handle_value: Any = None
        self._resource_device = device

    def _create_resource(self) -> Any:
        raise UnimplementedError(f"{type(self).__name__} must say how its resource is made")

    def _initialize(self) -> Any:
        """Fill the resource."""

    def _destroy_resource(self) -> Any:
        """Give the resource back."""

    @property
    def resource_handle(self) -> Any:
        """Handle of the resource, which is made when it is first asked for."""
        if self._resource_handle_value is None:
            # Graphs of TensorFlow 1 hold the node that makes it, so that they can be saved.
            in_graph = getattr(state.graph, "runs_on_demand", False)
            with nullcontext() if in_graph else init_scope():
                self._resource_handle_value = self._create_resource()
        return self._resource_handle_value

    @property
    def _resource_handle(self) -> Any:
        return self.resource_handle

    @_resource_handle.setter
    def _resource_handle(self, value: Any) -> None:
        self._resource_handle_value = value


class TrackableResource(CapturableResource, AutoTrackable):
    """A resource whose attributes are tracked as well."""

    def __init__(self, device: str = "", **_: Any) -> None:
        with init_scope():
            super().__init__(device=device)
