"""The symbols of converted code: which are undefined, which are symbolic, what they hold."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from malt.operators.variables import Undefined, UndefinedReturnValue

from penstock.core import dtypes, nest
from penstock.core.tensor_shape import TensorShape
from penstock.graph.symbol import Symbol
from penstock.graph.tensor_array import TensorArray
from penstock.runtime.context import state
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.tensor import Tensor, TensorLike

State = tuple[Any, ...]
GetState = Callable[[], State]
SetState = Callable[[State], None]

_PLAIN = (bool, int, float, complex, str, bytes, np.ndarray, np.generic)


def is_symbolic(value: Any) -> bool:
    """Whether the truth of a value is not known yet."""
    return isinstance(value, Symbol) or (
        state.graph is not None
        and isinstance(value, TensorLike)
        and not isinstance(value, Tensor)
    )


def is_undefined(value: Any) -> bool:
    """Whether a symbol has no value yet."""
    return isinstance(value, (Undefined, UndefinedReturnValue))


def is_missing_return(name: str, value: Any) -> bool:
    """Whether a symbol holds what a function returns and nothing was returned yet."""
    return isinstance(value, UndefinedReturnValue) or name.startswith(("retval_", "do_return"))


def can_vary(value: Any) -> bool:
    """Whether a value can be an output of a branch or a variable of a loop."""
    return isinstance(value, (TensorLike, TensorArray, *_PLAIN)) or hasattr(
        type(value), "__tf_tensor__"
    )


def is_plain(value: Any) -> bool:
    """Whether a value is a Python or numpy value that a tensor can hold."""
    return isinstance(value, _PLAIN)


def is_same(a: Any, b: Any) -> bool:
    """Whether two Python values are one, or equal and of one type."""
    if a is b:
        return True
    if isinstance(a, TensorLike) or isinstance(b, TensorLike) or type(a) is not type(b):
        return False
    try:
        return bool(np.all(a == b)) if isinstance(a, np.ndarray) else bool(a == b)
    except Exception:  # noqa: BLE001  (any object's comparison may fail: then they differ)
        return False


def leaves_of(value: Any) -> list[Any]:
    """The leaves of a value, with ragged, sparse and other composite tensors taken apart.

    A TensorArray is a leaf: what is known of its elements goes along with it.
    """
    leaves: list[Any] = []
    for item in nest.flatten(value):
        if isinstance(item, TensorArray):
            leaves.append(item)
        else:
            leaves.extend(nest.flatten(item, expand_composites=True))
    return leaves


def packed(structure: Any, leaves: Sequence[Any]) -> Any:
    """A value like `structure` with other leaves."""
    given = iter(leaves)
    parts = []
    for item in nest.flatten(structure):
        if isinstance(item, TensorArray):
            parts.append(next(given))
        else:
            count = len(nest.flatten(item, expand_composites=True))
            own = list(itertools.islice(given, count))
            parts.append(nest.pack_sequence_as(item, own, expand_composites=True))
    return nest.pack_sequence_as(structure, parts)


def check_same_structure(a: Any, b: Any) -> None:
    """Check that two values are nested alike; arrays of tensors count as leaves.

    Raises:
        ValueError: they differ in the number of their parts.
        TypeError: they differ in the types of their parts.
    """
    nest.assert_same_structure(_without_arrays(a), _without_arrays(b), expand_composites=True)


def _without_arrays(value: Any) -> Any:
    return nest.map_structure(lambda leaf: 0 if isinstance(leaf, TensorArray) else leaf, value)


def copied(values: State) -> State:
    """The same values in lists and dicts of their own, which a block may change."""
    return tuple(
        nest.map_structure(lambda leaf: leaf, value) if nest.is_nested(value) else value
        for value in values
    )


def scalar(cond: Any) -> Any:
    """A condition as a boolean tensor."""
    tensor = convert_to_tensor(cond)
    if tensor.dtype is not dtypes.bool:
        tensor = call("NotEqual", tensor, zero(tensor.dtype))
    return tensor


def zero(dtype: Any) -> Any:
    """The zero, empty string or false of a dtype."""
    if dtype is dtypes.string:
        return convert_to_tensor("")
    return convert_to_tensor(False if dtype is dtypes.bool else 0, dtype)


def blank(dtype: Any, shape: TensorShape) -> Any:
    """A tensor that stands for a value which nobody looks at."""
    sizes = [1 if size is None else size for size in (shape.as_list() if shape.rank else [])]
    return call("Fill", np.asarray(sizes, np.int32), zero(dtype))
