"""The listening socket of the HTTP/2 lane and its connections."""

import asyncio
import socket
import ssl
from typing import Final

from penstock.core.errors import UnavailableError
from penstock.serving.buffered import Buffered
from penstock.serving.grpc.connection import Connection
from penstock.serving.grpc.limits import GrpcLimits
from penstock.serving.grpc.method import Methods

_BACKLOG: Final = 1024
_SWEEP_EVERY_S: Final = 0.25
_ABORTED_WITHIN_S: Final = 1.0


class GrpcServer:
    """Serves gRPC methods on one socket in one event loop.

    Args:
        methods: by their paths.
        limits: what clients may ask for.
        tls: makes the connections secret; plain if left out.
    """

    def __init__(
        self, methods: Methods, limits: GrpcLimits, tls: ssl.SSLContext | None = None
    ) -> None:
        self._methods = methods
        self._limits = limits
        self._tls = tls
        self._buffered = Buffered(limits.max_buffered_bytes)
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._sweeper: asyncio.TimerHandle | None = None
        self._all_closed: asyncio.Future[None] | None = None

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._connections)

    @property
    def buffered_bytes(self) -> int:
        """Bytes that wait for the rest of their requests."""
        return self._buffered.size

    async def start(self, bound: socket.socket) -> None:
        """Begin to accept connections on a socket that is bound.

        Raises:
            UnavailableError: somebody else was quicker to listen on its address.
        """
        loop = asyncio.get_running_loop()

        def connection() -> Connection:
            return Connection(
                self._methods,
                self._limits,
                self._buffered,
                opened=self._opened,
                closed=self._closed,
                loop=loop,
            )

        try:
            self._server = await loop.create_server(
                connection, sock=bound, backlog=_BACKLOG, ssl=self._tls
            )
        except OSError as error:
            host, port, *_ = bound.getsockname()
            raise UnavailableError(
                f"cannot listen on {host}:{port}: {error.strerror or error}; "
                "choose another port"
            ) from error
        self._sweep(loop)

    async def stop(self, timeout_s: float) -> None:
        """Accept no more, answer what has come within `timeout_s`, and close."""
        loop = asyncio.get_running_loop()
        if self._server is not None:
            self._server.close()
        self._all_closed = loop.create_future()
        for connection in list(self._connections):
            connection.drain()
        await self._wait_until_closed(timeout_s)
        for connection in list(self._connections):
            connection.abort()
        await self._wait_until_closed(_ABORTED_WITHIN_S)
        if self._sweeper is not None:
            self._sweeper.cancel()
        if self._server is not None:
            await self._server.wait_closed()

    async def _wait_until_closed(self, timeout_s: float) -> None:
        # What was accepted in this turn of the loop becomes a connection in the next one.
        await asyncio.sleep(0)
        if self._connections and self._all_closed is not None:
            await asyncio.wait([self._all_closed], timeout=timeout_s)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for connection in list(self._connections):
            connection.check(now)
        self._sweeper = loop.call_later(_SWEEP_EVERY_S, self._sweep, loop)

    def _opened(self, connection: Connection) -> None:
        self._connections.add(connection)
        if self._all_closed is not None:
            connection.drain()
        elif len(self._connections) > self._limits.max_connections:
            connection.abort()

    def _closed(self, connection: Connection) -> None:
        self._connections.discard(connection)
        done = self._all_closed
        if done is not None and not self._connections and not done.done():
            done.set_result(None)
