"""TF Serving's and the Open Inference Protocol's gRPC services, from the client's side."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from penstock.core.errors import InvalidArgumentError, OpError, UnimplementedError
from penstock.serving.client import datatypes, v2
from penstock.serving.client.exchange import (
    Array,
    Classes,
    Examples,
    GrpcRequest,
    Inputs,
    ModelRef,
    Signature,
    Talk,
    Tensor,
    as_input,
)
from penstock.wire import protos
from penstock.wire.tensors import array_to_proto, make_dtype, make_ndarray

_PREDICTION = "/tensorflow.serving.PredictionService/"
_MODEL = "/tensorflow.serving.ModelService/"
_INFERENCE = "/inference.GRPCInferenceService/"
_HEALTH = "/grpc.health.v1.Health/Check"
_SERVING = 1


class GrpcSpeech:
    """Talks of `tensorflow.serving.PredictionService` and `ModelService`."""

    def predict(
        self, model: ModelRef, inputs: Inputs, signature: str, wanted: Sequence[str]
    ) -> Talk[dict[str, Array]]:
        """Ask for the outputs of a signature."""
        declared = yield from self.signature(model, signature)
        request = protos.PredictRequest(model_spec=_spec(model, signature))
        for name, value in inputs.items():
            info = declared.inputs.get(name)
            array = as_input(value, None if info is None else info.dtype)
            request.inputs[name].CopyFrom(array_to_proto(array))
        request.output_filter.extend(wanted)
        answer = yield GrpcRequest(_PREDICTION + "Predict", request, protos.PredictResponse)
        return {name: make_ndarray(value, what=name) for name, value in answer.outputs.items()}

    def classify(self, model: ModelRef, examples: Examples, signature: str) -> Talk[Classes]:
        """Ask for the classes of examples."""
        request = protos.ClassificationRequest(model_spec=_spec(model, signature))
        _add_examples(request.input.example_list.examples, examples)
        answer = yield GrpcRequest(
            _PREDICTION + "Classify", request, protos.ClassificationResponse
        )
        return [
            [(each.label, each.score) for each in row.classes]
            for row in answer.result.classifications
        ]

    def regress(self, model: ModelRef, examples: Examples, signature: str) -> Talk[Array]:
        """Ask for the values of examples."""
        request = protos.RegressionRequest(model_spec=_spec(model, signature))
        _add_examples(request.input.example_list.examples, examples)
        answer = yield GrpcRequest(_PREDICTION + "Regress", request, protos.RegressionResponse)
        return np.array([each.value for each in answer.result.regressions], np.float32)

    def signature(self, model: ModelRef, name: str) -> Talk[Signature]:
        """Ask for the names and dtypes of a signature."""
        found = (yield from self._signatures(model)).get(name)
        if found is None:
            raise InvalidArgumentError(
                f"model '{model.name}' must have a signature '{name}', and has none"
            )
        return Signature(_tensors(found.inputs), _tensors(found.outputs))

    def metadata(self, model: ModelRef) -> Talk[dict[str, Any]]:
        """Ask for the signatures of a model."""
        signatures = yield from self._signatures(model)
        return {
            name: {
                "inputs": {key: str(info.name) for key, info in each.inputs.items()},
                "outputs": {key: str(info.name) for key, info in each.outputs.items()},
                "method_name": each.method_name,
            }
            for name, each in signatures.items()
        }

    def _signatures(self, model: ModelRef) -> Talk[dict[str, Any]]:
        request = protos.GetModelMetadataRequest(
            model_spec=_spec(model, ""), metadata_field=["signature_def"]
        )
        answer = yield GrpcRequest(
            _PREDICTION + "GetModelMetadata", request, protos.GetModelMetadataResponse
        )
        packed = answer.metadata["signature_def"].value
        what = f"signatures of '{model.name}'"
        return dict(protos.parse(protos.SignatureDefMap, packed, what).signature_def)

    def versions(self, model: ModelRef) -> Talk[dict[int, str]]:
        """Ask for the state of each version."""
        request = protos.GetModelStatusRequest(model_spec=_spec(model, ""))
        answer = yield GrpcRequest(
            _MODEL + "GetModelStatus", request, protos.GetModelStatusResponse
        )
        names = protos.find("tensorflow.serving.ModelVersionStatus.State")
        return {each.version: names.Name(each.state) for each in answer.model_version_status}

    def is_ready(self, model: ModelRef | None) -> Talk[bool]:
        """Ask gRPC's health service, or for an available version of a model."""
        if model is None:
            request = protos.find("grpc.health.v1.HealthCheckRequest")()
            answer_class = protos.find("grpc.health.v1.HealthCheckResponse")
            answer = yield GrpcRequest(_HEALTH, request, answer_class)
            return bool(answer.status == _SERVING)
        try:
            states = yield from self.versions(model)
        except OpError:
            return False
        return "AVAILABLE" in states.values()


