"""Handlers of the Open Inference Protocol over HTTP: from a request to the model and back.

Source: `inference_rest.md` of the Open Inference Protocol, version 2.
"""

import asyncio
import re
import time
from typing import Final
from urllib.parse import unquote

import orjson

from penstock import __version__
from penstock.core.errors import NotFoundError
from penstock.serving.call import V2_REST, Call, ModelSpec
from penstock.serving.gateway import Gateway
from penstock.serving.inference_model import find_model
from penstock.serving.protocols import inference, inference_json
from penstock.serving.protocols.inference_json import BINARY, LENGTH_HEADER, InferReader
from penstock.serving.readiness import Readiness
from penstock.serving.rest_api import encode_error
from penstock.serving.router import JSON, Handler, Protocol, Request, Response
from penstock.serving.server_timing import add_timing

_MODEL_PATH: Final = re.compile(
    r"/v2/models/([^/]+)(?:/versions/([^/]+))?(?:/(ready|infer))?/?", re.ASCII
)
_METHODS: Final = {"infer": "POST", "ready": "GET", None: "GET"}
_LENGTH_KEY: Final = LENGTH_HEADER.lower().encode()


class InferenceHttpApi:
    """Answers requests below `/v2`. Lives in one event loop."""

    def __init__(self, gateway: Gateway, readiness: Readiness) -> None:
        self._gateway = gateway
        self._readiness = readiness
        self._reader = InferReader()

    def protocol(self) -> Protocol:
        """Return the place of these handlers among those of other protocols."""
        return Protocol("/v2", self.find, encode_error)

    def find(self, method: str, path: str) -> Handler | None:
        """Return the handler of a path; `None` where the path is none of the protocol's.

        Raises:
            InvalidArgumentError: the protocol has no such path for this method.
        """
        whole = {
            "/v2": self._server,
            "/v2/health/live": self._live,
            "/v2/health/ready": self._ready,
        }
        handler = whole.get(path.rstrip("/"))
        if handler is not None:
            return handler if method == "GET" else _wrong_method(method, path)
        match = _MODEL_PATH.fullmatch(path)
        if match is None:
            if not path.startswith("/v2/"):
                return None
            raise NotFoundError(f"the protocol has no such path: {method} {path}")
        name, version, wanted = match.groups()
        if method != _METHODS[wanted]:
            return _wrong_method(method, path)
        spec = inference.make_spec(unquote(name), unquote(version or ""))
        if wanted == "infer":
            return lambda request: self._infer(spec, request)
        if wanted == "ready":
            return lambda request: self._model_ready(spec, request)
        return lambda request: self._metadata(spec, request)

    async def _server(self, _: Request) -> Response:
        return _document(
            {
                "name": inference.SERVER_NAME,
                "version": __version__,
                "extensions": inference.EXTENSIONS,
            }
        )

    async def _live(self, _: Request) -> Response:
        return _document({"live": True})

    async def _ready(self, _: Request) -> Response:
        ready = self._readiness.server()
        return _document({"ready": ready}, 200 if ready else 503)

    async def _model_ready(self, spec: ModelSpec, _: Request) -> Response:
        ready = self._readiness.model(spec)
        return _document({"name": spec.name, "ready": ready}, 200 if ready else 503)

    async def _metadata(self, spec: ModelSpec, request: Request) -> Response:
        with self._gateway.admin(_call("ModelMetadata", spec, request)):
            found = find_model(self._gateway.manager, spec)
            body = inference_json.encode_metadata(
                spec.name, found.versions, found.signature, inference.PLATFORM
            )
        return Response(200, body)

    async def _infer(self, spec: ModelSpec, request: Request) -> Response:
        call = _call("ModelInfer", spec, request)
        with self._gateway.open(call) as opened:
            decoded = self._reader.read(request.body, request.header(_LENGTH_KEY))
            now = asyncio.get_running_loop().time()
            call.deadline = decoded.check_deadline(now, call.deadline)
            call.priority = decoded.priority
            name = inference.pick_signature(opened.servable, decoded.parameters)
            outputs = await opened.run(name, decoded.inputs)
            start = time.perf_counter()
            body, head_bytes = inference_json.encode(
                spec.name,
                opened.version.number,
                decoded,
                inference.pick_outputs(decoded, outputs),
            )
            if head_bytes is None:
                response = Response(200, body)
            else:
                headers = ((LENGTH_HEADER, str(head_bytes)),)
                response = Response(200, body, BINARY, headers)
            if opened.with_timing:
                add_timing(response, call, start)
        return response


def _call(api: str, spec: ModelSpec, request: Request) -> Call:
    return Call(
        V2_REST,
        api,
        spec,
        request.deadline,
        request.headers,
        request.peer,
        request.certificate,
        len(request.body),
    )


def _wrong_method(method: str, path: str) -> Handler:
    allowed = "POST" if path.rstrip("/").endswith("/infer") else "GET"

    async def answer(_: Request) -> Response:
        if method == "OPTIONS":
            return Response(200, headers=(("Allow", f"{allowed}, HEAD, OPTIONS"),))
        body = orjson.dumps({"error": f"{path} takes {allowed}, got {method}"})
        return Response(405, body, JSON, (("Allow", allowed),))

    return answer


def _document(value: dict[str, object], status: int = 200) -> Response:
    return Response(status, orjson.dumps(value))
