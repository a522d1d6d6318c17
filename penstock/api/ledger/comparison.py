"""penstock against the list of TensorFlow's names: the same, partial or absent."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

from penstock.api.ledger import Entry, entries, tested
from penstock.core.dtypes import DType

State = Literal["same", "partial", "absent"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How penstock stands to one name.

    Args:
        name: without `tf.`.
        kind: what TensorFlow has there.
        state: same, partial or absent.
        difference: what differs, for "partial".
        is_tested: whether its values were compared with TensorFlow's.
    """

    name: str
    kind: str
    state: State
    difference: str = ""
    is_tested: bool = False


def compare(root: ModuleType) -> Iterator[Verdict]:
    """Compare the namespace `root` (what users call `tf`) with the list, name by name."""
    # What was tested under one of its names was tested under all of them.
    known = {id(_find(root, name)) for name in tested() if _has(root, name)}
    for entry in entries().values():
        try:
            found = _find(root, entry.name)
        except (AttributeError, ModuleNotFoundError):
            yield Verdict(entry.name, entry.kind, "absent")
            continue
        difference = _difference(entry, found)
        state: State = "partial" if difference else "same"
        yield Verdict(entry.name, entry.kind, state, difference, id(found) in known)


def _has(root: ModuleType, name: str) -> bool:
    try:
        _find(root, name)
    except (AttributeError, ModuleNotFoundError):
        return False
    return True


def _find(root: ModuleType, name: str) -> Any:
    found: Any = root
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _difference(entry: Entry, found: Any) -> str:
    if entry.kind == "class":
        if not inspect.isclass(found):
            return "is no class"
        return _lacking_members(entry, found) or _other_parameters(entry, found)
    if entry.kind == "function":
        return _other_parameters(entry, found) if callable(found) else "cannot be called"
    return ""


def _lacking_members(entry: Entry, found: Any) -> str:
    known = {name for base in found.__mro__ for name in vars(base).get("__annotations__", ())}
    # Fields of options are set on each object; such an object is made without arguments.
    sample = found() if entry.name.endswith("Options") else found
    lacking = [
        name for name in entry.members if name not in known and not hasattr(sample, name)
    ]
    return f"lacks {', '.join(lacking)}" if lacking else ""


def _other_parameters(entry: Entry, found: Any) -> str:
    wanted = entry.parameters
    if wanted is None:
        return ""
    given = parameters(found)
    if given is None or given == wanted:
        return ""
    if all(part.startswith("*") for part in wanted):
        return ""  # TensorFlow does not say what it takes
    names, ours = [_name(part) for part in wanted], [_name(part) for part in given]
    if "**kwargs" in ours and "**kwargs" not in names:
        return ""  # takes every keyword, and looks at them itself
    if "*args" in ours and set(names) <= set(ours):
        return ""  # sorts out what comes by position itself
    if names != ours:
        lacking = [name for name in names if name not in ours]
        return f"takes no {', '.join(lacking)}" if lacking else _order(names, ours)
    defaults = [
        f"{name}={_default(ours)} for {_default(theirs)}"
        for name, ours, theirs in zip(names, given, wanted, strict=True)
        if not _are_alike(_default(ours), _default(theirs))
    ]
    return f"has {', '.join(defaults)}" if defaults else ""


def _are_alike(ours: str, theirs: str) -> bool:
    if "..." in (ours, theirs):
        return True
    brackets = str.maketrans("[]", "()")
    return ours.translate(brackets) == theirs.translate(brackets)


def _order(names: list[str], ours: list[str]) -> str:
    return "" if ours[: len(names)] == names else f"takes {', '.join(ours)}"


def _name(part: str) -> str:
    return part.partition("=")[0]


def _default(part: str) -> str:
    return part.partition("=")[2] or "none"


def parameters(value: Any) -> tuple[str, ...] | None:
    """Parameters of a function or class as the list writes them; None when they are unknown."""
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):
        return None
    parts: list[str] = []
    starred = False
    for parameter in signature.parameters.values():
        text = parameter.name
        if parameter.kind is parameter.VAR_POSITIONAL:
            starred, text = True, f"*{text}"
        elif parameter.kind is parameter.VAR_KEYWORD:
            text = f"**{text}"
        elif parameter.kind is parameter.KEYWORD_ONLY and not starred:
            starred = True
            parts.append("*")
        if parameter.default is not parameter.empty:
            text = f"{text}={_text_of_default(parameter.default)}"
        parts.append(text)
    return tuple(parts)


def _text_of_default(value: Any) -> str:
    if isinstance(value, DType):
        return f"tf.{value.name}"
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, (bool, int, float, str, bytes, type(None), tuple, list, dict)):
        text = repr(value)
        return text if "<" not in text else "..."
    return "..."
