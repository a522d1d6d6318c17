"""Arrays of tensors behind handles, as graphs of TensorFlow 1 use them.

Each op takes and gives a `flow`, a number that only says what comes before what.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.table import REQUIRED, op

Array = Any
_UNKNOWN = TensorShape(None)


class TensorArrayResource:
    """What is behind the handle of an array.

    Args:
        size: number of elements.
        dtype: their dtype.
        element_shape: their shape, as far as it is known.
        grows: whether writing past the end makes it longer.
        clears: whether an element can be read once only.
        sums: whether what is written to one place is added, as in arrays of gradients.
    """

    def __init__(  # noqa: PLR0917
        self,
        size: int,
        dtype: DType,
        element_shape: TensorShape,
        grows: bool,
        clears: bool,
        sums: bool = False,
    ) -> None:
        self.items: list[Any] = [None] * size
        self.read: list[bool] = [False] * size
        self.shapes: list[tuple[int, ...] | None] = [None] * size
        self.dtype = dtype
        self.element_shape = element_shape
        self.grows = grows
        self.clears = clears
        self.sums = sums
        self.gradients: dict[str, TensorArrayResource] = {}

    def set_item(self, index: int, value: Any) -> None:
        """Write an element.

        Raises:
            InvalidArgumentError: there is no such place, it is taken, or the shape is wrong.
        """
        if self.grows and index >= len(self.items):
            more = index + 1 - len(self.items)
            self.items += [None] * more
            self.read += [False] * more
            self.shapes += [None] * more
        self._check(index)
        array = np.asarray(value)
        if not self.element_shape.is_compatible_with(array.shape):
            raise InvalidArgumentError(
                f"an element of the TensorArray must have shape {self.element_shape}, got "
                f"{array.shape}"
            )
        if self.items[index] is not None:
            if not self.sums:
                raise InvalidArgumentError(
                    f"index {index} of the TensorArray must be written once, got a second value"
                )
            array = self.items[index] + array
        elif self.read[index]:
            raise InvalidArgumentError(
                f"index {index} of the TensorArray was read and cleared; it cannot be written"
            )
        self.items[index] = array
        self.shapes[index] = array.shape

    def item(self, index: int) -> Any:
        """Read an element.

        Raises:
            InvalidArgumentError: there is none.
        """
        self._check(index)
        value = self.items[index]
        if value is None:
            if self.read[index]:
                raise InvalidArgumentError(
                    f"index {index} of the TensorArray was read and cleared; make the array "
                    "with clear_after_read=False to read it again"
                )
            value = self._zeros(index)
        if self.clears:
            self.items[index] = None
            self.read[index] = True
        return value

    def _zeros(self, index: int) -> Any:
        shape = self.shapes[index]
        if shape is None and self.element_shape.is_fully_defined():
            shape = tuple(size or 0 for size in self.element_shape.as_list())
        if shape is None:
            raise InvalidArgumentError(
                f"index {index} of the TensorArray must be written before it is read"
            )
        return np.zeros(shape, self.dtype.np)

    def _check(self, index: int) -> None:
        if not 0 <= index < len(self.items):
            raise InvalidArgumentError(
                f"an index of the TensorArray must be in [0, {len(self.items)}), got {index}"
            )

    def gradient(self, source: str) -> TensorArrayResource:
        """The array of gradients of this one, for one call of gradients."""
        found = self.gradients.get(source)
        if found is None:
            found = TensorArrayResource(
                len(self.items), self.dtype, self.element_shape, False, self.clears, sums=True
            )
            found.shapes = list(self.shapes)
            self.gradients[source] = found
        return found


def _array_op(
    name: str,
    inputs: Sequence[str] = (),
    outputs: Sequence[str] = ("flow_out: float",),
    attrs: Any = None,
    shape: Any = None,
) -> Callable[[Any], Any]:
    """A row whose first input is the handle of an array."""
    return op(
        name,
        inputs=("handle: resource", *inputs),
        outputs=outputs,
        attrs=attrs,
        kernel="host",
        stateful=True,
        differentiable=False,
        shape=shape or (lambda *_, **__: TensorShape([])),
    )


@op(
    "TensorArrayV3",
    inputs=("size: int32",),
    outputs=("handle: resource", "flow: float"),
    attrs={
        "dtype": REQUIRED,
        "element_shape": _UNKNOWN,
        "dynamic_size": False,
        "clear_after_read": True,
        "identical_element_shapes": False,
        "tensor_array_name": "",
    },
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=lambda *_, **__: (TensorShape([2]), TensorShape([])),
)
def tensor_array_v3(
    size: Array,
    *,
    dtype: DType,
    element_shape: Any,
    dynamic_size: bool,
    clear_after_read: bool,
    identical_element_shapes: bool,  # noqa: ARG001
    tensor_array_name: str,  # noqa: ARG001
) -> Any:
    """Make an array of tensors.

    Shape: size [] -> handle [2], flow [].
    """
    made = TensorArrayResource(
        int(size), dtype, TensorShape(element_shape), dynamic_size, clear_after_read
    )
    return made, np.float32(0)


@_array_op(
    "TensorArrayGradV3",
    ("flow_in: float",),
    ("grad_handle: resource", "flow_out: float"),
    {"source": REQUIRED},
    lambda *_, **__: (TensorShape([2]), TensorShape([])),
)
def tensor_array_grad_v3(handle: TensorArrayResource, flow_in: Array, *, source: str) -> Any:
    """The array of the gradients of another.

    Shape: handle [2], flow_in [] -> grad_handle [2], flow_out [].
    """
    return handle.gradient(source), flow_in


@_array_op("TensorArrayWriteV3", ("index: int32", "value: T", "flow_in: float"))
def tensor_array_write_v3(
    handle: TensorArrayResource, index: Array, value: Array, flow_in: Array
) -> Array:
    """Write one element.

    Shape: handle [2], index [], value [...], flow_in [] -> flow_out [].
    Errors: InvalidArgumentError when the index is out of range or written already.
    """
    handle.set_item(int(index), value)
    return flow_in


@_array_op(
    "TensorArrayReadV3",
    ("index: int32", "flow_in: float"),
    ("value: dtype",),
    {"dtype": REQUIRED},
    lambda *_, **__: _UNKNOWN,
)
def tensor_array_read_v3(
    handle: TensorArrayResource,
    index: Array,
    flow_in: Array,  # noqa: ARG001
    *,
    dtype: DType,  # noqa: ARG001
) -> Array:
    """Read one element.

    Shape: handle [2], index [], flow_in [] -> value [...].
    Errors: InvalidArgumentError when it was never written, or was cleared by reading it.
    """
    return handle.item(int(index))


@_array_op(
    "TensorArrayGatherV3",
    ("indices: int32", "flow_in: float"),
    ("value: dtype",),
    {"dtype": REQUIRED, "element_shape": _UNKNOWN},
    lambda *_, element_shape, **__: TensorShape([None]).concatenate(TensorShape(element_shape)),
)
def tensor_array_gather_v3(
    handle: TensorArrayResource,
    indices: Array,
    flow_in: Array,  # noqa: ARG001
    *,
    dtype: DType,
    element_shape: Any,
) -> Array:
    """Elements put together along a fresh first axis.

    Shape: handle [2], indices [n], flow_in [] -> value [n, ...].
    Errors: InvalidArgumentError when an element is missing or their shapes differ.
    """
    items = [handle.item(int(index)) for index in np.asarray(indices)]
    if items:
        return _stacked(items)
    known = TensorShape(element_shape).merge_with(handle.element_shape)
    sizes = [] if known.rank is None else [size or 0 for size in known.as_list()]
    return np.zeros((0, *sizes), dtype.np)


def _stacked(items: Sequence[Array]) -> Array:
    shapes = {np.shape(item) for item in items}
    if len(shapes) > 1:
        raise InvalidArgumentError(
            f"elements of a TensorArray must have one shape to be stacked, got {sorted(shapes)}"
        )
    return np.stack(items)


@_array_op("TensorArrayScatterV3", ("indices: int32", "value: T", "flow_in: float"))
def tensor_array_scatter_v3(
    handle: TensorArrayResource, indices: Array, value: Array, flow_in: Array
) -> Array:
    """Write the parts of a tensor along its first axis to several places.

    Shape: handle [2], indices [n], value [n, ...], flow_in [] -> flow_out [].
    Errors: InvalidArgumentError when an index is out of range or written already.
    """
    array = np.asarray(value)
    for i, index in enumerate(np.asarray(indices)):
        handle.set_item(int(index), array[i])
    return flow_in


@_array_op(
    "TensorArrayConcatV3",
    ("flow_in: float",),
    ("value: dtype", "lengths: int64"),
    {"dtype": REQUIRED, "element_shape_except0": _UNKNOWN},
    lambda *_, element_shape_except0, **__: (
        TensorShape([None]).concatenate(TensorShape(element_shape_except0)),
        TensorShape([None]),
    ),
)
def tensor_array_concat_v3(
    handle: TensorArrayResource,
    flow_in: Array,  # noqa: ARG001
    *,
    dtype: DType,
    element_shape_except0: Any,
) -> Any:
    """All elements joined along their first axis, and their lengths.

    Shape: handle [2], flow_in [] -> value [n, ...], lengths [size].
    Errors: InvalidArgumentError when an element is missing.
    """
    items = [handle.item(i) for i in range(len(handle.items))]
    lengths = np.array([len(item) for item in items], np.int64)
    if items:
        return np.concatenate(items), lengths
    known = TensorShape(element_shape_except0)
    sizes = [] if known.rank is None else [size or 0 for size in known.as_list()]
    return np.zeros((0, *sizes), dtype.np), lengths


@_array_op("TensorArraySplitV3", ("value: T", "lengths: int64", "flow_in: float"))
def tensor_array_split_v3(
    handle: TensorArrayResource, value: Array, lengths: Array, flow_in: Array
) -> Array:
    """Write parts of a tensor, of some lengths along its first axis, one after the other.

    Shape: handle [2], value [n, ...], lengths [size], flow_in [] -> flow_out [].
    Errors: InvalidArgumentError when the lengths do not add up to n.
    """
    array = np.asarray(value)
    ends = np.cumsum(np.asarray(lengths))
    if (ends[-1] if ends.size else 0) != len(array):
        raise InvalidArgumentError(
            f"the lengths must add up to {len(array)}, got {np.asarray(lengths).tolist()}"
        )
    for i, end in enumerate(ends):
        handle.set_item(i, array[end - int(lengths[i]) : end])
    return flow_in


@_array_op("TensorArraySizeV3", ("flow_in: float",), ("size: int32",))
def tensor_array_size_v3(handle: TensorArrayResource, flow_in: Array) -> Array:  # noqa: ARG001
    """Number of elements.

    Shape: handle [2], flow_in [] -> size [].
    """
    return np.int32(len(handle.items))


@_array_op("TensorArrayCloseV3", (), (), None, lambda *_, **__: ())
def tensor_array_close_v3(handle: TensorArrayResource) -> Any:
    """Forget the elements.

    Shape: handle [2].
    """
    handle.items = []
    return ()
