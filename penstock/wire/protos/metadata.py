"""TensorFlow Metadata: the schema of features, as far as it says what a value may be.

The notation is told in `penstock.wire.protos.build`.
"""

from typing import Final

FILES: Final[dict[str, dict[str, str]]] = {
    "tensorflow_metadata/proto/v0/schema.proto": {
        "package": "tensorflow.metadata.v0",
        "Schema": """
            1 feature [Feature]; 4 string_domain [StringDomain]; 5 default_environment [string];
            9 float_domain [FloatDomain]; 10 int_domain [IntDomain]
        """,
        "Feature": """
            1 name string; 2 deprecated bool; 5 value_count ValueCount @shape_type;
            6 type FeatureType; 7 domain string @domain_info;
            9 int_domain IntDomain @domain_info; 10 float_domain FloatDomain @domain_info;
            11 string_domain StringDomain @domain_info;
            13 bool_domain BoolDomain @domain_info; 14 presence FeaturePresence;
            19 not_in_environment [string]; 20 in_environment [string];
            22 lifecycle_stage LifecycleStage; 23 shape FixedShape @shape_type
        """,
        "FeaturePresence": "1 min_fraction double; 2 min_count int64",
        "ValueCount": "1 min int64?; 2 max int64?",
        "FixedShape": "2 dim [.Dim]",
        "FixedShape.Dim": "1 size int64; 2 name string",
        "IntDomain": "1 name string; 3 min int64?; 4 max int64?; 5 is_categorical bool",
        "FloatDomain": """
            1 name string; 3 min float?; 4 max float?; 5 disallow_nan bool; 6 disallow_inf bool
        """,
        "StringDomain": "1 name string; 2 value [string]",
        "BoolDomain": "1 name string; 2 true_value string; 3 false_value string",
        "enum FeatureType": "TYPE_UNKNOWN=0 BYTES=1 INT=2 FLOAT=3 STRUCT=4",
        "enum LifecycleStage": """
            UNKNOWN_STAGE=0 PLANNED=1 ALPHA=2 BETA=3 PRODUCTION=4 DEPRECATED=5 DEBUG_ONLY=6
            DISABLED=7
        """,
    },
}
