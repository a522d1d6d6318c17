"""Gradients of ops on tensor lists, made of ops on tensor lists.

The gradient of a list is a list: its elements are the gradients of the elements, and those
that are not set stand for zeros.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.ops import tensor_list  # noqa: F401  (the rows that the rules belong to)
from penstock.ops.table import gradient

_UNKNOWN = np.asarray(-1, np.int32)


def _shape(g: Any, tensor: Any) -> Any:
    """The shape of a tensor as an input of list ops."""
    if tensor.shape.is_fully_defined():
        return np.asarray(tensor.shape.as_list(), np.int32)
    return g.call("Shape", tensor, out_type=dtypes.int32)


def _inner(g: Any, tensor: Any) -> Any:
    """The shape of the rows of a tensor."""
    known = tensor.shape[1:] if tensor.shape.rank else None
    if known is not None and known.is_fully_defined():
        return np.asarray(known.as_list(), np.int32)
    sizes = g.call("Shape", tensor, out_type=dtypes.int32)
    return g.call("StridedSlice", sizes, [1], [0], [1], end_mask=1)


def _blank(g: Any, handle: Any, shape: Any, dtype: Any) -> Any:
    """A list as long as `handle` whose elements are not set."""
    length = g.call("TensorListLength", handle)
    return g.call("TensorListReserve", shape, length, element_dtype=dtype)


@gradient("TensorListSetItem")
def set_item_gradient(g: Any, grad: Any) -> Any:
    """The element that was replaced has no part in the result."""
    handle, index, item = g.inputs
    if grad is None:
        return None, None, None
    element = g.call(
        "TensorListGetItem", grad, index, _shape(g, item), element_dtype=item.dtype
    )
    rest = None
    if g.needs(0):
        rest = g.call("TensorListSetItem", grad, index, g.call("ZerosLike", item))
        if g.attrs["resize_if_index_out_of_bounds"]:
            rest = g.call("TensorListResize", rest, g.call("TensorListLength", handle))
    return rest, None, element


@gradient("TensorListGetItem")
def get_item_gradient(g: Any, grad: Any) -> Any:
    """A list that is set at one place."""
    handle, index, _ = g.inputs
    if grad is None or not g.needs(0):
        return None, None, None
    blank = _blank(g, handle, _shape(g, grad), grad.dtype)
    return g.call("TensorListSetItem", blank, index, grad), None, None


@gradient("TensorListStack")
def stack_gradient(g: Any, grad: Any) -> Any:
    """The rows as a list."""
    if grad is None:
        return None, None
    return g.call("TensorListFromTensor", grad, _inner(g, grad)), None


@gradient("TensorListFromTensor")
def from_tensor_gradient(g: Any, grad: Any) -> Any:
    """The elements as one tensor."""
    tensor = g.inputs[0]
    if grad is None:
        return None, None
    count = tensor.shape[0] if tensor.shape.rank else None
    stacked = g.call(
        "TensorListStack",
        grad,
        _inner(g, tensor),
        element_dtype=tensor.dtype,
        num_elements=-1 if count is None else count,
    )
    return stacked, None


@gradient("TensorListPushBack")
def push_back_gradient(g: Any, grad: Any) -> Any:
    """The last element, and the list without it."""
    item = g.inputs[1]
    if grad is None:
        return None, None
    rest, last = g.call("TensorListPopBack", grad, _shape(g, item), element_dtype=item.dtype)
    return rest, last


@gradient("TensorListPopBack")
def pop_back_gradient(g: Any, grad: Any, grad_item: Any) -> Any:
    """The list with the gradient of the last element behind it."""
    rest, item = g.outputs
    if grad is None and grad_item is None:
        return None, None
    if grad is None:
        grad = _blank(g, rest, _shape(g, item), item.dtype)
    if grad_item is None:
        grad_item = g.call("ZerosLike", item)
    return g.call("TensorListPushBack", grad, grad_item), None


@gradient("TensorListGather")
def gather_gradient(g: Any, grad: Any) -> Any:
    """The rows put back at their places; rows of one place add up."""
    handle, indices, _ = g.inputs
    if grad is None:
        return None, None, None
    length = g.call("TensorListLength", handle)
    summed = g.call("UnsortedSegmentSum", grad, indices, length)
    return g.call("TensorListFromTensor", summed, _inner(g, grad)), None, None


@gradient("TensorListScatterV2")
def scatter_gradient(g: Any, grad: Any) -> Any:
    """The elements at the places where the rows went."""
    tensor, indices, *_ = g.inputs
    if grad is None:
        return None, None, None, None
    rows = g.call(
        "TensorListGather", grad, indices, _inner(g, tensor), element_dtype=tensor.dtype
    )
    return rows, None, None, None


@gradient("TensorListConcatV2")
def concat_gradient(g: Any, grad: Any, _: Any = None) -> Any:
    """The parts as a list."""
    if grad is None:
        return None, None, None
    return g.call("TensorListSplit", grad, _UNKNOWN, g.outputs[1]), None, None


@gradient("TensorListSplit")
def split_gradient(g: Any, grad: Any) -> Any:
    """The parts joined."""
    tensor = g.inputs[0]
    if grad is None:
        return None, None, None
    joined, _ = g.call(
        "TensorListConcatV2",
        grad,
        _UNKNOWN,
        np.zeros((0,), np.int64),
        element_dtype=tensor.dtype,
    )
    return g.call("Reshape", joined, g.call("Shape", tensor)), None, None


@gradient("TensorListResize")
def resize_gradient(g: Any, grad: Any) -> Any:
    """The list with its former length."""
    if grad is None:
        return None, None
    return g.call("TensorListResize", grad, g.call("TensorListLength", g.inputs[0])), None
