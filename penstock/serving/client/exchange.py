"""What a client sends and gets, without sockets: each protocol is a talk made of such steps."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Inputs = Mapping[str, Any]
Headers = Sequence[tuple[str, str]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ModelRef:
    """Which model is asked: its latest version, that of a number, or of a label."""

    name: str
    version: int | None = None
    label: str | None = None


@dataclass(slots=True)
class HttpRequest:
    """One HTTP request without its connection."""

    method: str
    target: str
    body: bytes = b""
    headers: Headers = ()


@dataclass(slots=True)
class HttpReply:
    """One HTTP answer; names of headers are in lower case."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(slots=True)
class GrpcRequest:
    """One unary call: `/package.Service/Method`, its message, and the class of the answer."""

    method: str
    message: Any
    answer: type
    headers: Headers = ()


Step = HttpRequest | GrpcRequest
# A protocol yields what is to be sent, gets the answer, and returns what the caller wants. The
# same talk is held by the waiting and by the asynchronous client.
Talk = Generator[Step, Any, T]


@dataclass(frozen=True, slots=True)
class Tensor:
    """Name, numpy dtype and shape of an input or output, as far as the server tells.

    A size that is free is -1; a shape of which nothing is known is `None`.
    """

    name: str
    dtype: np.dtype[Any] | None
    shape: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Signature:
    """Inputs and outputs of one signature, by name."""

    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]


Classes = list[list[tuple[str, float]]]
Examples = Sequence[Mapping[str, Any]]


class Speech(Protocol):
    """How one protocol asks for each thing."""

    def predict(
        self, model: ModelRef, inputs: Inputs, signature: str, wanted: Sequence[str]
    ) -> Talk[dict[str, Array]]:
        """Ask for the outputs of a signature."""

    def classify(self, model: ModelRef, examples: Examples, signature: str) -> Talk[Classes]:
        """Ask for the classes of examples."""

    def regress(self, model: ModelRef, examples: Examples, signature: str) -> Talk[Array]:
        """Ask for the values of examples."""

    def signature(self, model: ModelRef, name: str) -> Talk[Signature]:
        """Ask for the names and dtypes of a signature."""

    def metadata(self, model: ModelRef) -> Talk[dict[str, Any]]:
        """Ask for what the server tells of a model."""

    def versions(self, model: ModelRef) -> Talk[dict[int, str]]:
        """Ask for the state of each version."""

    def is_ready(self, model: ModelRef | None) -> Talk[bool]:
        """Ask whether the server, or a model, can answer."""


def as_strings(value: Any) -> Array:
    """Return strings of any kind as an array of `bytes`."""
    array = np.asarray(value, object)
    flat = [item.encode() if isinstance(item, str) else bytes(item) for item in array.ravel()]
    result = np.empty(len(flat), object)
    result[:] = flat
    return result.reshape(array.shape)


def as_input(value: Any, dtype: np.dtype[Any] | None) -> Array:
    """Return a value as the array that is sent.

    Args:
        dtype: that the model wants. A value that does not fit it without loss of kind is sent
            as it is, for the server to refuse with its reason.
    """
    array = np.asarray(value)
    if array.dtype.kind in "USO":
        return as_strings(value)
    if dtype is None:
        # Without the model's word, Python floats are meant as TensorFlow means them.
        plain = not isinstance(value, np.ndarray | np.generic)
        return array.astype(np.float32) if plain and array.dtype == np.float64 else array
    if array.dtype != dtype and dtype != np.dtype(object):
        is_whole = not isinstance(value, np.ndarray) and array.dtype.kind in "iu"
        if np.can_cast(array.dtype, dtype, "same_kind") or (is_whole and dtype.kind == "u"):
            with np.errstate(over="ignore"):
                cast = array.astype(dtype)
            # Only a value that is still itself may change its type.
            if dtype.kind not in "iu" or np.array_equal(cast, array):
                return cast
    return array
