"""`tf.data.experimental`: names that came before those of `Dataset`, and some of their own."""

from penstock.api.data_optional import Optional
from penstock.data.dataset.settings import assert_cardinality
from penstock.data.options import (
    AutoShardPolicy,
    AutotuneAlgorithm,
    AutotuneOptions,
    DistributeOptions,
    ExternalStatePolicy,
    OptimizationOptions,
    ServiceOptions,
    ThreadingOptions,
)
from penstock.data.run import AUTOTUNE
from penstock.data.run import INFINITE as INFINITE_CARDINALITY
from penstock.data.run import UNKNOWN as UNKNOWN_CARDINALITY

__all__ = [
    "AUTOTUNE",
    "INFINITE_CARDINALITY",
    "UNKNOWN_CARDINALITY",
    "AutoShardPolicy",
    "AutotuneAlgorithm",
    "AutotuneOptions",
    "DistributeOptions",
    "ExternalStatePolicy",
    "OptimizationOptions",
    "Optional",
    "ServiceOptions",
    "ThreadingOptions",
    "assert_cardinality",
]
