"""Tensors as JSON. Expected values: numpy, Python's json, and the texts of TF Serving."""

import json
import math

import ml_dtypes
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError, OpError, UnimplementedError
from penstock.serving.protocols import rest
from penstock.serving.protocols.json_tensor import (
    decode,
    decode_rows,
    encode_columns,
    encode_rows,
)
from penstock.serving.protocols.json_text import parse
from penstock.serving.protocols.rest import RequestReader
from penstock.serving.servable import SignatureSpec
from tests.serving.fakes import tensor


@pytest.mark.parametrize(
    ("value", "dtype", "expected"),
    [
        (3, "float32", np.float32(3)),
        (0.1, "float32", np.float32(0.1)),
        ([1, 2.5], "float64", np.array([1, 2.5])),
        ([[1], [2]], "int32", np.array([[1], [2]], np.int32)),
        ([-128, 127], "int8", np.array([-128, 127], np.int8)),
        ([0, 255], "uint8", np.array([0, 255], np.uint8)),
        ([2**63 - 1, -(2**63)], "int64", np.array([2**63 - 1, -(2**63)])),
        ([2**64 - 1], "uint64", np.array([2**64 - 1], np.uint64)),
        ([0, 65535], "uint16", np.array([0, 65535], np.uint16)),
        ([[True, False]], "bool", np.array([[True, False]])),
        ([1.5, 2], "float16", np.array([1.5, 2], np.float16)),
        ([1.5, 2], "bfloat16", np.array([1.5, 2], ml_dtypes.bfloat16)),
        ("café", "string", np.array("café".encode(), object)),
        ([{"b64": "AAE="}, "x"], "string", np.array([b"\0\1", b"x"], object)),
        ([{"b64": "AAE"}, {"b64": " A A E = "}], "string", np.array([b"\0\1"] * 2, object)),
        ([], "float32", np.zeros(0, np.float32)),
        ([[], []], "int32", np.zeros((2, 0), np.int32)),
        # TF Serving rounds whole numbers too, since its version 2.5.
        ([2**24 + 1, -(2**31) - 1], "float32", np.array([2**24, -(2.0**31)], np.float32)),
        ([2**53 + 1, 2**64 - 1], "float64", np.array([2.0**53, 2.0**64])),
        ([1e300, -1e300], "float64", np.array([1e300, -1e300])),
        ([1e30, -1e30], "float32", np.array([1e30, -1e30], np.float32)),
        ([2.0**24], "float32", np.array([2.0**24], np.float32)),
        ([float("nan"), float("-inf")], "float32", np.array([np.nan, -np.inf], np.float32)),
    ],
)
def test_values_become_tensors(value, dtype, expected):
    got = decode(value, dtypes.as_dtype(dtype))

    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(got, expected)
    assert got.shape == expected.shape


@pytest.mark.parametrize(
    ("value", "dtype", "text"),
    [
        ("x", "float32", 'JSON Value: "x" Type: String is not of expected type: float'),
        (None, "float32", "JSON Value: null Type: Null is not of expected type: float"),
        (True, "float32", "JSON Value: true Type: True is not of expected type: float"),
        (
            {"a": 1},
            "float32",
            'JSON Value: {"a": 1} Type: Object is not of expected type: float',
        ),
        (1.5, "int32", "JSON Value: 1.5 Type: Number is not of expected type: int32"),
        (1.0, "int64", "JSON Value: 1.0 Type: Number is not of expected type: int64"),
        (2**31, "int32", "Type: Number is not of expected type: int32"),
        (300, "int8", "Type: Number is not of expected type: int8"),
        (-1, "uint8", "Type: Number is not of expected type: uint8"),
        (-1, "uint64", "Type: Number is not of expected type: uint64"),
        (2**63, "int64", "Type: Number is not of expected type: int64"),
        (1, "bool", "JSON Value: 1 Type: Number is not of expected type: bool"),
        (False, "int32", "JSON Value: false Type: False is not of expected type: int32"),
        (5, "string", "JSON Value: 5 Type: Number is not of expected type: string"),
        (
            1e39,
            "float32",
            "Cannot convert JSON value: 1e+39 to float without loss of precision",
        ),
        (1e300, "float32", "to float without loss of precision"),
        (70000.5, "float16", "to half without loss of precision"),
        ([[1], 2], "int32", "JSON Value: 2 found at incorrect level: 2 in the JSON DOM"),
        ([1, [2]], "int32", "Encountered list at unexpected level: 1 expected < 1"),
        ([[1, 2], [3]], "int32", "Encountered list at unexpected size: 1 at level: 1"),
        ([[], [1]], "int32", "Encountered list at unexpected size: 1 at level: 1"),
        ([{"b64": "@@"}], "string", "Unable to base64 decode"),
        ([{"b64": "A"}], "string", "Unable to base64 decode"),
        ([{"b64": "AA", "x": 1}], "string", "not formatted correctly for base64 data"),
        ([{"b64": 3}], "string", "not formatted correctly for base64 data"),
        ("\ud800", "string", "surrogate pair in string is invalid"),
    ],
)
def test_values_that_do_not_fit_are_refused(value, dtype, text):
    with pytest.raises(InvalidArgumentError) as caught:
        decode(value, dtypes.as_dtype(dtype))

    assert text in caught.value.message


