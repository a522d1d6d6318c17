"""Messages (protocol buffers) of shapes, dtypes and specs, which rooms above write and read.

Nothing here knows a message: this module finds by name what does. So programs that write none
never load the library for them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class MessageForm(NamedTuple):
    """How one kind of facts is written as a message.

    Args:
        message: class of the messages.
        write: makes a message.
        read: makes what the message tells of.
    """

    message: Any
    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


_loaders: dict[str, Callable[[], MessageForm]] = {}


def use_message_form(kind: str, load: Callable[[], MessageForm]) -> None:
    """Say what loads the form of a kind of facts: "dtype", "shape", "tensor" or "spec"."""
    _loaders[kind] = load


def message_form(kind: str) -> MessageForm:
    """Return the form of a kind of facts."""
    return _loaders[kind]()
