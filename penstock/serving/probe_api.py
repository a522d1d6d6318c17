"""What is asked by those who watch a server: probes of its health, and its metrics."""

from collections.abc import Callable, Sequence

import orjson

from penstock.core import metrics
from penstock.core.errors import NotFoundError
from penstock.monitor import exposition, process
from penstock.serving.call import REST, Call, ModelSpec
from penstock.serving.predict_handler import encode_error
from penstock.serving.readiness import Readiness
from penstock.serving.router import Handler, Protocol, Request, Response

METRICS_PATH = "/monitoring/prometheus/metrics"
_SERVED_METHODS = (("Allow", "GET, HEAD, POST, OPTIONS"),)
_NEVER_STORED = (("Cache-Control", "no-store"),)


class ProbeApi:
    """Answers `/livez`, `/readyz`, `/startupz` and the path of the metrics.

    Args:
        readiness: whether the models answer.
        metrics_path: where the metrics are.
        guard: refuses those who may not read the metrics; probes are open to all.
        keep: hears which versions answer, to forget what was counted of others.
    """

    def __init__(
        self,
        readiness: Readiness,
        metrics_path: str = METRICS_PATH,
        guard: Callable[[Call], None] | None = None,
        keep: Callable[[Sequence[tuple[str, int]]], None] | None = None,
    ) -> None:
        self._readiness = readiness
        self._guard = guard
        self._keep = keep
        self._has_started = False
        self._handlers: dict[str, Handler] = {
            "/livez": self._live,
            "/readyz": self._ready,
            "/startupz": self._started,
            metrics_path: self._metrics,
        }
        exposition.before_encoding(process.observe)

    def protocol(self) -> Protocol:
        """Return the place of these handlers: they get what no other protocol takes."""
        return Protocol("/", self.find, encode_error)

    def find(self, method: str, path: str) -> Handler:
        """Return the handler of a path.

        Raises:
            NotFoundError: nothing is there.
        """
        if method == "OPTIONS":
            return _options
        handler = self._handlers.get(path) if method == "GET" else None
        if handler is None:
            raise NotFoundError(f"no such path: {method} {path}")
        return handler

    async def _live(self, _: Request) -> Response:
        # Whoever can say so lives: this needs the event loop and nothing else.
        return _answer(is_good=True)

    async def _ready(self, _: Request) -> Response:
        return _answer(is_good=self._readiness.server())

    async def _started(self, _: Request) -> Response:
        self._has_started = self._has_started or self._readiness.server()
        return _answer(is_good=self._has_started)

    async def _metrics(self, request: Request) -> Response:
        if self._guard is not None:
            spec = ModelSpec("")
            who = (request.headers, request.peer, request.certificate)
            self._guard(Call(REST, "Metrics", spec, request.deadline, *who))
        self._observe_versions()
        kind = exposition.content_type(request.header(b"accept"))
        return Response(200, exposition.encode(kind), kind)

    def _observe_versions(self) -> None:
        available = self._readiness.available()
        if self._keep is not None:
            self._keep(available)
        metrics.MODEL_AVAILABLE.clear()
        for name, version in available:
            metrics.MODEL_AVAILABLE.labels(name, str(version)).set(1)


def _answer(*, is_good: bool) -> Response:
    body = orjson.dumps({"status": "ok" if is_good else "not ready"})
    return Response(200 if is_good else 503, body, headers=_NEVER_STORED)


async def _options(_: Request) -> Response:
    return Response(200, headers=_SERVED_METHODS)
