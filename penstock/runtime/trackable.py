"""Objects whose state can be saved: the bases that name their children."""

from __future__ import annotations

import functools
import warnings
from typing import Any


class Trackable:
    """An object with named children that may hold state.

    Subclasses give children through `_trackable_children`, values through
    `_serialize_to_tensors` and take values back through `_restore_from_tensors`, as in
    TensorFlow.
    """

    @property
    def _setattr_tracking(self) -> bool:
        return bool(self.__dict__.get("_self_setattr_tracking", True))

    @_setattr_tracking.setter
    def _setattr_tracking(self, value: bool) -> None:
        object.__setattr__(self, "_self_setattr_tracking", value)

    def _maybe_initialize_trackable(self) -> None:
        if "_unconditional_dependency_names" not in self.__dict__:
            object.__setattr__(self, "_unconditional_dependency_names", {})
            object.__setattr__(self, "_deferred_restorations", {})
            object.__setattr__(self, "_self_update_uid", -1)

    def _track_trackable(self, trackable: Any, name: str, overwrite: bool = False) -> Any:
        self._maybe_initialize_trackable()
        children = self._unconditional_dependency_names  # type: ignore[attr-defined]
        if name in children and children[name] is not trackable and not overwrite:
            raise ValueError(f"a child named {name!r} is tracked already")
        children[name] = trackable
        self._handle_deferred_dependencies(name, trackable)
        return trackable

    def _lookup_dependency(self, name: str, cached_dependencies: Any = None) -> Any:
        self._maybe_initialize_trackable()
        if cached_dependencies is not None:
            return cached_dependencies.get(name)
        return self._unconditional_dependency_names.get(name)  # type: ignore[attr-defined]

    def _trackable_children(
        self, save_type: str = "checkpoint", **kwargs: Any
    ) -> dict[str, Any]:
        self._maybe_initialize_trackable()
        return dict(self._unconditional_dependency_names)  # type: ignore[attr-defined]

    def _handle_deferred_dependencies(self, name: str, trackable: Any) -> None:
        """Restore a child that was made after `restore` was asked for."""
        self._maybe_initialize_trackable()
        for restore in self._deferred_restorations.pop(name, ()):  # type: ignore[attr-defined]
            restore(trackable)

    def _serialize_to_tensors(self) -> dict[str, Any]:
        return {}

    def _restore_from_tensors(self, restored_tensors: dict[str, Any]) -> Any:
        raise ValueError(
            f"{type(self).__name__} has no values to restore, got {restored_tensors}"
        )

    def _gather_saveables_for_checkpoint(self) -> dict[str, Any]:
        return {}

    def _no_dependency(self, value: Any) -> Any:
        return value


class AutoTrackable(Trackable):
    """Tracks what is assigned to its attributes."""

    def _trackable_children(
        self, save_type: str = "checkpoint", **kwargs: Any
    ) -> dict[str, Any]:
        """Children by name; a SavedModel also gets the functions among the attributes."""
        if save_type == "checkpoint":
            return super()._trackable_children(save_type, **kwargs)
        functions = _functions_of(self)
        for function in functions.values():
            # Tracing may make variables, which are children then.
            function._prepare_to_be_saved()
        tracked = super()._trackable_children(save_type, **kwargs)
        children = {n: c for n, c in tracked.items() if not isinstance(c, SavedAsFunction)}
        return {**children, **functions}

    def __setattr__(self, name: str, value: Any) -> None:
        if self._setattr_tracking and not name.startswith("_self_"):
            value = self._tracked_value(name, value)
        super().__setattr__(name, value)

    def _tracked_value(self, name: str, value: Any) -> Any:
        self._maybe_initialize_trackable()
        children = self.__dict__["_unconditional_dependency_names"]
        wrapped = wrap_for_tracking(value)
        if isinstance(wrapped, Trackable):
            children[name] = wrapped
            self._handle_deferred_dependencies(name, wrapped)
        else:
            children.pop(name, None)
        return wrapped

    def __delattr__(self, name: str) -> None:
        self._maybe_initialize_trackable()
        self.__dict__["_unconditional_dependency_names"].pop(name, None)
        super().__delattr__(name)


class SavedAsFunction(Trackable):
    """Marks functions, which are children in SavedModels but not in checkpoints."""

    def _prepare_to_be_saved(self) -> None:
        """Make what is to be saved, such as a trace for the stated signature."""


def _functions_of(owner: Any) -> dict[str, SavedAsFunction]:
    """The functions among the attributes of an object, methods included."""
    found = {}
    for name in dir(owner):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                value = getattr(owner, name, None)
        except Exception:  # noqa: BLE001, S112  (a property that fails is no function)
            continue
        if isinstance(value, SavedAsFunction):
            found[name] = value
    return found


class NoDependency:
    """Marks a value that must not be tracked."""

    def __init__(self, value: Any) -> None:
        self.value = value


def no_automatic_dependency_tracking(method: Any) -> Any:
    """Decorate a method whose attribute assignments are not tracked."""

    @functools.wraps(method)
    def untracked(self: Any, *args: Any, **kwargs: Any) -> Any:
        saved = getattr(self, "_self_setattr_tracking", True)
        self._self_setattr_tracking = False
        try:
            return method(self, *args, **kwargs)
        finally:
            self._self_setattr_tracking = saved

    return untracked


# Turns lists, dicts and tuples into tracked ones; `data_structures` adds itself here.
_wrappers: list[Any] = []


def wrap_for_tracking(value: Any) -> Any:
    """Return `value`, or the tracked container that stands for it."""
    if isinstance(value, NoDependency):
        return value.value
    for wrapper in _wrappers:
        wrapped = wrapper(value)
        if wrapped is not value:
            return wrapped
    return value
