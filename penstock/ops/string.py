"""Strings: joining, splitting, cutting, patterns. Bytes throughout, or characters of UTF-8."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from penstock.core.errors import InvalidArgumentError, OutOfRangeError
from penstock.core.tensor_shape import TensorShape
from penstock.ops import re2
from penstock.ops.linalg import broadcast_dims
from penstock.ops.table import REQUIRED, op

_UNITS: Final = ("BYTE", "UTF8_CHAR")
_SPACE: Final = b" \t\n\v\f\r"


def mapped(function: Callable[[bytes], Any], values: Any, dtype: Any = object) -> Any:
    """Apply a function to every string of an array."""
    result = np.empty(values.shape, dtype)
    flat = result.reshape(-1)
    for i, value in enumerate(values.reshape(-1)):
        flat[i] = function(value)
    return result


def strings_of(items: Sequence[bytes]) -> Any:
    """A vector of strings."""
    result = np.empty(len(items), object)
    result[:] = items
    return result


def _one(value: Any, name: str) -> bytes:
    """The only string of an input that must be a scalar."""
    if np.size(value) != 1:
        raise InvalidArgumentError(
            f"{name} must be a scalar, got shape {list(np.shape(value))}"
        )
    found: bytes = np.asarray(value, object).reshape(-1)[0]
    return found


def _check_unit(unit: str) -> None:
    if unit not in _UNITS:
        raise InvalidArgumentError(f"unit must be one of {_UNITS}, got {unit!r}")


def _host(name: str, **options: Any) -> Callable[..., Any]:
    return op(name, kernel="host", differentiable=False, **options)


@_host(
    "StringLength",
    inputs=("input: string",),
    outputs=("output: int32",),
    attrs={"unit": "BYTE"},
    shape="same",
)
def string_length(x: Any, *, unit: str) -> Any:
    """Number of bytes or of characters.

    Shape: input [...] -> output [...].
    """
    _check_unit(unit)
    return mapped(len if unit == "BYTE" else _characters, x, np.int32)


def _characters(text: bytes) -> int:
    """Number of characters: of bytes that do not go on a character of UTF-8."""
    return sum(1 for byte in text if byte & 0xC0 != 0x80)


@_host(
    "StringLower",
    inputs=("input: string",),
    outputs=("output: string",),
    attrs={"encoding": ""},
    shape="same",
)
def string_lower(x: Any, *, encoding: str) -> Any:
    """Small letters; those of ASCII alone unless the encoding is "utf-8".

    Shape: input [...] -> output [...].
    """
    return mapped(_cased(encoding, bytes.lower, str.lower), x)


@_host(
    "StringUpper",
    inputs=("input: string",),
    outputs=("output: string",),
    attrs={"encoding": ""},
    shape="same",
)
def string_upper(x: Any, *, encoding: str) -> Any:
    """Capital letters; those of ASCII alone unless the encoding is "utf-8".

    Shape: input [...] -> output [...].
    """
    return mapped(_cased(encoding, bytes.upper, str.upper), x)


def _cased(
    encoding: str, narrow: Callable[[bytes], bytes], wide: Callable[[str], str]
) -> Callable[[bytes], bytes]:
    if not encoding:
        return narrow
    if encoding.lower() != "utf-8":
        raise InvalidArgumentError(f"encoding must be '' or 'utf-8', got {encoding!r}")
    return lambda text: wide(text.decode("utf-8", "replace")).encode()


@_host("StringStrip", inputs=("input: string",), outputs=("output: string",), shape="same")
def string_strip(x: Any) -> Any:
    """Strings without the white space at their ends.

    Shape: input [...] -> output [...].
    """
    return mapped(lambda text: text.strip(_SPACE), x)


def _join_shape(inputs: Sequence[Any], **_: Any) -> TensorShape:
    shape = TensorShape([])
    for spec in inputs:
        if spec.shape.rank is None:
            return TensorShape(None)
        if spec.shape.rank:
            shape = spec.shape if not shape.rank else shape.merge_with(spec.shape)
    return shape


@_host(
    "StringJoin",
    inputs=("inputs: N * string",),
    outputs=("output: string",),
    attrs={"separator": ""},
    shape=_join_shape,
)
def string_join(inputs: tuple[Any, ...], *, separator: str) -> Any:
    """Strings at the same place joined; scalars stand at every place.

    Shape: inputs [...] each -> output [...].
    Errors: InvalidArgumentError when shapes other than [] differ.
    """
    shapes = {np.shape(value) for value in inputs} - {()}
    if len(shapes) > 1:
        raise InvalidArgumentError(f"inputs must have one shape, got {sorted(shapes)}")
    between = as_bytes(separator)
    columns = np.broadcast_arrays(*inputs) if inputs else []
    result = np.empty(columns[0].shape if columns else (), object)
    flat = result.reshape(-1)
    rows = zip(*(column.reshape(-1) for column in columns), strict=True) if columns else [()]
    for i, row in enumerate(rows):
        flat[i] = between.join(row)
    return result


def as_bytes(text: Any) -> bytes:
    """A string attr as bytes."""
    return text.encode() if isinstance(text, str) else bytes(text)


def _sparse(rows: Sequence[Sequence[bytes]]) -> tuple[Any, Any, Any]:
    """Indices, values and shape of rows of strings."""
    widest = max((len(row) for row in rows), default=0)
    places = [(i, j) for i, row in enumerate(rows) for j in range(len(row))]
    indices = np.array(places, np.int64).reshape(-1, 2)
    values = strings_of([item for row in rows for item in row])
    return indices, values, np.array([len(rows), widest], np.int64)


def _sparse_shapes(*_: Any, **__: Any) -> tuple[TensorShape, TensorShape, TensorShape]:
    return TensorShape([None, 2]), TensorShape([None]), TensorShape([2])


@_host(
    "StringSplit",
    inputs=("input: string", "delimiter: string"),
    outputs=("indices: int64", "values: string", "shape: int64"),
    attrs={"skip_empty": True},
    shape=_sparse_shapes,
)
def string_split(x: Any, delimiter: Any, *, skip_empty: bool) -> tuple[Any, Any, Any]:
    """Strings split at any of the bytes of `delimiter`, or into bytes where it is empty.

    Shape: input [n], delimiter [] -> indices [k, 2], values [k], shape [2].
    """
    if x.ndim != 1:
        raise InvalidArgumentError(f"input must be a vector, got shape {list(x.shape)}")
    marks = _one(delimiter, "delimiter")
    return _sparse([_split_at_bytes(text, marks, skip_empty) for text in x])


def _split_at_bytes(text: bytes, marks: bytes, skip_empty: bool) -> list[bytes]:
    if not marks:
        return [text[i : i + 1] for i in range(len(text))]
    parts, start = [], 0
    for i in range(len(text)):
        if text[i] in marks:
            parts.append(text[start:i])
            start = i + 1
    if text:
        parts.append(text[start:])
    return [part for part in parts if part] if skip_empty else parts


@_host(
    "StringSplitV2",
    inputs=("input: string", "sep: string"),
    outputs=("indices: int64", "values: string", "shape: int64"),
    attrs={"maxsplit": -1},
    shape=_sparse_shapes,
)
def string_split_v2(x: Any, sep: Any, *, maxsplit: int) -> tuple[Any, Any, Any]:
    """Strings split at `sep`, or at white space where it is empty.

    Shape: input [n], sep [] -> indices [k, 2], values [k], shape [2].
    """
    if x.ndim != 1:
        raise InvalidArgumentError(f"input must be a vector, got shape {list(x.shape)}")
    mark = _one(sep, "sep")
    if mark:
        rows = [text.split(mark, maxsplit) for text in x]
    elif maxsplit == 0:
        rows = [[text] for text in x]
    else:
        rows = [text.split(None, maxsplit) for text in x]
    return _sparse(rows)


def _substr_shape(input: Any, pos: Any, len: Any, **_: Any) -> TensorShape:  # noqa: ARG001
    if input.shape.rank is None or pos.shape.rank is None:
        return TensorShape(None)
    return TensorShape(broadcast_dims(input.shape.as_list(), pos.shape.as_list()))


@_host(
    "Substr",
    inputs=("input: string", "pos: T", "len: T"),
    outputs=("output: string",),
    attrs={"unit": "BYTE"},
    shape=_substr_shape,
)
def substr(x: Any, pos: Any, length: Any, *, unit: str) -> Any:
    """Parts of strings; a negative position counts from the end, a negative length reaches it.

    Shape: input [...], pos [...], len [...] -> output [...], broadcast together.
    Errors: InvalidArgumentError for a position outside of a string.
    """
    _check_unit(unit)
    if pos.shape != length.shape:
        raise InvalidArgumentError(
            f"pos and len must have one shape, got {list(pos.shape)} and {list(length.shape)}"
        )
    broadcast_dims(list(x.shape), list(pos.shape))
    texts, starts, lengths = np.broadcast_arrays(x, pos, length)
    result = np.empty(texts.shape, object)
    flat = result.reshape(-1)
    rows = zip(texts.reshape(-1), starts.reshape(-1), lengths.reshape(-1), strict=True)
    for i, (text, start, count) in enumerate(rows):
        flat[i] = _part(text, int(start), int(count), unit)
    return result


def _part(text: bytes, start: int, count: int, unit: str) -> bytes:
    edges: Sequence[int] = range(len(text) + 1)
    if unit == "UTF8_CHAR":
        edges = [i for i, byte in enumerate(text) if byte & 0xC0 != 0x80] + [len(text)]
    size = len(edges) - 1
    if not -size <= start <= size:
        raise InvalidArgumentError(f"pos {start} is out of range for string {text!r}")
    start += size if start < 0 else 0
    end = size if count < 0 else min(start + count, size)
    return text[edges[start] : edges[end]]


@_host(
    "RegexReplace",
    inputs=("input: string", "pattern: string", "rewrite: string"),
    outputs=("output: string",),
    attrs={"replace_global": True},
    shape=lambda x, *_, **__: x.shape,
)
def regex_replace(x: Any, pattern: Any, rewrite: Any, *, replace_global: bool) -> Any:
    """Matches of a pattern replaced; \\0 to \\9 stand for the match and its groups.

    Shape: input [...], pattern [], rewrite [] -> output [...].
    Errors: InvalidArgumentError when the pattern is malformed.
    """
    return _replaced(x, _one(pattern, "pattern"), _one(rewrite, "rewrite"), replace_global)


def _replaced(x: Any, pattern: bytes, rewrite: bytes, everywhere: bool) -> Any:
    re2.compiled(pattern)
    return mapped(lambda text: re2.replace(pattern, rewrite, text, everywhere=everywhere), x)


@_host(
    "StaticRegexReplace",
    inputs=("input: string",),
    outputs=("output: string",),
    attrs={"pattern": REQUIRED, "rewrite": REQUIRED, "replace_global": True},
    shape="same",
)
def static_regex_replace(x: Any, *, pattern: str, rewrite: str, replace_global: bool) -> Any:
    """Matches of a pattern replaced; see `RegexReplace`.

    Shape: input [...] -> output [...].
    """
    return _replaced(x, as_bytes(pattern), as_bytes(rewrite), replace_global)


@_host(
    "RegexFullMatch",
    inputs=("input: string", "pattern: string"),
    outputs=("output: bool",),
    shape=lambda x, *_, **__: x.shape,
)
def regex_full_match(x: Any, pattern: Any) -> Any:
    """Whether whole strings match a pattern.

    Shape: input [...], pattern [] -> output [...].
    Errors: InvalidArgumentError when the pattern is malformed.
    """
    return _matches(x, _one(pattern, "pattern"))


def _matches(x: Any, pattern: bytes) -> Any:
    re2.compiled(pattern)
    return mapped(lambda text: re2.full_match(pattern, text), x, np.bool_)


@_host(
    "StaticRegexFullMatch",
    inputs=("input: string",),
    outputs=("output: bool",),
    attrs={"pattern": REQUIRED},
    shape="same",
)
def static_regex_full_match(x: Any, *, pattern: str) -> Any:
    """Whether whole strings match a pattern.

    Shape: input [...] -> output [...].
    """
    return _matches(x, as_bytes(pattern))


def _reduce_shape(
    inputs: Any, reduction_indices: Any, *, keep_dims: bool, **_: Any
) -> TensorShape:
    rank = inputs.shape.rank
    if rank is None or reduction_indices.value is None:
        return TensorShape(None)
    axes = {int(axis) % max(rank, 1) for axis in np.ravel(reduction_indices.value)}
    dims = inputs.shape.as_list()
    if keep_dims:
        return TensorShape([1 if i in axes else size for i, size in enumerate(dims)])
    return TensorShape([size for i, size in enumerate(dims) if i not in axes])


@_host(
    "ReduceJoin",
    inputs=("inputs: string", "reduction_indices: int32"),
    outputs=("output: string",),
    attrs={"keep_dims": False, "separator": ""},
    constant_inputs=("reduction_indices",),
    shape=_reduce_shape,
)
def reduce_join(inputs: Any, reduction_indices: Any, *, keep_dims: bool, separator: str) -> Any:
    """Strings along axes joined; the first axis named changes fastest.

    Shape: inputs [...], reduction_indices [d] -> output [...], without those axes or
        with size 1.
    Errors: InvalidArgumentError when an axis is named twice.
    """
    axes = [int(axis) for axis in np.ravel(reduction_indices)]
    for axis in axes:
        if not -inputs.ndim <= axis < inputs.ndim:
            raise OutOfRangeError(f"axes must be below rank {inputs.ndim}, got {axis}")
    axes = [axis % inputs.ndim for axis in axes]
    if len(set(axes)) < len(axes):
        raise InvalidArgumentError(f"reduction_indices must be distinct, got {axes}")
    kept = [i for i in range(inputs.ndim) if i not in axes]
    outer = tuple(inputs.shape[i] for i in kept)
    count = math.prod(inputs.shape[i] for i in axes)
    rows = inputs.transpose([*kept, *axes[::-1]]).reshape(math.prod(outer), count)
    between = as_bytes(separator)
    result = strings_of([between.join(row) for row in rows])
    if keep_dims:
        outer = tuple(1 if i in axes else size for i, size in enumerate(inputs.shape))
    return result.reshape(outer)


def _segment_join_shape(
    inputs: Any, segment_ids: Any, num_segments: Any, **_: Any
) -> TensorShape:
    if inputs.shape.rank is None or segment_ids.shape.rank is None:
        return TensorShape(None)
    count = None if num_segments.value is None else int(num_segments.value)
    return TensorShape([count, *inputs.shape.as_list()[segment_ids.shape.rank :]])


@_host(
    "UnsortedSegmentJoin",
    inputs=("inputs: string", "segment_ids: Tindices", "num_segments: Tnumsegments"),
    outputs=("output: string",),
    attrs={"separator": ""},
    shape=_segment_join_shape,
)
def unsorted_segment_join(
    inputs: Any, segment_ids: Any, num_segments: Any, *, separator: str
) -> Any:
    """Strings of each segment joined, in the order in which they stand.

    Shape: inputs [..., ...], segment_ids [...] a prefix of that, num_segments [] -> output
        [num_segments, ...].
    Errors: InvalidArgumentError when an id is negative or too large.
    """
    count = int(num_segments)
    if inputs.shape[: segment_ids.ndim] != segment_ids.shape:
        raise InvalidArgumentError(
            f"segment_ids must have a prefix of the shape {list(inputs.shape)}, got "
            f"{list(segment_ids.shape)}"
        )
    ids = segment_ids.reshape(-1)
    if ids.size and (ids.min() < 0 or ids.max() >= count):
        raise InvalidArgumentError(
            f"segment_ids must be in [0, {count}), got {ids.min()} to {ids.max()}"
        )
    inner = inputs.shape[segment_ids.ndim :]
    rows = inputs.reshape(ids.size, math.prod(inner))
    between = as_bytes(separator)
    result = np.empty((count, math.prod(inner)), object)
    for segment in range(count):
        members = rows[ids == segment]
        for j in range(result.shape[1]):
            result[segment, j] = between.join(members[:, j])
    return result.reshape(count, *inner)


@_host(
    "StringNGrams",
    inputs=("data: string", "data_splits: Tsplits"),
    outputs=("ngrams: string", "ngrams_splits: Tsplits"),
    attrs={
        "separator": REQUIRED,
        "ngram_widths": REQUIRED,
        "left_pad": REQUIRED,
        "right_pad": REQUIRED,
        "pad_width": REQUIRED,
        "preserve_short_sequences": REQUIRED,
    },
    shape=lambda _data, data_splits, **_: (TensorShape([None]), data_splits.shape),
)
def string_n_grams(
    data: Any,
    data_splits: Any,
    *,
    separator: str,
    ngram_widths: Sequence[int],
    left_pad: str,
    right_pad: str,
    pad_width: int,
    preserve_short_sequences: bool,
) -> tuple[Any, Any]:
    """Runs of neighbouring strings of each row, joined.

    Shape: data [n], data_splits [rows + 1] -> ngrams [k], ngrams_splits [rows + 1].
    Errors: InvalidArgumentError when a width is not positive, or the splits do not fit.
    """
    if any(width <= 0 for width in ngram_widths):
        raise InvalidArgumentError(f"ngram_widths must be positive, got {list(ngram_widths)}")
    splits = data_splits.tolist()
    if splits and (splits[0] != 0 or splits[-1] != len(data) or sorted(splits) != splits):
        raise InvalidArgumentError(
            f"data_splits must rise from 0 to {len(data)}, got {splits[:8]}"
        )
    between, left, right = as_bytes(separator), as_bytes(left_pad), as_bytes(right_pad)
    grams: list[bytes] = []
    ends = [0] if splits else []
    for start, end in itertools.pairwise(splits):
        row = list(data[start:end])
        before = len(grams)
        for width in ngram_widths:
            pad = width - 1 if pad_width < 0 else min(pad_width, width - 1)
            padded = [left] * pad + row + [right] * pad
            grams += [
                between.join(padded[i : i + width]) for i in range(len(padded) - width + 1)
            ]
        if preserve_short_sequences and row and len(grams) == before:
            # The whole row, with the padding of the least width.
            pad = (
                min(ngram_widths) - 1
                if pad_width < 0
                else min(pad_width, min(ngram_widths) - 1)
            )
            grams.append(between.join([left] * pad + row + [right] * pad))
        ends.append(len(grams))
    return strings_of(grams), np.array(ends, data_splits.dtype)
