"""`tf.experimental`: names that TensorFlow keeps there."""

from __future__ import annotations

import importlib
from typing import Any

_LAZY = {
    "Optional": ("penstock.api.data_optional", "Optional"),
    "BatchableExtensionType": ("penstock.runtime.extension_type", "BatchableExtensionType"),
    "ExtensionType": ("penstock.runtime.extension_type", "ExtensionType"),
    "ExtensionTypeBatchEncoder": (
        "penstock.runtime.extension_type",
        "ExtensionTypeBatchEncoder",
    ),
    "ExtensionTypeSpec": ("penstock.runtime.extension_type", "ExtensionTypeSpec"),
    "dispatch_for_api": (
        "penstock.api.type_dispatch",
        "dispatch_for_api",
    ),
    "dispatch_for_binary_elementwise_apis": (
        "penstock.api.type_dispatch",
        "dispatch_for_binary_elementwise_apis",
    ),
    "dispatch_for_binary_elementwise_assert_apis": (
        "penstock.api.type_dispatch",
        "dispatch_for_binary_elementwise_assert_apis",
    ),
    "dispatch_for_unary_elementwise_apis": (
        "penstock.api.type_dispatch",
        "dispatch_for_unary_elementwise_apis",
    ),
    "unregister_dispatch_for": (
        "penstock.api.type_dispatch",
        "unregister_dispatch_for",
    ),
    "async_clear_error": ("penstock.api.execution", "async_clear_error"),
    "async_scope": ("penstock.api.execution", "async_scope"),
    "function_executor_type": ("penstock.api.execution", "function_executor_type"),
    "register_filesystem_plugin": ("penstock.api.execution", "register_filesystem_plugin"),
    "dlpack": ("penstock.api.dlpack", None),
    "DynamicRaggedShape": ("penstock.runtime.ragged.dynamic_shape", "DynamicRaggedShape"),
    "RowPartition": ("penstock.runtime.ragged.row_partition", "RowPartition"),
    "tensorrt": ("penstock.api.tensorrt", None),
    "extension_type": ("penstock.api.extension_type", None),
    "numpy": ("penstock.api.numpy", None),
    **{
        name: ("penstock.core.dtypes", name)
        for name in (
            "float4_e2m1fn",
            "float8_e4m3b11fnuz",
            "float8_e4m3fn",
            "float8_e4m3fnuz",
            "float8_e5m2",
            "float8_e5m2fnuz",
            "int2",
            "int4",
            "uint2",
            "uint4",
        )
    },
    "dtensor": ("penstock.distribute.dtensor", None),
}


def __getattr__(name: str) -> Any:
    place = _LAZY.get(name)
    if place is None:
        raise AttributeError(f"module 'penstock.experimental' has no attribute {name!r}")
    module = importlib.import_module(place[0])
    value = module if place[1] is None else getattr(module, place[1])
    globals()[name] = value
    return value
