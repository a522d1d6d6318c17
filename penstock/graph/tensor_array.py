"""`tf.TensorArray`: a Python list in eager execution, a tensor list in graphs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.composite_tensor import CompositeTensor
from penstock.core.errors import InvalidArgumentError, OutOfRangeError
from penstock.core.tensor_shape import TensorShape
from penstock.graph.tensor_array_spec import TensorArraySpec, register_array_class
from penstock.runtime.context import state
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.tensor import EagerTensor


class TensorArray(CompositeTensor):
    """A list of tensors that can be written once each, in loops as well.

    Args:
        dtype: type of the elements.
        size: number of elements.
        dynamic_size: whether writing beyond the end makes it longer.
        clear_after_read: whether an element is forgotten once it is read (eager only, as in
            TensorFlow).
        tensor_array_name: accepted for compatibility.
        handle: not supported.
        flow: tensor list that holds the elements, in a graph.
        infer_shape: whether all elements must have one shape.
        element_shape: shape of the elements.
        colocate_with_first_write_call: accepted for compatibility.
        name: accepted for compatibility.
    """

    def __init__(
        self,
        dtype: Any,
        size: Any = None,
        dynamic_size: bool | None = None,
        clear_after_read: bool | None = None,
        tensor_array_name: str | None = None,
        handle: Any = None,
        flow: Any = None,
        infer_shape: bool = True,
        element_shape: Any = None,
        colocate_with_first_write_call: bool = True,
        name: str | None = None,
    ) -> None:
        self._dtype = dtypes.as_dtype(dtype)
        self._dynamic_size = bool(dynamic_size)
        self._clear_after_read = clear_after_read is None or bool(clear_after_read)
        self._infer_shape = infer_shape
        self._element_shape = TensorShape(element_shape)
        self._items: list[Any] | None = None
        self._flow: Any = flow
        self._cleared: set[int] = set()
        self._size: Any = 0 if size is None else size
        if flow is None:
            if state.graph is None:
                self._items = [None] * int(self._size)
            else:
                self._flow = call(
                    "TensorListReserve",
                    _shape_input(self._element_shape),
                    convert_to_tensor(self._size, dtypes.int32),
                    element_dtype=self._dtype,
                )

    # -- what it is ------------------------------------------------------------------------

    @property
    def _type_spec(self) -> TensorArraySpec:
        return TensorArraySpec.from_value(self)

    @property
    def dtype(self) -> Any:
        """Type of the elements."""
        return self._dtype

    @property
    def dynamic_size(self) -> bool:
        """Whether writing beyond the end makes it longer."""
        return self._dynamic_size

    @property
    def element_shape(self) -> TensorShape:
        """Shape of the elements as far as it is known."""
        return self._element_shape

    @property
    def flow(self) -> Any:
        """The tensor list that holds the elements."""
        if self._flow is None and self._items is not None:
            if state.graph is None:
                return self
            return self._as_list()
        return self._flow

    def _as_list(self) -> Any:
        """The elements as a tensor list."""
        if self._items is None:
            return self._flow
        shape = _shape_input(self._element_shape)
        items = [
            None if item is None else convert_to_tensor(item, self._dtype)
            for item in self._items
        ]
        if items and all(item is not None for item in items) and self._infer_shape:
            return call("TensorListFromTensor", call("Pack", items, axis=0), shape)
        made = call(
            "TensorListReserve",
            shape,
            convert_to_tensor(len(items), dtypes.int32),
            element_dtype=self._dtype,
        )
        for i, item in enumerate(items):
            if item is not None:
                made = call("TensorListSetItem", made, convert_to_tensor(i), item)
        return made

    @property
    def handle(self) -> Any:
        """None: there is no handle apart from the flow."""
        return None

    def with_flow(self, flow: Any) -> TensorArray:
        """The same array with other contents."""
        made = TensorArray.__new__(TensorArray)
        made.__dict__.update(self.__dict__)
        made._items = None
        made._flow = flow
        return made

    def identity(self) -> TensorArray:
        """The array itself."""
        return self

    # -- one element -----------------------------------------------------------------------

    def read(self, index: Any, name: str | None = None) -> Any:
        """Return an element.

        Raises:
            OutOfRangeError: there is no such element (eager).
            InvalidArgumentError: it was read and forgotten before.
        """
        if self._items is not None and state.graph is None:
            return self._read_now(int(index))
        return call(
            "TensorListGetItem",
            self.flow,
            convert_to_tensor(index, dtypes.int32),
            _shape_input(self._element_shape),
            element_dtype=self._dtype,
        )

    def _read_now(self, index: int) -> Any:
        items = self._items or []
        if not 0 <= index < len(items):
            raise OutOfRangeError(
                f"Tried to read from index {index} but array size is: {len(items)}"
            )
        value = items[index]
        if value is None:
            if index in self._cleared:
                raise InvalidArgumentError(
                    f"Could not read index {index} twice because it was cleared after a "
                    f"previous "
                    "read (perhaps try setting clear_after_read = false?)"
                )
            value = self._zero()
        if self._clear_after_read:
            items[index] = None
            self._cleared.add(index)
        return value

    def _zero(self) -> Any:
        if not self._element_shape.is_fully_defined():
            raise InvalidArgumentError(
                "an element that was never written can be read only when element_shape is known"
            )
        return convert_to_tensor(np.zeros(self._element_shape.as_list(), self._dtype.np))

    def write(self, index: Any, value: Any, name: str | None = None) -> TensorArray:
        """Return the array with an element set.

        Raises:
            OutOfRangeError: there is no such element and the size is fixed (eager).
            ValueError: the shape is not that of the elements.
        """
        tensor = convert_to_tensor(value, None if hasattr(value, "dtype") else self._dtype)
        if tensor.dtype != self._dtype:
            raise InvalidArgumentError(
                f"TensorArray dtype is {self._dtype.name} but Op is trying to write dtype "
                f"{tensor.dtype.name}"
            )
        self._check_shape(tensor)
        if self._items is not None and state.graph is None:
            return self._write_now(int(index), tensor)
        made = self.with_flow(
            call(
                "TensorListSetItem",
                self.flow,
                convert_to_tensor(index, dtypes.int32),
                tensor,
                resize_if_index_out_of_bounds=self._dynamic_size,
            )
        )
        made._learn_shape(tensor)
        return made

    def _write_now(self, index: int, tensor: EagerTensor) -> TensorArray:
        items = self._items if self._items is not None else []
        if index < 0 or (index >= len(items) and not self._dynamic_size):
            raise OutOfRangeError(
                f"Tried to write to index {index} but array is not resizeable and size is: "
                f"{len(items)}"
            )
        if index >= len(items):
            items.extend([None] * (index + 1 - len(items)))
        self._learn_shape(tensor)
        items[index] = tensor
        self._cleared.discard(index)
        return self

    def _check_shape(self, tensor: Any) -> None:
        if not self._element_shape.is_compatible_with(tensor.shape):
            raise ValueError(
                f"Inconsistent shapes: saw {tensor.shape} but expected {self._element_shape}"
            )

    def _learn_shape(self, tensor: Any) -> None:
        if self._infer_shape and not self._element_shape.is_fully_defined():
            self._element_shape = self._element_shape.merge_with(tensor.shape)

    # -- all elements ----------------------------------------------------------------------

    def stack(self, name: str | None = None) -> Any:
        """Return all elements in one tensor."""
        if self._items is not None and state.graph is None:
            items = self._all_now()
            if not items:
                shape = self._element_shape
                sizes = shape.as_list() if shape.is_fully_defined() else []
                return convert_to_tensor(np.zeros((0, *sizes), self._dtype.np))
            return call("Pack", items, axis=0)
        size = self._size if isinstance(self._size, int) and not self._dynamic_size else -1
        known = getattr(self._size, "static_value", None)
        if known is not None and not self._dynamic_size:
            size = int(known)
        return call(
            "TensorListStack",
            self.flow,
            _shape_input(self._element_shape),
            element_dtype=self._dtype,
            num_elements=size,
        )

    def _all_now(self) -> list[Any]:
        return [self._zero_like() if item is None else item for item in self._items or []]

    def _zero_like(self) -> Any:
        for item in self._items or []:
            if item is not None:
                return call("ZerosLike", item)
        return self._zero()

    def gather(self, indices: Any, name: str | None = None) -> Any:
        """Return the elements at `indices` in one tensor."""
        if self._items is not None and state.graph is None:
            items = self._items
            places = np.asarray(convert_to_tensor(indices)._value).tolist()
            return call(
                "Pack",
                [self._zero_like() if items[i] is None else items[i] for i in places],
                axis=0,
            )
        return call(
            "TensorListGather",
            self.flow,
            indices,
            _shape_input(self._element_shape),
            element_dtype=self._dtype,
        )

    def concat(self, name: str | None = None) -> Any:
        """Return all elements joined along their first axis."""
        if self._items is not None and state.graph is None:
            return call("ConcatV2", self._all_now(), 0)
        shape = self._element_shape
        general = (
            TensorShape(None) if not shape.rank else TensorShape([None]).concatenate(shape[1:])
        )
        return call(
            "TensorListConcatV2",
            self.flow,
            _shape_input(general),
            np.zeros((0,), np.int64),
            element_dtype=self._dtype,
        )[0]

    def unstack(self, value: Any, name: str | None = None) -> TensorArray:
        """Return the array with the rows of `value` as elements."""
        tensor = convert_to_tensor(value, None if hasattr(value, "dtype") else self._dtype)
        if tensor.shape.rank is not None and tensor.shape.rank > 0:
            self._check_inner(tensor.shape[1:])
        if self._items is not None and state.graph is None:
            rows = list(tensor)
            if len(rows) > len(self._items) and not self._dynamic_size:
                raise ValueError(
                    f"Size mismatch: the array has {len(self._items)} elements, the value "
                    f"{len(rows)}"
                )
            self._items[:] = rows
            if rows:
                self._learn_shape(rows[0])
            return self
        made = self.with_flow(
            call("TensorListFromTensor", tensor, _shape_input(self._element_shape))
        )
        if tensor.shape.rank:
            made._element_shape = made._element_shape.merge_with(tensor.shape[1:])
            made._size = tensor.shape[0] if tensor.shape[0] is not None else made._size
        return made

    def _check_inner(self, shape: TensorShape) -> None:
        if not self._element_shape.is_compatible_with(shape):
            raise ValueError(
                f"Inconsistent shapes: saw {shape} but expected {self._element_shape}"
            )

    def scatter(self, indices: Any, value: Any, name: str | None = None) -> TensorArray:
        """Return the array with the rows of `value` at `indices`."""
        tensor = convert_to_tensor(value, None if hasattr(value, "dtype") else self._dtype)
        if self._items is not None and state.graph is None:
            result = self
            for place, row in zip(
                np.asarray(convert_to_tensor(indices)._value).tolist(),
                list(tensor),
                strict=True,
            ):
                result = result.write(place, row)
            return result
        made = self.with_flow(
            call(
                "TensorListScatterV2",
                tensor,
                indices,
                _shape_input(self._element_shape),
                convert_to_tensor(self._size if not self._dynamic_size else -1, dtypes.int32),
            )
        )
        if tensor.shape.rank:
            made._element_shape = made._element_shape.merge_with(tensor.shape[1:])
        return made

    def split(self, value: Any, lengths: Any, name: str | None = None) -> TensorArray:
        """Return the array with consecutive parts of `value` as elements."""
        tensor = convert_to_tensor(value, None if hasattr(value, "dtype") else self._dtype)
        sizes = convert_to_tensor(lengths, dtypes.int64)
        if self._items is not None and state.graph is None:
            ends = np.cumsum(np.asarray(sizes._value)).tolist()
            starts = [0, *ends[:-1]]
            self._items[:] = [tensor[a:b] for a, b in zip(starts, ends, strict=True)]
            return self
        return self.with_flow(
            call("TensorListSplit", tensor, _shape_input(TensorShape(None)), sizes)
        )

    def size(self, name: str | None = None) -> Any:
        """Return the number of elements."""
        if self._items is not None and state.graph is None:
            return convert_to_tensor(len(self._items), dtypes.int32)
        if not self._dynamic_size and self._size is not None:
            return convert_to_tensor(self._size, dtypes.int32)
        return call("TensorListLength", self.flow)

    def close(self, name: str | None = None) -> None:
        """Forget the elements."""
        if self._items is not None:
            self._items[:] = []

    def grad(self, source: str, flow: Any = None, name: str | None = None) -> Any:
        """Not needed: gradients flow through the list.

        Raises:
            InvalidArgumentError: always.
        """
        raise InvalidArgumentError("TensorArray.grad is not supported; use tf.GradientTape")


def _shape_input(shape: TensorShape) -> Any:
    if shape.rank is None:
        return np.asarray(-1, np.int32)
    return np.asarray([-1 if size is None else size for size in shape.as_list()], np.int32)


__all__: Sequence[str] = ["TensorArray"]


register_array_class(TensorArray)
