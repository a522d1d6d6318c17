"""Poolings over one to three spatial axes."""

from __future__ import annotations

from typing import Any, NamedTuple

from penstock.api.nn.space_to_batch import with_space_to_batch
from penstock.api.nn.windows import (
    named_padding,
    per_axis,
    read_padding,
    starts_with_channels,
)
from penstock.core import dtypes
from penstock.core.dtypes import as_dtype
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.random_state import op_seeds

__all__ = [
    "avg_pool",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "fractional_avg_pool",
    "fractional_max_pool",
    "max_pool",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "max_pool_with_argmax",
    "pool",
]


def max_pool(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = None,
    name: str | None = None,
) -> Any:
    """Largest entry under a window, at each place, over one to three spatial axes.

    Args:
        input: `[n, *spatial, c]`, or `[n, c, *spatial]` with a data_format "NC...".
        ksize: lengths of the window: a number, or a list with one entry for each spatial axis
        or
            for every axis.
        strides: steps of the window, given as `ksize` is.
        padding: "SAME", "VALID", or (but for three axes) a pair of numbers for every axis.
        data_format: None or "N...C", or "NC...".
        name: name of the op.

    Raises:
        ValueError: `input` has not rank 3, 4 or 5, or an argument has the wrong length.

    Example:
        >>> import penstock as tf
        >>> tf.nn.max_pool([[[1.], [4.], [2.], [3.]]], 2, 2, "VALID").numpy().ravel().tolist()
        [4.0, 3.0]
    """
    input = convert_to_tensor(input)
    pools = {3: max_pool1d, 4: max_pool2d, 5: max_pool3d}
    return _by_rank(pools, input, ksize, strides, padding, data_format, name)


def max_pool1d(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NWC",
    name: str | None = None,
) -> Any:
    """`max_pool` of `[n, w, c]`, or `[n, c, w]` with data_format "NCW"."""
    first = starts_with_channels(data_format)
    attrs = read_padding(padding, 3)
    if attrs["explicit_paddings"]:
        pairs = attrs["explicit_paddings"]
        at = 6 if first else 4
        attrs["explicit_paddings"] = (*pairs[:at], 0, 0, *pairs[at:])
    return _pool1d("MaxPool", input, ksize, strides, first, attrs, name)


def max_pool2d(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    name: str | None = None,
) -> Any:
    """`max_pool` of `[n, h, w, c]`, or `[n, c, h, w]` with data_format "NCHW"."""
    data_format = data_format or "NHWC"
    first = starts_with_channels(data_format)
    return call(
        "MaxPool",
        convert_to_tensor(input, dtype_hint=dtypes.float32),
        ksize=per_axis(ksize, 2, first, "ksize"),
        strides=per_axis(strides, 2, first, "strides"),
        data_format=data_format,
        name=name,
        **read_padding(padding, 4),
    )


def max_pool3d(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: str,
    data_format: str = "NDHWC",
    name: str | None = None,
) -> Any:
    """`max_pool` of `[n, d, h, w, c]`, or `[n, c, d, h, w]` with data_format "NCDHW"."""
    return _pool3d("MaxPool3D", input, ksize, strides, padding, data_format, name)


def avg_pool(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: str,
    data_format: str | None = None,
    name: str | None = None,
) -> Any:
    """Mean under a window, at each place; cells outside the input do not count.

    Args:
        input: `[n, *spatial, c]`, or `[n, c, *spatial]` with a data_format "NC...".
        ksize: lengths of the window: a number, or a list with one entry for each spatial axis
        or
            for every axis.
        strides: steps of the window, given as `ksize` is.
        padding: "SAME" or "VALID".
        data_format: None or "N...C", or "NC...".
        name: name of the op.

    Raises:
        ValueError: `input` has not rank 3, 4 or 5, or an argument has the wrong length.
    """
    input = convert_to_tensor(input)
    pools = {3: avg_pool1d, 4: avg_pool2d, 5: avg_pool3d}
    return _by_rank(pools, input, ksize, strides, padding, data_format, name)


def avg_pool1d(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: str,
    data_format: str = "NWC",
    name: str | None = None,
) -> Any:
    """`avg_pool` of `[n, w, c]`, or `[n, c, w]` with data_format "NCW"."""
    first = starts_with_channels(data_format)
    attrs = {"padding": named_padding(padding)}
    return _pool1d("AvgPool", input, ksize, strides, first, attrs, name)


