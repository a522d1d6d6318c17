"""`tf.distribute.cluster_resolver`: which tasks a cluster has."""

from penstock.distribute.cluster_resolver.base import ClusterResolver
from penstock.distribute.cluster_resolver.managed import (
    ExecutableLocation as KubernetesExecutableLocation,
)
from penstock.distribute.cluster_resolver.managed import (
    GCEClusterResolver,
    KubernetesClusterResolver,
    SlurmClusterResolver,
    TPUClusterResolver,
)
from penstock.distribute.cluster_resolver.named import (
    SimpleClusterResolver,
    TFConfigClusterResolver,
    UnionResolver,
)

__all__ = [
    "ClusterResolver",
    "GCEClusterResolver",
    "KubernetesClusterResolver",
    "KubernetesExecutableLocation",
    "SimpleClusterResolver",
    "SlurmClusterResolver",
    "TFConfigClusterResolver",
    "TPUClusterResolver",
    "UnionResolver",
]
