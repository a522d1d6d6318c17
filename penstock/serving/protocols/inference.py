"""What both forms of the Open Inference Protocol share: data types, raw tensors, signatures.

Source: `inference_rest.md` and `inference_grpc.md` of the Open Inference Protocol, version 2,
and Triton's binary tensor data extension.
"""

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from penstock.core import dtypes
from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError, NotFoundError, UnimplementedError
from penstock.serving.call import ModelSpec
from penstock.serving.servable import (
    DEFAULT_SIGNATURE,
    Array,
    Arrays,
    Servable,
    SignatureSpec,
    TensorInfo,
)

PLATFORM: Final = "tensorflow_savedmodel"
SERVER_NAME: Final = "penstock"
EXTENSIONS: Final = ("binary_tensor_data", "parameters")
_NUMBERS: Final = {
    "BOOL": "bool",
    **{f"UINT{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)},
    **{f"INT{bits}": f"int{bits}" for bits in (8, 16, 32, 64)},
    "FP16": "float16",
    "BF16": "bfloat16",
    "FP32": "float32",
    "FP64": "float64",
    "BYTES": "string",
}
DTYPES: Final[dict[str, DType]] = {name: dtypes.as_dtype(of) for name, of in _NUMBERS.items()}
_DATATYPES: Final = {dtype: name for name, dtype in DTYPES.items()}
_LENGTH: Final = struct.Struct("<L")
_MAX_RANK: Final = 32
_MAX_ELEMENTS: Final = 1 << 40
_SHARED_MEMORY: Final = "shared_memory_region"


@dataclass(slots=True)
class InferRequest:
    """A decoded inference request.

    Args:
        inputs: tensors by their names.
        id: that the answer repeats.
        parameters: of the request.
        wanted: names of the outputs, and whether each is to come as bytes; empty for all.
        is_binary: whether outputs that are not named in `wanted` come as bytes.
    """

    inputs: dict[str, Array]
    id: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    wanted: Mapping[str, bool] = field(default_factory=dict)
    is_binary: bool = False

    @property
    def priority(self) -> int:
        """Priority of the request, which the protocol counts downwards from 1."""
        value = self.parameters.get("priority", 0)
        return -int(value) if isinstance(value, int) else 0

    def check_deadline(self, now: float, deadline: float) -> float:
        """Return the deadline, which a `timeout` in microseconds may bring nearer."""
        timeout = self.parameters.get("timeout", 0)
        if isinstance(timeout, int | float) and timeout > 0:
            return min(deadline, now + timeout / 1e6)
        return deadline


def make_spec(name: str, version: str) -> ModelSpec:
    """Return the model that a name and a version mean; what is no number is a label.

    Raises:
        NotFoundError: the number is beyond all versions.
    """
    if not version:
        return ModelSpec(name)
    if version.isascii() and version.isdigit():
        if len(version) > 19 or int(version) >= 1 << 63:
            raise NotFoundError(f"model '{name}' has no version {version[:40]}")
        return ModelSpec(name, int(version))
    return ModelSpec(name, None, version)


def pick_signature(servable: Servable, parameters: Mapping[str, Any]) -> str:
    """Return the name of the signature that a request is for.

    The protocol knows one set of inputs for a model: that of the parameter
    `signature_name`, else of the default signature, else of the only one.

    Raises:
        InvalidArgumentError: there is none of that name, or several to choose from.
    """
    name = parameters.get("signature_name", "")
    signatures = servable.signatures
    if name:
        if name not in signatures:
            raise InvalidArgumentError(
                f"model '{servable.name}' has no signature '{name}', but "
                f"{', '.join(usable(signatures))}"
            )
        return str(name)
    if DEFAULT_SIGNATURE in signatures:
        return DEFAULT_SIGNATURE
    names = usable(signatures)
    if len(names) != 1:
        raise InvalidArgumentError(
            f"model '{servable.name}' has no signature '{DEFAULT_SIGNATURE}'; name one of "
            f"{', '.join(names)} in the parameter 'signature_name'"
        )
    return names[0]


def usable(signatures: Mapping[str, SignatureSpec]) -> list[str]:
    """Return the names of the signatures that take and give tensors."""
    return [
        name
        for name, signature in signatures.items()
        if signature.inputs and all(o.dtype is not None for o in signature.outputs.values())
    ]


def datatype(dtype: DType | None, what: str) -> str:
    """Return the protocol's name of a type.

    Raises:
        UnimplementedError: it has none.
    """
    name = None if dtype is None else _DATATYPES.get(dtype)
    if name is None:
        text = "unknown" if dtype is None else dtype.name
        raise UnimplementedError(f"{what} has type {text}, which the protocol has no name for")
    return name


def describe(infos: Mapping[str, TensorInfo]) -> list[tuple[str, str, list[int]]]:
    """Return name, data type and shape of each tensor; -1 stands for any size."""
    return [
        (
            name,
            datatype(info.dtype, f"tensor '{name}'"),
            [-1 if size is None else size for size in info.dims or ()],
        )
        for name, info in infos.items()
    ]


def check_shape(name: str, datatype_name: Any, shape: Any) -> tuple[DType, tuple[int, ...]]:
    """Return type and shape that a request states for an input.

    Raises:
        InvalidArgumentError: the type is not known, or the shape is none.
    """
    dtype = DTYPES.get(datatype_name) if isinstance(datatype_name, str) else None
    if dtype is None:
        raise InvalidArgumentError(
            f"datatype of input '{name}' must be one of {', '.join(DTYPES)}, "
            f"got {str(datatype_name)[:40]!r}"
        )
    if (
        not isinstance(shape, Sequence)
        or isinstance(shape, str)
        or len(shape) > _MAX_RANK
        or any(type(size) is not int or size < 0 for size in shape)
        or math.prod(shape) > _MAX_ELEMENTS
    ):
        raise InvalidArgumentError(
            f"shape of input '{name}' must be at most {_MAX_RANK} sizes of at least 0, "
            f"got {str(shape)[:80]}"
        )
    return dtype, tuple(shape)


def refuse_shared_memory(name: str, parameters: Mapping[str, Any]) -> None:
    """Refuse a tensor that lies in shared memory.

    Raises:
        UnimplementedError: it does.
    """
    if _SHARED_MEMORY in parameters:
        raise UnimplementedError(
            f"tensor '{name}' is in shared memory, which is not served; send its bytes"
        )


def from_raw(
    name: str, data: bytes | memoryview, dtype: DType, shape: tuple[int, ...]
) -> Array:
    """Read a tensor from its bytes: numbers in little-endian order, or strings with lengths.

    Raises:
        InvalidArgumentError: the bytes are too many or too few.
    """
    count = math.prod(shape)
    if dtype is dtypes.string:
        return _strings(name, bytes(data), count).reshape(shape)
    if len(data) != count * dtype.np.itemsize:
        raise InvalidArgumentError(
            f"input '{name}' of shape {list(shape)} must have "
            f"{count * dtype.np.itemsize} bytes, got {len(data)}"
        )
    return np.frombuffer(data, dtype.np).reshape(shape)


def _strings(name: str, data: bytes, count: int) -> Array:
    # Each string takes 4 bytes at least, so a wrong count is found before any work.
    if count * _LENGTH.size > len(data):
        raise InvalidArgumentError(
            f"input '{name}' must have {count} strings with 4 bytes of length before each, "
            f"got {len(data)} bytes"
        )
    strings = np.empty(count, object)
    position = 0
    for number in range(count):
        if len(data) - position < _LENGTH.size:
            break
        (size,) = _LENGTH.unpack_from(data, position)
        position += _LENGTH.size
        strings[number] = data[position : position + size]
        position += size
    if position != len(data):
        raise InvalidArgumentError(
            f"the lengths of the {count} strings of input '{name}' do not add up to its "
            f"{len(data)} bytes"
        )
    return strings


def to_raw(value: Array) -> bytes:
    """Return the bytes of a tensor, as `from_raw` reads them."""
    if value.dtype.hasobject:
        return b"".join(
            part for each in value.ravel() for part in (_LENGTH.pack(len(each)), each)
        )
    return value.tobytes()


def pick_outputs(request: InferRequest, outputs: Arrays) -> list[tuple[str, Array, bool]]:
    """Return name, value and whether it goes out as bytes of each output that is wanted.

    Raises:
        InvalidArgumentError: there is no such output.
    """
    if not request.wanted:
        return [(name, value, request.is_binary) for name, value in outputs.items()]
    for name in request.wanted:
        if name not in outputs:
            raise InvalidArgumentError(
                f"the model has no output '{name}', but {', '.join(outputs)}"
            )
    return [(name, outputs[name], binary) for name, binary in request.wanted.items()]
