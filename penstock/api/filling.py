"""New tensors: zeros, ones, one-hot rows, masks, identity matrices."""

from __future__ import annotations

from typing import Any

from penstock.api.composite import open_to_composites
from penstock.api.operands import integers, known_array, scalar
from penstock.core import dtypes
from penstock.core.errors import UnimplementedError
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.tensor import Tensor

__all__ = [
    "fill",
    "zeros",
    "ones",
    "zeros_like",
    "ones_like",
    "eye",
    "one_hot",
    "sequence_mask",
]


def fill(dims: Any, value: Any, name: str | None = None, layout: Any = None) -> Any:
    """Tensor that holds one value everywhere.

    Args:
        dims: sizes of the axes.
        value: a scalar.
        name: name of the node in a graph.
        layout: must be None.
    """
    _refuse_layout(layout)
    return call("Fill", integers(dims), value, name=name)


def _refuse_layout(layout: Any) -> None:
    if layout is not None:
        raise UnimplementedError(
            "layout is not implemented; use tf.distribute to place tensors"
        )


def _filled(shape: Any, value: int, dtype: Any, name: str | None) -> Any:
    kind = dtypes.as_dtype(dtype).base_dtype
    if kind is dtypes.string and value:
        raise TypeError("a tensor of dtype string has no ones")
    return call("Fill", integers(shape), _typed(value, kind), name=name)


def _typed(value: int, kind: dtypes.DType) -> Any:
    """A scalar of a dtype, which numpy's dtype alone may not tell."""
    number = scalar(value, kind)
    return convert_to_tensor(number, kind) if kind.is_quantized else number


def zeros(
    shape: Any, dtype: Any = dtypes.float32, name: str | None = None, layout: Any = None
) -> Any:
    """Tensor of zeros, of False, or of empty strings.

    Args:
        shape: sizes of the axes.
        dtype: element type.
        name: name of the node in a graph.
        layout: must be None.

    Example:
        >>> import penstock as tf
        >>> tf.zeros([2], tf.int32).numpy().tolist()
        [0, 0]
    """
    _refuse_layout(layout)
    return _filled(shape, 0, dtype, name)


def ones(
    shape: Any, dtype: Any = dtypes.float32, name: str | None = None, layout: Any = None
) -> Any:
    """Tensor of ones, or of True.

    Args:
        shape: sizes of the axes.
        dtype: element type.
        name: name of the node in a graph.
        layout: must be None.
    """
    _refuse_layout(layout)
    return _filled(shape, 1, dtype, name)


def zeros_like(
    input: Any, dtype: Any = None, name: str | None = None, layout: Any = None
) -> Any:
    """Zeros in the shape of the input.

    Args:
        input: a tensor.
        dtype: element type; None takes that of the input.
        name: name of the node in a graph.
        layout: must be None.
    """
    _refuse_layout(layout)
    if not isinstance(input, Tensor):
        input = convert_to_tensor(input)
    if dtype is None or dtypes.as_dtype(dtype) == input.dtype:
        return call("ZerosLike", input, name=name)
    return _filled(_shape_of(input), 0, dtype, name)


def ones_like(
    input: Any, dtype: Any = None, name: str | None = None, layout: Any = None
) -> Any:
    """Ones in the shape of the input.

    Args:
        input: a tensor.
        dtype: element type; None takes that of the input.
        name: name of the node in a graph.
        layout: must be None.
    """
    _refuse_layout(layout)
    if not isinstance(input, Tensor):
        input = convert_to_tensor(input)
    if dtype is None or dtypes.as_dtype(dtype) == input.dtype:
        return call("OnesLike", input, name=name)
    return _filled(_shape_of(input), 1, dtype, name)


def _shape_of(tensor: Any) -> Any:
    shape = tensor.shape
    return shape if shape.is_fully_defined() else call("Shape", tensor)


