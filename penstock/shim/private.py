"""Functions behind names in `tensorflow.python` and `tensorflow.compiler`."""

from __future__ import annotations

from typing import Any

from penstock.runtime.context import executing_eagerly
from penstock.runtime.devices import let_devices_change
from penstock.runtime.dispatch import call


def dynamic_update_slice(
    x: Any, updates: Any, start_indices: Any, name: str | None = None
) -> Any:
    """Return `x` with `updates` written over it from `start_indices` on."""
    return call("XlaDynamicUpdateSlice", x, updates, start_indices, name=name)


def dynamic_slice(x: Any, start_indices: Any, slice_sizes: Any, name: str | None = None) -> Any:
    """Return the part of `x` of size `slice_sizes` from `start_indices` on."""
    return call("XlaDynamicSlice", x, start_indices, slice_sizes, name=name)


def async_wait() -> None:
    """Wait for pending work: every value is complete when it is read, so there is none."""


def reset_context() -> None:
    """Let devices be configured again. XLA's own, and functions, are made once and stay."""
    let_devices_change()


class _Context:
    """The eager context, as far as programs look at it."""

    def executing_eagerly(self) -> bool:
        """Whether op calls are run at once."""
        return executing_eagerly()

    def async_wait(self) -> None:
        """Wait for pending work, of which there is none."""

    def clear_kernel_cache(self) -> None:
        """Forget kernels: the caches are bounded, and hold nothing of a model."""


_context = _Context()


def context() -> _Context:
    """The eager context."""
    return _context
