"""Variables: tensors whose value changes."""

from __future__ import annotations

import enum
import functools
import itertools
import weakref
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from penstock.core import dtypes
from penstock.core.dtypes import DType
from penstock.core.errors import FailedPreconditionError, UnimplementedError
from penstock.core.tensor_shape import TensorShape
from penstock.core.user_code import user_facing
from penstock.ops.handles import use_maker
from penstock.runtime.context import init_scope, state
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.eager import variables_lock
from penstock.runtime.indexed_slices import IndexedSlices
from penstock.runtime.operators import slice_arguments
from penstock.runtime.tensor import EagerTensor, Reference, TensorLike
from penstock.runtime.trackable import Trackable
from penstock.runtime.variable_creators import CreatedThroughScopes
from penstock.runtime.variable_members import VariableMembers


class VariableSynchronization(enum.Enum):
    """When the copies of a distributed variable are made equal."""

    AUTO = 0
    NONE = 1
    ON_WRITE = 2
    ON_READ = 3


class VariableAggregation(enum.Enum):
    """How the copies of a distributed variable are put together."""

    NONE = 0
    SUM = 1
    MEAN = 2
    ONLY_FIRST_REPLICA = 3


# Up to this many elements a buffer that others refer to is copied by numpy.
_COPY_ON_HOST_LIMIT = 1 << 12


# Classes of JAX's arrays that were met: asking `jax.Array` itself takes longer.
_DEVICE_ARRAYS: set[type] = set()


class Holder:
    """Where the value of one variable lives: the object behind its resource handle.

    `owned` says that nobody else refers to the buffer, so that a compiled function may take
    it over; what takes a reference out clears it. Access is under `eager.variables_lock`.
    """

    __slots__ = ("__weakref__", "dtype", "marked_dtype", "name", "owned", "shape", "value")

    def __init__(self, name: str, dtype: DType, shape: TensorShape) -> None:
        self.name = name
        self.dtype = dtype
        self.shape = shape
        self.value: Any = None
        self.owned = False
        same = dtypes.dtype_of_numpy(dtype.np) is dtype if dtype.np != object else False
        self.marked_dtype = None if same else dtype

    def require_value(self) -> Any:
        """The value.

        Raises:
            FailedPreconditionError: the variable has none yet.
        """
        if self.value is None:
            raise FailedPreconditionError(
                f"variable {self.name!r} must be initialized before it is used"
            )
        return self.value

    def set_value(self, value: Any, *, owned: bool) -> None:
        """Replace the value after checking its shape.

        Raises:
            ValueError: the shape is not compatible with the variable's.
        """
        if not self.shape.is_compatible_with(value.shape):
            raise ValueError(
                f"Cannot assign value to variable '{self.name}': Shape mismatch. The variable "
                f"shape {self.shape}, and the assigned value shape {tuple(value.shape)} are "
                "incompatible."
            )
        self.value = value
        self.owned = owned

    def device_value(self) -> Any:
        """The value as a JAX array; a numpy value is moved once and kept so."""
        value = self.require_value()
        if not isinstance(value, jax.Array):
            # (`jnp.asarray` would compile a copy for every shape.)
            value = self.value = jax.device_put(value)
            # The array may share the numpy buffer.
            self.owned = False
        return value

    def replace(self, value: Any, *, owned: bool) -> None:
        """Put the value that a compiled function gave in place of the old one."""
        old = self.value
        if old is not None and old.shape == value.shape:
            self.value = value
            self.owned = owned
        else:
            self.set_value(value, owned=owned)

    def value_to_donate(self) -> Any:
        """The value as an array that may be given away."""
        value = self.value
        if self.owned and type(value) in _DEVICE_ARRAYS:
            return value
        value = self.require_value()
        if self.owned and isinstance(value, jax.Array):
            _DEVICE_ARRAYS.add(type(value))
            return value
        if value.size <= _COPY_ON_HOST_LIMIT or not isinstance(value, jax.Array):
            # A fresh numpy array is moved by the call itself, quicker than XLA copies a buffer.
            return np.array(value)
        return jnp.array(value, copy=True)


_uid = itertools.count()


use_maker(Holder)


