"""What a SavedModel holds: objects and functions with their numbers, and what functions use."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from penstock.core import dtypes
from penstock.function.concrete_function import ConcreteFunction
from penstock.function.polymorphic import Function
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.resources import Asset, CapturableResource
from penstock.runtime.tensor import EagerTensor
from penstock.runtime.trackable import Trackable
from penstock.runtime.variable import Variable
from penstock.saved_model.saved_function import SignatureMap
from penstock.saved_model.signatures import SavedSignatures, SignatureFunction
from penstock.saved_model.structured_value import can_encode
from penstock.saved_model.table_contents import contents_functions, has_contents
from penstock.train import object_graph
from penstock.train.trackable_view import TrackableView

_SIGNATURES: Final = "signatures"
_NOT_IN_FUNCTION: Final = re.compile(r"[^A-Za-z0-9_<>.-]")


class SaveableView:
    """The objects under a root, as a SavedModel numbers them.

    Args:
        root: the object that is saved.
        children: its children; asked for once, as properties may make them anew.
        signatures: the signatures.

    `objects` are in the order of their numbers; `constants` follow them. `functions` holds the
    trace behind each name in the library, `contents` by number of a table the functions that
    give and take what is in it.

    Raises:
        ValueError: an attribute is called `signatures`.
        AssertionError: a function uses a variable that is no child of anything.
    """

    def __init__(
        self, root: Any, children: dict[str, Any], signatures: SavedSignatures
    ) -> None:
        self._root = root
        self._children_of_root = children
        self.signatures = signatures
        self._resource_functions: dict[int, dict[str, Any]] = {}
        self.graph = object_graph.build(root, self._children)
        self.objects = self.graph.objects
        self.constants: list[EagerTensor] = []
        self._numbers_of_tensors: dict[int, int] = {}
        self._number_tensors()
        self.functions: dict[str, ConcreteFunction] = {}
        self._names: dict[int, str] = {}
        self._name_functions()
        self.contents: dict[int, tuple[ConcreteFunction, ConcreteFunction]] = {}
        self._add_contents()
        self._check_captures()

    # -- objects --------------------------------------------------------------------------

    def _children(self, item: Any) -> dict[str, Any]:
        if item is not self._root:
            children = TrackableView.children(item, "savedmodel")
        else:
            children = self._children_of_root
            if not isinstance(children.get(_SIGNATURES), (SignatureMap, type(None))):
                raise ValueError(
                    f"Exporting an object {item} which has an attribute named '{_SIGNATURES}'. "
                    "This is a reserved attribute used to store SavedModel signatures."
                )
            children[_SIGNATURES] = self.signatures
        if isinstance(item, Function):
            children = {
                name: trace
                for name, trace in children.items()
                if can_encode(trace.structured_input_signature)
            }
        if isinstance(item, CapturableResource):
            children = {**children, **self._functions_of(item)}
        return {name: _variable_behind(child) for name, child in children.items()}

    def _functions_of(self, resource: CapturableResource) -> dict[str, Any]:
        """Functions that make, fill and give back a resource; made once."""
        found = self._resource_functions.get(id(resource))
        if found is None:
            found = {
                name: Function(_giving_a_tensor(getattr(resource, name)), [], name=short)
                for name, short in (
                    ("_create_resource", "_creator"),
                    ("_initialize", "_initializer"),
                    ("_destroy_resource", "_destroyer"),
                )
            }
            self._resource_functions[id(resource)] = found
        return found

    # -- tensors that functions capture ---------------------------------------------------

    def _number_tensors(self) -> None:
        for i, item in enumerate(self.objects):
            tensor = captured_tensor(item)
            if tensor is not None:
                self._numbers_of_tensors[id(tensor)] = i

    def number_of_capture(self, tensor: Any) -> int:
        """Number of the object or constant that a function captures as `tensor`."""
        return self._numbers_of_tensors[id(tensor)]

    def _check_captures(self) -> None:
        for name, function in self.functions.items():
            for tensor in function.captured_inputs:
                if id(tensor) in self._numbers_of_tensors:
                    continue
                if tensor.dtype in (dtypes.resource, dtypes.variant):
                    raise AssertionError(_untracked(name, tensor))
                number = len(self.objects) + len(self.constants)
                self._numbers_of_tensors[id(tensor)] = number
                self.constants.append(tensor)

    # -- functions ------------------------------------------------------------------------

    def _name_functions(self) -> None:
        for item in self.objects:
            if isinstance(item, ConcreteFunction):
                self._name(item)
            elif isinstance(item, SignatureFunction):
                self._name(item.concrete)

    def _add_contents(self) -> None:
        """Functions that give and take the contents of each table."""
        for i, item in enumerate(self.objects):
            if has_contents(item):
                self.contents[i] = contents_functions(item)
                for function in self.contents[i]:
                    self._name(function)

    def _name(self, concrete: ConcreteFunction) -> None:
        if id(concrete) not in self._names:
            hint = _NOT_IN_FUNCTION.sub("_", concrete.name)
            name = f"__inference_{hint}_{len(self.functions) + 1}"
            self._names[id(concrete)] = name
            self.functions[name] = concrete

    def name_of(self, concrete: ConcreteFunction) -> str:
        """Name of a trace in the library."""
        return self._names[id(concrete)]

    def traces_of(self, function: Any) -> list[ConcreteFunction]:
        """The traces of a function that are saved."""
        if isinstance(function, ConcreteFunction):
            return [function] if id(function) in self._names else []
        children = function._trackable_children("savedmodel").values()
        return [trace for trace in children if id(trace) in self._names]

    def instances(self, kind: type) -> Iterable[tuple[int, Any]]:
        """Numbers and objects of one class."""
        return [(i, item) for i, item in enumerate(self.objects) if isinstance(item, kind)]


def _variable_behind(child: Any) -> Any:
    """The variable that a child stands for, so that each variable is written once."""
    if isinstance(child, Variable):
        return child
    handle = getattr(child, "handle", None)
    owner = getattr(handle, "_owner", None)
    variable = None if owner is None else owner()
    return child if variable is None else variable


def _giving_a_tensor(method: Any) -> Any:
    """A method as a function that gives a tensor, as those of resources must."""

    def function() -> Any:
        result = method()
        return result if getattr(result, "dtype", None) is not None else convert_to_tensor(1)

    return function


def captured_tensor(item: Any) -> Any:
    """The tensor that functions capture when they use an object, or None."""
    if isinstance(item, Variable):
        return item.handle
    if isinstance(item, Asset):
        return item.asset_path
    if isinstance(item, CapturableResource):
        return item.resource_handle
    return None


def _untracked(function: str, tensor: Any) -> str:
    owner = getattr(tensor, "_owner", None)
    variable = None if owner is None else owner()
    shown = getattr(variable, "name", None) or f"a {tensor.dtype.name}"
    return (
        "Tried to export a function which references an 'untracked' resource. TensorFlow "
        "objects (e.g. tf.Variable) captured by functions must be 'tracked' by assigning them "
        "to an attribute of a tracked object or of the main object: "
        f"function {function!r} uses {shown!r}"
    )


def check_saveable(root: Any) -> None:
    """Check that an object can be the root of a SavedModel.

    Raises:
        ValueError: it cannot.
    """
    if not isinstance(root, Trackable) or isinstance(root, (Function, ConcreteFunction)):
        raise ValueError(  # noqa: TRY004  (TensorFlow's class)
            "Expected an object of type `Trackable`, such as `tf.Module` or a subclass of the "
            f"`Trackable` class, for export. Got {root} with type {type(root).__name__}."
        )
