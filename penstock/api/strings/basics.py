"""Strings one by one: case, length, parts, patterns, numbers, hashes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.api.composite import open_to_composites
from penstock.core import dtypes
from penstock.core.dtypes import as_dtype
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call


def lower(input: Any, encoding: str = "", name: str | None = None) -> Any:
    """Strings in small letters.

    Args:
        input: strings.
        encoding: "" for ASCII letters alone, or "utf-8".
        name: name of the node in a graph.
    """
    return call("StringLower", input, encoding=encoding, name=name)


def upper(input: Any, encoding: str = "", name: str | None = None) -> Any:
    """Strings in capital letters.

    Args:
        input: strings.
        encoding: "" for ASCII letters alone, or "utf-8".
        name: name of the node in a graph.

    Example:
        >>> import penstock as tf
        >>> tf.strings.upper("abc").numpy()
        b'ABC'
    """
    return call("StringUpper", input, encoding=encoding, name=name)


def strip(input: Any, name: str | None = None) -> Any:
    """Strings without the white space at their ends."""
    return call("StringStrip", input, name=name)


def length(input: Any, unit: str = "BYTE", name: str | None = None) -> Any:
    """Lengths of strings.

    Args:
        input: strings.
        unit: "BYTE" or "UTF8_CHAR".
        name: name of the node in a graph.

    Returns:
        int32 numbers of the shape of `input`.
    """
    return call("StringLength", input, unit=unit, name=name)


def substr(input: Any, pos: Any, len: Any, unit: str = "BYTE", name: str | None = None) -> Any:
    """Parts of strings.

    Args:
        input: strings.
        pos: first place of each part; a negative one counts from the end.
        len: length of each part; what reaches over the end is cut.
        unit: "BYTE" or "UTF8_CHAR".
        name: name of the node in a graph.

    Raises:
        InvalidArgumentError: a place is outside of its string.
    """
    return call("Substr", input, pos, len, unit=unit, name=name)


def regex_replace(
    input: Any,
    pattern: Any,
    rewrite: Any,
    replace_global: bool = True,
    name: str | None = None,
) -> Any:
    r"""Strings in which matches of a pattern are replaced.

    Args:
        input: strings.
        pattern: a regular expression in RE2's syntax.
        rewrite: what to write; \0 stands for the match, \1 to \9 for its groups.
        replace_global: whether to replace all matches, or the first alone.
        name: name of the node in a graph.

    Raises:
        InvalidArgumentError: the pattern is malformed.
    """
    if isinstance(pattern, (str, bytes)) and isinstance(rewrite, (str, bytes)):
        return call(
            "StaticRegexReplace",
            input,
            pattern=pattern,
            rewrite=rewrite,
            replace_global=replace_global,
            name=name,
        )
    return call(
        "RegexReplace", input, pattern, rewrite, replace_global=replace_global, name=name
    )


def regex_full_match(input: Any, pattern: Any, name: str | None = None) -> Any:
    """Whether whole strings match a pattern.

    Args:
        input: strings.
        pattern: a regular expression in RE2's syntax.
        name: name of the node in a graph.

    Raises:
        InvalidArgumentError: the pattern is malformed.
    """
    if isinstance(pattern, (str, bytes)):
        return call("StaticRegexFullMatch", input, pattern=pattern, name=name)
    return call("RegexFullMatch", input, pattern, name=name)


def as_string(
    input: Any,
    precision: int = -1,
    scientific: bool = False,
    shortest: bool = False,
    width: int = -1,
    fill: str = "",
    name: str | None = None,
) -> Any:
    """Numbers as C's printf writes them.

    Args:
        input: numbers, truth values or strings.
        precision: digits behind the point of floats; -1 for six.
        scientific: whether to write floats with an exponent.
        shortest: whether to write floats in the shorter of the two ways.
        width: least width; -1 for none.
        fill: "" or " " to fill with spaces, "0" with zeros, "-" with spaces on the right, "+"
            to write the sign of positive numbers.
        name: name of the node in a graph.

    Raises:
        InvalidArgumentError: the arguments do not go together, or not with the type.
    """
    return call(
        "AsString",
        input,
        precision=precision,
        scientific=scientific,
        shortest=shortest,
        width=width,
        fill=fill,
        name=name,
    )


def to_number(input: Any, out_type: Any = dtypes.float32, name: str | None = None) -> Any:
    """Numbers that strings hold.

    Args:
        input: strings.
        out_type: type of the numbers.
        name: name of the node in a graph.

    Raises:
        InvalidArgumentError: a string holds no number of that type.
    """
    return call("StringToNumber", input, out_type=as_dtype(out_type), name=name)


def to_hash_bucket(input: Any, num_buckets: int, name: str | None = None) -> Any:
    """Buckets of strings by an old hash; prefer `to_hash_bucket_fast`."""
    return call("StringToHashBucket", input, num_buckets=num_buckets, name=name)


def to_hash_bucket_fast(input: Any, num_buckets: int, name: str | None = None) -> Any:
    """Buckets of strings by a hash that is the same everywhere.

    Args:
        input: strings.
        num_buckets: number of buckets.
        name: name of the node in a graph.

    Returns:
        int64 numbers below `num_buckets`.
    """
    return call("StringToHashBucketFast", input, num_buckets=num_buckets, name=name)


def to_hash_bucket_strong(
    input: Any, num_buckets: int, key: Sequence[int], name: str | None = None
) -> Any:
    """Buckets of strings by a hash under a secret key.

    Args:
        input: strings.
        num_buckets: number of buckets.
        key: two integers.
        name: name of the node in a graph.
    """
    key = tuple(int(number) for number in key)
    return call("StringToHashBucketStrong", input, num_buckets=num_buckets, key=key, name=name)


def join(inputs: Any, separator: str = "", name: str | None = None) -> Any:
    """Strings at the same place of several tensors joined.

    Args:
        inputs: tensors of one shape, or scalars.
        separator: what to write between.
        name: name of the node in a graph.

    Example:
        >>> import penstock as tf
        >>> tf.strings.join(["abc", "def"]).numpy()
        b'abcdef'
    """
    tensors = [convert_to_tensor(each, dtypes.string) for each in inputs]
    return call("StringJoin", tensors, separator=separator, name=name)


def reduce_join(
    inputs: Any,
    axis: Any = None,
    keepdims: bool = False,
    separator: str = "",
    name: str | None = None,
) -> Any:
    """Strings along axes joined.

    Args:
        inputs: strings.
        axis: axes in the order in which they change, the fastest first; None takes all, the
            last one first.
        keepdims: whether to keep the axes, with size 1.
        separator: what to write between.
        name: name of the node in a graph.
    """
    inputs = convert_to_tensor(inputs, dtypes.string)
    if axis is None:
        rank = inputs.shape.rank
        if rank is None:
            rank = call("Rank", inputs)
            axis = call("Range", rank - 1, -1, -1)
        else:
            axis = np.arange(rank - 1, -1, -1, dtype=np.int32)
    axis = convert_to_tensor(axis, dtypes.int32)
    return call("ReduceJoin", inputs, axis, keep_dims=keepdims, separator=separator, name=name)


def unsorted_segment_join(
    inputs: Any,
    segment_ids: Any,
    num_segments: Any,
    separator: str = "",
    name: str | None = None,
) -> Any:
    """Strings of each segment joined.

    Args:
        inputs: strings.
        segment_ids: segment of each row of `inputs`.
        num_segments: number of segments.
        separator: what to write between.
        name: name of the node in a graph.

    Raises:
        InvalidArgumentError: a segment is outside of [0, num_segments).
    """
    return call(
        "UnsortedSegmentJoin", inputs, segment_ids, num_segments, separator=separator, name=name
    )


def format(
    template: str,
    inputs: Any,
    placeholder: str = "{}",
    summarize: int = 3,
    name: str | None = None,
) -> Any:
    """A template with tensors written into its placeholders.

    Args:
        template: a text.
        inputs: one tensor, or several.
        placeholder: what the tensors replace, in order.
        summarize: how many elements to write from each end of an axis; -1 for all.
        name: name of the node in a graph.

    Raises:
        ValueError: there are more or fewer placeholders than tensors.
    """
    tensors = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    wanted = template.count(placeholder)
    if wanted != len(tensors):
        raise ValueError(f"template has {wanted} placeholders, got {len(tensors)} inputs")
    return call(
        "StringFormat",
        tensors,
        template=template,
        placeholder=placeholder,
        summarize=summarize,
        name=name,
    )


open_to_composites(globals())
