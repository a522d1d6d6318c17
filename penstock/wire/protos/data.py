"""Options, metadata and snapshots of datasets.

The notation is told in `penstock.wire.protos.build`.
"""

from typing import Final

FILES: Final[dict[str, dict[str, str]]] = {
    "tensorflow/core/framework/dataset_metadata.proto": {
        "package": "tensorflow.data",
        "Metadata": "1 name bytes; 2 data_service_address string",
    },
    "tensorflow/core/framework/model.proto": {
        "package": "tensorflow.data.model",
        "enum NodeClass": """
            UNKNOWN=0 INTERLEAVE_MANY=1 ASYNC_INTERLEAVE_MANY=2 KNOWN_RATIO=3
            ASYNC_KNOWN_RATIO=4 UNKNOWN_RATIO=5 ASYNC_UNKNOWN_RATIO=6
        """,
        "enum AutotuneAlgorithm": """
            DEFAULT=0 HILL_CLIMB=1 GRADIENT_DESCENT=2 MAX_PARALLELISM=3 STAGE_BASED=4
        """,
        "ModelProto": """
            7 dataset_name string; 1 nodes {int64: .Node}; 2 output int64; 3 id_counter int64;
            5 optimization_params .OptimizationParams; 6 gap_times [uint64]
        """,
        "ModelProto.Node": """
            1 id int64; 2 name string; 3 autotune bool; 4 buffered_bytes int64;
            5 buffered_elements int64; 6 bytes_consumed int64; 7 bytes_produced int64;
            8 num_elements int64; 9 processing_time int64; 10 record_metrics bool;
            11 parameters [.Parameter]; 12 input_processing_time_sum double;
            13 input_processing_time_count int64; 14 inputs [int64]; 15 node_class NodeClass;
            16 ratio double; 17 memory_ratio double
        """,
        "ModelProto.Node.Parameter": """
            1 name string; 2 value double; 3 state_value double; 4 min double; 5 max double;
            6 tunable bool
        """,
        "ModelProto.OptimizationParams": """
            1 algorithm AutotuneAlgorithm; 2 cpu_budget int64; 3 ram_budget int64;
            4 model_input_time double
        """,
    },
    "tensorflow/core/framework/dataset_options.proto": {
        "package": "tensorflow.data",
        "enum AutoShardPolicy": "AUTO=0 FILE=1 DATA=2 HINT=3 OFF=-1",
        "enum ExternalStatePolicy": "POLICY_WARN=0 POLICY_IGNORE=1 POLICY_FAIL=2",
        "AutotuneOptions": """
            1 enabled bool @optional_enabled; 2 cpu_budget int32 @optional_cpu_budget;
            3 ram_budget int64 @optional_ram_budget;
            4 autotune_algorithm model.AutotuneAlgorithm @optional_autotune_algorithm;
            5 initial_parallelism int64 @optional_initial_parallelism;
            6 min_parallelism int64 @optional_min_parallelism
        """,
        "CardinalityOptions": "1 compute_level .ComputeLevel",
        "enum CardinalityOptions.ComputeLevel": """
            CARDINALITY_COMPUTE_UNSPECIFIED=0 CARDINALITY_COMPUTE_LOW=1
            CARDINALITY_COMPUTE_MODERATE=2
        """,
        "DistributeOptions": """
            1 auto_shard_policy AutoShardPolicy; 2 num_devices int32 @optional_num_devices
        """,
        "OptimizationOptions": """
            1 apply_default_optimizations bool @optional_apply_default_optimizations;
            6 filter_fusion bool @optional_filter_fusion;
            9 map_and_batch_fusion bool @optional_map_and_batch_fusion;
            10 map_and_filter_fusion bool @optional_map_and_filter_fusion;
            11 map_fusion bool @optional_map_fusion;
            12 map_parallelization bool @optional_map_parallelization;
            14 noop_elimination bool @optional_noop_elimination;
            15 parallel_batch bool @optional_parallel_batch;
            17 shuffle_and_repeat_fusion bool @optional_shuffle_and_repeat_fusion;
            18 filter_parallelization bool @optional_filter_parallelization;
            19 inject_prefetch bool @optional_inject_prefetch;
            21 seq_interleave_prefetch bool @optional_seq_interleave_prefetch
        """,
        "ServiceOptions": "1 pinned bool @optional_pinned",
        "ThreadingOptions": """
            1 max_intra_op_parallelism int32 @optional_max_intra_op_parallelism;
            2 private_threadpool_size int32 @optional_private_threadpool_size
        """,
        "Options": """
            10 dataset_name string @optional_dataset_name; 11 framework_type [string];
            1 deterministic bool @optional_deterministic; 7 autotune_options AutotuneOptions;
            2 distribute_options DistributeOptions; 3 optimization_options OptimizationOptions;
            12 service_options ServiceOptions; 4 slack bool @optional_slack;
            5 threading_options ThreadingOptions;
            6 external_state_policy ExternalStatePolicy @optional_external_state_policy;
            8 symbolic_checkpoint bool @optional_symbolic_checkpoint;
            9 warm_start bool @optional_warm_start
        """,
    },
    "tensorflow/core/framework/dataset.proto": {
        "package": "tensorflow.data",
        "CompressedComponentMetadata": """
            1 dtype DataType; 2 tensor_shape TensorShapeProto; 4 uncompressed_bytes [uint64]
        """,
        "CompressedElement": """
            1 data bytes; 2 component_metadata [CompressedComponentMetadata]; 3 version int32
        """,
        "UncompressedElement": "1 components [TensorProto]",
    },
    "tensorflow/core/protobuf/snapshot.proto": {
        "package": "tensorflow.data.experimental",
        "SnapshotRecord": "1 tensor [TensorProto]",
        "SnapshotMetadataRecord": """
            1 graph_hash string; 2 run_id string; 3 creation_timestamp int64; 4 version int64;
            5 dtype [DataType]; 6 num_elements int64; 1000 finalized bool
        """,
        "TensorMetadata": "2 tensor_shape TensorShapeProto; 3 tensor_size_bytes int64",
        "SnapshotTensorMetadata": "1 tensor_metadata [TensorMetadata]",
        "DistributedSnapshotMetadata": "1 element_spec bytes; 2 compression string",
    },
}
