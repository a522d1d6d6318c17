"""A listening socket and its connections: accepts, sweeps for what is overdue, drains."""

import asyncio
import socket
import ssl
import sys

from penstock.core.errors import UnavailableError
from penstock.serving.buffered import Buffered
from penstock.serving.http import Connection, HttpLimits
from penstock.serving.http_head import KnownHeads
from penstock.serving.router import Begin

_BACKLOG = 1024
_HANDSHAKE_S = 10.0
_SWEEP_EVERY_S = 0.25
_ABORTED_WITHIN_S = 1.0


def bind(host: str, port: int, *, is_shared: bool = False) -> socket.socket:
    """Return a socket that owns an address but does not listen yet; port 0 finds a free one.

    Args:
        host: name or address.
        port: number.
        is_shared: whether several sockets may own the address; each gets a part of the clients.

    Raises:
        UnavailableError: the address is taken, not ours, or not an address.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
    except (OSError, OverflowError) as error:
        raise _cannot_listen(host, port, error) from error
    try:
        # On Windows the option would let two servers share the port.
        if sys.platform != "win32":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind(address)
    except (OSError, OverflowError) as error:
        bound.close()
        raise _cannot_listen(host, port, error) from error
    return bound


class HttpServer:
    """Serves HTTP on one socket in one event loop.

    Args:
        begin: starts to answer a request; see `router.Direct`. It raises nothing.
        limits: what one connection may ask for, and all of them together.
        tls: makes the connections secret; plain if left out.
    """

    def __init__(
        self, begin: Begin, limits: HttpLimits, tls: ssl.SSLContext | None = None
    ) -> None:
        self._begin = begin
        self._limits = limits
        self._tls = tls
        self._buffered = Buffered(limits.max_buffered_bytes)
        self._known = KnownHeads()
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._sweeper: asyncio.TimerHandle | None = None
        self._all_closed: asyncio.Future[None] | None = None

    async def start(self, bound: socket.socket) -> None:
        """Begin to accept connections on a socket from `bind`.

        Raises:
            UnavailableError: somebody else was quicker to listen on its address.
        """
        loop = asyncio.get_running_loop()

        def connection() -> Connection:
            return Connection(
                self._begin,
                self._limits,
                self._opened,
                self._closed,
                loop,
                self._known,
                self._buffered,
            )

        try:
            self._server = await loop.create_server(
                connection,
                sock=bound,
                backlog=_BACKLOG,
                ssl=self._tls,
                # A client that does not finish its handshake is no connection yet, and would
                # be out of reach of the sweep.
                ssl_handshake_timeout=None if self._tls is None else _HANDSHAKE_S,
            )
        except OSError as error:
            host, port, *_ = bound.getsockname()
            raise _cannot_listen(host, port, error) from error
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
        if len(self._connections) > self._limits.max_connections:
            connection.abort()
            return
        if self._all_closed is not None:
            connection.drain()

    def _closed(self, connection: Connection) -> None:
        self._connections.discard(connection)
        done = self._all_closed
        if done is not None and not self._connections and not done.done():
            done.set_result(None)


def _cannot_listen(host: str, port: int, error: Exception) -> UnavailableError:
    reason = getattr(error, "strerror", None) or str(error)
    return UnavailableError(f"cannot listen on {host}:{port}: {reason}; choose another port")