def eye(
    num_rows: Any,
    num_columns: Any = None,
    batch_shape: Any = None,
    dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Any:
    """Identity matrices.

    Args:
        num_rows: number of rows.
        num_columns: number of columns; None takes that of the rows.
        batch_shape: sizes of the axes in front of each matrix.
        dtype: element type.
        name: name of the node in a graph.
    """
    columns = num_rows if num_columns is None else num_columns
    known = [
        known_array(each) if isinstance(each, Tensor) else each for each in (num_rows, columns)
    ]
    if None in known:
        rows, wide = (convert_to_tensor(each, dtypes.int32) for each in (num_rows, columns))
        length: Any = call("Reshape", call("Minimum", rows, wide), [1])
    else:
        rows, wide = int(known[0]), int(known[1])
        length = [min(rows, wide)]
    if batch_shape is not None:
        if isinstance(length, list) and not isinstance(batch_shape, Tensor):
            length = [*[int(size) for size in batch_shape], *length]
        else:
            batch = convert_to_tensor(batch_shape, dtypes.int32)
            length = call("ConcatV2", [batch, length], 0)
    line = _filled(length, 1, dtype, None)
    zero = _typed(0, line.dtype)
    return call(
        "MatrixDiagV3", line, integers(0), integers(rows), integers(wide), zero, name=name
    )


def one_hot(
    indices: Any,
    depth: Any,
    on_value: Any = None,
    off_value: Any = None,
    axis: int | None = None,
    dtype: Any = None,
    name: str | None = None,
) -> Any:
    """Rows that hold `on_value` at one place and `off_value` elsewhere.

    Args:
        indices: places; one outside of [0, depth) gives a row of `off_value`.
        depth: length of the rows.
        on_value: None is 1.
        off_value: None is 0.
        axis: where the new axis comes; None is the end.
        dtype: element type; None takes that of the values, or float32.
        name: name of the node in a graph.

    Raises:
        TypeError: the values and `dtype` differ in type.
    """
    wanted = None if dtype is None else dtypes.as_dtype(dtype).base_dtype
    if isinstance(indices, (list, tuple)) and not indices:
        indices = convert_to_tensor(indices, dtypes.int64)
    place = -1 if axis is None else axis
    if on_value is None and off_value is None:
        kind = dtypes.float32 if wanted is None else wanted
        if not kind.is_numeric:
            raise TypeError(f"on_value and off_value must be given for dtype {kind.name}")
        pair = _typed(1, kind), _typed(0, kind)
        return call("OneHot", indices, integers(depth), *pair, axis=place, name=name)
    given = {
        word: convert_to_tensor(value, dtype_hint=wanted)
        for word, value in (("on_value", on_value), ("off_value", off_value))
        if value is not None
    }
    if wanted is None:
        wanted = next((each.dtype for each in given.values()), dtypes.float32)
    for word, value in given.items():
        if value.dtype != wanted:
            raise TypeError(
                f"{word} must have the dtype of the other values, {wanted.name}, got "
                f"{value.dtype.name}"
            )
    on = given["on_value"] if "on_value" in given else convert_to_tensor(1, wanted)
    off = given["off_value"] if "off_value" in given else convert_to_tensor(0, wanted)
    return call(
        "OneHot",
        indices,
        integers(depth),
        on,
        off,
        axis=place,
        name=name,
    )


def sequence_mask(
    lengths: Any, maxlen: Any = None, dtype: Any = dtypes.bool, name: str | None = None
) -> Any:
    """Rows whose first elements, as many as each length says, are true.

    Args:
        lengths: integers of any shape.
        maxlen: length of the rows; None takes the largest of `lengths`.
        dtype: element type of the result.
        name: name of the node in a graph.

    Raises:
        ValueError: `maxlen` is not a scalar.

    Example:
        >>> import penstock as tf
        >>> tf.sequence_mask([1, 2], 3).numpy().tolist()
        [[True, False, False], [True, True, False]]
    """
    lengths = convert_to_tensor(lengths)
    if maxlen is None:
        flat = call("Reshape", lengths, integers([-1]))
        zero = call("Reshape", scalar(0, lengths.dtype), integers([1]))
        maxlen = call("Max", call("ConcatV2", [zero, flat], 0), integers(0))
    else:
        maxlen = convert_to_tensor(maxlen)
    if maxlen.shape.rank not in (None, 0):
        raise ValueError(
            f"Argument `maxlen` must be scalar for sequence_mask, got shape {maxlen.shape}"
        )
    places = call("Range", scalar(0, maxlen.dtype), maxlen, scalar(1, maxlen.dtype))
    column = call("ExpandDims", lengths, integers(-1))
    if column.dtype != maxlen.dtype:
        column = call("Cast", column, DstT=maxlen.dtype)
    mask = call("Less", places, column, name=name)
    kind = dtypes.as_dtype(dtype)
    return mask if kind is dtypes.bool else call("Cast", mask, DstT=kind)


open_to_composites(globals())
