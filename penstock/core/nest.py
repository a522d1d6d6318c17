"""Nested structures: lists, tuples, dicts and their kin, with tensors as leaves.

Dicts are walked in the order of their sorted keys. What counts as a structure is said in
`nest_kinds`; sets, strings and arrays are leaves.
"""

# ruff: noqa: SLF001  (the underscored methods are the protocol of composites and specs)
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from penstock.core import nest_kinds
from penstock.core.nest_kinds import CORE, EXPANDED, MAPPINGS, WITH_COMPOSITES, Kind, Kinds

_Path = tuple[Any, ...]


def is_nested(seq: Any) -> bool:
    """Tell whether `seq` is a structure with children, and no leaf."""
    return CORE[type(seq)] is not None


def is_nested_or_composite(structure: Any) -> bool:
    """Tell whether `structure` has children when composites are expanded."""
    return WITH_COMPOSITES[type(structure)] is not None


def is_mapping(structure: Any) -> bool:
    """Tell whether `structure` is walked by its keys."""
    return CORE[type(structure)] in MAPPINGS


def is_attrs(structure: Any) -> bool:
    """Tell whether `structure` is an instance of an attrs class."""
    return CORE[type(structure)] is nest_kinds.ATTRS


def is_namedtuple(instance: Any, strict: bool = False) -> bool:
    """Tell whether `instance` is a named tuple; if `strict`, not of a subclass of one."""
    cls = type(instance)
    return nest_kinds.is_namedtuple_class(cls) and (not strict or cls.__bases__ == (tuple,))


def same_namedtuples(first: Any, second: Any) -> bool:
    """Tell whether two named tuples have the same class name and fields."""
    one, two = type(first), type(second)
    return one.__name__ == two.__name__ and one._fields == two._fields


def sequence_like(instance: Any, args: Sequence[Any]) -> Any:
    """Build a structure like `instance` with other children, given in flattening order."""
    kind = WITH_COMPOSITES[type(instance)]
    if kind is None:
        return type(instance)(args)
    return kind.build(instance, list(args))


def flatten(structure: Any, expand_composites: bool = False) -> list[Any]:
    """Return the leaves of a structure; a leaf gives a list of itself.

    Args:
        structure: any value.
        expand_composites: take ragged, sparse and other composite tensors apart.

    Raises:
        TypeError: a dict has keys that cannot be sorted.

    Example:
        >>> flatten({"b": 1, "a": (2, [3])})
        [2, 3, 1]
    """
    return flatten_by(WITH_COMPOSITES if expand_composites else CORE, structure)


def flatten_by(kinds: Kinds, structure: Any) -> list[Any]:
    """Return the leaves of what `kinds` calls a structure."""
    kind = kinds[type(structure)]
    if kind is None:
        return [structure]
    leaves: list[Any] = []
    _collect(kinds, kind, structure, leaves)
    return leaves


def _collect(kinds: Kinds, kind: Kind, structure: Any, leaves: list[Any]) -> None:
    for child in kind.values(structure):
        child_kind = kinds[type(child)]
        if child_kind is None:
            leaves.append(child)
        else:
            _collect(kinds, child_kind, child, leaves)


def pack_sequence_as(
    structure: Any, flat_sequence: Any, expand_composites: bool = False
) -> Any:
    """Build a structure like `structure` with the leaves of `flat_sequence`.

    Raises:
        TypeError: `flat_sequence` is a leaf.
        ValueError: its length is not the number of leaves.
    """
    kinds = WITH_COMPOSITES if expand_composites else CORE
    if kinds[type(flat_sequence)] is None:
        raise TypeError(
            f"Attempted to pack value:\n  {_shorten(flat_sequence)}\ninto a structure, "
            f"but found incompatible type `{type(flat_sequence)}` instead."
        )
    kind = kinds[type(structure)]
    if kind is None:
        if len(flat_sequence) != 1:
            raise ValueError(
                f"The target structure is of type `{type(structure)}`\n"
                f"  {_shorten(structure)}\nHowever the input is a sequence "
                f"({type(flat_sequence)}) of length {len(flat_sequence)}.\n"
                f"  {_shorten(flat_sequence)}\nnest cannot guarantee "
                "that it is safe to map one to the other."
            )
        return flat_sequence[0]
    leaves = iter(_leaves_of_flat(flat_sequence))
    try:
        packed = pack_by(kinds, kind, structure, leaves)
        complete = next(leaves, _END) is _END
    except StopIteration:
        complete = False
    if not complete:
        raise ValueError(
            "Could not pack sequence. Structure had "
            f"{len(flatten_by(kinds, structure))} atoms, but flat_sequence had "
            f"{len(flat_sequence)} items.  Structure: {structure}, "
            f"flat_sequence: {flat_sequence}."
        )
    return packed


