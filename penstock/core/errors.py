"""Errors with a status code: TensorFlow's classes, which are also those of gRPC."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

OK = 0
CANCELLED = 1
UNKNOWN = 2
INVALID_ARGUMENT = 3
DEADLINE_EXCEEDED = 4
NOT_FOUND = 5
ALREADY_EXISTS = 6
PERMISSION_DENIED = 7
RESOURCE_EXHAUSTED = 8
FAILED_PRECONDITION = 9
ABORTED = 10
OUT_OF_RANGE = 11
UNIMPLEMENTED = 12
INTERNAL = 13
UNAVAILABLE = 14
DATA_LOSS = 15
UNAUTHENTICATED = 16

# TF Serving's table, so that clients written for it see the statuses they know.
HTTP_STATUS: dict[int, int] = {
    OK: 200,
    CANCELLED: 499,
    UNKNOWN: 500,
    INVALID_ARGUMENT: 400,
    DEADLINE_EXCEEDED: 504,
    NOT_FOUND: 404,
    ALREADY_EXISTS: 409,
    PERMISSION_DENIED: 403,
    RESOURCE_EXHAUSTED: 429,
    FAILED_PRECONDITION: 400,
    ABORTED: 409,
    OUT_OF_RANGE: 400,
    UNIMPLEMENTED: 501,
    INTERNAL: 500,
    UNAVAILABLE: 503,
    DATA_LOSS: 500,
    UNAUTHENTICATED: 401,
}

# Status numbers of gRPC: the same numbers, under gRPC's names.
GRPC_STATUS: dict[int, str] = {
    OK: "OK",
    CANCELLED: "CANCELLED",
    UNKNOWN: "UNKNOWN",
    INVALID_ARGUMENT: "INVALID_ARGUMENT",
    DEADLINE_EXCEEDED: "DEADLINE_EXCEEDED",
    NOT_FOUND: "NOT_FOUND",
    ALREADY_EXISTS: "ALREADY_EXISTS",
    PERMISSION_DENIED: "PERMISSION_DENIED",
    RESOURCE_EXHAUSTED: "RESOURCE_EXHAUSTED",
    FAILED_PRECONDITION: "FAILED_PRECONDITION",
    ABORTED: "ABORTED",
    OUT_OF_RANGE: "OUT_OF_RANGE",
    UNIMPLEMENTED: "UNIMPLEMENTED",
    INTERNAL: "INTERNAL",
    UNAVAILABLE: "UNAVAILABLE",
    DATA_LOSS: "DATA_LOSS",
    UNAUTHENTICATED: "UNAUTHENTICATED",
}

_MISSING: Any = object()


class OpError(Exception):
    """Failure of an op or a service, with a status code.

    Both forms are understood: `InvalidArgumentError("what must hold")`, and TensorFlow's
    `InvalidArgumentError(node_def, op, message)`, where a dict after the message holds
    payloads and anything else is ignored. `OpError` itself takes the code after the message.

    Source: `tf.errors.OpError`.
    """

    code: int = UNKNOWN

    def __init__(
        self,
        *args: Any,
        node_def: Any = _MISSING,
        op: Any = _MISSING,
        message: Any = _MISSING,
        error_code: int | None = None,
        payloads: dict[str, Any] | None = None,
    ) -> None:
        rest = list(args)
        # One argument alone is the message; TensorFlow's own callers always give three.
        if len(rest) == 1 and message is _MISSING:
            message = rest.pop()
        node_def = rest.pop(0) if node_def is _MISSING and rest else node_def
        op = rest.pop(0) if op is _MISSING and rest else op
        message = rest.pop(0) if message is _MISSING and rest else message
        if rest and error_code is None and type(self) is OpError:
            error_code = rest.pop(0)
        # Libraries that raise an error again hand its code over, which the class tells already.
        payloads = next((each for each in rest if isinstance(each, dict)), payloads)
        self._node_def = None if node_def is _MISSING else node_def
        self._op = None if op is _MISSING else op
        self._message = "" if message is _MISSING or message is None else str(message)
        self._error_code = self.code if error_code is None else error_code
        self._payloads = dict(payloads or {})
        super().__init__(self._message)

    @property
    def message(self) -> str:
        """What went wrong."""
        return self._message

    def rephrase(self, message: str) -> None:
        """Replace the message, before the error goes on to the caller."""
        self._message = message
        self.args = (message,)

    @property
    def error_code(self) -> int:
        """Number of the status, one of the constants of this module."""
        return self._error_code

    @property
    def op(self) -> Any:
        """The operation that failed, if it is known."""
        return self._op

    @property
    def node_def(self) -> Any:
        """Description of the node that failed, if it is known."""
        return self._node_def

    @property
    def experimental_payloads(self) -> dict[str, Any]:
        """Further facts by name."""
        return self._payloads

    def __str__(self) -> str:
        return self._message

    def __reduce__(self) -> Any:
        # The op belongs to a live graph, so it stays behind.
        rest = (self._error_code,) if type(self) is OpError else ()
        return type(self), (self._node_def, None, self._message, *rest, self._payloads)


class CancelledError(OpError):
    """The work was cancelled."""

    code = CANCELLED


class UnknownError(OpError):
    """The cause is not known."""

    code = UNKNOWN


class InvalidArgumentError(OpError):
    """An argument can never be accepted, whatever the state of the system."""

    code = INVALID_ARGUMENT


class DeadlineExceededError(OpError):
    """The time allowed was over before the work was done."""

    code = DEADLINE_EXCEEDED


class NotFoundError(OpError):
    """Something that was asked for does not exist."""

    code = NOT_FOUND


class AlreadyExistsError(OpError):
    """Something that should be made exists."""

    code = ALREADY_EXISTS


class PermissionDeniedError(OpError):
    """The caller is known and may not do this."""

    code = PERMISSION_DENIED


class UnauthenticatedError(OpError):
    """The caller did not prove who it is."""

    code = UNAUTHENTICATED


class ResourceExhaustedError(OpError):
    """Memory, a queue or a quota is used up."""

    code = RESOURCE_EXHAUSTED


class FailedPreconditionError(OpError):
    """The system is not in the state that the work needs, as with a variable without value."""

    code = FAILED_PRECONDITION


class AbortedError(OpError):
    """The work gave way to other work; trying again may help."""

    code = ABORTED


class OutOfRangeError(OpError):
    """The end was reached, as that of a dataset or a file."""

    code = OUT_OF_RANGE


class UnimplementedError(OpError):
    """This build cannot do that."""

    code = UNIMPLEMENTED


class MissingNameError(UnimplementedError, AttributeError):
    """A name of TensorFlow's that is not there; `hasattr` sees that too."""


