"""Samples of connectionist temporal classification, by counting every way in time."""

import itertools

import numpy as np

from tests.ops.sample import Sample

random = np.random.default_rng(7)
logits = random.normal(size=(4, 2, 3)).astype(np.float32)
steps = np.int32([4, 3])
places = np.int64([[0, 0], [0, 1], [1, 0]])
values = np.int32([0, 1, 1])


def _collapsed(path):
    return [label for label, _ in itertools.groupby(path) if label != 2]


def _probability(chances, labels):
    """Sum over all paths of the product of their probabilities."""
    return sum(
        np.prod([chances[t, label] for t, label in enumerate(path)])
        for path in itertools.product(range(3), repeat=len(chances))
        if _collapsed(path) == labels
    )


def _loss(array, sequence, labels):
    wide = array[: steps[sequence], sequence].astype(np.float64)
    chances = np.exp(wide) / np.exp(wide).sum(axis=-1, keepdims=True)
    return -np.log(_probability(chances, labels))


def _slope(sequence, labels):
    slope = np.zeros((4, 3))
    for index in np.ndindex(4, 3):
        moved = [logits.astype(np.float64) for _ in range(2)]
        for array, shift in zip(moved, (1e-5, -1e-5), strict=True):
            array[index[0], sequence, index[1]] += shift
        slope[index] = (
            _loss(moved[0], sequence, labels) - _loss(moved[1], sequence, labels)
        ) / 2e-5
    return slope


losses = np.float32([_loss(logits, 0, [0, 1]), _loss(logits, 1, [1])])
slopes = np.stack([_slope(0, [0, 1]), _slope(1, [1])], axis=1).astype(np.float32)
peaked = np.float32([[[5, 0, 1]], [[4, 0, 1]], [[0, 1, 6]], [[3, 0, 1]], [[0, 7, 1]]])

chances = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
ranked = sorted(
    (
        (_probability(chances[:, 0], list(labels)), labels)
        for length in range(5)
        for labels in itertools.product(range(2), repeat=length)
    ),
    reverse=True,
)[:2]

SAMPLES = [
    Sample("CTCLoss", (logits, places, values, steps), (losses, slopes), differentiable=False),
    # A sequence without time for its labels is skipped where that is asked for.
    Sample(
        "CTCLoss",
        (logits, places, values, np.int32([1, 3])),
        (np.float32([0, losses[1]]), slopes * np.float32([0, 1])[:, None]),
        {"ignore_longer_outputs_than_inputs": True},
        differentiable=False,
    ),
    Sample(
        "CTCGreedyDecoder",
        (peaked, np.int32([5])),
        (
            np.int64([[0, 0], [0, 1], [0, 2]]),
            np.int64([0, 0, 1]),
            np.int64([1, 3]),
            np.float32([[-25]]),
        ),
        {"merge_repeated": True},
    ),
    Sample(
        "CTCGreedyDecoder",
        (peaked, np.int32([2])),
        (
            np.int64([[0, 0], [0, 1]]),
            np.int64([0, 0]),
            np.int64([1, 2]),
            np.float32([[-9]]),
        ),
    ),
    Sample(
        "CTCBeamSearchDecoder",
        (logits[:, :1], np.int32([4])),
        (
            *(
                np.int64([(0, i) for i in range(len(labels))]).reshape(-1, 2)
                for _, labels in ranked
            ),
            *(np.int64(labels) for _, labels in ranked),
            *(np.int64([1, len(labels)]) for _, labels in ranked),
            np.float32([[np.log(chance) for chance, _ in ranked]]),
        ),
        {"beam_width": 50, "top_paths": 2, "merge_repeated": False},
    ),
]
