"""Tensors as plain bytes and as npy files. Expected: NumPy's own reader and writer."""

import io

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.errors import InvalidArgumentError
from penstock.serving.protocols.raw_tensor import NPY, OCTETS, decode, encode
from penstock.serving.servable import SignatureSpec
from tests.serving.fakes import tensor


def signature(info=None, **more):
    return SignatureSpec({"x": info or tensor("float32", None, 2), **more}, {})


def npy(array):
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8", "bool"])
def test_plain_bytes_and_npy_files_mean_the_same(dtype):
    array = np.array([[0, 1], [1, 0], [1, 1]], dtype)
    wanted = signature(tensor(dtype, None, 2))

    for body, kind in ((array.tobytes(), OCTETS), (npy(array), NPY)):
        got = decode(body, kind, wanted)["x"]

        assert got.dtype == array.dtype
        np.testing.assert_array_equal(got, array)


def test_types_that_npy_has_no_name_for_come_as_their_bytes():
    array = np.array([[1.5, -2.0]], ml_dtypes.bfloat16)
    wanted = signature(tensor("bfloat16", None, 2))

    for body, kind in ((array.tobytes(), OCTETS), (npy(array), NPY)):
        np.testing.assert_array_equal(decode(body, kind, wanted)["x"], array)


def test_npy_files_may_be_in_fortran_order_and_in_the_other_byte_order():
    array = np.asfortranarray(np.arange(6, dtype=">f4").reshape(3, 2))

    got = decode(npy(array), NPY, signature())["x"]

    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, array)


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        (b"", OCTETS, "a multiple of 8 bytes, got 0"),
        (bytes(9), OCTETS, "a multiple of 8 bytes, got 9"),
        (b"", NPY, "no npy file"),
        (b"\x93NUMPY\x01\x00\xff\xff{", NPY, "no npy file"),
        (b"\x93NUMPY\x09\x00", NPY, "no npy file"),
        (npy(np.zeros((2, 2), np.float32))[:-1], NPY, "4 plain elements, got 15 bytes"),
        (npy(np.zeros((2, 2), np.float32)) + b"x", NPY, "4 plain elements, got 17 bytes"),
        (npy(np.array([["a", 1]], object)), NPY, "plain elements"),
        (npy(np.zeros((1, 2), np.int32)), NPY, "must be float32"),
        (npy(np.zeros((1, 2), np.complex64)), NPY, "must be float32"),
    ],
)
def test_bodies_of_wrong_lengths_and_kinds_are_refused(body, kind, text):
    with pytest.raises(InvalidArgumentError, match=text):
        decode(body, kind, signature())


def test_a_shape_larger_than_memory_is_refused_before_anything_is_allocated():
    file = io.BytesIO()
    header = {"descr": "<f4", "fortran_order": False, "shape": (1 << 50, 2)}
    np.lib.format.write_array_header_1_0(file, header)

    with pytest.raises(InvalidArgumentError, match="got 0 bytes"):
        decode(file.getvalue(), NPY, signature())


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (signature(z=tensor("float32", None)), "the inputs x,z"),
        (signature(tensor("string", None)), "of type string"),
        (signature(tensor("float32", None, None)), "cannot tell"),
    ],
)
def test_signatures_that_plain_bytes_cannot_feed_are_named(wanted, text):
    with pytest.raises(InvalidArgumentError, match=text):
        decode(bytes(8), OCTETS, wanted)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_tensor_or_an_error(body):
    for start in (b"", b"\x93NUMPY", npy(np.zeros((1, 2), np.float32))[:100]):
        for kind in (OCTETS, NPY):
            try:
                got = decode(start + body, kind, signature())["x"]
            except InvalidArgumentError:
                continue
            assert got.dtype == np.float32


def test_answers_are_read_back_as_they_were():
    value = np.arange(6, dtype=np.float32).reshape(2, 3)

    octets, headers = encode({"y": value}, OCTETS)
    file, _ = encode({"y": value[:, ::2]}, NPY)

    assert dict(headers) == {"X-Tensor-Type": "float32", "X-Tensor-Shape": "2,3"}
    np.testing.assert_array_equal(np.frombuffer(octets, np.float32).reshape(2, 3), value)
    np.testing.assert_array_equal(np.load(io.BytesIO(file)), value[:, ::2])


@pytest.mark.parametrize(
    ("outputs", "text"),
    [
        ({"a": np.zeros(1), "b": np.zeros(1)}, "the outputs a,b"),
        ({"a": np.array([b"x"], object)}, "made of strings"),
    ],
)
def test_answers_without_a_plain_form_are_refused(outputs, text):
    with pytest.raises(InvalidArgumentError, match=text):
        encode(outputs, OCTETS)
