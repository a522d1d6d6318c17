"""Strings in pieces: words, bytes, characters, n-grams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.api.composite import open_to_composites
from penstock.core import dtypes
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.ragged_tensor import RaggedTensor


def _is_ragged(value: Any) -> bool:
    return isinstance(value, RaggedTensor)


def _strings(value: Any) -> Any:
    return value if _is_ragged(value) else convert_to_tensor(value, dtypes.string)


def _outer_sizes(tensor: Any) -> list[Any]:
    """Sizes of all axes: integers where known, else scalar tensors."""
    dims = tensor.shape.as_list()
    if None not in dims:
        return dims
    dynamic = call("Shape", tensor)
    return [dynamic[i] if size is None else size for i, size in enumerate(dims)]


def _flat(tensor: Any) -> Any:
    return call("Reshape", tensor, np.array([-1], np.int32))


def _in_rows_of(tensor: Any, rows: Any) -> Any:
    """Give the rows of a ragged tensor the axes that `tensor` had before it was made flat."""
    sizes = _outer_sizes(tensor)
    for size in reversed(sizes[1:]):
        rows = RaggedTensor.from_uniform_row_length(rows, size)
    return rows


def _apply_to_rows(value: Any, split_vector: Any) -> Any:
    """Split every string of `value`; a scalar gives a vector, else the result is ragged.

    `split_vector` gives the sparse indices, values and shape of the rows of a vector.
    """
    value = _strings(value)
    if _is_ragged(value):
        return value.with_values(_apply_to_rows(value.values, split_vector))
    rank = value.shape.rank
    if rank is None:
        raise ValueError(f"input must have a known rank, got shape {value.shape}")
    indices, parts, shape = split_vector(_flat(value))
    if rank == 0:
        return parts
    rows = RaggedTensor.from_value_rowids(parts, indices[:, 0], nrows=shape[0])
    return _in_rows_of(value, rows)


def split(
    input: Any, sep: str | None = None, maxsplit: int = -1, name: str | None = None
) -> Any:
    """Strings split at a separator.

    Args:
        input: strings.
        sep: the separator; None or "" for white space, of which runs count once.
        maxsplit: how often to split at most; -1 for no limit.
        name: name of the node in a graph.

    Returns:
        A vector for a scalar, else a RaggedTensor with one more axis.
    """
    mark = "" if sep is None else sep

    def split_vector(vector: Any) -> Any:
        return call("StringSplitV2", vector, mark, maxsplit=maxsplit, name=name)

    return _apply_to_rows(input, split_vector)


def bytes_split(input: Any, name: str | None = None) -> Any:
    """Strings split into bytes.

    Args:
        input: strings.
        name: name of the node in a graph.

    Returns:
        A vector for a scalar, else a RaggedTensor with one more axis.
    """

    def split_vector(vector: Any) -> Any:
        return call("StringSplit", vector, "", skip_empty=False, name=name)

    return _apply_to_rows(input, split_vector)


def _decoded(input: Any, op: str, name: str | None, **attrs: Any) -> tuple[Any, ...]:
    """Rows of code points, and of the places where they start, as ragged tensors or vectors."""
    input = _strings(input)
    if _is_ragged(input):
        inner = _decoded(input.values, op, name, **attrs)
        return tuple(input.with_values(each) for each in inner)
    splits, *columns = call(op, _flat(input), name=name, **attrs)
    if input.shape.rank == 0:
        return tuple(columns)
    make = RaggedTensor.from_row_splits
    return tuple(_in_rows_of(input, make(column, splits, validate=False)) for column in columns)


def unicode_decode(
    input: Any,
    input_encoding: str,
    errors: str = "replace",
    replacement_char: int = 0xFFFD,
    replace_control_characters: bool = False,
    name: str | None = None,
) -> Any:
    """Code points of strings.

    Args:
        input: strings.
        input_encoding: their encoding, such as "UTF-8".
        errors: what to do with malformed parts: "replace", "ignore" or "strict".
        replacement_char: code point that replaces them.
        replace_control_characters: whether to treat control characters so too.
        name: name of the node in a graph.

    Returns:
        int32 numbers: a vector for a scalar, else a RaggedTensor with one more axis.

    Raises:
        InvalidArgumentError: a string is malformed and `errors` is "strict".
    """
    return _decoded(
        input,
        "UnicodeDecode",
        name,
        input_encoding=input_encoding,
        errors=errors,
        replacement_char=replacement_char,
        replace_control_characters=replace_control_characters,
    )[0]


def unicode_decode_with_offsets(
    input: Any,
    input_encoding: str,
    errors: str = "replace",
    replacement_char: int = 0xFFFD,
    replace_control_characters: bool = False,
    name: str | None = None,
) -> tuple[Any, Any]:
    """Code points and the bytes where they begin; arguments as in `unicode_decode`."""
    points, places = _decoded(
        input,
        "UnicodeDecodeWithOffsets",
        name,
        input_encoding=input_encoding,
        errors=errors,
        replacement_char=replacement_char,
        replace_control_characters=replace_control_characters,
    )
    return points, places


def _each_encoded(points: Any, encoding: str, errors: str, replacement_char: int) -> Any:
    """One string for each code point."""
    if _is_ragged(points):
        inner = _each_encoded(points.values, encoding, errors, replacement_char)
        return points.with_values(inner)
    count = call("Size", points)
    splits = call("Range", 0, count + 1, 1)
    attrs = {"errors": errors, "replacement_char": replacement_char}
    return call("UnicodeEncode", points, splits, output_encoding=encoding, **attrs)


def unicode_split(
    input: Any,
    input_encoding: str,
    errors: str = "replace",
    replacement_char: int = 0xFFFD,
    name: str | None = None,
) -> Any:
    """Strings split into characters.

    Args:
        input: strings.
        input_encoding: "UTF-8", "UTF-16-BE" or "UTF-32-BE".
        errors: see `unicode_decode`.
        replacement_char: see `unicode_decode`.
        name: name of the node in a graph.

    Returns:
        A vector for a scalar, else a RaggedTensor with one more axis.
    """
    points = unicode_decode(input, input_encoding, errors, replacement_char, name=name)
    return _each_encoded(points, input_encoding, errors, replacement_char)


def unicode_split_with_offsets(
    input: Any,
    input_encoding: str,
    errors: str = "replace",
    replacement_char: int = 0xFFFD,
    name: str | None = None,
) -> tuple[Any, Any]:
    """Characters of strings and the bytes where they begin; arguments as in `unicode_split`."""
    points, places = unicode_decode_with_offsets(
        input, input_encoding, errors, replacement_char, name=name
    )
    return _each_encoded(points, input_encoding, errors, replacement_char), places


def unicode_encode(
    input: Any,
    output_encoding: str,
    errors: str = "replace",
    replacement_char: int = 0xFFFD,
    name: str | None = None,
) -> Any:
    """Strings of code points.

    Args:
        input: int32 numbers, [..., n], or a RaggedTensor.
        output_encoding: "UTF-8", "UTF-16-BE" or "UTF-32-BE".
        errors: what to do with numbers that are no characters: "replace", "ignore" or "strict".
        replacement_char: code point that replaces them.
        name: name of the node in a graph.

    Returns:
        Strings, without the last axis of `input`.
    """
    attrs = {
        "output_encoding": output_encoding,
        "errors": errors,
        "replacement_char": replacement_char,
        "name": name,
    }
    if _is_ragged(input):
        if _is_ragged(input.values) or input.values.shape.rank != 1:
            inner = unicode_encode(
                input.values, output_encoding, errors, replacement_char, name
            )
            return input.with_values(inner)
        return call("UnicodeEncode", input.values, input.row_splits, **attrs)
    input = convert_to_tensor(input, dtypes.int32)
    if not input.shape.rank:
        raise ValueError(f"input must have rank 1 or more, got shape {input.shape}")
    *outer, width = _outer_sizes(input)
    count: Any = 1
    for size in outer:
        count = size * count
    splits = call("Range", 0, count + 1, 1) * width
    rows = call("UnicodeEncode", _flat(input), splits, **attrs)
    return call("Reshape", rows, convert_to_tensor(outer, dtypes.int32))


def unicode_transcode(
    input: Any,
    input_encoding: str,
    output_encoding: str,
    errors: str = "replace",
    replacement_char: int = 0xFFFD,
    replace_control_characters: bool = False,
    name: str | None = None,
) -> Any:
    """Strings in another encoding.

    Args:
        input: strings.
        input_encoding: their encoding.
        output_encoding: "UTF-8", "UTF-16-BE" or "UTF-32-BE".
        errors: see `unicode_decode`.
        replacement_char: see `unicode_decode`.
        replace_control_characters: see `unicode_decode`.
        name: name of the node in a graph.
    """
    return call(
        "UnicodeTranscode",
        input,
        input_encoding=input_encoding,
        output_encoding=output_encoding,
        errors=errors,
        replacement_char=replacement_char,
        replace_control_characters=replace_control_characters,
        name=name,
    )


def unicode_script(input: Any, name: str | None = None) -> Any:
    """Number of the script of each code point, as ICU counts them; -1 for what is none."""
    return call("UnicodeScript", input, name=name)


def ngrams(
    data: Any,
    ngram_width: int | Sequence[int],
    separator: str = " ",
    pad_values: str | tuple[str, str] | None = None,
    padding_width: int | None = None,
    preserve_short_sequences: bool = False,
    name: str | None = None,
) -> Any:
    """Runs of neighbouring strings of each row, joined.

    Args:
        data: strings, [..., n], or a RaggedTensor.
        ngram_width: length of the runs, or several lengths.
        separator: what to write between.
        pad_values: what to put before and behind each row: a string, or two; None for nothing.
        padding_width: how often at most; None for one less than each width.
        preserve_short_sequences: whether a row that is too short gives one run of all it has.
        name: name of the node in a graph.

    Returns:
        A RaggedTensor for a RaggedTensor, else a tensor [..., runs].

    Raises:
        ValueError: a width is not positive, or a padding width comes without padding.
    """
    widths = [ngram_width] if isinstance(ngram_width, int) else list(ngram_width)
    if not widths or min(widths) < 1:
        raise ValueError(f"ngram_width must be positive, got {ngram_width}")
    if pad_values is None:
        if padding_width is not None:
            raise ValueError("padding_width must come with pad_values")
        pad_values, padding_width = "", 0
    left, right = pad_values if isinstance(pad_values, (list, tuple)) else (pad_values,) * 2
    if padding_width is not None and padding_width < 0:
        raise ValueError(f"padding_width must not be negative, got {padding_width}")
    attrs = {
        "separator": separator,
        "ngram_widths": tuple(widths),
        "left_pad": left,
        "right_pad": right,
        "pad_width": -1 if padding_width is None else padding_width,
        "preserve_short_sequences": preserve_short_sequences,
        "name": name,
    }
    return _ngrams(_strings(data), attrs)


def _ngrams(data: Any, attrs: dict[str, Any]) -> Any:
    if _is_ragged(data):
        if _is_ragged(data.values):
            return data.with_values(_ngrams(data.values, attrs))
        grams, splits = call("StringNGrams", data.values, data.row_splits, **attrs)
        return RaggedTensor.from_row_splits(grams, splits, validate=False)
    if not data.shape.rank:
        raise ValueError(f"data must have rank 1 or more, got shape {data.shape}")
    *outer, width = _outer_sizes(data)
    count: Any = 1
    for size in outer:
        count = size * count
    splits = call("Range", 0, count + 1, 1) * width
    grams, _ = call("StringNGrams", _flat(data), splits, **attrs)
    # Rows of one length give equally many runs.
    return call("Reshape", grams, convert_to_tensor([*outer, -1], dtypes.int32))


open_to_composites(globals())
