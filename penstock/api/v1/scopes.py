"""`tf.compat.v1.variable_scope` and `get_variable`: variables that are shared by name."""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from penstock.api.v1.graphs import GraphKeys
from penstock.api.v1.initializers import glorot_uniform_initializer, zeros_initializer
from penstock.core import dtypes
from penstock.core.errors import UnimplementedError
from penstock.core.tensor_shape import TensorShape
from penstock.graph.session.graph import default_graph
from penstock.graph.session.variable import GraphVariable
from penstock.runtime.context import name_scope, state
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.variable import Variable

__all__ = [
    "AUTO_REUSE",
    "VariableScope",
    "get_local_variable",
    "get_variable",
    "get_variable_scope",
    "make_template",
    "no_regularizer",
    "variable_op_scope",
    "variable_scope",
]


class _Reuse(enum.Enum):
    AUTO_REUSE = 1


AUTO_REUSE = _Reuse.AUTO_REUSE

_INHERITED = ("initializer", "regularizer", "custom_getter", "constraint", "dtype")


class VariableScope:
    """A prefix of variables' names, and what holds for those that are made under it.

    Args:
        reuse: True when variables must exist already, `AUTO_REUSE` when they may.
        name: the prefix.
        **settings: initializer, regularizer, custom_getter, constraint and dtype.
    """

    def __init__(self, reuse: Any, name: str = "", **settings: Any) -> None:
        self.name = name
        self.reuse = reuse
        for key in _INHERITED:
            setattr(self, key, settings.get(key))
        if self.dtype is None:
            self.dtype = dtypes.float32
        self.original_name_scope = settings.get("name_scope") or ""

    dtype: Any
    initializer: Any
    regularizer: Any
    constraint: Any
    custom_getter: Any
    use_resource = True
    partitioner = None
    caching_device = None

    def reuse_variables(self) -> None:
        """Have variables reused from now on."""
        self.reuse = True

    def set_initializer(self, initializer: Any) -> None:
        """Set what gives first values."""
        self.initializer = initializer

    def set_regularizer(self, regularizer: Any) -> None:
        """Set what gives losses of variables."""
        self.regularizer = regularizer

    def set_dtype(self, dtype: Any) -> None:
        """Set the dtype of variables."""
        self.dtype = dtypes.as_dtype(dtype)

    def set_custom_getter(self, custom_getter: Any) -> None:
        """Set a function that is asked for each variable."""
        self.custom_getter = custom_getter

    def get_collection(self, name: str) -> list[Any]:
        """Variables of a collection that lie under this scope."""
        found: list[Any] = default_graph().get_collection(name, f"{self.name}/")
        return found

    def global_variables(self) -> list[Any]:
        """Variables that lie under this scope."""
        return self.get_collection(GraphKeys.GLOBAL_VARIABLES)

    def local_variables(self) -> list[Any]:
        """Local variables that lie under this scope."""
        return self.get_collection(GraphKeys.LOCAL_VARIABLES)

    def trainable_variables(self) -> list[Any]:
        """Trainable variables that lie under this scope."""
        return self.get_collection(GraphKeys.TRAINABLE_VARIABLES)


class _Store:
    """The variables of a graph by name, and the scope in force."""

    def __init__(self) -> None:
        self.variables: dict[str, Any] = {}
        self.scope = VariableScope(False)
        self.counts: dict[str, int] = {}


def _store() -> _Store:
    graph = state.graph
    while graph is not None and not getattr(graph, "runs_on_demand", False):
        graph = graph.outer_graph
    if graph is None:
        return _eager_store()
    if graph.variable_scopes is None:
        graph.variable_scopes = _Store()
    found: _Store = graph.variable_scopes
    return found


@functools.cache
def _eager_store() -> _Store:
    """Scopes of eager code. Its variables are not shared by name: who made them keeps them."""
    return _Store()


def get_variable_scope() -> VariableScope:
    """The variable scope in force."""
    return _store().scope


