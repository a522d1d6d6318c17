"""Connectionist temporal classification: the loss with its gradient, and the two decoders.

Source: Graves et al., Connectionist Temporal Classification (2006).
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable
from typing import Any, Final

import jax.numpy as jnp
import numpy as np
from jax import lax

from penstock.core.errors import FailedPreconditionError, InvalidArgumentError
from penstock.ops.checks import require
from penstock.ops.namespace import is_concrete, namespace
from penstock.ops.table import REQUIRED, gradient, op

# Logarithm that stands for an impossible path: small enough, and free of infinity's NaN.
_IMPOSSIBLE: Final = -1e30

_SPARSE_INPUTS = (
    "inputs: T",
    "labels_indices: int64",
    "labels_values: int32",
    "sequence_length: int32",
)
_FLAGS = {
    "preprocess_collapse_repeated": False,
    "ctc_merge_repeated": True,
    "ignore_longer_outputs_than_inputs": False,
}


@op("CTCLoss", inputs=_SPARSE_INPUTS, outputs=("loss: T", "gradient: T"), attrs=_FLAGS)
def ctc_loss(
    inputs: Any,
    labels_indices: Any,
    labels_values: Any,
    sequence_length: Any,
    *,
    preprocess_collapse_repeated: bool,
    ctc_merge_repeated: bool,
    ignore_longer_outputs_than_inputs: bool,
) -> Any:
    """Negative log probability of label sequences, summed over all ways to spread them in time.

    The last class is the blank. Labels of that value or above end a sequence: they may pad it.

    Shape: inputs [t, n, classes], labels_indices [entries, 2], labels_values [entries],
    sequence_length [n] -> loss [n], gradient [t, n, classes].
    Errors: InvalidArgumentError when the shapes do not fit, a label is negative or follows a
    blank, a sequence has no entry or more labels than it has time.
    Source: TensorFlow op `CTCLoss`.
    """
    xp = namespace(inputs, labels_indices, labels_values, sequence_length)
    _check_inputs(inputs, sequence_length)
    time, batch, classes = inputs.shape
    if time == 0:
        raise InvalidArgumentError("inputs must have at least one time step, got none")
    require(
        sequence_length <= time,
        InvalidArgumentError,
        f"sequence_length must not exceed the {time} time steps of inputs",
    )
    labels, lengths = _dense_labels(labels_indices, labels_values, batch, time, classes)
    if preprocess_collapse_repeated:
        labels, lengths = _collapsed(labels, lengths)
    fits = lengths <= sequence_length
    if not ignore_longer_outputs_than_inputs:
        require(
            fits,
            InvalidArgumentError,
            "sequence_length must be at least the number of labels; set "
            "ignore_longer_outputs_than_inputs to skip such sequences",
        )
    shifted = inputs - inputs.max(axis=-1, keepdims=True)
    logs = shifted - xp.log(xp.exp(shifted).sum(axis=-1, keepdims=True))
    loss, slope = _loss_and_slope(logs, labels, lengths, sequence_length, ctc_merge_repeated)
    loss = xp.where(fits, loss, 0)
    slope = xp.where(fits[None, :, None], slope, 0)
    return loss.astype(inputs.dtype), slope.astype(inputs.dtype)


@gradient("CTCLoss")
def ctc_loss_gradient(g: Any, grad_loss: Any, _: Any) -> Any:
    """The second output is the gradient already."""
    if grad_loss is None:
        return None, None, None, None
    rows = g.call("Reshape", grad_loss, np.array([1, -1, 1], np.int32))
    return g.call("Mul", rows, g.outputs[1]), None, None, None


def _check_inputs(inputs: Any, sequence_length: Any) -> None:
    if inputs.ndim != 3:
        raise InvalidArgumentError(
            f"inputs must be [time, batch, classes], got shape {list(inputs.shape)}"
        )
    if sequence_length.shape != (inputs.shape[1],):
        raise InvalidArgumentError(
            f"sequence_length must have one entry for each of the {inputs.shape[1]} sequences, "
            f"got shape {list(sequence_length.shape)}"
        )


def _dense_labels(
    indices: Any, values: Any, batch: int, time: int, classes: int
) -> tuple[Any, Any]:
    """Labels [n, longest], 0 beyond their end, and how many each sequence has."""
    xp = namespace(indices, values)
    blank = classes - 1
    rows = indices[:, 0]
    require(
        (rows >= 0) & (rows < batch),
        InvalidArgumentError,
        f"labels_indices must name sequences in [0, {batch})",
    )
    require(values >= 0, InvalidArgumentError, "labels_values must not be negative")
    count = values.shape[0]
    # The place in its sequence is the distance to the first entry of that sequence.
    order = xp.arange(count)
    fresh = xp.concatenate([xp.ones(min(count, 1), bool), rows[1:] != rows[:-1]])
    starts = xp.where(fresh, order, 0)
    starts = np.maximum.accumulate(starts) if xp is np else lax.cummax(starts)
    places = order - starts
    is_label = values < blank
    follows = xp.concatenate([xp.ones(min(count, 1), bool), is_label[:-1]])
    require(
        ~is_label | follows | fresh,
        InvalidArgumentError,
        f"labels_values must not have a label after a blank ({blank} or above)",
    )
    longest = int(places.max(initial=-1)) + 1 if is_concrete(places) else count
    entries = _scatter_add((batch,), (rows,), xp.ones(count, np.int32))
    require(
        entries > 0, InvalidArgumentError, "labels_values must have an entry for each sequence"
    )
    lengths = _scatter_add((batch,), (rows,), is_label.astype(np.int32))
    kept = xp.where(is_label, values, 0).astype(np.int32)
    labels = _scatter_add((batch, max(longest, 1)), (rows, places), kept)
    # Labels beyond the time there is belong to sequences that are refused or skipped.
    return labels[:, : max(min(longest, time), 1)], lengths


def _scatter_add(shape: tuple[int, ...], where: tuple[Any, ...], values: Any) -> Any:
    if namespace(values, *where) is np:
        total = np.zeros(shape, values.dtype)
        np.add.at(total, where, values)
        return total
    return jnp.zeros(shape, values.dtype).at[where].add(values, mode="drop")


def _collapsed(labels: Any, lengths: Any) -> tuple[Any, Any]:
    """Drop labels that repeat the one before them."""
    xp = namespace(labels, lengths)
    batch, longest = labels.shape
    valid = xp.arange(longest) < lengths[:, None]
    changed = xp.concatenate(
        [xp.ones((batch, 1), bool), labels[:, 1:] != labels[:, :-1]], axis=1
    )
    kept = valid & changed
    places = kept.cumsum(axis=1) - 1
    rows = xp.broadcast_to(xp.arange(batch)[:, None], kept.shape)
    moved = _scatter_add(
        labels.shape,
        (rows, xp.where(kept, places, 0)),
        xp.where(kept, labels, 0).astype(labels.dtype),
    )
    return moved, kept.sum(axis=1).astype(np.int32)


def _loss_and_slope(
    logs: Any, labels: Any, lengths: Any, times: Any, merge_repeated: bool
) -> tuple[Any, Any]:
    """Loss [n] and its slope in the logits [t, n, classes], from log probabilities.

    Forward and backward sums over the states blank, label, blank, ..., label, blank.
    """
    xp = namespace(logs, labels, lengths, times)
    time, _, classes = logs.shape
    symbols = _symbols(labels, classes - 1)
    states = symbols.shape[1]
    state = np.arange(states)
    is_label = state % 2 == 1
    # A label may follow the label before it without a blank, if that is another one.
    before = xp.concatenate([symbols[:, :2], symbols[:, :-2]], axis=1)
    may_skip = is_label & (state >= 2) & ((symbols != before) | (not merge_repeated))
    may_stay = ~is_label | merge_repeated
    is_last = (state == 2 * lengths[:, None]) | (
        (state == 2 * lengths[:, None] - 1) & (lengths[:, None] > 0)
    )
    emitted = xp.take_along_axis(logs, symbols[None], axis=2)

    def forward(alpha: Any, step: Any) -> Any:
        t, chance = step
        moved = _sum_of(
            xp,
            xp.where(may_stay, alpha, _IMPOSSIBLE),
            _shifted(xp, alpha, 1),
            xp.where(may_skip, _shifted(xp, alpha, 2), _IMPOSSIBLE),
        )
        return xp.where((t < times)[:, None], moved + chance, alpha)

    def backward(beta: Any, step: Any) -> Any:
        t, chance_after = step
        onward = beta + chance_after
        moved = _sum_of(
            xp,
            xp.where(may_stay, onward, _IMPOSSIBLE),
            _shifted(xp, onward, -1),
            _shifted(xp, xp.where(may_skip, onward, _IMPOSSIBLE), -2),
        )
        return xp.where((t < times - 1)[:, None], moved, beta)

    first = xp.where(state < 2, emitted[0], _IMPOSSIBLE)
    last = xp.where(is_last, logs.dtype.type(0), logs.dtype.type(_IMPOSSIBLE))
    steps = np.arange(time)
    alphas = _scan(xp, forward, first, steps[1:], emitted[1:])
    betas = _scan(xp, backward, last, steps[:-1][::-1], emitted[1:][::-1])[::-1]
    ends = xp.where(is_last, alphas[-1], _IMPOSSIBLE)
    total = ends.max(axis=1)
    total = total + xp.log(xp.exp(ends - total[:, None]).sum(axis=1))
    possible = total > _IMPOSSIBLE / 2
    share = xp.exp(xp.minimum(alphas + betas - total[:, None], 0))
    share = xp.where(possible[:, None], share, 0)
    one_hot = (symbols[:, :, None] == np.arange(classes)).astype(logs.dtype)
    expected = xp.matmul(share.swapaxes(0, 1), one_hot).swapaxes(0, 1)
    alive = (steps[:, None] < times)[:, :, None]
    slope = xp.where(alive, xp.exp(logs) - expected, 0)
    loss = xp.where(possible, -total, np.inf)
    return xp.where(times > 0, loss, 0), slope


def _symbols(labels: Any, blank: int) -> Any:
    """Labels with a blank before, between and after them."""
    xp = namespace(labels)
    blanks = xp.full_like(labels, blank)
    pairs = xp.stack([blanks, labels], axis=2).reshape(labels.shape[0], -1)
    return xp.concatenate([pairs, blanks[:, :1]], axis=1)


def _shifted(xp: Any, x: Any, by: int) -> Any:
    """Move states up (or down) by `by`; what comes in is impossible."""
    fill = xp.full((x.shape[0], abs(by)), _IMPOSSIBLE, x.dtype)
    parts = [fill, x[:, :-by]] if by > 0 else [x[:, -by:], fill]
    return xp.concatenate(parts, axis=1)[:, -x.shape[1] :]


def _sum_of(xp: Any, *logs: Any) -> Any:
    """Logarithm of the sum of exponentials."""
    top = xp.maximum(xp.maximum(logs[0], logs[1]), logs[2])
    return top + xp.log(sum(xp.exp(each - top) for each in logs))


def _scan(xp: Any, step: Callable[[Any, Any], Any], first: Any, times: Any, values: Any) -> Any:
    """`first` and what `step` makes of it again and again, stacked."""
    if xp is np:
        kept = [first]
        for t, value in zip(times, values, strict=True):
            kept.append(step(kept[-1], (t, value)))
        return np.stack(kept)

    def body(carry: Any, item: Any) -> tuple[Any, Any]:
        following = step(carry, item)
        return following, following

    _, rest = lax.scan(body, first, (jnp.asarray(times), values))
    return jnp.concatenate([first[None], rest])


@op(
    "CTCGreedyDecoder",
    inputs=("inputs: T", "sequence_length: int32"),
    outputs=(
        "decoded_indices: int64",
        "decoded_values: int64",
        "decoded_shape: int64",
        "log_probability: T",
    ),
    attrs={"merge_repeated": False, "blank_index": -1},
    kernel="host",
    differentiable=False,
)
def ctc_greedy_decoder(
    inputs: Any, sequence_length: Any, *, merge_repeated: bool, blank_index: int
) -> Any:
    """The likeliest class of each time step, without blanks.

    Shape: inputs [t, n, classes], sequence_length [n] -> decoded_indices [entries, 2],
    decoded_values [entries], decoded_shape [2], log_probability [n, 1], minus the sum of the
    largest logits.
    Errors: InvalidArgumentError when the shapes do not fit or blank_index is no class;
    FailedPreconditionError when a sequence is longer than inputs.
    """
    _check_decoder_inputs(inputs, sequence_length)
    classes = inputs.shape[2]
    if not -classes <= blank_index < classes:
        raise InvalidArgumentError(
            f"blank_index must be in [{-classes}, {classes}), got {blank_index}"
        )
    blank = blank_index % classes
    best = inputs.argmax(axis=2)
    peaks = inputs.max(axis=2)
    paths = []
    scores = np.zeros((inputs.shape[1], 1), inputs.dtype)
    for i, length in enumerate(sequence_length):
        path = best[:length, i]
        kept = path != blank
        if merge_repeated:
            kept &= np.concatenate([[True], path[1:] != path[:-1]])[: len(path)]
        paths.append(path[kept])
        scores[i] = -peaks[:length, i].sum()
    return (*_sparse(paths), scores)


@op(
    "CTCBeamSearchDecoder",
    inputs=("inputs: T", "sequence_length: int32"),
    outputs=(
        "decoded_indices: top_paths * int64",
        "decoded_values: top_paths * int64",
        "decoded_shape: top_paths * int64",
        "log_probability: T",
    ),
    attrs={"beam_width": REQUIRED, "top_paths": REQUIRED, "merge_repeated": True},
    kernel="host",
    differentiable=False,
)
def ctc_beam_search_decoder(
    inputs: Any,
    sequence_length: Any,
    *,
    beam_width: int,
    top_paths: int,
    merge_repeated: bool,
) -> Any:
    """The likeliest label sequences, each summed over the ways to spread it in time.

    Shape: inputs [t, n, classes], sequence_length [n] -> for each of the top_paths
    decoded_indices [entries, 2], decoded_values [entries], decoded_shape [2]; then
    log_probability [n, top_paths].
    Errors: InvalidArgumentError when the shapes do not fit, or more paths are asked for than
    the beam holds; FailedPreconditionError when a sequence is longer than inputs.
    """
    _check_decoder_inputs(inputs, sequence_length)
    if top_paths > beam_width:
        raise InvalidArgumentError(
            f"top_paths must not exceed beam_width, got {top_paths} and {beam_width}"
        )
    shifted = (inputs - inputs.max(axis=2, keepdims=True)).astype(np.float64)
    logs = shifted - np.log(np.exp(shifted).sum(axis=2, keepdims=True))
    scores = np.zeros((inputs.shape[1], top_paths), inputs.dtype)
    paths: list[list[Any]] = [[] for _ in range(top_paths)]
    for i, length in enumerate(sequence_length):
        leaves = _beam_search(logs[:length, i], beam_width)
        if len(leaves) < top_paths:
            raise InvalidArgumentError(
                f"sequence {i} must have at least {top_paths} paths, the search left "
                f"{len(leaves)}; lower top_paths"
            )
        for k, leaf in enumerate(leaves[:top_paths]):
            scores[i, k] = leaf.total
            paths[k].append(leaf.path(merge_repeated))
    found = [_sparse(each) for each in paths]
    return (
        *(part[0] for part in found),
        *(part[1] for part in found),
        *(part[2] for part in found),
        scores,
    )


def _check_decoder_inputs(inputs: Any, sequence_length: Any) -> None:
    _check_inputs(inputs, sequence_length)
    if (sequence_length > inputs.shape[0]).any():
        raise FailedPreconditionError(
            f"sequence_length must not exceed the {inputs.shape[0]} time steps of inputs, got "
            f"{int(sequence_length.max())}"
        )


def _sparse(paths: list[Any]) -> tuple[Any, Any, Any]:
    """Indices, values and shape of a sparse matrix whose rows begin with the paths."""
    indices = [(i, k) for i, path in enumerate(paths) for k in range(len(path))]
    values = [label for path in paths for label in path]
    shape = (len(paths), max((len(path) for path in paths), default=0))
    return (
        np.array(indices, np.int64).reshape(-1, 2),
        np.array(values, np.int64),
        np.array(shape, np.int64),
    )


class _Leaf:
    """A label sequence, with the log probabilities that it ends in a blank or in a label."""

    __slots__ = (
        "blank",
        "children",
        "label",
        "labelled",
        "old_blank",
        "old_total",
        "parent",
        "total",
    )

    def __init__(self, parent: _Leaf | None, label: int) -> None:
        self.parent = parent
        self.label = label
        self.children: dict[int, _Leaf] = {}
        self.blank = self.labelled = self.total = -math.inf
        self.old_blank = self.old_total = -math.inf

    def path(self, merge_repeated: bool) -> list[int]:
        """Labels from the first on."""
        labels: list[int] = []
        leaf: _Leaf = self
        previous = None
        while leaf.parent is not None:
            if not merge_repeated or leaf.label != previous:
                labels.append(leaf.label)
            previous = leaf.label
            leaf = leaf.parent
        return labels[::-1]

    def forget(self) -> None:
        """Leave the beam."""
        self.blank = self.labelled = self.total = -math.inf


def _beam_search(logs: Any, width: int) -> list[_Leaf]:
    """The leaves after the last time step, the likeliest first; the last class is blank."""
    root = _Leaf(None, -1)
    root.blank = root.total = 0.0
    leaves = [root]
    for chances in logs.tolist():
        blank = chances.pop()
        for leaf in leaves:
            leaf.old_blank, leaf.old_total = leaf.blank, leaf.total
        for leaf in leaves:
            _extend(leaf, chances, blank)
        kept = sorted(leaves, key=_total, reverse=True)
        for leaf in leaves:
            if leaf.old_total == -math.inf or (
                len(kept) >= width and leaf.old_total <= kept[-1].total
            ):
                continue
            _grow(leaf, chances, kept, width)
        leaves = kept
    return leaves


def _total(leaf: _Leaf) -> float:
    return leaf.total


def _extend(leaf: _Leaf, chances: list[float], blank: float) -> None:
    """Stay at the leaf for a step: repeat its label, or emit a blank."""
    parent = leaf.parent
    if parent is not None:
        if parent.total != -math.inf:
            same = leaf.label == parent.label
            leaf.labelled = _log_add(
                leaf.labelled, parent.old_blank if same else parent.old_total
            )
        leaf.labelled += chances[leaf.label]
    leaf.blank = leaf.old_total + blank
    leaf.total = _log_add(leaf.blank, leaf.labelled)


def _grow(leaf: _Leaf, chances: list[float], kept: list[_Leaf], width: int) -> None:
    """Add the likely ones of a leaf's children to the beam, which stays sorted."""
    for label, chance in enumerate(chances):
        child = leaf.children.get(label)
        if child is None:
            child = leaf.children[label] = _Leaf(leaf, label)
        if child.total != -math.inf:
            continue
        child.blank = -math.inf
        child.labelled = chance + (leaf.old_blank if label == leaf.label else leaf.old_total)
        child.total = child.labelled
        if child.total == -math.inf or (len(kept) >= width and child.total <= kept[-1].total):
            child.forget()
            child.old_blank = child.old_total = -math.inf
            continue
        if len(kept) >= width:
            kept.pop().forget()
        bisect.insort(kept, child, key=lambda each: -each.total)


def _log_add(x: float, y: float) -> float:
    if x < y:
        x, y = y, x
    return x if y == -math.inf else x + math.log1p(math.exp(y - x))
