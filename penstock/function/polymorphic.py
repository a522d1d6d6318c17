"""`tf.function`: a Python function that is traced once for each kind of arguments."""

from __future__ import annotations

import functools
import importlib
import threading
import types
import warnings
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from penstock.core import nest
from penstock.core.composite_tensor import CompositeTensor
from penstock.core.type_spec import TensorSpec, TypeSpec
from penstock.core.user_code import shorten, user_line
from penstock.function.autograph.marks import is_marked
from penstock.function.concrete_function import ConcreteFunction, trace
from penstock.function.kinds import Callable as FunctionCallable
from penstock.function.kinds import FunctionType
from penstock.function.quick_key import quick_key
from penstock.function.retracing import Kin, TraceLog, kin_key
from penstock.function.trace_type import (
    Signature,
    as_input,
    is_tensor_leaf,
    leaf_key,
    spec_of,
    structure_key,
)
from penstock.function.variable_rule import VariableRule
from penstock.graph.compiler_ir import compiler_ir
from penstock.graph.explain import fired_so_far, firing
from penstock.runtime.computation import explained
from penstock.runtime.context import state
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.tensor import EagerTensor
from penstock.runtime.trackable import SavedAsFunction

# After this many traces of one function within one process a user is told that something
# varies.
_WARN_AFTER = 5
# A function that is called with more kinds of arguments finds further ones by looking.
_LARGEST_CACHE = 4096


class _Modes:
    """Process-wide switches."""

    run_eagerly = False


_modes = _Modes()


def run_functions_eagerly(run_eagerly: bool) -> None:
    """Run the Python code of functions on every call instead of their traces."""
    _modes.run_eagerly = bool(run_eagerly)


def functions_run_eagerly() -> bool:
    """Whether the Python code of functions runs on every call."""
    return _modes.run_eagerly


@functools.cache
def _autograph() -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The converter, imported when a function is first traced: it takes 0.2 s to load."""
    module = importlib.import_module("penstock.function.autograph.conversion")
    convert: Callable[[Callable[..., Any]], Callable[..., Any]] = module.convert
    return convert


def converted(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function whose Python control flow may depend on tensors.

    One that is marked, or is a `tf.function` already, is returned as it is.
    """
    if isinstance(function, Function) or is_marked(function):
        return function
    return _autograph()(function)