class variable_scope:  # noqa: N801  (TensorFlow's name)
    """Put names of variables, and of ops, made inside under a prefix.

    Args:
        name_or_scope: the prefix below the scope in force, or a scope to enter again.
        default_name: made unique and used where `name_or_scope` is None.
        values: accepted for compatibility.
        initializer: what gives first values inside.
        regularizer: what gives a loss for each variable made inside.
        reuse: True, None, or `AUTO_REUSE`; see `get_variable`.
        dtype: dtype of variables made inside.
        constraint: function applied to values after an update.
        custom_getter: function that is asked for each variable.
        auxiliary_name_scope: whether ops get the prefix too.

    Raises:
        ValueError: there is neither a name nor a default.
    """

    def __init__(
        self,
        name_or_scope: Any,
        default_name: str | None = None,
        values: Any = None,
        initializer: Any = None,
        regularizer: Any = None,
        caching_device: Any = None,
        partitioner: Any = None,
        custom_getter: Any = None,
        reuse: Any = None,
        dtype: Any = None,
        use_resource: Any = None,
        constraint: Any = None,
        auxiliary_name_scope: bool = True,
    ) -> None:
        if name_or_scope is None and default_name is None:
            raise ValueError("If default_name is None then name_or_scope is required")
        if partitioner is not None:
            raise UnimplementedError(
                "variable_scope makes no variables in parts; leave partitioner out"
            )
        self._given = name_or_scope
        self._default = default_name
        self._reuse = reuse
        self._with_names = auxiliary_name_scope
        self._settings = {
            "initializer": initializer,
            "regularizer": regularizer,
            "custom_getter": custom_getter,
            "constraint": constraint,
            "dtype": None if dtype is None else dtypes.as_dtype(dtype),
        }
        self._entered: list[tuple[_Store, VariableScope, Any]] = []

    def __enter__(self) -> VariableScope:
        store = _store()
        outer = store.scope
        if isinstance(self._given, VariableScope):
            name, base = self._given.name, self._given
            leaf = name.rpartition("/")[2]
        else:
            base = outer
            leaf = self._given if self._given is not None else self._unique(store, outer)
            name = f"{outer.name}/{leaf}" if outer.name else leaf
        settings = {key: getattr(base, key) for key in _INHERITED}
        settings.update({k: v for k, v in self._settings.items() if v is not None})
        reuse = self._reuse if self._reuse is not None else base.reuse
        if reuse is False and outer.reuse is True:
            reuse = True
        names = name_scope(leaf) if self._with_names and leaf else None
        settings["name_scope"] = names.__enter__() if names is not None else state.name_scope
        scope = VariableScope(reuse, name, **settings)
        self._entered.append((store, outer, names))
        store.scope = scope
        return scope

    def _unique(self, store: _Store, outer: VariableScope) -> str:
        base = f"{outer.name}/{self._default}" if outer.name else str(self._default)
        count = store.counts.get(base, 0)
        store.counts[base] = count + 1
        return f"{self._default}_{count}" if count else str(self._default)

    def __exit__(self, *error: Any) -> None:
        store, outer, names = self._entered.pop()
        if names is not None:
            names.__exit__(*error)
        store.scope = outer


@contextmanager
def variable_op_scope(
    values: Any, name_or_scope: Any, default_name: str | None = None, **kwargs: Any
) -> Iterator[VariableScope]:
    """An older form of `variable_scope`."""
    with variable_scope(name_or_scope, default_name, values, **kwargs) as scope:
        yield scope


def get_variable(
    name: str,
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool | None = None,
    collections: Any = None,
    caching_device: Any = None,
    partitioner: Any = None,
    validate_shape: bool = True,
    use_resource: bool | None = None,
    custom_getter: Any = None,
    constraint: Any = None,
    synchronization: Any = None,
    aggregation: Any = None,
) -> Any:
    """The variable of a name below the scope in force, made where the scope allows.

    Args:
        name: its name.
        shape: its shape; not needed where `initializer` is a value.
        dtype: its dtype; default: that of the scope.
        initializer: a function of a shape and dtype, or the first value; default: evenly spread
            numbers, or zeros where these are no floats.
        regularizer: function of the value whose result joins the regularization losses.
        trainable: whether optimizers change it.
        collections: collections that it joins; default: the global variables.
        validate_shape: False lets values of any shape be assigned.
        custom_getter: function that is called in place of this one, with it as first argument.
        constraint: function applied to the value after an update.
        caching_device, partitioner, use_resource, synchronization, aggregation: accepted for
            compatibility, save that variables in parts are refused.

    Raises:
        ValueError: the variable exists and must not, or must and does not; or there is no
            shape.
    """
    if partitioner is not None:
        raise UnimplementedError(
            "get_variable makes no variables in parts; leave partitioner out"
        )
    store = _store()
    scope = store.scope
    getter = custom_getter or scope.custom_getter
    arguments = {
        "shape": shape,
        "dtype": dtypes.as_dtype(dtype) if dtype is not None else None,
        "initializer": initializer if initializer is not None else scope.initializer,
        "regularizer": regularizer if regularizer is not None else scope.regularizer,
        "trainable": trainable,
        "collections": collections,
        "validate_shape": validate_shape,
        "constraint": constraint if constraint is not None else scope.constraint,
    }
    full = f"{scope.name}/{name}" if scope.name else name
    make = functools.partial(_find_or_make, store, scope)
    if getter is None:
        return make(full, **arguments)
    return getter(make, full, **arguments)


