"""Variables: reading, assigning and updating in place.

The kernels are functions of values. A row names the inputs that are variables (`reads`,
`writes`); whoever runs it (eager execution, the lowering) hands the current values in and
takes the new ones out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.checks import require
from penstock.ops.namespace import namespace
from penstock.ops.slicing import constant_bounds, tensor_strided_slice_update
from penstock.ops.table import REQUIRED, gradient, op

Array = Any


def _variable_shape(resource: Any, *_: Any, **__: Any) -> TensorShape:
    return TensorShape(resource.variable_shape)


@op(
    "ReadVariableOp",
    inputs=("resource: resource",),
    outputs=("value: dtype",),
    attrs={"dtype": REQUIRED},
    reads=("resource",),
    stateful=True,
    shape=_variable_shape,
)
def read_variable_op(resource: Array, *, dtype: Any) -> Array:  # noqa: ARG001
    """Value of a variable.

    Shape: resource [] -> value [...], the variable's shape.
    """
    return resource


@gradient("ReadVariableOp")
def read_variable_op_gradient(g: Any, grad: Any) -> Any:  # noqa: ARG001
    """The gradient with respect to a handle is that with respect to its value."""
    return (grad,)


@op(
    "AssignVariableOp",
    inputs=("resource: resource", "value: dtype"),
    attrs={"validate_shape": False},
    writes=("resource",),
    stateful=True,
    differentiable=False,
)
def assign_variable_op(resource: Array, value: Array, *, validate_shape: bool) -> Any:  # noqa: ARG001
    """Give a variable a new value.

    Shape: resource [], value [...].
    """
    return (value,)


@op(
    "AssignAddVariableOp",
    inputs=("resource: resource", "value: dtype"),
    reads=("resource",),
    writes=("resource",),
    stateful=True,
    differentiable=False,
)
def assign_add_variable_op(resource: Array, value: Array) -> Any:
    """Add to a variable.

    Shape: resource [], value [...], the variable's shape.
    Errors: InvalidArgumentError when the shapes differ.
    """
    _same_shape(resource, value)
    return (namespace(resource, value).add(resource, value),)


@op(
    "AssignSubVariableOp",
    inputs=("resource: resource", "value: dtype"),
    reads=("resource",),
    writes=("resource",),
    stateful=True,
    differentiable=False,
)
def assign_sub_variable_op(resource: Array, value: Array) -> Any:
    """Subtract from a variable.

    Shape: resource [], value [...], the variable's shape.
    Errors: InvalidArgumentError when the shapes differ.
    """
    _same_shape(resource, value)
    return (namespace(resource, value).subtract(resource, value),)


def _same_shape(variable: Array, value: Array) -> None:
    if tuple(variable.shape) != tuple(value.shape):
        raise InvalidArgumentError(
            f"the value must have the variable's shape {tuple(variable.shape)}, got "
            f"{tuple(value.shape)}"
        )


@op(
    "VariableShape",
    inputs=("input: resource",),
    outputs=("output: out_type",),
    attrs={"out_type": dtypes.int32},
    reads=("input",),
    stateful=True,
    differentiable=False,
    shape=lambda spec, **_: TensorShape([spec.variable_shape.rank]),
)
def variable_shape(input: Array, *, out_type: Any) -> Array:
    """Shape of a variable.

    Shape: input [] -> output [rank].
    """
    return np.asarray(input.shape, out_type.np)


@op(
    "ResourceGather",
    inputs=("resource: resource", "indices: Tindices"),
    outputs=("output: dtype",),
    attrs={"batch_dims": 0, "validate_indices": True, "dtype": REQUIRED},
    reads=("resource",),
    stateful=True,
    shape=lambda resource, indices, *, batch_dims, **_: _gather_shape(
        resource.variable_shape, indices.shape, batch_dims
    ),
)
def resource_gather(
    resource: Array,
    indices: Array,
    *,
    batch_dims: int,
    validate_indices: bool,  # noqa: ARG001
    dtype: Any,  # noqa: ARG001
) -> Array:
    """Rows of a variable.

    Shape: resource [] of a variable [n, ...], indices [...] -> output [..., ...].
    Errors: InvalidArgumentError when an index is out of range.
    """
    xp = namespace(resource, indices)
    size = resource.shape[batch_dims]
    _in_range(indices, size)
    if batch_dims == 0:
        return xp.take(resource, indices, axis=0)
    shape = resource.shape[:batch_dims]
    grids = xp.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    extra = indices.ndim - batch_dims
    lead = tuple(xp.asarray(grid).reshape(grid.shape + (1,) * extra) for grid in grids)
    return resource[(*lead, indices)]


def _in_range(indices: Array, size: int) -> None:
    good = (indices >= 0) & (indices < size)
    require(good, InvalidArgumentError, f"indices must be in [0, {size})", got=indices)


def _gather_shape(variable: TensorShape, indices: TensorShape, batch_dims: int) -> TensorShape:
    if indices.rank is None or variable.rank is None:
        return TensorShape(None)
    return indices.concatenate(variable[batch_dims + 1 :])


@gradient("ResourceGather")
def resource_gather_gradient(g: Any, grad: Any) -> Any:
    """Slices, so that the gradient of an embedding stays sparse."""
    if g.attrs["batch_dims"]:
        return g.generic(grad)
    handle, indices = g.inputs
    shape = g.call("VariableShape", handle, out_type=dtypes.int32)
    if indices.shape.rank != 1:
        count = g.call("Reshape", g.call("Size", indices), [1])
        tail = g.call("StridedSlice", shape, [1], [0], [1], end_mask=1)
        grad = g.call("Reshape", grad, g.call("ConcatV2", [count, tail], 0))
        indices = g.call("Reshape", indices, [-1])
    return g.indexed_slices(grad, indices, shape), None


_SCATTER = {
    "Update": lambda at, value: at.set(value),
    "Add": lambda at, value: at.add(value),
    "Sub": lambda at, value: at.add(-value),
    "Mul": lambda at, value: at.multiply(value),
    "Div": lambda at, value: at.divide(value),
    "Min": lambda at, value: at.min(value),
    "Max": lambda at, value: at.max(value),
}

_HOST_SCATTER = {
    "Update": None,
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Div": np.divide,
    "Min": np.minimum,
    "Max": np.maximum,
}


def scatter(xp: Any, kind: str, array: Array, where: Any, updates: Array) -> Array:
    """`array` with `updates` combined into the places `where` (an index expression)."""
    if xp is not np:
        return _SCATTER[kind](array.at[where], updates.astype(array.dtype))
    result = array.copy()
    function = _HOST_SCATTER[kind]
    if function is None:
        result[where] = updates
    elif kind == "Div":
        # ufunc.at would divide integers into floats; TensorFlow truncates.
        np.floor_divide.at(
            result, where, updates
        ) if result.dtype.kind in "iu" else np.divide.at(result, where, updates)
    else:
        function.at(result, where, updates)
    return result


def _row_of_scatter(kind: str) -> None:
    @op(
        f"ResourceScatter{kind}",
        inputs=("resource: resource", "indices: Tindices", "updates: dtype"),
        reads=("resource",),
        writes=("resource",),
        stateful=True,
        differentiable=False,
    )
    def resource_scatter(resource: Array, indices: Array, updates: Array) -> Any:
        """Combine rows into a variable.

        Shape: resource [] of a variable [n, ...], indices [...], updates [..., ...].
        Errors: InvalidArgumentError when an index is out of range.
        """
        xp = namespace(resource, indices, updates)
        resource, updates = xp.asarray(resource), xp.asarray(updates)
        _in_range(indices, resource.shape[0])
        wide = indices.shape + resource.shape[1:]
        return (scatter(xp, kind, resource, indices, xp.broadcast_to(updates, wide)),)

    @op(
        f"ResourceScatterNd{kind}",
        inputs=("ref: resource", "indices: Tindices", "updates: T"),
        attrs={"use_locking": True, "bad_indices_policy": ""},
        reads=("ref",),
        writes=("ref",),
        stateful=True,
        differentiable=False,
    )
    def resource_scatter_nd(
        ref: Array,
        indices: Array,
        updates: Array,
        *,
        use_locking: bool,  # noqa: ARG001
        bad_indices_policy: str,  # noqa: ARG001
    ) -> Any:
        """Combine slices, found by index vectors, into a variable.

        Shape: ref [] of a variable [...], indices [..., depth], updates [..., ...].
        Errors: InvalidArgumentError when an index is out of range.
        """
        xp = namespace(ref, indices, updates)
        ref, updates = xp.asarray(ref), xp.asarray(updates)
        depth = indices.shape[-1]
        for axis in range(depth):
            _in_range(indices[..., axis], ref.shape[axis])
        where = tuple(indices[..., axis] for axis in range(depth))
        return (scatter(xp, kind, ref, where, updates),)


for _kind in _SCATTER:
    _row_of_scatter(_kind)


@op(
    "ResourceStridedSliceAssign",
    inputs=("ref: resource", "begin: Index", "end: Index", "strides: Index", "value: T"),
    attrs={
        "begin_mask": 0,
        "end_mask": 0,
        "ellipsis_mask": 0,
        "new_axis_mask": 0,
        "shrink_axis_mask": 0,
    },
    constant_inputs=("strides",),
    constant_rule=constant_bounds(),
    reads=("ref",),
    writes=("ref",),
    stateful=True,
    differentiable=False,
)
def resource_strided_slice_assign(
    ref: Array, begin: Array, end: Array, strides: Array, value: Array, **masks: int
) -> Any:
    """Give a strided slice of a variable new values.

    Shape: ref [] of a variable [...], begin [k], end [k], strides [k], value [...].
    """
    if value.dtype != ref.dtype:
        raise InvalidArgumentError(
            f"value must be {ref.dtype} like the variable, got {value.dtype}"
        )
    return (tensor_strided_slice_update(ref, begin, end, strides, value, **masks),)
