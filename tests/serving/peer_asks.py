"""Asks a server with the clients of others; prints JSON. Run by `test_peer.py`.

Packages: tensorflow-serving-api, tritonclient[all], grpcio-reflection, grpcio-health-checking,
openapi-spec-validator.
"""

import json
import sys
import urllib.request

import grpc
import numpy as np


def asks_tf_serving(grpc_address, _http_address):
    """The client of TF Serving's own package."""
    import tensorflow as tf
    from tensorflow_serving.apis import (
        classification_pb2,
        get_model_metadata_pb2,
        get_model_status_pb2,
        inference_pb2,
        model_service_pb2_grpc,
        predict_pb2,
        prediction_service_pb2_grpc,
        regression_pb2,
    )

    channel = grpc.insecure_channel(grpc_address)
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    predict = predict_pb2.PredictRequest()
    predict.model_spec.name = "module_signatures"
    predict.model_spec.signature_name = "two"
    a, b = np.arange(6, dtype=np.float32).reshape(2, 3), np.ones((2, 3), np.float32)
    predict.inputs["a"].CopyFrom(tf.make_tensor_proto(a))
    predict.inputs["b"].CopyFrom(tf.make_tensor_proto(b))
    predicted = stub.Predict(predict, timeout=60)
    found = {
        "predict": {k: tf.make_ndarray(v).tolist() for k, v in predicted.outputs.items()},
        "version": predicted.model_spec.version.value,
    }
    try:
        stub.Predict(predict_pb2.PredictRequest(), timeout=60)
    except grpc.RpcError as error:
        found["error"] = [error.code().name, error.details()]

    def examples(request, signature):
        request.model_spec.name = "parse_example_classify_regress"
        request.model_spec.signature_name = signature
        example = request.input.example_list.examples.add()
        example.features.feature["x"].float_list.value.extend([1.0, -0.5, 0.25])
        return request

    classified = stub.Classify(
        examples(classification_pb2.ClassificationRequest(), "classify"), timeout=60
    )
    classes = classified.result.classifications[0].classes
    found["classify"] = [[each.label, each.score] for each in classes]
    regressed = stub.Regress(
        examples(regression_pb2.RegressionRequest(), "regress"), timeout=60
    )
    found["regress"] = [each.value for each in regressed.result.regressions]
    multi = inference_pb2.MultiInferenceRequest()
    for signature, method in (("classify", "classify"), ("regress", "regress")):
        task = multi.tasks.add(method_name=f"tensorflow/serving/{method}")
        task.model_spec.name = "parse_example_classify_regress"
        task.model_spec.signature_name = signature
    example = multi.input.example_list.examples.add()
    example.features.feature["x"].float_list.value.extend([1.0, -0.5, 0.25])
    both = stub.MultiInference(multi, timeout=60).results
    found["multi"] = [
        [[c.label, c.score] for c in both[0].classification_result.classifications[0].classes],
        [each.value for each in both[1].regression_result.regressions],
    ]
    metadata = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    metadata.model_spec.name = "module_signatures"
    answer = stub.GetModelMetadata(metadata, timeout=60)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    answer.metadata["signature_def"].Unpack(signatures)
    found["signatures"] = sorted(signatures.signature_def)
    status = get_model_status_pb2.GetModelStatusRequest()
    status.model_spec.name = "module_signatures"
    states = model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus(status, timeout=60)
    found["states"] = [[s.version, s.state] for s in states.model_version_status]
    return found


