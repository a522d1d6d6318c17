"""Messages of one form are read as a table, and give what protobuf reads in them."""

import numpy as np
import pytest

from penstock.wire import protos
from penstock.wire.example_columns import (
    ABSENT,
    BYTES,
    FLOATS,
    INTEGERS,
    UnreadableExampleError,
    read_columns,
)
from penstock.wire.example_forms import EvenColumn

NAMES = [b"label", b"pixels", b"name", b"nothing"]


def example(label, pixels, name, order=(0, 1, 2)):
    """A message whose features are written in the given order."""
    features = [
        (b"label", protos.Feature(int64_list={"value": label})),
        (b"pixels", protos.Feature(float_list={"value": pixels})),
        (b"name", protos.Feature(bytes_list={"value": name})),
    ]
    entries = [
        b"\n" + bytes([len(entry)]) + entry
        for key, feature in (features[i] for i in order)
        for value in [feature.SerializeToString()]
        for entry in [b"\n%c%b\x12%c%b" % (len(key), key, len(value), value)]
    ]
    inner = b"".join(entries)
    return b"\n" + bytes([len(inner)]) + inner


def expected(messages, name, field):
    """Values and counts, as protobuf reads them."""
    lists = [
        list(getattr(protos.Example.FromString(m).features.feature[name], field).value)
        for m in messages
    ]
    return [value for values in lists for value in values], [len(values) for values in lists]


def assert_columns_hold(messages):
    label, pixels, name, nothing = read_columns(messages, NAMES)

    for column, kind, key, field in [
        (label, INTEGERS, "label", "int64_list"),
        (pixels, FLOATS, "pixels", "float_list"),
        (name, BYTES, "name", "bytes_list"),
    ]:
        values, counts = column.values(kind)
        wanted, how_many = expected(messages, key, field)
        assert values.tolist() == wanted
        assert counts.tolist() == how_many
    assert nothing.kinds.tolist() == [ABSENT] * len(messages)
    assert nothing.values(BYTES)[1].tolist() == [0] * len(messages)
    assert nothing.values(FLOATS)[0].tolist() == []


def test_messages_of_one_form_are_a_table():
    messages = [example([i], [i, i / 4], [b"row %03d" % i]) for i in range(100)]

    assert isinstance(read_columns(messages, NAMES)[0], EvenColumn)
    assert_columns_hold(messages)


def test_a_number_may_end_elsewhere_in_each_message():
    messages = [example([300, i] if i % 2 else [i, 300], [0.5], [b"x"]) for i in range(64)]

    assert isinstance(read_columns(messages, NAMES)[0], EvenColumn)
    assert_columns_hold(messages)


def test_features_in_several_orders_are_several_forms():
    orders = [(0, 1, 2), (2, 1, 0), (1, 0, 2)]
    messages = [example([i], [i], [b"a"], orders[i % 3]) for i in range(120)]

    assert_columns_hold(messages * 3)


@pytest.mark.parametrize("count", [13, 60, 500])
def test_random_messages_give_what_protobuf_reads(count):
    rng = np.random.default_rng(count)
    messages = [
        example(
            rng.integers(-2, 200, rng.integers(0, 3)).tolist(),
            rng.random(int(rng.integers(1, 3)), np.float32).tolist(),
            [b"s" * int(rng.integers(0, 3)) for _ in range(rng.integers(0, 3))],
            tuple(rng.permutation(3).tolist()),
        )
        for _ in range(count)
    ]

    assert_columns_hold(messages)


@pytest.mark.parametrize("name", [[b""], [], [b"a", b"b"]])
def test_lists_of_no_and_of_several_strings_are_told_apart(name):
    messages = [example([i % 100], [1.0], name) for i in range(80)]

    assert_columns_hold(messages)


def test_long_messages_are_compared_where_they_hold_no_values():
    messages = []
    for i in range(64):
        message = protos.Example()
        feature = message.features.feature["image"]
        feature.bytes_list.value.append(bytes([i]) * 3000)
        messages.append(message.SerializeToString())
    # One of the same size that calls the feature otherwise.
    messages[40] = messages[40].replace(b"image", b"imago")

    (image,) = read_columns(messages, [b"image"])

    values, counts = image.strings()
    assert counts.tolist() == [1] * 40 + [0] + [1] * 23
    assert values.tolist() == [bytes([i]) * 3000 for i in range(64) if i != 40]


def test_a_number_without_end_is_refused_with_the_number_of_its_message():
    messages = [example([300], [1.0], [b"x"]) for _ in range(64)]
    messages[17] = messages[17].replace(b"\xac\x02", b"\xac\x82")
    label = read_columns(messages, [b"label"])[0]

    with pytest.raises(UnreadableExampleError) as caught:
        label.integers()

    assert caught.value.index == 17


def test_one_message_of_another_form_among_many_is_read_too():
    messages = [example([i % 100], [i], [b"same"]) for i in range(90)]
    messages[50] = example([7], [0.25], [b"same"], (2, 0, 1))

    assert_columns_hold(messages)
