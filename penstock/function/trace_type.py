"""What a call's arguments look like to a trace: the key of the cache, and the tensors in "
"them."""

from __future__ import annotations

import inspect
import itertools
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock.core import dtypes, nest
from penstock.core.composite_tensor import CompositeTensor
from penstock.core.tensor_shape import TensorShape
from penstock.core.type_spec import TensorSpec, TypeSpec
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.tensor import Tensor
from penstock.runtime.variable import Variable


class Signature:
    """The parameters of a Python function, and how a call binds to them."""

    def __init__(self, function: Callable[..., Any]) -> None:
        try:
            self._signature: inspect.Signature | None = inspect.signature(function)
        except (TypeError, ValueError):
            self._signature = None
        parameters = (
            list(self._signature.parameters.values()) if self._signature is not None else []
        )
        self.names = [
            parameter.name
            for parameter in parameters
            if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        ]
        self._plain = all(
            parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
            for parameter in parameters
        )
        self.varargs = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), None)

    @property
    def python(self) -> inspect.Signature | None:
        """Python's own description, or None of a function that has none."""
        return self._signature

    def check_constraints(self, input_signature: Sequence[Any]) -> None:
        """Check that the specs of an input signature belong to the parameters.

        Raises:
            TypeError: a parameter has neither spec nor default, or there are more specs.
        """
        if self._signature is None:
            return
        left = len(input_signature)
        for parameter in self._signature.parameters.values():
            if parameter.name == "self" or parameter.kind is parameter.VAR_KEYWORD:
                continue
            if parameter.kind is parameter.VAR_POSITIONAL:
                left = 0
            elif left:
                left -= 1
            elif parameter.default is parameter.empty:
                raise TypeError(f"input_signature missing type constraint for {parameter.name}")
        if left:
            raise TypeError(f"input_signature contains {left} extra type constraints.")

    def takes(self, count: int) -> bool:
        """Whether a call with so many positional arguments has its canonical form."""
        return self._plain and count == len(self.names)

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Give a call its canonical form: positional as far as possible, with defaults.

        Raises:
            TypeError: the call does not fit the function.
        """
        if self._signature is None:
            return args, kwargs
        if not kwargs and self.takes(len(args)):
            return args, kwargs
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return bound.args, bound.kwargs


def leaf_key(leaf: Any) -> Any:
    """Part of the cache key for one flattened argument."""
    if isinstance(leaf, Tensor):
        shape = leaf.shape
        return ("tensor", leaf.dtype, None if shape.rank is None else tuple(shape.as_list()))
    if isinstance(leaf, Variable):
        return ("variable", _identity(leaf), leaf.dtype, tuple(leaf.shape.as_list()))
    if isinstance(leaf, (np.ndarray, np.generic)) and leaf.dtype.kind not in "OSU":
        # An array is the tensor that it becomes.
        return ("tensor", dtypes.as_dtype(leaf.dtype), tuple(leaf.shape))
    if isinstance(leaf, (np.ndarray, np.generic)):
        return ("tensor", dtypes.string, tuple(np.shape(leaf)))
    if isinstance(leaf, (bool, int, float, complex, str, bytes, type(None))):
        return (type(leaf), leaf)
    if isinstance(leaf, TypeSpec):
        return leaf
    told = getattr(type(leaf), "__tf_tracing_type__", None)
    if told is not None:
        # The object says itself what a trace is to know of it.
        return ("told", told(leaf, None))
    try:
        hash(leaf)
    except TypeError:
        return ("object", _identity(leaf))
    try:
        return weakref.ref(leaf)
    except TypeError:
        return leaf


_numbers = itertools.count()


def _identity(leaf: Any) -> Any:
    """A number that no other object ever has, where the object can carry one."""
    own = getattr(leaf, "__dict__", None)
    if not isinstance(own, dict):
        return id(leaf)
    number = own.get("_trace_identity")
    if number is None:
        number = own["_trace_identity"] = ("number", next(_numbers))
    return number


def is_tensor_leaf(leaf: Any) -> bool:
    """Whether a leaf becomes an input of the graph, not a constant of the trace."""
    return isinstance(leaf, (Tensor, np.ndarray, np.generic)) or (
        hasattr(type(leaf), "__tf_tensor__") and not isinstance(leaf, Variable)
    )


def as_input(leaf: Any) -> Any:
    """A tensor leaf as a tensor."""
    return leaf if isinstance(leaf, Tensor) else convert_to_tensor(leaf)


def spec_of(leaf: Any) -> TensorSpec:
    """The exact spec of a tensor leaf."""
    tensor = as_input(leaf)
    return TensorSpec(tensor.shape, tensor.dtype)


def structure_key(structure: Any) -> Any:
    """A hashable description of how arguments are nested, with composites as their specs."""
    if isinstance(structure, CompositeTensor):
        return ("composite", structure._type_spec)
    if isinstance(structure, dict):
        return (
            type(structure),
            tuple((key, structure_key(structure[key])) for key in sorted(structure, key=str)),
        )
    if isinstance(structure, (list, tuple)):
        return (type(structure), tuple(structure_key(item) for item in structure))
    if nest.is_nested(structure):
        return (type(structure), tuple(structure_key(item) for item in nest.flatten(structure)))
    return None


def relax(old: Sequence[Any], new: Sequence[Any]) -> list[TensorSpec] | None:
    """Specs that cover both lists of specs, with unknown sizes where they differ, or None."""
    result = []
    for a, b in zip(old, new, strict=True):
        if a.dtype != b.dtype:
            return None
        if a.shape.rank is None or b.shape.rank is None or a.shape.rank != b.shape.rank:
            shape = TensorShape(None)
        else:
            shape = TensorShape(
                [
                    x if x == y else None
                    for x, y in zip(a.shape.as_list(), b.shape.as_list(), strict=True)
                ]
            )
        result.append(TensorSpec(shape, a.dtype))
    return result
