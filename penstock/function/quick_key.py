"""The key of a call whose arguments are plain: containers of arrays, tensors and constants.

Most calls are of this kind, and for small functions describing the arguments in full takes
longer than computing; whatever is not plain is left to `trace_type`.
"""

from typing import Any

import numpy as np

from penstock.runtime.tensor import EagerTensor, wrap

_NUMERIC_KINDS = "fiubc"


def quick_key(structure: Any, key: list[Any], tensors: list[EagerTensor]) -> bool:
    """Describe arguments, and collect their tensors in the order of `nest.flatten`.

    Args:
        structure: the arguments.
        key: gets what tells the structure from others.
        tensors: gets the tensors; arrays are copied, for callers may change theirs.

    Returns:
        Whether everything was plain; if not, what was appended is of no use.
    """
    kind = type(structure)
    if kind is EagerTensor:
        value = structure._value
        if not hasattr(value, "shape"):
            return False
        key += (structure.dtype, value.shape)
        tensors.append(structure)
        return True
    if kind is np.ndarray:
        dtype = structure.dtype
        if dtype.kind not in _NUMERIC_KINDS or not dtype.isnative:
            return False
        key += (dtype, structure.shape)
        tensors.append(wrap(structure.copy()))
        return True
    if kind is tuple or kind is list:
        key += (kind, len(structure))
        return all([quick_key(item, key, tensors) for item in structure])  # noqa: C419
    if kind is dict:
        try:
            names = sorted(structure)
        except TypeError:
            return False
        key += (kind, *names, len(names))
        return all([quick_key(structure[name], key, tensors) for name in names])  # noqa: C419
    if structure is None or kind is bool or kind is str:
        key += (kind, structure)
        return True
    # Numbers among others: floats that vary become tensors, which takes a longer look.
    return False
