"""`tf.profiler.experimental`: profiles of what a program does, for TensorBoard."""

from __future__ import annotations

import os
from collections import namedtuple
from types import TracebackType
from typing import Any, Self

from penstock.core.errors import UnimplementedError
from penstock.runtime import profiling
from penstock.summary import profiler_client as client
from penstock.summary import profiler_server as server

__all__ = ["Profile", "ProfilerOptions", "Trace", "client", "server", "start", "stop"]


class ProfilerOptions(
    namedtuple(
        "ProfilerOptions",
        ["host_tracer_level", "python_tracer_level", "device_tracer_level", "delay_ms"],
    )
):
    """What a profile records.

    Args:
        host_tracer_level: 1 for what users mark, 2 and 3 for more of the host.
        python_tracer_level: 1 to record calls of Python functions.
        device_tracer_level: accepted for compatibility; devices are recorded.
        delay_ms: time between a request and the start; only None is supported.
    """

    __slots__ = ()

    def __new__(
        cls,
        host_tracer_level: int = 2,
        python_tracer_level: int = 0,
        device_tracer_level: int = 1,
        delay_ms: int | None = None,
    ) -> Self:
        """Make the options."""
        return super().__new__(
            cls, host_tracer_level, python_tracer_level, device_tracer_level, delay_ms
        )


def start(logdir: str | os.PathLike[str], options: Any = None) -> None:
    """Begin a profile.

    Args:
        logdir: directory to which the profile goes.
        options: see `ProfilerOptions`.

    Raises:
        AlreadyExistsError: one is running.
    """
    chosen = ProfilerOptions(**options) if isinstance(options, dict) else options
    chosen = ProfilerOptions() if chosen is None else chosen
    if chosen.delay_ms:
        raise UnimplementedError(
            f"a profile starts at once, got delay_ms={chosen.delay_ms}; leave it out"
        )
    profiling.start(
        os.fspath(logdir),
        host_level=chosen.host_tracer_level,
        python_level=chosen.python_tracer_level,
    )


def stop(save: bool = True) -> None:
    """End the profile.

    Args:
        save: whether it is written.

    Raises:
        UnavailableError: none is running.
    """
    profiling.stop(save=save)


class Profile:
    """Profiles what is inside.

    Args:
        logdir: directory to which the profile goes.
        options: see `ProfilerOptions`.
    """

    def __init__(self, logdir: str | os.PathLike[str], options: Any = None) -> None:
        self._logdir = logdir
        self._options = options

    def __enter__(self) -> None:
        start(self._logdir, self._options)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        stop()


class Trace:
    """Marks a stretch of time in the profile, such as one step of training.

    Args:
        name: what it is called.
        kwargs: further facts; `step_num` and `_r=1` make it a step.
    """

    def __init__(self, name: str, **kwargs: Any) -> None:
        self._annotation = profiling.annotation(name, **kwargs)

    def __enter__(self) -> Self:
        self._annotation.__enter__()
        return self

    def set_metadata(self, **kwargs: Any) -> None:
        """Add facts."""
        self._annotation.set_metadata(**kwargs)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._annotation.__exit__(kind, error, trace)
