import numpy as np
import pytest

from penstock.core.dtypes import DType, as_dtype
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.wire import protos
from penstock.wire.tensors import (
    array_to_proto,
    make_dtype,
    make_ndarray,
    make_shape,
    make_shape_proto,
    make_tensor_proto,
)
from tests.wire.golden import assert_identical, expected_array, load_json

CASES = load_json("tensors.json")
WRITTEN = [case for case in CASES if case["written"]]


def name(case):
    return f"{case['dtype']}{case['shape']}"


@pytest.mark.parametrize("case", CASES, ids=name)
def test_tensorflows_messages_are_read(case):
    proto = protos.TensorProto.FromString(bytes.fromhex(case["proto"]))

    assert_identical(make_ndarray(proto), expected_array(case, case["dtype"]))


@pytest.mark.parametrize("case", WRITTEN, ids=name)
def test_arrays_become_tensorflows_messages(case):
    array = expected_array(case, case["dtype"])

    proto = array_to_proto(array, as_dtype(case["dtype"]))

    assert proto.SerializeToString(deterministic=True).hex() == case["proto"]


@pytest.mark.parametrize(
    "field", ["float_val", "double_val", "int64_val", "int_val", "bool_val"]
)
def test_long_lists_of_values_keep_every_value(field):
    dtype = {"float_val": 1, "double_val": 2, "int64_val": 9, "int_val": 3, "bool_val": 10}[
        field
    ]
    values = np.random.default_rng(0).normal(size=5000).astype(np.float32) * 1e4
    values = values.astype(DType(dtype).np)
    proto = protos.TensorProto(dtype=dtype, tensor_shape=make_shape_proto([50, 100]))
    getattr(proto, field).extend(values.tolist())

    assert_identical(make_ndarray(proto), values.reshape(50, 100))


def test_arrays_in_any_layout_are_written_in_row_order():
    array = np.arange(12, dtype=">f4").reshape(3, 4).T

    read = make_ndarray(array_to_proto(array))

    assert_identical(read, np.ascontiguousarray(array).astype(np.float32))


def test_a_read_only_array_may_share_one_value():
    proto = protos.TensorProto(dtype=1, tensor_shape=make_shape_proto([1000, 1000]))
    proto.float_val.append(2.5)

    shared, own = make_ndarray(proto, copy=False), make_ndarray(proto)
    own[0, 0] = 1

    assert shared.strides == (0, 0)
    assert shared[999, 999] == 2.5


@pytest.mark.parametrize(
    ("values", "dtype", "shape"),
    [
        (1, "int32", []),
        (2**40, "int64", []),
        ([1.5, 2], "float32", [2]),
        (True, "bool", []),
        ([True, 2], "int32", [2]),
        ("é", "string", []),
        (["a", b"b\x00"], "string", [2]),
        (1j, "complex128", []),
        (np.float64(1), "float64", []),
        ([], "float32", [0]),
        ([[]], "float32", [1, 0]),
        (np.array(["ab", "c"]), "string", [2]),
    ],
    ids=repr,
)
def test_python_values_take_tensorflows_dtypes(values, dtype, shape):
    proto = make_tensor_proto(values)

    assert make_dtype(proto.dtype).name == dtype
    assert make_shape(proto.tensor_shape).as_list() == shape
    assert make_ndarray(proto).size == np.prod(shape)


def test_zero_bytes_at_the_end_of_a_string_stay():
    assert make_ndarray(make_tensor_proto(["a\x00", b"b\x00"])).tolist() == [b"a\x00", b"b\x00"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"values": None}, ValueError),
        ({"values": [[1, 2], [3]]}, ValueError),
        ({"values": [1, "a"]}, TypeError),
        ({"values": ["a", 1]}, TypeError),
        ({"values": 2**70}, TypeError),
        ({"values": [1.5], "dtype": "int32"}, TypeError),
        ({"values": ["a"], "dtype": "int32"}, TypeError),
        ({"values": 1, "dtype": "bool"}, TypeError),
        ({"values": 1.5, "dtype": "string"}, TypeError),
        ({"values": [1, 2, 3], "shape": [2]}, ValueError),
        ({"values": [1, 2], "shape": [3], "verify_shape": True}, TypeError),
        ({"values": [1, 2], "shape": [2, 2], "allow_broadcast": True}, TypeError),
    ],
    ids=repr,
)
def test_values_that_do_not_fit_are_refused(arguments, error):
    with pytest.raises(error):
        make_tensor_proto(**arguments)


def test_the_last_value_stands_for_those_that_are_missing():
    proto = make_tensor_proto([1, 2], shape=[2, 2])

    assert list(proto.int_val) == [1, 2]
    assert make_ndarray(proto).tolist() == [[1, 2], [2, 2]]


def broken(**fields):
    sizes = fields.pop("sizes", [2])
    return protos.TensorProto(tensor_shape=make_shape_proto(sizes), **fields)


@pytest.mark.parametrize(
    "proto",
    [
        broken(dtype=1, tensor_content=b"1234567"),
        broken(dtype=1, sizes=[1 << 40], float_val=[1]),
        broken(dtype=1, sizes=[1 << 31, 1 << 31, 1 << 31], tensor_content=b"1234"),
        broken(dtype=1, sizes=[0, 1 << 62, 1 << 62]),
        broken(dtype=1, sizes=[None], float_val=[1]),
        broken(dtype=1, sizes=None, float_val=[1]),
        broken(dtype=1, sizes=[1] * 65, float_val=[1]),
        broken(dtype=0),
        broken(dtype=77),
        broken(dtype=20),
        broken(dtype=21),
        broken(dtype=7, tensor_content=b"\x05\x01abc"),
        broken(dtype=7, tensor_content=b"\x05"),
        broken(dtype=7, sizes=[1 << 40], tensor_content=b"\x05abc"),
    ],
    ids=lambda proto: str(proto)[:40],
)
def test_messages_that_do_not_fit_together_are_refused(proto):
    with pytest.raises(InvalidArgumentError):
        make_ndarray(proto)


@pytest.mark.parametrize("sizes", [None, [], [2, 3], [None, 3]], ids=repr)
def test_shapes_survive_their_message(sizes):
    shape = TensorShape(sizes)

    read = make_shape(make_shape_proto(shape))

    assert read.rank == shape.rank
    assert sizes is None or read.as_list() == sizes


def test_negative_sizes_are_refused():
    with pytest.raises(InvalidArgumentError, match="-2"):
        make_shape(protos.TensorShapeProto(dim=[{"size": -2}]))


@pytest.mark.parametrize(
    ("dtype", "field"),
    [
        ("float32", "float_val"),
        ("float64", "double_val"),
        ("int32", "int_val"),
        ("int8", "int_val"),
        ("int64", "int64_val"),
        ("uint64", "uint64_val"),
        ("float16", "half_val"),
        ("bool", "bool_val"),
    ],
)
def test_numbers_go_into_the_field_of_their_type_when_no_content_is_wanted(dtype, field):
    array = np.array([[1, 0, 1], [1, 1, 0]]).astype(dtype)

    message = array_to_proto(array, as_content=False)

    assert message.tensor_content == b""
    assert len(getattr(message, field)) == 6
    np.testing.assert_array_equal(make_ndarray(message), array)
