"""The Open Inference Protocol's gRPC service.

Source: `inference_grpc.md` of the Open Inference Protocol, version 2.
"""

import asyncio
from typing import Any, Final

from google.protobuf.message import DecodeError

from penstock import __version__
from penstock.core.errors import InternalError, InvalidArgumentError
from penstock.serving.call import V2_GRPC, Call, ModelSpec
from penstock.serving.gateway import Gateway, Opened
from penstock.serving.grpc.answering import Answering
from penstock.serving.grpc.method import Cancel, Method, Respond, direct, unary
from penstock.serving.inference_model import find_model
from penstock.serving.protocols import inference, inference_message
from penstock.serving.readiness import Readiness
from penstock.serving.router import Request
from penstock.serving.servable import Array
from penstock.wire import protos

INFERENCE_SERVICE: Final = "inference.GRPCInferenceService"


class InferenceApi:
    """Methods of the service. Lives in one event loop."""

    def __init__(self, gateway: Gateway, readiness: Readiness) -> None:
        self._gateway = gateway
        self._readiness = readiness

    def methods(self) -> dict[str, Method]:
        """Return the methods by their paths."""
        return {
            f"/{INFERENCE_SERVICE}/ModelInfer": direct(self.model_infer),
        } | {
            f"/{INFERENCE_SERVICE}/{name}": unary(handle)
            for name, handle in (
                ("ServerLive", self.server_live),
                ("ServerReady", self.server_ready),
                ("ModelReady", self.model_ready),
                ("ServerMetadata", self.server_metadata),
                ("ModelMetadata", self.model_metadata),
            )
        }

    async def server_live(self, request: Request) -> bytes:  # noqa: ARG002  (it asks nothing)
        """Say that the server runs."""
        return _answer("ServerLiveResponse", live=True)

    async def server_ready(self, request: Request) -> bytes:  # noqa: ARG002  (it asks nothing)
        """Say whether each model has a version that answers."""
        return _answer("ServerReadyResponse", ready=self._readiness.server())

    async def model_ready(self, request: Request) -> bytes:
        """Say whether a model, or a version of it, answers."""
        asked = _parse("ModelReadyRequest", request.body)
        spec = inference.make_spec(_name(asked.name), asked.version)
        return _answer("ModelReadyResponse", ready=self._readiness.model(spec))

    async def server_metadata(self, request: Request) -> bytes:  # noqa: ARG002  (it asks nothing)
        """Say which server this is."""
        return _answer(
            "ServerMetadataResponse",
            name=inference.SERVER_NAME,
            version=__version__,
            extensions=inference.EXTENSIONS,
        )

    async def model_metadata(self, request: Request) -> bytes:
        """Say what a model takes and gives."""
        asked = _parse("ModelMetadataRequest", request.body)
        spec = inference.make_spec(_name(asked.name), asked.version)
        with self._gateway.admin(_call("ModelMetadata", spec, request)):
            found = find_model(self._gateway.manager, spec)
            return inference_message.encode_metadata(
                spec.name, found.versions, found.signature, inference.PLATFORM
            )

    def model_infer(self, request: Request, respond: Respond) -> Cancel:
        """Start to run a model: see `method.Begin`."""
        asked = _parse("ModelInferRequest", request.body)
        spec = inference.make_spec(_name(asked.model_name), asked.model_version)
        call = _call("ModelInfer", spec, request)
        opened = Opened(self._gateway, call)
        opened.admit()
        answering = Answering(opened, respond)
        try:
            decoded = inference_message.decode(asked)
            now = asyncio.get_running_loop().time()
            call.deadline = decoded.check_deadline(now, call.deadline)
            call.priority = decoded.priority
            name = inference.pick_signature(opened.servable, decoded.parameters)
            number = opened.version.number

            def encode(outputs: dict[str, Array]) -> bytes:
                picked = inference.pick_outputs(decoded, outputs)
                return inference_message.encode(spec.name, number, decoded, picked)

            answering.start(name, decoded.inputs, encode)
        except BaseException as error:
            opened.close(error)
            raise
        return answering.cancel


def _name(name: str) -> str:
    if not name:
        raise InvalidArgumentError("the name of a model must not be empty")
    return name


def _call(api: str, spec: ModelSpec, request: Request) -> Call:
    return Call(
        V2_GRPC,
        api,
        spec,
        request.deadline,
        request.headers,
        request.peer,
        request.certificate,
        len(request.body),
    )


def _parse(name: str, body: bytes) -> Any:
    try:
        return protos.find(f"inference.{name}").FromString(body)
    except DecodeError:
        raise InternalError(f"the body must be a {name}, got bytes that are none") from None


def _answer(message: str, /, **fields: Any) -> bytes:
    return bytes(protos.find(f"inference.{message}")(**fields).SerializeToString())
