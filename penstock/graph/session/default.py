"""The sessions in force."""

from __future__ import annotations

import threading
from typing import Any


class _Stack(threading.local):
    def __init__(self) -> None:
        self.sessions: list[Any] = []


_stack = _Stack()


def push(session: Any) -> None:
    """Put a session in force."""
    _stack.sessions.append(session)


def pop(session: Any) -> None:
    """Take a session out of force."""
    if session in _stack.sessions:
        _stack.sessions.reverse()
        _stack.sessions.remove(session)
        _stack.sessions.reverse()


def get_default_session() -> Any:
    """The innermost session in force, or None."""
    return _stack.sessions[-1] if _stack.sessions else None


def require_session(session: Any = None) -> Any:
    """`session`, or the one in force.

    Raises:
        ValueError: there is none.
    """
    found = session if session is not None else get_default_session()
    if found is None:
        raise ValueError(
            "Cannot evaluate tensor using `eval()`: No default session is registered. Use "
            "`with sess.as_default()` or pass an explicit session to `eval(session=sess)`"
        )
    return found
