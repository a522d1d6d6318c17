"""The file `checkpoint`, which says which checkpoints of a directory are there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from penstock.core.errors import InvalidArgumentError
from penstock.wire import protos
from penstock.wire.files import write_atomically

STATE_FILE: Final = "checkpoint"
_INDEX: Final = ".index"


def get_checkpoint_state(
    checkpoint_dir: str | os.PathLike[str], latest_filename: str | None = None
) -> Any:
    """Return the CheckpointState of a directory with full paths, or None when it has none.

    Args:
        checkpoint_dir: the directory.
        latest_filename: name of the file; default "checkpoint".
    """
    directory = Path(checkpoint_dir)
    path = directory / (latest_filename or STATE_FILE)
    if not path.is_file():
        return None
    try:
        state = protos.parse_text(protos.CheckpointState, path.read_bytes(), f"'{path}'")
    except InvalidArgumentError:
        # As TensorFlow: what cannot be read is no state.
        return None
    if not state.model_checkpoint_path:
        return None
    state.model_checkpoint_path = _full(directory, state.model_checkpoint_path)
    paths = [_full(directory, name) for name in state.all_model_checkpoint_paths]
    state.all_model_checkpoint_paths[:] = paths
    return state


def _full(directory: Path, name: str) -> str:
    return name if os.path.isabs(name) else os.fspath(directory / name)  # noqa: PTH117


def generate_checkpoint_state(
    save_dir: str | os.PathLike[str],
    model_checkpoint_path: str,
    all_model_checkpoint_paths: Iterable[str] | None = None,
    all_model_checkpoint_timestamps: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
) -> Any:
    """Make a CheckpointState whose paths are relative to its directory where they can be.

    Raises:
        ValueError: there are not as many times as paths.
    """
    paths = list(all_model_checkpoint_paths or [])
    if model_checkpoint_path not in paths:
        paths.append(model_checkpoint_path)
    times = all_model_checkpoint_timestamps
    if times is not None and len(times) != len(paths):
        raise ValueError(
            f"there must be a time for each of the {len(paths)} checkpoints, got {len(times)}"
        )
    return protos.CheckpointState(
        model_checkpoint_path=_relative(save_dir, model_checkpoint_path),
        all_model_checkpoint_paths=[_relative(save_dir, path) for path in paths],
        all_model_checkpoint_timestamps=times,
        last_preserved_timestamp=last_preserved_timestamp,
    )


def _relative(directory: str | os.PathLike[str], path: str) -> str:
    base = os.path.abspath(directory)  # noqa: PTH100
    full = os.path.abspath(path)  # noqa: PTH100
    if os.path.commonpath([base, full]) == base:
        return os.path.relpath(full, base)
    return path


def update_checkpoint_state(
    save_dir: str | os.PathLike[str],
    model_checkpoint_path: str,
    all_model_checkpoint_paths: Iterable[str] | None = None,
    latest_filename: str | None = None,
    all_model_checkpoint_timestamps: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
) -> None:
    """Write the state file of a directory; a reader sees the old one or the new one."""
    state = generate_checkpoint_state(
        save_dir,
        model_checkpoint_path,
        all_model_checkpoint_paths,
        all_model_checkpoint_timestamps,
        last_preserved_timestamp,
    )
    directory = Path(save_dir)
    directory.mkdir(parents=True, exist_ok=True)
    write_atomically(directory / (latest_filename or STATE_FILE), str(state).encode())


def latest_checkpoint(
    checkpoint_dir: str | os.PathLike[str], latest_filename: str | None = None
) -> str | None:
    """Prefix of the latest checkpoint of a directory, or None when it has none."""
    state = get_checkpoint_state(checkpoint_dir, latest_filename)
    if state is None or not checkpoint_exists(state.model_checkpoint_path):
        return None
    return str(state.model_checkpoint_path)


def checkpoint_exists(checkpoint_prefix: str | os.PathLike[str]) -> bool:
    """Whether there is a checkpoint with that prefix."""
    prefix = os.fspath(checkpoint_prefix)
    return Path(prefix + _INDEX).exists() or Path(prefix).is_file()


def delete_checkpoint(checkpoint_prefix: str) -> None:
    """Remove the files of a checkpoint."""
    prefix = Path(checkpoint_prefix)
    # The index goes first: without it the rest is no checkpoint any more.
    Path(f"{prefix}{_INDEX}").unlink(missing_ok=True)
    for part in prefix.parent.glob(f"{_escape_glob(prefix.name)}.data-?????-of-?????"):
        part.unlink(missing_ok=True)


def _escape_glob(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)
