"""Lists of tensors: what TensorArray is made of.

Compiled code holds a list as one dense buffer [length, ...]; a list whose element shape is not
known yet has no buffer. Host code holds a tuple of arrays, so that elements may differ in
shape.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.checks import NeedsValueError, require
from penstock.ops.namespace import namespace
from penstock.ops.table import REQUIRED, device_kernel, op

Array = Any


@jax.tree_util.register_pytree_node_class
class TensorList:
    """A list as compiled code holds it."""

    def __init__(self, buffer: Array | None, length: int, dtype: Any) -> None:
        self.buffer = buffer
        self.length = length
        self.element_dtype = np.dtype(dtype)

    def tree_flatten(self) -> Any:
        """Parts for JAX."""
        return (self.buffer,), (self.length, self.element_dtype.name)

    @classmethod
    def tree_unflatten(cls, static: Any, parts: Any) -> TensorList:
        """The list of its parts."""
        made = cls.__new__(cls)
        made.buffer = parts[0]
        made.length = static[0]
        made.element_dtype = np.dtype(static[1])
        return made

    def items(self) -> tuple[Any, ...]:
        """Elements as numpy arrays."""
        if self.buffer is None:
            return (None,) * self.length
        return tuple(np.asarray(self.buffer))


class ItemList:
    """A list as host code holds it; elements that were never set are None."""

    def __init__(self, elements: tuple[Any, ...], dtype: Any, shape: TensorShape) -> None:
        self.elements = elements
        self.element_dtype = np.dtype(dtype)
        self.element_shape = shape

    def items(self) -> tuple[Any, ...]:
        """Elements as numpy arrays."""
        return self.elements

    def to_device(self) -> TensorList:
        """The list for compiled code.

        Raises:
            InvalidArgumentError: elements differ in shape.
        """
        if self.element_dtype == object:
            raise NeedsValueError("a list of strings stays on the host")
        length = len(self.elements)
        shape = _common_shape(self.elements, self.element_shape)
        if shape is None:
            return TensorList(None, length, self.element_dtype)
        filled = [
            np.zeros(shape, self.element_dtype) if e is None else e for e in self.elements
        ]
        stacked = np.stack(filled) if filled else np.zeros((0, *shape), self.element_dtype)
        return TensorList(stacked, length, self.element_dtype)


def _common_shape(elements: tuple[Any, ...], static: TensorShape) -> tuple[int, ...] | None:
    shapes = {np.shape(element) for element in elements if element is not None}
    if len(shapes) > 1:
        raise NeedsValueError(
            f"elements of a compiled list must have one shape, got {sorted(shapes)}"
        )
    if shapes:
        return tuple(shapes.pop())
    if static.is_fully_defined():
        return tuple(static.as_list())  # type: ignore[arg-type]
    return None


def _shape_from(value: Any) -> TensorShape:
    """The shape that an `element_shape` input stands for: -1 is unknown."""
    if value is None:
        return TensorShape(None)
    array = np.asarray(value)
    if array.ndim == 0:
        return TensorShape(None)
    return TensorShape([None if size < 0 else int(size) for size in array.tolist()])


def _device(handle: Any) -> TensorList:
    return handle.to_device() if isinstance(handle, ItemList) else handle


def _scalar(*_: Any, **__: Any) -> TensorShape:
    return TensorShape(())


def _element(handle: Any, index: Any, element_shape: Any, **_: Any) -> TensorShape:  # noqa: ARG001
    return _shape_from(element_shape.value)


def _zero_element(handle: TensorList, element_shape: Array, dtype: Any) -> Array:
    shape = _shape_from(element_shape)
    if not shape.is_fully_defined():
        raise InvalidArgumentError(
            "an element that was never set needs a known element_shape to be read as zeros, "
            f"got {shape}"
        )
    del handle
    return jnp.zeros([size or 0 for size in shape.as_list()], dtype)


@op(
    "TensorListReserve",
    inputs=("element_shape: shape_type", "num_elements: int32"),
    outputs=("handle: variant",),
    attrs={"element_dtype": REQUIRED},
    kernel="host",
    constant_inputs=("element_shape", "num_elements"),
    differentiable=False,
    shape=_scalar,
)
def tensor_list_reserve(
    element_shape: Array, num_elements: Array, *, element_dtype: Any
) -> Any:
    """List of elements that are not set yet.

    Shape: element_shape [rank] or [], num_elements [] -> handle [].
    """
    return ItemList((None,) * int(num_elements), element_dtype.np, _shape_from(element_shape))


@device_kernel("TensorListReserve")
def tensor_list_reserve_device(
    element_shape: Array, num_elements: Array, *, element_dtype: Any
) -> Any:
    """List of elements that are not set yet, as a buffer when the element shape is known."""
    return tensor_list_reserve(
        element_shape, num_elements, element_dtype=element_dtype
    ).to_device()


@op(
    "EmptyTensorList",
    inputs=("element_shape: shape_type", "max_num_elements: int32"),
    outputs=("handle: variant",),
    attrs={"element_dtype": REQUIRED},
    kernel="host",
    constant_inputs=("element_shape", "max_num_elements"),
    differentiable=False,
    shape=_scalar,
)
def empty_tensor_list(
    element_shape: Array, max_num_elements: Array, *, element_dtype: Any
) -> Any:
    """Empty list.

    Shape: element_shape [rank] or [], max_num_elements [] -> handle [].
    """
    del max_num_elements
    return ItemList((), element_dtype.np, _shape_from(element_shape))


@device_kernel("EmptyTensorList")
def empty_tensor_list_device(
    element_shape: Array,
    max_num_elements: Array,
    *,
    element_dtype: Any,
) -> Any:
    """Empty list."""
    del max_num_elements
    return ItemList((), element_dtype.np, _shape_from(element_shape)).to_device()


@op(
    "TensorListSetItem",
    inputs=("input_handle: variant", "index: int32", "item: element_dtype"),
    outputs=("output_handle: variant",),
    attrs={"resize_if_index_out_of_bounds": False},
    kernel="host",
    shape=_scalar,
)
def tensor_list_set_item(
    input_handle: Any, index: Array, item: Array, *, resize_if_index_out_of_bounds: bool
) -> Any:
    """List with one element replaced.

    Shape: input_handle [], index [], item [...] -> output_handle [].
    Errors: InvalidArgumentError when the index is out of range.
    """
    elements = list(input_handle.items())
    place = int(index)
    if resize_if_index_out_of_bounds and place >= len(elements):
        elements.extend([None] * (place + 1 - len(elements)))
    if not 0 <= place < len(elements):
        raise InvalidArgumentError(
            f"Trying to modify element {place} in a list with {len(elements)} elements."
        )
    elements[place] = np.asarray(item)
    static = getattr(input_handle, "element_shape", TensorShape(None))
    return ItemList(tuple(elements), item.dtype, static)


@device_kernel("TensorListSetItem")
def tensor_list_set_item_device(
    input_handle: Any, index: Array, item: Array, *, resize_if_index_out_of_bounds: bool
) -> Any:
    """List with one element of its buffer replaced."""
    held = _device(input_handle)
    length = held.length
    buffer = held.buffer
    if resize_if_index_out_of_bounds and not isinstance(index, jax.core.Tracer):
        length = max(length, int(index) + 1)
    item = jnp.asarray(item)
    require(
        (index >= 0) & (index < length),
        InvalidArgumentError,
        f"the index of an element to set must be in [0, {length})",
        got=index,
    )
    if buffer is None:
        buffer = jnp.zeros((length, *item.shape), item.dtype)
    elif length > held.length:
        more = jnp.zeros((length - held.length, *buffer.shape[1:]), buffer.dtype)
        buffer = jnp.concatenate([buffer, more])
    if tuple(buffer.shape[1:]) != tuple(item.shape):
        raise NeedsValueError(
            f"an element must have the list's element shape {tuple(buffer.shape[1:])}, got "
            f"{tuple(item.shape)}"
        )
    return TensorList(
        jax.lax.dynamic_update_index_in_dim(buffer, item, index, 0), length, held.element_dtype
    )


@op(
    "TensorListGetItem",
    inputs=("input_handle: variant", "index: int32", "element_shape: int32"),
    outputs=("item: element_dtype",),
    attrs={"element_dtype": REQUIRED},
    kernel="host",
    constant_inputs=("element_shape",),
    shape=_element,
)
def tensor_list_get_item(
    input_handle: Any, index: Array, element_shape: Array, *, element_dtype: Any
) -> Array:
    """One element; zeros when it was never set.

    Shape: input_handle [], index [], element_shape [rank] or [] -> item [...].
    Errors: InvalidArgumentError when the index is out of range.
    """
    elements = input_handle.items()
    place = int(index)
    if not 0 <= place < len(elements):
        raise InvalidArgumentError(
            f"Trying to access element {place} in a list with {len(elements)} elements."
        )
    if elements[place] is not None:
        return elements[place]
    static = _shape_from(element_shape)
    if not static.is_fully_defined():
        static = getattr(input_handle, "element_shape", static)
    return np.asarray(
        _zero_element(input_handle, np.asarray(static.as_list()), element_dtype.np)
    )


@device_kernel("TensorListGetItem")
def tensor_list_get_item_device(
    input_handle: Any, index: Array, element_shape: Array, *, element_dtype: Any
) -> Array:
    """One element of the buffer."""
    held = _device(input_handle)
    require(
        (index >= 0) & (index < held.length),
        InvalidArgumentError,
        f"the index of an element to read must be in [0, {held.length})",
        got=index,
    )
    if held.buffer is None:
        return _zero_element(held, element_shape, element_dtype.np)
    return jax.lax.dynamic_index_in_dim(held.buffer, index, 0, keepdims=False)


@op(
    "TensorListLength",
    inputs=("input_handle: variant",),
    outputs=("length: int32",),
    kernel="host",
    differentiable=False,
    shape=_scalar,
)
def tensor_list_length(input_handle: Any) -> Array:
    """Number of elements.

    Shape: input_handle [] -> length [].
    """
    return np.asarray(len(input_handle.items()), np.int32)


@device_kernel("TensorListLength")
def tensor_list_length_device(input_handle: Any) -> Array:
    """Number of elements, known while compiling."""
    return np.asarray(_device(input_handle).length, np.int32)


@op(
    "TensorListElementShape",
    inputs=("input_handle: variant",),
    outputs=("element_shape: shape_type",),
    attrs={"shape_type": REQUIRED},
    kernel="host",
    differentiable=False,
    shape=lambda *_, **__: TensorShape(None),
)
def tensor_list_element_shape(input_handle: Any, *, shape_type: Any) -> Array:
    """Shape of the elements, -1 where it is unknown.

    Shape: input_handle [] -> element_shape [rank], or [] where the rank is unknown.
    """
    if isinstance(input_handle, TensorList):
        shape = TensorShape(
            None if input_handle.buffer is None else input_handle.buffer.shape[1:]
        )
    else:
        shape = input_handle.element_shape
    if shape.rank is None:
        return np.asarray(-1, shape_type.np)
    return np.asarray([-1 if n is None else n for n in shape.as_list()], shape_type.np)


def _stacked(handle: Any, element_shape: Any, **_: Any) -> TensorShape:  # noqa: ARG001
    return TensorShape([None]).concatenate(_shape_from(element_shape.value))


@op(
    "TensorListStack",
    inputs=("input_handle: variant", "element_shape: int32"),
    outputs=("tensor: element_dtype",),
    attrs={"element_dtype": REQUIRED, "num_elements": -1},
    kernel="host",
    constant_inputs=("element_shape",),
    shape=lambda handle, element_shape, *, num_elements=-1, **_: TensorShape(  # noqa: ARG005
        [num_elements if num_elements >= 0 else None]
    ).concatenate(_shape_from(element_shape.value)),
)
def tensor_list_stack(
    input_handle: Any, element_shape: Array, *, element_dtype: Any, num_elements: int
) -> Array:
    """All elements in one tensor.

    Shape: input_handle [], element_shape [rank] or [] -> tensor [n, ...].
    Errors: InvalidArgumentError when elements differ in shape or none tells it.
    """
    elements = input_handle.items()
    static = _shape_from(element_shape)
    if not static.is_fully_defined():
        static = static.merge_with(getattr(input_handle, "element_shape", TensorShape(None)))
    shape = _common_shape(elements, static)
    if shape is None:
        raise InvalidArgumentError(
            "an empty list needs a known element_shape to be stacked; give the TensorArray one"
        )
    if num_elements >= 0 and len(elements) != num_elements:
        raise InvalidArgumentError(
            f"the list must have {num_elements} elements, got {len(elements)}"
        )
    if element_dtype is dtypes.string:
        blank = np.full(shape, b"", object)
    else:
        blank = np.zeros(shape, element_dtype.np)
    filled = [blank if element is None else element for element in elements]
    return np.stack(filled) if filled else np.zeros((0, *shape), element_dtype.np)


@device_kernel("TensorListStack")
def tensor_list_stack_device(
    input_handle: Any,
    element_shape: Array,
    *,
    element_dtype: Any,
    num_elements: int,  # noqa: ARG001
) -> Array:
    """The buffer."""
    held = _device(input_handle)
    if held.buffer is None:
        element = _zero_element(held, element_shape, element_dtype.np)
        return jnp.broadcast_to(element, (held.length, *element.shape))
    return held.buffer


@op(
    "TensorListFromTensor",
    inputs=("tensor: element_dtype", "element_shape: shape_type"),
    outputs=("output_handle: variant",),
    kernel="host",
    constant_inputs=("element_shape",),
    shape=_scalar,
)
def tensor_list_from_tensor(tensor: Array, element_shape: Array) -> Any:
    """List of the rows of a tensor.

    Shape: tensor [n, ...], element_shape [rank] or [] -> output_handle [].
    """
    del element_shape
    return ItemList(tuple(tensor), tensor.dtype, TensorShape(tensor.shape[1:]))


@device_kernel("TensorListFromTensor")
def tensor_list_from_tensor_device(tensor: Array, element_shape: Array) -> Any:
    """List whose buffer is the tensor."""
    del element_shape
    return TensorList(jnp.asarray(tensor), tensor.shape[0], tensor.dtype)


@op(
    "TensorListPushBack",
    inputs=("input_handle: variant", "tensor: element_dtype"),
    outputs=("output_handle: variant",),
    kernel="host",
    shape=_scalar,
)
def tensor_list_push_back(input_handle: Any, tensor: Array) -> Any:
    """List with one element more.

    Shape: input_handle [], tensor [...] -> output_handle [].
    """
    static = getattr(input_handle, "element_shape", TensorShape(None))
    return ItemList((*input_handle.items(), np.asarray(tensor)), tensor.dtype, static)


@device_kernel("TensorListPushBack")
def tensor_list_push_back_device(input_handle: Any, tensor: Array) -> Any:
    """List with one row more in its buffer."""
    held = _device(input_handle)
    row = jnp.asarray(tensor)[None]
    buffer = row if held.buffer is None else jnp.concatenate([held.buffer, row])
    return TensorList(buffer, held.length + 1, held.element_dtype)


@op(
    "TensorListPopBack",
    inputs=("input_handle: variant", "element_shape: int32"),
    outputs=("output_handle: variant", "tensor: element_dtype"),
    attrs={"element_dtype": REQUIRED},
    kernel="host",
    constant_inputs=("element_shape",),
    shape=lambda handle, element_shape, **_: (  # noqa: ARG005
        TensorShape(()),
        _shape_from(element_shape.value),
    ),
)
def tensor_list_pop_back(input_handle: Any, element_shape: Array, *, element_dtype: Any) -> Any:
    """List without its last element, and that element.

    Shape: input_handle [], element_shape [rank] or [] -> output_handle [], tensor [...].
    Errors: InvalidArgumentError when the list is empty.
    """
    elements = input_handle.items()
    if not elements:
        raise InvalidArgumentError("Trying to pop from an empty list.")
    last = elements[-1]
    if last is None:
        last = np.asarray(_zero_element(input_handle, element_shape, element_dtype.np))
    static = getattr(input_handle, "element_shape", TensorShape(None))
    return ItemList(elements[:-1], element_dtype.np, static), last


@device_kernel("TensorListPopBack")
def tensor_list_pop_back_device(
    input_handle: Any, element_shape: Array, *, element_dtype: Any
) -> Any:
    """List without the last row of its buffer, and that row."""
    held = _device(input_handle)
    if held.length == 0:
        raise InvalidArgumentError("Trying to pop from an empty list.")
    if held.buffer is None:
        rest = TensorList(None, held.length - 1, held.element_dtype)
        return rest, _zero_element(held, element_shape, element_dtype.np)
    rest = TensorList(held.buffer[:-1], held.length - 1, held.element_dtype)
    return rest, held.buffer[-1]


@op(
    "TensorListGather",
    inputs=("input_handle: variant", "indices: int32", "element_shape: int32"),
    outputs=("values: element_dtype",),
    attrs={"element_dtype": REQUIRED},
    constant_inputs=("element_shape",),
    shape=lambda handle, indices, element_shape, **_: indices.shape.concatenate(  # noqa: ARG005
        _shape_from(element_shape.value)
    ),
)
def tensor_list_gather(
    input_handle: Any, indices: Array, element_shape: Array, *, element_dtype: Any
) -> Array:
    """Elements at `indices` in one tensor.

    Shape: input_handle [], indices [k], element_shape [rank] or [] -> values [k, ...].
    Errors: InvalidArgumentError when an index is out of range.
    """
    if isinstance(input_handle, ItemList):
        elements = input_handle.items()
        return (
            np.stack(
                [
                    tensor_list_get_item(
                        input_handle, i, element_shape, element_dtype=element_dtype
                    )
                    for i in np.asarray(indices)
                ]
            )
            if len(indices)
            else np.zeros((0, *np.shape(elements[0])), element_dtype.np)
        )
    held = _device(input_handle)
    xp = namespace(held.buffer, indices)
    require(
        xp.all((indices >= 0) & (indices < held.length)),
        InvalidArgumentError,
        f"indices must be in [0, {held.length})",
    )
    return xp.take(held.buffer, indices, axis=0)


@op(
    "TensorListScatterV2",
    inputs=(
        "tensor: element_dtype",
        "indices: int32",
        "element_shape: shape_type",
        "num_elements: int32",
    ),
    outputs=("output_handle: variant",),
    kernel="host",
    constant_inputs=("element_shape", "num_elements", "indices"),
    shape=_scalar,
)
def tensor_list_scatter_v2(
    tensor: Array, indices: Array, element_shape: Array, num_elements: Array
) -> Any:
    """List with the rows of a tensor at `indices`.

    Shape: tensor [k, ...], indices [k], element_shape [rank] or [], num_elements [] ->
        output_handle [].
    Errors: InvalidArgumentError when an index is out of range.
    """
    wanted = int(num_elements)
    length = max(wanted, int(indices.max()) + 1 if indices.size else 0)
    if wanted >= 0 and length > wanted:
        raise InvalidArgumentError(
            f"indices must be in [0, {wanted}), got {int(indices.max())}"
        )
    elements: list[Any] = [None] * length
    for row, place in zip(tensor, indices.tolist(), strict=True):
        elements[place] = row
    return ItemList(tuple(elements), tensor.dtype, _shape_from(element_shape))


@device_kernel("TensorListScatterV2")
def tensor_list_scatter_v2_device(
    tensor: Array, indices: Array, element_shape: Array, num_elements: Array
) -> Any:
    """List whose buffer holds the rows at `indices`."""
    del element_shape
    wanted = int(num_elements)
    length = max(wanted, int(indices.max()) + 1 if indices.size else 0)
    buffer = jnp.zeros((length, *tensor.shape[1:]), tensor.dtype).at[indices].set(tensor)
    return TensorList(buffer, length, tensor.dtype)


@op(
    "TensorListConcatV2",
    inputs=(
        "input_handle: variant",
        "element_shape: shape_type",
        "leading_dims: int64",
    ),
    outputs=("tensor: element_dtype", "lengths: int64"),
    attrs={"element_dtype": REQUIRED},
    constant_inputs=("element_shape", "leading_dims"),
    shape=lambda handle, element_shape, leading, **_: (  # noqa: ARG005
        TensorShape([None]).concatenate(_shape_from(element_shape.value)[1:])
        if _shape_from(element_shape.value).rank
        else TensorShape(None),
        TensorShape([None]),
    ),
)
def tensor_list_concat_v2(
    input_handle: Any, element_shape: Array, leading_dims: Array, *, element_dtype: Any
) -> Any:
    """Elements joined along their first axis, and how long each was.

    Shape: input_handle [], element_shape [rank] or [], leading_dims [k] -> tensor [n, ...],
        lengths [k].
    """
    del leading_dims
    if isinstance(input_handle, ItemList):
        parts = [element for element in input_handle.items() if element is not None]
        lengths = np.asarray([len(part) for part in parts], np.int64)
        if parts:
            return np.concatenate(parts), lengths
        static = _shape_from(element_shape)
        inner = static.as_list()[1:] if static.rank else []
        return np.zeros((0, *[size or 0 for size in inner]), element_dtype.np), lengths
    held = _device(input_handle)
    buffer: Any = held.buffer
    lengths = np.full(held.length, buffer.shape[1], np.int64)
    return buffer.reshape(-1, *buffer.shape[2:]), lengths


@op(
    "TensorListSplit",
    inputs=("tensor: element_dtype", "element_shape: shape_type", "lengths: int64"),
    outputs=("output_handle: variant",),
    kernel="host",
    constant_inputs=("element_shape", "lengths"),
    shape=_scalar,
)
def tensor_list_split(tensor: Array, element_shape: Array, lengths: Array) -> Any:
    """List of consecutive parts of a tensor.

    Shape: tensor [n, ...], element_shape [rank] or [], lengths [k] -> output_handle [].
    Errors: InvalidArgumentError when the lengths do not add up to n.
    """
    if int(lengths.sum()) != tensor.shape[0]:
        raise InvalidArgumentError(
            f"lengths must add up to {tensor.shape[0]} rows, got {int(lengths.sum())}"
        )
    ends = np.cumsum(lengths)[:-1]
    return ItemList(tuple(np.split(tensor, ends)), tensor.dtype, _shape_from(element_shape))


@device_kernel("TensorListSplit")
def tensor_list_split_device(tensor: Array, element_shape: Array, lengths: Array) -> Any:
    """List of parts of equal length."""
    del element_shape
    if lengths.size and not np.all(lengths == lengths[0]):
        raise NeedsValueError("parts of a compiled list must have one length")
    size = int(lengths[0]) if lengths.size else 0
    return TensorList(
        tensor.reshape(len(lengths), size, *tensor.shape[1:]), len(lengths), tensor.dtype
    )


@op(
    "TensorListResize",
    inputs=("input_handle: variant", "size: int32"),
    outputs=("output_handle: variant",),
    kernel="host",
    constant_inputs=("size",),
    shape=_scalar,
)
def tensor_list_resize(input_handle: Any, size: Array) -> Any:
    """List of another length.

    Shape: input_handle [], size [] -> output_handle [].
    """
    elements = input_handle.items()[: int(size)]
    elements = (*elements, *(None,) * (int(size) - len(elements)))
    static = getattr(input_handle, "element_shape", TensorShape(None))
    return ItemList(elements, input_handle.element_dtype, static)


@device_kernel("TensorListResize")
def tensor_list_resize_device(input_handle: Any, size: Array) -> Any:
    """List with more or fewer rows in its buffer."""
    held = _device(input_handle)
    length = int(size)
    buffer = held.buffer
    if buffer is not None and length <= held.length:
        buffer = buffer[:length]
    elif buffer is not None:
        more = jnp.zeros((length - held.length, *buffer.shape[1:]), buffer.dtype)
        buffer = jnp.concatenate([buffer, more])
    return TensorList(buffer, length, held.element_dtype)


@op(
    "_AddVariants",
    inputs=("inputs: N * variant",),
    outputs=("sum: variant",),
    shape=_scalar,
)
def add_variants(inputs: Any) -> Any:
    """Sum of lists, element by element: how gradients of one list add up.

    Shape: inputs [] -> sum [].
    """
    held = [value for value in inputs if value is not None]
    if all(isinstance(value, ItemList) for value in held):
        return _add_items(held)
    held = [_device(value) for value in held]
    filled = [value for value in held if value.buffer is not None]
    if not filled:
        return held[0]
    total: Any = filled[0].buffer
    for value in filled[1:]:
        total = total + value.buffer
    return TensorList(total, filled[0].length, filled[0].element_dtype)


def _add_items(lists: list[ItemList]) -> ItemList:
    """Sum of lists of the host: what is not set is zero."""
    length = max(len(held.elements) for held in lists)
    totals: list[Any] = [None] * length
    for held in lists:
        for i, element in enumerate(held.elements):
            if element is not None:
                totals[i] = element if totals[i] is None else totals[i] + element
    return ItemList(tuple(totals), lists[0].element_dtype, lists[0].element_shape)