_END = object()


def _leaves_of_flat(flat_sequence: Any) -> Sequence[Any]:
    if isinstance(flat_sequence, Mapping):
        # TensorFlow indexes it with 0, 1, ...; a dict is no sequence unless its keys are that.
        return [flat_sequence[index] for index in range(len(flat_sequence))]
    return flat_sequence  # type: ignore[no-any-return]


def pack_by(kinds: Kinds, kind: Kind, structure: Any, leaves: Iterator[Any]) -> Any:
    """Build a structure like `structure`, taking leaves one by one.

    Raises:
        StopIteration: there are too few.
    """
    children = []
    for child in kind.values(structure):
        child_kind = kinds[type(child)]
        if child_kind is None:
            children.append(next(leaves))
        else:
            children.append(pack_by(kinds, child_kind, child, leaves))
    return kind.build(structure, children)


def _shorten(value: Any, length: int = 100) -> str:
    text = str(value)
    return text if len(text) <= length else text[:length] + "..."


def map_structure(func: Callable[..., Any], *structure: Any, **kwargs: Any) -> Any:
    """Call `func` on the leaves of one or more structures and pack the results alike.

    Args:
        func: takes one leaf of each structure.
        structure: structures of the same form; the result is like the first.
        **kwargs: `check_types` (true: containers must have the same types too) and
            `expand_composites` (false).

    Raises:
        TypeError: `func` cannot be called, or containers differ in type.
        ValueError: no structure was given, or they differ in form.
    """
    check_types = kwargs.pop("check_types", True)
    expand_composites = kwargs.pop("expand_composites", False)
    if not callable(func):
        raise TypeError(f"func must be callable, got: {func}")
    if not structure:
        raise ValueError("Must provide at least one structure")
    if kwargs:
        raise ValueError(
            "Only valid keyword arguments are `check_types` and `expand_composites`, not: "
            f"`{'`, `'.join(kwargs)}`"
        )
    kinds = WITH_COMPOSITES if expand_composites else CORE
    first = structure[0]
    kind = kinds[type(first)]
    for other in structure[1:]:
        assert_same_structure(first, other, check_types, expand_composites)
    if kind is None:
        return func(*structure)
    if len(structure) == 1:
        return _map_one(kinds, kind, func, first)
    flat = [flatten_by(kinds, each) for each in structure]
    return pack_by(
        kinds, kind, first, iter([func(*leaves) for leaves in zip(*flat, strict=True)])
    )


def _map_one(kinds: Kinds, kind: Kind, func: Callable[[Any], Any], structure: Any) -> Any:
    children = []
    for child in kind.values(structure):
        child_kind = kinds[type(child)]
        if child_kind is None:
            children.append(func(child))
        else:
            children.append(_map_one(kinds, child_kind, func, child))
    return kind.build(structure, children)


def assert_same_structure(
    nest1: Any, nest2: Any, check_types: bool = True, expand_composites: bool = False
) -> None:
    """Raise unless two structures are nested in the same way.

    Args:
        nest1: a structure.
        nest2: another.
        check_types: containers must be of the same type; lists of different classes count as
            the same, so do mappings, and named tuples of the same name and fields.
        expand_composites: look into composite tensors; a spec matches a value.

    Raises:
        ValueError: the number or position of the children differs.
        TypeError: `check_types`, and the containers differ in type.
    """
    kinds = WITH_COMPOSITES if expand_composites else CORE
    try:
        assert_same_by(kinds, nest1, nest2, check_types)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"{error}\nEntire first structure:\n{_skeleton(nest1)}\n"
            f"Entire second structure:\n{_skeleton(nest2)}"
        ) from None


def assert_same_by(kinds: Kinds, nest1: Any, nest2: Any, check_types: bool) -> None:
    """Raise unless two structures are nested in the same way, as `kinds` sees them."""
    try:
        _compare(kinds, nest1, nest2, check_types)
    except (TypeError, ValueError) as error:
        raise type(error)(
            "The two structures don't have the same nested structure.\n\n"
            f"First structure: {_named(nest1)}\n\nSecond structure: {_named(nest2)}\n\n"
            f"More specifically: {error}"
        ) from None


