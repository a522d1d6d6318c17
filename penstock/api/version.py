"""`tf.version`: which of TensorFlow's releases is answered."""

from typing import Final

# The release whose API and file formats are followed; `penstock.__version__` is penstock's own.
VERSION: Final = "2.21.0"
GIT_VERSION: Final = "penstock"
COMPILER_VERSION: Final = "XLA"

# Versions of the graph format that are written, and that may be read.
GRAPH_DEF_VERSION: Final = 2474
GRAPH_DEF_VERSION_MIN_CONSUMER: Final = 0
GRAPH_DEF_VERSION_MIN_PRODUCER: Final = 0

__all__ = [
    "COMPILER_VERSION",
    "GIT_VERSION",
    "GRAPH_DEF_VERSION",
    "GRAPH_DEF_VERSION_MIN_CONSUMER",
    "GRAPH_DEF_VERSION_MIN_PRODUCER",
    "VERSION",
]
