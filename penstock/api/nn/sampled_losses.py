"""Losses over many classes, of which only a sample is looked at."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.api.nn.embedding import embedding_lookup
from penstock.api.nn.losses import (
    sigmoid_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits,
)
from penstock.api.random.candidates import log_uniform_candidate_sampler
from penstock.core import dtypes
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call

__all__ = ["compute_accidental_hits", "nce_loss", "sampled_softmax_loss"]


def nce_loss(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = False,
    name: str = "nce_loss",
) -> Any:
    """Noise-contrastive estimation: tell the true classes from a sample of others.

    Args:
        weights: `[num_classes, dim]`, or a list of tables as for `embedding_lookup`.
        biases: `[num_classes]`.
        labels: int64 `[n, num_true]`, the true classes.
        inputs: `[n, dim]`.
        num_sampled: size of the sample.
        num_classes: number of classes.
        num_true: number of true classes of an example.
        sampled_values: what a candidate sampler gave; None for the log-uniform one.
        remove_accidental_hits: whether true classes in the sample do not count.
        name: name of the op.

    Returns:
        One loss per example.

    Source: Gutmann and Hyvarinen, Noise-contrastive Estimation (2010).
    """
    logits, targets = _sampled_logits(
        weights,
        biases,
        labels,
        inputs,
        num_sampled,
        num_classes,
        num_true,
        sampled_values,
        remove_accidental_hits,
        None,
    )
    losses = sigmoid_cross_entropy_with_logits(labels=targets, logits=logits)
    return call("Sum", losses, np.array([1], np.int32), keep_dims=False, name=name)


def sampled_softmax_loss(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = True,
    seed: int | None = None,
    name: str = "sampled_softmax_loss",
) -> Any:
    """Softmax cross entropy over the true classes and a sample of others.

    Args:
        weights: `[num_classes, dim]`, or a list of tables as for `embedding_lookup`.
        biases: `[num_classes]`.
        labels: int64 `[n, num_true]`, the true classes.
        inputs: `[n, dim]`.
        num_sampled: size of the sample.
        num_classes: number of classes.
        num_true: number of true classes of an example.
        sampled_values: what a candidate sampler gave; None for the log-uniform one.
        remove_accidental_hits: whether true classes in the sample do not count.
        seed: seed of the sampler.
        name: name of the op.

    Returns:
        One loss per example.

    Source: Jean et al., On Using Very Large Target Vocabulary (2015).
    """
    logits, targets = _sampled_logits(
        weights,
        biases,
        labels,
        inputs,
        num_sampled,
        num_classes,
        num_true,
        sampled_values,
        remove_accidental_hits,
        seed,
    )
    fixed = call("StopGradient", targets)
    return softmax_cross_entropy_with_logits(labels=fixed, logits=logits, name=name)


def _sampled_logits(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int,
    sampled_values: Any,
    remove_accidental_hits: bool,
    seed: int | None,
) -> tuple[Any, Any]:
    """Logits `[n, num_true + num_sampled]` and the probabilities that they should stand for."""
    labels = call("Cast", convert_to_tensor(labels), DstT=dtypes.int64)
    inputs = convert_to_tensor(inputs)
    if sampled_values is None:
        sampled_values = log_uniform_candidate_sampler(
            labels, num_true, num_sampled, True, num_classes, seed=seed
        )
    sampled, true_expected, sampled_expected = (
        call("StopGradient", value) for value in sampled_values
    )
    sampled = call("Cast", sampled, DstT=dtypes.int64)
    flat = call("Reshape", labels, np.array([-1], np.int32))
    ids = call("ConcatV2", [flat, sampled], 0)
    count = call("Shape", flat)[0]
    all_weights, all_biases = embedding_lookup(weights, ids), embedding_lookup(biases, ids)
    sampled_logits = (
        call("MatMul", inputs, all_weights[count:], transpose_b=True) + all_biases[count:]
    )
    width = call("Shape", all_weights)[1:]
    shape = call("ConcatV2", [np.array([-1, num_true], np.int32), width], 0)
    true_weights = call("Reshape", all_weights[:count], shape)
    products = call("ExpandDims", inputs, 1) * true_weights
    pairs = np.array([-1, num_true], np.int32)
    true_logits = call("Sum", products, np.array([2], np.int32), keep_dims=False)
    true_logits = true_logits + call("Reshape", all_biases[:count], pairs)
    if remove_accidental_hits:
        same = call("Equal", call("ExpandDims", labels, 2), sampled)
        hit = call("Any", same, np.array([1], np.int32), keep_dims=False)
        lowest = convert_to_tensor(sampled_logits.dtype.min, dtype=sampled_logits.dtype)
        removed = call("SelectV2", hit, lowest, call("ZerosLike", lowest))
        sampled_logits = sampled_logits + removed
    true_logits = true_logits - call("Log", _like(true_expected, true_logits))
    sampled_logits = sampled_logits - call("Log", _like(sampled_expected, true_logits))
    logits = call("ConcatV2", [true_logits, sampled_logits], 1)
    share = call("OnesLike", true_logits) / num_true
    return logits, call("ConcatV2", [share, call("ZerosLike", sampled_logits)], 1)


def _like(value: Any, tensor: Any) -> Any:
    return call("Cast", value, DstT=tensor.dtype)


def compute_accidental_hits(
    true_classes: Any,
    sampled_candidates: Any,
    num_true: int,
    seed: int | None = None,
    name: str | None = None,
) -> tuple[Any, Any, Any]:
    """Where true classes stand in a sample of classes.

    Args:
        true_classes: int64 `[n, num_true]`.
        sampled_candidates: int64 `[k]`.
        num_true: number of true classes of an example.
        seed: accepted for compatibility.
        name: name of the op.

    Returns:
        The examples, the places in the sample, and the least float32 for each.
    """
    del seed
    rows, places, weights = call(
        "ComputeAccidentalHits", true_classes, sampled_candidates, num_true=num_true, name=name
    )
    return rows, places, weights
