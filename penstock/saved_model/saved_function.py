"""Functions of a SavedModel: one trace, a function of several traces, and signatures."""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from penstock.core import nest
from penstock.core.collection import uncollected
from penstock.core.composite_tensor import CompositeTensor
from penstock.core.dtypes import DType
from penstock.core.errors import DataLossError, UnimplementedError
from penstock.core.type_spec import TensorSpec, TypeSpec
from penstock.function.concrete_function import ConcreteFunction
from penstock.function.polymorphic import Function
from penstock.function.trace_type import leaf_key, structure_key
from penstock.graph.func_graph import FuncGraph
from penstock.graph.graph_def.reader import Library
from penstock.runtime.context import init_scope, name_scope
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.tensor import TensorLike
from penstock.runtime.trackable import Trackable
from penstock.saved_model.files import damage_told
from penstock.saved_model.function_spec import FunctionSpec

_GENERATED: Final = re.compile(r"^__inference_(.*)_\d+$")
_CACHE_LIMIT: Final = 256


class RestoredConcreteFunction(ConcreteFunction):
    """A trace that came from a file.

    Args:
        output_signature: what it gives, with named specs in place of tensors.
        positional: how many arguments may be given by position; None leaves it open.
    """

    def __init__(
        self, *args: Any, output_signature: Any, positional: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._output_signature = output_signature
        self._positional = positional

    @property
    def structured_outputs(self) -> Any:
        """What the function returns, with specs in place of tensors."""
        return self._output_signature

    def _by_keyword(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        if self._positional is not None and len(args) > self._positional:
            raise TypeError(
                f"{self.name} takes {self._positional} positional arguments, got {len(args)}; "
                f"name them: {', '.join(self.arg_keywords or [])}"
            )
        return super()._by_keyword(args, kwargs)


class SavedConcreteFunction:
    """One trace in a file; its graph is built when it is first asked for.

    Args:
        library: the functions of the file.
        name: name of the function there.
        signatures: gives `(args, kwargs)` with specs in place of tensors, and likewise what
            comes out; it may raise UnimplementedError, which then only this trace does.
        captured: gives the tensors that it takes beside its arguments.
    """

    def __init__(
        self,
        library: Library,
        name: str,
        signatures: Callable[[], tuple[Any, Any]],
        captured: Callable[[], Sequence[Any]],
    ) -> None:
        self.name = name
        self._signatures = functools.cache(signatures)
        self._library = library
        self.captured = captured
        self._lock = threading.RLock()
        self._built: dict[Any, RestoredConcreteFunction] = {}

    @property
    def input_signature(self) -> Any:
        """`(args, kwargs)` with specs in place of tensors."""
        return self._signatures()[0]

    @property
    def output_signature(self) -> Any:
        """What it gives, with specs in place of tensors."""
        return self._signatures()[1]

    def build(
        self,
        argument_names: Sequence[str] = (),
        keywords: Sequence[str] | None = None,
        positional: int | None = None,
    ) -> RestoredConcreteFunction:
        """Read the graph, once.

        Args:
            argument_names: names of the positional parameters.
            keywords: names of the flat arguments, of a function that takes them so.
            positional: how many of these may be given by position.
        """
        key = (tuple(argument_names), None if keywords is None else tuple(keywords))
        with self._lock:
            if key not in self._built:
                what = f"function {self.name!r} of {self._library.what}"
                with uncollected(), damage_told(what):
                    self._built[key] = self._read(argument_names, keywords, positional)
            return self._built[key]

    def _read(
        self, argument_names: Sequence[str], keywords: Sequence[str] | None, positional: Any
    ) -> RestoredConcreteFunction:
        match = _GENERATED.match(self.name)
        name = match[1] if match else self.name
        captured = self.captured()
        specs = flat_specs(self.input_signature)
        # Constants among the graph's inputs need no argument; the file's order is kept.
        arguments = [arg.name for arg in self._library.function(self.name).signature.input_arg]
        with init_scope():
            graph = FuncGraph(name)
            with graph.as_default(), name_scope(None):
                inputs = []
                for spec, own in zip(specs, arguments, strict=False):
                    symbol = graph.placeholder(spec.dtype, spec.shape, spec.name or own)
                    symbol.graph_node.user_name = spec.name or own  # type: ignore[attr-defined]
                    inputs.append(symbol)
                inputs.extend(graph.capture(tensor) for tensor in captured)
                results = self._library.inline(self.name, inputs)
        for symbol, spec in zip(results, flat_specs(self.output_signature), strict=False):
            if symbol.shape.is_compatible_with(spec.shape):
                symbol.set_shape(spec.shape)
        outputs = nest.pack_sequence_as(
            self.output_signature,
            _with_results(self.output_signature, results),
            expand_composites=True,
        )
        concrete = RestoredConcreteFunction(
            graph,
            len(specs),
            self.input_signature,
            outputs,
            name=name,
            argument_names=argument_names,
            output_signature=self.output_signature,
            positional=positional,
        )
        if keywords is not None:
            concrete.arg_keywords = list(keywords)
        return concrete

    def fits(self, args: Any, kwargs: Any, *, convert: bool) -> bool:
        """Whether a call in canonical form can use this trace.

        Args:
            args: positional arguments.
            kwargs: keyword arguments.
            convert: whether Python values may become tensors.
        """
        want_args, want_kwargs = self.input_signature
        try:
            nest.assert_same_structure(
                (want_args, want_kwargs), (args, kwargs), check_types=False
            )
        except (ValueError, TypeError):
            return False
        want = nest.flatten((want_args, want_kwargs))
        have = nest.flatten((args, kwargs))
        return all(
            _leaf_fits(spec, value, convert=convert)
            for spec, value in zip(want, have, strict=True)
        )


class BareFunction:
    """A trace that is called by itself. Its graph is read when it is first asked for.

    Args:
        trace: the trace.
        keywords: names of its arguments.
        positional: how many of these may be given by position.
    """

    def __init__(
        self, trace: SavedConcreteFunction, keywords: Sequence[str], positional: int
    ) -> None:
        self.trace = trace
        self._keywords = list(keywords)
        self._positional = positional

    def __call__(self) -> RestoredConcreteFunction:
        """Read the graph, once."""
        return self.trace.build(keywords=self._keywords, positional=self._positional)


def _with_results(signature: Any, results: Sequence[Any]) -> list[Any]:
    """The flat leaves of an output structure, with the results in place of the specs."""
    remaining = iter(results)
    return [
        next(remaining) if isinstance(leaf, TensorSpec) else leaf
        for leaf in nest.flatten(signature, expand_composites=True)
    ]


def flat_specs(structure: Any) -> list[TensorSpec]:
    """The specs of the tensors in a structure, flat."""
    return [
        leaf
        for leaf in nest.flatten(structure, expand_composites=True)
        if isinstance(leaf, TensorSpec)
    ]


def _leaf_fits(want: Any, have: Any, *, convert: bool) -> bool:
    if isinstance(want, TensorSpec):
        return _tensor_fits(want, have, convert=convert)
    if isinstance(want, TypeSpec):
        spec = have if isinstance(have, TypeSpec) else getattr(have, "_type_spec", None)
        return spec is not None and want.is_compatible_with(spec)
    if isinstance(have, (TensorLike, TypeSpec, CompositeTensor)):
        return False
    try:
        return type(want) is type(have) and bool(want == have)
    except (TypeError, ValueError):
        return False


def _tensor_fits(want: TensorSpec, have: Any, *, convert: bool) -> bool:
    known = isinstance(have, (TensorLike, TensorSpec)) or hasattr(type(have), "__tf_tensor__")
    if not known:
        if have is None or not (convert or hasattr(have, "__array__")):
            return False
        try:
            have = convert_to_tensor(have, want.dtype if convert else None)
        except (TypeError, ValueError):
            return False
    dtype = have.dtype
    same = dtype == want.dtype if isinstance(dtype, DType) else want.dtype.name == str(dtype)
    return same and want.shape.is_compatible_with(have.shape)


class RestoredFunction(Function):
    """A function from a file: the traces that were saved, chosen by the arguments.

    Args:
        traces: the traces.
        spec: parameters of the Python function that was saved.
        name: its name.
    """

    def __init__(
        self, traces: Sequence[SavedConcreteFunction], spec: FunctionSpec, name: str
    ) -> None:
        super().__init__(self._call_trace, autograph=False, name=name)
        self._traces = list(traces)
        self._spec = spec
        self._chosen: dict[Any, SavedConcreteFunction] = {}
        self.__name__ = name

    @property
    def input_signature(self) -> Any:
        """Specs that every call must fit, or None."""
        return self._spec.input_signature

    @property
    def function_spec(self) -> Any:
        """The parameters."""
        return self._spec

    @property
    def concrete_functions(self) -> list[ConcreteFunction]:
        """All traces."""
        return [trace.build(self._spec.args) for trace in self._traces]

    def _list_all_concrete_functions(self) -> list[ConcreteFunction]:
        return self.concrete_functions

    _list_all_concrete_functions_for_serialization = _list_all_concrete_functions

    def __get__(self, instance: Any, owner: Any = None) -> Function:
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the trace that fits the arguments.

        Raises:
            ValueError: no saved trace fits.
            TypeError: the arguments do not fit the function's parameters.
        """
        return self._call_trace(*args, **kwargs)

    def _call_trace(self, *args: Any, **kwargs: Any) -> Any:
        bound, named = self._spec.bind(args, kwargs)
        trace = self._choose(bound, named)
        concrete = trace.build(self._spec.args)
        flat = nest.flatten((bound, named))
        want = nest.flatten(trace.input_signature)
        leaves: list[Any] = []
        for spec, value in zip(want, flat, strict=True):
            if isinstance(spec, TensorSpec):
                leaves.append(convert_to_tensor(value, spec.dtype))
            elif isinstance(spec, TypeSpec):
                leaves.extend(nest.flatten(value, expand_composites=True))
        return concrete.call_flat(leaves)

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> ConcreteFunction:
        """Return the saved trace for arguments, any of which may be given as a spec.

        Raises:
            ValueError: no saved trace fits.
        """
        if not args and not kwargs and len(self._traces) == 1:
            return self._traces[0].build(self._spec.args)
        bound, named = self._spec.bind(args, kwargs)
        return self._choose(bound, named).build(self._spec.args)

    def _choose(self, args: Any, kwargs: Any) -> SavedConcreteFunction:
        flat = nest.flatten((args, kwargs), expand_composites=True)
        key = (structure_key((args, kwargs)), tuple(leaf_key(leaf) for leaf in flat))
        found = self._chosen.get(key)
        if found is None:
            found = self._search(args, kwargs)
            if len(self._chosen) >= _CACHE_LIMIT:
                self._chosen.clear()
            self._chosen[key] = found
        return found

    def _search(self, args: Any, kwargs: Any) -> SavedConcreteFunction:
        if not self._traces:
            raise ValueError(
                f"Found zero restored functions for caller function {self._name!r}: it had not "
                "been called when it was saved"
            )
        unreadable: UnimplementedError | None = None
        for convert in (False, True):
            for trace in self._traces:
                try:
                    if trace.fits(args, kwargs, convert=convert):
                        return trace
                except UnimplementedError as error:
                    unreadable = error
        if unreadable is not None:
            raise unreadable
        options = "; ".join(
            f"option {i}: {_shown(trace.input_signature)}"
            for i, trace in enumerate(self._traces, 1)
        )
        # TensorFlow's classes: a signature was stated, or traces were made by calls.
        kind = ValueError if self.input_signature is None else TypeError
        raise kind(
            "Could not find matching concrete function to call loaded from the SavedModel. Got "
            f"{_shown((args, kwargs))}, expected these arguments to match one of "
            f"{len(self._traces)} option(s): {options}"
        )

    def __repr__(self) -> str:
        return f"<restored function {self._name} with {len(self._traces)} traces>"


def _shown(structure: Any) -> str:
    args, kwargs = structure
    parts = [nest.map_structure(_leaf, item) for item in args]
    parts += [f"{key}={nest.map_structure(_leaf, value)}" for key, value in kwargs.items()]
    return f"({', '.join(str(part) for part in parts)})"


def _leaf(value: Any) -> Any:
    if not isinstance(value, (TensorLike, TensorSpec)):
        return value
    tensor: Any = value
    return f"{tensor.dtype.name}{tensor.shape}"


class SignatureMap(Mapping[str, Any], Trackable):
    """The signatures of a SavedModel: name -> function of keywords that gives a dict."""

    def __init__(self) -> None:
        self._signatures: dict[str, Callable[[], Any]] = {}

    def add(self, name: str, get: Callable[[], Any]) -> None:
        """Add a signature, built when it is first asked for."""
        if not callable(get):
            raise DataLossError(f"signature {name!r} must be a function, got {get!r}")
        self._signatures[name] = get

    def __getitem__(self, key: str) -> Any:
        return self._signatures[key]()

    def captured(self, key: str) -> list[Any] | None:
        """What a signature takes beside its arguments, in the order of the file.

        None where the file does not say it. The graph of the signature is not built.
        """
        get = self._signatures[key]
        return list(get.trace.captured()) if isinstance(get, BareFunction) else None

    def __iter__(self) -> Iterator[str]:
        return iter(self._signatures)

    def __len__(self) -> int:
        return len(self._signatures)

    def __contains__(self, key: object) -> bool:
        return key in self._signatures

    def _trackable_children(
        self, save_type: str = "checkpoint", **kwargs: Any
    ) -> dict[str, Any]:
        if save_type == "checkpoint":
            return {}
        return {name: self[name] for name in self}

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __repr__(self) -> str:
        return f"_SignatureMap({{{', '.join(map(repr, self._signatures))}}})"
