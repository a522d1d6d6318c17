"""Names of element types on the wire, and their numpy dtypes."""

from typing import Any, Final

import ml_dtypes
import numpy as np

_OBJECT: Final = np.dtype(object)
_ODD: Final = {
    "DT_FLOAT": "float32",
    "DT_DOUBLE": "float64",
    "DT_HALF": "float16",
    "DT_BOOL": "bool",
}
_V2: Final[dict[str, np.dtype[Any]]] = {
    "BOOL": np.dtype(np.bool_),
    **{f"UINT{bits}": np.dtype(f"uint{bits}") for bits in (8, 16, 32, 64)},
    **{f"INT{bits}": np.dtype(f"int{bits}") for bits in (8, 16, 32, 64)},
    **{f"FP{bits}": np.dtype(f"float{bits}") for bits in (16, 32, 64)},
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "BYTES": _OBJECT,
}
_V2_NAMES: Final = {dtype: name for name, dtype in _V2.items()}


def from_tensorflow(name: str) -> np.dtype[Any] | None:
    """Return the dtype of a name such as "DT_FLOAT", `None` for one that is not known."""
    if name == "DT_STRING":
        return _OBJECT
    plain = _ODD.get(name, name.removeprefix("DT_").lower())
    if plain == "bfloat16":
        return _V2["BF16"]
    try:
        found = np.dtype(plain)
    except TypeError:
        return None
    return found if found.kind in "biufc" else None


def from_v2(name: str) -> np.dtype[Any] | None:
    """Return the dtype of a name such as "FP32", `None` for one that is not known."""
    return _V2.get(name)


def to_v2(dtype: np.dtype[Any]) -> str | None:
    """Return the name of a dtype, `None` when the Open Inference Protocol has none."""
    return _V2_NAMES.get(dtype)