class Function(SavedAsFunction):
    """A Python function that runs as a graph; see `function`."""

    def __init__(
        self,
        python_function: Callable[..., Any],
        input_signature: Any = None,
        *,
        autograph: bool = True,
        jit_compile: bool | None = None,
        reduce_retracing: bool = False,
        name: str | None = None,
        instance: Any = None,
    ) -> None:
        self._python_function = python_function
        self._input_signature = (
            None if input_signature is None else tuple(_as_specs(input_signature))
        )
        self._autograph = autograph
        self._jit_compile = jit_compile
        self._reduce_retracing = reduce_retracing
        self._name: str = str(name or getattr(python_function, "__name__", "function"))
        self._instance = instance
        self._signature = Signature(self._bound())
        if self._input_signature is not None:
            self._signature.check_constraints(self._input_signature)
        self._cache: dict[Any, ConcreteFunction] = {}
        self._quick: dict[tuple[Any, ...], ConcreteFunction] = {}
        self._kin: dict[Any, Kin] = {}
        self._log = TraceLog()
        self._bound_methods: weakref.WeakKeyDictionary[Any, Function] = (
            weakref.WeakKeyDictionary()
        )
        self._lock = threading.RLock()
        self._converted: Callable[..., Any] | None = None
        self._trace_count = 0
        self._variables = VariableRule()
        self._warned = False
        functools.update_wrapper(self, python_function, updated=())
        self.__dict__.pop("__wrapped__", None)
        self.__wrapped__ = python_function
        if instance is not None and self._signature.python is not None:
            # What inspects a bound method must not see its instance among the parameters.
            self.__signature__ = self._signature.python

    # -- what it is ------------------------------------------------------------------------

    @property
    def python_function(self) -> Callable[..., Any]:
        """The Python function."""
        return self._python_function

    @property
    def input_signature(self) -> Any:
        """Specs that every call must fit, or None."""
        return self._input_signature

    @property
    def name(self) -> str:
        """Name of the function."""
        return self._name

    @property
    def function_spec(self) -> Signature:
        """The parameters."""
        return self._signature

    def experimental_get_tracing_count(self) -> int:
        """How many traces were made."""
        return self._trace_count

    @property
    def _concrete_variable_creation_fn(self) -> ConcreteFunction | None:
        """The first trace, whose graph Keras writes for TensorBoard."""
        return next(iter(self._list_all_concrete_functions()), None)

    def _list_all_concrete_functions(self) -> list[ConcreteFunction]:
        found = list(self._cache.values())
        found += [one for kin in self._kin.values() for one in kin.traces]
        return list({id(one): one for one in found}.values())

    def _list_all_concrete_functions_for_serialization(self) -> list[ConcreteFunction]:
        """Traces that differ in their arguments; the one for a stated signature is made."""
        if self._input_signature is not None:
            self.get_concrete_function()
        kept: list[ConcreteFunction] = []
        for concrete in self._list_all_concrete_functions():
            signature = concrete.structured_input_signature
            if all(other.structured_input_signature != signature for other in kept):
                kept.append(concrete)
        return kept

    def _prepare_to_be_saved(self) -> None:
        self._list_all_concrete_functions_for_serialization()

    def pretty_printed_concrete_signatures(self, verbose: bool = True) -> str:
        """The signatures of all traces, one a line."""
        return "\n".join(
            one.pretty_printed_signature(verbose) for one in self._list_all_concrete_functions()
        )

    def __get__(self, instance: Any, owner: Any = None) -> Function:
        if instance is None:
            return self
        try:
            bound = self._bound_methods.get(instance)
        except TypeError:
            bound = instance.__dict__.get(f"_tf_function_{id(self)}")
        if bound is None:
            bound = Function(
                self._python_function,
                self._input_signature,
                autograph=self._autograph,
                jit_compile=self._jit_compile,
                reduce_retracing=self._reduce_retracing,
                name=self._name,
                instance=weakref.ref(instance),
            )
            try:
                self._bound_methods[instance] = bound
            except TypeError:
                object.__setattr__(instance, f"_tf_function_{id(self)}", bound)
        return bound

    def _bound(self) -> Callable[..., Any]:
        if self._instance is None:
            return self._python_function
        instance = self._instance()
        if instance is None:
            raise ReferenceError(
                f"the object whose method {self._name!r} this is has been deleted"
            )
        return types.MethodType(self._python_function, instance)

    def _callable(self) -> Callable[..., Any]:
        """The Python function as it is traced."""
        function = self._bound()
        return converted(function) if self._autograph else function

    # -- calling ---------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the trace that fits the arguments, making it first when there is none."""
        try:
            if _modes.run_eagerly:
                return self._bound()(*args, **kwargs)
            if state.graph is not None:
                return self._inside_graph(args, kwargs)
            plain = not kwargs and self._input_signature is None
            if plain and state.replica_context is None:
                key = _fast_key(args)
                if key is not None:
                    concrete = self._cache.get(key)
                    if concrete is not None:
                        return concrete.call_flat(args)
                concrete, tensors = self._quick_lookup(args)
            else:
                concrete, tensors = self._lookup(args, kwargs)
            return concrete.call_flat(tensors)
        except Exception as error:
            shorten(error)
            raise

    def _inside_graph(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Trace into the graph that is being built, as part of it."""
        args, kwargs = self._signature.bind(args, kwargs)
        if self._input_signature is not None:
            args = self._fit_signature(args, kwargs)
            kwargs = {}
        else:
            args = nest.map_structure(lambda a: as_input(a) if is_tensor_leaf(a) else a, args)
        return self._callable()(*args, **kwargs)

    def _quick_lookup(self, args: tuple[Any, ...]) -> tuple[ConcreteFunction, list[Any]]:
        """Find the trace as `_lookup` does, remembering what plain arguments led to."""
        key: list[Any] = []
        tensors: list[Any] = []
        is_canonical = self._signature.takes(len(args)) and state.device is None
        if not is_canonical or not quick_key(args, key, tensors):
            return self._lookup(args, {})
        known = tuple(key)
        concrete = self._quick.get(known)
        if concrete is None:
            concrete, tensors = self._lookup(args, {})
            if len(self._quick) < _LARGEST_CACHE:
                self._quick[known] = concrete
        return concrete, tensors

    def _lookup(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[ConcreteFunction, list[Any]]:
        args, kwargs = self._signature.bind(args, kwargs)
        if self._input_signature is not None:
            args = self._fit_signature(args, kwargs)
            kwargs = {}
        flat = nest.flatten((args, kwargs), expand_composites=True)
        key = _fast_key(args) if not kwargs and self._input_signature is None else None
        if self._input_signature is not None:
            key = ("signature", *_python_keys(flat))
        if key is None:
            key = (structure_key((args, kwargs)), tuple(leaf_key(leaf) for leaf in flat))
        if state.replica_context is not None:
            # The variables of a replica are copies of its own.
            key = (key, state.replica_context)
        concrete = self._cache.get(key)
        if concrete is None:
            return self._find_or_trace(key, args, kwargs, flat)
        return concrete, [as_input(leaf) for leaf in flat if is_tensor_leaf(leaf)]

    def _find_or_trace(
        self, key: Any, args: tuple[Any, ...], kwargs: dict[str, Any], flat: Sequence[Any]
    ) -> tuple[ConcreteFunction, list[Any]]:
        tensors = [as_input(leaf) for leaf in flat if is_tensor_leaf(leaf)]
        with self._lock:
            concrete = self._cache.get(key)
            if concrete is not None:
                return concrete, tensors
            if self._input_signature is None:
                return self._find_or_trace_kin(key, args, kwargs, flat)
            count = len(self._input_signature)
            typed = (*self._input_signature, *args[count:])
            specs = list(_tensor_specs(self._input_signature))
            specs += [spec_of(leaf) for leaf in tensors[len(specs) :]]
            concrete = self._cache[key] = self._trace(typed, kwargs, specs)
            return concrete, tensors

    def _find_or_trace_kin(
        self, key: Any, args: tuple[Any, ...], kwargs: dict[str, Any], flat: Sequence[Any]
    ) -> tuple[ConcreteFunction, list[Any]]:
        """Find a trace for sizes left open, or floats taken as tensors, or make one.

        After some traces that differ in these alone the next is made for all that follow; if
        the function cannot be traced so, because it needs them in Python, it is made exactly.
        """
        group = kin_key(args, kwargs, flat, ranks=not self._reduce_retracing)
        kin = self._kin.setdefault((group, state.replica_context), Kin())
        floats = {i: leaf for i, leaf in enumerate(flat) if type(leaf) is float}
        varying = kin.varying(floats)
        for promoted in (*kin.promotions(), varying):
            leaves = [convert_to_tensor(v) if i in promoted else v for i, v in enumerate(flat)]
            tensors = [as_input(leaf) for leaf in leaves if is_tensor_leaf(leaf)]
            concrete = kin.fitting([spec_of(t) for t in tensors], floats, promoted)
            if concrete is not None:
                break
        else:
            exact = [spec_of(tensor) for tensor in tensors]
            places = [i for i, leaf in enumerate(leaves) if is_tensor_leaf(leaf)]
            specs = kin.relaxed(exact, places, *((1,) if self._reduce_retracing else ()))
            packed = nest.pack_sequence_as((args, kwargs), leaves, expand_composites=True)
            remark = _remark(specs != exact, bool(promoted))
            try:
                concrete = self._trace(packed[0], packed[1], specs, remark)
            except Exception:
                if not promoted and specs == exact:
                    raise
                kin.exact = True
                self._log.drop_last()
                return self._find_or_trace_kin(key, args, kwargs, flat)
            kin.add(specs, places, floats, promoted, concrete)
        if not promoted and len(self._cache) < _LARGEST_CACHE:
            self._cache[key] = concrete
        return concrete, tensors

    def _trace(
        self,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        specs: Sequence[TensorSpec],
        remark: str = "",
    ) -> ConcreteFunction:
        remaining = iter(specs)
        names = self._signature.names
        typed_args = tuple(
            _with_specs(value, remaining, names[i] if i < len(names) else None)
            for i, value in enumerate(args)
        )
        typed_kwargs = {key: _with_specs(kwargs[key], remaining, key) for key in sorted(kwargs)}
        # Names that the user gave are part of the signature that is shown; ours are not.
        remaining = iter(specs)
        shown = (
            tuple(_with_specs(value, remaining, None) for value in args),
            {key: _with_specs(kwargs[key], remaining, None) for key in sorted(kwargs)},
        )
        self._log.add(typed_args, typed_kwargs, names, user_line(2), remark)
        self._warn_of_retracing()

        def traced() -> ConcreteFunction:
            self._trace_count += 1
            return trace(
                self._callable(),
                typed_args,
                typed_kwargs,
                name=self._name,
                argument_names=names,
                jit_compile=bool(self._jit_compile),
                shown=shown,
            )

        return self._variables.trace(traced)

    def _warn_of_retracing(self) -> None:
        if self._trace_count == _WARN_AFTER + 1 and not self._warned:
            self._warned = True
            warnings.warn(
                f"function {self._name!r} was traced {self._trace_count} times, the last time "
                f"for this reason: {self._log.reason()} (called at "
                f"{user_line(2) or 'an unknown place'}); pass tensors instead of Python "
                "values, or an input_signature with None for sizes that vary; explain_traces() "
                "tells the reasons of all",
                stacklevel=4,
            )

    def explain_traces(self) -> str:
        """Tell, for each trace, which argument made it new.

        Example:
            >>> f = tf.function(lambda x, k: x * k)
            >>> _ = f(tf.constant(1.0), 2), f(tf.constant(1.0), 3)
            >>> "argument 'k' was int 2, is int 3" in f.explain_traces()
            True
        """
        return self._log.text(self._name)

    def explain_lowering(self, *args: Any, **kwargs: Any) -> str:
        """Tell which lowering rules fire, for which ops, and why.

        Args:
            args, kwargs: arguments or their specs, of known sizes, for which nothing is run.
                Without any, the rules that fired in what has run so far are told.

        Example:
            >>> f = tf.function(lambda x: tf.nn.max_pool2d(x, 2, 2, "VALID"))
            >>> "tiled_maximum" in f.explain_lowering(tf.zeros([1, 4, 4, 1]))
            True
        """
        if args or kwargs:
            concrete = self.get_concrete_function(*args, **kwargs)
            return explained(self._name, firing(concrete.function.program))
        traces = self._list_all_concrete_functions()
        programs = [each for concrete in traces for each in concrete.function.programs()]
        return explained(self._name, fired_so_far(programs))

    def _fit_signature(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        signature = self._input_signature or ()
        values = (*args, *kwargs.values())
        if len(values) < len(signature):
            raise TypeError(
                f"{self._name} needs {len(signature)} arguments by its input_signature, got "
                f"{len(values)}"
            )
        fitted = tuple(
            _fit(value, spec, self._name, i)
            for i, (value, spec) in enumerate(zip(values, signature, strict=False))
        )
        return (*fitted, *values[len(signature) :])

    @property
    def function_type(self) -> FunctionType:
        """The parameters; nothing is known of the arguments."""
        return FunctionType.from_callable(self._bound())

    def experimental_get_compiler_ir(
        self, *args: Any, **kwargs: Any
    ) -> Callable[..., str | bytes]:
        """Return a function that tells what XLA makes of the trace for arguments.

        It takes `stage`: "hlo", "hlo_serialized", "optimized_hlo", "optimized_hlo_serialized"
        or "optimized_hlo_dot"; and, for compatibility, `device_name` and `platform_name`.

        Raises:
            ValueError: the function is not marked with `jit_compile=True`.
            TypeError: the arguments do not fit the function.
        """
        if not self._jit_compile:
            raise ValueError(
                "Compiler IR can only be returned for functions marked with 'jit_compile=True'"
            )
        program = self.get_concrete_function(*args, **kwargs).function.program

        def tell(stage: str = "hlo", device_name: Any = None, platform_name: Any = None) -> Any:
            del device_name, platform_name
            return compiler_ir(program, stage)

        return tell

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> ConcreteFunction:
        """Return the trace for arguments, any of which may be given as a spec.

        Raises:
            TypeError: the arguments do not fit the function.
        """
        if self._input_signature is not None and not args and not kwargs:
            args = self._input_signature
        args, kwargs = self._signature.bind(args, kwargs)
        flat = nest.flatten((args, kwargs), expand_composites=True)
        specs = [
            leaf if isinstance(leaf, TensorSpec) else spec_of(leaf)
            for leaf in flat
            if isinstance(leaf, TensorSpec) or is_tensor_leaf(leaf)
        ]
        key: Any = (
            "concrete",
            structure_key((args, kwargs)),
            tuple(leaf if isinstance(leaf, TypeSpec) else leaf_key(leaf) for leaf in flat),
        )
        if self._input_signature is not None:
            # The same trace as calls use.
            values = [leaf for leaf in flat if not isinstance(leaf, TypeSpec)]
            key = ("signature", *_python_keys(values))
            specs = _tensor_specs(self._input_signature)
        with self._lock:
            concrete = self._cache.get(key)
            if concrete is None:
                concrete = self._same_trace(args, kwargs, flat, specs)
                self._cache[key] = concrete
        return concrete

    def _same_trace(
        self, args: Any, kwargs: Any, flat: Sequence[Any], specs: list[TensorSpec]
    ) -> ConcreteFunction:
        """The trace for just these specs; a new one serves the calls that fit it, too."""
        if self._input_signature is not None:
            return self._trace(args, kwargs, specs)
        group = kin_key(args, kwargs, flat, ranks=not self._reduce_retracing)
        kin = self._kin.setdefault((group, state.replica_context), Kin())
        floats = {i: leaf for i, leaf in enumerate(flat) if type(leaf) is float}
        known = kin.fitting(specs, floats, frozenset())
        if known is not None and any(
            known is concrete and have == specs
            for have, concrete in zip(kin.specs, kin.traces, strict=True)
        ):
            return known
        concrete = self._trace(args, kwargs, specs)
        places = [
            i for i, v in enumerate(flat) if isinstance(v, TensorSpec) or is_tensor_leaf(v)
        ]
        kin.add(specs, places, floats, frozenset(), concrete)
        return concrete

    def _trackable_children(
        self, save_type: str = "checkpoint", **kwargs: Any
    ) -> dict[str, Any]:
        if save_type == "checkpoint":
            return {}
        traces = self._list_all_concrete_functions_for_serialization()
        return {f"trace_{i}": trace for i, trace in enumerate(traces)}

    def __repr__(self) -> str:
        return f"<tf.function {self._name} at 0x{id(self):X}>"


def _remark(relaxed: bool, promoted: bool) -> str:
    parts = ["sizes that varied are left open"] if relaxed else []
    parts += ["Python floats that varied became tensors"] if promoted else []
    return ", ".join(parts)


def _fast_key(args: tuple[Any, ...]) -> Any:
    """Key of a call whose arguments are all eager tensors; None for any other."""
    key = []
    for tensor in args:
        if type(tensor) is not EagerTensor:
            return None
        value = tensor._value
        shape = getattr(value, "shape", None)
        if shape is None:
            return None
        key.append((tensor.dtype, shape))
    return tuple(key)


def _python_keys(flat: Sequence[Any]) -> list[Any]:
    return [leaf_key(leaf) for leaf in flat if not is_tensor_leaf(leaf)]


FunctionCallable.register(Function)


def _as_specs(signature: Any) -> Any:
    for item in signature:
        for spec in nest.flatten(item):
            if not isinstance(spec, TypeSpec):
                raise TypeError(
                    f"input_signature must hold TensorSpecs, got {spec!r} of "
                    f"{type(spec).__name__}"
                )
    return signature


def _tensor_specs(signature: Any) -> list[Any]:
    return [
        spec
        for spec in nest.flatten(signature, expand_composites=True)
        if isinstance(spec, TensorSpec)
    ]


def _with_specs(value: Any, specs: Any, name: str | None) -> Any:
    """Replace the tensors in one argument by specs taken from an iterator."""

    def replace(leaf: Any) -> Any:
        if isinstance(leaf, CompositeTensor):
            return _composite(leaf, specs)
        if isinstance(leaf, TypeSpec) and not isinstance(leaf, TensorSpec):
            for _ in nest.flatten(leaf, expand_composites=True):
                next(specs)
            return leaf
        if isinstance(leaf, TensorSpec) or is_tensor_leaf(leaf):
            spec = next(specs)
            own = leaf.name if isinstance(leaf, TensorSpec) else None
            return TensorSpec(spec.shape, spec.dtype, spec.name or own or name)
        return leaf

    return nest.map_structure(replace, value)


def _composite(value: CompositeTensor, specs: Any) -> Any:
    for _ in nest.flatten(value, expand_composites=True):
        next(specs)
    return value._type_spec


def _fit(value: Any, spec: Any, name: str, position: int) -> Any:
    """Check an argument against the spec it must fit.

    Raises:
        TypeError: it does not fit.
    """

    def fit(leaf_spec: Any, leaf: Any) -> Any:
        if not isinstance(leaf_spec, TensorSpec):
            if isinstance(leaf, CompositeTensor) and not leaf_spec.is_compatible_with(leaf):
                raise TypeError(
                    f"argument {position} of {name} must be {leaf_spec} by its "
                    f"input_signature, got {leaf._type_spec}"
                )
            return leaf
        tensor = as_input(leaf) if is_tensor_leaf(leaf) else _converted(leaf, leaf_spec)
        if tensor.dtype != leaf_spec.dtype or not leaf_spec.shape.is_compatible_with(
            tensor.shape
        ):
            raise TypeError(
                f"argument {position} of {name} must be "
                f"{leaf_spec.dtype.name}{leaf_spec.shape} by its "
                f"input_signature, got {tensor.dtype.name}{tensor.shape}"
            )
        return tensor

    if not nest.is_nested(spec):
        return fit(spec, value)
    return nest.map_structure(fit, spec, value)


def _converted(leaf: Any, spec: TensorSpec) -> Any:
    return convert_to_tensor(leaf, spec.dtype)


def function(
    func: Callable[..., Any] | None = None,
    input_signature: Any = None,
    autograph: bool = True,
    jit_compile: bool | None = None,
    reduce_retracing: bool = False,
    experimental_implements: Any = None,
    experimental_autograph_options: Any = None,
    experimental_attributes: Any = None,
    experimental_relax_shapes: bool | None = None,
    experimental_compile: bool | None = None,
    experimental_follow_type_hints: bool | None = None,
) -> Any:
    """Make a Python function run as a graph.

    Args:
        func: the function; None gives a decorator.
        input_signature: specs that every call must fit; one trace then serves all calls.
        autograph: whether Python control flow may depend on tensors.
        jit_compile: True makes anything that cannot be compiled an error.
        reduce_retracing: whether sizes that vary between calls are left open in the trace.
        experimental_implements: accepted for compatibility.
        experimental_autograph_options: accepted for compatibility.
        experimental_attributes: accepted for compatibility.
        experimental_relax_shapes: older name of `reduce_retracing`.
        experimental_compile: older name of `jit_compile`.
        experimental_follow_type_hints: accepted for compatibility.
    """

    def decorate(inner: Callable[..., Any]) -> Function:
        return Function(
            inner,
            input_signature,
            autograph=autograph,
            jit_compile=jit_compile if jit_compile is not None else experimental_compile,
            reduce_retracing=reduce_retracing or bool(experimental_relax_shapes),
        )

    return decorate if func is None else decorate(func)
