"""How ops are carried out, and libraries of ops: what TensorFlow leaves to its C++ code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from penstock.core.errors import NotFoundError, UnimplementedError

__all__ = [
    "async_clear_error",
    "async_scope",
    "function_executor_type",
    "load_library",
    "load_op_library",
    "register_filesystem_plugin",
]

_EXECUTORS: Final = ("", "DEFAULT", "SINGLE_THREADED_EXECUTOR")


@contextmanager
def async_scope() -> Iterator[None]:
    """Let ops inside be carried out later than they are called.

    Errors that an op raises come from its call all the same: nothing is put off that can fail.
    """
    yield


def async_clear_error() -> None:
    """Forget errors of ops that were put off: there are none."""


@contextmanager
def function_executor_type(executor_type: str | None) -> Iterator[None]:
    """Say which of TensorFlow's executors runs functions inside; XLA runs them all the same.

    Args:
        executor_type: name of an executor; None for the default.

    Raises:
        NotFoundError: TensorFlow has none of that name.
    """
    if (executor_type or "") not in _EXECUTORS:
        raise NotFoundError(
            f"No executor factory registered for the given type: {executor_type}"
        )
    yield


def _refuse(name: str, what: str) -> Any:
    raise UnimplementedError(
        f"tf.{name} needs TensorFlow's C++ runtime, for which {what} is made; write the op in "
        "Python instead"
    )


def load_library(library_location: str) -> None:
    """Raise an error: libraries of kernels are made for TensorFlow's C++ runtime.

    Args:
        library_location: a file or folder.

    Raises:
        FileNotFoundError: there is none.
        UnimplementedError: there is one.
    """
    if not Path(library_location).exists():
        raise FileNotFoundError(
            2,
            "The file or folder to load kernel libraries from does not exist.",
            library_location,
        )
    _refuse("load_library", library_location)


def load_op_library(library_filename: str) -> Any:
    """Raise an error: libraries of ops are made for TensorFlow's C++ runtime.

    Args:
        library_filename: a file.

    Raises:
        NotFoundError: there is none.
        UnimplementedError: there is one.
    """
    if not Path(library_filename).exists():
        raise NotFoundError(
            f"{library_filename}: cannot open shared object file: No such file or directory"
        )
    return _refuse("load_op_library", library_filename)


def register_filesystem_plugin(plugin_location: str) -> None:
    """Raise an error: plugins for file systems are made for TensorFlow's C++ runtime.

    Args:
        plugin_location: a file.

    Raises:
        FileNotFoundError: there is none.
        UnimplementedError: there is one.
    """
    if not Path(plugin_location).exists():
        raise FileNotFoundError(
            2, "The file to load file system plugin from does not exist.", plugin_location
        )
    _refuse("experimental.register_filesystem_plugin", plugin_location)
