"""Messages of ours that read TensorFlow's bytes less deeply.

A packed list and a nested message stand on the wire as `bytes` do. Declared so, the parser
hands over a list of floats as it is, and numpy reads it at once instead of item by item.

The notation is told in `penstock.wire.protos.build`.
"""

from typing import Final

FILES: Final[dict[str, dict[str, str]]] = {
    "penstock/wire/raw.proto": {
        "package": "penstock.wire",
        "RawTensor": """
            5 float_val bytes; 6 double_val bytes; 9 scomplex_val bytes; 12 dcomplex_val bytes
        """,
        "RawPredictRequest": """
            1 model_spec bytes?; 2 inputs {string: RawTensorProto}; 3 output_filter [string]
        """,
        "RawTensorProto": """
            1 dtype int32; 2 tensor_shape bytes; 4 tensor_content bytes; 5 float_val [bytes]
        """,
        "RawFeature": """
            1 bytes_list tensorflow.BytesList @kind; 2 float_list bytes @kind;
            3 int64_list tensorflow.Int64List @kind
        """,
        "RawFeatures": "1 feature {string: RawFeature}",
        "RawFeatureList": "1 feature [RawFeature]",
        "RawFeatureLists": "1 feature_list {string: RawFeatureList}",
        "RawExample": "1 features RawFeatures",
        "RawSequenceExample": "1 context RawFeatures; 2 feature_lists RawFeatureLists",
    },
}
