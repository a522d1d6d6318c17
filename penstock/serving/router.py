"""Requests and answers without sockets, and which handler a path belongs to."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from penstock.core.errors import OpError

JSON = "application/json"
_CACHED_PATHS = 512


@dataclass(slots=True)
class Request:
    """One HTTP request that has arrived whole.

    Args:
        path: without the query.
        headers: names in lower case.
        deadline: time of the event loop after which nobody wants the answer.
        query: what follows the "?".
        peer: address of the client.
        certificate: of the client, where TLS asked for one.
    """

    method: str
    path: str
    body: bytes = b""
    headers: Sequence[tuple[bytes, bytes]] = ()
    deadline: float = float("inf")
    query: str = ""
    peer: str = ""
    certificate: Mapping[str, Any] | None = None

    def header(self, name: bytes) -> bytes | None:
        """First value of a header."""
        return next((value for key, value in self.headers if key == name), None)


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer."""

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = field(default=())


Handler = Callable[[Request], Awaitable[Response]]
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
    """Finds handlers. Protocols are asked in order; the first whose prefix fits answers."""

    def __init__(self, protocols: Sequence[Protocol], fallback: Protocol) -> None:
        self._protocols = tuple(protocols)
        self._fallback = fallback
        self._cache: dict[tuple[str, str], tuple[Handler, EncodeError]] = {}

    def protocol(self, path: str) -> Protocol:
        """Return the protocol that a path belongs to."""
        lower = path.lower()
        found = (p for p in self._protocols if lower.startswith(p.prefix))
        return next(found, self._fallback)

    async def handle(self, request: Request) -> Response:
        """Answer a request; errors with a status code become answers too."""
        key = (request.method, request.path)
        cached = self._cache.get(key)
        encode_error = None if cached is None else cached[1]
        try:
            if cached is not None:
                return await cached[0](request)
            protocol = self.protocol(request.path)
            encode_error = protocol.encode_error
            handler = protocol.find(*key)
            if handler is None:
                protocol = self._fallback
                encode_error = protocol.encode_error
                handler = protocol.find(*key)
            assert handler is not None, key
            # Clients choose the paths, so what is kept of them is bounded.
            if len(self._cache) >= _CACHED_PATHS:
                self._cache.clear()
            self._cache[key] = (handler, encode_error)
            return await handler(request)
        except OpError as error:
            assert encode_error is not None
            return encode_error(error)
