"""`tf.raw_ops`: every row of the table as a function with keyword arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.core import dtypes
from penstock.core.errors import NotFoundError
from penstock.ops import table
from penstock.runtime import summary_wire  # noqa: F401  (lets the rows of summaries write)
from penstock.runtime.dispatch import call

_REDUCTIONS = ("All", "Any", "EuclideanNorm", "Max", "Mean", "Min", "Prod", "Sum")

# Arguments that TensorFlow's Python functions name otherwise than its op definitions do.
_RENAMED: dict[str, dict[str, str]] = {
    **{name: {"axis": "reduction_indices"} for name in _REDUCTIONS},
    "ExpandDims": {"axis": "dim"},
    "Select": {"x": "t", "y": "e"},
    "Split": {"axis": "split_dim"},
    "SplitV": {"axis": "split_dim"},
    "Squeeze": {"axis": "squeeze_dims"},
    "Where": {"condition": "input"},
}


def _function(name: str) -> Callable[..., Any]:
    row = table.lookup(name)
    renamed = _RENAMED.get(name, {})

    def raw_op(**kwargs: Any) -> Any:
        node_name = kwargs.pop("name", None)
        kwargs = {renamed.get(key, key): value for key, value in kwargs.items()}
        inputs = []
        for argument in row.input_names:
            if argument not in kwargs:
                raise TypeError(f"tf.raw_ops.{name} needs the argument {argument!r}")
            inputs.append(kwargs.pop(argument))
        attrs = {}
        for key, value in kwargs.items():
            if key not in row.attrs:
                if _is_type_attr(row, key):
                    continue
                raise TypeError(f"tf.raw_ops.{name} has no argument {key!r}")
            attrs[key] = _canonical(value, row.attrs[key], _holds_dtype(row, key))
        return call(name, *inputs, name=node_name, **attrs)

    raw_op.__name__ = raw_op.__qualname__ = name
    raw_op.__doc__ = row.doc
    return raw_op


def _is_type_attr(row: table.OpDef, key: str) -> bool:
    """Whether an attr only repeats what the inputs tell, such as `T` or `N`."""
    return any(key in (arg.type_attr, arg.number_attr) for arg in row.input_args)


# Attrs without default that hold a dtype, where no argument of their op tells so.
_DTYPE_ATTRS = frozenset({"dtype", "element_dtype", "key_dtype", "value_dtype", "type"})


def _holds_dtype(row: table.OpDef, key: str) -> bool:
    """Whether an attr is a dtype, or a list of dtypes."""
    default = row.attrs[key]
    if isinstance(default, dtypes.DType) or default is table.TYPE_LIST:
        return True
    arguments = (*row.input_args, *row.output_args)
    return key in _DTYPE_ATTRS or any(
        key in (arg.type_attr, arg.type_list_attr) for arg in arguments
    )


def _canonical(value: Any, default: Any, is_dtype: bool) -> Any:
    if isinstance(value, (list, tuple)):
        return tuple(dtypes.as_dtype(item) for item in value) if is_dtype else tuple(value)
    if is_dtype and value is not table.TYPE_LIST:
        return dtypes.as_dtype(value)
    if isinstance(default, bool):
        return bool(value)
    return value


# Ops of one vendor's library: programs try them, and go another way when no kernel is found.
_VENDOR_OPS = frozenset(
    {"CudnnRNN", "CudnnRNNBackprop", "CudnnRNNV2", "CudnnRNNV3", "CudnnRNNParamsSize"}
)


def _without_kernel(name: str) -> Callable[..., Any]:
    def raw_op(**_: Any) -> Any:
        raise NotFoundError(f"op {name} needs a kernel of cuDNN, and XLA has none")

    raw_op.__name__ = raw_op.__qualname__ = name
    return raw_op


def __getattr__(name: str) -> Any:
    if name in _VENDOR_OPS:
        return _without_kernel(name)
    if name.startswith("_") or not table.has(name):
        raise AttributeError(f"module 'penstock.raw_ops' has no attribute {name!r}")
    made = globals()[name] = _function(name)
    return made


def __dir__() -> list[str]:
    return [row.name for row in table.rows() if not row.name.startswith("_")]
