"""Handlers of TF Serving's REST protocol: from a request to the model and back."""

from collections.abc import Awaitable, Callable

from penstock.core.errors import NotFoundError
from penstock.monitor import exposition
from penstock.serving.call import CLASSIFY, REGRESS, REST, Call, ModelSpec
from penstock.serving.gateway import Gateway
from penstock.serving.predict_handler import PredictHandler, encode_error
from penstock.serving.protocols import rest
from penstock.serving.protocols.rest import RequestReader
from penstock.serving.protocols.tasks import check_classify, check_regress
from penstock.serving.router import Handler, Protocol, Request, Response

METRICS_PATH = "/monitoring/prometheus/metrics"
_SERVED_METHODS = (("Allow", "GET, HEAD, POST, OPTIONS"),)


class RestApi:
    """Answers requests below `/v1/`. Lives in one event loop."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._reader = RequestReader()

    def protocol(self) -> Protocol:
        """Return the place of these handlers among those of other protocols."""
        return Protocol("/v1/", self.find, encode_error)

    def find(self, method: str, path: str) -> Handler:
        """Return the handler of a path.

        Raises:
            InvalidArgumentError: the protocol has no such path for this method.
        """
        if method == "OPTIONS":
            return _options
        spec, wanted = rest.parse_path(method, path)
        if wanted == "predict":
            return PredictHandler(self._gateway, self._reader, spec)
        api, answer = self._handlers()[wanted]

        async def handle(request: Request) -> Response:
            return await answer(_call(api, spec, request), request)

        return handle

    def _handlers(
        self,
    ) -> dict[str, tuple[str, Callable[[Call, Request], Awaitable[Response]]]]:
        return {
            "classify": (CLASSIFY, self._classify),
            "regress": (REGRESS, self._regress),
            "metadata": ("GetModelMetadata", self._metadata),
            "status": ("GetModelStatus", self._status),
        }

    async def _classify(self, call: Call, request: Request) -> Response:
        with self._gateway.open(call) as opened:
            name, examples = rest.decode_examples(request.body)
            check_classify(name, opened.servable.signatures.get(name))
            outputs = await opened.run(name, rest.example_inputs(examples))
            body = rest.encode_classify(outputs, len(examples))
        return Response(200, body)

    async def _regress(self, call: Call, request: Request) -> Response:
        with self._gateway.open(call) as opened:
            name, examples = rest.decode_examples(request.body)
            check_regress(name, opened.servable.signatures.get(name))
            outputs = await opened.run(name, rest.example_inputs(examples))
            body = rest.encode_regress(outputs, len(examples))
        return Response(200, body)

    async def _status(self, call: Call, _: Request) -> Response:
        with self._gateway.admin(call):
            return Response(200, rest.encode_status(self._gateway.manager.status(call.spec)))

    async def _metadata(self, call: Call, _: Request) -> Response:
        with self._gateway.admin(call), self._gateway.manager.acquire(call.spec) as version:
            signatures = version.engine.servable.signatures
            call.version = version.number
            return Response(
                200, rest.encode_metadata(call.spec.name, version.number, signatures)
            )


def _call(api: str, spec: ModelSpec, request: Request) -> Call:
    return Call(
        REST,
        api,
        spec,
        request.deadline,
        request.headers,
        request.peer,
        request.certificate,
        len(request.body),
        request.priority,
    )


def other_paths() -> Protocol:
    """Return what answers the paths that no protocol has: metrics, or 404."""
    return Protocol("/", _find_other, encode_error)


def _find_other(method: str, path: str) -> Handler:
    if method == "OPTIONS":
        return _options
    if path == METRICS_PATH and method == "GET":
        return _metrics
    raise NotFoundError(f"no such path: {method} {path}")


async def _metrics(_: Request) -> Response:
    return Response(200, exposition.encode(), exposition.PROMETHEUS)


async def _options(_: Request) -> Response:
    return Response(200, headers=_SERVED_METHODS)
