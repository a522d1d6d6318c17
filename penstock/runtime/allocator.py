"""Keeping freed memory for the next computation, instead of giving it back to the system.

XLA asks for the memory of its temporaries at every call and frees it afterwards. Above some
size glibc maps and unmaps such blocks, and the system clears their pages each time: half of the
time of a large convolution's gradient. With other settings glibc keeps them. The cost is that
the resident size of the process stays at its peak.

Programs that mean to compute for long allow it: `penstock serve`, `penstock demo`, and train
steps, such as those of `fit`. It happens when the first computation with large temporaries is
compiled, because nothing is gained before. PENSTOCK_KEEP_MEMORY=0 forbids it.

A thread takes memory from the arena that it met first, and all arenas but the main one hold
64 MiB at most: what is larger is mapped and unmapped whatever glibc was told. XLA's threads
must meet the main arena, so there is one arena only from before they are made, which is when
the devices are first asked for.
"""

from __future__ import annotations

import ctypes
import os
import platform
import threading

# Parameters of mallopt, by their numbers in glibc's malloc.h, and what they are set to: nothing
# is mapped, and nothing is given back; one arena serves all threads.
_M_TRIM_THRESHOLD = -1
_M_MMAP_MAX = -4
_M_ARENA_MAX = -8
_KEPT = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, 2**31 - 1))
_ONE_ARENA = ((_M_ARENA_MAX, 1),)

# Bytes of temporaries from which it pays: smaller blocks are seldom where memory ends.
LARGE_TEMPORARIES = 1 << 20


class _State:
    def __init__(self) -> None:
        self.allowed = False
        self.kept = False
        self.lock = threading.Lock()


_state = _State()


def allow_keeping_memory() -> None:
    """Let freed memory be kept once a computation with large temporaries is compiled."""
    _state.allowed = True


def is_keeping_memory() -> bool:
    """Whether freed memory is kept."""
    return _state.kept


def share_one_arena() -> bool:
    """Let all threads that are made from now on share the main arena.

    Returns:
        Whether they do: the C library is glibc, and memory may be kept.
    """
    return _is_allowed() and _set(_ONE_ARENA)


def may_keep_memory(*, trains: bool) -> bool:
    """Whether the size of a computation's temporaries matters still.

    Args:
        trains: whether the computation assigns variables, as a train step does.
    """
    return not _state.kept and (_state.allowed or trains) and _is_allowed()


def note_temporaries(size: int) -> bool:
    """Keep freed memory from now on, if a computation's temporaries take so many bytes.

    Returns:
        Whether freed memory is kept. It is not where the C library is no glibc.
    """
    if size >= LARGE_TEMPORARIES:
        with _state.lock:
            _state.kept = _state.kept or _keep()
    return _state.kept


def _is_allowed() -> bool:
    return os.environ.get("PENSTOCK_KEEP_MEMORY", "1") != "0"


def _keep() -> bool:
    return _set(_ONE_ARENA + _KEPT)


def _set(settings: tuple[tuple[int, int], ...]) -> bool:
    if platform.libc_ver()[0] != "glibc":
        return False
    set_parameter = ctypes.CDLL(None).mallopt
    return all(set_parameter(name, value) == 1 for name, value in settings)
