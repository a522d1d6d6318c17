"""gRPC's health service, for load balancers and probes.

Source: `health-checking.md` of gRPC: service "" is the whole server.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from typing import Final

from google.protobuf.message import DecodeError

from penstock.core.errors import InternalError, NotFoundError
from penstock.serving.grpc.method import Method, Stream, streaming, unary
from penstock.serving.router import Request
from penstock.wire import protos

SERVICE: Final = "grpc.health.v1.Health"
SERVING, NOT_SERVING, SERVICE_UNKNOWN = 1, 2, 3
_LOOK_EVERY_S: Final = 0.5


class HealthApi:
    """Says whether the server, one of its services or one of its models answers.

    Args:
        is_ready: of the server as a whole ("") or of a model; `None` for what is no model.
        services: names of the gRPC services, which are as ready as the server.
    """

    def __init__(
        self, is_ready: Callable[[str], bool | None], services: Collection[str]
    ) -> None:
        self._is_ready = is_ready
        self._services = frozenset(services)

    def methods(self) -> dict[str, Method]:
        """Return the methods by their paths."""
        return {
            f"/{SERVICE}/Check": unary(self.check),
            f"/{SERVICE}/Watch": streaming(self.watch),
        }

    async def check(self, request: Request) -> bytes:
        """Answer once."""
        service = _service(request.body)
        status = self._status(service)
        if status == SERVICE_UNKNOWN:
            raise NotFoundError(f"unknown service '{service[:200]}'")
        return _answer(status)

    async def watch(self, stream: Stream) -> AsyncIterator[bytes]:
        """Answer now and with each change, until the client leaves."""
        async for message in stream.messages():
            service = _service(message)
            told = None
            while True:
                status = self._status(service)
                if status != told:
                    told = status
                    yield _answer(status)
                await asyncio.sleep(_LOOK_EVERY_S)

    def _status(self, service: str) -> int:
        ready = self._is_ready("" if service in self._services else service)
        if ready is None:
            return SERVICE_UNKNOWN
        return SERVING if ready else NOT_SERVING


def _service(body: bytes) -> str:
    try:
        return str(protos.find("grpc.health.v1.HealthCheckRequest").FromString(body).service)
    except DecodeError:
        raise InternalError("the body must be a HealthCheckRequest") from None


def _answer(status: int) -> bytes:
    message = protos.find("grpc.health.v1.HealthCheckResponse")(status=status)
    return bytes(message.SerializeToString())
