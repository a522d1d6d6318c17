"""Python functions among tensors: `tf.py_function`, `tf.numpy_function`."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock.core import dtypes, errors, nest
from penstock.core.type_spec import TypeSpec
from penstock.ops.script import Token
from penstock.runtime.context import init_scope, state
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.tape import GradientTape
from penstock.runtime.tensor import EagerTensor, wrap

__all__ = ["numpy_function", "py_function"]

_numbers = itertools.count()

# Runs that are remembered for their gradients; a function in a loop runs more than once.
_REMEMBERED = 16

_CLASSES: dict[type[BaseException], type[errors.OpError]] = {
    TypeError: errors.InvalidArgumentError,
    ValueError: errors.InvalidArgumentError,
    StopIteration: errors.OutOfRangeError,
    MemoryError: errors.ResourceExhaustedError,
    NotImplementedError: errors.UnimplementedError,
}


def _in_words_of_tensorflow(error: Exception) -> errors.OpError:
    """The error that TensorFlow makes of one that a Python function raised."""
    if isinstance(error, errors.OpError):
        return error
    kinds = (found for kind, found in _CLASSES.items() if isinstance(error, kind))
    return next(kinds, errors.UnknownError)(f"{type(error).__name__}: {error}")


class _TensorScript:
    """A function of tensors, with the tapes of its last runs.

    Args:
        function: takes tensors and returns one or several.
        name: how errors call it.
        taped: whether runs are recorded for gradients.
    """

    def __init__(self, function: Callable[..., Any], name: str, *, taped: bool = True) -> None:
        self.token = Token(f"{name}_{next(_numbers)}", self)
        self.runs: deque[tuple[Sequence[Any], Any]] = deque(maxlen=_REMEMBERED)
        self._function = function
        self._name = name
        self._taped = taped
        self._lock = threading.Lock()

    def run(
        self, values: Sequence[Any], kinds: Sequence[Any], wanted: Sequence[Any]
    ) -> tuple[Any, ...]:
        """See `penstock.ops.script.Script`."""
        with init_scope():
            tensors = [wrap(value, kind) for value, kind in zip(values, kinds, strict=True)]
            try:
                if self._taped:
                    results, tape = self.trace(tensors, wanted)
                    with self._lock:
                        self.runs.append((values, (tensors, results, tape)))
                else:
                    results = self._results(tensors, wanted)
            except Exception as error:
                raise _in_words_of_tensorflow(error) from error
            return tuple(_value(result) for result in results)

    def trace(self, tensors: Sequence[Any], wanted: Sequence[Any]) -> tuple[list[Any], Any]:
        """Run under a tape; give the results and the tape."""
        with GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            for tensor in tensors:
                if tensor.dtype.is_floating or tensor.dtype.is_complex:
                    tape.watch(tensor)
            return self._results(tensors, wanted), tape

    def _results(self, tensors: Sequence[Any], wanted: Sequence[Any]) -> list[Any]:
        given = self._function(*tensors)
        if not wanted:
            return []
        parts = list(given) if isinstance(given, (list, tuple)) else [given]
        parts = [part for part in parts if part is not None]
        if len(parts) < len(wanted):
            raise errors.InvalidArgumentError(
                f"{self._name} must return {len(wanted)} values, as Tout says, got {len(parts)}"
            )
        pairs = zip(parts, wanted, strict=False)
        return [convert_to_tensor(part, dtype=dtype) for part, dtype in pairs]

    def gradient_token(self, count: int, present: Sequence[int]) -> Token:
        """See `penstock.ops.script.Script`."""
        return _Pullback(self, count, tuple(present)).token

    def recall(self, values: Sequence[Any]) -> Any:
        """What a run on these values kept, or None."""
        with self._lock:
            for kept, run in reversed(self.runs):
                if len(kept) == len(values) and all(map(_is_same, kept, values)):
                    return run
        return None


class _Pullback(_TensorScript):
    """The gradient of a function: takes its inputs, then gradients of its results."""

    def __init__(self, forward: _TensorScript, count: int, present: tuple[int, ...]) -> None:
        super().__init__(self._pull, f"gradient_of_{forward.token}", taped=False)
        self._forward = forward
        self._count = count
        self._present = present

    def run(
        self, values: Sequence[Any], kinds: Sequence[Any], wanted: Sequence[Any]
    ) -> tuple[Any, ...]:
        """As the function's last run on these values tells, or by another run."""
        known = self._forward.recall(values[: self._count])
        if known is None:
            return super().run(values, kinds, wanted)
        tensors, results, tape = known
        with init_scope():
            rest = zip(values[self._count :], kinds[self._count :], strict=True)
            grads = [wrap(value, kind) for value, kind in rest]
            found = self._gradients(tape, tensors, results, grads)
            return tuple(_value(each) for each in found)

    def _pull(self, *given: Any) -> list[Any]:
        inputs, grads = list(given[: self._count]), list(given[self._count :])
        with GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([each for each in inputs if each.dtype.is_floating])
            results = self._forward._function(*inputs)  # noqa: SLF001  (a class of its family)
        parts = list(results) if isinstance(results, (list, tuple)) else [results]
        parts = [convert_to_tensor(part) for part in parts]
        return self._gradients(tape, inputs, parts, grads)

    def _gradients(
        self, tape: Any, inputs: Sequence[Any], results: Sequence[Any], grads: Sequence[Any]
    ) -> list[Any]:
        sources = [each for each in inputs if each.dtype.is_floating or each.dtype.is_complex]
        targets = [results[i] for i in self._present]
        return list(
            tape.gradient(
                targets, sources, output_gradients=list(grads), unconnected_gradients="zero"
            )
        )

    def gradient_token(self, count: int, present: Sequence[int]) -> Token:
        """The gradient of a gradient runs everything again under a tape."""
        again = _TensorScript(self._pull, str(self.token))
        return _Pullback(again, count, tuple(present)).token


