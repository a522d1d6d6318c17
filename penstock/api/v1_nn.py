"""`tf.compat.v1.nn`: what TensorFlow 1 names or calls otherwise, and what it shares."""

from __future__ import annotations

from typing import Any

from penstock.api import nn
from penstock.api.nn.normalization import fused_batch_norm as fused_batch_norm
from penstock.core import dtypes
from penstock.core.errors import MissingNameError, UnimplementedError
from penstock.runtime.dispatch import call

# Functions that are the same in both versions.
_SHARED = frozenset(
    {
        "all_candidate_sampler",
        "atrous_conv2d",
        "atrous_conv2d_transpose",
        "avg_pool1d",
        "avg_pool3d",
        "batch_normalization",
        "bias_add",
        "collapse_repeated",
        "compute_accidental_hits",
        "compute_average_loss",
        "conv1d_transpose",
        "conv_transpose",
        "ctc_greedy_decoder",
        "ctc_unique_labels",
        "depthwise_conv2d_backprop_filter",
        "depthwise_conv2d_backprop_input",
        "elu",
        "fixed_unigram_candidate_sampler",
        "l2_loss",
        "l2_normalize",
        "leaky_relu",
        "learned_unigram_candidate_sampler",
        "local_response_normalization",
        "log_poisson_loss",
        "lrn",
        "max_pool1d",
        "max_pool2d",
        "max_pool3d",
        "normalize_moments",
        "relu",
        "relu6",
        "scale_regularization_loss",
        "selu",
        "sigmoid",
        "sigmoid_cross_entropy_with_logits",
        "silu",
        "softplus",
        "softsign",
        "swish",
        "tanh",
        "top_k",
        "with_space_to_batch",
        "zero_fraction",
    }
)


def __getattr__(name: str) -> Any:
    if name in _SHARED:
        return getattr(nn, name)
    if name.startswith("_"):
        raise AttributeError(name)
    raise MissingNameError(f"tf.compat.v1.nn.{name} is not implemented")


def avg_pool(
    value: Any = None,
    ksize: Any = None,
    strides: Any = None,
    padding: Any = None,
    data_format: str = "NHWC",
    name: str | None = None,
    input: Any = None,
) -> Any:
    """See `tf.nn.avg_pool2d`; `input` is another name of `value`."""
    value = _either("value", value, "input", input)
    return nn.avg_pool2d(value, ksize, strides, padding, data_format=data_format, name=name)


avg_pool2d = avg_pool


def max_pool(
    value: Any = None,
    ksize: Any = None,
    strides: Any = None,
    padding: Any = None,
    data_format: str = "NHWC",
    name: str | None = None,
    input: Any = None,
) -> Any:
    """See `tf.nn.max_pool2d`; `input` is another name of `value`."""
    value = _either("value", value, "input", input)
    return nn.max_pool2d(value, ksize, strides, padding, data_format=data_format, name=name)


avg_pool_v2 = nn.avg_pool
max_pool_v2 = nn.max_pool


def conv2d(
    input: Any,
    filter: Any = None,
    strides: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
    filters: Any = None,
) -> Any:
    """See `tf.nn.conv2d`; `filters` is another name of `filter`."""
    del use_cudnn_on_gpu
    kernel = _either("filter", filter, "filters", filters)
    return nn.conv2d(
        input, kernel, strides, padding, data_format=data_format, dilations=dilations, name=name
    )


