"""Methods of gRPC services, whichever way they are reached."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from penstock.core.errors import InternalError, ResourceExhaustedError
from penstock.serving.grpc.frames import LONG
from penstock.serving.grpc.message import PREFIX_BYTES, decompress
from penstock.serving.router import Request

_MAX_WAITING: Final = 256


class Stream:
    """The messages of a streaming call, as they come.

    Args:
        request: all but the messages.
        encoding: how compressed messages are compressed.
        max_bytes: of one message.
    """

    def __init__(
        self, request: Request, encoding: bytes = b"", max_bytes: int = 1 << 22
    ) -> None:
        self.request = request
        self._encoding = encoding
        self._max_bytes = max_bytes
        self._rest = bytearray()
        self._messages: deque[bytes] = deque()
        self._has_ended = False
        self._wake: asyncio.Future[None] | None = None

    def feed(self, data: bytes) -> None:
        """Take a piece of the stream.

        Raises:
            ResourceExhaustedError: a message is too long, or too many wait to be read.
            InternalError: a message is not compressed as it should be.
        """
        rest = self._rest
        rest += data
        position = 0
        while len(rest) - position >= PREFIX_BYTES:
            (size,) = LONG.unpack_from(rest, position + 1)
            if size > self._max_bytes:
                raise ResourceExhaustedError(
                    f"a message must have at most {self._max_bytes} bytes, got {size}"
                )
            start = position + PREFIX_BYTES
            if len(rest) - start < size:
                break
            message = bytes(rest[start : start + size])
            flag = rest[position]
            if flag:
                message = decompress(flag, message, self._encoding, self._max_bytes)
            self.put(message)
            position = start + size
        del rest[:position]

    def put(self, message: bytes) -> None:
        """Add a whole message.

        Raises:
            ResourceExhaustedError: too many wait to be read.
        """
        if len(self._messages) >= _MAX_WAITING:
            raise ResourceExhaustedError(
                f"at most {_MAX_WAITING} messages may wait for their answers"
            )
        self._messages.append(message)
        self._wake_up()

    def end(self) -> None:
        """No more messages come."""
        self._has_ended = True
        self._wake_up()

    def _wake_up(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def messages(self) -> AsyncIterator[bytes]:
        """Yield the messages.

        Raises:
            InternalError: the stream ended within one.
        """
        while True:
            while self._messages:
                yield self._messages.popleft()
            if self._has_ended:
                if self._rest:
                    raise InternalError("the stream ended within a message")
                return
            self._wake = asyncio.get_running_loop().create_future()
            await self._wake


# Takes the answer, or what went wrong.
Respond = Callable[[bytes | None, BaseException | None], None]
Cancel = Callable[[], object]
# Starts to answer a message without a task: `respond` is called once, after this has returned,
# unless what it returns is called before.
Begin = Callable[[Request, Respond], Cancel]
Unary = Callable[[Request], Awaitable[bytes]]
Streaming = Callable[[Stream], AsyncIterator[bytes]]


@dataclass(frozen=True, slots=True)
class Method:
    """A method: one message in and one out, or streams of them.

    Args:
        handle: answers the message that is the body of a request.
        run: yields the answers to a stream.
        begin: does what `handle` does, for less.
    """

    handle: Unary
    run: Streaming
    is_streaming: bool = False
    begin: Begin | None = None


# By their paths: "/package.Service/Method".
Methods = Mapping[str, Method]


def direct(begin: Begin) -> Method:
    """Return a method with one message in and one out that needs no task."""

    async def handle(request: Request) -> bytes:
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        def respond(message: bytes | None, error: BaseException | None) -> None:
            if error is not None:
                answer.set_exception(error)
            else:
                assert message is not None
                answer.set_result(message)

        cancel = begin(request, respond)
        try:
            return await asyncio.shield(answer)
        except asyncio.CancelledError:
            if not answer.done():
                cancel()
            raise

    return Method(handle, unary(handle).run, begin=begin)


def unary(handle: Unary) -> Method:
    """Return a method with one message in and one out."""

    async def run(stream: Stream) -> AsyncIterator[bytes]:
        async for message in stream.messages():
            stream.request.body = message
            yield await handle(stream.request)

    return Method(handle, run)


def streaming(run: Streaming) -> Method:
    """Return a method with many messages in or out."""

    async def handle(request: Request) -> bytes:
        raise InternalError(f"{request.path} is a streaming method")

    return Method(handle, run, is_streaming=True)