def test_lists_nested_beyond_any_tensor_are_refused():
    value = 1
    for _ in range(255):
        value = [value]

    with pytest.raises(InvalidArgumentError, match="at most 254 dimensions"):
        decode(value, dtypes.int32)


@pytest.mark.parametrize("dtype", [dtypes.complex64, dtypes.resource, None])
def test_types_without_a_json_form_are_not_supported(dtype):
    with pytest.raises(UnimplementedError, match="Conversion of JSON Value: 1 to type"):
        decode(1, dtype)


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (
            [[1.0, 2.0], [3.0]],
            "element: 1 of 'instances' list. Error: INVALID_ARGUMENT: Expect",
        ),
        ([[1.0, 2.0], [3.0]], "Expecting tensor size: 2 but got: 1"),
        ([[[1.0, 2.0]], [[1.0], [2.0]]], "Expecting shape [1,2] but got: [2,1]"),
        ([[1.0], ["x"]], "element: 1 of 'instances' list. Error: INVALID_ARGUMENT: JSON Value"),
        ([1.0, [1.0]], "Expecting shape [] but got: [1]"),
    ],
)
def test_rows_that_differ_are_refused(rows, text):
    with pytest.raises(InvalidArgumentError) as caught:
        decode_rows(rows, dtypes.float32)

    assert text in caught.value.message


def test_a_huge_value_is_not_repeated_in_the_message():
    with pytest.raises(InvalidArgumentError) as caught:
        decode([{"k": "x" * 10_000_000}], dtypes.int32)

    assert len(caught.value.message) < 300


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "The document is empty"),
        (b"{", "JSON Parse error: "),
        (b"instances = [1]", "at offset: 0"),
        (b'{"a": 1e400}', "too big to be stored in double"),
        (b'{"a": "\xff"}', "JSON Parse error: "),
        (b"[" * 100_000 + b"]" * 100_000, "JSON Parse error: "),
        (b'{"a": ' + b"9" * 5000 + b"}", "JSON Parse error: "),
    ],
)
def test_what_is_not_json_is_refused_in_one_line(body, text):
    with pytest.raises(InvalidArgumentError) as caught:
        parse(body)

    assert text in caught.value.message
    assert "\n" not in caught.value.message


def test_the_tokens_of_javascript_are_numbers():
    got = parse(b'[NaN, Infinity, -Infinity, 1, -1.5, 99999999999999999999, "NaN"]')

    assert got[0] != got[0]
    assert got[1:] == [float("inf"), float("-inf"), 1, -1.5, 1e20, "NaN"]


def test_infinity_may_be_cut_short_and_nan_may_have_a_sign():
    body = b'{"Inf": [Inf, -Inf, -NaN, NaN], "s": ["Inf", "a\\"-Inf", "\\\\", "-NaN"]}'

    got = parse(body)

    assert got["Inf"][:2] == [float("inf"), float("-inf")]
    assert all(map(math.isnan, got["Inf"][2:]))
    assert got["s"] == ["Inf", 'a"-Inf', "\\", "-NaN"]


@pytest.mark.parametrize("token", [b"Info", b"inf", b"+Inf", b"--Inf", b"InfInf", b"nan"])
def test_other_words_are_no_numbers(token):
    with pytest.raises(InvalidArgumentError, match="JSON Parse error: "):
        parse(b"[" + token + b"]")


