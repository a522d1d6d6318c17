"""`tf.train`: checkpoints and the messages of examples."""

from typing import Any

from penstock.train import experimental as experimental
from penstock.train.checkpoint import Checkpoint as Checkpoint
from penstock.train.checkpoint import CheckpointOptions as CheckpointOptions
from penstock.train.checkpoint_manager import CheckpointManager as CheckpointManager
from penstock.train.checkpoint_state import get_checkpoint_state as get_checkpoint_state
from penstock.train.checkpoint_state import latest_checkpoint as latest_checkpoint
from penstock.train.checkpoint_view import CheckpointView as CheckpointView
from penstock.train.cluster_spec import ClusterSpec as ClusterSpec
from penstock.train.coordinator import Coordinator as Coordinator
from penstock.train.moving_average import ExponentialMovingAverage as ExponentialMovingAverage
from penstock.train.polling import checkpoints_iterator as checkpoints_iterator
from penstock.train.reader import list_variables as list_variables
from penstock.train.reader import load_checkpoint as load_checkpoint
from penstock.train.reader import load_variable as load_variable
from penstock.train.trackable_view import TrackableView as TrackableView
from penstock.wire import protos

# Messages, whose classes are made when they are first named.
_MESSAGES = (
    "BytesList",
    "ClusterDef",
    "Example",
    "Feature",
    "FeatureList",
    "FeatureLists",
    "Features",
    "FloatList",
    "Int64List",
    "JobDef",
    "SequenceExample",
    "ServerDef",
)


def __getattr__(name: str) -> Any:
    if name in _MESSAGES:
        value = globals()[name] = getattr(protos, name)
        return value
    raise AttributeError(f"module 'penstock.train' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_MESSAGES})
