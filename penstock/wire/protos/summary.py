"""Summaries and event files.

The notation is told in `penstock.wire.protos.build`.
"""

from typing import Final

FILES: Final[dict[str, dict[str, str]]] = {
    "xla/tsl/protobuf/histogram.proto": {
        "HistogramProto": """
            1 min double; 2 max double; 3 num double; 4 sum double; 5 sum_squares double;
            6 bucket_limit [double]; 7 bucket [double]
        """,
    },
    "tensorflow/core/framework/summary.proto": {
        "enum DataClass": """
            DATA_CLASS_UNKNOWN=0 DATA_CLASS_SCALAR=1 DATA_CLASS_TENSOR=2
            DATA_CLASS_BLOB_SEQUENCE=3
        """,
        "SummaryDescription": "1 type_hint string",
        "SummaryMetadata": """
            1 plugin_data .PluginData; 2 display_name string; 3 summary_description string;
            4 data_class DataClass
        """,
        "SummaryMetadata.PluginData": "1 plugin_name string; 2 content bytes",
        "Summary": "1 value [.Value]",
        "Summary.Image": """
            1 height int32; 2 width int32; 3 colorspace int32; 4 encoded_image_string bytes
        """,
        "Summary.Audio": """
            1 sample_rate float; 2 num_channels int64; 3 length_frames int64;
            4 encoded_audio_string bytes; 5 content_type string
        """,
        "Summary.Value": """
            7 node_name string; 1 tag string; 9 metadata SummaryMetadata;
            2 simple_value float @value; 3 obsolete_old_style_histogram bytes @value;
            4 image Summary.Image @value; 5 histo HistogramProto @value;
            6 audio Summary.Audio @value; 8 tensor TensorProto @value
        """,
    },
    "penstock/wire/hparams.proto": {
        "package": "penstock.wire",
        # As in TensorBoard's plugin; a parameter is a google.protobuf.Value there.
        "HParamValue": """
            1 null_value int32 @kind; 2 number_value double @kind; 3 string_value string @kind;
            4 bool_value bool @kind
        """,
        "SessionStartInfo": """
            1 hparams {string: HParamValue}; 2 model_uri string; 3 monitor_url string;
            4 group_name string; 5 start_time_secs double
        """,
        "SessionEndInfo": "1 status int32; 2 end_time_secs double",
        "HParamsPluginData": """
            1 version int32; 3 session_start_info SessionStartInfo @data;
            4 session_end_info SessionEndInfo @data
        """,
    },
    "tensorflow/core/util/event.proto": {
        "enum WorkerHealth": "OK=0 RECEIVED_SHUTDOWN_SIGNAL=1 INTERNAL_ERROR=2 SHUTTING_DOWN=3",
        "enum WorkerShutdownMode": """
            DEFAULT=0 NOT_CONFIGURED=1 WAIT_FOR_COORDINATOR=2 SHUTDOWN_AFTER_TIMEOUT=3
        """,
        "Event": """
            1 wall_time double; 2 step int64; 3 file_version string @what;
            4 graph_def bytes @what; 5 summary Summary @what; 6 log_message LogMessage @what;
            7 session_log SessionLog @what; 8 tagged_run_metadata TaggedRunMetadata @what;
            9 meta_graph_def bytes @what; 10 source_metadata SourceMetadata
        """,
        "SourceMetadata": "1 writer string",
        "LogMessage": "1 level .Level; 2 message string",
        "enum LogMessage.Level": "UNKNOWN=0 DEBUGGING=10 INFO=20 WARN=30 ERROR=40 FATAL=50",
        "SessionLog": "1 status .SessionStatus; 2 checkpoint_path string; 3 msg string",
        "enum SessionLog.SessionStatus": "STATUS_UNSPECIFIED=0 START=1 STOP=2 CHECKPOINT=3",
        "TaggedRunMetadata": "1 tag string; 2 run_metadata bytes",
        "WatchdogConfig": "1 timeout_ms int64",
        "RequestedExitCode": "1 exit_code int32",
        "WorkerHeartbeatRequest": """
            1 shutdown_mode WorkerShutdownMode; 2 watchdog_config WatchdogConfig;
            3 exit_code RequestedExitCode
        """,
        "WorkerHeartbeatResponse": """
            1 health_status WorkerHealth; 2 worker_log [Event]; 3 hostname string
        """,
    },
}
