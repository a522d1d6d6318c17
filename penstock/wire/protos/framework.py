"""Tensors, ops, nodes, functions and graphs.

The notation is told in `penstock.wire.protos.build`.
"""

from typing import Final

FILES: Final[dict[str, dict[str, str]]] = {
    "tensorflow/core/framework/tensor_shape.proto": {
        "TensorShapeProto": "2 dim [.Dim]; 3 unknown_rank bool",
        "TensorShapeProto.Dim": "1 size int64; 2 name string",
    },
    "tensorflow/core/framework/types.proto": {
        "enum DataType": """
            DT_INVALID=0 DT_FLOAT=1 DT_DOUBLE=2 DT_INT32=3 DT_UINT8=4 DT_INT16=5 DT_INT8=6
            DT_STRING=7 DT_COMPLEX64=8 DT_INT64=9 DT_BOOL=10 DT_QINT8=11 DT_QUINT8=12
            DT_QINT32=13 DT_BFLOAT16=14 DT_QINT16=15 DT_QUINT16=16 DT_UINT16=17 DT_COMPLEX128=18
            DT_HALF=19 DT_RESOURCE=20 DT_VARIANT=21 DT_UINT32=22 DT_UINT64=23 DT_FLOAT8_E5M2=24
            DT_FLOAT8_E4M3FN=25 DT_FLOAT8_E4M3FNUZ=26 DT_FLOAT8_E4M3B11FNUZ=27
            DT_FLOAT8_E5M2FNUZ=28 DT_INT4=29 DT_UINT4=30 DT_INT2=31 DT_UINT2=32
            DT_FLOAT4_E2M1FN=33 DT_FLOAT_REF=101 DT_DOUBLE_REF=102 DT_INT32_REF=103
            DT_UINT8_REF=104 DT_INT16_REF=105 DT_INT8_REF=106 DT_STRING_REF=107
            DT_COMPLEX64_REF=108 DT_INT64_REF=109 DT_BOOL_REF=110 DT_QINT8_REF=111
            DT_QUINT8_REF=112 DT_QINT32_REF=113 DT_BFLOAT16_REF=114 DT_QINT16_REF=115
            DT_QUINT16_REF=116 DT_UINT16_REF=117 DT_COMPLEX128_REF=118 DT_HALF_REF=119
            DT_RESOURCE_REF=120 DT_VARIANT_REF=121 DT_UINT32_REF=122 DT_UINT64_REF=123
            DT_FLOAT8_E5M2_REF=124 DT_FLOAT8_E4M3FN_REF=125 DT_FLOAT8_E4M3FNUZ_REF=126
            DT_FLOAT8_E4M3B11FNUZ_REF=127 DT_FLOAT8_E5M2FNUZ_REF=128 DT_INT4_REF=129
            DT_UINT4_REF=130 DT_INT2_REF=131 DT_UINT2_REF=132 DT_FLOAT4_E2M1FN_REF=133
        """,
        "SerializedDType": "1 datatype DataType",
    },
    "tensorflow/core/framework/resource_handle.proto": {
        "ResourceHandleProto": """
            1 device string; 2 container string; 3 name string; 4 hash_code uint64;
            5 maybe_type_name string; 6 dtypes_and_shapes [.DtypeAndShape]
        """,
        "ResourceHandleProto.DtypeAndShape": "1 dtype DataType; 2 shape TensorShapeProto",
    },
    "tensorflow/core/framework/tensor.proto": {
        "TensorProto": """
            1 dtype DataType; 2 tensor_shape TensorShapeProto; 3 version_number int32;
            4 tensor_content bytes; 13 half_val [int32]; 5 float_val [float];
            6 double_val [double]; 7 int_val [int32]; 8 string_val [bytes];
            9 scomplex_val [float]; 10 int64_val [int64]; 11 bool_val [bool];
            12 dcomplex_val [double]; 14 resource_handle_val [ResourceHandleProto];
            15 variant_val [VariantTensorDataProto]; 16 uint32_val [uint32];
            17 uint64_val [uint64]; 18 float8_val bytes
        """,
        "VariantTensorDataProto": """
            1 type_name string; 2 metadata bytes; 3 tensors [TensorProto]
        """,
    },
    "tensorflow/core/framework/attr_value.proto": {
        "AttrValue": """
            2 s bytes @value; 3 i int64 @value; 4 f float @value; 5 b bool @value;
            6 type DataType @value; 7 shape TensorShapeProto @value;
            8 tensor TensorProto @value; 1 list .ListValue @value; 10 func NameAttrList @value;
            9 placeholder string @value
        """,
        "AttrValue.ListValue": """
            2 s [bytes]; 3 i [int64]; 4 f [float]; 5 b [bool]; 6 type [DataType];
            7 shape [TensorShapeProto]; 8 tensor [TensorProto]; 9 func [NameAttrList]
        """,
        "NameAttrList": "1 name string; 2 attr {string: AttrValue}",
    },
    "tensorflow/core/framework/full_type.proto": {
        "enum FullTypeId": """
            TFT_UNSET=0 TFT_VAR=1 TFT_ANY=2 TFT_PRODUCT=3 TFT_NAMED=4 TFT_FOR_EACH=20
            TFT_CALLABLE=100 TFT_TENSOR=1000 TFT_ARRAY=1001 TFT_OPTIONAL=1002 TFT_LITERAL=1003
            TFT_ENCODED=1004 TFT_SHAPE_TENSOR=1005 TFT_BOOL=200 TFT_UINT8=201 TFT_UINT16=202
            TFT_UINT32=203 TFT_UINT64=204 TFT_INT8=205 TFT_INT16=206 TFT_INT32=207 TFT_INT64=208
            TFT_HALF=209 TFT_FLOAT=210 TFT_DOUBLE=211 TFT_BFLOAT16=215 TFT_COMPLEX64=212
            TFT_COMPLEX128=213 TFT_STRING=214 TFT_DATASET=10102 TFT_RAGGED=10103
            TFT_ITERATOR=10104 TFT_MUTEX_LOCK=10202 TFT_LEGACY_VARIANT=10203
        """,
        "FullTypeDef": """
            1 type_id FullTypeId; 2 args [FullTypeDef]; 3 s string @attr; 4 i int64 @attr
        """,
    },
    "tensorflow/core/framework/node_def.proto": {
        "NodeDef": """
            1 name string; 2 op string; 3 input [string]; 4 device string;
            5 attr {string: AttrValue}; 6 experimental_debug_info .ExperimentalDebugInfo;
            7 experimental_type FullTypeDef
        """,
        "NodeDef.ExperimentalDebugInfo": """
            1 original_node_names [string]; 2 original_func_names [string]
        """,
    },
    "tensorflow/core/framework/op_def.proto": {
        "OpDef": """
            1 name string; 2 input_arg [.ArgDef]; 3 output_arg [.ArgDef];
            20 control_output [string]; 4 attr [.AttrDef]; 8 deprecation OpDeprecation;
            5 summary string; 6 description string; 18 is_commutative bool;
            16 is_aggregate bool; 17 is_stateful bool; 19 allows_uninitialized_input bool;
            21 is_distributed_communication bool
        """,
        "OpDef.ArgDef": """
            1 name string; 2 description string; 3 type DataType; 4 type_attr string;
            5 number_attr string; 6 type_list_attr string;
            7 handle_data [ResourceHandleProto.DtypeAndShape]; 16 is_ref bool;
            17 experimental_full_type FullTypeDef
        """,
        "OpDef.AttrDef": """
            1 name string; 2 type string; 3 default_value AttrValue; 4 description string;
            5 has_minimum bool; 6 minimum int64; 7 allowed_values AttrValue
        """,
        "OpDeprecation": "1 version int32; 2 explanation string",
        "OpList": "1 op [OpDef]",
    },
    "tensorflow/core/framework/api_def.proto": {
        "ApiDef": """
            1 graph_op_name string; 12 deprecation_message string; 13 deprecation_version int32;
            2 visibility .Visibility; 3 endpoint [.Endpoint]; 4 in_arg [.Arg]; 5 out_arg [.Arg];
            11 arg_order [string]; 6 attr [.Attr]; 7 summary string; 8 description string;
            9 description_prefix string; 10 description_suffix string
        """,
        "enum ApiDef.Visibility": "DEFAULT_VISIBILITY=0 VISIBLE=1 SKIP=2 HIDDEN=3",
        "ApiDef.Endpoint": "1 name string; 3 deprecated bool; 4 deprecation_version int32",
        "ApiDef.Arg": "1 name string; 2 rename_to string; 3 description string",
        "ApiDef.Attr": """
            1 name string; 2 rename_to string; 3 default_value AttrValue; 4 description string
        """,
        "ApiDefs": "1 op [ApiDef]",
    },
    "tensorflow/core/framework/kernel_def.proto": {
        "KernelDef": """
            1 op string; 2 device_type string; 3 constraint [.AttrConstraint];
            4 host_memory_arg [string]; 5 label string; 6 priority int32
        """,
        "KernelDef.AttrConstraint": "1 name string; 2 allowed_values AttrValue",
        "KernelList": "1 kernel [KernelDef]",
    },
    "tensorflow/core/framework/function.proto": {
        "FunctionDefLibrary": """
            1 function [FunctionDef]; 2 gradient [GradientDef];
            3 registered_gradients [RegisteredGradient]
        """,
        "FunctionDef": """
            1 signature OpDef; 5 attr {string: AttrValue}; 7 arg_attr {uint32: .ArgAttrs};
            8 resource_arg_unique_id {uint32: uint32}; 3 node_def [NodeDef];
            4 ret {string: string}; 6 control_ret {string: string}
        """,
        "FunctionDef.ArgAttrs": "1 attr {string: AttrValue}",
        "GradientDef": "1 function_name string; 2 gradient_func string",
        "RegisteredGradient": "1 gradient_func string; 2 registered_op_type string",
    },
    "tensorflow/core/framework/graph_debug_info.proto": {
        "syntax": "proto2",
        "GraphDebugInfo": """
            1 files [string]; 4 frames_by_id {fixed64: .FileLineCol};
            6 traces_by_id {fixed64: .StackTrace}; 2 traces {string: .StackTrace};
            5 name_to_trace_id {string: fixed64}
        """,
        "GraphDebugInfo.FileLineCol": """
            1 file_index int32; 2 line int32; 3 col int32; 4 func string; 5 code string
        """,
        "GraphDebugInfo.StackTrace": """
            1 file_line_cols [GraphDebugInfo.FileLineCol]; 2 frame_id [fixed64]
        """,
    },
    "tensorflow/core/framework/versions.proto": {
        "VersionDef": "1 producer int32; 2 min_consumer int32; 3 bad_consumers [int32]",
    },
    "tensorflow/core/framework/graph.proto": {
        "GraphDef": """
            1 node [NodeDef]; 4 versions VersionDef; 3 version int32;
            2 library FunctionDefLibrary; 5 debug_info GraphDebugInfo
        """,
    },
    "tensorflow/core/framework/variable.proto": {
        "enum VariableSynchronization": """
            VARIABLE_SYNCHRONIZATION_AUTO=0 VARIABLE_SYNCHRONIZATION_NONE=1
            VARIABLE_SYNCHRONIZATION_ON_WRITE=2 VARIABLE_SYNCHRONIZATION_ON_READ=3
        """,
        "enum VariableAggregation": """
            VARIABLE_AGGREGATION_NONE=0 VARIABLE_AGGREGATION_SUM=1 VARIABLE_AGGREGATION_MEAN=2
            VARIABLE_AGGREGATION_ONLY_FIRST_REPLICA=3
        """,
        "VariableDef": """
            1 variable_name string; 6 initial_value_name string; 2 initializer_name string;
            3 snapshot_name string; 4 save_slice_info_def SaveSliceInfoDef; 5 is_resource bool;
            7 trainable bool; 8 synchronization VariableSynchronization;
            9 aggregation VariableAggregation
        """,
        "SaveSliceInfoDef": """
            1 full_name string; 2 full_shape [int64]; 3 var_offset [int64]; 4 var_shape [int64]
        """,
    },
    "tensorflow/core/framework/tensor_slice.proto": {
        "TensorSliceProto": "1 extent [.Extent]",
        "TensorSliceProto.Extent": "1 start int64; 2 length int64 @has_length_hack",
    },
}