class InternalError(OpError):
    """Something that always holds did not."""

    code = INTERNAL


class UnavailableError(OpError):
    """The service cannot answer at the moment; trying again later may help."""

    code = UNAVAILABLE


class DataLossError(OpError):
    """Stored bytes are lost or damaged."""

    code = DATA_LOSS


class OperatorNotAllowedInGraphError(TypeError):
    """A Python operator needs the value of a tensor that has none while a graph is built."""


class InaccessibleTensorError(ValueError):
    """A tensor of one graph is used in another that cannot reach it."""


_CLASS_BY_CODE: MappingProxyType[int, type[OpError]] = MappingProxyType(
    {each.code: each for each in OpError.__subclasses__()}
)
_CODE_BY_CLASS: dict[type[OpError], int] = {each: code for code, each in _CLASS_BY_CODE.items()}


def exception_type_from_error_code(error_code: int) -> type[OpError]:
    """Return the class of a status number.

    Raises:
        KeyError: no error has that number.
    """
    return _CLASS_BY_CODE[error_code]


def error_code_from_exception_type(cls: type[BaseException]) -> int | None:
    """Return the status number of a class, or `UNKNOWN` for one that has none."""
    return _CODE_BY_CLASS.get(cls, UNKNOWN)  # type: ignore[arg-type]


def from_code(error_code: int, message: str) -> OpError:
    """Make the error of a status number; numbers that nobody knows give an `UnknownError`."""
    return _CLASS_BY_CODE.get(error_code, UnknownError)(message)


def http_status(error_code: int) -> int:
    """Return the HTTP status of a status number; 500 for numbers that nobody knows."""
    return HTTP_STATUS.get(error_code, 500)
