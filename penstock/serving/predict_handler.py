"""The handler of predict requests over REST, the hot path: no task, no coroutine."""

import asyncio
import time
from collections.abc import Callable

from penstock.core.errors import OpError
from penstock.serving.call import PREDICT, REST, RETRY_AFTER_S, Call, ModelSpec
from penstock.serving.gateway import Gateway, Opened
from penstock.serving.protocols import raw_tensor, rest
from penstock.serving.protocols.rest import RequestReader
from penstock.serving.router import Cancel, Request, Respond, Response
from penstock.serving.servable import DEFAULT_SIGNATURE, Array
from penstock.serving.server_timing import add_timing

_SIGNATURE_QUERY = "signature_name="
# How an answer is written: in rows, in columns, or as plain bytes.
_Encode = Callable[[dict[str, Array]], Response]


class PredictHandler:
    """Answers predict requests for one model. See `router.Direct`.

    Args:
        gateway: the way in.
        reader: decodes JSON.
        spec: the model, as the path names it.
    """

    def __init__(self, gateway: Gateway, reader: RequestReader, spec: ModelSpec) -> None:
        self._gateway = gateway
        self._reader = reader
        self._spec = spec

    async def __call__(self, request: Request) -> Response:
        """Answer a request."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Response] = loop.create_future()
        cancel = self.begin(request, answer.set_result)
        try:
            return await asyncio.shield(answer)
        except asyncio.CancelledError:
            cancel()
            raise

    def begin(self, request: Request, respond: Respond) -> Cancel:
        """Start to answer a request: see `router.Direct.begin`."""
        call = Call(
            REST,
            PREDICT,
            self._spec,
            request.deadline,
            request.headers,
            request.peer,
            request.certificate,
            len(request.body),
            request.priority,
        )
        opened = Opened(self._gateway, call)
        opened.admit()
        answering = _Answering(opened, respond)
        try:
            content_type = request.content_type
            if content_type in raw_tensor.CONTENT_TYPES:
                name = _signature_name(request.query)
                inputs = raw_tensor.decode(request.body, content_type, opened.signature(name))
                answering.encode = _raw_encoder(request, content_type)
            else:
                name, inputs, is_row_format = self._reader.predict(
                    request.body, opened.signature
                )
                answering.encode = _encode_rows if is_row_format else _encode_columns
            answering.cancel_run = opened.start(name, inputs, answering.then)
        except BaseException as error:
            opened.close(error)
            raise
        return answering.cancel


class _Answering:
    """A predict request while the model computes."""

    __slots__ = ("_opened", "_respond", "cancel_run", "encode")

    def __init__(self, opened: Opened, respond: Respond) -> None:
        self._opened = opened
        self._respond = respond
        self.encode: _Encode = _encode_rows
        self.cancel_run: Callable[[], object] | None = None

    def then(self, outputs: dict[str, Array] | None, error: Exception | None) -> None:
        """Answer with the outputs, or with what went wrong."""
        response: Response | None = None
        try:
            if error is not None:
                raise error
            assert outputs is not None
            start = time.perf_counter()
            response = self.encode(outputs)
            if self._opened.with_timing:
                add_timing(response, self._opened.call, start)
        except OpError as failed:
            error = failed
            response = encode_error(failed)
        finally:
            # Whatever happens the version must not be held for ever.
            if response is None:
                self._opened.close(error)
        self._respond(response)
        self._opened.close(error)

    def cancel(self) -> None:
        """Stop: nobody waits for the answer any more."""
        if self.cancel_run is not None:
            self.cancel_run()
        self._opened.close(asyncio.CancelledError())


def encode_error(error: OpError) -> Response:
    """Return the answer that says what went wrong, and when to try again."""
    status, body = rest.encode_error(error)
    wait_s = error.experimental_payloads.get(RETRY_AFTER_S, 0)
    if status in (429, 503):
        return Response(status, body, headers=(("Retry-After", str(max(1, round(wait_s)))),))
    return Response(status, body)


def _encode_rows(outputs: dict[str, Array]) -> Response:
    return Response(200, rest.encode_predict(outputs, is_row_format=True))


def _encode_columns(outputs: dict[str, Array]) -> Response:
    return Response(200, rest.encode_predict(outputs, is_row_format=False))


def _encode_octets(outputs: dict[str, Array]) -> Response:
    body, headers = raw_tensor.encode(outputs, raw_tensor.OCTETS)
    return Response(200, body, raw_tensor.OCTETS.decode(), headers)


def _encode_npy(outputs: dict[str, Array]) -> Response:
    body, _ = raw_tensor.encode(outputs, raw_tensor.NPY)
    return Response(200, body, raw_tensor.NPY.decode())


def _raw_encoder(request: Request, content_type: bytes) -> _Encode:
    """The form that the client accepts; that of the request if it does not say."""
    accepted = request.header(b"accept")
    if accepted is not None:
        kinds = [part.partition(b";")[0].strip().lower() for part in accepted.split(b",")]
        for kind in kinds:
            if kind == b"application/json":
                return _encode_columns
            if kind == raw_tensor.OCTETS:
                return _encode_octets
            if kind in raw_tensor.NPY_TYPES:
                return _encode_npy
    return _encode_octets if content_type == raw_tensor.OCTETS else _encode_npy


def _signature_name(query: str) -> str:
    for part in query.split("&") if query else ():
        if part.startswith(_SIGNATURE_QUERY):
            return part.removeprefix(_SIGNATURE_QUERY) or DEFAULT_SIGNATURE
    return DEFAULT_SIGNATURE
