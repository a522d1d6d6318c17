"""Nested structures as tf.data sees them: a list stands for a tensor, and is a leaf.

The walking is that of `nest`; tuples, dicts, named tuples and attrs classes are structures.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.core import nest
from penstock.core.nest_kinds import DATA, MAPPINGS


def is_nested(structure: Any) -> bool:
    """Tell whether `structure` has children, and is not a leaf."""
    return DATA[type(structure)] is not None


def flatten(structure: Any) -> list[Any]:
    """Return the leaves of a structure; a leaf, such as a list, gives a list of itself.

    Example:
        >>> flatten(([1, 2], {"b": 3, "a": 4}))
        [[1, 2], 4, 3]
    """
    return nest.flatten_by(DATA, structure)


def pack_sequence_as(structure: Any, flat_sequence: Any) -> Any:
    """Build a structure like `structure` with the leaves of `flat_sequence`.

    Raises:
        TypeError: `flat_sequence` is neither a structure nor a list.
        ValueError: its length is not the number of leaves.
    """
    if not (is_nested(flat_sequence) or isinstance(flat_sequence, list)):
        raise TypeError(
            "Argument `flat_sequence` must be a sequence. "
            f"Got '{type(flat_sequence).__name__}'."
        )
    kind = DATA[type(structure)]
    if kind is None:
        if len(flat_sequence) != 1:
            raise ValueError(
                "Argument `structure` is a scalar but `len(flat_sequence)`="
                f"{len(flat_sequence)} > 1"
            )
        return flat_sequence[0]
    expected = len(flatten(structure))
    if expected != len(flat_sequence):
        raise ValueError(
            f"Could not pack sequence. Argument `structure` had {expected} elements, but "
            f"argument `flat_sequence` had {len(flat_sequence)} elements. "
            f"Received structure: {structure}, flat_sequence: {flat_sequence}."
        )
    return nest.pack_by(DATA, kind, structure, iter(flat_sequence))


def map_structure(func: Callable[..., Any], *structure: Any, check_types: bool = True) -> Any:
    """Call `func` on the leaves of one or more structures and pack the results alike."""
    if not callable(func):
        raise TypeError(f"Argument `func` must be callable, got: {func}")
    if not structure:
        raise ValueError("Must provide at least one structure")
    for other in structure[1:]:
        assert_same_structure(structure[0], other, check_types)
    flat = [flatten(each) for each in structure]
    return pack_sequence_as(structure[0], [func(*leaves) for leaves in zip(*flat, strict=True)])


def assert_same_structure(nest1: Any, nest2: Any, check_types: bool = True) -> None:
    """Raise unless two structures are nested in the same way.

    Raises:
        ValueError: the number or position of the children differs.
        TypeError: `check_types`, and the containers differ in type.
    """
    nest.assert_same_by(DATA, nest1, nest2, check_types)


def assert_shallow_structure(
    shallow_tree: Any, input_tree: Any, check_types: bool = True
) -> None:
    """Raise unless `input_tree` has at least the structure of `shallow_tree`.

    Raises:
        TypeError: containers differ in type, or a leaf stands where a container should.
        ValueError: lengths or keys differ.
    """
    shallow, deep = DATA[type(shallow_tree)], DATA[type(input_tree)]
    if shallow is None:
        return
    if deep is None:
        raise TypeError(
            "If shallow structure is a sequence, input must also be a sequence. "
            f"Input has type: '{type(input_tree).__name__}'."
        )
    if check_types and not isinstance(input_tree, type(shallow_tree)):
        raise TypeError(
            "The two structures don't have the same sequence type. Input structure has type "
            f"'{type(input_tree).__name__}', while shallow structure has type "
            f"'{type(shallow_tree).__name__}'."
        )
    mine, theirs = shallow.values(shallow_tree), deep.values(input_tree)
    if len(mine) != len(theirs):
        raise ValueError(
            "The two structures don't have the same sequence length. Input structure has "
            f"length {len(theirs)}, while shallow structure has length {len(mine)}."
        )
    if check_types and shallow in MAPPINGS and set(input_tree) != set(shallow_tree):
        raise ValueError(
            f"The two structures don't have the same keys. Input structure has keys "
            f"{list(input_tree)}, while shallow structure has keys {list(shallow_tree)}."
        )
    for child, other in zip(mine, theirs, strict=True):
        assert_shallow_structure(child, other, check_types)


def flatten_up_to(shallow_tree: Any, input_tree: Any) -> list[Any]:
    """Return the parts of `input_tree` that stand where `shallow_tree` has leaves."""
    assert_shallow_structure(shallow_tree, input_tree)
    parts: list[Any] = []
    _collect_up_to(shallow_tree, input_tree, parts)
    return parts


def _collect_up_to(shallow: Any, deep: Any, parts: list[Any]) -> None:
    kind, deep_kind = DATA[type(shallow)], DATA[type(deep)]
    if kind is None or deep_kind is None:
        parts.append(deep)
        return
    for child, other in zip(kind.values(shallow), deep_kind.values(deep), strict=True):
        _collect_up_to(child, other, parts)


def map_structure_up_to(shallow_tree: Any, func: Callable[..., Any], *inputs: Any) -> Any:
    """Call `func` on the parts of `inputs` that stand where `shallow_tree` has leaves.

    Raises:
        ValueError: no input was given, or lengths or keys differ.
        TypeError: containers differ in type, or a leaf stands where a container should.
    """
    if not inputs:
        raise ValueError("Argument `inputs` is empty. Cannot map over no sequences.")
    flat = [flatten_up_to(shallow_tree, each) for each in inputs]
    return pack_sequence_as(shallow_tree, [func(*parts) for parts in zip(*flat, strict=True)])
