"""`tf.queue`: queues of tensors, through which threads hand elements on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.core import dtypes as _dtypes
from penstock.core.dtypes import as_dtype
from penstock.core.errors import UnimplementedError
from penstock.core.tensor_shape import TensorShape
from penstock.runtime.context import init_scope
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.random_state import op_seeds

__all__ = ["FIFOQueue", "PaddingFIFOQueue", "PriorityQueue", "QueueBase", "RandomShuffleQueue"]


class QueueBase:
    """A queue of elements that are tuples of tensors.

    Threads that put elements into a full queue, or take them from an empty one, wait.

    Args:
        dtypes: dtypes of the components of an element.
        shapes: their shapes, or None when they are not known.
        names: names of the components, which make elements dicts; or None.
        queue_ref: handle of the queue.

    Raises:
        ValueError: numbers of shapes, names and dtypes differ.

    Source: `tf.queue.QueueBase`.
    """

    def __init__(self, dtypes: Any, shapes: Any, names: Any, queue_ref: Any) -> None:
        self._dtypes = [as_dtype(dtype) for dtype in dtypes]
        if shapes is not None:
            if len(shapes) != len(self._dtypes):
                raise ValueError(
                    "Queue shapes must have the same length as dtypes, received "
                    f"len(shapes)={len(shapes)},len(dtypes)={len(self._dtypes)}"
                )
            shapes = [TensorShape(shape) for shape in shapes]
        self._shapes: list[TensorShape] = shapes or [TensorShape(None) for _ in self._dtypes]
        if names is not None and len(names) != len(self._dtypes):
            raise ValueError(
                "List of names must have the same length as the list of dtypes, received "
                f"len(names)={len(names)},len(dtypes)={len(self._dtypes)}"
            )
        self._names = None if names is None else list(names)
        self._queue_ref = queue_ref
        self._name = "queue"

    @staticmethod
    def from_list(index: Any, queues: Sequence[QueueBase]) -> QueueBase:
        """Return a queue that is one of several, chosen by the value of `index`.

        Raises:
            TypeError: something in `queues` is no queue.
            ValueError: their dtypes or names differ.
        """
        if not queues or not all(isinstance(queue, QueueBase) for queue in queues):
            raise TypeError("A list of queues expected")
        first = queues[0]
        if any(queue.dtypes != first.dtypes for queue in queues):
            raise TypeError("Queues do not have matching component dtypes.")
        if any(queue.names != first.names for queue in queues):
            raise TypeError("Queues do not have matching component names.")
        shapes = [
            one if all(queue.shapes[i] == one for queue in queues) else TensorShape(None)
            for i, one in enumerate(first.shapes)
        ]
        number = convert_to_tensor(index)
        if not hasattr(number, "numpy"):
            raise UnimplementedError(
                "tf.queue.QueueBase.from_list needs an index whose value is known, got a "
                "tensor of a graph"
            )
        chosen = queues[int(number.numpy())]
        return QueueBase(first.dtypes, shapes, first.names, chosen.queue_ref)

    @property
    def queue_ref(self) -> Any:
        """Handle of the queue."""
        return self._queue_ref

    @property
    def name(self) -> str:
        """Name that the queue was given."""
        return self._name

    @property
    def dtypes(self) -> list[Any]:
        """Dtypes of the components."""
        return self._dtypes

    @property
    def shapes(self) -> list[TensorShape]:
        """Shapes of the components, as far as they are known."""
        return self._shapes

    @property
    def names(self) -> list[str] | None:
        """Names of the components, or None."""
        return self._names

    def enqueue(self, vals: Any, name: str | None = None) -> Any:
        """Put an element in, waiting while the queue is full.

        Args:
            vals: a tensor, list or tuple of tensors, or dict of tensors by name.
            name: name of the node.

        Raises:
            CancelledError: the queue is closed.
        """
        return call("QueueEnqueueV2", self._queue_ref, self._components(vals, 0), name=name)

    def enqueue_many(self, vals: Any, name: str | None = None) -> Any:
        """Put the rows of tensors in, each as an element.

        Args:
            vals: as for `enqueue`, with one more axis in front.
            name: name of the node.

        Raises:
            CancelledError: the queue is closed.
            ValueError: a tensor has no axis, or another shape.
        """
        return call("QueueEnqueueManyV2", self._queue_ref, self._components(vals, 1), name=name)

    def _components(self, vals: Any, axes: int) -> list[Any]:
        """The components of an element as tensors, in order."""
        if isinstance(vals, dict):
            if not self._names:
                raise ValueError("Queue must have names to enqueue a dictionary")
            if sorted(self._names, key=str) != sorted(vals, key=str):
                raise ValueError(
                    "Keys in dictionary to enqueue do not match names of Queue.  Dictionary: "
                    f"{sorted(vals)},Queue: {sorted(self._names)}"
                )
            values = [vals[key] for key in self._names]
        elif self._names:
            raise ValueError("You must enqueue a dictionary in a Queue with names")
        else:
            values = list(vals) if isinstance(vals, (list, tuple)) else [vals]
        tensors = [
            convert_to_tensor(value, dtype)
            for value, dtype in zip(values, self._dtypes, strict=False)
        ]
        for tensor, shape in zip(tensors, self._shapes, strict=False):
            if axes:
                tensor.shape.with_rank_at_least(1)[1:].assert_is_compatible_with(shape)
        return tensors

    def dequeue(self, name: str | None = None) -> Any:
        """Take an element out, waiting while the queue is empty.

        Returns:
            A tensor, a list of tensors for several components, or a dict by their names.

        Raises:
            OutOfRangeError: the queue is closed and empty.
        """
        parts = call(
            "QueueDequeueV2", self._queue_ref, component_types=tuple(self._dtypes), name=name
        )
        return self._element(parts, self._shapes)

    def dequeue_many(self, n: Any, name: str | None = None) -> Any:
        """Take `n` elements out and stack them, waiting until there are so many.

        Raises:
            OutOfRangeError: the queue is closed and has fewer.
            InvalidArgumentError: the shapes of the components are not known.
        """
        return self._taken("QueueDequeueManyV2", n, name)

    def dequeue_up_to(self, n: Any, name: str | None = None) -> Any:
        """Take `n` elements out and stack them; a closed queue gives what is left.

        Raises:
            OutOfRangeError: the queue is closed and empty.
            InvalidArgumentError: the shapes of the components are not known.
        """
        return self._taken("QueueDequeueUpToV2", n, name)

    def _taken(self, op_name: str, n: Any, name: str | None) -> Any:
        parts = call(
            op_name, self._queue_ref, n, component_types=tuple(self._dtypes), name=name
        )
        known = isinstance(n, int) and op_name == "QueueDequeueManyV2"
        first = TensorShape([n if known else None])
        return self._element(parts, [first.concatenate(shape) for shape in self._shapes])

    def _element(self, parts: Any, shapes: Sequence[TensorShape]) -> Any:
        for part, shape in zip(parts, shapes, strict=True):
            part.set_shape(shape)
        if self._names:
            return dict(zip(self._names, parts, strict=True))
        return parts[0] if len(parts) == 1 else list(parts)

    def close(self, cancel_pending_enqueues: bool = False, name: str | None = None) -> Any:
        """Let nothing more in.

        Args:
            cancel_pending_enqueues: whether those who wait to put elements in give up.
            name: name of the node.
        """
        return call(
            "QueueCloseV2",
            self._queue_ref,
            cancel_pending_enqueues=bool(cancel_pending_enqueues),
            name=name,
        )

    def is_closed(self, name: str | None = None) -> Any:
        """Whether nothing more can be put in."""
        return call("QueueIsClosedV2", self._queue_ref, name=name)

    def size(self, name: str | None = None) -> Any:
        """Number of elements in the queue."""
        return call("QueueSizeV2", self._queue_ref, name=name)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _shapes_of(shapes: Any, dtypes: Sequence[Any]) -> list[TensorShape] | None:
    if shapes is None:
        return None
    if isinstance(shapes, TensorShape) or (
        len(dtypes) == 1 and all(size is None or isinstance(size, int) for size in shapes)
    ):
        shapes = [shapes]
    return [TensorShape(shape) for shape in shapes]


def _made(op_name: str, dtypes: Any, shapes: Any, **attrs: Any) -> tuple[Any, Any, Any]:
    """Dtypes, shapes and handle of a new queue, which outlives the graph that asks for it."""
    kinds = [as_dtype(dtype) for dtype in _listed(dtypes)]
    sizes = _shapes_of(shapes, kinds)
    with init_scope():
        handle = call(
            op_name,
            component_types=tuple(kinds),
            shapes=tuple(sizes or ()),
            shared_name=attrs.pop("shared_name") or "",
            **attrs,
        )
    return kinds, sizes, handle


class FIFOQueue(QueueBase):
    """A queue whose elements leave in the order in which they came.

    Args:
        capacity: most elements that it holds, -1 for any number.
        dtypes: dtypes of the components of an element.
        shapes: their shapes; needed to take several elements at once.
        names: names of the components, which make elements dicts.
        shared_name: name under which other objects can find the same queue.
        name: name of the queue.

    Source: `tf.queue.FIFOQueue`.
    """

    def __init__(
        self,
        capacity: int,
        dtypes: Any,
        shapes: Any = None,
        names: Any = None,
        shared_name: str | None = None,
        name: str = "fifo_queue",
    ) -> None:
        made = _made("FIFOQueueV2", dtypes, shapes, capacity=capacity, shared_name=shared_name)
        super().__init__(made[0], made[1], names, made[2])
        self._name = name


class PaddingFIFOQueue(QueueBase):
    """A queue whose elements may differ in size, and are padded when several are taken.

    Args:
        capacity: most elements that it holds, -1 for any number.
        dtypes: dtypes of the components of an element.
        shapes: their shapes, with None where sizes vary.
        names: names of the components, which make elements dicts.
        shared_name: name under which other objects can find the same queue.
        name: name of the queue.

    Source: `tf.queue.PaddingFIFOQueue`.
    """

    def __init__(
        self,
        capacity: int,
        dtypes: Any,
        shapes: Any,
        names: Any = None,
        shared_name: str | None = None,
        name: str = "padding_fifo_queue",
    ) -> None:
        made = _made(
            "PaddingFIFOQueueV2", dtypes, shapes, capacity=capacity, shared_name=shared_name
        )
        super().__init__(made[0], made[1], names, made[2])
        self._name = name


class PriorityQueue(QueueBase):
    """A queue whose elements leave by an int64 scalar, their first component.

    Args:
        capacity: most elements that it holds, -1 for any number.
        types: dtypes of the other components of an element.
        shapes: their shapes; needed to take several elements at once.
        names: names of the components, which make elements dicts.
        shared_name: name under which other objects can find the same queue.
        name: name of the queue.

    Source: `tf.queue.PriorityQueue`.
    """

    def __init__(
        self,
        capacity: int,
        types: Any,
        shapes: Any = None,
        names: Any = None,
        shared_name: str | None = None,
        name: str = "priority_queue",
    ) -> None:
        kinds, sizes, handle = _made(
            "PriorityQueueV2", types, shapes, capacity=capacity, shared_name=shared_name
        )
        sizes = sizes or [TensorShape(None) for _ in kinds]
        super().__init__([_dtypes.int64, *kinds], [TensorShape([]), *sizes], names, handle)
        self._name = name


class RandomShuffleQueue(QueueBase):
    """A queue whose elements leave in random order.

    Args:
        capacity: most elements that it holds, -1 for any number.
        min_after_dequeue: how many elements stay in it while it is open, to be mixed with.
        dtypes: dtypes of the components of an element.
        shapes: their shapes; needed to take several elements at once.
        names: names of the components, which make elements dicts.
        seed: seed of the order.
        shared_name: name under which other objects can find the same queue.
        name: name of the queue.

    Source: `tf.queue.RandomShuffleQueue`.
    """

    def __init__(
        self,
        capacity: int,
        min_after_dequeue: int,
        dtypes: Any,
        shapes: Any = None,
        names: Any = None,
        seed: int | None = None,
        shared_name: str | None = None,
        name: str = "random_shuffle_queue",
    ) -> None:
        made = _made(
            "RandomShuffleQueueV2",
            dtypes,
            shapes,
            capacity=capacity,
            shared_name=shared_name,
            min_after_dequeue=min_after_dequeue,
            **op_seeds(seed),
        )
        super().__init__(made[0], made[1], names, made[2])
        self._name = name
