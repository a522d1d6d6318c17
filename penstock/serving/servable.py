"""What the server needs to know about a model that is loaded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from numpy.typing import NDArray

from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape

Array = NDArray[Any]
Arrays = Mapping[str, Array]

DEFAULT_SIGNATURE = "serving_default"
PREDICT_METHOD = "tensorflow/serving/predict"
CLASSIFY_METHOD = "tensorflow/serving/classify"
REGRESS_METHOD = "tensorflow/serving/regress"


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One input or output of a signature.

    Source: `TensorInfo` of TensorFlow's meta_graph.proto.
    """

    name: str
    dtype: DType | None
    shape: TensorShape
    dims: tuple[int | None, ...] | None = field(init=False)

    def __post_init__(self) -> None:
        dims = None if self.shape.rank is None else tuple(self.shape.as_list())
        object.__setattr__(self, "dims", dims)

    def accepts(self, shape: tuple[int, ...]) -> bool:
        """Whether a value of that shape may be fed."""
        dims = self.dims
        if dims is None:
            return True
        return len(dims) == len(shape) and all(
            size is None or size == got for size, got in zip(dims, shape, strict=True)
        )

    def __str__(self) -> str:
        dtype = "unknown" if self.dtype is None else self.dtype.name
        if self.dims is None:
            return f"{dtype}[...]"
        return f"{dtype}[{', '.join('?' if d is None else str(d) for d in self.dims)}]"


@dataclass(frozen=True, slots=True)
class SignatureSpec:
    """Inputs and outputs of one signature, by their names in a request.

    `is_batchable` tells whether requests may share one call: each input and output has rows
    along its first axis, and their number is free. `has_fixed_rows` tells whether any two
    rows of an input have the same shape. `defaults` are the values of inputs that a gRPC
    request may leave out.
    """

    inputs: Mapping[str, TensorInfo]
    outputs: Mapping[str, TensorInfo]
    method_name: str = PREDICT_METHOD
    defaults: Arrays = field(default_factory=dict, compare=False)
    is_batchable: bool = field(init=False)
    has_fixed_rows: bool = field(init=False)
    # Name, dtype and shape of a row of the only input, for the short way through `check`.
    _one: tuple[str, Any, tuple[int | None, ...]] | None = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        tensors = [*self.inputs.values(), *self.outputs.values()]
        has_rows = bool(self.inputs) and all(
            t.dims is not None and len(t.dims) > 0 and t.dims[0] is None for t in tensors
        )
        object.__setattr__(self, "is_batchable", has_rows)
        fixed = all(t.dims is not None and None not in t.dims[1:] for t in self.inputs.values())
        object.__setattr__(self, "has_fixed_rows", fixed)
        one = None
        if len(self.inputs) == 1:
            ((name, info),) = self.inputs.items()
            if fixed and info.dtype is not None and info.dims and info.dims[0] is None:
                one = (name, info.dtype.np, info.dims[1:])
        object.__setattr__(self, "_one", one)

    def check(self, inputs: Arrays) -> None:
        """Refuse inputs that can never fit.

        Raises:
            InvalidArgumentError: an input is missing, unknown or of another type or shape.
        """
        quick = self._one
        if quick is not None and len(inputs) == 1:
            value = inputs.get(quick[0])
            if (
                value is not None
                and value.dtype == quick[1]
                and value.ndim
                and value.shape[1:] == quick[2]
            ):
                return
        if inputs.keys() != self.inputs.keys():
            extra = ",".join(sorted(inputs.keys() - self.inputs.keys()))
            missing = ",".join(sorted(self.inputs.keys() - inputs.keys()))
            sent, wanted = ",".join(sorted(inputs)), ",".join(sorted(self.inputs))
            raise InvalidArgumentError(
                f"input size does not match signature: {len(inputs)}!={len(self.inputs)} "
                f"len({{{sent}}}) != len({{{wanted}}}). "
                f"Sent extra: {{{extra}}}. Missing but required: {{{missing}}}."
            )
        for name, value in inputs.items():
            info = self.inputs[name]
            if info.dtype is not None and value.dtype != info.dtype.np:
                raise InvalidArgumentError(
                    f"input '{name}' must be {info}, got elements of type {value.dtype}"
                )
            if not info.accepts(value.shape):
                dtype = "" if info.dtype is None else info.dtype.name
                raise InvalidArgumentError(
                    f"input '{name}' must be {info}, got {dtype}{list(value.shape)}"
                )


class Servable(Protocol):
    """One version of one model, ready to answer."""

    @property
    def name(self) -> str:
        """Name of the model."""

    @property
    def version(self) -> int:
        """Number of the version."""

    @property
    def signatures(self) -> Mapping[str, SignatureSpec]:
        """Signatures by name, those of initialisation ops included."""

    def run(self, signature_name: str, inputs: Arrays) -> dict[str, Array]:
        """Compute the outputs of a signature. Called from one thread at a time."""
