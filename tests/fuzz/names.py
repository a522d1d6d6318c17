"""Kinds of files that are damaged; `kinds.py` holds how."""

NAMES = [
    "saved_model",
    "variables",
    "checkpoint",
    "checkpoint_v1",
    "objects",
    "records",
    "records_gzip",
    "records_zlib",
    "example",
    "events",
    "graph",
    "npz",
    "safetensors",
    "inspect_keras",
    "inspect_h5",
    "inspect_weights",
]
