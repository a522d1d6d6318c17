"""`tf.config.optimizer`: what is done to graphs before they run."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["get_experimental_options", "get_jit", "set_experimental_options", "set_jit"]

# Options of TensorFlow's graph optimizer. XLA has rules of its own, which they do not change.
_OPTIONS: Final = frozenset(
    {
        "arithmetic_optimization", "auto_mixed_precision", "auto_mixed_precision_mkl",
        "auto_mixed_precision_onednn_bfloat16", "auto_parallel", "constant_folding",
        "debug_stripper", "dependency_optimization", "disable_meta_optimizer",
        "disable_model_pruning", "function_optimization", "implementation_selector",
        "layout_optimizer", "loop_optimization", "min_graph_nodes", "pin_to_host_optimization",
        "remapping", "scoped_allocator_optimization", "shape_optimization",
        "use_plugin_optimizers",
    }
)  # fmt: skip


class _Settings:
    """What was set in this process."""

    jit = ""
    options: dict[str, Any] = {"disable_model_pruning": False, "disable_meta_optimizer": False}  # noqa: RUF012


def set_jit(enabled: Any) -> None:
    """Accepted for compatibility: everything that can be compiled is.

    Args:
        enabled: True or "autoclustering" to be told so by `get_jit`.
    """
    _Settings.jit = "autoclustering" if enabled else ""


def get_jit() -> str:
    """Return what `set_jit` was told: "autoclustering" or nothing."""
    return _Settings.jit


def set_experimental_options(options: dict[str, Any]) -> None:
    """Keep options of TensorFlow's graph optimizer; XLA's own rules stay in force.

    Args:
        options: values by name; names that TensorFlow does not know are left out.
    """
    known = {name: value for name, value in options.items() if name in _OPTIONS}
    _Settings.options = {**_Settings.options, **known}


def get_experimental_options() -> dict[str, Any]:
    """Return the options that were set."""
    return dict(_Settings.options)
