"""`tf.distribute.experimental`: older homes of strategies, and what goes with them."""

from types import SimpleNamespace

from penstock.distribute import coordinator as _coordinator
from penstock.distribute import partitioners, rpc
from penstock.distribute.options import (
    CollectiveCommunication,
    CollectiveHints,
    CommunicationImplementation,
    CommunicationOptions,
)
from penstock.distribute.strategies import (
    CentralStorageStrategy,
    ParameterServerStrategy,
)
from penstock.distribute.strategies import (
    OldMultiWorkerMirroredStrategy as MultiWorkerMirroredStrategy,
)
from penstock.distribute.strategies import OldTPUStrategy as TPUStrategy
from penstock.distribute.values import ValueContext

coordinator = SimpleNamespace(
    ClusterCoordinator=_coordinator.ClusterCoordinator,
    PerWorkerValues=_coordinator.PerWorkerValue,
    RemoteValue=_coordinator.RemoteValue,
)

__all__ = [
    "CentralStorageStrategy",
    "CollectiveCommunication",
    "CollectiveHints",
    "CommunicationImplementation",
    "CommunicationOptions",
    "MultiWorkerMirroredStrategy",
    "ParameterServerStrategy",
    "TPUStrategy",
    "ValueContext",
    "coordinator",
    "partitioners",
    "rpc",
]
