"""The data of the demo: 1,797 scans of handwritten digits, 8 x 8 pixels each."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

LARGEST_PIXEL = 16  # each pixel counts the dark ones in a 4 x 4 block of the original scan


@dataclass(frozen=True, slots=True)
class Scans:
    """Images [n, 8, 8, 1] of whole numbers 0 to 16, and labels [n] 0 to 9."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class Split:
    """What the model learns from, and what it never sees before it is judged."""

    train: Scans
    held_out: Scans


def load(seed: int, held_out_ratio: float = 0.25) -> Split:
    """Read the scans and hold out the same share of every digit.

    Args:
        seed: decides which scans are held out.
        held_out_ratio: share of each digit that is held out, rounded to whole scans.

    Source: the test part of "Optical Recognition of Handwritten Digits" (Alpaydin and Kaynak,
        UCI Machine Learning Repository, 1998), as bundled with scikit-learn.
    """
    bundle = load_digits()
    images = bundle.images.astype(np.uint8)[..., np.newaxis]
    labels = bundle.target.astype(np.int64)
    held_out = stratified_choice(labels, held_out_ratio, np.random.default_rng(seed))
    return Split(
        Scans(images[~held_out], labels[~held_out]), Scans(images[held_out], labels[held_out])
    )


def stratified_choice(
    labels: NDArray[np.int64], ratio: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Choose the same share of every class at random.

    Returns:
        A mask [n], true for what was chosen.
    """
    chosen = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        chosen[rng.permutation(members)[: round(ratio * len(members))]] = True
    return chosen
