"""`tf.__internal__`: what Keras asks of TensorFlow beyond the public API."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from penstock.core.composite_tensor import CompositeTensor as CompositeTensor
from penstock.graph.branching import smart_cond as _smart_cond
from penstock.graph.func_graph import FuncGraph as FuncGraph
from penstock.runtime.context import init_scope
from penstock.runtime.tensor import EagerTensor as EagerTensor
from penstock.runtime.tensor import TensorLike as _TensorLike
from penstock.runtime.trackable import (
    AutoTrackable,
    Trackable,
    no_automatic_dependency_tracking,
)

types = SimpleNamespace(Tensor=_TensorLike)
tracking = SimpleNamespace(
    AutoTrackable=AutoTrackable,
    Trackable=Trackable,
    no_automatic_dependency_tracking=no_automatic_dependency_tracking,
)
smart_cond = SimpleNamespace(smart_cond=_smart_cond)
eager_context = SimpleNamespace(eager_mode=init_scope)
tf2 = SimpleNamespace(enabled=lambda: True)


def _maybe_merge_call(fn: Any, strategy: Any, *args: Any, **kwargs: Any) -> Any:
    if strategy.extended._use_merge_call():  # noqa: SLF001  (what Keras' optimizers ask for)
        return strategy._merge_call(fn, args, kwargs)  # noqa: SLF001
    return fn(strategy, *args, **kwargs)


distribute = SimpleNamespace(
    interim=SimpleNamespace(maybe_merge_call=_maybe_merge_call),
    strategy_supports_no_merge_call=lambda: True,
)
