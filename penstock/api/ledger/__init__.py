"""TensorFlow's public names, as a list: what penstock is compared with.

The list holds facts about TensorFlow (names, kinds, parameters), written by a script that runs
there. Whoever asks for a name that is on the list, and not here, is told so.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any, Final

_PLACE: Final = Path(__file__).parent
VERSION: Final = "2.21"


@dataclass(frozen=True, slots=True)
class Entry:
    """One public name of TensorFlow.

    Args:
        name: without `tf.`.
        kind: "function", "class", "module" or "constant".
        parameters: texts such as `x`, `axis=None`, `*args`; None where they are not known.
        members: names that a class adds to those of its public bases.
    """

    name: str
    kind: str
    parameters: tuple[str, ...] | None
    members: tuple[str, ...] = ()


@functools.cache
def entries() -> Mapping[str, Entry]:
    """Every public name of TensorFlow."""
    text = (_PLACE / "tensorflow_2_21.txt").read_text(encoding="utf-8")
    found = map(_entry, (line for line in text.splitlines() if not line.startswith("#")))
    return MappingProxyType({entry.name: entry for entry in found})


@functools.cache
def tested() -> frozenset[str]:
    """Names whose values were compared with those that TensorFlow gave, and were the same."""
    text = (_PLACE / "tested.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.splitlines() if not line.startswith("#"))


def _entry(line: str) -> Entry:
    name, _, rest = line.partition(" ")
    kind, _, rest = rest.partition(" ")
    if not rest.startswith("("):
        return Entry(name, kind, None, tuple(rest.replace("?", "").split()))
    end = _closing(rest)
    return Entry(name, kind, split(rest[1:end]), tuple(rest[end + 1 :].split()))


def _closing(text: str) -> int:
    """Position of the bracket that closes the first one."""
    return next(i for i, depth in _depths(text) if depth == 0 and text[i] == ")")


def split(text: str) -> tuple[str, ...]:
    """Parameters of a list of them: the commas inside brackets and texts belong to defaults."""
    parts, start = [], 0
    for i, depth in _depths(text):
        if depth == 0 and text[i] == ",":
            parts.append(text[start:i].strip())
            start = i + 1
    parts.append(text[start:].strip())
    return tuple(part for part in parts if part)


def _depths(text: str) -> list[tuple[int, int]]:
    """Each position outside of quoted texts, and how many brackets are open behind it."""
    found, depth, quote = [], 0, ""
    for i, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
            continue
        if letter in "'\"":
            quote = letter
            continue
        depth += (letter in "([{") - (letter in ")]}")
        found.append((i, depth))
    return found


def absence(namespace: str, name: str) -> str:
    """What to tell whoever asks `namespace`, such as "tf.math", for a name that it lacks."""
    full = f"{namespace}.{name}"
    if name.startswith("_"):
        return f"module {namespace!r} has no attribute {name!r}"
    message = f"{full} is not a name of TensorFlow {VERSION}"
    if full.removeprefix("tf.") in entries():
        message = f"TensorFlow {VERSION} has {full}, but it is not implemented here"
    return f"module {namespace!r} has no attribute {name!r}: {message}"


def explain_absences(module: ModuleType, namespace: str) -> None:
    """Let a namespace say of each name that it lacks whether TensorFlow has it."""
    own: Any = vars(module).get("__getattr__")

    def missing(name: str) -> Any:
        known = not name.startswith("__") and f"{namespace}.{name}"[3:] in entries()
        if own is not None:
            try:
                return own(name)
            except AttributeError:
                if not known:
                    raise
        raise AttributeError(absence(namespace, name))

    module.__getattr__ = missing  # type: ignore[method-assign]


def explain_all(root: ModuleType) -> None:
    """Do so for every namespace that `root`, the module of users, has at this moment."""
    for name, space in list(vars(root).items()):
        if _is_namespace(space) and not name.startswith("_"):
            explain_absences(space, f"tf.{name}")
            for inner, deeper in list(vars(space).items()):
                if _is_namespace(deeper) and f"{name}.{inner}" in _INNER:
                    explain_absences(deeper, f"tf.{name}.{inner}")


# Namespaces inside of others. compat.v1 speaks for itself.
_INNER: Final = frozenset(
    {"linalg.experimental", "nn.experimental", "random.experimental", "config.experimental"}
    | {"dtypes.experimental", "autograph.experimental", "io.gfile", "strings.experimental"}
)
_HOMES: Final = ("penstock.api.", "penstock.core.errors")


def _is_namespace(value: Any) -> bool:
    return isinstance(value, ModuleType) and value.__name__.startswith(_HOMES)
