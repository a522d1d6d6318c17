"""`tf.xla.experimental`: what is to be compiled."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from penstock.function.polymorphic import function
from penstock.runtime.context import state
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.tensor import Tensor

__all__ = ["experimental"]


def compile(computation: Callable[..., Any], inputs: Sequence[Any] | None = None) -> Any:
    """Run a function as one compiled computation.

    Args:
        computation: function of as many tensors as there are inputs.
        inputs: its arguments.

    Returns:
        What `computation` gives; a tensor alone, or a tuple of tensors, as a list.
    """
    compiled = function(computation, autograph=False, jit_compile=True)
    result = compiled(*(convert_to_tensor(value) for value in inputs or ()))
    if isinstance(result, Tensor):
        return [result]
    return list(result) if isinstance(result, tuple) else result


@contextmanager
def jit_scope(
    compile_ops: bool = True, separate_compiled_gradients: bool = False
) -> Iterator[None]:
    """Mark what is inside for compilation; all that can be compiled is, without being told.

    Args:
        compile_ops: accepted for compatibility.
        separate_compiled_gradients: accepted for compatibility.

    Raises:
        RuntimeError: no graph is being built.
    """
    del separate_compiled_gradients
    if state.graph is None:
        raise RuntimeError(
            "xla.experimental.jit_scope is not supported when eager execution is enabled. Try "
            "use it inside tf.function."
        )
    if not compile_ops:
        warnings.warn(
            "jit_scope(compile_ops=False) keeps nothing from being compiled", stacklevel=3
        )
    yield


experimental = SimpleNamespace(compile=compile, jit_scope=jit_scope)