def _compare(kinds: Kinds, first: Any, second: Any, check_types: bool) -> None:
    one, two = kinds[type(first)], kinds[type(second)]
    if one is None and two is None:
        return
    if one is None or two is None:
        inner, leaf = (first, second) if one is not None else (second, first)
        raise ValueError(
            f'Substructure "{_named(inner)}" is a sequence, while substructure '
            f'"{_named(leaf)}" is not'
        )
    if one in EXPANDED and two in EXPANDED:
        _compare_specs(first, second, one, two)
    elif check_types:
        _compare_types(first, second, one, two)
    mine, theirs = one.values(first), two.values(second)
    if len(mine) != len(theirs):
        raise ValueError(
            "The two structures don't have the same number of elements. "
            f"First structure: {_named(first)}. Second structure: {_named(second)}"
        )
    for child, other in zip(mine, theirs, strict=True):
        _compare(kinds, child, other, check_types)


def _compare_types(first: Any, second: Any, one: Kind, two: Kind) -> None:
    if one in MAPPINGS and two in MAPPINGS:
        if set(first) != set(second):
            raise ValueError(
                "The two dictionaries don't have the same set of keys. First structure has "
                f"keys {list(first)}, while second structure has keys {list(second)}"
            )
    elif one is nest_kinds.NAMED_TUPLE and two is nest_kinds.NAMED_TUPLE:
        if not same_namedtuples(first, second):
            raise TypeError(
                "The two namedtuples don't have the same sequence type. First structure "
                f"{_named(first)}, while second structure {_named(second)}"
            )
    elif type(first) is not type(second) and not (
        isinstance(first, list) and isinstance(second, list)
    ):
        raise TypeError(
            "The two structures don't have the same sequence type. First structure has type "
            f"{type(first).__name__}, while second structure has type {type(second).__name__}"
        )


def _compare_specs(first: Any, second: Any, one: Kind, two: Kind) -> None:
    mine = first if one is nest_kinds.SPEC else first._type_spec
    theirs = second if two is nest_kinds.SPEC else second._type_spec
    mine, theirs = mine._without_tensor_names(), theirs._without_tensor_names()
    if mine.most_specific_common_supertype([theirs]) is None:
        raise ValueError(f"Incompatible CompositeTensor TypeSpecs: {mine} vs. {theirs}")


def _named(value: Any) -> str:
    return f"type={type(value).__name__} str={_shorten(value, 1000)}"


class _Dot:
    """Stands for a leaf in messages."""

    def __repr__(self) -> str:
        return "."


def _skeleton(structure: Any) -> str:
    try:
        return str(map_structure(lambda _: _Dot(), structure))
    except Exception:  # noqa: BLE001  (a class that refuses the dots must not hide the message)
        return _shorten(structure, 1000)


def assert_shallow_structure(
    shallow_tree: Any,
    input_tree: Any,
    check_types: bool = True,
    expand_composites: bool = False,
) -> None:
    """Raise unless `input_tree` has at least the structure of `shallow_tree`.

    Raises:
        TypeError: containers differ in type, or a leaf stands where a container should.
        ValueError: lengths or keys differ.
    """
    kinds = WITH_COMPOSITES if expand_composites else CORE
    shallow_by(kinds, shallow_tree, input_tree, check_types)


def shallow_by(kinds: Kinds, shallow: Any, deep: Any, check_types: bool) -> None:
    """Raise unless `deep` has at least the structure of `shallow`, as `kinds` sees them."""
    one = kinds[type(shallow)]
    if one is None:
        return
    two = kinds[type(deep)]
    if two is None:
        raise TypeError(
            "If shallow structure is a sequence, input must also be a sequence. "
            f"Input has type: {type(deep)}."
        )
    if check_types and not _types_agree(shallow, deep, one, two):
        raise TypeError(
            "The two structures don't have the same sequence type. Input structure has type "
            f"{type(deep)}, while shallow structure has type {type(shallow)}."
        )
    if one in EXPANDED or two in EXPANDED:
        if not (one in EXPANDED and two in EXPANDED):
            raise TypeError(
                "The two structures don't have the same sequence type. Input structure has "
                f"type {type(deep)}, while shallow structure has type {type(shallow)}."
            )
        _compare_specs(shallow, deep, one, two)
    _compare_children(shallow, deep, one, two)
    for child, other in zip(one.values(shallow), two.values(deep), strict=True):
        shallow_by(kinds, child, other, check_types)


