"""Profiles of what XLA and Python do, in the form that TensorBoard and XProf show."""

from __future__ import annotations

import shutil
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax

from penstock.core.errors import AlreadyExistsError, UnavailableError

_lock = threading.Lock()


@dataclass(frozen=True)
class _Profile:
    logdir: Path
    gathered: tempfile.TemporaryDirectory[str]


_running: list[_Profile] = []


def start(logdir: str, *, host_level: int = 2, python_level: int = 0) -> None:
    """Begin a profile.

    Args:
        logdir: directory to which the profile goes when it ends.
        host_level: 0 for nothing of the host, 1 for what users mark, 2 and 3 for more.
        python_level: 1 to record calls of Python functions.

    Raises:
        AlreadyExistsError: one is running.
    """
    with _lock:
        if _running:
            raise AlreadyExistsError(
                f"one profile runs at a time, and that of '{_running[0].logdir}' does; stop it "
                "first"
            )
        options = jax.profiler.ProfileOptions()
        options.host_tracer_level = host_level
        options.python_tracer_level = python_level
        # Gathered apart, since only at the end it is said whether the profile is wanted.
        gathered = tempfile.TemporaryDirectory(prefix="penstock-profile-")
        try:
            jax.profiler.start_trace(gathered.name, profiler_options=options)
        except RuntimeError as error:
            gathered.cleanup()
            raise AlreadyExistsError(f"a profile must not run already: {error}") from error
        _running.append(_Profile(Path(logdir), gathered))


def stop(*, save: bool = True) -> None:
    """End the profile.

    Args:
        save: whether it is written.

    Raises:
        UnavailableError: none is running.
    """
    with _lock:
        if not _running:
            raise UnavailableError("there must be a profile to stop; start one first")
        profile = _running.pop()
        try:
            jax.profiler.stop_trace()
            if save:
                shutil.copytree(profile.gathered.name, profile.logdir, dirs_exist_ok=True)
        finally:
            profile.gathered.cleanup()


def annotation(name: str, **metadata: Any) -> Any:
    """Context that marks a stretch of time in the profile."""
    return jax.profiler.TraceAnnotation(name, **metadata)


def serve(port: int) -> None:
    """Let a client on another machine profile this process.

    Raises:
        AlreadyExistsError: that is so already.
    """
    try:
        jax.profiler.start_server(port)
    except ValueError as error:
        raise AlreadyExistsError(f"one profiler server runs at a time: {error}") from error