def avg_pool2d(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: str,
    data_format: str = "NHWC",
    name: str | None = None,
) -> Any:
    """`avg_pool` of `[n, h, w, c]`, or `[n, c, h, w]` with data_format "NCHW"."""
    data_format = data_format or "NHWC"
    first = starts_with_channels(data_format)
    return call(
        "AvgPool",
        convert_to_tensor(input),
        ksize=per_axis(ksize, 2, first, "ksize"),
        strides=per_axis(strides, 2, first, "strides"),
        padding=named_padding(padding),
        data_format=data_format,
        name=name,
    )


def avg_pool3d(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: str,
    data_format: str = "NDHWC",
    name: str | None = None,
) -> Any:
    """`avg_pool` of `[n, d, h, w, c]`, or `[n, c, d, h, w]` with data_format "NCDHW"."""
    return _pool3d("AvgPool3D", input, ksize, strides, padding, data_format, name)


class MaxPoolWithArgmax(NamedTuple):
    """What `max_pool_with_argmax` gives."""

    output: Any
    argmax: Any


def max_pool_with_argmax(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: str,
    data_format: str = "NHWC",
    output_dtype: Any = dtypes.int64,
    include_batch_in_index: bool = False,
    name: str | None = None,
) -> tuple[Any, Any]:
    """`max_pool2d`, and where in the flattened image each of its outputs stands.

    Args:
        input: `[n, h, w, c]`.
        ksize: lengths of the window.
        strides: steps of the window.
        padding: "SAME" or "VALID".
        data_format: "NHWC".
        output_dtype: int32 or int64, for the places.
        include_batch_in_index: whether places count in the whole batch, not in one image.
        name: name of the op.

    Returns:
        The maxima and their places, both `[n, oh, ow, c]`.

    Raises:
        ValueError: another data_format.
    """
    if data_format != "NHWC":
        raise ValueError(f"data_format must be 'NHWC', got {data_format!r}")
    largest, places = call(
        "MaxPoolWithArgmax",
        convert_to_tensor(input),
        ksize=per_axis(ksize, 2, False, "ksize"),
        strides=per_axis(strides, 2, False, "strides"),
        padding=named_padding(padding),
        Targmax=as_dtype(output_dtype),
        include_batch_in_index=include_batch_in_index,
        name=name,
    )
    return MaxPoolWithArgmax(largest, places)