class Variable(VariableMembers, TensorLike, Trackable, metaclass=CreatedThroughScopes):
    """A tensor that can be assigned to.

    Args:
        initial_value: tensor, what can become one, or a callable that gives one.
        trainable: whether tapes watch it; None means True.
        validate_shape: False lets values of any shape be assigned.
        caching_device: accepted for compatibility.
        name: name; it need not be unique.
        variable_def: not supported.
        dtype: element type; None takes the initial value's.
        import_scope: not supported.
        constraint: function applied to the value by optimizers after an update.
        synchronization: when copies of a distributed variable are made equal.
        aggregation: how copies are put together.
        shape: shape of the variable, when it is less specific than the initial value's.

    Raises:
        ValueError: no initial value was given.
    """

    __array_priority__ = 100
    _should_act_as_resource_variable = True
    _uses_creators = True

    def __init__(
        self,
        initial_value: Any = None,
        trainable: bool | None = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        variable_def: Any = None,
        dtype: Any = None,
        import_scope: Any = None,
        constraint: Callable[[Any], Any] | None = None,
        synchronization: VariableSynchronization = VariableSynchronization.AUTO,
        aggregation: VariableAggregation = VariableAggregation.NONE,
        shape: Any = None,
        experimental_enable_variable_lifting: bool | None = None,
    ) -> None:
        if initial_value is None:
            raise ValueError("initial_value must be given to make a variable, got None")
        if state.graph is not None and state.on_variable is not None:
            state.on_variable()
        value = self._first_value(initial_value, dtype)
        if shape is not None:
            static = TensorShape(shape)
        elif validate_shape:
            static = TensorShape(getattr(value._value, "shape", ()))
        else:
            static = TensorShape(None)
        self._setup(
            name=name,
            dtype=value.dtype,
            shape=static,
            trainable=True if trainable is None else bool(trainable),
            synchronization=synchronization,
            aggregation=aggregation,
            constraint=constraint,
        )
        if not static.is_compatible_with(value.shape):
            raise ValueError(
                f"the initial value has shape {value.shape}, the variable {static}"
            )
        self._holder.value = value._value

    def _setup(
        self,
        *,
        name: str | None,
        dtype: DType,
        shape: TensorShape,
        trainable: bool,
        synchronization: VariableSynchronization = VariableSynchronization.AUTO,
        aggregation: VariableAggregation = VariableAggregation.NONE,
        constraint: Callable[[Any], Any] | None = None,
    ) -> None:
        scope = state.name_scope
        self._handle_name = f"{scope}{name or 'Variable'}"
        self._holder = Holder(self._handle_name, dtype, shape)
        handle = EagerTensor(self._holder, dtypes.resource)
        handle._trainable = trainable  # type: ignore[attr-defined]
        handle._owner = weakref.ref(self)  # type: ignore[attr-defined]
        handle.variable_shape = shape  # type: ignore[attr-defined]
        handle.variable_dtype = dtype  # type: ignore[attr-defined]
        self._handle = handle
        self._trainable = trainable
        self._synchronization = synchronization
        self._aggregation = aggregation
        self._constraint = constraint
        self._uid = next(_uid)

    @classmethod
    def uninitialized(
        cls, name: str | None, dtype: Any, shape: Any, *, trainable: bool = True
    ) -> Variable:
        """Make a variable that has no value until one is assigned."""
        variable = cls.__new__(cls)
        variable._setup(
            name=name,
            dtype=dtypes.as_dtype(dtype),
            shape=TensorShape(shape),
            trainable=trainable,
        )
        return variable

    @staticmethod
    def _first_value(initial_value: Any, dtype: Any) -> EagerTensor:
        graph = state.graph
        with init_scope():
            if callable(initial_value):
                initial_value = initial_value()
            if getattr(initial_value, "graph_node", None) is not None:
                # Made while a function is traced: the part of the graph behind it is run now.
                initial_value = graph.evaluate(initial_value)
            value = convert_to_tensor(initial_value, dtype)
            if isinstance(value, EagerTensor):
                return value
            made: EagerTensor = graph.evaluate(value)
            return made

    # -- what it is -------------------------------------------------------------------------

    @property
    def handle(self) -> EagerTensor:
        """Resource tensor that refers to this variable."""
        return self._handle

    @property
    def dtype(self) -> DType:
        """Type of the elements."""
        return self._holder.dtype

    @property
    def shape(self) -> TensorShape:
        """Shape."""
        return self._holder.shape

    def get_shape(self) -> TensorShape:
        """Shape."""
        return self.shape

    @property
    def ndim(self) -> int | None:
        """Number of axes."""
        return self.shape.rank

    @property
    def name(self) -> str:
        """Name, with TensorFlow's output suffix."""
        return f"{self._handle_name}:0"

    @property
    def _shared_name(self) -> str:
        return self._handle_name

    @property
    def _unique_id(self) -> str:
        return f"{self._handle_name}_{self._uid}"

    @property
    def trainable(self) -> bool:
        """Whether tapes watch it."""
        return self._trainable

    @property
    def synchronization(self) -> VariableSynchronization:
        """When copies of a distributed variable are made equal."""
        return self._synchronization

    @property
    def aggregation(self) -> VariableAggregation:
        """How copies are put together."""
        return self._aggregation

    @property
    def constraint(self) -> Callable[[Any], Any] | None:
        """Function that optimizers apply after an update."""
        return self._constraint

    @property
    def device(self) -> str:
        """Device of the value."""
        return EagerTensor(self._holder.value).device

    @property
    def graph(self) -> Any:
        """Graph in which it is used, or None."""
        return state.graph

    @property
    def op(self) -> Any:
        """Operation of the handle; only in graphs.

        Raises:
            AttributeError: in eager execution.
        """
        return self._handle.op

    @property
    def initializer(self) -> Any:
        """None: variables are initialized when they are made."""
        return None

    def is_initialized(self, name: str | None = None) -> Any:
        """Tensor that says whether the variable has a value."""
        return convert_to_tensor(self._holder.value is not None)

    def ref(self) -> Reference:
        """Return a hashable reference to this variable."""
        return Reference(self)

    def __hash__(self) -> int:
        raise TypeError("Variable is unhashable. Instead, use variable.ref() as the key.")

    # -- reading ------------------------------------------------------------------------------

    def read_value(self) -> Any:
        """Return the value."""
        value = call("ReadVariableOp", self._handle, dtype=self.dtype)
        if state.graph is not None and not value.shape.is_fully_defined():
            value.set_shape(self.shape)
        return value

    def value(self) -> Any:
        """Return the value."""
        return self.read_value()

    def initialized_value(self) -> Any:
        """Return the value."""
        return self.read_value()

    def numpy(self) -> Any:
        """Return a copy of the value as a numpy array.

        Raises:
            UnimplementedError: called while a graph is built.
        """
        if state.graph is not None:
            raise UnimplementedError(
                "numpy() of a variable is only available in eager execution"
            )
        return self.read_value().numpy()

    def _dense_var_to_tensor(self, dtype: Any = None, name: str | None = None) -> Any:
        if dtype is not None and not self.dtype.is_compatible_with(dtype):
            raise ValueError(
                f"Incompatible type conversion requested to type "
                f"{dtypes.as_dtype(dtype).name} for "
                f"variable of type {self.dtype.name}"
            )
        return self.read_value()

    def sparse_read(self, indices: Any, name: str | None = None) -> Any:
        """Return the slices at `indices` along the first axis."""
        return call("ResourceGather", self._handle, indices, dtype=self.dtype)

    def gather_nd(self, indices: Any, name: str | None = None) -> Any:
        """Return the slices at the index vectors `indices`."""
        return call("GatherNd", self.read_value(), indices)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        array = np.asarray(self.numpy())
        return array if dtype is None else array.astype(dtype)

    # -- assigning -------------------------------------------------------------------------

    @user_facing
    def assign(
        self,
        value: Any,
        use_locking: bool | None = False,
        name: str | None = None,
        read_value: bool = True,
    ) -> Any:
        """Give the variable a new value.

        Raises:
            ValueError: dtype or shape do not fit.
        """
        alike = type(value) is EagerTensor and value.dtype is self._holder.dtype
        if alike and self._assign_alike(value._value):
            return self if read_value else None
        tensor = self._fitting(value)
        call("AssignVariableOp", self._handle, tensor)
        return self._after(read_value)

    def _assign_alike(self, value: Any) -> bool:
        """Take an eager value of the dtype and shape that the variable has, the short way."""
        if state.graph is not None or state.recorders or state.device is not None:
            return False
        holder = self._holder
        old = holder.value
        if type(old) is not np.ndarray and not isinstance(old, (np.generic, jax.Array)):
            return False
        if (
            not isinstance(value, (np.ndarray, np.generic, jax.Array))
            or value.dtype != old.dtype
            or value.shape != old.shape
            or value.dtype == object
        ):
            return False
        with variables_lock:
            holder.set_value(value, owned=False)
        return True

    @user_facing
    def assign_add(
        self,
        delta: Any,
        use_locking: bool | None = False,
        name: str | None = None,
        read_value: bool = True,
    ) -> Any:
        """Add `delta`."""
        call("AssignAddVariableOp", self._handle, self._fitting(delta))
        return self._after(read_value)

    @user_facing
    def assign_sub(
        self,
        delta: Any,
        use_locking: bool | None = False,
        name: str | None = None,
        read_value: bool = True,
    ) -> Any:
        """Subtract `delta`."""
        call("AssignSubVariableOp", self._handle, self._fitting(delta))
        return self._after(read_value)

    def _fitting(self, value: Any) -> Any:
        tensor = convert_to_tensor(value, self.dtype)
        if not self.shape.is_compatible_with(tensor.shape):
            raise ValueError(
                f"Cannot assign value to variable '{self.name}': Shape mismatch. The variable "
                f"shape {self.shape}, and the assigned value shape {tensor.shape} are "
                f"incompatible."
            )
        return tensor

    def _after(self, read_value: bool) -> Any:
        if state.graph is None:
            return self if read_value else None
        return self if read_value else state.graph.last_node()

    def _scatter(self, kind: str, slices: IndexedSlices) -> Any:
        if not isinstance(slices, IndexedSlices):
            raise TypeError(f"sparse_delta is not IndexedSlices: {slices}")
        call(
            f"ResourceScatter{kind}",
            self._handle,
            slices.indices,
            convert_to_tensor(slices.values, self.dtype),
        )
        return self._after(True)

    def scatter_update(
        self,
        sparse_delta: Any,
        use_locking: bool = False,
        name: str | None = None,
    ) -> Any:
        """Replace slices."""
        return self._scatter("Update", sparse_delta)

    def scatter_add(
        self,
        sparse_delta: Any,
        use_locking: bool = False,
        name: str | None = None,
    ) -> Any:
        """Add to slices."""
        return self._scatter("Add", sparse_delta)

    def scatter_sub(
        self,
        sparse_delta: Any,
        use_locking: bool = False,
        name: str | None = None,
    ) -> Any:
        """Subtract from slices."""
        return self._scatter("Sub", sparse_delta)

    def scatter_mul(
        self,
        sparse_delta: Any,
        use_locking: bool = False,
        name: str | None = None,
    ) -> Any:
        """Multiply slices."""
        return self._scatter("Mul", sparse_delta)

    def scatter_div(
        self,
        sparse_delta: Any,
        use_locking: bool = False,
        name: str | None = None,
    ) -> Any:
        """Divide slices."""
        return self._scatter("Div", sparse_delta)

    def scatter_max(
        self,
        sparse_delta: Any,
        use_locking: bool = False,
        name: str | None = None,
    ) -> Any:
        """Take the maximum with slices."""
        return self._scatter("Max", sparse_delta)

    def scatter_min(
        self,
        sparse_delta: Any,
        use_locking: bool = False,
        name: str | None = None,
    ) -> Any:
        """Take the minimum with slices."""
        return self._scatter("Min", sparse_delta)

    def batch_scatter_update(
        self,
        sparse_delta: Any,
        use_locking: bool = False,
        name: str | None = None,
    ) -> Any:
        """Replace slices, where leading axes of the indices run along those of the variable."""
        indices = convert_to_tensor(sparse_delta.indices)
        lead = indices.shape.as_list()[:-1]
        grids = np.meshgrid(*(np.arange(n) for n in lead), indexing="ij")
        columns = [
            np.broadcast_to(grid[..., None], indices.shape.as_list()).astype(indices.dtype.np)
            for grid in grids
        ]
        full = call("Pack", [*(convert_to_tensor(c) for c in columns), indices], axis=-1)
        return self.scatter_nd_update(full, sparse_delta.values)

    def _scatter_nd(self, kind: str, indices: Any, updates: Any) -> Any:
        call(
            f"ResourceScatterNd{kind}",
            self._handle,
            indices,
            convert_to_tensor(updates, self.dtype),
        )
        return self._after(True)

    def scatter_nd_update(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Replace the slices at index vectors."""
        return self._scatter_nd("Update", indices, updates)

    def scatter_nd_add(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Add to the slices at index vectors."""
        return self._scatter_nd("Add", indices, updates)

    def scatter_nd_sub(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Subtract from the slices at index vectors."""
        return self._scatter_nd("Sub", indices, updates)

    def scatter_nd_max(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Take the maximum with the slices at index vectors."""
        return self._scatter_nd("Max", indices, updates)

    def scatter_nd_min(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Take the minimum with the slices at index vectors."""
        return self._scatter_nd("Min", indices, updates)

    # -- saving ----------------------------------------------------------------------------

    def _serialize_to_tensors(self) -> dict[str, Any]:
        return {"VARIABLE_VALUE": self.read_value()}

    def _restore_from_tensors(self, restored_tensors: dict[str, Any]) -> Any:
        return self.assign(restored_tensors["VARIABLE_VALUE"])

    def _copy_trackable_to_cpu(self, object_map: Any) -> None:
        if self not in object_map:
            object_map[self] = copy_of(self)
        else:
            object_map[self].assign(self.read_value())

    # -- display ---------------------------------------------------------------------------

    def __repr__(self) -> str:
        head = f"<tf.Variable '{self.name}' shape={self.shape} dtype={self.dtype.name}"
        if state.graph is not None or self._holder.value is None:
            return f"{head}>"
        value = self.read_value().numpy()
        text = repr(value) if isinstance(value, np.ndarray) else str(np.asarray(value))
        return f"{head}, numpy={text}>"

    def __deepcopy__(self, memo: Any) -> Variable:
        copied = copy_of(self)
        memo[id(self)] = copied
        return copied

    def __bool__(self) -> bool:
        return bool(self.read_value())

    def __int__(self) -> int:
        return int(self.read_value())

    def __float__(self) -> float:
        return float(self.read_value())

    def __complex__(self) -> complex:
        return complex(self.read_value())

    def __index__(self) -> int:
        return int(self.read_value().__index__())

    def __len__(self) -> int:
        return len(self.read_value())

    def __iter__(self) -> Any:
        return iter(self.read_value())


def copy_of(variable: Variable) -> Variable:
    """Return a variable of its own with the same value and properties."""
    with init_scope():
        value = variable._holder.require_value()
        return type(variable)(
            np.array(value, copy=True),
            trainable=variable.trainable,
            name=variable._handle_name,
            dtype=variable.dtype,
            constraint=variable.constraint,
            synchronization=variable.synchronization,
            aggregation=variable.aggregation,
            shape=variable.shape,
        )


def _forward_operator(name: str) -> Callable[..., Any]:
    """An operator of a variable is that of its value."""

    def operator(self: Variable, *args: Any) -> Any:
        return getattr(self.read_value(), name)(*args)

    functools.update_wrapper(operator, operator)
    operator.__name__ = name
    return operator


_OPERATORS = (
    *(
        f"__{side}{name}__"
        for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul")
        for side in ("", "r")
    ),
    *(f"__{side}{name}__" for name in ("and", "or", "xor") for side in ("", "r")),
    *(f"__{name}__" for name in ("lt", "le", "gt", "ge", "eq", "ne", "neg", "abs", "invert")),
    "__div__",
    "__rdiv__",
)
for _name in _OPERATORS:
    setattr(Variable, _name, _forward_operator(_name))


def _get_item(self: Variable, key: Any) -> Any:
    """A slice of the value, whose method `assign` writes into the variable."""
    part = self.read_value()[key]

    def assign(value: Any, name: str | None = None) -> Variable:
        keys = key if isinstance(key, tuple) else (key,)
        begin, end, strides, masks = slice_arguments(keys)
        new = convert_to_tensor(value, self.dtype)
        call("ResourceStridedSliceAssign", self.handle, begin, end, strides, new, **masks)
        return self

    part.assign = assign
    return part


setattr(Variable, "__getitem__", _get_item)  # noqa: B010  (a method, to the type checker)

__all__ = [
    "Holder",
    "Variable",
    "VariableAggregation",
    "VariableSynchronization",
    "copy_of",
    "variables_lock",
]
