"""TensorFlow Serving: requests, answers, logs and configuration.

The notation is told in `penstock.wire.protos.build`.
"""

from typing import Final

FILES: Final[dict[str, dict[str, str]]] = {
    "tensorflow_serving/apis/model.proto": {
        "package": "tensorflow.serving",
        "ModelSpec": """
            1 name string; 2 version google.protobuf.Int64Value @version_choice;
            4 version_label string @version_choice; 3 signature_name string
        """,
    },
    "tensorflow_serving/apis/input.proto": {
        "package": "tensorflow.serving",
        "ExampleList": "1 examples [Example]",
        "ExampleListWithContext": "1 examples [Example]; 2 context Example",
        "Input": """
            1 example_list ExampleList @kind;
            2 example_list_with_context ExampleListWithContext @kind
        """,
    },
    "tensorflow_serving/apis/status.proto": {
        "package": "tensorflow.serving",
        "StatusProto": "1 error_code error.Code; 2 error_message string",
    },
    "tensorflow_serving/apis/classification.proto": {
        "package": "tensorflow.serving",
        "Class": "1 label string; 2 score float",
        "Classifications": "1 classes [Class]",
        "ClassificationResult": "1 classifications [Classifications]",
        "ClassificationRequest": "1 model_spec ModelSpec; 2 input Input",
        "ClassificationResponse": "2 model_spec ModelSpec; 1 result ClassificationResult",
    },
    "tensorflow_serving/apis/regression.proto": {
        "package": "tensorflow.serving",
        "Regression": "1 value float",
        "RegressionResult": "1 regressions [Regression]",
        "RegressionRequest": "1 model_spec ModelSpec; 2 input Input",
        "RegressionResponse": "2 model_spec ModelSpec; 1 result RegressionResult",
    },
    "tensorflow_serving/apis/inference.proto": {
        "package": "tensorflow.serving",
        "InferenceTask": "1 model_spec ModelSpec; 2 method_name string",
        "InferenceResult": """
            1 model_spec ModelSpec; 2 classification_result ClassificationResult @result;
            3 regression_result RegressionResult @result
        """,
        "MultiInferenceRequest": "1 tasks [InferenceTask]; 2 input Input",
        "MultiInferenceResponse": "1 results [InferenceResult]",
    },
    "tensorflow_serving/apis/predict.proto": {
        "package": "tensorflow.serving",
        "PredictRequest": """
            1 model_spec ModelSpec; 2 inputs {string: TensorProto}; 3 output_filter [string];
            5 predict_streamed_options PredictStreamedOptions; 6 client_id bytes?;
            7 request_options .RequestOptions?
        """,
        "PredictRequest.RequestOptions": """
            1 client_id bytes?; 2 deterministic_mode .DeterministicMode?;
            3 return_additional_arrays_from_prefill bool?; 4 return_stoptokens [int64];
            9 return_all_stoptokens bool?; 6 max_cache_length int64?; 13 handshake .Handshake?
        """,
        "enum PredictRequest.RequestOptions.DeterministicMode": """
            DETERMINISTIC_MODE_UNSPECIFIED=0 FIXED_DECODER_SLOT=1
        """,
        "PredictRequest.RequestOptions.Handshake": "1 estimated_payload_bytes int64",
        "PredictStreamedOptions": """
            1 request_state .RequestState; 2 split_dimensions {string: int32};
            3 return_single_response bool
        """,
        "enum PredictStreamedOptions.RequestState": "NONE=0 SPLIT=1 END_SPLIT=2 CANCEL=3",
        "PredictResponse": "2 model_spec ModelSpec; 1 outputs {string: TensorProto}",
    },
    "tensorflow_serving/apis/get_model_metadata.proto": {
        "package": "tensorflow.serving",
        "SignatureDefMap": "1 signature_def {string: SignatureDef}",
        "GetModelMetadataRequest": "1 model_spec ModelSpec; 2 metadata_field [string]",
        "GetModelMetadataResponse": """
            1 model_spec ModelSpec; 2 metadata {string: google.protobuf.Any}
        """,
    },
    "tensorflow_serving/apis/get_model_status.proto": {
        "package": "tensorflow.serving",
        "GetModelStatusRequest": "1 model_spec ModelSpec",
        "ModelVersionStatus": "1 version int64; 2 state .State; 3 status StatusProto",
        "enum ModelVersionStatus.State": """
            UNKNOWN=0 START=10 LOADING=20 AVAILABLE=30 UNLOADING=40 END=50
        """,
        "GetModelStatusResponse": "1 model_version_status [ModelVersionStatus]",
    },
    "tensorflow_serving/apis/logging.proto": {
        "package": "tensorflow.serving",
        "LogMetadata": """
            1 model_spec ModelSpec; 2 sampling_config SamplingConfig;
            3 saved_model_tags [string]; 4 timestamp_secs int64; 5 dc string;
            6 request_origin string; 7 request_criticality string;
            8 safe_aggregation_privacy_key int64
        """,
    },
    "tensorflow_serving/apis/model_management.proto": {
        "package": "tensorflow.serving",
        "ReloadConfigRequest": "1 config ModelServerConfig; 2 metric_names [string]",
        "ReloadConfigResponse": "1 status StatusProto; 2 metric [Metric]",
        "Metric": "1 name string; 2 int64_value_increase int64 @value_increase",
    },
    "tensorflow_serving/apis/session_service.proto": {
        "package": "tensorflow.serving",
        "SessionRunRequest": """
            1 model_spec ModelSpec; 2 feed [NamedTensorProto]; 3 fetch [string];
            4 target [string]; 6 tensor_name_is_alias bool; 5 options RunOptions
        """,
        "SessionRunResponse": """
            3 model_spec ModelSpec; 1 tensor [NamedTensorProto]; 2 metadata RunMetadata
        """,
        "service SessionService": "SessionRun(SessionRunRequest) SessionRunResponse",
    },
    "tensorflow_serving/apis/prediction_log.proto": {
        "package": "tensorflow.serving",
        "ClassifyLog": "1 request ClassificationRequest; 2 response ClassificationResponse",
        "RegressLog": "1 request RegressionRequest; 2 response RegressionResponse",
        "PredictLog": "1 request PredictRequest; 2 response PredictResponse",
        "PredictStreamedLog": "1 request [PredictRequest]; 2 response [PredictResponse]",
        "MultiInferenceLog": """
            1 request MultiInferenceRequest; 2 response MultiInferenceResponse
        """,
        "SessionRunLog": "1 request SessionRunRequest; 2 response SessionRunResponse",
        "PredictionLog": """
            1 log_metadata LogMetadata; 2 classify_log ClassifyLog @log_type;
            3 regress_log RegressLog @log_type; 6 predict_log PredictLog @log_type;
            7 predict_streamed_log PredictStreamedLog @log_type;
            4 multi_inference_log MultiInferenceLog @log_type;
            5 session_run_log SessionRunLog @log_type
        """,
    },
    "tensorflow_serving/apis/prediction_service.proto": {
        "package": "tensorflow.serving",
        "service PredictionService": """
            Classify(ClassificationRequest) ClassificationResponse;
            Regress(RegressionRequest) RegressionResponse;
            Predict(PredictRequest) PredictResponse;
            MultiInference(MultiInferenceRequest) MultiInferenceResponse;
            GetModelMetadata(GetModelMetadataRequest) GetModelMetadataResponse
        """,
    },
    "tensorflow_serving/apis/model_service.proto": {
        "package": "tensorflow.serving",
        "service ModelService": """
            GetModelStatus(GetModelStatusRequest) GetModelStatusResponse;
            HandleReloadConfigRequest(ReloadConfigRequest) ReloadConfigResponse
        """,
    },
    "tensorflow_serving/config/log_collector_config.proto": {
        "package": "tensorflow.serving",
        "LogCollectorConfig": "1 type string; 2 filename_prefix string",
    },
    "tensorflow_serving/config/logging_config.proto": {
        "package": "tensorflow.serving",
        "PerTaskSamplingConfig": "1 dc string; 2 task_index int32?; 3 sampling_rate double",
        "SamplingConfig": """
            1 sampling_rate double; 3 per_task_sampling_configs [PerTaskSamplingConfig];
            2 attributes int32
        """,
        "enum SamplingConfig.Attributes": """
            ATTR_DEFAULT=0 ATTR_REQUEST_ORIGIN=1 ATTR_REQUEST_CRITICALITY=2
        """,
        "LoggingConfig": """
            1 log_collector_config LogCollectorConfig; 2 sampling_config SamplingConfig;
            3 custom_logging_config google.protobuf.Any
        """,
    },
    "tensorflow_serving/config/file_system_storage_path_source.proto": {
        "package": "tensorflow.serving",
        "FileSystemStoragePathSourceConfig": """
            5 servables [.ServableToMonitor]; 3 file_system_poll_wait_seconds int64;
            4 fail_if_zero_versions_at_startup bool; 6 servable_versions_always_present bool
        """,
        "FileSystemStoragePathSourceConfig.ServableVersionPolicy": """
            100 latest .Latest @policy_choice; 101 all .All @policy_choice;
            102 specific .Specific @policy_choice
        """,
        "FileSystemStoragePathSourceConfig.ServableVersionPolicy.Latest": """
            1 num_versions uint32
        """,
        "FileSystemStoragePathSourceConfig.ServableVersionPolicy.All": "",
        "FileSystemStoragePathSourceConfig.ServableVersionPolicy.Specific": """
            1 versions [int64]
        """,
        "FileSystemStoragePathSourceConfig.ServableToMonitor": """
            1 servable_name string; 2 base_path string;
            4 servable_version_policy FileSystemStoragePathSourceConfig.ServableVersionPolicy
        """,
    },
    "tensorflow_serving/config/model_server_config.proto": {
        "package": "tensorflow.serving",
        "enum ModelType": "MODEL_TYPE_UNSPECIFIED=0 TENSORFLOW=1 OTHER=2",
        "ModelConfig": """
            1 name string; 2 base_path string; 3 model_type ModelType; 4 model_platform string;
            7 model_version_policy FileSystemStoragePathSourceConfig.ServableVersionPolicy;
            8 version_labels {string: int64}; 6 logging_config LoggingConfig
        """,
        "ModelConfigList": "1 config [ModelConfig]",
        "ModelServerConfig": """
            1 model_config_list ModelConfigList @config;
            2 custom_model_config google.protobuf.Any @config
        """,
    },
    "tensorflow_serving/config/platform_config.proto": {
        "package": "tensorflow.serving",
        "PlatformConfig": "1 source_adapter_config google.protobuf.Any",
        "PlatformConfigMap": "1 platform_configs {string: PlatformConfig}",
    },
    "tensorflow_serving/config/monitoring_config.proto": {
        "package": "tensorflow.serving",
        "PrometheusConfig": "1 enable bool; 2 path string",
        "MonitoringConfig": "1 prometheus_config PrometheusConfig",
    },
    "tensorflow_serving/config/ssl_config.proto": {
        "package": "tensorflow.serving",
        "SSLConfig": """
            1 server_key string; 2 server_cert string; 3 custom_ca string; 4 client_verify bool
        """,
    },
    "tensorflow_serving/servables/tensorflow/session_bundle_config.proto": {
        "package": "tensorflow.serving",
        "SessionBundleConfig": """
            1 session_target string; 2 session_config ConfigProto;
            3 batching_parameters BatchingParameters;
            4 session_run_load_threadpool_index google.protobuf.Int32Value;
            778 experimental_fixed_input_tensors [NamedTensorProto]
        """,
        "BatchingParameters": """
            1 max_batch_size google.protobuf.Int64Value;
            2 batch_timeout_micros google.protobuf.Int64Value;
            3 max_enqueued_batches google.protobuf.Int64Value;
            4 num_batch_threads google.protobuf.Int64Value;
            5 thread_pool_name google.protobuf.StringValue;
            6 allowed_batch_sizes [int64]; 7 pad_variable_length_inputs bool;
            8 enable_large_batch_splitting google.protobuf.BoolValue;
            9 max_execution_batch_size google.protobuf.Int64Value
        """,
    },
}