def depthwise_conv2d(
    input: Any,
    filter: Any,
    strides: Any,
    padding: Any,
    rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Any:
    """See `tf.nn.depthwise_conv2d`; `rate` is another name of `dilations`."""
    gaps = dilations if dilations is not None else rate
    return nn.depthwise_conv2d(
        input, filter, strides, padding, data_format=data_format, dilations=gaps, name=name
    )


def dropout(
    x: Any,
    keep_prob: Any = None,
    noise_shape: Any = None,
    seed: int | None = None,
    name: str | None = None,
    rate: Any = None,
) -> Any:
    """See `tf.nn.dropout`; `keep_prob` is 1 - `rate`.

    Raises:
        ValueError: neither `rate` nor `keep_prob` is given.
    """
    if rate is None:
        if keep_prob is None:
            raise ValueError("rate must be given, or keep_prob, which is 1 - rate")
        rate = 1 - keep_prob
    return nn.dropout(x, rate, noise_shape=noise_shape, seed=seed, name=name)


def embedding_lookup(
    params: Any,
    ids: Any,
    partition_strategy: str = "mod",
    name: str | None = None,
    validate_indices: bool = True,
    max_norm: float | None = None,
) -> Any:
    """See `tf.nn.embedding_lookup`; of several tables only those of strategy "div" are read."""
    del validate_indices
    if isinstance(params, (list, tuple)) and len(params) > 1 and partition_strategy != "div":
        raise UnimplementedError(
            "tf.compat.v1.nn.embedding_lookup reads several tables with strategy "
            f"'div' only, got {partition_strategy!r}"
        )
    return nn.embedding_lookup(params, ids, max_norm=max_norm, name=name)


def moments(
    x: Any,
    axes: Any,
    shift: Any = None,
    name: str | None = None,
    keep_dims: bool | None = None,
    keepdims: bool | None = None,
) -> tuple[Any, Any]:
    """See `tf.nn.moments`; `keep_dims` is another name of `keepdims`."""
    kept = bool(keepdims if keepdims is not None else keep_dims)
    return nn.moments(x, axes, shift=shift, keepdims=kept, name=name)


def softmax(
    logits: Any, axis: int | None = None, name: str | None = None, dim: int | None = None
) -> Any:
    """See `tf.nn.softmax`; `dim` is another name of `axis`."""
    return nn.softmax(logits, axis=axis if axis is not None else dim, name=name)


def log_softmax(
    logits: Any, axis: int | None = None, name: str | None = None, dim: int | None = None
) -> Any:
    """See `tf.nn.log_softmax`; `dim` is another name of `axis`."""
    return nn.log_softmax(logits, axis=axis if axis is not None else dim, name=name)


def softmax_cross_entropy_with_logits(
    labels: Any = None,
    logits: Any = None,
    dim: int = -1,
    name: str | None = None,
    axis: int | None = None,
) -> Any:
    """See `tf.nn.softmax_cross_entropy_with_logits`; no gradient flows to the labels."""
    fixed = call("StopGradient", labels)
    place = dim if axis is None else axis
    return nn.softmax_cross_entropy_with_logits(fixed, logits, axis=place, name=name)


def softmax_cross_entropy_with_logits_v2(
    labels: Any,
    logits: Any,
    axis: int | None = None,
    name: str | None = None,
    dim: int | None = None,
) -> Any:
    """See `tf.nn.softmax_cross_entropy_with_logits`; `dim` is another name of `axis`."""
    given = axis if axis is not None else dim
    place = -1 if given is None else given
    return nn.softmax_cross_entropy_with_logits(labels, logits, axis=place, name=name)


def sparse_softmax_cross_entropy_with_logits(
    labels: Any = None, logits: Any = None, name: str | None = None
) -> Any:
    """See `tf.nn.sparse_softmax_cross_entropy_with_logits`."""
    if labels is None or logits is None:
        raise ValueError("labels and logits must both be given")
    return nn.sparse_softmax_cross_entropy_with_logits(labels, logits, name=name)


def weighted_cross_entropy_with_logits(
    labels: Any = None,
    logits: Any = None,
    pos_weight: Any = None,
    name: str | None = None,
    targets: Any = None,
) -> Any:
    """See `tf.nn.weighted_cross_entropy_with_logits`; `targets` is another name of `labels`."""
    wanted = _either("labels", labels, "targets", targets)
    return nn.weighted_cross_entropy_with_logits(wanted, logits, pos_weight, name=name)


def max_pool_with_argmax(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    Targmax: Any = None,  # noqa: N803  (TensorFlow's name)
    name: str | None = None,
    output_dtype: Any = None,
    include_batch_in_index: bool = False,
) -> tuple[Any, Any]:
    """See `tf.nn.max_pool_with_argmax`; `Targmax` is another name of `output_dtype`."""
    return nn.max_pool_with_argmax(
        input,
        ksize,
        strides,
        padding,
        data_format=data_format,
        output_dtype=output_dtype or Targmax or dtypes.int64,
        include_batch_in_index=include_batch_in_index,
        name=name,
    )


def crelu(features: Any, name: str | None = None, axis: int = -1) -> Any:
    """See `tf.nn.crelu`."""
    return nn.crelu(features, axis=axis, name=name)


def xw_plus_b(x: Any, weights: Any, biases: Any, name: str | None = None) -> Any:
    """Product of `x` and `weights`, plus `biases`."""
    return call("BiasAdd", call("MatMul", x, weights), biases, name=name)


def relu_layer(x: Any, weights: Any, biases: Any, name: str | None = None) -> Any:
    """`tf.nn.relu` of the product of `x` and `weights`, plus `biases`."""
    return call("Relu", xw_plus_b(x, weights, biases), name=name)


def _either(name: str, value: Any, other_name: str, other: Any) -> Any:
    if value is None and other is None:
        raise ValueError(f"{name} must be given")
    if value is not None and other is not None:
        raise ValueError(f"{name} and {other_name} are the same, give one of them")
    return value if value is not None else other
