"""Names right under `tf` that are an op and nothing more."""

from __future__ import annotations

from typing import Any, NamedTuple

from penstock.core import dtypes
from penstock.core.errors import UnimplementedError
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call

__all__ = [
    "approx_top_k",
    "check_pinned",
    "conv",
    "conv2d_backprop_filter_v2",
    "conv2d_backprop_input_v2",
    "fftnd",
    "ifftnd",
    "irfftnd",
    "ragged_fill_empty_rows",
    "ragged_fill_empty_rows_grad",
    "random_index_shuffle",
    "rfftnd",
]


class ApproxTopK(NamedTuple):
    """The largest or smallest elements, and where they are."""

    values: Any
    indices: Any


class RaggedFillEmptyRows(NamedTuple):
    """Rows of which none is empty, and how they came about."""

    output_value_rowids: Any
    output_values: Any
    empty_row_indicator: Any
    reverse_index_map: Any


class RaggedFillEmptyRowsGrad(NamedTuple):
    """Gradients of the values and of the default."""

    d_values: Any
    d_default_value: Any


def approx_top_k(
    input: Any,
    k: int,
    reduction_dimension: int = -1,
    recall_target: float = 0.95,
    is_max_k: bool = True,
    reduction_input_size_override: int = -1,
    aggregate_to_topk: bool = True,
    name: str | None = None,
) -> ApproxTopK:
    """Return the `k` largest or smallest elements along an axis, and their places.

    Args:
        input: [..., n, ...] half, bfloat16 or float32.
        k: number of elements.
        reduction_dimension: the axis.
        recall_target: share of the true elements that must be found; all of them are.
        is_max_k: whether the largest are meant.
        reduction_input_size_override: size of the whole, of which `input` is a part.
        aggregate_to_topk: whether exactly `k` elements are wanted.
        name: name of the node.
    """
    return ApproxTopK(
        *call(
            "ApproxTopK",
            input,
            k=int(k),
            reduction_dimension=reduction_dimension,
            recall_target=recall_target,
            is_max_k=is_max_k,
            reduction_input_size_override=reduction_input_size_override,
            aggregate_to_topk=aggregate_to_topk,
            name=name,
        )
    )


def check_pinned(tensor: Any, name: str | None = None) -> Any:
    """Raise `UnimplementedError`: no memory is pinned for CUDA.

    Args:
        tensor: accepted for compatibility.
        name: accepted for compatibility.

    Raises:
        UnimplementedError: always.
    """
    raise UnimplementedError("tf.check_pinned needs memory that is pinned for CUDA")


def conv(
    input: Any,
    filter: Any,
    strides: Any,
    padding: str,
    explicit_paddings: Any = [],  # noqa: B006  (TensorFlow's default, never changed)
    data_format: str = "CHANNELS_LAST",
    dilations: Any = [],  # noqa: B006
    batch_dims: int = 1,
    groups: int = 1,
    name: str | None = None,
) -> Any:
    """Convolve over one, two or three axes; the rank of `filter` tells how many.

    Args:
        input: batch axes, spatial axes and channels.
        filter: spatial axes, input channels, output channels.
        strides: a step for each axis of an input with one batch axis.
        padding: "SAME", "VALID" or "EXPLICIT".
        explicit_paddings: rows of zeros before and after, for "EXPLICIT".
        data_format: "CHANNELS_FIRST" or "CHANNELS_LAST".
        dilations: distance of the filter's elements along each axis.
        batch_dims: number of batch axes.
        groups: number of groups of channels.
        name: name of the node.
    """
    return call(
        "Conv",
        input,
        filter,
        strides=tuple(strides),
        padding=padding,
        explicit_paddings=tuple(explicit_paddings),
        data_format=data_format,
        dilations=tuple(dilations),
        batch_dims=batch_dims,
        groups=groups,
        name=name,
    )


def conv2d_backprop_filter_v2(
    input: Any,
    filter: Any,
    out_backprop: Any,
    strides: Any,
    padding: str,
    use_cudnn_on_gpu: bool = True,
    explicit_paddings: Any = [],  # noqa: B006
    data_format: str = "NHWC",
    dilations: Any = [1, 1, 1, 1],  # noqa: B006
    name: str | None = None,
) -> Any:
    """Gradient of a 2-D convolution with respect to its filter, of which the shape is used.

    Args:
        input: [n, h, w, c] input of the convolution.
        filter: [kh, kw, c, out] its filter.
        out_backprop: gradient of its result.
        strides: its steps.
        padding: its padding.
        use_cudnn_on_gpu: accepted for compatibility.
        explicit_paddings: its explicit paddings.
        data_format: "NHWC" or "NCHW".
        dilations: its dilations.
        name: name of the node.
    """
    return call(
        "Conv2DBackpropFilter",
        input,
        call("Shape", filter),
        out_backprop,
        strides=tuple(strides),
        padding=padding,
        use_cudnn_on_gpu=use_cudnn_on_gpu,
        explicit_paddings=tuple(explicit_paddings),
        data_format=data_format,
        dilations=tuple(dilations),
        name=name,
    )


