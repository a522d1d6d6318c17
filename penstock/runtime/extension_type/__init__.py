"""Extension types: classes of values made of tensors, with annotations for fields."""

from penstock.runtime.extension_type.definition import (
    AnonymousExtensionType,
    AnonymousExtensionTypeSpec,
    BatchableExtensionType,
    ExtensionType,
    as_dict,
    reinterpret,
)
from penstock.runtime.extension_type.spec import (
    BatchableExtensionTypeSpec,
    ExtensionTypeBatchEncoder,
    ExtensionTypeSpec,
)

__all__ = [
    "AnonymousExtensionType",
    "AnonymousExtensionTypeSpec",
    "BatchableExtensionType",
    "BatchableExtensionTypeSpec",
    "ExtensionType",
    "ExtensionTypeBatchEncoder",
    "ExtensionTypeSpec",
    "as_dict",
    "reinterpret",
]