def test_strings_that_are_not_utf8_go_through_as_they_are():
    spec = SignatureSpec({"x": tensor("string", None)}, {})
    request = RequestReader().predict(
        b'{"instances": ["\xff\xc3", "\xc3\xa9"]}', lambda _: spec
    )

    assert request.inputs["x"].tolist() == [b"\xff\xc3", b"\xc3\xa9"]
    assert encode_rows({"y": request.inputs["x"], "z": np.array([1, np.nan])}) == (
        b'{"predictions":[{"y":"\xff\xc3","z":1.0},{"y":"\xc3\xa9","z":NaN}]}'
    )
    assert (
        encode_columns({"y": np.array([b'"\xff\n'], object)}) == b'{"outputs":["\\"\xff\\n"]}'
    )


def test_what_is_wrong_with_text_that_is_not_utf8_is_told_in_utf8():
    spec = SignatureSpec({"x": tensor("int32", None)}, {})
    for body in (
        b'{"instances": ["\xff"]}',
        b'{"instances": [{"\xff": 1}]}',
        b'{"signature_name": 3, "a": "\xff"}',
    ):
        with pytest.raises(InvalidArgumentError) as caught:
            rest.decode_predict(body, lambda _: spec)
        assert "\ufffd" in caught.value.message.encode().decode()


@pytest.mark.parametrize("body", [b'["\\udc80"]', b'["\\ud800x"]', b'["\xff\\udc80"]'])
def test_half_of_a_surrogate_pair_is_no_text(body):
    with pytest.raises(InvalidArgumentError, match="surrogate pair in string is invalid"):
        parse(body, with_raw_bytes=True)


def test_a_byte_order_mark_is_passed_over():
    assert parse(b"\xef\xbb\xbf[1]") == [1]


@pytest.mark.parametrize(
    ("outputs", "rows", "columns"),
    [
        ({"y": np.array([[1, 2.5]], np.float32)}, [[1.0, 2.5]], [[1.0, 2.5]]),
        ({"y": np.array([0.1, 3e-5], np.float32)}, [0.1, 3e-5], [0.1, 3e-5]),
        ({"y": np.array([True, False])}, [True, False], [True, False]),
        ({"y": np.array([b"a", b"\xc3\xa9"], object)}, ["a", "é"], ["a", "é"]),
        ({"y_bytes": np.array([b"\0\xff"], object)}, [{"b64": "AP8="}], [{"b64": "AP8="}]),
        ({"y": np.array([1.5], ml_dtypes.bfloat16)}, [1.5], [1.5]),
        ({"y": np.array([1.5], np.float16)}, [1.5], [1.5]),
        ({"y": np.array([7, -8], ml_dtypes.int4)}, [7, -8], [7, -8]),
        ({"y": np.zeros((2, 0))}, [[], []], [[], []]),
        (
            {"a": np.array([1, 2], np.int8), "b": np.array([[0.5], [1]])},
            [{"a": 1, "b": [0.5]}, {"a": 2, "b": [1.0]}],
            {"a": [1, 2], "b": [[0.5], [1.0]]},
        ),
        (
            {"a": np.asfortranarray([[1, 2], [3, 4]]), "s": np.array([[b"x"], [b"y"]], object)},
            [{"a": [1, 2], "s": ["x"]}, {"a": [3, 4], "s": ["y"]}],
            {"a": [[1, 2], [3, 4]], "s": [["x"], ["y"]]},
        ),
    ],
)
def test_outputs_are_written_in_both_formats(outputs, rows, columns):
    assert json.loads(encode_rows(outputs)) == {"predictions": rows}
    assert json.loads(encode_columns(outputs)) == {"outputs": columns}


def test_scalars_are_written_in_the_column_format():
    outputs = {"n": np.array(3), "x": np.array(0.5, np.float32), "s": np.array(b"a", object)}

    assert json.loads(encode_columns(outputs)) == {"outputs": {"n": 3, "x": 0.5, "s": "a"}}


def test_what_is_not_finite_is_written_as_javascript_tokens_and_digits_stay_short():
    value = np.array([np.nan, np.inf, -np.inf, 0.1, 3.0], np.float32)

    assert encode_columns({"y": value}) == b'{"outputs":[NaN,Infinity,-Infinity,0.1,3.0]}'
    assert encode_columns({"y": value[0], "null": np.array([1])}) == (
        b'{"outputs":{"y":NaN,"null":[1]}}'
    )


@pytest.mark.parametrize(
    ("outputs", "text"),
    [
        ({}, "Cannot convert empty tensor map to JSON"),
        ({"y": np.array(1)}, "Tensor name: y has no shape information"),
        ({"a": np.ones(2), "b": np.ones(3)}, "has inconsistent batch size: 3 expecting: 2"),
        (
            {"y": np.ones(2, np.complex64)},
            "Failed to write JSON value for tensor type: complex64",
        ),
    ],
)
def test_outputs_that_have_no_rows_are_refused(outputs, text):
    with pytest.raises(InvalidArgumentError, match=text):
        encode_rows(outputs)


