"""One client's HTTP/2 connection: from frames to calls of gRPC methods and back.

Source: RFC 9113 (HTTP/2), gRPC's `PROTOCOL-HTTP2.md`.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, cast

from penstock.core.errors import (
    DeadlineExceededError,
    InternalError,
    OpError,
    ResourceExhaustedError,
    UnimplementedError,
)
from penstock.serving.buffered import Buffered
from penstock.serving.grpc import frames, message
from penstock.serving.grpc.frames import HEADER, HEADER_BYTES, LONG
from penstock.serving.grpc.head import Head, HeadReader, Malformed, TooLong, Undecodable
from penstock.serving.grpc.limits import GrpcLimits, Patience
from penstock.serving.grpc.method import Cancel, Method, Methods, Stream
from penstock.serving.router import Request

_log = logging.getLogger("penstock.serving")

_FOREVER: Final = float("inf")
_MAX_FRAME: Final = 1 << 16
_STREAM_WINDOW: Final = 1 << 20
_CONNECTION_WINDOW: Final = 1 << 24
_PAUSED_AT_BYTES: Final = 1 << 20
_SMALL_UPDATE: Final = 256
_LINGER_S: Final = 0.25
_HANDSHAKE_S: Final = 10.0
# How often over the limit of calls a client may go that has not heard of the limit yet.
_UNTOLD_FACTOR: Final = 8

# :status 200 is entry 8 of the static table, content-type the name of entry 31.
_OK_HEADERS: Final = b"\x88\x0f\x10\x10application/grpc"
_GZIP_HEADERS: Final = _OK_HEADERS + frames.literal(b"grpc-encoding", b"gzip")
_OK_TRAILERS: Final = frames.literal(b"grpc-status", b"0")
_HTTP_415: Final = b"\x08\x03415"
_HTTP_405: Final = b"\x08\x03405"
_HEADERS_PREFIX: Final = b"\x00\x00" + bytes((len(_OK_HEADERS), 1, frames.END_HEADERS))
_TRAILERS_PREFIX: Final = b"\x00\x00" + bytes(
    (len(_OK_TRAILERS), 1, frames.END_HEADERS | frames.END_STREAM)
)
_LEAST_COMPRESSED: Final = 1024
_NOT_HTTP2: Final = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n"
    b"Content-Length: 41\r\n\r\nthis port speaks gRPC, which needs HTTP/2"
)


class _Fatal(Exception):  # noqa: N818  (never leaves this module)
    """The connection must end."""

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        self.text = text


class _Call:
    """One stream."""

    __slots__ = (
        "body",
        "cancel",
        "deadline",
        "ends",
        "has_answered",
        "has_ended",
        "has_headers",
        "head",
        "id",
        "method",
        "output",
        "owed",
        "read_deadline",
        "stream",
        "task",
        "timer",
        "window",
    )

    def __init__(self, number: int, head: Head, window: int, deadline: float) -> None:
        self.id = number
        self.head = head
        self.window = window  # that the client gives us
        self.deadline = deadline
        self.body = bytearray()
        self.owed = 0  # bytes that came and were not given back to the client's window
        self.read_deadline = _FOREVER
        self.has_ended = False  # the client sends no more
        self.has_headers = False  # ours are out
        self.has_answered = False
        self.output: deque[tuple[bytes, bool]] | None = None  # waits for room in the window
        self.ends = b""  # trailers that follow the output
        self.method: Method | None = None
        self.stream: Stream | None = None
        self.task: asyncio.Task[None] | None = None
        self.cancel: Cancel | None = None  # of work that has no task
        self.timer: asyncio.TimerHandle | None = None


class Connection(asyncio.Protocol):
    """One client.

    Args:
        methods: by their paths.
        limits: what the client may ask for.
        buffered: bytes that wait for the rest of their requests, over all connections.
        opened: called with the connection when it is open.
        closed: called with it when it is closed.
        loop: the event loop, which is also the clock.
    """

    def __init__(
        self,
        methods: Methods,
        limits: GrpcLimits,
        buffered: Buffered,
        *,
        opened: "Callable[[Connection], None]",
        closed: "Callable[[Connection], None]",
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._methods = methods
        self._limits = limits
        self._buffered = buffered
        self._opened = opened
        self._closed = closed
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._peer = ""
        self._certificate: Mapping[str, Any] | None = None
        self._rest = b""
        self._has_preface = False
        self._has_settings = False
        self._has_acknowledged = False  # the client knows our settings
        self._heads = HeadReader(limits.max_header_bytes)
        self._block: tuple[int, int, bytearray] | None = None  # headers to be continued
        self._calls: dict[int, _Call] = {}
        self._last_id = 0
        self._room = _CONNECTION_WINDOW  # that the client may still send
        self._window = frames.DEFAULT_WINDOW  # that we may still send
        self._first_window = frames.DEFAULT_WINDOW  # of a new stream
        self._frame_size = frames.LEAST_FRAME_SIZE
        self._stalled: dict[int, _Call] = {}  # calls whose output waits for room
        self._is_draining = False
        self._is_closing = False
        self._is_paused = False
        now = loop.time()
        self._patience = Patience(now)
        self._last_frame = now
        self._opened_at = now
        self._write_deadline = _FOREVER
        self._stall_deadline = _FOREVER

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say what the client may do."""
        # uvloop's transports keep the interface without the base class.
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=_PAUSED_AT_BYTES)
        name = transport.get_extra_info("peername")
        self._peer = name[0] if isinstance(name, tuple) else str(name or "")
        if transport.get_extra_info("ssl_object") is not None:
            self._certificate = transport.get_extra_info("peercert") or None
        limits = self._limits
        self._transport.write(
            frames.settings(
                (
                    (frames.MAX_CONCURRENT_STREAMS, limits.max_concurrent_streams),
                    (frames.INITIAL_WINDOW_SIZE, _STREAM_WINDOW),
                    (frames.MAX_FRAME_SIZE, _MAX_FRAME),
                    (frames.MAX_HEADER_LIST_SIZE, limits.max_header_bytes),
                )
            )
            + frames.window_update(0, _CONNECTION_WINDOW - frames.DEFAULT_WINDOW)
        )
        self._opened(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Stop the work that nobody waits for any more."""
        self._transport = None
        self._is_closing = True
        for call in list(self._calls.values()):
            self._forget(call, cancel=True)
        self._closed(self)

    def eof_received(self) -> bool:
        """Close: a client that sends no more cannot give windows either."""
        return False

    def pause_writing(self) -> None:
        """Take no more requests from a client that does not read."""
        self._write_deadline = self._loop.time() + self._limits.write_timeout_s
        if self._transport is not None and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        self._write_deadline = _FOREVER
        if self._transport is not None and self._is_paused:
            self._is_paused = False
            if not self._transport.is_closing():
                self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Parse what has come; each call that is complete starts at once."""
        if self._is_closing:
            return
        if self._rest:
            data = self._rest + data
        try:
            position = self._take(data)
        except _Fatal as error:
            self._fail(error.code, error.text)
            return
        except Undecodable as error:
            self._fail(frames.COMPRESSION_ERROR, str(error))
            return
        self._rest = data[position:] if position < len(data) else b""

    def _take(self, data: bytes) -> int:
        """Handle all whole frames, and return how far they go."""
        position = 0
        if not self._has_preface:
            if not frames.PREFACE.startswith(data[: len(frames.PREFACE)]):
                self._refuse_http1()
                return len(data)
            if len(data) < len(frames.PREFACE):
                return 0
            self._has_preface = True
            position = len(frames.PREFACE)
        self._last_frame = self._loop.time()
        end = len(data)
        while end - position >= HEADER_BYTES:
            high, low, kind, flags, stream = HEADER.unpack_from(data, position)
            size = high << 8 | low
            if size > _MAX_FRAME:
                raise _Fatal(frames.FRAME_SIZE_ERROR, f"a frame has {size} bytes")
            start = position + HEADER_BYTES
            if end - start < size:
                break
            position = start + size
            self._frame(kind, flags, stream & frames.MAX_STREAM, data[start:position])
            if self._is_closing:
                return end
        return position

    def _frame(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if self._block is not None and (
            kind != frames.CONTINUATION or stream != self._block[0]
        ):
            raise _Fatal(frames.PROTOCOL_ERROR, "a header block was interrupted")
        if kind == frames.DATA:
            self._on_data(flags, stream, payload)
            return
        if kind == frames.HEADERS:
            self._on_headers(flags, stream, payload)
            return
        if kind == frames.WINDOW_UPDATE:
            self._on_window_update(stream, payload)
            return
        if not self._has_settings and kind != frames.SETTINGS:
            raise _Fatal(frames.PROTOCOL_ERROR, "the first frame must be SETTINGS")
        if kind == frames.CONTINUATION:
            self._on_continuation(flags, payload)
        elif kind == frames.SETTINGS:
            self._on_settings(flags, stream, payload)
        elif kind == frames.PING:
            self._on_ping(flags, stream, payload)
        elif kind == frames.RST_STREAM:
            self._on_rst_stream(stream, payload)
        elif kind == frames.GOAWAY:
            if stream != 0:
                raise _Fatal(frames.PROTOCOL_ERROR, "GOAWAY on a stream")
            self.drain()
        elif kind == frames.PUSH_PROMISE:
            raise _Fatal(frames.PROTOCOL_ERROR, "a client must not push")
        else:  # PRIORITY and kinds that nobody knows are passed over
            if kind == frames.PRIORITY and (stream == 0 or len(payload) != 5):
                raise _Fatal(frames.FRAME_SIZE_ERROR, "a PRIORITY frame is wrong")
            self._spend(1)

    def _spend(self, cost: float) -> None:
        if not self._patience.spend(cost, self._loop.time()):
            raise _Fatal(frames.ENHANCE_YOUR_CALM, "too many frames that bring no call")

    # calls that come

    def _on_headers(self, flags: int, stream: int, payload: bytes) -> None:
        if not self._has_settings:
            raise _Fatal(frames.PROTOCOL_ERROR, "the first frame must be SETTINGS")
        if stream & 1 == 0:
            raise _Fatal(frames.PROTOCOL_ERROR, f"a client must not open stream {stream}")
        if flags & frames.PADDED:
            payload = _unpadded(payload)
        if flags & frames.HAS_PRIORITY:
            if len(payload) < 5:
                raise _Fatal(frames.FRAME_SIZE_ERROR, "HEADERS are too short")
            payload = payload[5:]
        if flags & frames.END_HEADERS:
            self._on_block(stream, flags, payload)
        else:
            self._block = (stream, flags, bytearray(payload))

    def _on_continuation(self, flags: int, payload: bytes) -> None:
        if self._block is None:
            raise _Fatal(frames.PROTOCOL_ERROR, "CONTINUATION without HEADERS")
        # Even one without bytes costs something, or they could go on for ever.
        self._spend(4)
        stream, first_flags, block = self._block
        block += payload
        if len(block) > self._limits.max_header_bytes:
            raise _Fatal(
                frames.ENHANCE_YOUR_CALM,
                f"headers must have at most {self._limits.max_header_bytes} bytes",
            )
        if flags & frames.END_HEADERS:
            self._block = None
            self._on_block(stream, first_flags, bytes(block))

    def _on_block(self, stream: int, flags: int, block: bytes) -> None:
        call = self._calls.get(stream)
        if call is not None:
            self._on_client_trailers(call, flags, block)
            return
        if stream <= self._last_id:
            # Trailers of a call that was answered before it had come whole are in order.
            self._heads.decode(block)
            self._spend(1)
            return
        self._last_id = stream
        try:
            head = self._heads.read(block)
        except Malformed:
            self._reset(stream, frames.PROTOCOL_ERROR)
            return
        except TooLong:
            limit = self._limits.max_header_bytes
            self._refuse(stream, f"the headers must have at most {limit} bytes")
            return
        if self._is_draining or len(self._calls) >= self._most_calls():
            self._write(frames.rst_stream(stream, frames.REFUSED_STREAM))
            self._spend(1)
            return
        self._open(stream, head, has_ended=bool(flags & frames.END_STREAM))

    def _most_calls(self) -> int:
        most = self._limits.max_concurrent_streams
        # A client cannot keep a limit which it has not been told: what it sends meanwhile is
        # taken, within reason.
        return most if self._has_acknowledged else _UNTOLD_FACTOR * most

    def _open(self, stream: int, head: Head, *, has_ended: bool) -> None:
        limits, now = self._limits, self._loop.time()
        timeout_s = limits.max_timeout_s
        if head.timeout_s is not None and head.timeout_s < timeout_s:
            timeout_s = head.timeout_s
        call = _Call(stream, head, self._first_window, now + timeout_s)
        self._calls[stream] = call
        call.has_ended = has_ended
        if not has_ended:
            call.read_deadline = now + limits.read_timeout_s
        if head.timeout_s is not None:
            call.timer = self._loop.call_later(timeout_s, self._expire, call)
        if not head.is_grpc or head.method != b"POST":
            self._answer_http(call)
            return
        method = self._methods.get(head.path)
        error = head.fault
        if method is None:
            error = UnimplementedError(f"no such method: {head.path[:200]}")
        elif not message.is_known_encoding(head.encoding):
            error = message.unknown_encoding(head.encoding)
        if error is not None or method is None:
            self._answer_error(call, error or InternalError(head.path))
            return
        call.method = method
        if method.is_streaming:
            call.stream = Stream(
                self._request(call, b""), head.encoding, limits.max_request_bytes
            )
            call.task = self._loop.create_task(self._run_stream(call, method, call.stream))
            if has_ended:
                call.stream.end()
        elif has_ended:
            self._start(call, method)

    def _on_client_trailers(self, call: _Call, flags: int, block: bytes) -> None:
        fields = self._heads.decode(block)
        if call.has_ended or not flags & frames.END_STREAM:
            self._reset(call.id, frames.PROTOCOL_ERROR)
            self._forget(call, cancel=True)
            return
        if any(name.startswith(b":") for name, _ in fields):
            self._reset(call.id, frames.PROTOCOL_ERROR)
            self._forget(call, cancel=True)
            return
        self._ended(call)

    def _on_data(self, flags: int, stream: int, payload: bytes) -> None:
        size = len(payload)
        self._room -= size
        if self._room < 0:
            raise _Fatal(frames.FLOW_CONTROL_ERROR, "more came than the window allows")
        if self._room < _CONNECTION_WINDOW >> 1:
            self._write(frames.window_update(0, _CONNECTION_WINDOW - self._room))
            self._room = _CONNECTION_WINDOW
        call = self._calls.get(stream)
        if call is None or call.has_ended:
            self._on_late_data(stream, call)
            return
        call.owed += size
        if call.owed > _STREAM_WINDOW:
            self._reset(stream, frames.FLOW_CONTROL_ERROR)
            self._forget(call, cancel=True)
            return
        if flags & frames.PADDED:
            payload = _unpadded(payload)
        has_ended = flags & frames.END_STREAM
        if call.has_answered:
            # The rest of a request that was refused; it only has to be read.
            if has_ended:
                self._ended(call)
            return
        if not payload and not has_ended:
            self._spend(1)
            return
        if call.stream is not None:
            self._feed(call, call.stream, payload)
        elif has_ended and not call.body:
            # The common case, in which nothing has to be kept.
            call.has_ended = True
            call.read_deadline = _FOREVER
            assert call.method is not None
            self._start(call, call.method, payload)
            return
        else:
            self._keep(call, payload)
        if has_ended:
            self._ended(call)
        elif call.owed > _STREAM_WINDOW >> 1 and not call.has_answered:
            self._write(frames.window_update(stream, call.owed))
            call.owed = 0

    def _on_late_data(self, stream: int, call: _Call | None) -> None:
        if call is not None:
            self._reset(stream, frames.STREAM_CLOSED)
            self._forget(call, cancel=True)
        elif stream == 0 or stream > self._last_id or not stream & 1:
            raise _Fatal(frames.PROTOCOL_ERROR, f"DATA on stream {stream}, which is not open")
        self._spend(1)

    def _keep(self, call: _Call, payload: bytes) -> None:
        limits, buffered = self._limits, self._buffered
        if len(call.body) + len(payload) > limits.max_request_bytes + message.PREFIX_BYTES:
            self._answer_error(
                call,
                ResourceExhaustedError(
                    f"a message must have at most {limits.max_request_bytes} bytes"
                ),
            )
            return
        if buffered.size + len(payload) > buffered.limit:
            self._answer_error(
                call, ResourceExhaustedError("too many large requests arrive; try again later")
            )
            return
        buffered.size += len(payload)
        call.body += payload
        call.read_deadline += len(payload) / limits.min_bytes_per_s

    def _feed(self, call: _Call, stream: Stream, payload: bytes) -> None:
        # Each message of a stream has its own time.
        call.read_deadline = _FOREVER
        try:
            stream.feed(payload)
        except OpError as error:
            self._answer_error(call, error)

    def _ended(self, call: _Call) -> None:
        call.has_ended = True
        call.read_deadline = _FOREVER
        if call.has_answered:
            if call.output is None:
                self._forget(call)
        elif call.stream is not None:
            call.stream.end()
        else:
            assert call.method is not None
            body = bytes(call.body)
            self._buffered.size -= len(call.body)
            call.body = bytearray()
            self._start(call, call.method, body)

    # answers

    def _request(self, call: _Call, body: bytes) -> Request:
        head = call.head
        return Request(
            "POST",
            head.path,
            body,
            head.metadata,
            call.deadline,
            "",
            self._peer,
            self._certificate,
        )

    def _start(self, call: _Call, method: Method, body: bytes = b"") -> None:
        try:
            head, limit = call.head, self._limits.max_request_bytes
            request = self._request(call, message.unpack(body, head.encoding, limit))
            if method.begin is not None:
                call.cancel = method.begin(request, partial(self._respond, call))
                return
        except OpError as error:
            self._answer_error(call, error)
            return
        except Exception:  # noqa: BLE001  (a bug in one answer must not end the service)
            self._answer_error(call, _failure(head.path))
            return
        call.task = self._loop.create_task(self._run(call, method, request))

    def _respond(self, call: _Call, answer: bytes | None, error: BaseException | None) -> None:
        call.cancel = None
        if answer is not None:
            self._answer(call, answer)
        elif isinstance(error, OpError):
            self._answer_error(call, error)
        else:
            self._answer_error(call, _failure(call.head.path, error))

    async def _run(self, call: _Call, method: Method, request: Request) -> None:
        try:
            answer = await method.handle(request)
        except OpError as error:
            self._answer_error(call, error)
        except Exception:  # noqa: BLE001  (a bug in one answer must not end the service)
            self._answer_error(call, _failure(request.path))
        else:
            self._answer(call, answer)

    async def _run_stream(self, call: _Call, method: Method, stream: Stream) -> None:
        try:
            async for answer in method.run(stream):
                self._send_message(call, answer)
        except OpError as error:
            self._answer_error(call, error)
        except Exception:  # noqa: BLE001  (a bug in one answer must not end the service)
            self._answer_error(call, _failure(call.head.path))
        else:
            self._send_end(call)

    def _answer(self, call: _Call, answer: bytes) -> None:
        """Send the only message of a call and its end: one write if there is room."""
        transport = self._transport
        if transport is None or call.has_answered:
            return
        head = call.head
        if head.takes_gzip and head.encoding == b"gzip" and len(answer) > _LEAST_COMPRESSED:
            self._send_message(call, answer)
            self._send_end(call)
            return
        size = len(answer) + message.PREFIX_BYTES
        number = LONG.pack(call.id)
        if size > self._window or size > call.window or size > self._frame_size:
            self._send_message(call, answer)
            self._send_end(call)
            return
        self._window -= size
        self._patience.answered()
        transport.write(
            b"".join(
                (
                    _HEADERS_PREFIX,
                    number,
                    _OK_HEADERS,
                    HEADER.pack(size >> 8, size & 255, 0, 0, call.id),
                    b"\x00",
                    LONG.pack(size - message.PREFIX_BYTES),
                    answer,
                    _TRAILERS_PREFIX,
                    number,
                    _OK_TRAILERS,
                )
            )
        )
        call.has_answered = call.has_headers = True
        self._forget(call)

    def _send_message(self, call: _Call, answer: bytes) -> None:
        if call.has_answered:
            return
        head = call.head
        is_gzip = head.takes_gzip and head.encoding == b"gzip"
        if not call.has_headers:
            call.has_headers = True
            fields = _GZIP_HEADERS if is_gzip else _OK_HEADERS
            self._write(frames.frame(frames.HEADERS, frames.END_HEADERS, call.id, fields))
        if is_gzip and len(answer) > _LEAST_COMPRESSED:
            body = message.compress(answer, b"gzip")
        else:
            body = message.with_prefix(answer)
        if call.output is None:
            call.output = deque()
        call.output.append((body, False))
        self._push(call)

    def _send_end(self, call: _Call) -> None:
        if call.has_answered:
            return
        call.has_answered = True
        self._patience.answered()
        fields = _OK_TRAILERS if call.has_headers else _OK_HEADERS + _OK_TRAILERS
        self._send_trailers(call, fields)

    def _answer_error(self, call: _Call, error: OpError) -> None:
        """Send a status that is not OK; what was sent of the answer stays."""
        if call.has_answered:
            return
        call.has_answered = True
        if call.task is not None and call.task is not asyncio.current_task(self._loop):
            call.task.cancel()
        _stop(call)
        fields = message.status_fields(error)
        self._send_trailers(call, fields if call.has_headers else _OK_HEADERS + fields)

    def _answer_http(self, call: _Call) -> None:
        call.has_answered = True
        is_post = call.head.method == b"POST"
        self._send_trailers(call, _HTTP_415 if is_post else _HTTP_405)

    def _send_trailers(self, call: _Call, fields: bytes) -> None:
        call.ends = fields
        if call.output is None:
            self._finish(call)

    def _finish(self, call: _Call) -> None:
        """Send the trailers, which no window holds back."""
        flags = frames.END_HEADERS | frames.END_STREAM
        self._write(frames.frame(frames.HEADERS, flags, call.id, call.ends))
        if not call.has_ended:
            # The answer does not depend on what is still to come.
            self._write(frames.rst_stream(call.id, frames.NO_ERROR))
        self._forget(call)

    def _push(self, call: _Call) -> None:
        """Send what the windows allow of a call's output."""
        output = call.output
        while output:
            body, _ = output[0]
            room = min(self._window, call.window)
            if room <= 0:
                if not self._stalled:
                    self._stall_deadline = self._loop.time() + self._limits.write_timeout_s
                self._stalled[call.id] = call
                return
            piece = body[: min(room, self._frame_size)]
            self._window -= len(piece)
            call.window -= len(piece)
            self._write(frames.frame(frames.DATA, 0, call.id, piece))
            if len(piece) == len(body):
                output.popleft()
            else:
                output[0] = (body[len(piece) :], False)
        call.output = None
        self._stalled.pop(call.id, None)
        if call.ends:
            self._finish(call)

    def _refuse(self, stream: int, text: str) -> None:
        fields = _OK_HEADERS + message.status_fields(ResourceExhaustedError(text))
        flags = frames.END_HEADERS | frames.END_STREAM
        self._write(frames.frame(frames.HEADERS, flags, stream, fields))
        self._write(frames.rst_stream(stream, frames.NO_ERROR))
        self._spend(4)

    def _reset(self, stream: int, code: int) -> None:
        self._write(frames.rst_stream(stream, code))
        self._spend(4)

    def _forget(self, call: _Call, *, cancel: bool = False) -> None:
        self._calls.pop(call.id, None)
        self._stalled.pop(call.id, None)
        if not self._stalled:
            self._stall_deadline = _FOREVER
        if call.timer is not None:
            call.timer.cancel()
        if call.body:
            self._buffered.size -= len(call.body)
            call.body = bytearray()
        if cancel:
            call.has_answered = True
            if call.task is not None:
                call.task.cancel()
            _stop(call)
        if self._is_draining and not self._calls:
            self._close_soon()

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    # frames about the connection

    def _on_window_update(self, stream: int, payload: bytes) -> None:
        if len(payload) != 4:
            raise _Fatal(frames.FRAME_SIZE_ERROR, "WINDOW_UPDATE must have 4 bytes")
        size = LONG.unpack(payload)[0] & frames.MAX_WINDOW
        # A client that takes large answers sends many of these; small ones bring nobody on.
        self._spend(1 if size < _SMALL_UPDATE else 0.05)
        if stream == 0:
            self._window += size
            if size == 0:
                raise _Fatal(frames.PROTOCOL_ERROR, "WINDOW_UPDATE by nothing")
            if self._window > frames.MAX_WINDOW:
                raise _Fatal(frames.FLOW_CONTROL_ERROR, "the window is too large")
            if self._stalled:
                self._push_stalled()
            return
        call = self._calls.get(stream)
        if call is None:
            if stream > self._last_id or not stream & 1:
                raise _Fatal(frames.PROTOCOL_ERROR, "WINDOW_UPDATE on a stream not open")
            return
        call.window += size
        if size == 0 or call.window > frames.MAX_WINDOW:
            code = frames.FLOW_CONTROL_ERROR if size else frames.PROTOCOL_ERROR
            self._reset(stream, code)
            self._forget(call, cancel=True)
        elif call.id in self._stalled:
            self._push_stalled()

    def _push_stalled(self) -> None:
        before = self._window
        for call in list(self._stalled.values()):
            self._push(call)
        if self._stalled and self._window != before:
            self._stall_deadline = self._loop.time() + self._limits.write_timeout_s

    def _on_settings(self, flags: int, stream: int, payload: bytes) -> None:
        if stream != 0:
            raise _Fatal(frames.PROTOCOL_ERROR, "SETTINGS on a stream")
        if flags & frames.ACK:
            if payload:
                raise _Fatal(frames.FRAME_SIZE_ERROR, "an acknowledgement must be empty")
            self._has_acknowledged = True
            self._spend(1)
            return
        if len(payload) % frames.SETTING.size:
            raise _Fatal(frames.FRAME_SIZE_ERROR, "SETTINGS must be pairs of 6 bytes")
        # Each pair may change every open stream.
        self._spend(8 + len(payload) / 6)
        self._has_settings = True
        for name, value in frames.SETTING.iter_unpack(payload):
            self._set(name, value)
        self._write(frames.frame(frames.SETTINGS, frames.ACK, 0))

    def _set(self, name: int, value: int) -> None:
        if name == frames.ENABLE_PUSH and value > 1:
            raise _Fatal(frames.PROTOCOL_ERROR, "ENABLE_PUSH must be 0 or 1")
        if name == frames.INITIAL_WINDOW_SIZE:
            if value > frames.MAX_WINDOW:
                raise _Fatal(frames.FLOW_CONTROL_ERROR, "the window is too large")
            change = value - self._first_window
            self._first_window = value
            for call in self._calls.values():
                call.window += change
                if call.window > frames.MAX_WINDOW:
                    raise _Fatal(frames.FLOW_CONTROL_ERROR, "the window is too large")
            if change > 0 and self._stalled:
                self._push_stalled()
        elif name == frames.MAX_FRAME_SIZE:
            if not frames.LEAST_FRAME_SIZE <= value <= frames.MOST_FRAME_SIZE:
                raise _Fatal(frames.PROTOCOL_ERROR, "MAX_FRAME_SIZE is out of range")
            self._frame_size = min(value, _MAX_FRAME)

    def _on_ping(self, flags: int, stream: int, payload: bytes) -> None:
        if stream != 0:
            raise _Fatal(frames.PROTOCOL_ERROR, "PING on a stream")
        if len(payload) != 8:
            raise _Fatal(frames.FRAME_SIZE_ERROR, "PING must have 8 bytes")
        self._spend(2)
        if not flags & frames.ACK:
            self._write(frames.frame(frames.PING, frames.ACK, 0, payload))

    def _on_rst_stream(self, stream: int, payload: bytes) -> None:
        if len(payload) != 4:
            raise _Fatal(frames.FRAME_SIZE_ERROR, "RST_STREAM must have 4 bytes")
        if stream == 0 or stream > self._last_id or not stream & 1:
            raise _Fatal(frames.PROTOCOL_ERROR, "RST_STREAM on a stream not open")
        call = self._calls.get(stream)
        # Opening and resetting streams is cheap for the client and dear for the server.
        self._spend(4)
        if call is not None:
            self._forget(call, cancel=True)

    # time and the end

    def _expire(self, call: _Call) -> None:
        self._answer_error(call, DeadlineExceededError("Deadline Exceeded"))

    def check(self, now: float) -> None:
        """Enforce what has become due; called from time to time."""
        transport = self._transport
        if transport is None:
            return
        if now > self._write_deadline or now > self._stall_deadline:
            transport.abort()
            return
        if not self._has_settings and now > self._opened_at + _HANDSHAKE_S:
            transport.abort()
            return
        for call in list(self._calls.values()):
            if now > call.read_deadline:
                self._answer_error(
                    call, DeadlineExceededError("the request did not arrive in time")
                )
            elif now > call.deadline:
                self._expire(call)
        if not self._calls and now > self._last_frame + self._limits.idle_timeout_s:
            self.drain()

    def drain(self) -> None:
        """Take no more calls; close when those in work are answered."""
        if self._is_draining or self._is_closing:
            return
        # Calls that are on their way meanwhile are still taken.
        self._write(frames.goaway(frames.MAX_STREAM, frames.NO_ERROR))
        self._loop.call_later(_LINGER_S, self._drain)

    def _drain(self) -> None:
        if self._is_draining or self._is_closing:
            return
        self._is_draining = True
        self._write(frames.goaway(self._last_id, frames.NO_ERROR))
        if not self._calls:
            self._close_soon()

    def _close_soon(self) -> None:
        self._is_closing = True
        if self._transport is not None:
            # What is still to be sent may never be read.
            self._write_deadline = self._loop.time() + self._limits.write_timeout_s
            self._transport.close()

    def abort(self) -> None:
        """Close without waiting for anything."""
        if self._transport is not None:
            self._transport.abort()

    def _fail(self, code: int, text: str) -> None:
        """End the connection, and say why."""
        self._write(frames.goaway(self._last_id, code, text.encode()[:200]))
        self._is_closing = True
        for call in list(self._calls.values()):
            self._forget(call, cancel=True)
        self._close_soon()

    def _refuse_http1(self) -> None:
        self._write(_NOT_HTTP2)
        self._close_soon()


def _stop(call: _Call) -> None:
    cancel = call.cancel
    if cancel is not None:
        call.cancel = None
        cancel()


def _unpadded(payload: bytes) -> bytes:
    if not payload or payload[0] >= len(payload):
        raise _Fatal(frames.PROTOCOL_ERROR, "padding is longer than its frame")
    return payload[1 : len(payload) - payload[0]]


def _failure(path: str, error: BaseException | None = None) -> InternalError:
    # The cause is for the operator; the client learns only that it was not its fault.
    _log.error("%s failed", path, exc_info=error or True)
    return InternalError("the server failed; see its log")
