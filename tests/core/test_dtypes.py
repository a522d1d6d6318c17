"""Element types. Expected values: TensorFlow 2.21."""

import copy
import pickle
import re

import ml_dtypes
import numpy as np
import pytest

from penstock.core import dtypes
from penstock.core.dtypes import DType, as_dtype, dtype_of_numpy


# number, name, numpy dtype, size, marks: f floating, i integer, u unsigned, c complex,
# q quantized, b bool, n numeric
def _label(value):
    """A name for a case that is the same in every process."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


TABLE = [
    (1, "float32", "float32", 4, "fn"),
    (2, "float64", "float64", 8, "fn"),
    (3, "int32", "int32", 4, "in"),
    (4, "uint8", "uint8", 1, "iun"),
    (5, "int16", "int16", 2, "in"),
    (6, "int8", "int8", 1, "in"),
    (7, "string", "object", 0, ""),
    (8, "complex64", "complex64", 8, "cn"),
    (9, "int64", "int64", 8, "in"),
    (10, "bool", "bool", 1, "b"),
    (11, "qint8", [("qint8", "i1")], 1, "qn"),
    (12, "quint8", [("quint8", "u1")], 1, "qn"),
    (13, "qint32", [("qint32", "<i4")], 4, "qn"),
    (14, "bfloat16", ml_dtypes.bfloat16, 2, "fn"),
    (15, "qint16", [("qint16", "<i2")], 2, "qn"),
    (16, "quint16", [("quint16", "<u2")], 2, "qn"),
    (17, "uint16", "uint16", 2, "iun"),
    (18, "complex128", "complex128", 16, "cn"),
    (19, "float16", "float16", 2, "fn"),
    (20, "resource", "object", 0, ""),
    (21, "variant", "object", 0, ""),
    (22, "uint32", "uint32", 4, "iun"),
    (23, "uint64", "uint64", 8, "iun"),
    (24, "float8_e5m2", ml_dtypes.float8_e5m2, 1, "f"),
    (25, "float8_e4m3fn", ml_dtypes.float8_e4m3fn, 1, "f"),
    (26, "float8_e4m3fnuz", ml_dtypes.float8_e4m3fnuz, 1, "f"),
    (27, "float8_e4m3b11fnuz", ml_dtypes.float8_e4m3b11fnuz, 1, "f"),
    (28, "float8_e5m2fnuz", ml_dtypes.float8_e5m2fnuz, 1, "f"),
    (29, "int4", ml_dtypes.int4, 1, "i"),
    (30, "uint4", ml_dtypes.uint4, 1, "iu"),
    (31, "int2", ml_dtypes.int2, 1, "i"),
    (32, "uint2", ml_dtypes.uint2, 1, "iu"),
    (33, "float4_e2m1fn", ml_dtypes.float4_e2m1fn, 1, "f"),
]
each_row = pytest.mark.parametrize("row", TABLE, ids=[row[1] for row in TABLE])


@each_row
def test_every_type_has_tensorflows_number_name_and_marks(row):
    number, name, numpy_dtype, size, marks = row
    dtype = getattr(dtypes, name)

    assert dtype.as_datatype_enum == number
    assert dtype.name == name
    assert dtype.np == np.dtype(numpy_dtype)
    assert dtype.size == size
    found = {
        "f": dtype.is_floating,
        "i": dtype.is_integer,
        "u": dtype.is_unsigned,
        "c": dtype.is_complex,
        "q": dtype.is_quantized,
        "b": dtype.is_bool,
        "n": dtype.is_numeric,
    }
    assert {mark for mark, holds in found.items() if holds} == set(marks)


@each_row
def test_name_number_and_numpy_dtype_lead_to_the_same_object(row):
    number, name, numpy_dtype, _, _ = row
    dtype = getattr(dtypes, name)

    assert as_dtype(name) is dtype
    assert as_dtype(number) is dtype
    assert DType(number) is dtype
    if name not in ("resource", "variant"):
        assert as_dtype(np.dtype(numpy_dtype)) is dtype
        assert dtype_of_numpy(np.dtype(numpy_dtype)) is dtype


@each_row
def test_copies_and_unpickled_types_are_the_same_object(row):
    dtype = getattr(dtypes, row[1])

    assert copy.copy(dtype) is dtype
    assert copy.deepcopy([dtype])[0] is dtype
    assert pickle.loads(pickle.dumps(dtype)) is dtype  # noqa: S301  (our own bytes)


@each_row
def test_a_reference_type_stands_a_hundred_above_its_base(row):
    number, name, *_ = row
    base = getattr(dtypes, name)
    reference = as_dtype(number + 100)

    assert reference.name == f"{name}_ref"
    assert reference.base_dtype is base
    assert base._as_ref is reference
    assert reference != base
    assert base.is_compatible_with(reference)
    assert not reference.is_compatible_with(base)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float, "float32"),
        (bool, "bool"),
        (object, "string"),
        ("float", "float32"),
        ("half", "float16"),
        ("double", "float64"),
        ("half_ref", "float16_ref"),
        (np.float32, "float32"),
        (np.str_, "string"),
        (np.bytes_, "string"),
        (np.longlong, "int64"),
        (np.uintc, "uint32"),
        (np.dtype("S3"), "string"),
        (np.dtype("U3"), "string"),
        (np.dtype("O"), "string"),
        (np.dtype(">f4"), "float32"),
        (np.float32(1), "float32"),
        (np.zeros(1, np.int8), "int8"),
        (ml_dtypes.bfloat16, "bfloat16"),
        (True, "float32"),
    ],
    ids=_label,
)
def test_as_dtype_takes_what_tensorflow_takes(value, expected):
    assert as_dtype(value).name == expected


@pytest.mark.parametrize(
    "value",
    [
        *(int, str, complex, bytes, None, "f4", "int", "<f4", "long", 999, 0, 3.5, list),
        *(np.void, np.datetime64, np.dtype("V1"), np.dtype([("a", np.int32)]), object(), []),
    ],
    ids=_label,
)
def test_as_dtype_refuses_what_tensorflow_refuses(value):
    with pytest.raises(TypeError, match="Cannot convert the argument `type_value`"):
        as_dtype(value)


def test_equality_accepts_whatever_as_dtype_accepts():
    assert dtypes.float32 == "float32"
    assert dtypes.float32 == np.float32
    assert dtypes.float32 == np.dtype("f4")
    assert dtypes.float32 == 1
    assert dtypes.float32 != "no type"
    assert dtypes.float32 != "float64"
    assert dtypes.float32 is not None
    assert dtypes.float32 != dtypes.float64


def test_a_type_shows_itself_as_in_tensorflow():
    assert repr(dtypes.float32) == "tf.float32"
    assert str(dtypes.string) == "<dtype: 'string'>"
    assert f"{dtypes.float32}" == "<dtype: 'float32'>"


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("float32", -3.4028234663852886e38, 3.4028234663852886e38),
        ("float64", -1.7976931348623157e308, 1.7976931348623157e308),
        ("float16", -65504.0, 65504.0),
        ("bfloat16", -3.3895313892515355e38, 3.3895313892515355e38),
        ("float8_e5m2", -57344, 57344),
        ("float8_e4m3fn", -448, 448),
        ("float8_e4m3b11fnuz", -30, 30),
        ("float4_e2m1fn", -6, 6),
        ("int4", -8, 7),
        ("uint2", 0, 3),
        ("int8", -128, 127),
        ("uint8", 0, 255),
        ("int64", -(2**63), 2**63 - 1),
        ("uint64", 0, 2**64 - 1),
    ],
)
def test_bounds_are_the_finite_extremes(name, low, high):
    dtype = as_dtype(name)

    assert float(dtype.min) == float(low)
    assert float(dtype.max) == float(high)


@pytest.mark.parametrize("name", ["bool", "string", "complex64", "qint8", "resource"])
def test_types_without_order_have_no_bounds(name):
    with pytest.raises(TypeError, match="Cannot find minimum value"):
        _ = as_dtype(name).min
    with pytest.raises(TypeError, match="Cannot find maximum value"):
        _ = as_dtype(name).max


def test_limits_are_the_range_of_image_intensities():
    assert dtypes.float32.limits == (0, 1)
    assert dtypes.uint8.limits == (0, 255)
    assert dtypes.int16.limits == (0, 32767)
    assert dtypes.bool.limits == (0, True)
    with pytest.raises(ValueError, match="does not have defined limits"):
        _ = dtypes.bfloat16.limits


def test_the_real_type_of_a_complex_type_has_half_its_size():
    assert dtypes.complex64.real_dtype is dtypes.float32
    assert dtypes.complex128.real_dtype is dtypes.float64
    assert dtypes.int8.real_dtype is dtypes.int8
    assert as_dtype("complex64_ref").real_dtype is dtypes.float32


def test_handles_have_no_numpy_type():
    with pytest.raises(KeyError):
        _ = dtypes.resource.as_numpy_dtype
    assert not dtypes.variant.is_numpy_compatible
    assert dtypes.string.as_numpy_dtype is object
    assert dtypes.float32.as_numpy_dtype is np.float32


def test_an_array_of_a_foreign_type_is_refused():
    with pytest.raises(TypeError, match="datetime64"):
        dtype_of_numpy(np.dtype("datetime64[s]"))
    assert dtype_of_numpy(np.dtype("U7")) is dtypes.string
    assert dtype_of_numpy(np.dtype(">i8")) is dtypes.int64


def test_types_merge_only_with_themselves():
    assert dtypes.int8.most_specific_common_supertype([dtypes.int8]) is dtypes.int8
    assert dtypes.int8.most_specific_common_supertype([dtypes.int16]) is None
    assert dtypes.int8.is_subtype_of(dtypes.int8)
    assert not dtypes.int8.is_subtype_of(dtypes.int16)
