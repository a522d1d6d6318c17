"""`tf.train.CheckpointView`: the objects of a checkpoint, without their values."""

from __future__ import annotations

import os
from typing import Any

from penstock.core.errors import DataLossError
from penstock.train.restore import read_object_graph
from penstock.train.trackable_view import TrackableView, walk
from penstock.wire.bundle import BundleReader


class CheckpointView:
    """The objects of a checkpoint by number, and which objects of a program they are.

    Args:
        save_path: path of the checkpoint.

    Raises:
        NotFoundError: there is no checkpoint.
        DataLossError: it was saved without objects.
    """

    def __init__(self, save_path: str | os.PathLike[str]) -> None:
        message = read_object_graph(BundleReader(save_path))
        if message is None:
            raise DataLossError(f"'{os.fspath(save_path)}' must describe objects, and does not")
        self._nodes = list(message.nodes)

    def children(self, node_id: int) -> dict[str, int]:
        """Numbers of the children of an object, by name."""
        return {child.local_name: child.node_id for child in self._nodes[node_id].children}

    def descendants(self) -> list[int]:
        """Numbers of all objects, the root first, nearer ones before farther ones."""
        seen = {0: None}
        queue = [0]
        while queue:
            for child in self.children(queue.pop(0)).values():
                if child not in seen:
                    seen[child] = None
                    queue.append(child)
        return list(seen)

    def match(self, obj: Any) -> dict[int, Any]:
        """Objects under `obj` that a restore would find in the checkpoint, by number."""
        found: dict[int, Any] = {}
        queue = [(0, obj)]
        while queue:
            number, item = queue.pop(0)
            if number in found:
                continue
            found[number] = item
            present = TrackableView.children(item)
            queue.extend(
                (child, present[name])
                for name, child in self.children(number).items()
                if name in present
            )
        return found

    def diff(self, obj: Any) -> tuple[dict[int, Any], list[int], list[Any]]:
        """Compare with the objects under `obj`.

        Returns:
            What `match` gives, the numbers that nothing matches, and the objects that match
            nothing.
        """
        matched = self.match(obj)
        known = {id(item) for item in matched.values()}
        only_here = [
            item for item, _ in walk(obj, TrackableView.children) if id(item) not in known
        ]
        return matched, [n for n in self.descendants() if n not in matched], only_here
