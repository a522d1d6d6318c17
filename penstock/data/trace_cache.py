"""Traces of functions of libraries, which make the same pipeline again and again.

Keras builds a fresh pipeline, from fresh closures, in every `predict`. A trace is used again
when the code is the same and everything the closure holds is a plain value that is equal;
globals of an installed library count as fixed. Functions of users are traced whenever they are
passed, as in TensorFlow, because what they read may have changed.

An object in the closure, such as the `self` of the method around, counts by the values of those
of its attributes that the code reads, when it does nothing else with the object.
"""

from __future__ import annotations

import dis
import functools
import itertools
import sys
import threading
import types
import weakref
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from penstock.core.dtypes import DType
from penstock.core.tensor_shape import TensorShape
from penstock.runtime import random_state
from penstock.runtime.context import state

T = TypeVar("T")

_OURS = str(Path(__file__).resolve().parent.parent)
_TRACES_PER_CODE = 16

_traces: weakref.WeakKeyDictionary[types.CodeType, OrderedDict[Any, Any]] = (
    weakref.WeakKeyDictionary()
)
_lock = threading.Lock()


def remembered(function: Callable[..., Any], context: Any, make: Callable[[], T]) -> T:
    """Return the trace of such a function in such a context; it is made when there is none.

    Args:
        function: what is traced.
        context: hashable; what else the trace depends on.
        make: makes the trace.
    """
    key = _key(function)
    if key is None or state.graph is not None:
        return make()
    full = (key, _hashable(context), random_state.global_seed(), state.device)
    code = function.__code__
    with _lock:
        found = _traces.setdefault(code, OrderedDict())
        trace = found.get(full)
        if trace is not None:
            found.move_to_end(full)
            return trace  # type: ignore[no-any-return]
    trace = make()
    with _lock:
        found[full] = trace
        while len(found) > _TRACES_PER_CODE:
            found.popitem(last=False)
    return trace


def _hashable(context: Any) -> Any:
    if isinstance(context, dict):
        return (dict, tuple((name, _hashable(value)) for name, value in context.items()))
    if isinstance(context, (tuple, list)):
        return (type(context), tuple(_hashable(part) for part in context))
    return context


def _key(function: Any) -> Any:
    """What a trace of a library's function depends on; None when that cannot be told."""
    if type(function) is not types.FunctionType or not _is_library(function.__code__):
        return None
    values = list(function.__defaults__ or ())
    values += (function.__kwdefaults__ or {}).values()
    code = function.__code__
    names = code.co_freevars
    try:
        for name, cell in zip(names, function.__closure__ or (), strict=True):
            values += _parts_read(code, name, cell.cell_contents)
    except ValueError:  # an empty cell
        return None
    parts = tuple(_frozen(value) for value in values)
    # Equal code of two modules is equal, and yet means something else.
    return None if None in parts else (code.co_filename, id(function.__globals__), parts)


def _parts_read(code: types.CodeType, name: str, value: Any) -> list[Any]:
    """What a trace depends on of a value in the closure: itself, or some of its attributes."""
    if _frozen(value) is not None:
        return [value]
    attributes = _attributes_read(code, name)
    own = getattr(value, "__dict__", None)
    if attributes is None or own is None or not all(each in own for each in attributes):
        return [value]
    return [own[each] for each in attributes]


@functools.lru_cache(maxsize=256)
def _attributes_read(code: types.CodeType, name: str) -> tuple[str, ...] | None:
    """Attributes that code reads of a variable of its closure; None when it does more."""
    inner = [const for const in code.co_consts if isinstance(const, types.CodeType)]
    if any(name in const.co_freevars for const in inner):
        return None
    found = []
    steps = [step for step in dis.get_instructions(code) if step.opname != "CACHE"]
    for step, after in itertools.pairwise(steps):
        if step.opname in {"COPY_FREE_VARS", "RESUME"} or step.argval != name:
            continue
        # From Python 3.12 on the lowest bit marks a method that is about to be called.
        is_method = sys.version_info >= (3, 12) and (after.arg or 0) & 1
        if step.opname != "LOAD_DEREF" or after.opname != "LOAD_ATTR" or is_method:
            return None
        found.append(after.argval)
    return tuple(dict.fromkeys(found))


def _is_library(code: types.CodeType) -> bool:
    name = code.co_filename
    return "site-packages" in name or name.startswith(_OURS)


_PLAIN = (bool, int, float, complex, str, bytes, DType, TensorShape)


def _frozen(value: Any) -> Any:
    """A hashable stand-in for a plain value, None for anything that may change."""
    if value is None:
        return (None,)
    if type(value) in _PLAIN:
        return (type(value), value)
    if type(value) is tuple:
        parts = tuple(_frozen(part) for part in value)
        return None if None in parts else parts
    if isinstance(value, types.FunctionType):
        own = _key(value)
        return None if own is None else (value.__code__, own)
    if _is_module(value):
        return ("module", id(value))
    return None


def _is_module(value: Any) -> bool:
    if isinstance(value, types.ModuleType):
        return sys.modules.get(value.__name__) is value
    # Keras' stand-in for a module that is imported on first use.
    return type(value).__name__ == "LazyModule" and type(value).__module__.startswith("keras.")
