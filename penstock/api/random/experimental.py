"""`tf.random.experimental`."""

from penstock.api.random.arguments import Algorithm
from penstock.api.random.generator import (
    Generator,
    create_rng_state,
    get_global_generator,
    set_global_generator,
)
from penstock.api.random.stateless import fold_in as stateless_fold_in
from penstock.api.random.stateless import index_shuffle, stateless_shuffle
from penstock.api.random.stateless import split as stateless_split

__all__ = [
    "Algorithm",
    "Generator",
    "create_rng_state",
    "get_global_generator",
    "index_shuffle",
    "set_global_generator",
    "stateless_fold_in",
    "stateless_shuffle",
    "stateless_split",
]