def asks_triton(grpc_address, http_address):
    """Triton's clients, over HTTP and over gRPC."""
    import tritonclient.grpc
    import tritonclient.http
    from tritonclient.utils import InferenceServerException

    found = {}
    for name, client_module, address in (
        ("http", tritonclient.http, http_address),
        ("grpc", tritonclient.grpc, grpc_address),
    ):
        client = client_module.InferenceServerClient(address)
        values = np.arange(24, dtype=np.float32).reshape(2, 12) / 10
        features = client_module.InferInput("features", [2, 12], "FP32")
        features.set_data_from_numpy(values)
        wanted = [client_module.InferRequestedOutput("output_0")]
        words = client_module.InferInput("w", [2], "BYTES")
        words.set_data_from_numpy(np.array([b"alpha", b"none"], object))
        metadata = client.get_model_metadata("keras_mlp")
        found[name] = {
            "health": [
                client.is_server_live(),
                client.is_server_ready(),
                client.is_model_ready("keras_mlp"),
                client.is_model_ready("keras_mlp", "1"),
                client.is_model_ready("none"),
            ],
            "platform": metadata["platform"] if name == "http" else metadata.platform,
            "infer": client.infer("keras_mlp", [features], outputs=wanted)
            .as_numpy("output_0")
            .tolist(),
            "words": client.infer("table_with_asset", [words]).as_numpy("id").tolist(),
        }
        if name == "http":
            plain = tritonclient.http.InferInput("features", [2, 12], "FP32")
            plain.set_data_from_numpy(values, binary_data=False)
            output = tritonclient.http.InferRequestedOutput("output_0", binary_data=False)
            answer = client.infer("keras_mlp", [plain], outputs=[output], request_id="7")
            found[name]["json"] = answer.as_numpy("output_0").tolist()
            found[name]["id"] = answer.get_response()["id"]
            packed = client.infer(
                "keras_mlp", [features], outputs=wanted, request_compression_algorithm="gzip"
            )
            found[name]["compressed"] = packed.as_numpy("output_0").tolist()
        else:
            packed = client.infer(
                "keras_mlp", [features], outputs=wanted, compression_algorithm="gzip"
            )
            found[name]["compressed"] = packed.as_numpy("output_0").tolist()
        try:
            client.infer("keras_mlp", [words])
        except InferenceServerException as error:
            found[name]["error"] = str(error)
    return found


def asks_reflection(grpc_address, _http_address):
    """What grpcurl does: learn the messages from the server, then call a method with them."""
    from google.protobuf import message_factory
    from google.protobuf.descriptor_pool import DescriptorPool
    from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
        ProtoReflectionDescriptorDatabase,
    )

    channel = grpc.insecure_channel(grpc_address)
    database = ProtoReflectionDescriptorDatabase(channel)
    pool = DescriptorPool(database)
    services = {
        name: [m.name for m in pool.FindServiceByName(name).methods]
        for name in database.get_services()
    }
    method = pool.FindServiceByName("tensorflow.serving.ModelService").methods_by_name[
        "GetModelStatus"
    ]
    asked = message_factory.GetMessageClass(method.input_type)(model_spec={"name": "keras_mlp"})
    answer_class = message_factory.GetMessageClass(method.output_type)
    path = f"/{method.containing_service.full_name}/{method.name}"
    answer = answer_class.FromString(
        channel.unary_unary(path)(asked.SerializeToString(), timeout=60)
    )
    return {
        "services": services,
        "states": [[s.version, s.state] for s in answer.model_version_status],
    }


def asks_health(grpc_address, _http_address):
    """The client of gRPC's health package."""
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    stub = health_pb2_grpc.HealthStub(grpc.insecure_channel(grpc_address))
    names = ("", "keras_mlp", "tensorflow.serving.PredictionService")
    found = {
        name: stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=60).status
        for name in names
    }
    watch = stub.Watch(health_pb2.HealthCheckRequest(service="none"), timeout=60)
    found["watched"] = next(watch).status
    watch.cancel()
    try:
        stub.Check(health_pb2.HealthCheckRequest(service="none"), timeout=60)
    except grpc.RpcError as error:
        found["unknown"] = error.code().name
    return found


def asks_openapi(_grpc_address, http_address):
    """A validator of OpenAPI documents, and the requests of the vectors against the schemas."""
    from jsonschema import Draft202012Validator
    from openapi_spec_validator import validate

    with urllib.request.urlopen(f"http://{http_address}/openapi.json") as answer:
        document = json.load(answer)
    validate(document)
    wrong = []
    for vector in json.loads(sys.stdin.read()):
        operation = document["paths"].get(vector["path"], {}).get("post")
        if operation is None:
            continue
        for kind, content, body in (
            ("request", operation["requestBody"], vector["request"]),
            ("response", operation["responses"]["200"], vector["response"]),
        ):
            schema = content["content"]["application/json"]["schema"]
            whole = {**schema, "components": document["components"]}
            error = next(Draft202012Validator(whole).iter_errors(body), None)
            if error is not None:
                wrong.append([vector["id"], kind, error.message[:200]])
    return {"version": document["openapi"], "wrong": wrong}


if __name__ == "__main__":
    print(json.dumps(globals()[f"asks_{sys.argv[1]}"](*sys.argv[2:])))
