"""Objects as the graph that checkpoints and SavedModels see: who has whom as a child."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from penstock.runtime import data_structures  # noqa: F401  (lets containers be tracked)
from penstock.runtime.trackable import Trackable, wrap_for_tracking


class TrackableView:
    """The children and descendants of one object.

    Args:
        root: the object, or a weak reference to it.
    """

    def __init__(self, root: Any) -> None:
        self._root = root

    @property
    def root(self) -> Any:
        """The object at the root.

        Raises:
            ReferenceError: only a weak reference was given, and the object is gone.
        """
        if not isinstance(self._root, weakref.ref):
            return self._root
        root = self._root()
        if root is None:
            raise ReferenceError("the root object of a checkpoint has been deleted")
        return root

    @classmethod
    def children(cls, obj: Any, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        """Named children of an object; lists, dicts and tuples come as tracked ones.

        Args:
            obj: the object.
            save_type: "checkpoint", or "savedmodel", which adds functions.
            kwargs: passed on to the object.
        """
        obj._maybe_initialize_trackable()
        return {
            name: as_trackable(child)
            for name, child in obj._trackable_children(save_type, **kwargs).items()
        }

    def descendants(self) -> list[Any]:
        """All objects, the root first, nearer ones before farther ones."""
        return [item for item, _ in walk(self.root, self.children)]


def as_trackable(value: Any) -> Any:
    """Return a child as an object that can be tracked.

    Raises:
        ValueError: it cannot.
    """
    wrapped = wrap_for_tracking(value)
    if not isinstance(wrapped, Trackable) and not hasattr(wrapped, "_trackable_children"):
        raise ValueError(
            f"a child of a tracked object must be trackable, got {value!r} of "
            f"{type(value).__name__}"
        )
    return wrapped


def walk(
    root: Any, children: Callable[[Any], dict[str, Any]]
) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """Visit all objects, breadth first, each once, with the names that lead to it."""
    seen = {id(root)}
    queue: deque[tuple[Any, tuple[str, ...]]] = deque([(root, ())])
    kept = []
    while queue:
        item, path = queue.popleft()
        # Wrapped containers may live only here, and their ids must not be used again.
        kept.append(item)
        yield item, path
        for name, child in children(item).items():
            if id(child) not in seen:
                seen.add(id(child))
                queue.append((child, (*path, name)))
