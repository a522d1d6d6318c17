"""How the values of several devices are put together: `CrossDeviceOps` and its kinds."""

# ruff: noqa: ARG002  (the parameters are TensorFlow's)
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from penstock.core.errors import UnimplementedError
from penstock.distribute.values import DistributedValues, Mirrored, ReduceOp
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.devices import device_for
from penstock.runtime.dispatch import call
from penstock.runtime.indexed_slices import IndexedSlices, densify
from penstock.runtime.variable import Variable


class CrossDeviceOps:
    """Puts values of several devices together, and copies them.

    Subclasses give `reduce_implementation` and `batch_reduce_implementation`.

    Source: `tf.distribute.CrossDeviceOps`.
    """

    def reduce(
        self, reduce_op: Any, per_replica_value: Any, destinations: Any, options: Any = None
    ) -> Any:
        """Put the values of all replicas together.

        Args:
            reduce_op: SUM or MEAN.
            per_replica_value: a tensor, or a value for each replica.
            destinations: name of a device, a variable, or values, on whose devices the result
                is wanted.
            options: accepted for compatibility.

        Raises:
            ValueError: `destinations` says nothing of devices.
        """
        _check_destinations(destinations)
        kind = ReduceOp.from_value(reduce_op)
        return self.reduce_implementation(kind, per_replica_value, destinations, options)

    def batch_reduce(
        self, reduce_op: Any, value_destination_pairs: Sequence[Any], options: Any = None
    ) -> list[Any]:
        """Put several values together, each as `reduce` does.

        Args:
            reduce_op: SUM or MEAN.
            value_destination_pairs: pairs of a value and its destinations.
            options: accepted for compatibility.
        """
        pairs = list(value_destination_pairs)
        for _, destinations in pairs:
            _check_destinations(destinations)
        kind = ReduceOp.from_value(reduce_op)
        return self.batch_reduce_implementation(kind, pairs, options)

    def broadcast(self, tensor: Any, destinations: Any) -> Any:
        """Copy a tensor to devices.

        Args:
            tensor: the tensor.
            destinations: as for `reduce`.
        """
        _check_destinations(destinations)
        return self.broadcast_implementation(tensor, destinations)

    def reduce_implementation(
        self, reduce_op: Any, per_replica_value: Any, destinations: Any, options: Any
    ) -> Any:
        """Do what `reduce` promises; subclasses say how.

        Raises:
            UnimplementedError: a subclass does not say.
        """
        raise UnimplementedError(f"{type(self).__name__} must define reduce_implementation")

    def batch_reduce_implementation(
        self, reduce_op: Any, value_destination_pairs: Any, options: Any
    ) -> list[Any]:
        """Do what `batch_reduce` promises; subclasses say how.

        Raises:
            UnimplementedError: a subclass does not say.
        """
        raise UnimplementedError(
            f"{type(self).__name__} must define batch_reduce_implementation"
        )

    def broadcast_implementation(self, tensor: Any, destinations: Any) -> Any:
        """Copy a tensor to devices."""
        return _placed(tensor, destinations)


class ReductionToOneDevice(CrossDeviceOps):
    """Brings all values to one device, puts them together there, and copies the result.

    Args:
        reduce_to_device: the device; None takes the first destination.
        accumulation_fn: function that adds a list of tensors; None takes `tf.add_n`.

    Source: `tf.distribute.ReductionToOneDevice`.
    """

    def __init__(
        self,
        reduce_to_device: str | None = None,
        accumulation_fn: Callable[[Sequence[Any]], Any] | None = None,
    ) -> None:
        self._device = reduce_to_device
        self._add = accumulation_fn or _added

    def reduce_implementation(
        self, reduce_op: Any, per_replica_value: Any, destinations: Any, options: Any
    ) -> Any:
        """Put the values of all replicas together."""
        del options
        values = _values_of(per_replica_value)
        place = self._device or _devices_of(destinations)[0]
        together = self._add([_on(value, place) for value in values])
        if ReduceOp.from_value(reduce_op) is ReduceOp.MEAN:
            together = _divided(together, len(values))
        return _placed(together, destinations)

    def batch_reduce_implementation(
        self, reduce_op: Any, value_destination_pairs: Any, options: Any
    ) -> list[Any]:
        """Put several values together."""
        return [
            self.reduce_implementation(reduce_op, value, destinations, options)
            for value, destinations in value_destination_pairs
        ]


class _AllReduce(ReductionToOneDevice):
    """Adds on one device: XLA decides how values travel."""

    _kind = ""

    def __init__(self, num_packs: int = 1) -> None:
        if num_packs < 0:
            raise ValueError(
                f"{self._kind} requires num_packs >= 0, but {num_packs} is specified"
            )
        super().__init__()


class HierarchicalCopyAllReduce(_AllReduce):
    """All-reduce by copies within groups of devices and between them.

    Args:
        num_packs: accepted for compatibility.

    Raises:
        ValueError: it is negative.

    Source: `tf.distribute.HierarchicalCopyAllReduce`.
    """

    _kind = "HierarchicalCopy"


class NcclAllReduce(_AllReduce):
    """All-reduce by NCCL on NVIDIA's devices.

    Args:
        num_packs: accepted for compatibility.

    Raises:
        ValueError: it is negative.

    Source: `tf.distribute.NcclAllReduce`.
    """

    _kind = "NCCL all-reduce"


def _values_of(value: Any) -> Sequence[Any]:
    return value.values if isinstance(value, DistributedValues) else (value,)


def _check_destinations(destinations: Any) -> None:
    if not isinstance(destinations, (str, DistributedValues, Variable)):
        raise ValueError(  # noqa: TRY004  (TensorFlow's class)
            "destinations must be one of a `DistributedValues` object, a tf.Variable object, "
            "or a device string."
        )


def _devices_of(destinations: Any) -> list[str]:
    if isinstance(destinations, str):
        return [destinations if destinations.startswith("/") else f"/device:{destinations}"]
    if isinstance(destinations, DistributedValues):
        return [str(getattr(value, "device", "") or "") for value in destinations.values]
    return [str(destinations.device or "")]


def _on(value: Any, device: str) -> Any:
    """A tensor, or slices, in the memory of a device."""
    if isinstance(value, IndexedSlices):
        return value
    tensor = convert_to_tensor(value)
    # Asked for its errors: the op below runs where its input is to be.
    device_for(device or None)
    return call("Identity", tensor)


def _added(tensors: Sequence[Any]) -> Any:
    if all(isinstance(tensor, IndexedSlices) for tensor in tensors):
        return IndexedSlices(
            call("ConcatV2", [tensor.values for tensor in tensors], 0),
            call("ConcatV2", [tensor.indices for tensor in tensors], 0),
            tensors[0].dense_shape,
        )
    dense = [densify(each) if isinstance(each, IndexedSlices) else each for each in tensors]
    return dense[0] if len(dense) == 1 else call("AddN", dense)


def _divided(total: Any, count: int) -> Any:
    if isinstance(total, IndexedSlices):
        return IndexedSlices(_divided(total.values, count), total.indices, total.dense_shape)
    op_name = "FloorDiv" if total.dtype.is_integer else "RealDiv"
    return call(op_name, total, convert_to_tensor(count, total.dtype))


def _placed(tensor: Any, destinations: Any) -> Any:
    devices = _devices_of(destinations)
    if len(devices) == 1:
        return _on(tensor, devices[0])
    return Mirrored([_on(tensor, device) for device in devices])
