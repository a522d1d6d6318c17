"""Services beside TensorFlow's: gRPC's health and reflection, the Open Inference Protocol.

The notation is told in `penstock.wire.protos.build`.

Source: `grpc/health/v1/health.proto`, `grpc/reflection/v1/reflection.proto` and its first form
`v1alpha`, and `open_inference_grpc.proto` of the Open Inference Protocol, version 2.
"""

from typing import Final

_REFLECTION: Final = {
    "ServerReflectionRequest": """
        1 host string; 3 file_by_filename string @message_request;
        4 file_containing_symbol string @message_request;
        5 file_containing_extension ExtensionRequest @message_request;
        6 all_extension_numbers_of_type string @message_request;
        7 list_services string @message_request
    """,
    "ExtensionRequest": "1 containing_type string; 2 extension_number int32",
    "ServerReflectionResponse": """
        1 valid_host string; 2 original_request ServerReflectionRequest;
        4 file_descriptor_response FileDescriptorResponse @message_response;
        5 all_extension_numbers_response ExtensionNumberResponse @message_response;
        6 list_services_response ListServiceResponse @message_response;
        7 error_response ErrorResponse @message_response
    """,
    "FileDescriptorResponse": "1 file_descriptor_proto [bytes]",
    "ExtensionNumberResponse": "1 base_type_name string; 2 extension_number [int32]",
    "ListServiceResponse": "1 service [ServiceResponse]",
    "ServiceResponse": "1 name string",
    "ErrorResponse": "1 error_code int32; 2 error_message string",
    "service ServerReflection": """
        ServerReflectionInfo(stream ServerReflectionRequest) stream ServerReflectionResponse
    """,
}

FILES: Final[dict[str, dict[str, str]]] = {
    "grpc/health/v1/health.proto": {
        "package": "grpc.health.v1",
        "HealthCheckRequest": "1 service string",
        "HealthCheckResponse": "1 status .ServingStatus",
        "enum HealthCheckResponse.ServingStatus": """
            UNKNOWN=0 SERVING=1 NOT_SERVING=2 SERVICE_UNKNOWN=3
        """,
        "service Health": """
            Check(HealthCheckRequest) HealthCheckResponse;
            Watch(HealthCheckRequest) stream HealthCheckResponse
        """,
    },
    "grpc/reflection/v1/reflection.proto": {"package": "grpc.reflection.v1", **_REFLECTION},
    "grpc/reflection/v1alpha/reflection.proto": {
        "package": "grpc.reflection.v1alpha",
        **_REFLECTION,
    },
    "open_inference_grpc.proto": {
        "package": "inference",
        "ServerLiveRequest": "",
        "ServerLiveResponse": "1 live bool",
        "ServerReadyRequest": "",
        "ServerReadyResponse": "1 ready bool",
        "ModelReadyRequest": "1 name string; 2 version string",
        "ModelReadyResponse": "1 ready bool",
        "ServerMetadataRequest": "",
        "ServerMetadataResponse": "1 name string; 2 version string; 3 extensions [string]",
        "ModelMetadataRequest": "1 name string; 2 version string",
        "ModelMetadataResponse": """
            1 name string; 2 versions [string]; 3 platform string; 4 inputs [.TensorMetadata];
            5 outputs [.TensorMetadata]; 6 properties {string: string}
        """,
        "ModelMetadataResponse.TensorMetadata": """
            1 name string; 2 datatype string; 3 shape [int64]
        """,
        "InferParameter": """
            1 bool_param bool @parameter_choice; 2 int64_param int64 @parameter_choice;
            3 string_param string @parameter_choice; 4 double_param double @parameter_choice;
            5 uint64_param uint64 @parameter_choice
        """,
        "InferTensorContents": """
            1 bool_contents [bool]; 2 int_contents [int32]; 3 int64_contents [int64];
            4 uint_contents [uint32]; 5 uint64_contents [uint64]; 6 fp32_contents [float];
            7 fp64_contents [double]; 8 bytes_contents [bytes]
        """,
        "ModelInferRequest": """
            1 model_name string; 2 model_version string; 3 id string;
            4 parameters {string: InferParameter}; 5 inputs [.InferInputTensor];
            6 outputs [.InferRequestedOutputTensor]; 7 raw_input_contents [bytes]
        """,
        "ModelInferRequest.InferInputTensor": """
            1 name string; 2 datatype string; 3 shape [int64];
            4 parameters {string: InferParameter}; 5 contents InferTensorContents
        """,
        "ModelInferRequest.InferRequestedOutputTensor": """
            1 name string; 2 parameters {string: InferParameter}
        """,
        "ModelInferResponse": """
            1 model_name string; 2 model_version string; 3 id string;
            4 parameters {string: InferParameter}; 5 outputs [.InferOutputTensor];
            6 raw_output_contents [bytes]
        """,
        "ModelInferResponse.InferOutputTensor": """
            1 name string; 2 datatype string; 3 shape [int64];
            4 parameters {string: InferParameter}; 5 contents InferTensorContents
        """,
        "service GRPCInferenceService": """
            ServerLive(ServerLiveRequest) ServerLiveResponse;
            ServerReady(ServerReadyRequest) ServerReadyResponse;
            ModelReady(ModelReadyRequest) ModelReadyResponse;
            ServerMetadata(ServerMetadataRequest) ServerMetadataResponse;
            ModelMetadata(ModelMetadataRequest) ModelMetadataResponse;
            ModelInfer(ModelInferRequest) ModelInferResponse
        """,
    },
}
