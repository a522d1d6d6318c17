"""Tensors: the base class, and the one that holds a value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from penstock.core import dtypes
from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError, UnimplementedError
from penstock.core.tensor_shape import TensorShape
from penstock.core.type_spec import register_tensor_class


class TensorLike:
    """Marks what stands for a tensor in an expression: tensors and variables."""

    if TYPE_CHECKING:  # both have them; `operators` and `variable` add what can be computed

        @property
        def dtype(self) -> Any:
            """Type of the elements."""

        @property
        def shape(self) -> Any:
            """Shape as far as it is known."""

        def __getitem__(self, key: Any) -> Any: ...


class Tensor(TensorLike):
    """A value of one dtype and shape; the base of eager and symbolic tensors.

    Operators are added by `penstock.runtime.operators`. Instances have a `__dict__`, because
    libraries hang notes on them.
    """

    OVERLOADABLE_OPERATORS: frozenset[str] = frozenset()
    __array_priority__ = 100

    if TYPE_CHECKING:  # `operators` adds them; any other operand becomes a tensor

        def __add__(self, other: Any) -> Any: ...
        def __radd__(self, other: Any) -> Any: ...
        def __sub__(self, other: Any) -> Any: ...
        def __rsub__(self, other: Any) -> Any: ...
        def __mul__(self, other: Any) -> Any: ...
        def __rmul__(self, other: Any) -> Any: ...
        def __truediv__(self, other: Any) -> Any: ...
        def __rtruediv__(self, other: Any) -> Any: ...
        def __floordiv__(self, other: Any) -> Any: ...
        def __mod__(self, other: Any) -> Any: ...
        def __pow__(self, other: Any) -> Any: ...
        def __matmul__(self, other: Any) -> Any: ...
        def __neg__(self) -> Any: ...
        def __abs__(self) -> Any: ...
        def __invert__(self) -> Any: ...
        def __lt__(self, other: Any) -> Any: ...
        def __le__(self, other: Any) -> Any: ...
        def __gt__(self, other: Any) -> Any: ...
        def __ge__(self, other: Any) -> Any: ...

    @property
    def dtype(self) -> DType:
        """Type of the elements."""
        raise UnimplementedError("dtype belongs to eager and symbolic tensors")

    @property
    def shape(self) -> TensorShape:
        """Shape as far as it is known."""
        raise UnimplementedError("shape belongs to eager and symbolic tensors")

    @property
    def ndim(self) -> int:
        """Number of axes."""
        rank = self.shape.rank
        if rank is None:
            raise ValueError("ndim needs a known rank, and this tensor's rank is unknown")
        return rank

    def get_shape(self) -> TensorShape:
        """Shape as far as it is known."""
        return self.shape

    def ref(self) -> Reference:
        """Return a hashable reference to this tensor."""
        return Reference(self)

    def experimental_ref(self) -> Reference:
        """Return a hashable reference; `ref` by its older name."""
        return Reference(self)

    @property
    def name(self) -> str:
        """Name of the tensor in its graph."""
        raise UnimplementedError("a name belongs to symbolic tensors")

    def set_shape(self, shape: Any) -> None:
        """Add knowledge of the shape.

        Args:
            shape: what is known.

        Raises:
            ValueError: it contradicts what was known.
        """
        raise UnimplementedError(
            f"a shape such as {shape} is set on eager and symbolic tensors"
        )

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """Return the value as a session sees it.

        Args:
            feed_dict: values for tensors of the graph.
            session: the session.

        Raises:
            UnimplementedError: the tensor belongs to no session's graph; eager tensors have
                `numpy`.
        """
        if session is None:
            raise UnimplementedError(
                "eval is not supported when eager execution is enabled; use .numpy()"
            )
        return session.run(self, feed_dict)

    def __hash__(self) -> int:
        raise TypeError("a tensor is unhashable; use tensor.ref() as the key")


class Reference:
    """Hashable stand-in for a tensor or variable; equal when it refers to the same object."""

    __slots__ = ("__weakref__", "_wrapped")

    def __init__(self, wrapped: Any) -> None:
        self._wrapped = wrapped

    def deref(self) -> Any:
        """Return what this refers to."""
        return self._wrapped

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Reference):
            return NotImplemented
        return self._wrapped is other._wrapped

    def __hash__(self) -> int:
        return id(self._wrapped)

    def __repr__(self) -> str:
        return f"<Reference wrapping {self._wrapped!r}>"


class EagerTensor(Tensor):
    """A tensor with a value: a numpy array, a JAX array, or the object behind a handle."""

    def __init__(self, value: Any, dtype: DType | None = None) -> None:
        self._value = value
        self._dtype = dtype

    @property
    def dtype(self) -> DType:
        """Type of the elements."""
        dtype = self._dtype
        if dtype is None:
            dtype = self._dtype = dtypes.dtype_of_numpy(self._value.dtype)
        return dtype

    @property
    def shape(self) -> TensorShape:
        """Shape, fully known."""
        sizes = getattr(self._value, "shape", ())
        # What is behind the handle of a variable has the variable's shape, not the handle's.
        return TensorShape.of(() if type(sizes) is TensorShape else sizes)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(getattr(self._value, "shape", ()))

    @property
    def device(self) -> str:
        """Full name of the device that holds the value."""
        return device_of(self._value)

    @property
    def backing_device(self) -> str:
        """Full name of the device whose memory holds the value."""
        return self.device

    @property
    def name(self) -> str:
        """Eager tensors have no name.

        Raises:
            AttributeError: always, as in TensorFlow.
        """
        raise AttributeError("Tensor.name is undefined when eager execution is enabled.")

    @property
    def op(self) -> Any:
        """Eager tensors belong to no operation.

        Raises:
            AttributeError: always, as in TensorFlow.
        """
        raise AttributeError("Tensor.op is undefined when eager execution is enabled.")

    @property
    def graph(self) -> Any:
        """Eager tensors belong to no graph.

        Raises:
            AttributeError: always, as in TensorFlow.
        """
        raise AttributeError("Tensor.graph is undefined when eager execution is enabled.")

    def numpy(self) -> Any:
        """Return a copy of the value as a numpy array; a scalar gives a numpy scalar."""
        value = self._value
        if isinstance(value, np.ndarray):
            if value.ndim == 0:
                return value[()]
            return value.copy()
        if isinstance(value, jax.Array):
            array = np.asarray(value)
            return array[()] if array.ndim == 0 else array.copy()
        if isinstance(value, (np.generic, bytes)):
            return value
        raise InvalidArgumentError(f"a tensor of dtype {self.dtype.name} has no numpy value")

    def set_shape(self, shape: Any) -> None:
        """Check that the shape is compatible with `shape`."""
        if not self.shape.is_compatible_with(shape):
            raise ValueError(f"tensor's shape {self.shape} is not compatible with {shape}")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        array = np.asarray(self._value)
        if dtype is not None and array.dtype != dtype:
            return array.astype(dtype)
        if isinstance(self._value, np.ndarray) and copy is not False:
            return array.copy()
        return array

    def __dlpack__(self, *args: Any, **kwargs: Any) -> Any:
        return np.asarray(self._value).__dlpack__(*args, **kwargs)

    def __dlpack_device__(self) -> Any:
        return np.asarray(self._value).__dlpack_device__()

    def __bool__(self) -> bool:
        value = np.asarray(self._value)
        if value.size == 0:
            return False
        if value.size != 1:
            raise ValueError(
                f"the truth value of a tensor needs exactly one element, got shape "
                f"{self.shape}; "
                "use tf.reduce_any or tf.reduce_all"
            )
        return bool(value.reshape(())[()])

    def __int__(self) -> int:
        return int(self._scalar())

    def __float__(self) -> float:
        return float(self._scalar())

    def __complex__(self) -> complex:
        return complex(self._scalar())

    def __index__(self) -> int:
        value = self._scalar()
        if value.dtype.kind not in "iu":
            raise TypeError(
                f"only integer scalar tensors can be an index, got {self.dtype.name}"
            )
        return int(value)

    def __round__(self, ndigits: int | None = None) -> Any:
        return round(self._scalar().item(), ndigits)

    def _scalar(self) -> Any:
        value = np.asarray(self._value)
        if value.size != 1:
            raise TypeError("Only length-1 arrays can be converted to Python scalars.")
        return value.reshape(())[()]

    def __len__(self) -> int:
        shape = getattr(self._value, "shape", ())
        if not shape:
            raise TypeError("Scalar tensor has no `len()`")
        return int(shape[0])

    def __iter__(self) -> Iterator[Any]:
        if not getattr(self._value, "shape", ()):
            raise TypeError("Cannot iterate over a scalar tensor.")
        return (self[i] for i in range(len(self)))

    def __format__(self, spec: str) -> str:
        return format(self.numpy(), spec)

    def __repr__(self) -> str:
        return (
            f"<tf.Tensor: shape={tuple(self.shape.as_list())}, dtype={self.dtype.name}, "
            f"numpy={_display(self)}>"
        )

    def __str__(self) -> str:
        return (
            f"tf.Tensor({_display(self, plain=True)}, shape={tuple(self.shape.as_list())}, "
            f"dtype={self.dtype.name})"
        )

    def __copy__(self) -> EagerTensor:
        return self

    def __deepcopy__(self, memo: Any) -> EagerTensor:
        return self

    def __reduce__(self) -> Any:
        return (_rebuild, (np.asarray(self._value), self.dtype.name))

    def cpu(self) -> EagerTensor:
        """Return the tensor in host memory."""
        return EagerTensor(np.asarray(self._value), self._dtype)


def _rebuild(value: Any, dtype: str) -> EagerTensor:
    return EagerTensor(value, dtypes.as_dtype(dtype))


def _display(tensor: EagerTensor, *, plain: bool = False) -> str:
    if tensor.dtype in (dtypes.resource, dtypes.variant):
        return f"<{type(tensor._value).__name__}>"
    value = tensor.numpy()
    if isinstance(value, bytes):
        return repr(value)
    text = repr(value) if isinstance(value, np.ndarray) and not plain else str(value)
    return f"\n{text}" if "\n" in text else text


def wrap(value: Any, dtype: DType | None = None) -> EagerTensor:
    """Make an eager tensor of an array that nobody else will change."""
    tensor = EagerTensor.__new__(EagerTensor)
    tensor._value = value
    tensor._dtype = dtype
    return tensor


_HOST_DEVICE = "/job:localhost/replica:0/task:0/device:CPU:0"


def device_of(value: Any) -> str:
    """Full TensorFlow name of the device that holds `value`."""
    if isinstance(value, jax.Array) and not isinstance(value, jax.core.Tracer):
        device = next(iter(value.devices()))
        kind = {"cpu": "CPU", "gpu": "GPU", "cuda": "GPU", "tpu": "TPU"}.get(device.platform)
        index = getattr(device, "local_hardware_id", None) or device.id
        if kind is not None:
            return f"/job:localhost/replica:0/task:0/device:{kind}:{index}"
    return _HOST_DEVICE


def is_eager(value: Any) -> bool:
    """Whether `value` is a tensor with a value."""
    return isinstance(value, EagerTensor)


register_tensor_class(Tensor)
