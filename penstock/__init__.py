"""TensorFlow's Python API in pure Python on XLA: `import penstock as tf`."""

from __future__ import annotations

import importlib
from typing import Any

from penstock.api import autodiff as autodiff
from penstock.api import compat as compat
from penstock.api import config as config
from penstock.api import dtypes as dtypes
from penstock.api import experimental as experimental
from penstock.api import internal as __internal__  # noqa: F401
from penstock.api import raw_ops as raw_ops
from penstock.core import errors as errors
from penstock.core.device_name import DeviceSpec as DeviceSpec
from penstock.core.dtypes import DType as DType
from penstock.core.dtypes import as_dtype as as_dtype
from penstock.core.dtypes import bfloat16 as bfloat16
from penstock.core.dtypes import bool as bool  # noqa: A004
from penstock.core.dtypes import complex64 as complex64
from penstock.core.dtypes import complex128 as complex128
from penstock.core.dtypes import double as double
from penstock.core.dtypes import float16 as float16
from penstock.core.dtypes import float32 as float32
from penstock.core.dtypes import float64 as float64
from penstock.core.dtypes import half as half
from penstock.core.dtypes import int8 as int8
from penstock.core.dtypes import int16 as int16
from penstock.core.dtypes import int32 as int32
from penstock.core.dtypes import int64 as int64
from penstock.core.dtypes import qint8 as qint8
from penstock.core.dtypes import qint16 as qint16
from penstock.core.dtypes import qint32 as qint32
from penstock.core.dtypes import quint8 as quint8
from penstock.core.dtypes import quint16 as quint16
from penstock.core.dtypes import resource as resource
from penstock.core.dtypes import string as string
from penstock.core.dtypes import uint8 as uint8
from penstock.core.dtypes import uint16 as uint16
from penstock.core.dtypes import uint32 as uint32
from penstock.core.dtypes import uint64 as uint64
from penstock.core.dtypes import variant as variant
from penstock.core.tensor_shape import TensorShape as TensorShape
from penstock.core.type_spec import TensorSpec as TensorSpec
from penstock.core.type_spec import TypeSpec as TypeSpec
from penstock.core.type_spec import type_spec_from_value as type_spec_from_value
from penstock.api import nest as nest  # isort: skip
from penstock.api.framework import (
    GradientTape as GradientTape,
    Graph as Graph,
    IndexedSlices as IndexedSlices,
    IndexedSlicesSpec as IndexedSlicesSpec,
    Module as Module,
    Operation as Operation,
    Tensor as Tensor,
    TensorArray as TensorArray,
    UnconnectedGradients as UnconnectedGradients,
    Variable as Variable,
    VariableAggregation as VariableAggregation,
    VariableSynchronization as VariableSynchronization,
    case as case,
    cond as cond,
    constant as constant,
    control_dependencies as control_dependencies,
    convert_to_tensor as convert_to_tensor,
    custom_gradient as custom_gradient,
    device as device,
    executing_eagerly as executing_eagerly,
    foldl as foldl,
    foldr as foldr,
    function as function,
    get_current_name_scope as get_current_name_scope,
    get_static_value as get_static_value,
    grad_pass_through as grad_pass_through,
    gradients as gradients,
    group as group,
    init_scope as init_scope,
    inside_function as inside_function,
    is_symbolic_tensor as is_symbolic_tensor,
    is_tensor as is_tensor,
    map_fn as map_fn,
    name_scope as name_scope,
    no_gradient as no_gradient,
    no_op as no_op,
    recompute_grad as recompute_grad,
    register_tensor_conversion_function as register_tensor_conversion_function,
    scan as scan,
    stop_gradient as stop_gradient,
    switch_case as switch_case,
    tuple as tuple,  # noqa: A004
    vectorized_map as vectorized_map,
    while_loop as while_loop,
)

__version__ = "0.1.0"
newaxis = None

# Rooms that are loaded when they are first named.
_LAZY = {
    "data": "penstock.data",
    "distribute": "penstock.distribute",
    "keras": "penstock.keras",
    "lite": "penstock.lite",
    "saved_model": "penstock.saved_model",
    "summary": "penstock.summary",
    "train": "penstock.train",
    "version": "penstock.api.version",
    "sysconfig": "penstock.api.sysconfig",
    "profiler": "penstock.summary.profiler",
    "autograph": "penstock.api.autograph",
}


def __getattr__(name: str) -> Any:
    module = _LAZY.get(name)
    if module is not None:
        loaded = importlib.import_module(module)
        globals()[name] = loaded
        return loaded
    if name.startswith("_"):
        raise AttributeError(f"module 'penstock' has no attribute {name!r}")
    raise AttributeError(
        f"module 'penstock' has no attribute {name!r}; it is not implemented, or is no name of "
        "TensorFlow's"
    )


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})


def install_as_tensorflow() -> None:
    """Answer `import tensorflow` with penstock, so that Keras and others run on it unmodified.

    Raises:
        RuntimeError: TensorFlow itself was imported already.
    """
    importlib.import_module("penstock.shim").install()
