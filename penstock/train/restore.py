"""Giving objects their values from a checkpoint, at once or when they are made."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from penstock.core.errors import DataLossError
from penstock.runtime.context import init_scope
from penstock.runtime.data_structures import _Container
from penstock.runtime.tensor import wrap
from penstock.train.object_graph import OBJECT_GRAPH_KEY
from penstock.train.trackable_view import TrackableView, walk
from penstock.wire import protos
from penstock.wire.bundle import BundleReader, LegacyReader

_SHOWN: Final = 10

Children = Callable[[Any], dict[str, Any]]


def read_object_graph(reader: BundleReader | LegacyReader) -> Any:
    """The TrackableObjectGraph of a checkpoint, or None when it was saved without one."""
    if OBJECT_GRAPH_KEY not in reader:
        return None
    serialized = reader.read(OBJECT_GRAPH_KEY).item()
    return protos.parse(
        protos.TrackableObjectGraph, serialized, f"the objects of '{reader.prefix}'"
    )


class Restoration:
    """One `restore`: which objects of the file are which in the program.

    Args:
        reader: the checkpoint.
        message: its TrackableObjectGraph.
        children: gives the named children of an object.
        with_slots: whether what optimizers keep beside variables is restored.
    """

    def __init__(
        self,
        reader: BundleReader,
        message: Any,
        children: Children = TrackableView.children,
        *,
        with_slots: bool = True,
    ) -> None:
        self.reader = reader
        self.nodes = list(message.nodes)
        self.matched: dict[int, Any] = {}
        self.unused: list[str] = []
        self._children = children
        self._with_slots = with_slots
        # Number of a variable -> the optimizers that keep slots beside it.
        self._slots: dict[int, list[tuple[Any, str, int]]] = {}

    def attach(self, number: int, item: Any) -> None:
        """Say that `item` is object `number` of the file; it and its children get their values.

        Children that are not there yet get theirs when they are made.
        """
        stack = [(number, item)]
        with init_scope():
            while stack:
                number, item = stack.pop()
                if number in self.matched:
                    continue
                if number >= len(self.nodes):
                    raise DataLossError(f"'{self.reader.prefix}' has no object number {number}")
                self.matched[number] = item
                self._restore_values(self.nodes[number], item)
                stack.extend(self._matching_children(number, item))
                stack.extend(self._slots_of(number, item))

    def _slots_of(self, number: int, item: Any) -> list[tuple[int, Any]]:
        """Slots whose optimizer and variable are both known; they are made where missing."""
        found = [(item, *rest) for rest in self._slots.pop(number, ())]
        if self._with_slots and hasattr(item, "_slot_to_restore"):
            for slot in self.nodes[number].slot_variables:
                rest = (item, slot.slot_name, slot.slot_variable_node_id)
                owner = slot.original_variable_node_id
                if owner in self.matched:
                    found.append((self.matched[owner], *rest))
                else:
                    self._slots.setdefault(owner, []).append(rest)
        return [
            (place, slot)
            for variable, optimizer, name, place in found
            if (slot := optimizer._slot_to_restore(variable, name)) is not None
        ]

    def _matching_children(self, number: int, item: Any) -> list[tuple[int, Any]]:
        children = self._children(item)
        found = []
        for child in self.nodes[number].children:
            present = children.get(child.local_name)
            if present is None:
                lookup = getattr(item, "_lookup_dependency", None)
                present = None if lookup is None else lookup(child.local_name)
            if present is not None:
                found.append((child.node_id, present))
            else:
                self._defer(item, child.local_name, child.node_id)
        return found

    def _defer(self, item: Any, name: str, number: int) -> None:
        item._maybe_initialize_trackable()
        waiting = item._deferred_restorations.setdefault(name, [])
        waiting.append(lambda child: self.attach(number, child))

    def _restore_values(self, node: Any, item: Any) -> None:
        tensors = {}
        for attribute in node.attributes:
            key = attribute.checkpoint_key
            if key not in self.reader:
                # Tables stand under several keys that begin with the one named.
                parts = [k for k in self.reader.keys() if k.startswith(key + "-")]  # noqa: SIM118
                if not parts:
                    self.unused.append(key)
                common = getattr(item, "_LEGACY_SAVEABLE_NAME", None)
                prefix = "" if common == attribute.name else attribute.name
                for part in parts:
                    tensors[prefix + part[len(key) :]] = self._read(part)
                continue
            tensors[attribute.name] = self._read(key)
        if tensors:
            item._restore_from_tensors(tensors)

    def _read(self, key: str) -> Any:
        array = self.reader.read(key)
        return wrap(array, self.reader.entry(key).dtype)

    def unmatched(self) -> list[str]:
        """Keys of values in the file that no object has taken."""
        return [
            attribute.checkpoint_key
            for i, node in enumerate(self.nodes)
            if i not in self.matched
            for attribute in node.attributes
        ]


class LoadStatus:
    """What came of a restore."""

    def assert_consumed(self) -> LoadStatus:
        """Check that every value of the file was taken and every object got its values."""
        return self

    def assert_existing_objects_matched(self) -> LoadStatus:
        """Check that every object that exists got its values."""
        return self

    def assert_nontrivial_match(self) -> LoadStatus:
        """Check that something beside the root got a value."""
        return self

    def expect_partial(self) -> LoadStatus:
        """Say that not all need match; there is nothing to silence."""
        return self

    def run_restore_ops(self, session: Any = None) -> None:
        """Do nothing: values are restored at once."""

    def initialize_or_restore(self, session: Any = None) -> None:
        """Do nothing: values are restored at once."""


class InitializationOnlyStatus(LoadStatus):
    """Nothing was restored, because no checkpoint was given."""

    def assert_consumed(self) -> LoadStatus:
        """Raise: there was nothing to restore."""
        raise AssertionError("No checkpoint specified (save_path=None); nothing is restored.")

    assert_existing_objects_matched = assert_consumed
    assert_nontrivial_match = assert_consumed


class CheckpointLoadStatus(LoadStatus):
    """What came of restoring objects.

    Args:
        restoration: which object is which.
        root: the root object.
        children: gives the named children of an object.
    """

    def __init__(self, restoration: Restoration, root: Any, children: Children) -> None:
        self._restoration = restoration
        self._root = root
        self._children = children

    def assert_consumed(self) -> LoadStatus:
        """Check that every value of the file was taken and every object got its values.

        Raises:
            AssertionError: something was left.
        """
        left = self._restoration.unmatched()
        if left:
            raise AssertionError(
                f"Unresolved object in checkpoint '{self._restoration.reader.prefix}': "
                f"{len(left)} values belong to no Python object, first {_first(left)}"
            )
        return self.assert_existing_objects_matched()

    def assert_existing_objects_matched(self) -> LoadStatus:
        """Check that every object that exists got its values.

        Raises:
            AssertionError: one did not.
        """
        matched = {id(item) for item in self._restoration.matched.values()}
        left = []
        for item, path in walk(self._root, self._children):
            if id(item) in matched or isinstance(item, _Container):
                continue
            serialize = getattr(item, "_serialize_to_tensors", None)
            if serialize is not None and serialize():
                left.append(".".join(("root", *path)))
        if left:
            raise AssertionError(
                f"Found {len(left)} Python objects that were not bound to checkpointed values, "
                f"likely due to changes in the Python program, first {_first(left)}"
            )
        if self._restoration.unused:
            raise AssertionError(
                "Object not assigned a value from checkpoint: "
                f"{_first(self._restoration.unused)}"
            )
        return self

    def assert_nontrivial_match(self) -> LoadStatus:
        """Check that something beside the root was found in the file.

        Raises:
            AssertionError: nothing was.
        """
        if len(self._restoration.matched) < 2 and len(self._restoration.nodes) > 1:
            raise AssertionError(
                "Nothing except the root object matched a checkpointed value. Typically this "
                "means that the checkpoint does not match the Python program."
            )
        return self


class NameBasedStatus(LoadStatus):
    """What came of restoring variables by their names, from a checkpoint without objects."""

    def __init__(self, missing: Iterable[str], prefix: str) -> None:
        self._missing = list(missing)
        self._prefix = prefix

    def assert_consumed(self) -> LoadStatus:
        """Check that every variable got a value.

        Raises:
            AssertionError: one did not.
        """
        if self._missing:
            raise AssertionError(
                f"Some objects had attributes which were not restored from '{self._prefix}': "
                f"{_first(self._missing)}"
            )
        return self

    assert_existing_objects_matched = assert_consumed

    def assert_nontrivial_match(self) -> LoadStatus:
        """Check that every variable got a value."""
        return self.assert_consumed()


def restore_by_name(
    root: Any, children: Children, reader: BundleReader | LegacyReader
) -> NameBasedStatus:
    """Restore variables by their names, as checkpoints of TensorFlow 1 store them."""
    missing = []
    with init_scope():
        for item, path in walk(root, children):
            name = getattr(item, "_shared_name", None)
            if not isinstance(name, str) or not hasattr(item, "_restore_from_tensors"):
                continue
            if name in reader:
                value = wrap(reader.read(name), reader.entry(name).dtype)
                item._restore_from_tensors({"VARIABLE_VALUE": value})
            else:
                missing.append(".".join(path) or name)
    return NameBasedStatus(missing, reader.prefix)


def _first(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(map(repr, listed[:_SHOWN])) + more
