"""Losses of label sequences that hold the blank: by counting every way in time."""

import itertools

import numpy as np
import pytest

import penstock as tf

random = np.random.default_rng(3)
LOGITS = random.normal(size=(5, 1, 4)).astype(np.float32)


def _loss(symbols, labels, blank):
    """-log of the probability of all paths that run through the labels in order.

    `symbols` are the classes that the labels emit; each label may last, blanks may stand
    between, and must stand between two that are alike.
    """
    wide = LOGITS[:, 0].astype(np.float64)
    chances = np.exp(wide) / np.exp(wide).sum(axis=-1, keepdims=True)
    states = [None]
    for k in range(len(labels)):
        states += [k, None]
    total = 0.0
    for path in itertools.product(range(len(states)), repeat=len(chances)):
        if path[0] > 1 or path[-1] < len(states) - 2:
            continue
        if all(_may_follow(states, symbols, a, b) for a, b in itertools.pairwise(path)):
            emitted = [blank if states[s] is None else symbols[states[s]] for s in path]
            total += np.prod([chances[t, c] for t, c in enumerate(emitted)])
    return -np.log(total)


def _may_follow(states, symbols, a, b):
    if b == a + 2:
        return states[a] is not None and symbols[states[a]] != symbols[states[b]]
    return b in (a, a + 1)


@pytest.mark.parametrize(
    ("labels", "blank", "emitted"),
    [
        ([1, 0, 2], 0, [1, 0, 2]),
        ([0, 0], 0, [0, 0]),
        ([3, 1], 3, [2, 1]),
        ([0, 2, 1], 2, [0, 1, 1]),
    ],
)
def test_a_label_of_the_blanks_value_does_not_end_a_dense_sequence(labels, blank, emitted):
    loss = tf.nn.ctc_loss(
        np.int32([labels]), LOGITS, [len(labels)], [5], blank_index=blank
    ).numpy()

    np.testing.assert_allclose(loss, [_loss(emitted, labels, blank)], rtol=1e-5)


def test_half_precision_logits_give_a_half_precision_loss():
    loss = tf.nn.ctc_loss(np.int32([[1]]), LOGITS.astype(np.float16), [1], [5])

    assert loss.dtype is tf.float16
    np.testing.assert_allclose(loss.numpy(), [_loss([1], [1], 0)], rtol=5e-3)
