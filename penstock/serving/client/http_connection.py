"""HTTP/1.1 for clients: connections that are used again, waiting and asynchronous."""

import asyncio
import select
import socket
import ssl
import threading
import time
from typing import Any, Final

import httptools

from penstock.core.errors import DataLossError, DeadlineExceededError, UnavailableError
from penstock.serving.client.exchange import HttpReply, HttpRequest

_READ_BYTES: Final = 256 << 10


class ReplyParser:
    """Puts one answer together from pieces."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._chunks: list[bytes] = []
        self._has_headers = False
        self.is_empty = True
        self.keep_alive = False
        self.reply: HttpReply | None = None

    def feed(self, data: bytes) -> None:
        """Take a piece.

        Raises:
            DataLossError: it is not HTTP.
        """
        self.is_empty = False
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            raise DataLossError(f"the answer is not HTTP: {error}") from error

    def end(self) -> None:
        """Hear that nothing more comes, which ends an answer without a length."""
        if self._has_headers and self.reply is None and "content-length" not in self._headers:
            self.on_message_complete()
            self.keep_alive = False

    # httptools

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Note that the headers have come; those of an interim answer do not count."""
        self._has_headers = True

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._chunks.append(body)

    def on_message_complete(self) -> None:
        """Make the answer."""
        status = self._parser.get_status_code()
        if 100 <= status < 200:
            self._headers = {}
            self._has_headers = False
            return
        self.keep_alive = self._parser.should_keep_alive()
        self.reply = HttpReply(status, self._headers, b"".join(self._chunks))


class HttpAddress:
    """Where a server is, and how its requests begin."""

    def __init__(
        self, host: str, port: int, tls: ssl.SSLContext | None, prefix: str = ""
    ) -> None:
        self.host = host
        self.port = port
        self.tls = tls
        self.prefix = prefix
        shown = f"[{host}]" if ":" in host else host
        self.name = f"{shown}:{port}"

    def encode(self, request: HttpRequest, headers: tuple[tuple[str, str], ...]) -> bytes:
        """Write a request as bytes."""
        lines = [
            f"{request.method} {self.prefix}{request.target} HTTP/1.1",
            f"host: {self.name}",
        ]
        lines += [f"{name}: {value}" for name, value in (*headers, *request.headers)]
        if request.body or request.method == "POST":
            lines.append(f"content-length: {len(request.body)}")
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + request.body

    def unreachable(self, error: Exception) -> UnavailableError:
        """Return the error of a server that does not answer."""
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return UnavailableError(f"cannot reach {self.name}: {reason}")

    def too_late(self) -> DeadlineExceededError:
        """Return the error of an answer that did not come in time."""
        return DeadlineExceededError(f"no answer from {self.name} before the deadline")


class _StaleError(Exception):
    """A connection from the pool was closed by the server before it read the request."""


class WaitingPool:
    """Connections of a client that waits; any number of threads may use it."""

    def __init__(self, address: HttpAddress, max_idle: int = 32) -> None:
        self._address = address
        self._max_idle = max_idle
        self._idle: list[socket.socket] = []
        self._lock = threading.Lock()

    def send(self, data: bytes, deadline: float) -> HttpReply:
        """Send a request and wait for its answer.

        Raises:
            UnavailableError: the server cannot be reached, or hung up.
            DeadlineExceededError: `deadline`, a time of `time.monotonic`, has passed.
        """
        while (idle := self._take()) is not None:
            try:
                return self._exchange(idle, data, deadline, is_fresh=False)
            except _StaleError:
                continue
        return self._exchange(self._connect(deadline), data, deadline, is_fresh=True)

    def close(self) -> None:
        """Close what is idle."""
        with self._lock:
            idle, self._idle = self._idle, []
        for each in idle:
            each.close()

    def _take(self) -> socket.socket | None:
        while True:
            with self._lock:
                if not self._idle:
                    return None
                found = self._idle.pop()
            # Between two answers a server says nothing but good-bye.
            if not select.select([found], [], [], 0)[0]:
                return found
            found.close()

    def _connect(self, deadline: float) -> socket.socket:
        address = self._address
        try:
            made = socket.create_connection(
                (address.host, address.port), max(deadline - time.monotonic(), 0.001)
            )
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if address.tls is not None:
                return address.tls.wrap_socket(made, server_hostname=address.host)
            return made
        except TimeoutError as error:
            raise address.too_late() from error
        except OSError as error:
            raise address.unreachable(error) from error

    def _exchange(
        self, connection: socket.socket, data: bytes, deadline: float, *, is_fresh: bool
    ) -> HttpReply:
        parser = ReplyParser()
        keep = False
        try:
            self._wait(connection, deadline)
            connection.sendall(data)
            while parser.reply is None:
                self._wait(connection, deadline)
                received = connection.recv(_READ_BYTES)
                if not received:
                    parser.end()
                    if parser.reply is None:
                        raise ConnectionResetError("the connection was closed")
                else:
                    parser.feed(received)
            keep = parser.keep_alive
            return parser.reply
        except TimeoutError as error:
            raise self._address.too_late() from error
        except OSError as error:
            if not is_fresh and parser.is_empty:
                raise _StaleError from error
            raise self._address.unreachable(error) from error
        finally:
            with self._lock:
                keep = keep and len(self._idle) < self._max_idle
                if keep:
                    self._idle.append(connection)
            if not keep:
                connection.close()

    def _wait(self, connection: socket.socket, deadline: float) -> None:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        connection.settimeout(min(remaining, 1e6))