def conv2d_backprop_input_v2(
    input: Any,
    filter: Any,
    out_backprop: Any,
    strides: Any,
    padding: str,
    use_cudnn_on_gpu: bool = True,
    explicit_paddings: Any = [],  # noqa: B006
    data_format: str = "NHWC",
    dilations: Any = [1, 1, 1, 1],  # noqa: B006
    name: str | None = None,
) -> Any:
    """Gradient of a 2-D convolution with respect to its input, of which the shape is used.

    Args:
        input: [n, h, w, c] input of the convolution.
        filter: [kh, kw, c, out] its filter.
        out_backprop: gradient of its result.
        strides: its steps.
        padding: its padding.
        use_cudnn_on_gpu: accepted for compatibility.
        explicit_paddings: its explicit paddings.
        data_format: "NHWC" or "NCHW".
        dilations: its dilations.
        name: name of the node.
    """
    return call(
        "Conv2DBackpropInput",
        call("Shape", input),
        filter,
        out_backprop,
        strides=tuple(strides),
        padding=padding,
        use_cudnn_on_gpu=use_cudnn_on_gpu,
        explicit_paddings=tuple(explicit_paddings),
        data_format=data_format,
        dilations=tuple(dilations),
        name=name,
    )


def fftnd(input: Any, fft_length: Any, axes: Any, name: str | None = None) -> Any:
    """Discrete Fourier transform along some axes.

    Args:
        input: complex tensor.
        fft_length: size along each of the axes; longer ones are cut, shorter ones padded.
        axes: the axes.
        name: name of the node.
    """
    return call("FFTND", input, fft_length, axes, name=name)


def ifftnd(input: Any, fft_length: Any, axes: Any, name: str | None = None) -> Any:
    """Inverse of `fftnd`.

    Args:
        input: complex tensor.
        fft_length: size along each of the axes; longer ones are cut, shorter ones padded.
        axes: the axes.
        name: name of the node.
    """
    return call("IFFTND", input, fft_length, axes, name=name)


def rfftnd(
    input: Any,
    fft_length: Any,
    axes: Any,
    Tcomplex: Any = dtypes.complex64,  # noqa: N803
    name: str | None = None,
) -> Any:
    """Discrete Fourier transform of real numbers along some axes; the last keeps one half.

    Args:
        input: float32 or float64 tensor.
        fft_length: size along each of the axes; longer ones are cut, shorter ones padded.
        axes: the axes.
        Tcomplex: dtype of the result.
        name: name of the node.
    """
    kind = dtypes.as_dtype(Tcomplex)
    return call("RFFTND", input, fft_length, axes, Tcomplex=kind, name=name)


def irfftnd(
    input: Any,
    fft_length: Any,
    axes: Any,
    Treal: Any = dtypes.float32,  # noqa: N803
    name: str | None = None,
) -> Any:
    """Inverse of `rfftnd`.

    Args:
        input: complex tensor.
        fft_length: size of the result along each of the axes.
        axes: the axes.
        Treal: dtype of the result.
        name: name of the node.
    """
    return call("IRFFTND", input, fft_length, axes, Treal=dtypes.as_dtype(Treal), name=name)


def ragged_fill_empty_rows(
    value_rowids: Any, values: Any, nrows: Any, default_value: Any, name: str | None = None
) -> RaggedFillEmptyRows:
    """Give every empty row of a ragged tensor one element.

    Args:
        value_rowids: [n] int64, the row of each value, ascending.
        values: [n] the values.
        nrows: [] int64, number of rows.
        default_value: [] the element for empty rows.
        name: name of the node.
    """
    return RaggedFillEmptyRows(
        *call("RaggedFillEmptyRows", value_rowids, values, nrows, default_value, name=name)
    )


def ragged_fill_empty_rows_grad(
    reverse_index_map: Any, grad_values: Any, name: str | None = None
) -> RaggedFillEmptyRowsGrad:
    """Gradients of `ragged_fill_empty_rows`.

    Args:
        reverse_index_map: [n] int64, where each value went.
        grad_values: [m] gradient of the values that came out.
        name: name of the node.
    """
    return RaggedFillEmptyRowsGrad(
        *call("RaggedFillEmptyRowsGrad", reverse_index_map, grad_values, name=name)
    )


def random_index_shuffle(
    index: Any, seed: Any, max_index: Any, rounds: int = 4, name: str | None = None
) -> Any:
    """Place of `index` in a random order of 0 to `max_index`, which is never made as a whole.

    Args:
        index: [] or [n], the indices.
        seed: [3] or [n, 3], what decides the order.
        max_index: [] or [n], the largest index.
        rounds: rounds of the cipher that makes the order; even, at least 4.
        name: name of the node.
    """
    return call(
        "RandomIndexShuffle",
        index,
        convert_to_tensor(seed),
        max_index,
        rounds=rounds,
        name=name,
    )