def pool(
    input: Any,
    window_shape: Any,
    pooling_type: str,
    strides: Any = None,
    padding: str = "VALID",
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """Pooling over as many axes as `window_shape` has, whose window may have holes.

    Args:
        input: `[n, *spatial, c]`, or `[n, c, *spatial]` with a data_format "NC...".
        window_shape: lengths of the window, one for each spatial axis.
        pooling_type: "MAX" or "AVG".
        strides: steps of the window; not above 1 where a dilation is.
        padding: "SAME" or "VALID"; only the latter where a dilation is above 1.
        data_format: None or "N...C", or "NC...".
        dilations: distances between the cells of the window.
        name: name of the op.

    Raises:
        ValueError: there is no such pooling, or an argument does not fit the others.
    """
    input = convert_to_tensor(input)
    count = len(window_shape)
    kinds = {
        "MAX": (max_pool1d, max_pool2d, max_pool3d),
        "AVG": (avg_pool1d, avg_pool2d, avg_pool3d),
    }
    if pooling_type not in kinds or not 1 <= count <= 3:
        raise ValueError(
            f"pooling_type must be 'MAX' or 'AVG' over 1 to 3 axes, got {pooling_type!r} over "
            f"{count}"
        )
    input.shape.assert_has_rank(count + 2)
    first = starts_with_channels(data_format)
    steps = list(strides) if strides is not None else [1] * count
    gaps = list(dilations) if dilations is not None else [1] * count
    if len(steps) != count or len(gaps) != count:
        raise ValueError(
            f"strides and dilations must have length {count}, got {steps} and {gaps}"
        )
    if max(steps) > 1 and max(gaps) > 1:
        raise ValueError(
            f"strides and dilations must not both be above 1, got {steps} and {gaps}"
        )
    if max(gaps) > 1 and padding != "VALID":
        raise ValueError(
            f"padding must be 'VALID' where a dilation is above 1, got {padding!r}"
        )
    layout = (("NWC", "NCW"), ("NHWC", "NCHW"), ("NDHWC", "NCDHW"))[count - 1][first]
    dense = kinds[pooling_type][count - 1]
    return with_space_to_batch(
        input,
        gaps,
        padding,
        lambda value, _, inner: dense(
            value, list(window_shape), steps, inner, data_format=layout, name=name
        ),
        data_format=data_format,
    )


def fractional_max_pool(
    value: Any,
    pooling_ratio: Any,
    pseudo_random: bool = False,
    overlapping: bool = False,
    seed: int = 0,
    name: str | None = None,
) -> tuple[Any, Any, Any]:
    """`max_pool2d` over regions of random lengths, which shrink by `pooling_ratio` on average.

    Args:
        value: `[n, h, w, c]`.
        pooling_ratio: a number of 1 or more, or four of them, 1 for batch and channels.
        pseudo_random: whether lengths follow from one random number, not from one each.
        overlapping: whether neighbouring regions share their border.
        seed: 0 for other regions each time.
        name: name of the op.

    Returns:
        The maxima, and the borders of the regions along rows and columns.

    Source: Graham, Fractional Max-Pooling (2015).
    """
    return _fractional(
        "FractionalMaxPool", value, pooling_ratio, pseudo_random, overlapping, seed, name
    )


def fractional_avg_pool(
    value: Any,
    pooling_ratio: Any,
    pseudo_random: bool = False,
    overlapping: bool = False,
    seed: int = 0,
    name: str | None = None,
) -> tuple[Any, Any, Any]:
    """`avg_pool2d` over regions of random lengths; see `fractional_max_pool`."""
    return _fractional(
        "FractionalAvgPool", value, pooling_ratio, pseudo_random, overlapping, seed, name
    )


def _fractional(
    op_name: str,
    value: Any,
    pooling_ratio: Any,
    pseudo_random: bool,
    overlapping: bool,
    seed: int,
    name: str | None,
) -> tuple[Any, Any, Any]:
    if isinstance(pooling_ratio, (list, tuple)):
        entries = [float(ratio) for ratio in pooling_ratio]
    else:
        entries = [1.0, float(pooling_ratio), float(pooling_ratio), 1.0]
    if len(entries) != 4 or entries[0] != 1 or entries[3] != 1 or min(entries) < 1:
        raise ValueError(
            "pooling_ratio must be a number of 1 or more, or four of them with the first and "
            f"last 1, got {pooling_ratio}"
        )
    pooled, rows, columns = call(
        op_name,
        convert_to_tensor(value),
        pooling_ratio=tuple(entries),
        pseudo_random=pseudo_random,
        overlapping=overlapping,
        deterministic=seed != 0,
        name=name,
        **(op_seeds(seed) if seed else {}),
    )
    return pooled, rows, columns


def _by_rank(
    pools: dict[int, Any],
    input: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str | None,
    name: str | None,
) -> Any:
    rank = input.shape.rank
    if rank is None and data_format is not None:
        rank = len(data_format)
    if rank is None:
        rank = 4
    if rank not in pools:
        raise ValueError(f"input must have rank 3, 4 or 5, got shape {input.shape}")
    first = starts_with_channels(data_format)
    layout = (("NWC", "NCW"), ("NHWC", "NCHW"), ("NDHWC", "NCDHW"))[rank - 3][first]
    return pools[rank](input, ksize, strides, padding, data_format=layout, name=name)


def _pool1d(
    op_name: str,
    input: Any,
    ksize: Any,
    strides: Any,
    first: bool,
    attrs: dict[str, Any],
    name: str | None,
) -> Any:
    """Pool a sequence as an image of width 1."""
    axis = 3 if first else 2

    def with_width(entries: tuple[int, ...]) -> tuple[int, ...]:
        return (*entries[:axis], 1, *entries[axis:])

    pooled = call(
        op_name,
        call("ExpandDims", convert_to_tensor(input), axis),
        ksize=with_width(per_axis(ksize, 1, first, "ksize")),
        strides=with_width(per_axis(strides, 1, first, "strides")),
        data_format="NCHW" if first else "NHWC",
        **attrs,
    )
    return call("Squeeze", pooled, squeeze_dims=(axis,), name=name)


def _pool3d(
    op_name: str,
    input: Any,
    ksize: Any,
    strides: Any,
    padding: str,
    data_format: str,
    name: str | None,
) -> Any:
    data_format = data_format or "NDHWC"
    first = starts_with_channels(data_format)
    return call(
        op_name,
        convert_to_tensor(input),
        ksize=per_axis(ksize, 3, first, "ksize"),
        strides=per_axis(strides, 3, first, "strides"),
        padding=named_padding(padding),
        data_format=data_format,
        name=name,
    )
