"""The same methods on grpcio, for those who want the stock implementation of gRPC."""

import asyncio
import importlib
import logging
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote

from penstock.core.errors import (
    FailedPreconditionError,
    NotFoundError,
    OpError,
    UnavailableError,
)
from penstock.serving.grpc.limits import GrpcLimits
from penstock.serving.grpc.method import Method, Methods, Stream
from penstock.serving.router import Request
from penstock.serving.tls import TlsConfig

_log = logging.getLogger("penstock.serving")

_MAX_CONNECTION_IDLE: Final = "grpc.max_connection_idle_ms"


def _import_grpc() -> Any:
    try:
        return importlib.import_module("grpc")
    except ImportError as error:
        raise FailedPreconditionError(
            "gRPC by grpcio needs the package grpcio; pip install 'penstock[grpc]'"
        ) from error


class GrpcioServer:
    """Serves gRPC methods with `grpc.aio`. Five times the cost of the lane of our own.

    Args:
        methods: by their paths.
        limits: what clients may ask for, as far as grpcio can be told.
        credentials: from `grpc.ssl_server_credentials`; plain if left out.

    Raises:
        FailedPreconditionError: grpcio is not installed.
    """

    def __init__(
        self, methods: Methods, limits: GrpcLimits, credentials: Any | None = None
    ) -> None:
        self._grpc: Any = _import_grpc()
        self._methods = methods
        self._limits = limits
        self._credentials = credentials
        self._server: Any = None

    async def start(self, bound: socket.socket) -> None:
        """Begin to accept connections at the address of a bound socket, which is closed.

        Raises:
            UnavailableError: somebody else was quicker to take the address.
        """
        limits, grpc = self._limits, self._grpc
        host, port, *_ = bound.getsockname()
        # grpcio makes its own sockets.
        bound.close()
        self._server = grpc.aio.server(
            options=(
                ("grpc.max_receive_message_length", limits.max_request_bytes),
                ("grpc.max_metadata_size", limits.max_header_bytes),
                ("grpc.max_concurrent_streams", limits.max_concurrent_streams),
                (_MAX_CONNECTION_IDLE, int(limits.idle_timeout_s * 1000)),
                ("grpc.so_reuseport", 0),
            )
        )
        self._server.add_generic_rpc_handlers((_Handlers(grpc, self._methods, limits),))
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            if self._credentials is None:
                self._server.add_insecure_port(address)
            else:
                self._server.add_secure_port(address, self._credentials)
        except RuntimeError as error:
            raise UnavailableError(f"cannot listen on {address}: {error}") from error
        await self._server.start()

    async def stop(self, timeout_s: float) -> None:
        """Accept no more, answer what has come within `timeout_s`, and close."""
        if self._server is not None:
            await self._server.stop(timeout_s)


class _Handlers:
    """Finds the handler of a path: grpcio's `GenericRpcHandler`, without its base class."""

    def __init__(self, grpc: Any, methods: Methods, limits: GrpcLimits) -> None:
        self._grpc = grpc
        self._methods = methods
        self._limits = limits

    def service(self, details: Any) -> Any:
        """Return what grpcio shall call, or `None`."""
        grpc, path = self._grpc, details.method
        method = self._methods.get(path)
        if method is None:
            return None
        if method.is_streaming:
            handle = _streaming(grpc, path, method, self._limits)
            return grpc.stream_stream_rpc_method_handler(handle)
        return grpc.unary_unary_rpc_method_handler(_unary(grpc, path, method, self._limits))


def _unary(grpc: Any, path: str, method: Method, limits: GrpcLimits) -> Any:
    async def handle(message: bytes, context: Any) -> bytes:
        request = _request(path, message, context, limits)
        try:
            return await method.handle(request)
        except OpError as error:
            return await _abort(grpc, context, error)
        except Exception:  # noqa: BLE001  (a bug in one answer must not end the service)
            _log.exception("%s failed", path)
            return await context.abort(
                grpc.StatusCode.INTERNAL, "the server failed; see its log"
            )

    return handle


def _streaming(grpc: Any, path: str, method: Method, limits: GrpcLimits) -> Any:
    async def handle(messages: Any, context: Any) -> AsyncIterator[bytes]:
        stream = Stream(_request(path, b"", context, limits), b"", limits.max_request_bytes)

        async def feed() -> None:
            async for message in messages:
                stream.put(message)
            stream.end()

        feeding = asyncio.get_running_loop().create_task(feed())
        try:
            async for answer in method.run(stream):
                yield answer
        except OpError as error:
            await _abort(grpc, context, error)
        finally:
            feeding.cancel()

    return handle


async def _abort(grpc: Any, context: Any, error: OpError) -> Any:
    codes = {code.value[0]: code for code in grpc.StatusCode}
    return await context.abort(codes[error.error_code], error.message)


def _request(path: str, message: bytes, context: Any, limits: GrpcLimits) -> Request:
    remaining = context.time_remaining()
    if remaining is None or remaining > limits.max_timeout_s:
        remaining = limits.max_timeout_s
    metadata = tuple(
        (key.encode(), value if isinstance(value, bytes) else value.encode())
        for key, value in context.invocation_metadata() or ()
    )
    deadline = asyncio.get_running_loop().time() + remaining
    certificate = _certificate(context.auth_context() or {})
    return Request("POST", path, message, metadata, deadline, "", _peer(context), certificate)


def server_credentials(tls: TlsConfig) -> Any:
    """Return what grpcio takes in place of a TLS context.

    Raises:
        FailedPreconditionError: grpcio is not installed.
        NotFoundError: a file is missing.
    """
    grpc = _import_grpc()
    try:
        pair = (tls.key.read_bytes(), tls.certificate.read_bytes())
        ca = None if tls.client_ca is None else tls.client_ca.read_bytes()
    except OSError as error:
        raise NotFoundError(f"'{error.filename}' cannot be read: {error.strerror}") from error
    required = ca is not None and tls.require_client
    return grpc.ssl_server_credentials([pair], ca, require_client_auth=required)


def _certificate(found: Mapping[str, Sequence[bytes]]) -> dict[str, Any] | None:
    """The certificate of a client as the `ssl` module shows one."""
    if "x509_pem_cert" not in found:
        return None
    names = [name.decode("utf-8", "replace") for name in found.get("x509_common_name", ())]
    others = found.get("x509_subject_alternative_name", ())
    listed = [name.decode("utf-8", "replace") for name in others]
    return {
        "subject": tuple(((("commonName", name),)) for name in names),
        "subjectAltName": tuple(("URI" if "://" in n else "DNS", n) for n in listed),
    }


def _peer(context: Any) -> str:
    """Address of the client: `ipv4:127.0.0.1:40000` and `ipv6:[::1]:40000` without the rest."""
    text = unquote(context.peer() or "")
    host = text.partition(":")[2].rpartition(":")[0]
    return host.strip("[]")
