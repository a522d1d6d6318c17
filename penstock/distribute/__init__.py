"""`tf.distribute`: strategies, and what code that knows of them asks."""

from penstock.distribute import cluster_resolver as cluster_resolver
from penstock.distribute import coordinator as coordinator
from penstock.distribute import experimental as experimental
from penstock.distribute.cross_device_ops import CrossDeviceOps as CrossDeviceOps
from penstock.distribute.cross_device_ops import (
    HierarchicalCopyAllReduce as HierarchicalCopyAllReduce,
)
from penstock.distribute.cross_device_ops import NcclAllReduce as NcclAllReduce
from penstock.distribute.cross_device_ops import ReductionToOneDevice as ReductionToOneDevice
from penstock.distribute.datasets import DistributedDataset as DistributedDataset
from penstock.distribute.datasets import (
    DistributedDatasetsFromFunction as DistributedDatasetsFromFunction,
)
from penstock.distribute.datasets import DistributedIterator as DistributedIterator
from penstock.distribute.extended import StrategyExtended as StrategyExtended
from penstock.distribute.options import InputOptions as InputOptions
from penstock.distribute.options import InputReplicationMode as InputReplicationMode
from penstock.distribute.options import RunOptions as RunOptions
from penstock.distribute.strategies import MirroredStrategy as MirroredStrategy
from penstock.distribute.strategies import (
    MultiWorkerMirroredStrategy as MultiWorkerMirroredStrategy,
)
from penstock.distribute.strategies import OneDeviceStrategy as OneDeviceStrategy
from penstock.distribute.strategies import ParameterServerStrategy as ParameterServerStrategy
from penstock.distribute.strategies import TPUStrategy as TPUStrategy
from penstock.distribute.strategy import ReplicaContext as ReplicaContext
from penstock.distribute.strategy import Strategy as Strategy
from penstock.distribute.strategy import experimental_set_strategy as experimental_set_strategy
from penstock.distribute.strategy import get_replica_context as get_replica_context
from penstock.distribute.strategy import get_strategy as get_strategy
from penstock.distribute.strategy import has_strategy as has_strategy
from penstock.distribute.strategy import in_cross_replica_context as in_cross_replica_context
from penstock.distribute.values import DistributedValues as DistributedValues
from penstock.distribute.values import InputContext as InputContext
from penstock.distribute.values import ReduceOp as ReduceOp

__all__ = [
    "CrossDeviceOps",
    "DistributedDataset",
    "DistributedDatasetsFromFunction",
    "DistributedIterator",
    "DistributedValues",
    "HierarchicalCopyAllReduce",
    "InputContext",
    "InputOptions",
    "InputReplicationMode",
    "MirroredStrategy",
    "MultiWorkerMirroredStrategy",
    "NcclAllReduce",
    "OneDeviceStrategy",
    "ParameterServerStrategy",
    "ReduceOp",
    "ReductionToOneDevice",
    "ReplicaContext",
    "RunOptions",
    "Strategy",
    "StrategyExtended",
    "TPUStrategy",
    "cluster_resolver",
    "coordinator",
    "experimental",
    "experimental_set_strategy",
    "get_replica_context",
    "get_strategy",
    "has_strategy",
    "in_cross_replica_context",
]
