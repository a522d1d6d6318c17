"""Samplers of classes for losses that look at few of many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from penstock.runtime import random_state
from penstock.runtime.dispatch import call


class Candidates(NamedTuple):
    """Candidates, and how often true classes and candidates are expected among them."""

    sampled_candidates: Any
    true_expected_count: Any
    sampled_expected_count: Any


def _sample(
    op: str, true_classes: Any, seed: int | None, name: str | None, **attrs: Any
) -> Candidates:
    seeds = random_state.op_seeds(seed)
    return Candidates(*call(op, true_classes, name=name, **attrs, **seeds))


def uniform_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int | None = None,
    name: str | None = None,
) -> Candidates:
    """Draw classes, all alike.

    Args:
        true_classes: int64 classes, [rows, num_true].
        num_true: true classes per row.
        num_sampled: how many to draw.
        unique: whether each class comes at most once.
        range_max: number of classes.
        seed: see `tf.random.uniform`.
        name: name of the node in a graph.
    """
    return _sample(
        "UniformCandidateSampler",
        true_classes,
        seed,
        name,
        num_true=num_true,
        num_sampled=num_sampled,
        unique=unique,
        range_max=range_max,
    )


def log_uniform_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int | None = None,
    name: str | None = None,
) -> Candidates:
    """Draw classes, the rarer the higher; arguments as in `uniform_candidate_sampler`."""
    return _sample(
        "LogUniformCandidateSampler",
        true_classes,
        seed,
        name,
        num_true=num_true,
        num_sampled=num_sampled,
        unique=unique,
        range_max=range_max,
    )


def learned_unigram_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int | None = None,
    name: str | None = None,
) -> Candidates:
    """Draw classes by how often they were true; arguments as in `uniform_candidate_sampler`."""
    return _sample(
        "LearnedUnigramCandidateSampler",
        true_classes,
        seed,
        name,
        num_true=num_true,
        num_sampled=num_sampled,
        unique=unique,
        range_max=range_max,
    )


def fixed_unigram_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    vocab_file: str = "",
    distortion: float = 1.0,
    num_reserved_ids: int = 0,
    num_shards: int = 1,
    shard: int = 0,
    unigrams: Sequence[float] = (),
    seed: int | None = None,
    name: str | None = None,
) -> Candidates:
    """Draw classes by given weights.

    Args:
        true_classes: see `uniform_candidate_sampler`.
        num_true: see there.
        num_sampled: see there.
        unique: see there.
        range_max: number of classes, those reserved included.
        vocab_file: a file whose lines end with the weight of a class; or see `unigrams`.
        distortion: power to which weights are raised.
        num_reserved_ids: number of first classes that are never drawn.
        num_shards: of how many samplers this is one.
        shard: which one of them.
        unigrams: the weights.
        seed: see `tf.random.uniform`.
        name: name of the node in a graph.
    """
    return _sample(
        "FixedUnigramCandidateSampler",
        true_classes,
        seed,
        name,
        num_true=num_true,
        num_sampled=num_sampled,
        unique=unique,
        range_max=range_max,
        vocab_file=vocab_file,
        distortion=float(distortion),
        num_reserved_ids=num_reserved_ids,
        num_shards=num_shards,
        shard=shard,
        unigrams=tuple(float(weight) for weight in unigrams),
    )


def all_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    seed: int | None = None,
    name: str | None = None,
) -> Candidates:
    """Take all classes, to check others; arguments as in `uniform_candidate_sampler`."""
    return _sample(
        "AllCandidateSampler",
        true_classes,
        seed,
        name,
        num_true=num_true,
        num_sampled=num_sampled,
        unique=unique,
    )
