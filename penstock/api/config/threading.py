"""`tf.config.threading`: how many threads ops are given; XLA decides, and the wish is kept."""

from __future__ import annotations

__all__ = [
    "get_inter_op_parallelism_threads",
    "get_intra_op_parallelism_threads",
    "set_inter_op_parallelism_threads",
    "set_intra_op_parallelism_threads",
]


class _Settings:
    """What was set in this process."""

    intra = 0
    inter = 0


def get_intra_op_parallelism_threads() -> int:
    """Return the number of threads within an op that was asked for; 0 for any."""
    return _Settings.intra


def set_intra_op_parallelism_threads(num_threads: int) -> None:
    """Ask for a number of threads within an op.

    Args:
        num_threads: the number; 0 for any.
    """
    _Settings.intra = int(num_threads)


def get_inter_op_parallelism_threads() -> int:
    """Return the number of ops at a time that was asked for; 0 for any."""
    return _Settings.inter


def set_inter_op_parallelism_threads(num_threads: int) -> None:
    """Ask for a number of ops at a time.

    Args:
        num_threads: the number; 0 for any.
    """
    _Settings.inter = int(num_threads)