class AsyncConnection(asyncio.Protocol):
    """One connection in an event loop; one request at a time."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._parser = ReplyParser()
        self._waiter: asyncio.Future[HttpReply] | None = None
        self.is_open = False
        self.has_answered = False

    def connection_made(self, transport: Any) -> None:
        """Be ready for a request."""
        self.transport = transport
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        """Take a piece of the answer."""
        waiter = self._waiter
        if waiter is None:
            self.close()
            return
        try:
            self._parser.feed(data)
        except DataLossError as error:
            self._fail(error)
            self.close()
            return
        if self._parser.reply is not None and not waiter.done():
            if not self._parser.keep_alive:
                self.close()
            waiter.set_result(self._parser.reply)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits."""
        self.is_open = False
        self._parser.end()
        if self._waiter is not None and not self._waiter.done():
            if self._parser.reply is not None:
                self._waiter.set_result(self._parser.reply)
            else:
                self._fail(exc or ConnectionResetError("the connection was closed"))

    def _fail(self, error: Exception) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)

    async def exchange(self, data: bytes) -> HttpReply:
        """Send a request and wait for its answer; leaving early closes the connection."""
        if self.transport is None or not self.is_open:
            raise ConnectionResetError("the connection was closed")
        self._parser = ReplyParser()
        self._waiter = asyncio.get_running_loop().create_future()
        self.transport.write(data)
        try:
            return await self._waiter
        except asyncio.CancelledError:
            self.close()
            raise
        finally:
            self.has_answered = not self._parser.is_empty
            self._waiter = None

    def close(self) -> None:
        """Close."""
        self.is_open = False
        if self.transport is not None:
            self.transport.close()


class AsyncPool:
    """Connections of one event loop."""

    def __init__(self, address: HttpAddress, max_idle: int = 256) -> None:
        self._address = address
        self._max_idle = max_idle
        self._idle: list[AsyncConnection] = []

    async def send(self, data: bytes, deadline: float) -> HttpReply:
        """Send a request and wait for its answer. Raises as `WaitingPool.send` does."""
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                return await self._send(data)
        except TimeoutError as error:
            raise self._address.too_late() from error

    async def _send(self, data: bytes) -> HttpReply:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                try:
                    return await self._exchange(connection, data)
                except OSError as error:
                    if connection.has_answered:
                        raise self._address.unreachable(error) from error
        try:
            connection = await self.connect()
            return await self._exchange(connection, data)
        except OSError as error:
            if isinstance(error, TimeoutError):
                raise
            raise self._address.unreachable(error) from error

    async def connect(self) -> AsyncConnection:
        """Open a connection."""
        address = self._address
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            AsyncConnection,
            address.host,
            address.port,
            ssl=address.tls,
            server_hostname=address.host if address.tls else None,
        )
        return connection

    async def _exchange(self, connection: AsyncConnection, data: bytes) -> HttpReply:
        reply = await connection.exchange(data)
        if connection.is_open and len(self._idle) < self._max_idle:
            self._idle.append(connection)
        else:
            connection.close()
        return reply

    def close(self) -> None:
        """Close what is idle."""
        for each in self._idle:
            each.close()
        self._idle.clear()
