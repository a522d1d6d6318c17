"""HTTP/1.1 on asyncio, with httptools as its parser: from bytes to requests and back.

Source: RFC 9112 (messages) and RFC 9110 (semantics).
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import httptools

from penstock.core.errors import DeadlineExceededError, InternalError, OpError
from penstock.serving.buffered import Buffered
from penstock.serving.http_answer import CONTINUE, encode
from penstock.serving.http_head import BadHeadError, Head, KnownHeads
from penstock.serving.protocols.rest import encode_error
from penstock.serving.router import Begin, Cancel, Request, Response

_log = logging.getLogger("penstock.serving")

_FOREVER = float("inf")
# A client whose heads always differ is not worth remembering.
_MISSES = 8


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """What one connection may ask for.

    Args:
        max_request_bytes: of a body.
        max_header_bytes: of a request's line and headers.
        max_pipelined: requests of one connection that are worked on at a time.
        request_timeout_s: time for answering a request that has arrived.
        read_timeout_s: time for sending a request; a body gets a second more for each
            `min_bytes_per_s` of it that have come.
        write_timeout_s: time for taking an answer.
        idle_timeout_s: time between requests.
        linger_s: time for reading on after a refusal, so that the client can read it.
        max_connections: open at a time; those beyond are closed at once.
        max_buffered_bytes: of bodies that have not come whole, of all connections.
    """

    max_request_bytes: int = 64 << 20
    max_header_bytes: int = 32 << 10
    max_pipelined: int = 64
    request_timeout_s: float = 30.0
    read_timeout_s: float = 30.0
    min_bytes_per_s: int = 64 << 10
    write_timeout_s: float = 30.0
    idle_timeout_s: float = 75.0
    linger_s: float = 2.0
    max_connections: int = 10_000
    max_buffered_bytes: int = 512 << 20


class _Exchange:
    """A request on its way to its answer."""

    __slots__ = ("_connection", "cancel", "deadline", "is_head", "keep_alive", "response")

    def __init__(
        self, connection: "Connection", deadline: float, is_head: bool, keep_alive: bool
    ) -> None:
        self._connection = connection
        self.deadline = deadline
        self.is_head = is_head
        self.keep_alive = keep_alive
        self.response: Response | None = None
        self.cancel: Cancel | None = None

    def respond(self, response: Response) -> None:
        """Take the answer, and send it when its turn has come."""
        if self.response is None:
            self.response = response
            self.cancel = None
            self._connection.send_answers()


class Connection(asyncio.Protocol):
    """One client. Requests that come in a row are worked on together, answered in order.

    Args:
        begin: starts to answer a request; see `router.Direct`. It raises nothing.
        limits: what the client may ask for.
        opened: called with the connection when it is open.
        closed: called with it when it is closed.
        loop: the event loop, which is also the clock.
        known: heads that other connections have met.
        buffered: counts the bytes of bodies that are arriving.
    """

    def __init__(  # noqa: PLR0917
        self,
        begin: Begin,
        limits: HttpLimits,
        opened: "Callable[[Connection], None]",
        closed: "Callable[[Connection], None]",
        loop: asyncio.AbstractEventLoop,
        known: KnownHeads | None = None,
        buffered: Buffered | None = None,
    ) -> None:
        self._begin = begin
        self._limits = limits
        self._opened = opened
        self._closed = closed
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._exchanges: deque[_Exchange] = deque()
        self._deadline = _FOREVER
        self._is_receiving = False
        self._is_paused = False  # reading, because too much is in work
        self._is_draining = False  # the server stops
        self._is_refusing = False  # nothing more is read
        self._has_ended = False  # the client sends no more
        self._owes_continue = False
        self._write_deadline = _FOREVER
        self._known = known or KnownHeads()
        self._buffered = buffered or Buffered(limits.max_buffered_bytes)
        self._held = 0  # of it by this connection
        self._misses = 0
        self._complete: Head | None = None  # of the last request that the parser has read
        self._peer = ""
        self._certificate: Any = None
        self._reset()

    def _reset(self) -> None:
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._header_bytes = 0
        self._has_headers = False
        self._chunks: list[bytes] = []
        self._body_bytes = 0

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first request."""
        # uvloop's transports keep the interface without the base class.
        self._transport = cast("asyncio.Transport", transport)
        address = transport.get_extra_info("peername")
        self._peer = str(address[0]) if isinstance(address, tuple) else ""
        self._certificate = transport.get_extra_info("peercert") or None
        self._opened(self)
        self._deadline = self._loop.time() + self._limits.idle_timeout_s

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Stop the work that nobody waits for any more."""
        self._closed(self)
        self._transport = None
        self._release()
        self._cancel()

    def eof_received(self) -> bool:
        """Let answers that are on their way still go out."""
        self._has_ended = True
        return bool(self._exchanges) and not self._is_refusing

    def pause_writing(self) -> None:
        """Wait for a client that does not read."""
        self._write_deadline = self._loop.time() + self._limits.write_timeout_s
        self._pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        self._write_deadline = _FOREVER
        self._resume_reading()

    def data_received(self, data: bytes) -> None:
        """Parse what has come; each request that is complete starts at once."""
        if self._is_refusing:
            return
        is_new = not self._is_receiving and self._header_bytes == 0
        if is_new and self._misses < _MISSES:
            data = self._take_known(data)
            if not data or self._is_refusing:
                return
            self._misses += 1
        if not self._has_headers:
            self._header_bytes += len(data)
        self._complete = None
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # Nothing else is spoken here, so the request is answered as it is, and is the last.
            self._finish_after_answers()
        except httptools.HttpParserCallbackError as error:
            reason = error.__context__
            if not isinstance(reason, _Refusal):
                raise
            self._refuse(reason.status, reason.message)
        except httptools.HttpParserError as error:
            self._refuse(400, f"malformed HTTP request: {error}")
        else:
            if not self._has_headers and self._header_bytes > self._limits.max_header_bytes:
                self._refuse(431, self._too_long_headers())
            elif self._complete is not None and is_new and self._misses < _MISSES:
                self._known.learn(data, self._complete)

    def _take_known(self, data: bytes) -> bytes:
        """Start the requests whose heads are known, and return what is left of the data."""
        find = self._known.find
        while True:
            end = data.find(b"\r\n\r\n")
            head = find(data[:end]) if end > 0 else None
            if head is None:
                return data
            stop = end + 4 + head.length
            if len(data) < stop:
                return data
            self._misses = 0
            self._start(head, data[end + 4 : stop])
            transport = self._transport
            if len(data) == stop or transport is None or transport.is_closing():
                return b""
            data = data[stop:]

    # httptools

    def on_message_begin(self) -> None:
        """Forget the request before."""
        self._reset()
        self._is_receiving = True
        self._deadline = self._loop.time() + self._limits.read_timeout_s

    def on_url(self, url: bytes) -> None:
        """Take a piece of the target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header. Those behind the body are not the request's, which is checked."""
        if not self._has_headers:
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Check what the headers announce, before the body comes."""
        self._has_headers = True
        size = len(self._url) + sum(len(name) + len(value) + 4 for name, value in self._headers)
        if size > self._limits.max_header_bytes:
            raise _Refusal(431, self._too_long_headers())
        hosts = sum(name == b"host" for name, _ in self._headers)
        if hosts > 1 or (hosts == 0 and self._parser.get_http_version() == "1.1"):
            raise _Refusal(400, f"a request must name one host, got {hosts}")
        for name, value in self._headers:
            if name == b"content-length" and int(value) > self._limits.max_request_bytes:
                raise _Refusal(413, self._too_long_body())
            if name == b"expect":
                if value.lower() != b"100-continue":
                    raise _Refusal(417, f"cannot meet the expectation {value!r}")
                self._owes_continue = True
        if self._owes_continue and not self._exchanges:
            self._send_continue()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._owes_continue = False
        self._body_bytes += len(body)
        if self._body_bytes > self._limits.max_request_bytes:
            raise _Refusal(413, self._too_long_body())
        self._held += len(body)
        self._buffered.size += len(body)
        if self._buffered.size > self._buffered.limit:
            raise _Refusal(503, "too many large requests are arriving; try again later")
        self._chunks.append(body)
        self._deadline += len(body) / self._limits.min_bytes_per_s

    def on_message_complete(self) -> None:
        """Start to answer the request."""
        chunks = self._chunks
        body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        if self._held:
            self._release()
        self._is_receiving = self._owes_continue = self._has_headers = False
        self._header_bytes = 0
        self._deadline = _FOREVER
        try:
            head = Head(
                self._parser.get_method().decode(),
                self._url,
                self._headers,
                keep_alive=self._parser.should_keep_alive(),
            )
        except BadHeadError as error:
            raise _Refusal(400, str(error)) from None
        self._complete = head
        self._start(head, body)

    # answers

    def _start(self, head: Head, body: bytes) -> None:
        limits = self._limits
        timeout_s = limits.request_timeout_s
        if head.timeout_s is not None:
            timeout_s = min(timeout_s, head.timeout_s)
        deadline = self._loop.time() + timeout_s
        exchange = _Exchange(
            self, deadline, head.is_head, head.keep_alive and not self._is_draining
        )
        self._deadline = _FOREVER
        self._exchanges.append(exchange)
        request = Request(
            head.method,
            head.path,
            body,
            head.headers,
            deadline,
            head.query,
            self._peer,
            self._certificate,
            head.content_type,
            head.priority,
            head.content_encoding,
        )
        cancel = self._begin(request, exchange.respond)
        if exchange.response is None:
            exchange.cancel = cancel
            if len(self._exchanges) >= limits.max_pipelined:
                self._pause_reading()

    def send_answers(self) -> None:
        """Send the answers that are there, as far as those before them are there, too."""
        transport, exchanges = self._transport, self._exchanges
        if transport is None:
            return
        while exchanges and (response := exchanges[0].response) is not None:
            exchange = exchanges.popleft()
            is_last = not exchange.keep_alive or (
                not exchanges and (self._is_draining or self._has_ended)
            )
            transport.write(encode(response, exchange.is_head, is_last))
            if is_last:
                self._cancel()
                self._close_gently()
                return
        if not exchanges:
            if self._owes_continue:
                self._send_continue()
            if not self._is_receiving:
                self._deadline = self._loop.time() + self._limits.idle_timeout_s
        if self._is_paused:
            self._resume_reading()

    def _refuse(self, status: int, message: str) -> None:
        """Answer what cannot be read further, after the answers before it."""
        self._is_refusing = True
        self._is_receiving = False
        self._chunks.clear()
        self._release()
        exchange = _Exchange(self, _FOREVER, False, False)
        body = encode_error(InternalError(message))[1]
        exchange.response = Response(status, body)
        self._exchanges.append(exchange)
        self._deadline = _FOREVER
        self.send_answers()

    def _release(self) -> None:
        self._buffered.size -= self._held
        self._held = 0

    def _finish_after_answers(self) -> None:
        self._is_refusing = True
        if self._exchanges:
            self._exchanges[-1].keep_alive = False
            self.send_answers()
        else:
            self._close_gently()

    def _close_gently(self) -> None:
        """Close, but let a client that is still sending read its answer first.

        Closing a socket with unread bytes resets the connection, which may take away from
        the client the very answer that says what was wrong.
        """
        transport = self._transport
        if transport is None:
            return
        if self._has_ended or not self._is_refusing or not transport.can_write_eof():
            transport.close()
            return
        transport.write_eof()
        self._deadline = self._loop.time() + self._limits.linger_s
        self._resume_reading()

    def _send_continue(self) -> None:
        self._owes_continue = False
        if self._transport is not None:
            self._transport.write(CONTINUE)

    # time

    def check(self, now: float) -> None:
        """Enforce what has become due; called from time to time."""
        if self._transport is None:
            return
        if now > self._write_deadline:
            self._transport.abort()
            return
        for exchange in self._exchanges:
            if exchange.response is None and now > exchange.deadline:
                if exchange.cancel is not None:
                    exchange.cancel()
                    exchange.cancel = None
                exchange.response = _error_response(
                    DeadlineExceededError(
                        f"no answer within {self._limits.request_timeout_s:g} s"
                    )
                )
        if self._exchanges:
            self.send_answers()
        if now > self._deadline:
            if self._is_receiving and not self._is_refusing:
                self._refuse(408, "the request did not arrive in time")
            elif not self._exchanges:
                self._transport.close()

    def drain(self) -> None:
        """Accept no more requests; close when those in work are answered."""
        self._is_draining = True
        if self._transport is not None and not self._exchanges and not self._is_receiving:
            self._transport.close()

    def abort(self) -> None:
        """Close without waiting for anything."""
        if self._transport is not None:
            self._transport.abort()

    def _cancel(self) -> None:
        exchanges = list(self._exchanges)
        self._exchanges.clear()
        for exchange in exchanges:
            if exchange.response is None and exchange.cancel is not None:
                exchange.cancel()

    def _pause_reading(self) -> None:
        if not self._is_paused and self._transport is not None:
            self._is_paused = True
            self._transport.pause_reading()

    def _resume_reading(self) -> None:
        if (
            self._is_paused
            and self._transport is not None
            and self._write_deadline == _FOREVER
            and len(self._exchanges) < self._limits.max_pipelined
            and not self._transport.is_closing()
        ):
            self._is_paused = False
            self._transport.resume_reading()

    def _too_long_headers(self) -> str:
        return f"headers must have at most {self._limits.max_header_bytes} bytes"

    def _too_long_body(self) -> str:
        return (
            f"a request must have at most {self._limits.max_request_bytes} bytes; "
            "see --max_request_bytes"
        )


class _Refusal(Exception):  # noqa: N818  (never leaves this module)
    """Raised inside a callback of the parser to end the connection with a status."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        self.message = message


def _error_response(error: OpError) -> Response:
    return Response(*encode_error(error))