class _ArrayScript:
    """A function of numpy arrays."""

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        self.token = Token(f"{name}_{next(_numbers)}", self)
        self._function = function
        self._name = name

    def run(
        self,
        values: Sequence[Any],
        kinds: Sequence[Any],
        wanted: Sequence[Any],
    ) -> tuple[Any, ...]:
        """See `penstock.ops.script.Script`."""
        try:
            with init_scope():
                given = self._function(*map(_as_argument, values, kinds))
        except Exception as error:
            raise _in_words_of_tensorflow(error) from error
        if not wanted and given is None:
            return ()
        parts = list(given) if isinstance(given, (list, tuple)) else [given]
        if len(parts) != len(wanted):
            raise errors.InvalidArgumentError(
                f"{self._name} must return {len(wanted)} values, as Tout says, got {len(parts)}"
            )
        return tuple(map(self._as_promised, parts, wanted, range(len(parts))))

    def _as_promised(self, part: Any, dtype: Any, index: int) -> Any:
        tensor = convert_to_tensor(part if dtype is dtypes.string else np.asarray(part))
        if tensor.dtype is not dtype:
            raise errors.InvalidArgumentError(
                f"value {index} that {self._name} returns must be {dtype.name}, as Tout says, "
                f"got {tensor.dtype.name}"
            )
        return _value(tensor)

    def gradient_token(self, count: int, present: Sequence[int]) -> Token:
        """Functions of arrays have no gradient."""
        raise errors.UnimplementedError(f"{self._name} is a function of arrays: no gradient")


def _as_argument(value: Any, kind: Any) -> Any:
    # A text is handed over as bytes, as TensorFlow does.
    return bytes(value[()]) if kind is dtypes.string and value.ndim == 0 else np.asarray(value)


def _value(tensor: Any) -> Any:
    return tensor._value  # noqa: SLF001  (the value inside, not a copy)


def _is_same(one: Any, other: Any) -> bool:
    if one is other:
        return True
    same: bool = (
        one.shape == other.shape
        and one.dtype == other.dtype
        and bool(np.array_equal(one, other, equal_nan=one.dtype.kind in "fc"))
    )
    return same


