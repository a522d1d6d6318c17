"""Functions of `tf.compat.v1` whose parameters or meaning TensorFlow 2 changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from penstock.api import (
    array,
    casting,
    filling,
    indexing,
    linalg,
    printing,
    random,
    reductions,
    strings,
)
from penstock.api import ragged as ragged_space
from penstock.api.framework import name_scope as _name_scope
from penstock.core import dtypes
from penstock.graph.session.variable import GraphVariable
from penstock.graph.symbol import constant_value
from penstock.runtime.context import state
from penstock.runtime.convert import convert_to_tensor as _converted
from penstock.runtime.dispatch import call
from penstock.runtime.variable import Variable as _Variable

__all__ = [
    "Print",
    "Variable",
    "arg_max",
    "arg_min",
    "argmax",
    "argmin",
    "batch_to_space_nd",
    "convert_to_tensor",
    "count_nonzero",
    "div",
    "expand_dims",
    "floor_div",
    "gather",
    "multinomial",
    "name_scope",
    "norm",
    "ones_like",
    "op_scope",
    "pad",
    "random_poisson",
    "reduce_all",
    "reduce_any",
    "reduce_logsumexp",
    "reduce_max",
    "reduce_mean",
    "reduce_min",
    "reduce_prod",
    "reduce_sum",
    "resize",
    "resize_area",
    "resize_bicubic",
    "resize_bilinear",
    "resize_images",
    "resize_nearest_neighbor",
    "set_random_seed",
    "setdiff1d",
    "shape",
    "size",
    "squeeze",
    "string_split",
    "to_bfloat16",
    "to_complex128",
    "to_complex64",
    "to_double",
    "to_float",
    "to_int32",
    "to_int64",
    "transpose",
    "where",
    "zeros_like",
]


def one_of(name: str, value: Any, older: str, old: Any) -> Any:
    """The value that was given under either name.

    Raises:
        ValueError: it was given under both.
    """
    if value is not None and old is not None:
        raise ValueError(f"Cannot specify both '{older}' and '{name}'.")
    return old if value is None else value


def _reduction(name: str) -> Any:
    function = getattr(reductions, f"reduce_{name}")

    def reduce(
        input_tensor: Any,
        axis: Any = None,
        keepdims: bool | None = None,
        name: str | None = None,
        reduction_indices: Any = None,
        keep_dims: bool | None = None,
    ) -> Any:
        axes = one_of("axis", axis, "reduction_indices", reduction_indices)
        kept = bool(one_of("keepdims", keepdims, "keep_dims", keep_dims))
        return function(input_tensor, axes, kept, name)

    reduce.__doc__ = (
        f"See `tf.reduce_{name}`; `reduction_indices` and `keep_dims` are older names."
    )
    reduce.__name__ = f"reduce_{name}"
    return reduce


reduce_sum = _reduction("sum")
reduce_mean = _reduction("mean")
reduce_max = _reduction("max")
reduce_min = _reduction("min")
reduce_prod = _reduction("prod")
reduce_all = _reduction("all")
reduce_any = _reduction("any")
reduce_logsumexp = _reduction("logsumexp")


def _extreme(op: str) -> Any:
    def extreme(
        input: Any,
        axis: Any = None,
        name: str | None = None,
        dimension: Any = None,
        output_type: Any = dtypes.int64,
    ) -> Any:
        place = one_of("axis", axis, "dimension", dimension)
        place = 0 if place is None else place
        return call(op, input, place, output_type=dtypes.as_dtype(output_type), name=name)

    extreme.__doc__ = f"See `tf.{op.lower()}`; `dimension` is an older name of `axis`."
    return extreme


argmax = _extreme("ArgMax")
argmin = _extreme("ArgMin")


def arg_max(
    input: Any, dimension: Any, output_type: Any = dtypes.int64, name: str | None = None
) -> Any:
    """See `tf.argmax`."""
    return argmax(input, dimension, name, output_type=output_type)


def arg_min(
    input: Any, dimension: Any, output_type: Any = dtypes.int64, name: str | None = None
) -> Any:
    """See `tf.argmin`."""
    return argmin(input, dimension, name, output_type=output_type)


def expand_dims(input: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Any:
    """See `tf.expand_dims`; `dim` is an older name of `axis`.

    Raises:
        ValueError: there is no axis.
    """
    place = one_of("axis", axis, "dim", dim)
    if place is None:
        raise ValueError("Must specify an axis argument to tf.expand_dims()")
    return array.expand_dims(input, place, name)


def squeeze(
    input: Any, axis: Any = None, name: str | None = None, squeeze_dims: Any = None
) -> Any:
    """See `tf.squeeze`; `squeeze_dims` is an older name of `axis`."""
    return array.squeeze(input, one_of("axis", axis, "squeeze_dims", squeeze_dims), name)


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Any:
    """Places where a condition holds, or elements of `x` and `y`, which have one shape.

    A condition with one axis chooses whole rows.

    Raises:
        ValueError: only one of `x` and `y` is given.
    """
    if x is None and y is None:
        return call("Where", condition, name=name)
    if x is None or y is None:
        raise ValueError("x and y must both be non-None or both be None.")
    return call("Select", condition, x, y, name=name)


def transpose(
    a: Any, perm: Any = None, name: str = "transpose", conjugate: bool = False
) -> Any:
    """See `tf.transpose`."""
    return array.transpose(a, perm, conjugate, name)


def shape(input: Any, name: str | None = None, out_type: Any = dtypes.int32) -> Any:
    """See `tf.shape`."""
    return array.shape(input, out_type, name)


def size(input: Any, name: str | None = None, out_type: Any = dtypes.int32) -> Any:
    """See `tf.size`."""
    return array.size(input, out_type, name)


def zeros_like(
    tensor: Any, dtype: Any = None, name: str | None = None, optimize: bool = True
) -> Any:
    """See `tf.zeros_like`."""
    return filling.zeros_like(tensor, dtype, name)


def ones_like(
    tensor: Any, dtype: Any = None, name: str | None = None, optimize: bool = True
) -> Any:
    """See `tf.ones_like`."""
    return filling.ones_like(tensor, dtype, name)


def pad(
    tensor: Any,
    paddings: Any,
    mode: str = "CONSTANT",
    name: str | None = None,
    constant_values: Any = 0,
) -> Any:
    """See `tf.pad`."""
    return array.pad(tensor, paddings, mode, constant_values, name)


def gather(
    params: Any,
    indices: Any,
    validate_indices: Any = None,
    name: str | None = None,
    axis: Any = None,
    batch_dims: int = 0,
) -> Any:
    """See `tf.gather`."""
    return indexing.gather(params, indices, axis=axis, batch_dims=batch_dims, name=name)


def norm(
    tensor: Any,
    ord: Any = "euclidean",
    axis: Any = None,
    keepdims: bool | None = None,
    name: str | None = None,
    keep_dims: bool | None = None,
) -> Any:
    """See `tf.norm`; `keep_dims` is an older name of `keepdims`."""
    kept = bool(one_of("keepdims", keepdims, "keep_dims", keep_dims))
    return linalg.norm(tensor, ord, axis, kept, name)


def count_nonzero(
    input_tensor: Any = None,
    axis: Any = None,
    keepdims: bool | None = None,
    dtype: Any = dtypes.int64,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: bool | None = None,
    input: Any = None,
) -> Any:
    """See `tf.math.count_nonzero`."""
    given = one_of("input", input_tensor, "input_tensor", input)
    axes = one_of("axis", axis, "reduction_indices", reduction_indices)
    kept = bool(one_of("keepdims", keepdims, "keep_dims", keep_dims))
    return reductions.count_nonzero(given, axes, kept, dtypes.as_dtype(dtype), name)


def _cast(kind: Any) -> Any:
    def convert(x: Any, name: str | None = None) -> Any:
        return casting.cast(x, kind, name)

    convert.__doc__ = f"`x` as {kind.name}."
    return convert


to_float = _cast(dtypes.float32)
to_double = _cast(dtypes.float64)
to_int32 = _cast(dtypes.int32)
to_int64 = _cast(dtypes.int64)
to_bfloat16 = _cast(dtypes.bfloat16)
to_complex64 = _cast(dtypes.complex64)
to_complex128 = _cast(dtypes.complex128)


def div(x: Any, y: Any, name: str | None = None) -> Any:
    """Quotient as Python 2 gave it: whole numbers give the floor."""
    left = _converted(x)
    right = _converted(y, left.dtype)
    return call("RealDiv" if left.dtype.is_floating else "FloorDiv", left, right, name=name)


def floor_div(x: Any, y: Any, name: str | None = None) -> Any:
    """See `tf.math.floordiv`."""
    return call("FloorDiv", x, y, name=name)


def multinomial(
    logits: Any,
    num_samples: Any,
    seed: int | None = None,
    name: str | None = None,
    output_dtype: Any = None,
) -> Any:
    """See `tf.random.categorical`."""
    kind = dtypes.int64 if output_dtype is None else dtypes.as_dtype(output_dtype)
    return random.categorical(logits, num_samples, kind, seed, name)


def random_poisson(
    lam: Any,
    shape: Any,
    dtype: Any = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Any:
    """See `tf.random.poisson`."""
    return random.poisson(shape, lam, dtype, seed, name)


def set_random_seed(seed: int) -> None:
    """Set the seed of the graph in force, or the global one."""
    if getattr(state.graph, "runs_on_demand", False):
        state.graph.seed = seed
    random.set_seed(seed)


def Print(  # noqa: N802  (TensorFlow's name)
    input_: Any,
    data: Any,
    message: str | None = None,
    first_n: int | None = None,
    summarize: int | None = None,
    name: str | None = None,
) -> Any:
    """`input_`, and print `data` when it is run."""
    written = printing.print(message or "", *data, summarize=summarize or 3)
    if written is None:
        return _converted(input_)
    saved = state.control_inputs
    state.control_inputs = [*saved, written]
    try:
        return call("Identity", input_, name=name)
    finally:
        state.control_inputs = saved


def _resizing(op: str) -> Any:
    def resize(
        images: Any,
        size: Any,
        align_corners: bool = False,
        name: str | None = None,
        half_pixel_centers: bool = False,
    ) -> Any:
        return call(
            op,
            images,
            _converted(size, dtypes.int32),
            align_corners=align_corners,
            half_pixel_centers=half_pixel_centers,
            name=name,
        )

    resize.__doc__ = f"Images of another size, by `{op}`."
    return resize


resize_bilinear = _resizing("ResizeBilinear")
resize_bicubic = _resizing("ResizeBicubic")
resize_nearest_neighbor = _resizing("ResizeNearestNeighbor")


def resize_area(
    images: Any, size: Any, align_corners: bool = False, name: str | None = None
) -> Any:
    """Images of another size, by the mean of what each point covers."""
    target = _converted(size, dtypes.int32)
    return call("ResizeArea", images, target, align_corners=align_corners, name=name)


_RESIZE_OPS = ("ResizeBilinear", "ResizeNearestNeighbor", "ResizeBicubic", "ResizeArea")
_RESIZE_METHODS = {"bilinear": 0, "nearest": 1, "bicubic": 2, "area": 3}


def resize(
    images: Any,
    size: Any,
    method: Any = 0,
    align_corners: bool = False,
    preserve_aspect_ratio: bool = False,
    name: str | None = None,
) -> Any:
    """Images of another size, where samples stand at the corners of points.

    Raises:
        ValueError: `method` is none of TensorFlow 1's, or `images` have not 3 or 4 axes.
    """
    number = _RESIZE_METHODS.get(method, method)
    if number not in range(len(_RESIZE_OPS)):
        raise ValueError(f"method must be one of {sorted(_RESIZE_METHODS)}, got {method!r}")
    images = _converted(images)
    if images.shape.rank not in (3, 4):
        raise ValueError(f"images must have 3 or 4 axes, got shape {images.shape}")
    single = images.shape.rank == 3
    batch = call("ExpandDims", images, 0) if single else images
    target = _converted(size, dtypes.int32)
    if target.shape.num_elements() not in (None, 2):
        raise ValueError(f"size must be a height and a width, got shape {target.shape}")
    if preserve_aspect_ratio:
        have = call("Cast", call("Shape", batch)[1:3], DstT=dtypes.float32)
        share = call("RealDiv", call("Cast", target, DstT=dtypes.float32), have)
        least = call("Min", share, [0], keep_dims=False)
        target = call("Cast", call("Round", call("Mul", have, least)), DstT=dtypes.int32)
    known = constant_value(target)
    if known is not None and known.tolist() == batch.shape.as_list()[1:3]:
        return images
    resized = call(_RESIZE_OPS[number], batch, target, align_corners=align_corners, name=name)
    return call("Squeeze", resized, squeeze_dims=(0,)) if single else resized


resize_images = resize


def setdiff1d(x: Any, y: Any, index_dtype: Any = dtypes.int32, name: str | None = None) -> Any:
    """Values of `x` that are not in `y`, and their places."""
    return call("ListDiff", x, y, out_idx=dtypes.as_dtype(index_dtype), name=name)


def batch_to_space_nd(input: Any, block_shape: Any, crops: Any, name: str | None = None) -> Any:
    """See `tf.batch_to_space`."""
    return call("BatchToSpaceND", input, block_shape, crops, name=name)


def string_split(
    source: Any,
    sep: Any = None,
    skip_empty: bool = True,
    delimiter: str = " ",
    result_type: str = "SparseTensor",
    name: str | None = None,
) -> Any:
    """Texts split at each of the characters of a delimiter, as a sparse or ragged tensor."""
    ragged = strings.split(source, sep if sep is not None else delimiter or None, name=name)
    if skip_empty:
        kept = ragged.with_flat_values(call("NotEqual", ragged.flat_values, b""))
        ragged = ragged_space.boolean_mask(ragged, kept)
    return ragged if result_type == "RaggedTensor" else ragged.to_sparse()


def convert_to_tensor(
    value: Any,
    dtype: Any = None,
    name: str | None = None,
    preferred_dtype: Any = None,
    dtype_hint: Any = None,
) -> Any:
    """See `tf.convert_to_tensor`; `preferred_dtype` is an older name of `dtype_hint`."""
    hint = one_of("dtype_hint", dtype_hint, "preferred_dtype", preferred_dtype)
    return _converted(value, dtype, hint, name)


def name_scope(name: Any, default_name: str | None = None, values: Any = None) -> Any:
    """See `tf.name_scope`; `default_name` serves where `name` is None."""
    return _name_scope(name if name is not None else default_name or "")


@contextmanager
def op_scope(values: Any, name: Any, default_name: str | None = None) -> Iterator[str]:
    """An older form of `name_scope`."""
    with name_scope(name, default_name, values) as scope:
        yield scope


class _AnyVariable(type(_Variable)):  # type: ignore[misc]
    """Variables of TensorFlow 2 are instances of that of TensorFlow 1 as well."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _Variable)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        names = ("initial_value", "trainable", "collections", "validate_shape")
        given = {**dict(zip(names, args[:4], strict=False)), **kwargs}
        if len(args) > len(names):
            more = ("caching_device", "name", "variable_def", "dtype", "expected_shape")
            given.update(zip(more, args[4:], strict=False))
        for unused in ("use_resource", "expected_shape", "variable_def", "import_scope"):
            given.pop(unused, None)
        if state.graph is not None and getattr(state.graph, "building_function", True) is False:
            return GraphVariable(**given)
        given.pop("collections", None)
        return _Variable(**given)


class Variable(metaclass=_AnyVariable):
    """A variable: of the graph in force, else as in TensorFlow 2.

    Takes the arguments of `tf.Variable`, and `collections` after `trainable`.
    """
