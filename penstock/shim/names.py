"""Where the names are that TensorFlow keeps outside its public API, and which are absent."""

from __future__ import annotations

from typing import Final

# Modules below `tensorflow` outside the public namespace: name -> "module:attribute".
PRIVATE_MODULES: Final[dict[str, dict[str, str]]] = {
    "compiler.tf2xla.python.xla": {
        "dynamic_update_slice": "penstock.shim.private:dynamic_update_slice",
        "dynamic_slice": "penstock.shim.private:dynamic_slice",
    },
    "core.util.event_pb2": {
        "Event": "penstock.wire.protos:Event",
    },
    "core.framework.summary_pb2": {
        "Summary": "penstock.wire.protos:Summary",
        "SummaryMetadata": "penstock.wire.protos:SummaryMetadata",
    },
    "python.data.experimental.ops.distribute": {
        "compute_batch_size": "penstock.data.batch_size:compute_batch_size",
    },
    "python.distribute.distribute_lib": {
        "get_strategy": "penstock.distribute:get_strategy",
        "has_strategy": "penstock.distribute:has_strategy",
        "Strategy": "penstock.distribute:Strategy",
    },
    "python.eager.context": {
        "_reset_context": "penstock.shim.private:reset_context",
        "async_wait": "penstock.shim.private:async_wait",
        "context": "penstock.shim.private:context",
        "eager_mode": "penstock.runtime.context:init_scope",
        "executing_eagerly": "penstock.runtime.context:executing_eagerly",
    },
    "python.eager.def_function": {
        "function": "penstock.function.polymorphic:function",
    },
    "python.framework.config": {
        "disable_op_determinism": "penstock.api.config.devices:disable_op_determinism",
        "enable_op_determinism": "penstock.api.config.devices:enable_op_determinism",
        "is_op_determinism_enabled": "penstock.api.config.devices:is_op_determinism_enabled",
    },
    "python.framework.constant_op": {
        "constant": "penstock.runtime.convert:constant",
    },
    "python.framework.dtypes": {
        "DType": "penstock.core.dtypes:DType",
        "as_dtype": "penstock.core.dtypes:as_dtype",
        "float32": "penstock.core.dtypes:float32",
        "int32": "penstock.core.dtypes:int32",
        "int64": "penstock.core.dtypes:int64",
        "string": "penstock.core.dtypes:string",
    },
    "python.framework.extension_type": {
        "AnonymousExtensionType": "penstock.runtime.extension_type:AnonymousExtensionType",
        "BatchableExtensionType": "penstock.runtime.extension_type:BatchableExtensionType",
        "ExtensionType": "penstock.runtime.extension_type:ExtensionType",
        "ExtensionTypeBatchEncoder": (
            "penstock.runtime.extension_type:ExtensionTypeBatchEncoder"
        ),
        "ExtensionTypeSpec": "penstock.runtime.extension_type:ExtensionTypeSpec",
        "as_dict": "penstock.runtime.extension_type:as_dict",
        "reinterpret": "penstock.runtime.extension_type:reinterpret",
    },
    "python.framework.func_graph": {
        "FuncGraph": "penstock.graph.func_graph:FuncGraph",
    },
    "python.framework.indexed_slices": {
        "IndexedSlices": "penstock.runtime.indexed_slices:IndexedSlices",
        "IndexedSlicesSpec": "penstock.runtime.indexed_slices:IndexedSlicesSpec",
    },
    "python.framework.ops": {
        "EagerTensor": "penstock.runtime.tensor:EagerTensor",
        "Tensor": "penstock.runtime.tensor:Tensor",
        "convert_to_tensor": "penstock.runtime.convert:convert_to_tensor",
        "executing_eagerly_outside_functions": (
            "penstock.api.v1:executing_eagerly_outside_functions"
        ),
        "init_scope": "penstock.runtime.context:init_scope",
        "name_scope": "penstock.api.framework:name_scope",
    },
    "python.framework.tensor": {
        "Tensor": "penstock.runtime.tensor:Tensor",
        "TensorSpec": "penstock.core.type_spec:TensorSpec",
    },
    "python.framework.tensor_shape": {
        "Dimension": "penstock.core.tensor_shape:Dimension",
        "TensorShape": "penstock.core.tensor_shape:TensorShape",
    },
    "python.framework.tensor_spec": {
        "TensorSpec": "penstock.core.type_spec:TensorSpec",
    },
    "python.framework.tensor_util": {
        "constant_value": "penstock.graph.symbol:constant_value",
        "is_tf_type": "penstock.runtime.convert:is_tensor",
    },
    "python.framework.type_spec": {
        "TypeSpec": "penstock.core.type_spec:TypeSpec",
    },
    "python.framework.type_spec_registry": {
        "get_name": "penstock.core.type_spec_registry:get_name",
        "lookup": "penstock.core.type_spec_registry:lookup",
        "register": "penstock.core.type_spec_registry:register",
    },
    "python.lib.io.tf_record": {
        "TFRecordOptions": "penstock.wire.record_options:TFRecordOptions",
        "TFRecordWriter": "penstock.wire.records:TFRecordWriter",
        "tf_record_iterator": "penstock.wire.records:read_records",
    },
    "python.ops.linalg.sparse.sparse_csr_matrix_ops": {
        name: f"penstock.shim.sparse_matrix:{name}"
        for name in (
            "csr_sparse_matrix_components",
            "csr_sparse_matrix_to_dense",
            "csr_sparse_matrix_to_sparse_tensor",
            "dense_to_csr_sparse_matrix",
            "sparse_matrix_mat_mul",
            "sparse_matrix_nnz",
            "sparse_matrix_sparse_mat_mul",
            "sparse_matrix_transpose",
            "sparse_tensor_to_csr_sparse_matrix",
        )
    },
    "python.ops.math_ops": {
        "is_nan": "penstock.api.elementwise:is_nan",
    },
    "python.ops.variables": {
        "Variable": "penstock.runtime.variable:Variable",
    },
    "python.trackable.autotrackable": {
        "AutoTrackable": "penstock.runtime.trackable:AutoTrackable",
    },
    "python.trackable.base": {
        "NoDependency": "penstock.runtime.trackable:NoDependency",
        "Trackable": "penstock.runtime.trackable:Trackable",
    },
    "python.trackable.data_structures": {
        "ListWrapper": "penstock.runtime.data_structures:ListWrapper",
        "NoDependency": "penstock.runtime.trackable:NoDependency",
        "_DictWrapper": "penstock.runtime.data_structures:_DictWrapper",
        "_TupleWrapper": "penstock.runtime.data_structures:_TupleWrapper",
        "wrap_or_unwrap": "penstock.runtime.trackable:wrap_for_tracking",
    },
}