def _find_or_make(store: _Store, scope: VariableScope, name: str, **arguments: Any) -> Any:
    found = store.variables.get(name)
    shape = arguments["shape"]
    if found is not None:
        if scope.reuse is False or scope.reuse is None:
            raise ValueError(
                f"Variable {name} already exists, disallowed. Did you mean to set reuse=True "
                "or reuse=tf.AUTO_REUSE in VarScope?"
            )
        if shape is not None and not found.shape.is_compatible_with(TensorShape(shape)):
            raise ValueError(
                f"Trying to share variable {name}, but specified shape {TensorShape(shape)} "
                f"and found shape {found.shape}."
            )
        return found
    if scope.reuse is True:
        raise ValueError(
            f"Variable {name} does not exist, or was not created with tf.get_variable(). Did "
            "you mean to set reuse=tf.AUTO_REUSE in VarScope?"
        )
    made = _make(scope, name, **arguments)
    if state.graph is not None:
        store.variables[name] = made
    return made


def _make(
    scope: VariableScope,
    name: str,
    *,
    shape: Any,
    dtype: Any,
    initializer: Any,
    regularizer: Any,
    trainable: bool | None,
    collections: Any,
    validate_shape: bool,
    constraint: Any,
    **_: Any,
) -> Any:
    kind = dtype or scope.dtype
    first = initializer
    if first is None:
        floats = kind.is_floating or kind.is_complex
        first = glorot_uniform_initializer() if floats else zeros_initializer()
    if isinstance(first, type):
        first = first()
    if callable(first):
        if shape is None:
            raise ValueError(
                f"Shape of a new variable ({name}) must be fully defined, but instead was None."
            )
        first = functools.partial(_first_value, first, TensorShape(shape).as_list(), kind)
    else:
        first = convert_to_tensor(first, dtype)
    arguments: dict[str, Any] = {
        "trainable": trainable,
        "validate_shape": validate_shape,
        "name": name,
        "constraint": constraint,
    }
    if state.graph is not None:
        arguments["collections"] = collections
    with name_scope(None):
        made = _variable(first, arguments)
    if regularizer is not None:
        with name_scope(f"{name}/Regularizer/"):
            loss = regularizer(made)
        if loss is not None:
            default_graph().add_to_collection(GraphKeys.REGULARIZATION_LOSSES, loss)
    return made


def _first_value(initializer: Callable[..., Any], shape: Any, dtype: Any) -> Any:
    try:
        made = initializer(shape, dtype=dtype)
    except TypeError as error:
        if "dtype" not in str(error) and "argument" not in str(error):
            raise
        made = initializer(shape)
    made = convert_to_tensor(made, dtype)
    made.set_shape(shape)
    return made


def _variable(first: Any, arguments: dict[str, Any]) -> Any:
    if state.graph is None:
        return Variable(first, **arguments)
    return GraphVariable(first, **arguments)


def get_local_variable(name: str, *args: Any, **kwargs: Any) -> Any:
    """Like `get_variable`, for a variable that is neither trained nor saved."""
    kwargs.update(trainable=False, collections=[GraphKeys.LOCAL_VARIABLES])
    return get_variable(name, *args, **kwargs)


def no_regularizer(_: Any) -> None:
    """Give no loss."""


def make_template(
    name_: str,
    func_: Callable[..., Any],
    create_scope_now_: bool = False,
    unique_name_: str | None = None,
    custom_getter_: Any = None,
    **kwargs: Any,
) -> Callable[..., Any]:
    """A function that shares the variables it makes between its calls."""
    scopes: list[VariableScope] = []

    def call_it(*args: Any, **more: Any) -> Any:
        reuse = AUTO_REUSE if not scopes else True
        given = scopes[0] if scopes else unique_name_
        with variable_scope(given, name_, custom_getter=custom_getter_, reuse=reuse) as scope:
            result = func_(*args, **{**kwargs, **more})
        if not scopes:
            scopes.append(scope)
        return result

    if create_scope_now_:
        with variable_scope(unique_name_, name_, reuse=AUTO_REUSE) as scope:
            scopes.append(scope)
            scope.reuse = AUTO_REUSE
    return call_it
