"""What a dataset holds, as plain Python values."""

import numpy as np

import penstock as tf

Dataset = tf.data.Dataset


def plain(value):
    """Numbers, bytes and lists in place of arrays."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, tuple):
        return tuple(plain(part) for part in value)
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


def contents(dataset):
    """All elements, as plain values."""
    return [plain(element) for element in dataset.as_numpy_iterator()]
