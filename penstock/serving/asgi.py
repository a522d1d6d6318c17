"""The same handlers as a plain ASGI application, for servers such as uvicorn or granian.

It costs about twice what our own HTTP server does for a small request; take it where a team's
own server must stand in front.

Source: the ASGI specification, version 3.0, with the lifespan protocol 2.0.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from penstock.core.errors import InvalidArgumentError, UnimplementedError
from penstock.serving.http_head import BadHeadError, Head
from penstock.serving.manager import Loader
from penstock.serving.predict_handler import encode_error
from penstock.serving.router import Request, Response, Router
from penstock.serving.server import Server, ServerConfig

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class AsgiApp:
    """Serves models inside an ASGI server, over HTTP.

    Args:
        config: what to serve; where to listen is the server's matter, as is TLS.
        loader: turns a folder into a servable; SavedModels if left out.

    Example:
        >>> config = ServerConfig((ModelConfig("digits", Path("models/digits")),))
        >>> app = AsgiApp(config)  # doctest: +SKIP
    """

    def __init__(self, config: ServerConfig, loader: Loader | None = None) -> None:
        self._config = config
        self._server = Server(config, loader)
        self._router: Router | None = None
        self._is_stopping = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one connection of the server: its lifespan, or a request."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:
            raise UnimplementedError(f"ASGI connections of type '{scope['type']}'")

    async def start(self) -> None:
        """Load the models; the lifespan does it, too.

        Raises:
            OpError: a model has no version that loads.
        """
        if self._router is None:
            await asyncio.to_thread(self._server.manager.start)
            self._router = self._server.handlers(lambda: self._is_stopping)[2]

    async def stop(self) -> None:
        """Let go of the models; the lifespan does it, too."""
        self._is_stopping = True
        await asyncio.to_thread(self._server.stop)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    await self.start()
                except Exception as error:  # noqa: BLE001  (the server says it to its user)
                    await send({"type": "lifespan.startup.failed", "message": str(error)})
                    return
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.start()
        assert self._router is not None
        url = scope["path"].encode()
        if scope["query_string"]:
            url += b"?" + scope["query_string"]
        headers = [(bytes(name), bytes(value)) for name, value in scope["headers"]]
        try:
            head = Head(scope["method"], url, headers, keep_alive=True)
            body = await _body(receive, self._config.limits.max_request_bytes)
        except (BadHeadError, InvalidArgumentError) as error:
            await _send(send, encode_error(InvalidArgumentError(str(error))), is_head=False)
            return
        if body is None:
            return
        timeout_s = self._config.limits.request_timeout_s
        if head.timeout_s is not None:
            timeout_s = min(timeout_s, head.timeout_s)
        client = scope.get("client")
        request = Request(
            head.method,
            head.path,
            body,
            headers,
            asyncio.get_running_loop().time() + timeout_s,
            head.query,
            client[0] if client else "",
            None,
            head.content_type,
            head.priority,
            head.content_encoding,
        )
        answering = asyncio.ensure_future(self._router.handle(request))
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                await _send(send, answering.result(), is_head=head.is_head)
        finally:
            # Work that nobody waits for any more ends here.
            answering.cancel()
            leaving.cancel()


async def _body(receive: Receive, limit: int) -> bytes | None:
    """Return the body, or `None` when the client has gone."""
    pieces, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        piece = message.get("body", b"")
        size += len(piece)
        if size > limit:
            raise InvalidArgumentError(f"a request must have at most {limit} bytes")
        pieces.append(piece)
        if not message.get("more_body", False):
            return b"".join(pieces)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(send: Send, response: Response, *, is_head: bool) -> None:
    headers = [
        (b"content-type", response.content_type.encode()),
        (b"content-length", str(len(response.body)).encode()),
        *((n.lower().encode(), v.encode("latin-1")) for n, v in response.headers),
    ]
    if response.timing:
        headers.append((b"server-timing", response.timing))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    body = b"" if is_head else response.body
    await send({"type": "http.response.body", "body": body})