NUMERIC = ["float32", "float64", "float16", "int8", "int32", "int64", "uint8", "uint64"]


@st.composite
def arrays(draw):
    dtype = np.dtype(draw(st.sampled_from(NUMERIC)))
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=4))
    # The largest value that each type takes from a whole number without loss.
    limit = {"f2": 2**11, "f4": 2**24, "f8": 2**53}.get(dtype.str[1:], 2**62) - 1
    elements = hnp.from_dtype(dtype, allow_nan=False, allow_infinity=False)
    return draw(
        hnp.arrays(dtype, shape, elements=elements.filter(lambda v: -limit <= v <= limit))
    )


def spec_of(dtype: str) -> SignatureSpec:
    return SignatureSpec({"x": tensor(dtype, None)}, {"y": tensor(dtype, None)})


@given(arrays(), st.sampled_from(["instances", "inputs", "named"]), st.booleans())
def test_what_is_written_is_read_back_exactly(array, form, spaces):
    value = {"x": array.tolist()} if form == "named" else array.tolist()
    key = "inputs" if form == "named" else form
    body = json.dumps({key: value}, indent=2 if spaces else None).encode()

    got = RequestReader().predict(body, lambda _: spec_of(array.dtype.name))

    assert got.inputs["x"].dtype == array.dtype
    np.testing.assert_array_equal(got.inputs["x"], array)
    assert got.is_row_format == (form == "instances")


VALUES = st.recursive(
    st.one_of(
        st.integers(-(2**70), 2**70),
        st.sampled_from([0, 1, -1, 127, 128, 2**24, 2**24 - 1, 2**53, 2**63, 1.5, 1e39, 1e308]),
        st.floats(),
        st.booleans(),
        st.none(),
        st.text('[]{},"\\x', max_size=4),
        st.just({"b64": "AAE="}),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["x", "b64", "instances", "[", '"']), inner, max_size=2
        ),
    ),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(
    st.sampled_from(["instances", "inputs", "signature_name", "[[", "x"]),
    st.one_of(VALUES, st.lists(st.lists(VALUES, min_size=1, max_size=2), max_size=3)),
    max_size=3,
)


def outcome(read):
    try:
        got = read()
    except OpError as error:
        return type(error), error.message
    x = got.inputs["x"]
    return got.signature_name, got.is_row_format, x.dtype, x.shape, x.tobytes()


@given(DOCUMENTS, st.sampled_from(NUMERIC))
@example({"instances": [[1, []], [2, 3]]}, "float32")
@example({"instances": [[1, [2, 3]], [4, []]]}, "float32")
@example({"instances": [[[1, 2], [3]], [[4], [5, 6]]]}, "int32")
@example({"instances": [[[1], [2]], [[3, 4]]]}, "int32")
@example({"signature_name": "[", "instances": [[1], [2]]}, "float32")
@example({"inputs": {"x": [[1], 2]}}, "float32")
@example({"inputs": {"x": [[[1, 2]], [[3, 4]]]}}, "float32")
@example({"instances": [[2**24]]}, "float32")
@example({"instances": [[1e39]]}, "float32")
@example({"instances": []}, "float32")
@example({"instances": [[], []]}, "float32")
def test_the_fast_lane_agrees_with_the_general_reader(document, dtype):
    body = json.dumps(document).encode()
    spec = spec_of(dtype)

    fast = outcome(lambda: RequestReader().predict(body, lambda _: spec))

    assert fast == outcome(lambda: rest.decode_predict(body, lambda _: spec))


@given(st.binary(max_size=60))
def test_any_body_is_read_or_refused(body):
    assert outcome(lambda: RequestReader().predict(body, lambda _: spec_of("float32")))


def test_a_reader_goes_on_after_a_request_that_failed():
    reader = RequestReader()
    spec = spec_of("float32")
    caught = []

    def fail(_):
        raise InvalidArgumentError("no such signature")

    for body in (b'{"instances": [[1], 2]}', b'{"instances": [[1.0]]}', b"x") * 3:
        for find in (fail, lambda _: spec):
            try:
                got = reader.predict(body, find)
            except InvalidArgumentError as error:
                caught.append(error)  # keeps the frames, and what they hold, alive

    assert got.inputs["x"].tolist() == [[1.0]]
    assert len(caught) == 15