# Public names that libraries mention where nothing may be missing, in `isinstance` tests and as
# arguments of decorators, while using them is another matter. Where penstock lacks one, a class
# that has no instances or a function that raises stands in for it.
MENTIONED_CLASSES: Final = frozenset(
    {
        "RaggedTensor",
        "RaggedTensorSpec",
        "SparseTensor",
        "SparseTensorSpec",
        "OptionalSpec",
        "data.Dataset",
        "data.Iterator",
        "data.Options",
        "experimental.ExtensionType",
        "experimental.Optional",
        "train.Checkpoint",
        "train.TrackableView",
        "types.experimental.GenericFunction",
        "types.experimental.distributed.PerReplica",
        "saved_model.experimental.TrackableResource",
    }
)
MENTIONED_FUNCTIONS: Final = frozenset(
    {
        "sparse.add",
        "sparse.maximum",
        "sparse.minimum",
        "io.gfile.exists",
    }
)

# Namespaces that exist in TensorFlow, so that importing one succeeds before anything is in it.
PUBLIC_MODULES: Final = frozenset(
    {
        "audio", "autodiff", "autograph", "autograph.experimental", "bitwise", "compat",
        "compat.v1", "compat.v2", "config", "config.experimental", "config.optimizer",
        "config.threading", "data", "data.experimental", "data.experimental.service",
        "debugging", "debugging.experimental", "distribute", "distribute.cluster_resolver",
        "distribute.coordinator", "distribute.experimental", "dtypes", "errors",
        "experimental", "experimental.dlpack", "experimental.dtensor",
        "experimental.extension_type", "experimental.numpy", "experimental.numpy.random",
        "experimental.tensorrt", "feature_column", "graph_util", "image", "initializers",
        "io", "io.gfile", "keras", "linalg", "linalg.experimental", "lite",
        "lite.experimental", "lookup", "lookup.experimental", "losses", "math",
        "math.special", "metrics", "mlir", "mlir.experimental", "nest", "nn",
        "nn.experimental", "optimizers", "profiler", "profiler.experimental", "quantization",
        "ragged", "random", "random.experimental", "raw_ops", "saved_model",
        "saved_model.experimental", "sets", "signal", "sparse", "strings", "summary",
        "summary.experimental", "sysconfig", "test", "test.experimental", "tpu",
        "tpu.experimental", "train", "train.experimental", "types", "types.experimental",
        "types.experimental.distributed", "version", "xla", "xla.experimental",
        "__internal__", "__internal__.distribute", "__internal__.distribute.interim",
        "__internal__.tracking",
    }
)  # fmt: skip

# Libraries recognise some of TensorFlow's classes by the text of their name and module.
IDENTITIES: Final[dict[str, tuple[str, str]]] = {
    "penstock.runtime.tensor:Tensor": ("Tensor", "tensorflow.python.framework.tensor"),
    "penstock.runtime.tensor:EagerTensor": ("EagerTensor", "tensorflow.python.framework.ops"),
    "penstock.graph.symbol:Symbol": ("SymbolicTensor", "tensorflow.python.framework.ops"),
    "penstock.runtime.indexed_slices:IndexedSlices": (
        "IndexedSlices",
        "tensorflow.python.framework.indexed_slices",
    ),
    "penstock.runtime.data_structures:ListWrapper": (
        "ListWrapper",
        "tensorflow.python.trackable.data_structures",
    ),
    "penstock.runtime.data_structures:_DictWrapper": (
        "_DictWrapper",
        "tensorflow.python.trackable.data_structures",
    ),
    "penstock.data:Dataset": ("DatasetV2", "tensorflow.python.data.ops.dataset_ops"),
    "penstock:SparseTensor": (
        "SparseTensor",
        "tensorflow.python.framework.sparse_tensor",
    ),
    "penstock:RaggedTensor": (
        "RaggedTensor",
        "tensorflow.python.ops.ragged.ragged_tensor",
    ),
    "penstock.distribute.datasets:DistributedDataset": (
        "DistributedDataset",
        "tensorflow.python.distribute.input_lib",
    ),
}
