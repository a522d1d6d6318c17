"""What to write instead of an op that XLA cannot compile: forms whose sizes are bounded."""

from __future__ import annotations

from typing import Final

_MASK: Final = "keep the size: tf.where(mask, x, 0), or x * tf.cast(mask, x.dtype)"
_UNIQUE: Final = (
    "keep the size: sort and compare neighbours, or tf.math.unsorted_segment_sum with a fixed "
    "num_segments"
)
_SIZES: Final = "take its sizes from Python numbers or x.shape, not from values"
_SLICES: Final = (
    "slice a fixed size, tf.slice(x, [start], [size]), and mask the rest by tf.where"
)
_STRINGS: Final = "do strings and tables before, in tf.data or a function without jit_compile"
_PYTHON: Final = "call it outside, in a function without jit_compile"

_BY_NAME: Final = {
    "Where": _MASK,
    "DynamicPartition": "use one mask for each part: x * tf.cast(partitions == i, x.dtype)",
    "Unique": _UNIQUE,
    "UniqueV2": _UNIQUE,
    "UniqueWithCounts": _UNIQUE,
    "UniqueWithCountsV2": _UNIQUE,
    "ListDiff": _UNIQUE,
    "Range": "count to a fixed limit and mask with tf.sequence_mask(n, maxlen=limit)",
    "Fill": _SIZES,
    "Reshape": _SIZES,
    "BroadcastTo": _SIZES,
    "Tile": _SIZES,
    "OneHot": "give it a Python depth",
    "Pad": _SIZES,
    "PadV2": _SIZES,
    "StridedSlice": _SLICES,
    "Slice": _SLICES,
    "SplitV": _SLICES,
    "TopKV2": "give it a Python k and mask what is too much",
    "Bincount": "give it minlength and maxlength as Python numbers",
    "DenseBincount": "give it minlength and maxlength as Python numbers",
    "SegmentSum": "use tf.math.unsorted_segment_sum with a Python num_segments",
    "NonMaxSuppressionV3": "use tf.image.non_max_suppression_padded with a fixed output size",
    "PyFunc": _PYTHON,
    "EagerPyFunc": _PYTHON,
    "PrintV2": _PYTHON,
    "While": "keep effects such as tf.print and iterators out of the loop",
    "StatelessWhile": "keep the sizes of its variables, and give it maximum_iterations",
    "If": "keep effects such as tf.print and iterators out of its branches",
    "StatelessIf": "give all branches the same shapes, padded to the largest",
}
_BY_START: Final = (
    ("String", _STRINGS),
    ("Regex", _STRINGS),
    ("LookupTable", _STRINGS),
    ("Unicode", _STRINGS),
    ("AsString", _STRINGS),
    ("Iterator", "iterate outside and pass the elements in"),
    ("MakeIterator", "iterate outside and pass the elements in"),
    ("_IteratorHasNext", "iterate outside and pass the elements in"),
    ("TensorList", "give the TensorArray a Python size and an element_shape"),
    ("Ragged", "pad before: ragged.to_tensor(shape=[rows, columns])"),
    ("Sparse", "make it dense before, with tf.sparse.to_dense"),
    ("Parse", _STRINGS),
    ("Decode", "decode before, in tf.data"),
)


def rewrite_of(op: str, is_string: bool) -> str:
    """What to write instead of an op.

    Args:
        op: name of the op.
        is_string: whether one of its tensors is of strings.
    """
    found = _BY_NAME.get(op)
    if found is None:
        found = next((text for start, text in _BY_START if op.startswith(start)), None)
    if found is None:
        found = _STRINGS if is_string else "make its sizes constant"
    return found
