"""Shapes, dtypes and arrays that show where implementations differ."""

import ml_dtypes
import numpy as np
from hypothesis import strategies as st

FLOATS = ("float32", "float64", "float16", "bfloat16")
SIGNED = ("int8", "int16", "int32", "int64")
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
INTEGERS = SIGNED + UNSIGNED
COMPLEX = ("complex64", "complex128")
REALS = FLOATS + INTEGERS
NUMBERS = REALS + COMPLEX
ANY = (*NUMBERS, "bool")
INDICES = ("int32", "int64")

_SPECIAL_FLOATS = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 1e30, -1e-30]


def dtype_of(name):
    """The numpy dtype of a name."""
    return np.dtype(ml_dtypes.bfloat16) if name == "bfloat16" else np.dtype(name)


def shapes(low=0, high=3, largest=4):
    """Shapes of `low` to `high` axes; sizes 0 and 1 are common."""
    sizes = st.one_of(st.integers(0, 1), st.integers(2, largest))
    return st.lists(sizes, min_size=low, max_size=high).map(tuple)


def solid(low=0, high=3, largest=4):
    """Shapes without empty axes."""
    return st.lists(st.integers(1, largest), min_size=low, max_size=high).map(tuple)


def filled(shape, dtype, seed, *, special=False, low=-3.0, high=3.0):
    """An array of numbers that `seed` decides, with special values among them if asked."""
    rng = np.random.default_rng(seed)
    kind = dtype_of(dtype)
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype in INTEGERS:
        limits = np.iinfo(kind)
        least = max(int(low), limits.min)
        values = rng.integers(least, int(high) + 1, shape).astype(kind)
        if special and values.size:
            picks = np.array([limits.min, limits.max, 0, 1], kind)
            values = np.where(rng.random(shape) < 0.4, rng.choice(picks, shape), values)
        return np.asarray(values, kind)
    values = rng.uniform(low, high, shape)
    if dtype in COMPLEX:
        return np.asarray(values + 1j * rng.uniform(low, high, shape), kind)
    if special and values.size:
        values = np.where(rng.random(shape) < 0.4, rng.choice(_SPECIAL_FLOATS, shape), values)
    with np.errstate(over="ignore"):  # 1e30 is infinite in half precision
        return np.asarray(values).astype(kind)


SEEDS = st.integers(0, 2**16)


@st.composite
def arrays(draw, dtypes=FLOATS, *, shape=None, special=True, low=-3.0, high=3.0):
    """One array."""
    where = draw(shapes() if shape is None else shape)
    return filled(
        where,
        draw(st.sampled_from(dtypes)),
        draw(SEEDS),
        special=special and draw(st.booleans()),
        low=low,
        high=high,
    )


@st.composite
def broadcasting(draw, *, dtypes=NUMBERS, special=True, low=-3.0, high=3.0):
    """Two arrays of one dtype whose shapes broadcast together; now and then they do not."""
    whole = draw(shapes())
    dtype = draw(st.sampled_from(dtypes))
    wild = special and draw(st.booleans())
    made = []
    for _ in range(2):
        shape = [1 if draw(st.integers(0, 3)) == 0 else size for size in whole]
        shape = shape[draw(st.integers(0, len(shape))) :] if draw(st.booleans()) else shape
        if draw(st.integers(0, 15)) == 0:
            shape = [size + 1 for size in shape]
        made.append(filled(tuple(shape), dtype, draw(SEEDS), special=wild, low=low, high=high))
    return made
