"""Writes the golden files of this folder: losses and gradients of real TensorFlow.

Run with a Python that has TensorFlow 2.21 and Keras 3.15.1: python tests/golden/keras/make.py
"""

import os
import sys
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
import tensorflow as tf

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "conformance" / "keras_parity"))

import program
from architectures import ARCHITECTURES

for name in ARCHITECTURES:
    kept = {
        key: value
        for key, value in program.train(keras, tf, name).items()
        if key.startswith(("graph", "fit", "evaluate"))
    }
    np.savez_compressed(HERE / f"{name}.npz", **kept)
