"""Elements that may be missing."""

import pytest

import penstock as tf
from tests.data.contents import Dataset

Optional = tf.experimental.Optional


def test_a_value_can_be_had_back():
    optional = Optional.from_value((1, {"a": "x"}))

    number, rest = optional.get_value()

    assert optional.has_value()
    assert (int(number), rest["a"].numpy()) == (1, b"x")
    assert optional.element_spec == (
        tf.TensorSpec([], tf.int32),
        {"a": tf.TensorSpec([], tf.string)},
    )


def test_nothing_has_no_value():
    optional = Optional.empty(tf.TensorSpec([], tf.int32))

    assert not optional.has_value()
    with pytest.raises(tf.errors.InvalidArgumentError, match="does not have a value"):
        optional.get_value()


def test_the_spec_may_be_told_later():
    optional = Optional.empty(None)

    optional._element_spec = tf.TensorSpec([], tf.int32)

    assert optional.element_spec == tf.TensorSpec([], tf.int32)


def test_functions_take_and_give_optionals():
    @tf.function
    def double(optional):
        return Optional.from_value(optional.get_value() * 2)

    result = double(Optional.from_value([1.0, 2.0]))

    assert result.element_spec == tf.TensorSpec([2], tf.float32)
    assert result.get_value().numpy().tolist() == [2.0, 4.0]


def test_branches_may_give_optionals():
    @tf.function
    def keep(flag, value):
        spec = tf.TensorSpec([], tf.int32)
        return tf.cond(flag, lambda: Optional.from_value(value), lambda: Optional.empty(spec))

    assert int(keep(tf.constant(True), tf.constant(3)).get_value()) == 3
    assert not keep(tf.constant(False), tf.constant(3)).has_value()


def test_optionals_may_be_loop_variables():
    @tf.function
    def last(iterator):
        _, final = tf.while_loop(
            lambda upcoming, _: upcoming.has_value(),
            lambda upcoming, _: (iterator.get_next_as_optional(), upcoming),
            [iterator.get_next_as_optional(), Optional.empty(tf.TensorSpec([], tf.int64))],
        )
        return final

    assert int(last(iter(Dataset.range(5))).get_value()) == 4
    assert not last(iter(Dataset.range(0))).has_value()


def test_specs_describe_optionals():
    spec = tf.data.OptionalSpec(tf.TensorSpec([], tf.int32))

    assert tf.type_spec_from_value(Optional.from_value(3)) == spec
    assert Dataset.range(1).map(lambda _: Optional.from_value(3)).element_spec == spec
