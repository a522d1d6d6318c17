"""`tf.train.CheckpointManager`: numbered checkpoints of which the newest are kept."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from penstock.core.errors import InvalidArgumentError
from penstock.train.best_checkpoints import BestCheckpoints
from penstock.train.checkpoint import Checkpoint, CheckpointOptions
from penstock.train.checkpoint_state import (
    delete_checkpoint,
    get_checkpoint_state,
    update_checkpoint_state,
)

_HOUR_S = 3600.0
_STALE_S = 24 * _HOUR_S  # no save that still goes on is as old


class CheckpointManager:
    """Saves numbered checkpoints and deletes old ones.

    The directory is the state: a manager made after a restart goes on where another ended.

    Args:
        checkpoint: what writes and restores.
        directory: where the checkpoints are; made when it is missing.
        max_to_keep: number of checkpoints kept, at least 1; None keeps all.
        keep_checkpoint_every_n_hours: besides, one of every so many hours is kept for good.
        checkpoint_name: name before the number.
        step_counter: variable with the number of steps, for `checkpoint_interval`.
        checkpoint_interval: steps between two checkpoints.
        init_fn: called by `restore_or_initialize` when there is no checkpoint.
        last_checkpoint_step: step of the latest checkpoint, for `checkpoint_interval`.
        clock: gives the time in seconds.
        keep_best: besides, so many checkpoints are kept whose `metric`, as `save` is told, is
            best. Penstock's own.
        best_mode: "min" or "max": whether a small or a large metric is good.

    Raises:
        ValueError: an argument is out of its range.

    Example:
        >>> import penstock as tf
        >>> checkpoint = tf.train.Checkpoint(step=tf.Variable(1))
        >>> manager = tf.train.CheckpointManager(
        ...     checkpoint, "/tmp/penstock_example/best", max_to_keep=1, keep_best=1
        ... )
        >>> for loss in (0.3, 0.2, 0.4):
        ...     path = manager.save(metric=loss)
        >>> manager.best_metric
        0.2
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        directory: str | os.PathLike[str],
        max_to_keep: int | None,
        keep_checkpoint_every_n_hours: float | None = None,
        checkpoint_name: str = "ckpt",
        step_counter: Any = None,
        checkpoint_interval: int | None = None,
        init_fn: Callable[[], Any] | None = None,
        last_checkpoint_step: int | None = None,
        *,
        clock: Callable[[], float] = time.time,
        keep_best: int = 0,
        best_mode: str = "min",
    ) -> None:
        if max_to_keep is not None and max_to_keep <= 0:
            raise ValueError(
                f"Expected a positive integer or `None` for `max_to_keep`, got {max_to_keep!r}."
            )
        if checkpoint_interval is not None and step_counter is None:
            raise ValueError("`step_counter` should be passed if `checkpoint_interval` is.")
        if keep_best < 0:
            raise ValueError(f"keep_best must not be negative, got {keep_best}")
        self._best = BestCheckpoints(directory, checkpoint_name, keep_best, best_mode)
        self._checkpoint = checkpoint
        self._directory = os.fspath(directory)
        self._max_to_keep = max_to_keep
        self._every_s = (
            None
            if keep_checkpoint_every_n_hours is None
            else keep_checkpoint_every_n_hours * _HOUR_S
        )
        self._prefix = str(Path(self._directory) / checkpoint_name)
        self._step_counter = step_counter
        self._interval = checkpoint_interval
        self._last_step = last_checkpoint_step
        self._init_fn = init_fn
        self._clock = clock
        self._kept: OrderedDict[str, float] = OrderedDict()
        self._latest: str | None = None
        self._recover()
        self._remove_remains()

    def _remove_remains(self) -> None:
        """Remove what programs left that were killed while they saved, long enough ago."""
        prefix = Path(self._prefix)
        if not prefix.parent.is_dir():
            return
        remains = re.compile(
            re.escape(prefix.name) + r"-\d+\.(data|index)\.tempstate[0-9a-f]{16}"
        )
        for path in prefix.parent.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if remains.fullmatch(path.name) and (
                    self._clock() - path.stat().st_mtime > _STALE_S
                ):
                    path.unlink()

    def _recover(self) -> None:
        """Take over what the state file of the directory says."""
        now = self._clock()
        state = get_checkpoint_state(self._directory)
        if state is None:
            # A little back, so that a manager made at once again does not see the same time.
            self._preserved = now - 1.0
            return
        self._latest = state.model_checkpoint_path
        # Clocks may have been set back: no checkpoint must be lost for that.
        self._preserved = min(state.last_preserved_timestamp, now)
        times = list(state.all_model_checkpoint_timestamps)
        paths = list(state.all_model_checkpoint_paths)
        times = times or [self._preserved + 1.0] * len(paths)
        for path, moment in zip(paths, times, strict=False):
            if min(moment, now) > self._preserved:
                self._kept[path] = min(moment, now)

    @property
    def directory(self) -> str:
        """Where the checkpoints are."""
        return self._directory

    @property
    def checkpoint(self) -> Checkpoint:
        """What writes and restores."""
        return self._checkpoint

    @property
    def checkpoint_interval(self) -> int | None:
        """Steps between two checkpoints."""
        return self._interval

    @property
    def latest_checkpoint(self) -> str | None:
        """Path of the newest checkpoint, or None."""
        return self._latest

    @property
    def checkpoints(self) -> list[str]:
        """Paths of the managed checkpoints, oldest first."""
        return list(self._kept)

    @property
    def best_checkpoint(self) -> str | None:
        """Path of the checkpoint with the best metric, or None. Penstock's own."""
        return self._best.path

    @property
    def best_metric(self) -> float | None:
        """The best metric, or None. Penstock's own."""
        return self._best.metric

    def save(
        self,
        checkpoint_number: Any = None,
        check_interval: bool = True,
        options: CheckpointOptions | None = None,
        *,
        metric: float | None = None,
    ) -> str | None:
        """Write a checkpoint, then delete those that are too many.

        Args:
            checkpoint_number: its number; None counts up.
            check_interval: whether nothing is written before `checkpoint_interval` steps.
            options: see `CheckpointOptions`.
            metric: how good the values are, for `keep_best`. Penstock's own.

        Returns:
            Its path, or None when the interval has not passed.
        """
        if check_interval and not self._is_due():
            return None
        if checkpoint_number is None:
            counter = self._checkpoint.save_counter
            counter.assign_add(1)
            checkpoint_number = counter
        number = int(getattr(checkpoint_number, "numpy", lambda: checkpoint_number)())
        if number < 0:
            raise InvalidArgumentError(f"checkpoint_number must not be negative, got {number}")
        path = f"{self._prefix}-{number}"
        if self._interval is not None:
            self._last_step = int(self._step_counter.numpy())
        note = functools.partial(self._note, path, None if metric is None else float(metric))
        return self._checkpoint._write_then(path, options, [note])

    def _note(self, path: str, metric: float | None) -> None:
        """Take over a checkpoint that is written, and delete those that are too many."""
        self._kept.pop(path, None)
        self._kept[path] = self._clock()
        self._latest = path
        self._best.add(path, metric)
        # Noted before anything is deleted, so that a crash between leaves no dangling name.
        self._record()
        self._sweep()
        self._record()

    def _is_due(self) -> bool:
        if self._interval is None or self._last_step is None:
            return True
        return int(self._step_counter.numpy()) >= self._last_step + self._interval

    def _sweep(self) -> None:
        for path in self._best.forget_surplus():
            if path not in self._kept:
                delete_checkpoint(path)
        while self._max_to_keep and len(self._kept) > self._max_to_keep:
            path, moment = self._kept.popitem(last=False)
            if self._every_s is not None and moment - self._every_s >= self._preserved:
                self._preserved = moment
                continue
            if path not in self._best:
                delete_checkpoint(path)

    def _record(self) -> None:
        assert self._latest is not None
        update_checkpoint_state(
            self._directory,
            self._latest,
            list(self._kept),
            all_model_checkpoint_timestamps=list(self._kept.values()),
            last_preserved_timestamp=self._preserved,
        )

    def restore_or_initialize(self) -> str | None:
        """Restore the newest checkpoint, or call `init_fn` when there is none.

        Returns:
            The path restored, or None.
        """
        self.sync()
        if self._latest is not None:
            self._checkpoint.restore(self._latest)
            if self._interval is not None:
                self._last_step = int(self._step_counter.numpy())
            return self._latest
        if self._init_fn is not None:
            self._init_fn()
        return None

    def sync(self) -> None:
        """Wait for checkpoints that are written in the background.

        Raises:
            Exception: what went wrong there.
        """
        self._checkpoint.sync()
