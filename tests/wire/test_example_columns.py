"""Features of many examples: the same whatever way they are written in."""

import numpy as np
import pytest

from penstock.wire import protos
from penstock.wire.example_columns import (
    ABSENT,
    FLOATS,
    UnreadableExampleError,
    find,
    read_columns,
    values_at,
)
from penstock.wire.varint import encode_varint

NUMBERS = [-1, 0, 1, 127, 128, 300, 2**40, 2**63 - 1, -(2**63)]


def piece(tag, data):
    return bytes([tag << 3 | 2]) + encode_varint(len(data)) + data


def entry(name, feature):
    return piece(1, piece(1, name) + piece(2, feature))


def example(*entries):
    return piece(1, b"".join(entries))


def packed_floats(*values):
    return piece(2, piece(1, np.array(values, "<f4").tobytes()) if values else b"")


def numbers(*values):
    return piece(3, protos.Int64List(value=values).SerializeToString())


def strings(*values):
    return piece(1, b"".join(piece(1, value) for value in values))


def messages(count):
    """Examples with one to nine numbers, one to three strings and two floats."""
    return [
        example(
            entry(b"x", packed_floats(i, i + 0.5)),
            entry(b"n", numbers(*NUMBERS[: i % 9 + 1])),
            entry(b"s", strings(*[b"s%d" % i * 50] * (i % 3 + 1))),
        )
        for i in range(count)
    ]


# A few are read one by one, many together.
@pytest.mark.parametrize("count", [1, 5, 40])
class TestColumns:
    def test_numbers_and_strings_come_in_order(self, count):
        x, n, s = read_columns(messages(count), [b"x", b"n", b"s"])

        floats, two_each = x.floats()
        integers, how_many = n.integers()
        texts, how_many_texts = s.strings()

        np.testing.assert_array_equal(floats, [v for i in range(count) for v in (i, i + 0.5)])
        assert two_each.tolist() == [2] * count
        assert integers.tolist() == [v for i in range(count) for v in NUMBERS[: i % 9 + 1]]
        assert how_many.tolist() == [i % 9 + 1 for i in range(count)]
        assert how_many_texts.tolist() == [i % 3 + 1 for i in range(count)]
        assert texts.tolist() == [
            b"s%d" % i * 50 for i in range(count) for _ in range(i % 3 + 1)
        ]

    def test_a_feature_that_is_missing_has_no_values(self, count):
        (column,) = read_columns(messages(count), [b"nothing"])

        assert column.kinds.tolist() == [ABSENT] * count
        assert column.floats()[1].tolist() == [0] * count

    @pytest.mark.parametrize(
        "written",
        [
            pytest.param(
                example(entry(b"x", piece(2, b"\x0d\0\0\x80\x3f\x0d\0\0\0\x40"))), id="unpacked"
            ),
            pytest.param(
                example(entry(b"x", packed_floats(9.0)), entry(b"x", packed_floats(1.0, 2.0))),
                id="twice",
            ),
            pytest.param(
                example(piece(1, piece(2, packed_floats(1.0, 2.0)) + piece(1, b"x"))),
                id="value before key",
            ),
            pytest.param(
                example(entry(b"y", b"")) + example(entry(b"x", packed_floats(1.0, 2.0))),
                id="two maps",
            ),
            pytest.param(
                example(entry(b"x", packed_floats(1.0, 2.0))) + b"\x78\x05", id="unknown field"
            ),
            pytest.param(
                example(
                    entry(b"x", piece(2, piece(1, b"\0\0\x80\x3f") + piece(1, b"\0\0\0\x40")))
                ),
                id="two pieces",
            ),
        ],
    )
    def test_every_way_of_writing_gives_the_same(self, count, written):
        (column,) = read_columns([*messages(count - 1), written], [b"x"])

        values, counts = column.floats()

        assert column.kinds[-1] == FLOATS
        assert counts[-1] == 2
        assert values[-2:].tolist() == [1.0, 2.0]

    @pytest.mark.parametrize(
        "broken", [b"garbage!", messages(1)[0][:-3], b"\x0a\xff\xff\xff\xff\xff\xff", b"\x0a"]
    )
    def test_what_is_no_example_is_refused_by_its_number(self, count, broken):
        with pytest.raises(UnreadableExampleError) as caught:
            read_columns([*messages(count - 1), broken], [b"x"])

        assert caught.value.index == count - 1

    def test_a_number_that_does_not_end_is_refused(self, count):
        broken = example(entry(b"n", piece(3, piece(1, b"\xff\xff"))))
        (column,) = read_columns([*messages(count - 1), broken], [b"n"])

        with pytest.raises(UnreadableExampleError):
            column.integers()

    def test_an_empty_message_has_no_features(self, count):
        (column,) = read_columns([b""] * count, [b"x"])

        assert column.kinds.tolist() == [ABSENT] * count


def test_one_message_gives_its_values_at_their_places():
    data, places = find(messages(9)[8])

    assert values_at(data, places[b"n"]).tolist() == NUMBERS
    assert values_at(data, places[b"x"]).tolist() == [8.0, 8.5]
    assert values_at(data, places[b"s"]).tolist() == [b"s8" * 50] * 3
