"""Connectionist temporal classification: sequences of labels without their places in time."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.sparse_tensor import SparseTensor

__all__ = [
    "collapse_repeated",
    "ctc_beam_search_decoder",
    "ctc_greedy_decoder",
    "ctc_loss",
    "ctc_unique_labels",
]

# Loss of a sequence that has more labels than time: -log of TensorFlow's least probability.
_IMPOSSIBLE = -float(np.log(1e-307))


def ctc_loss(
    labels: Any,
    logits: Any,
    label_length: Any,
    logit_length: Any,
    logits_time_major: bool = True,
    unique: Any = None,
    blank_index: int | None = None,
    name: str | None = None,
) -> Any:
    """Negative log probability of label sequences, summed over all ways to spread them in time.

    Args:
        labels: integers `[n, longest]`, or a SparseTensor of them.
        logits: `[time, n, classes]`, or `[n, time, classes]` without `logits_time_major`.
        label_length: numbers of labels `[n]`; unused with a SparseTensor.
        logit_length: numbers of time steps `[n]`.
        logits_time_major: whether time is the first axis of `logits`.
        unique: accepted for compatibility; the computation needs no distinct labels.
        blank_index: the class that stands for no label; negative ones count from the end. None
            is 0, and not accepted with a SparseTensor.
        name: name of the op.

    Returns:
        One loss per sequence.

    Raises:
        ValueError: `blank_index` is missing or out of range.
    """
    del unique
    logits = convert_to_tensor(logits)
    if not logits_time_major:
        logits = call("Transpose", logits, np.array([1, 0, 2], np.int32))
    sparse = isinstance(labels, SparseTensor)
    if blank_index is None:
        if sparse:
            raise ValueError("blank_index must be given when labels is a SparseTensor")
        blank_index = 0
    classes = logits.shape[2]
    if classes is None:
        raise ValueError("logits must have a known number of classes")
    if not -classes <= blank_index < classes:
        raise ValueError(f"blank_index must be in [{-classes}, {classes}), got {blank_index}")
    blank = blank_index % classes
    steps = _int32(logit_length)
    if sparse:
        values = _without_blank(_int32(labels.values), blank)
        if blank != classes - 1:
            logits = call("ConcatV2", _blank_apart(logits, blank), 2)
        loss, _ = call("CTCLoss", logits, labels.indices, values, steps, name=name)
        return loss
    return _dense_loss(logits, _int32(labels), _int32(label_length), steps, blank, name)


def _dense_loss(
    logits: Any, labels: Any, lengths: Any, steps: Any, blank: int, name: str | None
) -> Any:
    """The loss of labels in rows, where a label of the blank's value does not end a sequence.

    It emits what TensorFlow's emits: the blank if that is class 0, and else the class before.
    """
    dtype = logits.dtype
    if dtype in (dtypes.float16, dtypes.bfloat16):
        logits = call("Cast", logits, DstT=dtypes.float32)
    # CTCLoss ends a sequence at a blank. So class 0 stands there twice: once as a label that
    # has its probability and, as in TensorFlow, no share in the gradient.
    others, last = _blank_apart(logits, blank)
    classes = logits.shape[2]
    twin = call("StopGradient", last)
    widened = call("ConcatV2", [others, twin, last], 2)
    steps = call("Minimum", steps, call("Shape", logits)[0])
    longest = call("Shape", labels)[1]
    place = call("Range", 0, longest, 1)
    inside = call("Less", place, call("ExpandDims", lengths, 1))
    is_blank = call("Equal", labels, np.int32(blank))
    instead = np.int32(blank - 1 if blank else classes - 1)
    moved = call("SelectV2", is_blank, instead, _without_blank(labels, blank))
    values = call("SelectV2", inside, moved, np.int32(classes))
    row = call("Range", 0, call("Shape", labels)[0], 1)
    rows, places = call("ExpandDims", row, 1), call("ExpandDims", place, 0)
    grid = call(
        "Pack", [rows + call("ZerosLike", places), places + call("ZerosLike", rows)], axis=2
    )
    flat = np.array([-1], np.int32)
    loss, _ = call(
        "CTCLoss",
        widened,
        call("Cast", call("Reshape", grid, np.array([-1, 2], np.int32)), DstT=dtypes.int64),
        call("Reshape", values, flat),
        steps,
        ignore_longer_outputs_than_inputs=True,
    )
    # The second blank took its part of the whole; each step gives it back.
    surplus = _log_total(widened) - _log_total(logits)
    frames = call("Range", 0, call("Shape", logits)[0], 1)
    alive = call("Less", call("ExpandDims", frames, 1), steps)
    surplus = call("SelectV2", alive, surplus, call("ZerosLike", surplus))
    loss = loss - call("Sum", surplus, 0, keep_dims=False)
    limit = convert_to_tensor(_IMPOSSIBLE, dtype=loss.dtype)
    fits = call("LessEqual", lengths, steps)
    loss = call("SelectV2", fits, call("Minimum", loss, limit), limit, name=name)
    return loss if loss.dtype is dtype else call("Cast", loss, DstT=dtype)


def _blank_apart(logits: Any, blank: int) -> list[Any]:
    """Logits of the labels, and those of the blank."""
    others = [logits[:, :, :blank], logits[:, :, blank + 1 :]]
    return [call("ConcatV2", others, 2), logits[:, :, blank : blank + 1]]


def _log_total(logits: Any) -> Any:
    """Logarithm of the sum of exponentials over the classes."""
    top = call("StopGradient", call("Max", logits, 2, keep_dims=True))
    total = call("Sum", call("Exp", logits - top), 2, keep_dims=False)
    return call("Log", total) + call("Squeeze", top, squeeze_dims=(2,))


def ctc_greedy_decoder(
    inputs: Any,
    sequence_length: Any,
    merge_repeated: bool = True,
    blank_index: int | None = None,
) -> tuple[list[Any], Any]:
    """The likeliest class of each time step, without blanks.

    Args:
        inputs: logits `[time, n, classes]`.
        sequence_length: numbers of time steps `[n]`.
        merge_repeated: whether a class that stays is one label.
        blank_index: the class that stands for no label; None for the last.

    Returns:
        A list of one SparseTensor of labels, and minus the sums of the largest logits `[n, 1]`.
    """
    inputs = convert_to_tensor(inputs)
    indices, values, shape, scores = call(
        "CTCGreedyDecoder",
        inputs,
        _int32(sequence_length),
        merge_repeated=merge_repeated,
        blank_index=-1 if blank_index is None else blank_index,
    )
    return [SparseTensor(indices, values, shape)], scores


def ctc_beam_search_decoder(
    inputs: Any, sequence_length: Any, beam_width: int = 100, top_paths: int = 1
) -> tuple[list[Any], Any]:
    """The likeliest label sequences, each summed over the ways to spread it in time.

    Args:
        inputs: logits `[time, n, classes]`; the last class is the blank.
        sequence_length: numbers of time steps `[n]`.
        beam_width: how many sequences to follow at a time.
        top_paths: how many to return.

    Returns:
        A SparseTensor of labels for each of the paths, and their log probabilities
        `[n, top_paths]`.
    """
    indices, values, shapes, scores = call(
        "CTCBeamSearchDecoder",
        convert_to_tensor(inputs),
        _int32(sequence_length),
        beam_width=beam_width,
        top_paths=top_paths,
        merge_repeated=False,
    )
    paths = [SparseTensor(*parts) for parts in zip(indices, values, shapes, strict=True)]
    return paths, scores


def ctc_unique_labels(labels: Any, name: str | None = None) -> tuple[Any, Any]:
    """Distinct labels of each row, and where in them each label stands.

    Args:
        labels: integers `[n, longest]`, 0 beyond the end of a row.
        name: name of the op.

    Returns:
        The distinct labels in order of appearance, int64 and padded with 0, and the places,
        int32; both shaped as `labels`.
    """
    labels = call("Cast", convert_to_tensor(labels), DstT=dtypes.int64)
    same = call("Equal", call("ExpandDims", labels, 2), call("ExpandDims", labels, 1))
    longest = call("Shape", labels)[1]
    column = call("Range", 0, longest, 1)
    # The first place with the same label; it is new where that is the place itself.
    first = call("ArgMax", call("Cast", same, DstT=dtypes.int32), 2, output_type=dtypes.int32)
    fresh = call("Equal", first, column)
    rank = call("Cumsum", call("Cast", fresh, DstT=dtypes.int32), 1) - 1
    places = call("GatherV2", rank, first, 1, batch_dims=1)
    target = call("SelectV2", fresh, rank, longest)
    hit = call("Equal", call("ExpandDims", target, 2), column)
    spread = call("Cast", hit, DstT=labels.dtype) * call("ExpandDims", labels, 2)
    return call("Sum", spread, 1, keep_dims=False, name=name), places


def collapse_repeated(labels: Any, seq_length: Any, name: str | None = None) -> tuple[Any, Any]:
    """Drop labels that repeat the one before them.

    Args:
        labels: integers `[n, longest]`.
        seq_length: numbers of labels `[n]`.
        name: name of the op.

    Returns:
        The labels that are left, padded with 0 to the longest row, and their numbers.
    """
    labels = convert_to_tensor(labels)
    lengths = _int32(seq_length)
    longest = call("Shape", labels)[1]
    valid = call("Less", call("Range", 0, longest, 1), call("ExpandDims", lengths, 1))
    changed = call("NotEqual", labels[:, 1:], labels[:, :-1])
    first = call("OnesLike", call("Equal", labels[:, :1], labels[:, :1]))
    kept = call("LogicalAnd", valid, call("ConcatV2", [first, changed], 1))
    counts = call("Sum", call("Cast", kept, DstT=dtypes.int32), 1, keep_dims=False)
    place = call("Cumsum", call("Cast", kept, DstT=dtypes.int32), 1) - 1
    target = call("SelectV2", kept, place, longest)
    width = call("Max", counts, 0, keep_dims=False)
    column = call("Range", 0, width, 1)
    hit = call("Cast", call("Equal", call("ExpandDims", target, 2), column), DstT=labels.dtype)
    moved = call("Sum", hit * call("ExpandDims", labels, 2), 1, keep_dims=False, name=name)
    return moved, call("Cast", counts, DstT=convert_to_tensor(seq_length).dtype)


def _int32(x: Any) -> Any:
    x = convert_to_tensor(x)
    return x if x.dtype is dtypes.int32 else call("Cast", x, DstT=dtypes.int32)


def _without_blank(labels: Any, blank: int) -> Any:
    """Numbers of the labels once the class of the blank has gone to the end."""
    return call("SelectV2", call("Greater", labels, np.int32(blank)), labels - 1, labels)
