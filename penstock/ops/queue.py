"""Queues: making them, putting elements in and taking them out."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape, unknown_shape
from penstock.ops.queue_store import PaddingQueue, PriorityQueue, Queue, ShuffleQueue
from penstock.ops.table import REQUIRED, TYPE_LIST, op

Array = Any

_NAMING: Final = {"container": "", "shared_name": ""}
_MAKING: Final = {"component_types": REQUIRED, "shapes": (), "capacity": -1, **_NAMING}

# Queues with a name; each lives as long as somebody holds its handle.
_named: weakref.WeakValueDictionary[tuple[str, str], Queue] = weakref.WeakValueDictionary()
_lock = threading.Lock()


def _shared(container: str, shared_name: str, make: Callable[[], Queue]) -> Queue:
    """The queue of a name, or a new one when there is no name.

    Raises:
        InvalidArgumentError: the queue of that name is of another kind.
    """
    if not shared_name:
        return make()
    with _lock:
        found = _named.get((container, shared_name))
        made = make()
        if found is None:
            _named[container, shared_name] = found = made
    if (type(made), made.dtypes, made.shapes) != (type(found), found.dtypes, found.shapes):
        raise InvalidArgumentError(
            f"Shared queue '{shared_name}' has component types {found.dtypes} and shapes "
            f"{found.shapes}, but requested were {made.dtypes} and {made.shapes}"
        )
    return found


def _scalar(*_: Any, **__: Any) -> TensorShape:
    return TensorShape([])


def _nothing(*_: Any, **__: Any) -> tuple[TensorShape, ...]:
    return ()


def _maker(name: str, **attrs: Any) -> Callable[[Any], Any]:
    return op(
        name,
        outputs=("handle: resource",),
        attrs={**_MAKING, **attrs},
        kernel="host",
        stateful=True,
        differentiable=False,
        shape=_scalar,
    )


def _user(name: str, **fields: Any) -> Callable[[Any], Any]:
    return op(name, kernel="host", stateful=True, differentiable=False, **fields)


@_maker("FIFOQueueV2")
def fifo_queue_v2(
    *, component_types: Any, shapes: Any, capacity: int, container: str, shared_name: str
) -> Any:
    """Handle of a queue whose elements leave in the order in which they came.

    Shape: -> handle [].
    """
    return _shared(
        container, shared_name, lambda: Queue(component_types, shapes, capacity, shared_name)
    )


@_maker("PaddingFIFOQueueV2")
def padding_fifo_queue_v2(
    *, component_types: Any, shapes: Any, capacity: int, container: str, shared_name: str
) -> Any:
    """Handle of a queue whose elements may differ in size, and are padded when joined.

    Shape: -> handle [].
    """
    return _shared(
        container,
        shared_name,
        lambda: PaddingQueue(component_types, shapes, capacity, shared_name),
    )


@_maker("PriorityQueueV2", component_types=())
def priority_queue_v2(
    *, component_types: Any, shapes: Any, capacity: int, container: str, shared_name: str
) -> Any:
    """Handle of a queue whose elements leave by their first component, an int64 scalar.

    Shape: -> handle [].
    """
    kinds = (dtypes.int64, *component_types)
    sizes = (TensorShape([]), *shapes)
    return _shared(
        container, shared_name, lambda: PriorityQueue(kinds, sizes, capacity, shared_name)
    )


@_maker("RandomShuffleQueueV2", min_after_dequeue=0, seed=0, seed2=0)
def random_shuffle_queue_v2(
    *,
    component_types: Any,
    shapes: Any,
    capacity: int,
    container: str,
    shared_name: str,
    min_after_dequeue: int,
    seed: int,
    seed2: int,
) -> Any:
    """Handle of a queue whose elements leave in random order.

    Shape: -> handle [].
    """
    return _shared(
        container,
        shared_name,
        lambda: ShuffleQueue(
            component_types,
            shapes,
            capacity,
            shared_name,
            min_after_dequeue=min_after_dequeue,
            seeds=(seed, seed2),
        ),
    )


def _component(queue: Queue, place: int, value: Any, *, many: bool) -> Array:
    """A component as an array of the dtype and shape that the queue wants."""
    array = np.asarray(value)
    wanted = queue.dtypes[place]
    if array.dtype != wanted.np:
        raise InvalidArgumentError(
            f"Type mismatch in tuple component {place}. Expected {wanted.name}, got "
            f"{dtypes.dtype_of_numpy(array.dtype).name}"
        )
    if many and array.ndim == 0:
        raise InvalidArgumentError("tuple component to enqueue must have at least rank 1")
    if queue.shapes:
        expected = queue.shapes[place]
        if many:
            expected = TensorShape([None]).concatenate(expected)
        if not expected.is_compatible_with(array.shape):
            raise InvalidArgumentError(
                f"Shape mismatch in tuple component {place}. Expected {expected}, got "
                f"{list(array.shape)}"
            )
    return array


def _components(queue: Queue, values: Any, *, many: bool) -> list[Array]:
    if len(values) != len(queue.dtypes):
        raise InvalidArgumentError(
            f"an element of the queue has {len(queue.dtypes)} components, got {len(values)}"
        )
    return [_component(queue, i, value, many=many) for i, value in enumerate(values)]


@_user(
    "QueueEnqueueV2",
    inputs=("handle: resource", "components: Tcomponents"),
    attrs={"Tcomponents": TYPE_LIST, "timeout_ms": -1},
    shape=_nothing,
)
def queue_enqueue_v2(
    handle: Queue,
    components: Any,
    *,
    Tcomponents: Any,  # noqa: ARG001, N803
    timeout_ms: int,
) -> Any:
    """Put an element into a queue, waiting while it is full.

    Shape: handle [], components [...].
    Errors: CancelledError when the queue is closed; InvalidArgumentError when a component
    does not fit.
    """
    handle.put([tuple(_components(handle, components, many=False))], timeout_ms)
    return ()


@_user(
    "QueueEnqueueManyV2",
    inputs=("handle: resource", "components: Tcomponents"),
    attrs={"Tcomponents": TYPE_LIST, "timeout_ms": -1},
    shape=_nothing,
)
def queue_enqueue_many_v2(
    handle: Queue,
    components: Any,
    *,
    Tcomponents: Any,  # noqa: ARG001, N803
    timeout_ms: int,
) -> Any:
    """Put the rows of components into a queue, each as an element.

    Shape: handle [], components [n, ...].
    Errors: CancelledError when the queue is closed; InvalidArgumentError when a component
    does not fit or numbers of rows differ.
    """
    arrays = _components(handle, components, many=True)
    if len({len(array) for array in arrays}) > 1:
        raise InvalidArgumentError(
            "All input tensors must have the same size in the 0th dimension, got "
            f"{[len(array) for array in arrays]}"
        )
    rows = [tuple(np.asarray(array[i, ...]) for array in arrays) for i in range(len(arrays[0]))]
    handle.put(rows, timeout_ms)
    return ()


_TAKING: Final = {"component_types": TYPE_LIST, "timeout_ms": -1}


def _unknown(*_: Any, component_types: Any, **__: Any) -> tuple[TensorShape, ...]:
    return tuple(unknown_shape() for _ in component_types)


def _checked_types(queue: Queue, component_types: Any) -> None:
    if tuple(component_types) != queue.dtypes:
        raise InvalidArgumentError(
            f"the components of the queue are {[t.name for t in queue.dtypes]}, asked for were "
            f"{[t.name for t in component_types]}"
        )


@_user(
    "QueueDequeueV2",
    inputs=("handle: resource",),
    outputs=("components: component_types",),
    attrs=_TAKING,
    shape=_unknown,
)
def queue_dequeue_v2(handle: Queue, *, component_types: Any, timeout_ms: int) -> Any:
    """Take an element out of a queue, waiting while it is empty.

    Shape: handle [] -> components [...].
    Errors: OutOfRangeError when the queue is closed and empty.
    """
    _checked_types(handle, component_types)
    (element,) = handle.take(1, timeout_ms)
    return element


def _take_many(
    queue: Queue, count: Any, component_types: Any, timeout_ms: int, *, fewer: bool
) -> Any:
    _checked_types(queue, component_types)
    wanted = int(count)
    if wanted < 0:
        raise InvalidArgumentError(f"DequeueManyOp requested {wanted} < 0 elements")
    if not queue.shapes:
        raise InvalidArgumentError(
            f"{queue.kind}'s DequeueMany and DequeueUpTo require the components to have "
            "specified shapes."
        )
    if wanted == 0:
        return tuple(
            np.empty((0, *(size or 0 for size in shape.as_list())), dtype.np)
            for dtype, shape in zip(queue.dtypes, queue.shapes, strict=True)
        )
    return queue.join(queue.take(wanted, timeout_ms, fewer=fewer))


@_user(
    "QueueDequeueManyV2",
    inputs=("handle: resource", "n: int32"),
    outputs=("components: component_types",),
    attrs=_TAKING,
    shape=_unknown,
)
def queue_dequeue_many_v2(
    handle: Queue, n: Array, *, component_types: Any, timeout_ms: int
) -> Any:
    """Take `n` elements out of a queue and stack them, waiting until there are so many.

    Shape: handle [], n [] -> components [n, ...].
    Errors: OutOfRangeError when the queue is closed and has fewer; InvalidArgumentError when
    the shapes of its components are not known.
    """
    return _take_many(handle, n, component_types, timeout_ms, fewer=False)


@_user(
    "QueueDequeueUpToV2",
    inputs=("handle: resource", "n: int32"),
    outputs=("components: component_types",),
    attrs=_TAKING,
    shape=_unknown,
)
def queue_dequeue_up_to_v2(
    handle: Queue, n: Array, *, component_types: Any, timeout_ms: int
) -> Any:
    """Take `n` elements out of a queue and stack them; a closed queue gives what is left.

    Shape: handle [], n [] -> components [m, ...] with m <= n.
    Errors: OutOfRangeError when the queue is closed and empty; InvalidArgumentError when the
    shapes of its components are not known.
    """
    return _take_many(handle, n, component_types, timeout_ms, fewer=True)


@_user(
    "QueueCloseV2",
    inputs=("handle: resource",),
    attrs={"cancel_pending_enqueues": False},
    shape=_nothing,
)
def queue_close_v2(handle: Queue, *, cancel_pending_enqueues: bool) -> Any:
    """Let nothing more into a queue.

    Shape: handle [].
    """
    handle.close(cancel=cancel_pending_enqueues)
    return ()


@_user(
    "QueueIsClosedV2", inputs=("handle: resource",), outputs=("is_closed: bool",), shape=_scalar
)
def queue_is_closed_v2(handle: Queue) -> Array:
    """Whether nothing more can be put into a queue.

    Shape: handle [] -> is_closed [].
    """
    return np.asarray(handle.is_closed)


@_user("QueueSizeV2", inputs=("handle: resource",), outputs=("size: int32",), shape=_scalar)
def queue_size_v2(handle: Queue) -> Array:
    """Number of elements in a queue.

    Shape: handle [] -> size [].
    """
    return np.asarray(handle.size(), np.int32)
