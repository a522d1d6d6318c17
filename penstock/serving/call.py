"""One call of the server, whichever protocol it came by: what was asked, and how it went."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from penstock.core.errors import GRPC_STATUS, OpError
from penstock.serving.servable import Arrays, SignatureSpec

REST, GRPC, V2_REST, V2_GRPC = "REST", "GRPC", "V2_REST", "V2_GRPC"
PREDICT, CLASSIFY, REGRESS = "Predict", "Classify", "Regress"
FOREVER = float("inf")
# Name of the payload of an error that says when trying again may help.
RETRY_AFTER_S = "retry_after_s"

OK = "OK"
CANCELLED = "CANCELLED"
_INTERNAL = "INTERNAL"


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """Which model a request is for: its latest version, that of a number, or of a label."""

    name: str
    version: int | None = None
    label: str | None = None

    def __str__(self) -> str:
        if self.version is None:
            return f"Latest({self.name})"
        return f"Specific({self.name}, {self.version})"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who calls, as the server found out.

    Args:
        name: of the client, for logs and quotas.
        roles: what decides which models and actions are open to it.
        claims: what a token said besides.
    """

    name: str
    roles: frozenset[str] = frozenset()
    claims: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Call:
    """One call on its way through the server.

    Args:
        protocol: "REST", "GRPC", "V2_REST" or "V2_GRPC".
        api: "Predict", "Classify", "Regress", "MultiInference", "GetModelMetadata", ...
        spec: the model that it is for.
        deadline: time of the event loop after which nobody wants the answer.
        headers: HTTP headers or gRPC metadata, names in lower case.
        peer: address of the client.
        certificate: of the client, where TLS asked for one.
        body_bytes: size of the request.
        priority: calls of a higher one leave the queue first.
        identity: set by the middleware that knows clients.
        checks: that the engine has still to make of the inputs.
        keep: a middleware that wants `inputs` and `outputs` in `done` sets it before.
        start: when it was opened, by the gateway's clock.
        version: that answered.
        signature_name: that was run.
        rows: of the inputs; several runs add up.
        decode_s: time until the inputs were read and checked.
        queue_s: time in the queue; several runs add up.
        compute_s: time of the shared calls that it was part of.
        batch_size: rows of the last shared call that it was part of.
        padded_size: the same with padding.
        led: shared calls in which it was the first, so that each is counted once.
        status: gRPC's name of the outcome.
        error: what went wrong.
    """

    protocol: str
    api: str
    spec: ModelSpec
    deadline: float = FOREVER
    headers: Sequence[tuple[bytes, bytes]] = ()
    peer: str = ""
    certificate: Mapping[str, Any] | None = None
    body_bytes: int = 0
    priority: int = 0
    identity: Identity | None = None
    checks: "Sequence[RowCheck]" = ()
    keep: bool = False
    inputs: Arrays | None = None
    outputs: Arrays | None = None
    start: float = 0.0
    version: int | None = None
    signature_name: str = ""
    rows: int = 0
    decode_s: float = 0.0
    queue_s: float = 0.0
    compute_s: float = 0.0
    batch_size: int = 0
    padded_size: int = 0
    led: int = 0
    status: str = OK
    error: OpError | None = None
    # Notes of middleware for itself, between its hooks: a span, a sample.
    notes: dict[str, Any] | None = None

    def header(self, name: bytes) -> bytes | None:
        """First value of a header or metadata key, asked for in lower case."""
        return next((value for key, value in self.headers if key == name), None)

    def failed(self, error: BaseException) -> None:
        """Note how the call ended."""
        if isinstance(error, OpError):
            self.error = error
            self.status = GRPC_STATUS.get(error.error_code, "UNKNOWN")
        else:
            # Cancellation is no Exception: the client has gone, or the server ends.
            self.status = _INTERNAL if isinstance(error, Exception) else CANCELLED


class RowCheck(Protocol):
    """A check of inputs row by row, which can be made for several calls at once."""

    def accepts(self, call: Call, signature: SignatureSpec, inputs: Arrays) -> bool:
        """Whether all rows are right; they may be those of several calls of one model."""

    def check(self, call: Call, signature: SignatureSpec, inputs: Arrays) -> None:
        """Refuse the inputs of one call.

        Raises:
            OpError: they are wrong.
        """
