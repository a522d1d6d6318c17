"""Handlers of TF Serving's REST protocol: from a request to the model and back."""

import time
from collections.abc import Awaitable, Callable

from penstock.core import metrics
from penstock.core.errors import GRPC_STATUS, NotFoundError, OpError
from penstock.serving.manager import Manager
from penstock.serving.protocols import prometheus, rest
from penstock.serving.protocols.rest import ModelSpec, RequestReader
from penstock.serving.router import Handler, Protocol, Request, Response
from penstock.serving.servable import SignatureSpec

METRICS_PATH = "/monitoring/prometheus/metrics"
_UNKNOWN = "_unknown"
_SERVED_METHODS = (("Allow", "GET, HEAD, POST, OPTIONS"),)


class RestApi:
    """Answers requests below `/v1/`. Lives in one event loop.

    Args:
        manager: has the models.
        clock: seconds, rising.
    """

    def __init__(
        self, manager: Manager, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._manager = manager
        self._clock = clock
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
            return self._counted("Predict", spec, self._predict)
        if wanted == "classify":
            return self._counted("Classify", spec, self._classify)
        if wanted == "regress":
            return self._counted("Regress", spec, self._regress)
        answer = self._metadata if wanted == "metadata" else self._status

        async def read(_: Request) -> Response:
            return Response(200, answer(spec))

        return read

    def _counted(
        self,
        api: str,
        spec: ModelSpec,
        handler: Callable[[ModelSpec, Request], Awaitable[Response]],
    ) -> Handler:
        """Wrap a handler so that its outcomes and times are counted."""
        # Clients can invent names without end, and each would be a row of the metrics.
        name = spec.name if self._manager.has(spec.name) else _UNKNOWN
        clock = self._clock
        count = metrics.REQUEST_COUNT
        latency = metrics.REQUEST_LATENCY

        async def counted(request: Request) -> Response:
            start = clock()
            status = "OK"
            try:
                return await handler(spec, request)
            except OpError as error:
                status = GRPC_STATUS.get(error.error_code, "UNKNOWN")
                raise
            finally:
                count.labels(name, status).increment()
                latency.labels(name, api, "REST", status).observe((clock() - start) * 1e6)

        return counted

    async def _predict(self, spec: ModelSpec, request: Request) -> Response:
        try:
            version = self._manager.acquire(spec)
        except OpError as error:
            # What is wrong with the body comes first, as in TF Serving.
            rest.decode_predict(request.body, _raising(error))
            raise
        with version:
            engine = version.engine
            decoded = self._reader.predict(request.body, engine.signature)
            outputs = await engine.run(decoded.signature_name, decoded.inputs, request.deadline)
        body = rest.encode_predict(outputs, is_row_format=decoded.is_row_format)
        return Response(200, body)

    async def _classify(self, spec: ModelSpec, request: Request) -> Response:
        name, examples = rest.decode_examples(request.body)
        with self._manager.acquire(spec) as version:
            engine = version.engine
            rest.check_classify(name, engine.servable.signatures.get(name))
            inputs = rest.example_inputs(examples)
            outputs = await engine.run(name, inputs, request.deadline)
        return Response(200, rest.encode_classify(outputs, len(examples)))

    async def _regress(self, spec: ModelSpec, request: Request) -> Response:
        name, examples = rest.decode_examples(request.body)
        with self._manager.acquire(spec) as version:
            engine = version.engine
            rest.check_regress(name, engine.servable.signatures.get(name))
            inputs = rest.example_inputs(examples)
            outputs = await engine.run(name, inputs, request.deadline)
        return Response(200, rest.encode_regress(outputs, len(examples)))

    def _status(self, spec: ModelSpec) -> bytes:
        return rest.encode_status(self._manager.status(spec))

    def _metadata(self, spec: ModelSpec) -> bytes:
        with self._manager.acquire(spec) as version:
            signatures = version.engine.servable.signatures
            return rest.encode_metadata(spec.name, version.number, signatures)


def other_paths() -> Protocol:
    """Return what answers the paths that no protocol has: metrics, or 404."""
    return Protocol("/", _find_other, encode_error)


def encode_error(error: OpError) -> Response:
    """Return the answer that says what went wrong."""
    return Response(*rest.encode_error(error))


def _find_other(method: str, path: str) -> Handler:
    if method == "OPTIONS":
        return _options
    if path == METRICS_PATH and method == "GET":
        return _metrics
    raise NotFoundError(f"no such path: {method} {path}")


async def _metrics(_: Request) -> Response:
    return Response(200, prometheus.encode(), prometheus.CONTENT_TYPE)


async def _options(_: Request) -> Response:
    return Response(200, headers=_SERVED_METHODS)


def _raising(error: OpError) -> Callable[[str], SignatureSpec]:
    def find_signature(_: str) -> SignatureSpec:
        raise error

    return find_signature