def _name_of(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", type(function).__name__).replace("<lambda>", "lambda")


def py_function(func: Any = None, inp: Any = None, Tout: Any = None, name: Any = None) -> Any:  # noqa: N803
    """Run a Python function on eager tensors, also from within a graph.

    The function is differentiable with respect to `inp`, by a tape around it.

    Args:
        func: takes as many tensors as `inp` has, and returns one value or a list of them.
            Left out, a decorator is returned.
        inp: tensors, or composites of them.
        Tout: dtype or `tf.TypeSpec` of the result, or a list of them; empty for none.
        name: of the node in a graph.

    Returns:
        A tensor, or a list of them where `Tout` is one.

    Raises:
        InvalidArgumentError: the function raised TypeError or ValueError, or returned too
            little. Other errors are UnknownError, unless they are errors of this library.
    """
    if func is None:
        return lambda function: lambda *args: py_function(function, args, Tout, name)
    inputs = list(inp or [])
    flat = [convert_to_tensor(each) for each in nest.flatten(inputs, expand_composites=True)]
    listed = isinstance(Tout, (list, tuple))
    specs = list(Tout) if listed else [Tout]
    plain = [_component_dtypes(spec) for spec in specs]

    def flattened(*tensors: Any) -> list[Any]:
        results = func(*nest.pack_sequence_as(inputs, list(tensors), expand_composites=True))
        parts = list(results) if isinstance(results, (list, tuple)) else [results]
        if all(len(each) == 1 for each in plain):
            return parts
        return nest.flatten(parts, expand_composites=True)

    script = _TensorScript(flattened, _name_of(func))
    wanted = tuple(dtype for each in plain for dtype in each)
    outputs = call("EagerPyFunc", flat, token=script.token, Tout=wanted, name=name)
    if not wanted:
        return _node_or([])
    made = _with_specs(specs, outputs)
    return made if listed else made[0]


def _component_dtypes(spec: Any) -> list[Any]:
    if isinstance(spec, TypeSpec):
        return [each.dtype for each in nest.flatten(spec, expand_composites=True)]
    return [dtypes.as_dtype(spec)]


def _with_specs(specs: Sequence[Any], outputs: Sequence[Any]) -> list[Any]:
    given = iter(outputs)
    made = []
    for spec in specs:
        if not isinstance(spec, TypeSpec):
            made.append(next(given))
            continue
        leaves = nest.flatten(spec, expand_composites=True)
        parts = [next(given) for _ in leaves]
        for part, leaf in zip(parts, leaves, strict=True):
            part.set_shape(leaf.shape)
        made.append(nest.pack_sequence_as(spec, parts, expand_composites=True))
    return made


def _node_or(nothing: Any) -> Any:
    return nothing if state.graph is None else state.graph.last_node()


def numpy_function(
    func: Any = None,
    inp: Any = None,
    Tout: Any = None,  # noqa: N803
    stateful: bool = True,
    name: Any = None,
) -> Any:
    """Run a Python function on numpy arrays, also from within a graph; it has no gradient.

    Args:
        func: takes as many arrays as `inp` has. Left out, a decorator is returned.
        inp: tensors.
        Tout: dtype of the result, or a list of them. A graph holds the function to it; eager
            execution gives what the function returns, as TensorFlow does.
        stateful: False lets equal calls of a graph be merged and unused ones dropped.
        name: of the node in a graph.

    Returns:
        A tensor, or a list of them.

    Raises:
        InvalidArgumentError: in a graph, the results do not have the dtypes of `Tout`.
    """
    if func is None:
        return lambda function: lambda *args: numpy_function(function, args, Tout, stateful)
    if state.graph is None:
        arrays = [
            each.numpy() if isinstance(each, EagerTensor) else np.array(each) for each in inp
        ]
        given = func(*arrays)
        return None if given is None else nest.map_structure(convert_to_tensor, given)
    listed = isinstance(Tout, (list, tuple))
    wanted = tuple(dtypes.as_dtype(each) for each in (Tout if listed else [Tout]))
    flat = [convert_to_tensor(each) for each in inp]
    script = _ArrayScript(func, _name_of(func))
    row = "PyFunc" if stateful else "PyFuncStateless"
    outputs = call(row, flat, token=script.token, Tout=wanted, name=name)
    if not wanted:
        return _node_or(None)
    return outputs if listed else outputs[0]
