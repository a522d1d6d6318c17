import numpy as np
import pytest

from penstock.core.errors import DataLossError
from penstock.wire import protos
from penstock.wire.examples import parse_example, parse_sequence_example
from tests.wire.golden import GOLDEN

INTS = np.array([1, -1, 2**62, -(2**63)], np.int64)
FLOATS = np.array([0.5, -2.25], np.float32)
STRINGS = [b"", b"\x00\xff"]


def assert_steps(ints, floats, strings):
    np.testing.assert_array_equal(ints, INTS, strict=True)
    np.testing.assert_array_equal(floats, FLOATS, strict=True)
    assert strings.dtype == object
    assert strings.tolist() == STRINGS


def test_tensorflows_example_is_read():
    example = parse_example((GOLDEN / "example.pb").read_bytes())

    assert set(example) == {"i", "f", "s", "none", "empty"}
    assert_steps(example["i"], example["f"], example["s"])
    assert example["none"] is None
    assert (example["empty"].dtype, example["empty"].shape) == (np.float32, (0,))


def test_tensorflows_sequence_example_is_read():
    context, lists = parse_sequence_example((GOLDEN / "sequence_example.pb").read_bytes())

    np.testing.assert_array_equal(context["f"], FLOATS, strict=True)
    assert_steps(*lists["steps"])


def test_only_wanted_features_are_read():
    serialized = (GOLDEN / "example.pb").read_bytes()

    assert set(parse_example(serialized, ["f", "absent"])) == {"f"}
    sequence = (GOLDEN / "sequence_example.pb").read_bytes()
    assert parse_sequence_example(sequence, [], ["absent"]) == ({}, {})


def nested(number, payload):
    return bytes([number << 3 | 2, len(payload)]) + payload


def example_of(feature):
    entry = nested(1, b"x") + nested(2, feature)
    return nested(1, nested(1, entry))


def test_numbers_may_come_one_by_one_or_in_pieces():
    one, two = np.float32(1).tobytes(), np.float32(2).tobytes()
    unpacked = nested(2, b"\x0d" + one + b"\x0d" + two)
    pieces = nested(2, nested(1, one) + nested(1, two))
    integers = nested(3, b"\x08\x05" + b"\x08\x06")

    assert parse_example(example_of(unpacked))["x"].tolist() == [1, 2]
    assert parse_example(example_of(pieces))["x"].tolist() == [1, 2]
    assert parse_example(example_of(integers))["x"].tolist() == [5, 6]


def test_the_whole_message_says_the_same():
    message = protos.Example.FromString((GOLDEN / "example.pb").read_bytes())

    found = parse_example(message.SerializeToString())

    assert found["f"].tolist() == list(message.features.feature["f"].float_list.value)


@pytest.mark.parametrize(
    "serialized",
    [
        b"\xff",
        b"\x0a\x05abc",
        example_of(nested(2, nested(1, b"abc"))),
        example_of(nested(2, b"\x0a\x08" + b"abcd")),
        example_of(nested(2, b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")),
        example_of(nested(3, nested(1, b"\xff"))),
    ],
    ids=bytes.hex,
)
def test_damaged_examples_are_data_loss(serialized):
    with pytest.raises(DataLossError):
        parse_example(serialized)
    with pytest.raises(DataLossError):
        parse_sequence_example(serialized)