def _types_agree(shallow: Any, deep: Any, one: Kind, two: Kind) -> bool:
    if isinstance(deep, type(shallow)):
        return True
    if one is nest_kinds.NAMED_TUPLE and two is nest_kinds.NAMED_TUPLE:
        return same_namedtuples(shallow, deep)
    return (
        (isinstance(shallow, list) and isinstance(deep, list))
        or (one in EXPANDED and two in EXPANDED)
        or (one in MAPPINGS and two in MAPPINGS)
    )


def _compare_children(shallow: Any, deep: Any, one: Kind, two: Kind) -> None:
    mine, theirs = len(one.values(shallow)), len(two.values(deep))
    if mine != theirs:
        raise ValueError(
            "The two structures don't have the same sequence length. Input structure has "
            f"length {theirs}, while shallow structure has length {mine}."
        )
    if one in MAPPINGS:
        absent = set(shallow) - set(deep if two in MAPPINGS else two.keys(deep))
        if absent:
            raise ValueError(
                "The shallow_tree's keys are not a subset of the input_tree's keys. The "
                "shallow_tree has the following keys that are not in the input_tree: "
                f"{sorted(absent)}."
            )


def yield_flat_up_to(kinds: Kinds, shallow: Any, deep: Any, path: _Path = ()) -> Iterator[Any]:
    """Yield (path, part of `deep`) for each leaf of `shallow`."""
    kind = kinds[type(shallow)]
    if kind is None:
        yield path, deep
        return
    deep_kind = kinds[type(deep)]
    if deep_kind is None:
        raise TypeError(f"expected a structure like {shallow}, got the leaf {deep}")
    parts = dict(zip(deep_kind.keys(deep), deep_kind.values(deep), strict=True))
    for key, child in zip(kind.keys(shallow), kind.values(shallow), strict=True):
        yield from yield_flat_up_to(kinds, child, parts[key], (*path, key))


def flatten_up_to(
    shallow_tree: Any,
    input_tree: Any,
    check_types: bool = True,
    expand_composites: bool = False,
) -> list[Any]:
    """Return the parts of `input_tree` that stand where `shallow_tree` has leaves.

    Raises:
        TypeError: containers differ in type, or a leaf stands where a container should.
        ValueError: lengths or keys differ.
    """
    found = flatten_with_tuple_paths_up_to(
        shallow_tree, input_tree, check_types, expand_composites
    )
    return [part for _, part in found]


def flatten_with_tuple_paths_up_to(
    shallow_tree: Any,
    input_tree: Any,
    check_types: bool = True,
    expand_composites: bool = False,
) -> list[tuple[_Path, Any]]:
    """Return (path, part of `input_tree`) for each leaf of `shallow_tree`."""
    kinds = WITH_COMPOSITES if expand_composites else CORE
    shallow_by(kinds, shallow_tree, input_tree, check_types)
    return list(yield_flat_up_to(kinds, shallow_tree, input_tree))


def map_structure_up_to(
    shallow_tree: Any, func: Callable[..., Any], *inputs: Any, **kwargs: Any
) -> Any:
    """Call `func` on the parts of `inputs` that stand where `shallow_tree` has leaves.

    Returns:
        A structure like `shallow_tree` of the results. Keywords other than `check_types` and
        `expand_composites` are handed to `func`.
    """

    def without_path(_path: _Path, *parts: Any, **rest: Any) -> Any:
        return func(*parts, **rest)

    return map_structure_with_tuple_paths_up_to(shallow_tree, without_path, *inputs, **kwargs)


def map_structure_with_tuple_paths_up_to(
    shallow_tree: Any, func: Callable[..., Any], *inputs: Any, **kwargs: Any
) -> Any:
    """Like `map_structure_up_to`; `func` takes the path, a tuple of keys, before the parts."""
    if not inputs:
        raise ValueError("Cannot map over no sequences")
    check_types = kwargs.pop("check_types", True)
    expand_composites = kwargs.pop("expand_composites", False)
    flat = [
        flatten_with_tuple_paths_up_to(shallow_tree, each, check_types, expand_composites)
        for each in inputs
    ]
    results = [
        func(parts[0][0], *(part for _, part in parts), **kwargs)
        for parts in zip(*flat, strict=True)
    ]
    return pack_sequence_as(shallow_tree, results, expand_composites)


