"""gRPC channels for clients, waiting and asynchronous. Needs the extra `grpc`."""

import time
from typing import Any

from penstock.core import errors
from penstock.core.errors import OpError, UnimplementedError
from penstock.serving.client.exchange import GrpcRequest
from penstock.serving.client.tls import Tls

_OPTIONS = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))


def _grpc() -> Any:
    try:
        import grpc  # noqa: PLC0415  (an extra)
    except ImportError:
        raise UnimplementedError(
            "clients of gRPC need the package grpcio; install 'penstock[grpc]'"
        ) from None
    return grpc


class _Channel:
    """What the two kinds share: a method of the channel for each name, and the errors."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel
        self._methods: dict[str, Any] = {}

    def _method(self, request: GrpcRequest) -> Any:
        found = self._methods.get(request.method)
        if found is None:
            found = self._methods[request.method] = self._channel.unary_unary(
                request.method,
                request_serializer=lambda message: message.SerializeToString(),
                response_deserializer=request.answer.FromString,  # type: ignore[attr-defined]
            )
        return found


class WaitingChannel(_Channel):
    """A channel of a client that waits."""

    def __init__(self, target: str, tls: Tls | None) -> None:
        grpc = _grpc()
        self._error = grpc.RpcError
        if tls is None:
            super().__init__(grpc.insecure_channel(target, options=_OPTIONS))
        else:
            super().__init__(grpc.secure_channel(target, tls.credentials(grpc), _OPTIONS))

    def send(
        self, request: GrpcRequest, metadata: tuple[tuple[str, str], ...], deadline: float
    ) -> Any:
        """Send a request and wait for its answer.

        Raises:
            OpError: the server says no, or cannot be reached.
        """
        try:
            return self._method(request)(
                request.message, timeout=_remaining(deadline), metadata=metadata
            )
        except self._error as error:
            raise _translate(error) from error

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()


class AsyncChannel(_Channel):
    """A channel of one event loop."""

    def __init__(self, target: str, tls: Tls | None) -> None:
        grpc = _grpc()
        self._error = grpc.RpcError
        aio = grpc.aio
        if tls is None:
            super().__init__(aio.insecure_channel(target, options=_OPTIONS))
        else:
            super().__init__(aio.secure_channel(target, tls.credentials(grpc), _OPTIONS))

    async def send(
        self, request: GrpcRequest, metadata: tuple[tuple[str, str], ...], deadline: float
    ) -> Any:
        """Send a request and wait for its answer. Raises as `WaitingChannel.send` does."""
        try:
            return await self._method(request)(
                request.message, timeout=_remaining(deadline), metadata=metadata
            )
        except self._error as error:
            raise _translate(error) from error

    async def close(self) -> None:
        """Close the channel."""
        await self._channel.close()


def _remaining(deadline: float) -> float:
    return max(deadline - time.monotonic(), 0.001)


def _translate(error: Any) -> OpError:
    try:
        code, details = int(error.code().value[0]), str(error.details() or "")
    except (AttributeError, TypeError):
        code, details = errors.UNKNOWN, str(error)
    return errors.from_code(code, details)
