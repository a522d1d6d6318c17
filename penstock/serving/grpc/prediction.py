"""TF Serving's gRPC services: PredictionService and ModelService.

Source: TF Serving's `prediction_service.proto`, `model_service.proto`,
`get_model_status_impl.cc` and `get_model_metadata_impl.cc`; texts and codes of errors are its
own.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from google.protobuf.message import DecodeError

from penstock.core import metrics
from penstock.core.errors import InternalError, InvalidArgumentError
from penstock.serving.call import GRPC, Call, ModelSpec
from penstock.serving.gateway import Gateway, Opened
from penstock.serving.grpc.answering import Answering
from penstock.serving.grpc.method import Cancel, Method, Respond, direct, unary
from penstock.serving.protocols import example_message, predict_message
from penstock.serving.protocols.example_message import examples_of
from penstock.serving.protocols.tasks import INPUTS
from penstock.serving.router import Request
from penstock.serving.servable import CLASSIFY_METHOD, REGRESS_METHOD, Array
from penstock.wire import protos

PREDICTION_SERVICE: Final = "tensorflow.serving.PredictionService"
MODEL_SERVICE: Final = "tensorflow.serving.ModelService"
_METADATA_FIELD: Final = "signature_def"


class PredictionApi:
    """Methods of both services. Lives in one event loop.

    Args:
        gateway: the way to the models.
        as_content: whether predict answers go out as raw bytes in `tensor_content`.
    """

    def __init__(
        self,
        gateway: Gateway,
        *,
        as_content: bool = False,
    ) -> None:
        self._gateway = gateway
        self._as_content = as_content

    def methods(self) -> dict[str, Method]:
        """Return the methods by their paths."""
        return {
            f"/{PREDICTION_SERVICE}/Predict": direct(self.predict),
            f"/{PREDICTION_SERVICE}/Classify": unary(self.classify),
            f"/{PREDICTION_SERVICE}/Regress": unary(self.regress),
            f"/{PREDICTION_SERVICE}/MultiInference": unary(self.multi_inference),
            f"/{PREDICTION_SERVICE}/GetModelMetadata": unary(self.metadata),
            f"/{MODEL_SERVICE}/GetModelStatus": unary(self.status),
            f"/{MODEL_SERVICE}/HandleReloadConfigRequest": unary(self.reload),
        }

    def predict(self, request: Request, respond: Respond) -> Cancel:
        """Start to answer a PredictRequest: see `method.Begin`."""
        asked = predict_message.read_predict(request.body)
        name = asked.signature_name
        opened = Opened(self._gateway, _call("Predict", asked.spec, request))
        opened.admit()
        answering = Answering(opened, respond)
        try:
            signature = predict_message.find_signature(opened.servable, name)
            inputs = predict_message.predict_inputs(asked, signature)
            wanted = predict_message.wanted_outputs(asked, signature)
            number = opened.version.number

            def encode(outputs: dict[str, Array]) -> bytes:
                found = {alias: outputs[alias] for alias in wanted} if wanted else outputs
                return predict_message.encode_predict(
                    asked.spec.name, number, name, found, as_content=self._as_content
                )

            answering.start(name, inputs, encode)
        except BaseException as error:
            opened.close(error)
            raise
        return answering.cancel

    async def classify(self, request: Request) -> bytes:
        """Answer a ClassificationRequest."""
        asked = _parse("ClassificationRequest", request.body)
        return await self._task("Classify", asked, request, CLASSIFY_METHOD)

    async def regress(self, request: Request) -> bytes:
        """Answer a RegressionRequest."""
        asked = _parse("RegressionRequest", request.body)
        return await self._task("Regress", asked, request, REGRESS_METHOD)

    async def _task(self, api: str, asked: Any, request: Request, method: str) -> bytes:
        spec, name = _spec(asked)
        is_classify = method == CLASSIFY_METHOD
        answer = protos.ClassificationResponse() if is_classify else protos.RegressionResponse()
        with self._gateway.open(_call(api, spec, request)) as opened:
            example_message.find_task(opened.servable, name, method)
            examples = examples_of(asked.input)
            outputs = await opened.run(name, {INPUTS: examples})
            answer.result.SetInParent()
            example_message.fill_result(answer.result, method, outputs, len(examples))
            number = opened.version.number
            predict_message.set_spec(answer.model_spec, spec.name, number, name)
        return bytes(answer.SerializeToString())

    async def multi_inference(self, request: Request) -> bytes:
        """Answer a MultiInferenceRequest: several signatures on the same examples."""
        asked = _parse("MultiInferenceRequest", request.body)
        first = asked.tasks[0].model_spec if asked.tasks else protos.ModelSpec()
        spec, _ = predict_message.model_spec(first)
        answer = protos.MultiInferenceResponse()
        with self._gateway.open(_call("MultiInference", spec, request)) as opened:
            tasks = example_message.find_tasks(asked, opened.servable)
            examples = examples_of(asked.input)
            # Together, so that batches are shared and the answer waits for the slowest only.
            computed = await asyncio.gather(
                *(opened.run(name, {INPUTS: examples}) for name, _ in tasks)
            )
            for (name, method), outputs in zip(tasks, computed, strict=True):
                result = answer.results.add()
                is_classify = method == CLASSIFY_METHOD
                kind = "classification_result" if is_classify else "regression_result"
                getattr(result, kind).SetInParent()
                example_message.fill_result(
                    getattr(result, kind), method, outputs, len(examples)
                )
                number = opened.version.number
                predict_message.set_spec(result.model_spec, spec.name, number, name)
        return bytes(answer.SerializeToString())

    async def metadata(self, request: Request) -> bytes:
        """Answer a GetModelMetadataRequest."""
        asked = _parse("GetModelMetadataRequest", request.body)
        if not asked.HasField("model_spec"):
            raise InvalidArgumentError("Missing ModelSpec")
        _check_fields(asked.metadata_field)
        spec, _ = predict_message.model_spec(asked.model_spec)
        call = _call("GetModelMetadata", spec, request)
        with self._gateway.admin(call), self._gateway.manager.acquire(spec) as version:
            call.version = version.number
            answer = example_message.metadata_message(
                spec.name, version.number, version.engine.servable.signatures
            )
        return bytes(answer.SerializeToString())

    async def status(self, request: Request) -> bytes:
        """Answer a GetModelStatusRequest."""
        asked = _parse("GetModelStatusRequest", request.body)
        if not asked.HasField("model_spec"):
            raise InvalidArgumentError("Missing ModelSpec")
        message = asked.model_spec
        has_version = message.WhichOneof("version_choice") == "version"
        spec = ModelSpec(message.name, message.version.value if has_version else None)
        answer = protos.GetModelStatusResponse()
        with self._gateway.admin(_call("GetModelStatus", spec, request)):
            for each in self._gateway.manager.status(spec):
                found = answer.model_version_status.add(version=each.version, state=each.state)
                found.status.error_code = protos.find("tensorflow.error.Code").Value(
                    each.error_code
                )
                found.status.error_message = each.error_message
        return bytes(answer.SerializeToString())

    async def reload(self, request: Request) -> bytes:
        """Answer a ReloadConfigRequest when the models of the new configuration are served."""
        asked = _parse("ReloadConfigRequest", request.body)
        answer = protos.ReloadConfigResponse()
        with self._gateway.admin(_call("HandleReloadConfigRequest", ModelSpec(""), request)):
            if asked.config.WhichOneof("config") != "model_config_list":
                raise InvalidArgumentError(
                    "ServerModelConfig type not supported by HandleReloadConfigRequest. "
                    "Only ModelConfigList is currently supported"
                )
            before = {name: _counted(name) for name in asked.metric_names}
            # A caller that leaves must not take the change back.
            done = self._gateway.manager.reload_later(asked.config)
            await asyncio.shield(asyncio.wrap_future(done))
            for name, value in before.items():
                answer.metric.add(name=name, int64_value_increase=_counted(name) - value)
            answer.status.SetInParent()
        return bytes(answer.SerializeToString())


def _call(api: str, spec: ModelSpec, request: Request) -> Call:
    return Call(
        GRPC,
        api,
        spec,
        request.deadline,
        request.headers,
        request.peer,
        request.certificate,
        len(request.body),
    )


def _spec(asked: Any) -> tuple[ModelSpec, str]:
    if not asked.HasField("model_spec"):
        raise InvalidArgumentError("Missing ModelSpec")
    return predict_message.model_spec(asked.model_spec)


def _check_fields(fields: Sequence[str]) -> None:
    if not fields:
        raise InvalidArgumentError(
            "GetModelMetadataRequest must specify at least one metadata_field"
        )
    for field in fields:
        if field != _METADATA_FIELD:
            raise InvalidArgumentError(f"Metadata field {field} is not supported")


def _counted(name: str) -> int:
    """Sum of a counter over its labels; 0 for what is none, as TF Serving has it.

    Args:
        name: as TF Serving writes it in code, `/tensorflow/serving/request_count`, or with
            colons as it stands on the page of metrics.
    """
    wanted = name.replace("/", ":")
    for row in metrics.rows():
        if row.name == wanted and row.kind == "counter":
            return int(sum(cell.value() for _, cell in row.collect()))  # type: ignore[misc]
    return 0


def _parse(name: str, body: bytes) -> Any:
    try:
        return protos.find(f"tensorflow.serving.{name}").FromString(body)
    except DecodeError:
        raise InternalError(f"the body must be a {name}, got bytes that are none") from None