def map_structure_with_tuple_paths(
    func: Callable[..., Any], *structure: Any, **kwargs: Any
) -> Any:
    """Like `map_structure`; `func` takes the path, a tuple of keys, before the leaves."""
    if not structure:
        raise ValueError("Must provide at least one structure")
    return map_structure_with_tuple_paths_up_to(structure[0], func, *structure, **kwargs)


def map_structure_with_paths(func: Callable[..., Any], *structure: Any, **kwargs: Any) -> Any:
    """Like `map_structure`; `func` takes the path, joined with `/`, before the leaves."""

    def with_text(path: _Path, *leaves: Any, **rest: Any) -> Any:
        return func("/".join(str(key) for key in path), *leaves, **rest)

    return map_structure_with_tuple_paths(with_text, *structure, **kwargs)


def yield_flat_paths(structure: Any, expand_composites: bool = False) -> Iterator[_Path]:
    """Yield the path of each leaf, a tuple of keys."""
    kinds = WITH_COMPOSITES if expand_composites else CORE
    for path, _ in yield_flat_up_to(kinds, structure, structure):
        yield path


def yield_flattened_up_to(
    shallow_tree: Any,
    input_tree: Any,
    check_types: bool = True,
    expand_composites: bool = False,
) -> Iterator[Any]:
    """Yield the parts of `input_tree` that stand where `shallow_tree` has leaves."""
    yield from flatten_up_to(shallow_tree, input_tree, check_types, expand_composites)


def flatten_with_tuple_paths(
    structure: Any, expand_composites: bool = False
) -> list[tuple[_Path, Any]]:
    """Return (path, leaf) for each leaf; a path is a tuple of keys."""
    kinds = WITH_COMPOSITES if expand_composites else CORE
    return list(yield_flat_up_to(kinds, structure, structure))


def flatten_with_joined_string_paths(
    structure: Any, separator: str = "/", expand_composites: bool = False
) -> list[tuple[str, Any]]:
    """Return (path, leaf) for each leaf; a path is the keys joined with `separator`."""
    return [
        (separator.join(str(key) for key in path), leaf)
        for path, leaf in flatten_with_tuple_paths(structure, expand_composites)
    ]


def list_to_tuple(structure: Any) -> Any:
    """Return the structure with tuples for lists."""
    kind = CORE[type(structure)]
    if kind is None:
        return structure
    children = [list_to_tuple(child) for child in kind.values(structure)]
    return tuple(children) if isinstance(structure, list) else kind.build(structure, children)


def get_traverse_shallow_structure(
    traverse_fn: Callable[[Any], Any], structure: Any, expand_composites: bool = False
) -> Any:
    """Return the upper part of a structure, as far as `traverse_fn` wants to go down.

    Args:
        traverse_fn: says of a part whether to look into it: true or false, or one of them for
            each child, packed like the part.
        structure: any value.
        expand_composites: take composite tensors apart.

    Returns:
        A structure of booleans, false where the walk stopped.

    Raises:
        TypeError: `traverse_fn` answered with something else.
    """
    kinds = WITH_COMPOSITES if expand_composites else CORE
    answer = traverse_fn(structure)
    kind = kinds[type(structure)]
    if kind is None:
        if not isinstance(answer, bool):
            raise TypeError(
                f"traverse_fn returned structure: {answer} for non-structure: {structure}"
            )
        return answer
    if answer is False:
        return False
    children = kind.values(structure)
    wanted: Sequence[Any] = [True] * len(children)
    if answer is not True:
        answer_kind = kinds[type(answer)]
        if answer_kind is None:
            raise TypeError(
                f"traverse_fn returned a non-bool scalar: {answer} for input: {structure}"
            )
        assert_shallow_structure(answer, structure, expand_composites=expand_composites)
        wanted = answer_kind.values(answer)
        if not all(isinstance(each, bool) for each in wanted):
            raise TypeError(
                f"traverse_fn didn't return a depth=1 structure of bools.  saw: {answer}  "
                f"for structure: {structure}"
            )
    level = [
        get_traverse_shallow_structure(traverse_fn, child, expand_composites) if go else False
        for child, go in zip(children, wanted, strict=True)
    ]
    return kind.build(structure, level)