class V2GrpcSpeech:
    """Talks of `inference.GRPCInferenceService`."""

    def predict(
        self, model: ModelRef, inputs: Inputs, signature: str, wanted: Sequence[str]
    ) -> Talk[dict[str, Array]]:
        """Ask for the outputs of a model."""
        declared = yield from self.signature(model, signature)
        request = _inference("ModelInferRequest")(**_named(model, "model_"))
        if signature != v2.DEFAULT_SIGNATURE:
            request.parameters["signature_name"].string_param = signature
        for name, value in inputs.items():
            info = declared.inputs.get(name)
            array = as_input(value, None if info is None else info.dtype)
            datatype = v2.datatype_of(name, array)
            request.inputs.add(name=name, datatype=datatype, shape=array.shape)
            request.raw_input_contents.append(v2.to_bytes(array))
        for name in wanted:
            request.outputs.add(name=name)
        answer = yield GrpcRequest(
            _INFERENCE + "ModelInfer", request, _inference("ModelInferResponse")
        )
        if len(answer.raw_output_contents) != len(answer.outputs):
            return {each.name: _from_contents(each) for each in answer.outputs}
        return {
            each.name: v2.from_bytes(raw, each.datatype, list(each.shape))
            for each, raw in zip(answer.outputs, answer.raw_output_contents, strict=True)
        }

    def classify(self, model: ModelRef, examples: Examples, signature: str) -> Talk[Classes]:
        """Refuse: the protocol knows tensors only.

        Raises:
            UnimplementedError: always.
        """
        raise UnimplementedError(v2.no_examples(model, len(examples), signature))
        yield  # a talk, as in the other protocols

    def regress(self, model: ModelRef, examples: Examples, signature: str) -> Talk[Array]:
        """Refuse: the protocol knows tensors only.

        Raises:
            UnimplementedError: always.
        """
        raise UnimplementedError(v2.no_examples(model, len(examples), signature))
        yield  # a talk, as in the other protocols

    def signature(self, model: ModelRef, name: str) -> Talk[Signature]:
        """Ask for the names and dtypes of the default signature; of others nothing is told."""
        if name != v2.DEFAULT_SIGNATURE:
            return Signature({}, {})
        answer = yield from self._ask_metadata(model)
        return Signature(_v2_tensors(answer.inputs), _v2_tensors(answer.outputs))

    def metadata(self, model: ModelRef) -> Talk[dict[str, Any]]:
        """Ask for what the server tells of a model."""
        answer = yield from self._ask_metadata(model)

        def told(tensors: Any) -> list[dict[str, Any]]:
            return [
                {"name": t.name, "datatype": t.datatype, "shape": list(t.shape)}
                for t in tensors
            ]

        return {
            "name": answer.name,
            "versions": list(answer.versions),
            "platform": answer.platform,
            "inputs": told(answer.inputs),
            "outputs": told(answer.outputs),
        }

    def _ask_metadata(self, model: ModelRef) -> Talk[Any]:
        return (
            yield GrpcRequest(
                _INFERENCE + "ModelMetadata",
                _inference("ModelMetadataRequest")(**_named(model)),
                _inference("ModelMetadataResponse"),
            )
        )

    def versions(self, model: ModelRef) -> Talk[dict[int, str]]:
        """Ask for the versions of a model, all of which are available."""
        answer = yield from self._ask_metadata(model)
        return {int(each): "AVAILABLE" for each in answer.versions}

    def is_ready(self, model: ModelRef | None) -> Talk[bool]:
        """Ask whether the server, or a model, is ready."""
        kind = "Server" if model is None else "Model"
        request = _inference(f"{kind}ReadyRequest")(**({} if model is None else _named(model)))
        answer = yield GrpcRequest(
            f"{_INFERENCE}{kind}Ready", request, _inference(f"{kind}ReadyResponse")
        )
        return bool(answer.ready)


def _inference(name: str) -> Any:
    return protos.find(f"inference.{name}")


def _named(model: ModelRef, prefix: str = "") -> dict[str, str]:
    v2.refuse_label(model)
    version = "" if model.version is None else str(model.version)
    return {f"{prefix}name": model.name, f"{prefix}version": version}


def _spec(model: ModelRef, signature: str) -> Any:
    spec = protos.ModelSpec(name=model.name, signature_name=signature)
    if model.version is not None:
        spec.version.value = model.version
    elif model.label is not None:
        spec.version_label = model.label
    return spec


def _tensors(infos: Mapping[str, Any]) -> dict[str, Tensor]:
    return {
        name: Tensor(
            name,
            np.dtype(make_dtype(info.dtype).as_numpy_dtype),
            None
            if info.tensor_shape.unknown_rank
            else tuple(dim.size for dim in info.tensor_shape.dim),
        )
        for name, info in infos.items()
    }


def _v2_tensors(infos: Any) -> dict[str, Tensor]:
    return {
        each.name: Tensor(each.name, datatypes.from_v2(each.datatype), tuple(each.shape))
        for each in infos
    }


def _from_contents(tensor: Any) -> Array:
    dtype = datatypes.from_v2(tensor.datatype)
    filled = tensor.contents.ListFields()
    values = list(filled[0][1]) if filled else []
    array = np.array(values, dtype)
    return array.reshape(tuple(tensor.shape))


def _add_examples(field: Any, examples: Examples) -> None:
    for each in examples:
        example = field.add()
        for name, value in each.items():
            _set_feature(example.features.feature[name], name, value)


def _set_feature(feature: Any, name: str, value: Any) -> None:
    values = np.atleast_1d(np.asarray(value, object)).ravel().tolist()
    if all(isinstance(item, bool | int | np.integer) for item in values):
        feature.int64_list.value.extend(int(item) for item in values)
    elif all(isinstance(item, int | float | np.integer | np.floating) for item in values):
        feature.float_list.value.extend(float(item) for item in values)
    elif all(isinstance(item, bytes | str) for item in values):
        feature.bytes_list.value.extend(
            item.encode() if isinstance(item, str) else item for item in values
        )
    else:
        raise InvalidArgumentError(
            f"feature '{name}' must be numbers or strings, got {value!r:.80}"
        )
