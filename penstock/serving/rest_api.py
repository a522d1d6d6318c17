"""Handlers of TF Serving's REST protocol: from a request to the model and back."""

import time
from collections.abc import Awaitable, Callable

from penstock.core.errors import NotFoundError
from penstock.serving.call import CLASSIFY, REGRESS, REST, Call, ModelSpec
from penstock.serving.gateway import Gateway
from penstock.serving.predict_handler import PredictHandler, encode_error
from penstock.serving.protocols import rest
from penstock.serving.protocols.rest import RequestReader
from penstock.serving.protocols.tasks import check_classify, check_regress
from penstock.serving.router import Handler, Protocol, Request, Response
from penstock.serving.server_timing import add_timing

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
            start = time.perf_counter()
            response = Response(200, rest.encode_classify(outputs, len(examples)))
            if opened.with_timing:
                add_timing(response, call, start)
        return response

    async def _regress(self, call: Call, request: Request) -> Response:
        with self._gateway.open(call) as opened:
            name, examples = rest.decode_examples(request.body)
            check_regress(name, opened.servable.signatures.get(name))
            outputs = await opened.run(name, rest.example_inputs(examples))
            start = time.perf_counter()
            response = Response(200, rest.encode_regress(outputs, len(examples)))
            if opened.with_timing:
                add_timing(response, call, start)
        return response

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
    """Return what answers the paths that no protocol has."""
    return Protocol("/", _find_other, encode_error)


def _find_other(method: str, path: str) -> Handler:
    if method == "OPTIONS":
        return _options
    raise NotFoundError(f"no such path: {method} {path}")


async def _options(_: Request) -> Response:
    return Response(200, headers=_SERVED_METHODS)
