"""Handlers that describe the server: `/openapi.json`, and `/docs` for people."""

from typing import Final

import orjson

from penstock import __version__
from penstock.core.errors import (
    PERMISSION_DENIED,
    UNAUTHENTICATED,
    NotFoundError,
    OpError,
)
from penstock.serving.call import REST, Call, ModelSpec
from penstock.serving.docs_page import POLICY, make_page
from penstock.serving.gateway import Gateway
from penstock.serving.protocols.openapi import ServedModel, make_document
from penstock.serving.rest_api import encode_error
from penstock.serving.router import Handler, Protocol, Request, Response

_NOT_ALLOWED: Final = (PERMISSION_DENIED, UNAUTHENTICATED)
_HTML: Final = "text/html; charset=utf-8"
_HEADERS: Final = (
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
)


class OpenApi:
    """Describes the models that a client may see. Lives in one event loop.

    Args:
        gateway: the way to the models; those that it does not admit a client to are left out.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def protocols(self) -> tuple[Protocol, Protocol]:
        """Return the places of these handlers among those of other protocols."""
        return (
            Protocol("/openapi.json", self.find, encode_error),
            Protocol("/docs", self.find, encode_error),
        )

    def find(self, method: str, path: str) -> Handler | None:
        """Return the handler of a path; `None` where nothing is."""
        if method != "GET":
            return None
        return {
            "/openapi.json": self._document,
            "/docs": self._page,
            "/docs/": self._moved,
        }.get(path)

    async def _document(self, request: Request) -> Response:
        return Response(200, orjson.dumps(make_document(self._models(request), __version__)))

    async def _page(self, request: Request) -> Response:
        models = self._models(request)
        host = (request.header(b"host") or b"localhost").decode("latin-1")
        scheme = "http" if request.certificate is None else "https"
        page = make_page(make_document(models, __version__), models, f"{scheme}://{host}")
        return Response(200, page, _HTML, _HEADERS)

    async def _moved(self, _: Request) -> Response:
        # The page names its neighbours without the slash.
        return Response(308, headers=(("Location", "/docs"),))

    def _models(self, request: Request) -> list[ServedModel]:
        found = []
        for name, _ in self._gateway.manager.available():
            spec = ModelSpec(name)
            call = Call(
                REST,
                "GetModelMetadata",
                spec,
                request.deadline,
                request.headers,
                request.peer,
                request.certificate,
            )
            try:
                with self._gateway.admin(call), self._gateway.manager.acquire(spec) as version:
                    signatures = dict(version.engine.servable.signatures)
                    labels = dict(self._gateway.manager.labels(name))
                    found.append(ServedModel(name, version.number, signatures, labels))
            except NotFoundError:
                continue  # it has just gone
            except OpError as error:
                if error.error_code in _NOT_ALLOWED:
                    continue
                raise
        return found
