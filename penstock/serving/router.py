"""Requests and answers without sockets, and which handler a path belongs to."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, runtime_checkable
from typing import Protocol as Interface

from penstock.core.errors import InternalError, OpError
from penstock.serving.content_encoding import inflate

JSON = "application/json"
_CACHED_PATHS = 512

_log = logging.getLogger("penstock.serving")


@dataclass(slots=True, eq=False)
class Request:
    """One HTTP request that has arrived whole.

    Args:
        path: without the query.
        headers: names in lower case.
        deadline: time of the event loop after which nobody wants the answer.
        query: what follows the "?".
        peer: address of the client.
        certificate: of the client, where TLS asked for one.
        content_type: the media type of the body, in lower case and without parameters.
        priority: requests of a higher one leave the queue first.
        content_encoding: how the body is compressed; the router inflates it.
    """

    method: str
    path: str
    body: bytes = b""
    headers: Sequence[tuple[bytes, bytes]] = ()
    deadline: float = float("inf")
    query: str = ""
    peer: str = ""
    certificate: Mapping[str, Any] | None = None
    content_type: bytes = b""
    priority: int = 0
    content_encoding: bytes = b""

    def header(self, name: bytes) -> bytes | None:
        """First value of a header."""
        return next((value for key, value in self.headers if key == name), None)


@dataclass(slots=True, eq=False)
class Response:
    """One HTTP answer.

    Args:
        timing: value of the header `Server-Timing`, if it has one.
    """

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = field(default=())
    timing: bytes = b""


Handler = Callable[[Request], Awaitable[Response]]
Respond = Callable[[Response], None]
Cancel = Callable[[], object]
# Starts to answer; see `Direct.begin`.
Begin = Callable[[Request, Respond], Cancel | None]


@runtime_checkable
class Direct(Interface):
    """A handler that can also answer without a task: it calls back when it has the answer."""

    def __call__(self, request: Request) -> Awaitable[Response]:
        """Answer a request."""

    def begin(self, request: Request, respond: Respond) -> Cancel | None:
        """Start to answer; `respond` is called once, now or later, unless it is cancelled.

        Returns:
            What stops the work when the client has gone; `None` if there is nothing to stop.

        Raises:
            OpError: the request was refused at once; `respond` is not called then.
        """


# Gives the handler of a method and path, or `None` when they belong to somebody else. What it
# raises becomes the answer.
FindHandler = Callable[[str, str], Handler | None]
# How a protocol writes an error.
EncodeError = Callable[[OpError], Response]


@dataclass(frozen=True, slots=True)
class Protocol:
    """A family of paths: those that begin with `prefix`, without regard to case."""

    prefix: str
    find: FindHandler
    encode_error: EncodeError


class Router:
    """Finds handlers. Protocols are asked in order; the first whose prefix fits answers.

    Args:
        protocols: in their order.
        fallback: answers what belongs to none of them.
        max_request_bytes: of a body, also when it comes compressed.
    """

    def __init__(
        self,
        protocols: Sequence[Protocol],
        fallback: Protocol,
        max_request_bytes: int = 64 << 20,
    ) -> None:
        self._protocols = tuple(protocols)
        self._fallback = fallback
        self._max_request_bytes = max_request_bytes
        self._cache: dict[tuple[str, str], tuple[Handler, EncodeError, Any]] = {}

    def protocol(self, path: str) -> Protocol:
        """Return the protocol that a path belongs to."""
        lower = path.lower()
        found = (p for p in self._protocols if lower.startswith(p.prefix))
        return next(found, self._fallback)

    async def handle(self, request: Request) -> Response:
        """Answer a request; errors with a status code become answers too."""
        encode_error = self._fallback.encode_error
        try:
            handler, encode_error, _ = self._find(request)
            if request.content_encoding:
                self._inflate(request)
            return await handler(request)
        except OpError as error:
            return encode_error(error)

    def begin(self, request: Request, respond: Respond) -> Cancel | None:
        """Start to answer a request: see `Direct.begin`. It raises nothing."""
        cached = self._cache.get((request.method, request.path))
        encode_error = self._fallback.encode_error
        try:
            handler, encode_error, begin = cached or self._find(request)
            if request.content_encoding:
                self._inflate(request)
            if begin is not None:
                return begin(request, respond)  # type: ignore[no-any-return]
        except OpError as error:
            respond(encode_error(error))
            return None
        except Exception:  # noqa: BLE001  (a bug in one answer must not end the service)
            respond(encode_error(failure(request)))
            return None
        return in_task(handler, request, respond, encode_error)

    def _inflate(self, request: Request) -> None:
        encoding, request.content_encoding = request.content_encoding, b""
        request.body = inflate(request.body, encoding, self._max_request_bytes)

    def _find(self, request: Request) -> tuple[Handler, EncodeError, Any]:
        key = (request.method, request.path)
        cached = self._cache.get(key)
        if cached is not None:
            return cached
        protocol = self.protocol(request.path)
        try:
            handler = protocol.find(*key)
            if handler is None:
                protocol = self._fallback
                handler = protocol.find(*key)
        except OpError as error:
            handler = _raising(error)
            return handler, protocol.encode_error, None
        assert handler is not None, key
        begin = handler.begin if isinstance(handler, Direct) else None
        # Clients choose the paths, so what is kept of them is bounded.
        if len(self._cache) >= _CACHED_PATHS:
            self._cache.clear()
        found = self._cache[key] = (handler, protocol.encode_error, begin)
        return found


def failure(request: Request) -> InternalError:
    """Log the exception in hand, and return what the client is told of it."""
    # The cause is for the operator; the client learns only that it was not its fault.
    _log.exception("%s %s failed", request.method, request.path)
    return InternalError("the server failed; see its log")


def in_task(
    handler: Handler, request: Request, respond: Respond, encode_error: EncodeError
) -> Cancel:
    """Answer by a coroutine in a task of its own; returns what cancels it."""

    async def answer() -> None:
        try:
            response = await handler(request)
        except OpError as error:
            response = encode_error(error)
        except Exception:  # noqa: BLE001  (a bug in one answer must not end the service)
            response = encode_error(failure(request))
        respond(response)

    return asyncio.get_running_loop().create_task(answer()).cancel


def in_tasks(handler: Handler, encode_error: EncodeError) -> Begin:
    """Return what answers every request by a task of its own."""

    def begin(request: Request, respond: Respond) -> Cancel:
        return in_task(handler, request, respond, encode_error)

    return begin


def _raising(error: OpError) -> Handler:
    async def refuse(_: Request) -> Response:
        raise error

    return refuse
