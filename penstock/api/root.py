"""Every name of `tf` that its modules bring; `penstock` takes them from here on first use."""

from __future__ import annotations

import importlib

from penstock.api import audio as audio
from penstock.api import autodiff as autodiff
from penstock.api import compat as compat
from penstock.api import config as config
from penstock.api import dtypes as dtypes
from penstock.api import experimental as experimental
from penstock.api import image as image
from penstock.api import internal as __internal__
from penstock.api import io as io
from penstock.api import nn as nn
from penstock.api import quantization as quantization
from penstock.api import ragged as ragged
from penstock.api import random as random
from penstock.api import raw_ops as raw_ops
from penstock.api import signal as signal
from penstock.api import sparse as sparse
from penstock.api import strings as strings
from penstock.api import tracing as _tracing
from penstock.core import errors as errors
from penstock.core.device_name import DeviceSpec as DeviceSpec
from penstock.core.dtypes import DType as DType
from penstock.core.dtypes import as_dtype as as_dtype
from penstock.core.dtypes import bfloat16 as bfloat16
from penstock.core.dtypes import bool as bool
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
from penstock.api import bitwise as bitwise
from penstock.api import debugging as debugging
from penstock.api import linalg as linalg
from penstock.api import math as math
from penstock.api.arithmetic import (
    add as add,
)
from penstock.api.arithmetic import (
    add_n as add_n,
)
from penstock.api.arithmetic import (
    atan2 as atan2,
)
from penstock.api.arithmetic import (
    divide as divide,
)
from penstock.api.arithmetic import (
    equal as equal,
)
from penstock.api.arithmetic import (
    greater as greater,
)
from penstock.api.arithmetic import (
    greater_equal as greater_equal,
)
from penstock.api.arithmetic import (
    less as less,
)
from penstock.api.arithmetic import (
    less_equal as less_equal,
)
from penstock.api.arithmetic import (
    logical_and as logical_and,
)
from penstock.api.arithmetic import (
    logical_or as logical_or,
)
from penstock.api.arithmetic import (
    maximum as maximum,
)
from penstock.api.arithmetic import (
    minimum as minimum,
)
from penstock.api.arithmetic import (
    multiply as multiply,
)
from penstock.api.arithmetic import (
    not_equal as not_equal,
)
from penstock.api.arithmetic import (
    pow as pow,
)
from penstock.api.arithmetic import (
    realdiv as realdiv,
)
from penstock.api.arithmetic import (
    scalar_mul as scalar_mul,
)
from penstock.api.arithmetic import (
    squared_difference as squared_difference,
)
from penstock.api.arithmetic import (
    subtract as subtract,
)
from penstock.api.arithmetic import (
    truediv as truediv,
)
from penstock.api.arithmetic import (
    truncatediv as truncatediv,
)
from penstock.api.arithmetic import (
    truncatemod as truncatemod,
)
from penstock.api.array import batch_to_space as batch_to_space
from penstock.api.array import bitcast as bitcast
from penstock.api.array import broadcast_dynamic_shape as broadcast_dynamic_shape
from penstock.api.array import broadcast_static_shape as broadcast_static_shape
from penstock.api.array import broadcast_to as broadcast_to
from penstock.api.array import ensure_shape as ensure_shape
from penstock.api.array import expand_dims as expand_dims
from penstock.api.array import extract_volume_patches as extract_volume_patches
from penstock.api.array import guarantee_const as guarantee_const
from penstock.api.array import identity as identity
from penstock.api.array import identity_n as identity_n
from penstock.api.array import pad as pad
from penstock.api.array import rank as rank
from penstock.api.array import (
    required_space_to_batch_paddings as required_space_to_batch_paddings,
)
from penstock.api.array import reshape as reshape
from penstock.api.array import reverse as reverse
from penstock.api.array import reverse_sequence as reverse_sequence
from penstock.api.array import roll as roll
from penstock.api.array import shape as shape
from penstock.api.array import shape_n as shape_n
from penstock.api.array import size as size
from penstock.api.array import space_to_batch as space_to_batch
from penstock.api.array import space_to_batch_nd as space_to_batch_nd
from penstock.api.array import squeeze as squeeze
from penstock.api.array import transpose as transpose
from penstock.api.array import unravel_index as unravel_index
from penstock.api.assertions import Assert as Assert
from penstock.api.assertions import assert_equal as assert_equal
from penstock.api.assertions import assert_greater as assert_greater
from penstock.api.assertions import assert_less as assert_less
from penstock.api.assertions import assert_rank as assert_rank
from penstock.api.casting import (
    cast as cast,
)
from penstock.api.casting import (
    saturate_cast as saturate_cast,
)
from penstock.api.clipping import (
    clip_by_global_norm as clip_by_global_norm,
)
from penstock.api.clipping import (
    clip_by_norm as clip_by_norm,
)
from penstock.api.clipping import (
    clip_by_value as clip_by_value,
)
from penstock.api.clock import timestamp as timestamp
from penstock.api.codecs import (
    fingerprint as fingerprint,
)
from penstock.api.counting import (
    histogram_fixed_width as histogram_fixed_width,
)
from penstock.api.counting import (
    histogram_fixed_width_bins as histogram_fixed_width_bins,
)
from penstock.api.data_optional import (
    OptionalSpec as OptionalSpec,
)
from penstock.api.einsum import (
    einsum as einsum,
)
from penstock.api.elementwise import (
    abs as abs,
)
from penstock.api.elementwise import (
    acos as acos,
)
from penstock.api.elementwise import (
    acosh as acosh,
)
from penstock.api.elementwise import (
    asin as asin,
)
from penstock.api.elementwise import (
    asinh as asinh,
)
from penstock.api.elementwise import (
    atan as atan,
)
from penstock.api.elementwise import (
    atanh as atanh,
)
from penstock.api.elementwise import (
    complex as complex,
)
from penstock.api.elementwise import (
    cos as cos,
)
from penstock.api.elementwise import (
    cosh as cosh,
)
from penstock.api.elementwise import (
    exp as exp,
)
from penstock.api.elementwise import (
    floor as floor,
)
from penstock.api.elementwise import (
    logical_not as logical_not,
)
from penstock.api.elementwise import (
    negative as negative,
)
from penstock.api.elementwise import (
    round as round,
)
from penstock.api.elementwise import (
    sigmoid as sigmoid,
)
from penstock.api.elementwise import (
    sign as sign,
)
from penstock.api.elementwise import (
    sin as sin,
)
from penstock.api.elementwise import (
    sinh as sinh,
)
from penstock.api.elementwise import (
    sqrt as sqrt,
)
from penstock.api.elementwise import (
    square as square,
)
from penstock.api.elementwise import (
    tan as tan,
)
from penstock.api.elementwise import (
    tanh as tanh,
)
from penstock.api.filling import eye as eye
from penstock.api.filling import fill as fill
from penstock.api.filling import one_hot as one_hot
from penstock.api.filling import ones as ones
from penstock.api.filling import ones_like as ones_like
from penstock.api.filling import sequence_mask as sequence_mask
from penstock.api.filling import zeros as zeros
from penstock.api.filling import zeros_like as zeros_like
from penstock.api.framework import (
    GradientTape as GradientTape,
)
from penstock.api.framework import (
    Graph as Graph,
)
from penstock.api.framework import (
    IndexedSlices as IndexedSlices,
)
from penstock.api.framework import (
    IndexedSlicesSpec as IndexedSlicesSpec,
)
from penstock.api.framework import (
    Module as Module,
)
from penstock.api.framework import (
    Operation as Operation,
)
from penstock.api.framework import (
    Tensor as Tensor,
)
from penstock.api.framework import (
    TensorArray as TensorArray,
)
from penstock.api.framework import (
    UnconnectedGradients as UnconnectedGradients,
)
from penstock.api.framework import (
    Variable as Variable,
)
from penstock.api.framework import (
    VariableAggregation as VariableAggregation,
)
from penstock.api.framework import (
    VariableSynchronization as VariableSynchronization,
)
from penstock.api.framework import (
    case as case,
)
from penstock.api.framework import (
    cond as cond,
)
from penstock.api.framework import (
    constant as constant,
)
from penstock.api.framework import (
    control_dependencies as control_dependencies,
)
from penstock.api.framework import (
    convert_to_tensor as convert_to_tensor,
)
from penstock.api.framework import (
    custom_gradient as custom_gradient,
)
from penstock.api.framework import (
    device as device,
)
from penstock.api.framework import (
    executing_eagerly as executing_eagerly,
)
from penstock.api.framework import (
    foldl as foldl,
)
from penstock.api.framework import (
    foldr as foldr,
)
from penstock.api.framework import (
    function as function,
)
from penstock.api.framework import (
    get_current_name_scope as get_current_name_scope,
)
from penstock.api.framework import (
    get_static_value as get_static_value,
)
from penstock.api.framework import (
    grad_pass_through as grad_pass_through,
)
from penstock.api.framework import (
    gradients as gradients,
)
from penstock.api.framework import (
    group as group,
)
from penstock.api.framework import (
    init_scope as init_scope,
)
from penstock.api.framework import (
    inside_function as inside_function,
)
from penstock.api.framework import (
    is_symbolic_tensor as is_symbolic_tensor,
)
from penstock.api.framework import (
    is_tensor as is_tensor,
)
from penstock.api.framework import (
    map_fn as map_fn,
)
from penstock.api.framework import (
    name_scope as name_scope,
)
from penstock.api.framework import (
    no_gradient as no_gradient,
)
from penstock.api.framework import (
    no_op as no_op,
)
from penstock.api.framework import (
    recompute_grad as recompute_grad,
)
from penstock.api.framework import (
    register_tensor_conversion_function as register_tensor_conversion_function,
)
from penstock.api.framework import (
    scan as scan,
)
from penstock.api.framework import (
    stop_gradient as stop_gradient,
)
from penstock.api.framework import (
    switch_case as switch_case,
)
from penstock.api.framework import (
    tuple as tuple,
)
from penstock.api.framework import (
    vectorized_map as vectorized_map,
)
from penstock.api.framework import (
    while_loop as while_loop,
)
from penstock.api.indexing import boolean_mask as boolean_mask
from penstock.api.indexing import dynamic_partition as dynamic_partition
from penstock.api.indexing import dynamic_stitch as dynamic_stitch
from penstock.api.indexing import edit_distance as edit_distance
from penstock.api.indexing import gather as gather
from penstock.api.indexing import gather_nd as gather_nd
from penstock.api.indexing import scatter_nd as scatter_nd
from penstock.api.indexing import slice as slice
from penstock.api.indexing import strided_slice as strided_slice
from penstock.api.indexing import tensor_scatter_nd_add as tensor_scatter_nd_add
from penstock.api.indexing import tensor_scatter_nd_max as tensor_scatter_nd_max
from penstock.api.indexing import tensor_scatter_nd_min as tensor_scatter_nd_min
from penstock.api.indexing import tensor_scatter_nd_sub as tensor_scatter_nd_sub
from penstock.api.indexing import tensor_scatter_nd_update as tensor_scatter_nd_update
from penstock.api.indexing import unique as unique
from penstock.api.indexing import unique_with_counts as unique_with_counts
from penstock.api.indexing import where as where
from penstock.api.initializers import constant_initializer as constant_initializer
from penstock.api.initializers import ones_initializer as ones_initializer
from penstock.api.initializers import random_normal_initializer as random_normal_initializer
from penstock.api.initializers import random_uniform_initializer as random_uniform_initializer
from penstock.api.initializers import zeros_initializer as zeros_initializer
from penstock.api.joining import concat as concat
from penstock.api.joining import meshgrid as meshgrid
from penstock.api.joining import parallel_stack as parallel_stack
from penstock.api.joining import repeat as repeat
from penstock.api.joining import split as split
from penstock.api.joining import stack as stack
from penstock.api.joining import tile as tile
from penstock.api.joining import unstack as unstack
from penstock.api.linalg import (
    matmul as matmul,
)
from penstock.api.linalg import (
    norm as norm,
)
from penstock.api.linalg import (
    sqrtm as matrix_square_root,
)
from penstock.api.linalg import (
    tensordot as tensordot,
)
from penstock.api.messages import get_logger as get_logger
from penstock.api.messages import make_ndarray as make_ndarray
from penstock.api.messages import make_tensor_proto as make_tensor_proto
from penstock.api.ordering import argsort as argsort
from penstock.api.ordering import searchsorted as searchsorted
from penstock.api.ordering import sort as sort
from penstock.api.printing import print as print
from penstock.api.reductions import (
    argmax as argmax,
)
from penstock.api.reductions import (
    argmin as argmin,
)
from penstock.api.reductions import (
    cumsum as cumsum,
)
from penstock.api.reductions import (
    reduce_all as reduce_all,
)
from penstock.api.reductions import (
    reduce_any as reduce_any,
)
from penstock.api.reductions import (
    reduce_logsumexp as reduce_logsumexp,
)
from penstock.api.reductions import (
    reduce_max as reduce_max,
)
from penstock.api.reductions import (
    reduce_mean as reduce_mean,
)
from penstock.api.reductions import (
    reduce_min as reduce_min,
)
from penstock.api.reductions import (
    reduce_prod as reduce_prod,
)
from penstock.api.reductions import (
    reduce_sum as reduce_sum,
)
from penstock.api.script_ops import numpy_function as numpy_function
from penstock.api.script_ops import py_function as py_function
from penstock.api.second_order import AggregationMethod as AggregationMethod
from penstock.api.second_order import hessians as hessians
from penstock.api.sequences import (
    linspace as linspace,
)
from penstock.api.sequences import (
    range as range,
)
from penstock.api.strings import (
    as_string as as_string,
)
from penstock.runtime.ragged_tensor import RaggedTensor as RaggedTensor
from penstock.runtime.ragged_tensor import RaggedTensorSpec as RaggedTensorSpec
from penstock.runtime.sparse_tensor import SparseTensor as SparseTensor
from penstock.runtime.sparse_tensor import SparseTensorSpec as SparseTensorSpec

compat.v1.add_later(
    {
        "saved_model": lambda: importlib.import_module("penstock.saved_model.v1"),
        "summary": lambda: importlib.import_module("penstock.summary.v1"),
        "train": lambda: importlib.import_module("penstock.train.v1"),
    }
)

is_complete = True  # the last line: until it is reached, names are missing
