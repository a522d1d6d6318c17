"""Handles of variables: making them, asking for their state, giving them back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError, NotFoundError, OutOfRangeError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.checks import require
from penstock.ops.namespace import namespace
from penstock.ops.table import REQUIRED, gradient, op

Array = Any

# The name that asks for a variable that nobody else can find.
_ANONYMOUS: Final = "cd2c89b7-88b7-44c8-ad83-06c2a9158347"

_named: dict[tuple[str, str], Any] = {}
_lock = threading.Lock()
_maker: list[Callable[[str, Any, Any], Any]] = []


def use_maker(maker: Callable[[str, Any, Any], Any]) -> None:
    """Set what makes the object behind a handle, from a name, a dtype and a shape."""
    _maker[:] = [maker]


@op(
    "VarHandleOp",
    outputs=("resource: resource",),
    attrs={
        "container": "",
        "shared_name": "",
        "debug_name": "",
        "dtype": REQUIRED,
        "shape": REQUIRED,
        "allowed_devices": (),
    },
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=lambda **_: TensorShape([]),
)
def var_handle_op(
    *,
    container: str,
    shared_name: str,
    debug_name: str,
    dtype: Any,
    shape: Any,
    allowed_devices: Any,  # noqa: ARG001
) -> Any:
    """Handle of the variable of a name, which is made without a value when it is first named.

    Shape: -> resource [].
    Errors: InvalidArgumentError when the variable of that name has another dtype.
    """
    shape = TensorShape(shape)
    if shared_name == _ANONYMOUS:
        return _maker[0](debug_name, dtype, shape)
    with _lock:
        found = _named.get((container, shared_name))
        if found is None:
            found = _named[container, shared_name] = _maker[0](shared_name, dtype, shape)
    if found.dtype != dtype:
        raise InvalidArgumentError(
            f"variable {shared_name!r} is {found.dtype.name}, got a handle of {dtype.name}"
        )
    return found


@op(
    "VarIsInitializedOp",
    inputs=("resource: resource",),
    outputs=("is_initialized: bool",),
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=lambda *_, **__: TensorShape([]),
)
def var_is_initialized_op(resource: Any) -> Array:
    """Whether a variable has a value.

    Shape: resource [] -> is_initialized [].
    """
    return np.asarray(resource.value is not None)


@op(
    "DestroyResourceOp",
    inputs=("resource: resource",),
    attrs={"ignore_lookup_error": True},
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=lambda *_, **__: (),
)
def destroy_resource_op(resource: Any, *, ignore_lookup_error: bool) -> Any:
    """Forget the value of a variable and its name.

    Shape: resource [].
    Errors: NotFoundError when it is gone already, unless that is to be ignored.
    """
    held = getattr(resource, "value", None) is not None
    with _lock:
        for key in [key for key, value in _named.items() if value is resource]:
            del _named[key]
    if held:
        resource.value = None
    elif not ignore_lookup_error:
        raise NotFoundError("the resource must exist to be destroyed; it is gone already")
    return ()


@op(
    "DisableCopyOnRead",
    inputs=("resource: resource",),
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=lambda *_, **__: (),
)
def disable_copy_on_read(resource: Any) -> Any:  # noqa: ARG001
    """Do nothing: reads never copy, and values that were read never change.

    Shape: resource [].
    """
    return ()


@op(
    "ResourceCountUpTo",
    inputs=("resource: resource",),
    outputs=("output: T",),
    attrs={"limit": REQUIRED, "T": REQUIRED},
    reads=("resource",),
    writes=("resource",),
    stateful=True,
    differentiable=False,
    shape=lambda *_, **__: TensorShape([]),
)
def resource_count_up_to(resource: Array, *, limit: int, T: Any) -> Any:  # noqa: ARG001, N803
    """Value of a counter, which then is one more.

    Shape: resource [] of a variable [] -> output [].
    Errors: OutOfRangeError when the limit is reached.
    """
    require(resource < limit, OutOfRangeError, f"Reached limit of {limit}")
    xp = namespace(resource)
    return resource, xp.add(resource, np.ones((), resource.dtype))


@op(
    "ResourceGatherNd",
    inputs=("resource: resource", "indices: Tindices"),
    outputs=("output: dtype",),
    attrs={"dtype": REQUIRED},
    reads=("resource",),
    stateful=True,
)
def resource_gather_nd(resource: Array, indices: Array, *, dtype: Any) -> Array:  # noqa: ARG001
    """Slices of a variable, found by index vectors.

    Shape: resource [] of a variable [...], indices [..., depth] -> output [..., ...].
    Errors: InvalidArgumentError when an index is out of range.
    """
    xp = namespace(resource, indices)
    depth = indices.shape[-1]
    if depth > resource.ndim:
        raise InvalidArgumentError(
            f"index vectors must have at most {resource.ndim} numbers, got {depth}"
        )
    for axis in range(depth):
        column, size = indices[..., axis], resource.shape[axis]
        good = (column >= 0) & (column < size)
        require(good, InvalidArgumentError, f"indices must be in [0, {size})", got=column)
    if depth == 0:
        return xp.broadcast_to(resource, indices.shape[:-1] + resource.shape)
    return xp.asarray(resource)[tuple(indices[..., axis] for axis in range(depth))]


@gradient("ResourceGatherNd")
def resource_gather_nd_gradient(g: Any, grad: Any) -> Any:
    """Slices where an index vector names a row, else zeros with the gradients in place."""
    handle, indices = g.inputs
    shape = g.call("VariableShape", handle, out_type=indices.dtype)
    if indices.shape.rank is not None and indices.shape[-1] == 1:
        rows = g.call("Squeeze", indices, squeeze_dims=(-1,))
        return g.indexed_slices(grad, rows, g.call("Cast", shape, DstT=dtypes.int64)), None
    return g.call("ScatterNd", indices, grad, shape), None
