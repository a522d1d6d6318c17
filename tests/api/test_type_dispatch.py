"""Public functions that are taught extension types."""

import typing

import pytest

import penstock as tf

dispatch_for_api = tf.experimental.dispatch_for_api


class Masked(tf.experimental.ExtensionType):
    values: tf.Tensor
    mask: tf.Tensor


Operand = typing.Union[Masked, tf.Tensor]  # noqa: UP007  (users write both)


def lists(value):
    return value.values.numpy().tolist(), value.mask.numpy().tolist()


A = Masked([1, -2, 3], [True, False, True])
B = Masked([10, 20, 30], [True, True, False])


@pytest.fixture
def taught():
    """Teach functions within a test, and undo it."""
    targets = []

    def teach(decorator, function):
        targets.append(decorator(function))
        return targets[-1]

    yield teach
    for target in targets:
        tf.experimental.unregister_dispatch_for(target)


def _both(f, x, y):
    x_values, x_mask = (x.values, x.mask) if isinstance(x, Masked) else (x, True)
    y_values, y_mask = (y.values, y.mask) if isinstance(y, Masked) else (y, True)
    return Masked(f(x_values, y_values), tf.logical_and(x_mask, y_mask))


def test_calls_with_annotated_types_go_to_the_target(taught):
    def add(x, y, name=None):
        return Masked(x.values + y.values, x.mask & y.mask)

    taught(dispatch_for_api(tf.math.add, {"x": Masked, "y": Masked}), add)

    assert lists(tf.add(A, B)) == ([11, 18, 33], [True, False, False])
    assert lists(tf.math.add(y=B, x=A, name="sum"))[0] == [11, 18, 33]
    assert tf.add(1, 2).numpy() == 3
    with pytest.raises(ValueError, match="not one tensor"):
        tf.add(A, 1)


def test_lists_of_values_and_scopes_for_targets_without_a_name(taught):
    names = []

    def concat(values, axis):
        joined = tf.concat([value.values for value in values], axis)
        names.append(getattr(joined, "name", None))
        return Masked(joined, tf.concat([value.mask for value in values], axis))

    taught(dispatch_for_api(tf.concat, {"values": list[Masked]}), concat)

    assert lists(tf.concat((A, B), 0))[0] == [1, -2, 3, 10, 20, 30]
    assert tf.concat([[1], [2]], 0).numpy().tolist() == [1, 2]

    @tf.function
    def named(x):
        return tf.concat([x, x], 0, name="both")

    assert len(lists(named(A))[0]) == 6
    assert names[-1].startswith("both/")


def test_annotations_of_the_target_are_a_signature(taught):
    def floormod(x: Operand, y: Operand):
        return "handled"

    taught(dispatch_for_api(tf.math.floormod), floormod)

    assert tf.math.floormod(A, tf.constant(1)) == "handled"
    assert tf.math.floormod(tf.constant(4), tf.constant(3)).numpy() == 1
    with pytest.raises(ValueError, match="unsupported type"):
        tf.math.floormod(A, 1)


def test_functions_without_a_wrapper_of_their_own_can_be_taught(taught):
    def top_k(input, k=1, sorted=True, index_type=tf.int32):
        return k

    taught(dispatch_for_api(tf.math.top_k, {"input": Masked}), top_k)

    assert tf.math.top_k(A, 2, name="c") == 2
    assert tf.math.top_k([1, 3, 2], 2)[0].numpy().tolist() == [3, 2]


def test_unary_elementwise_functions_share_a_handler(taught):
    taught(
        tf.experimental.dispatch_for_unary_elementwise_apis(Masked),
        lambda f, x: Masked(f(x.values), x.mask),
    )

    assert lists(tf.abs(A)) == ([1, 2, 3], [True, False, True])
    assert tf.ones_like(A, dtype=tf.float32).values.dtype is tf.float32
    assert lists(tf.clip_by_value(A, 0, 2))[0] == [1, 0, 2]
    assert lists(tf.strings.as_string(A))[0] == [b"1", b"-2", b"3"]
    assert lists(tf.math.special.dawsn(Masked([0.0], [True])))[0] == [0.0]
    assert tf.abs(-1).numpy() == 1
    with pytest.raises(ValueError, match="already been registered"):
        tf.experimental.dispatch_for_unary_elementwise_apis(Masked)(lambda f, x: x)


def test_binary_elementwise_functions_share_a_handler(taught):
    taught(tf.experimental.dispatch_for_binary_elementwise_apis(Operand, Operand), _both)

    assert lists(tf.subtract(A, B)) == ([-9, -22, -27], [True, False, False])
    assert lists(tf.multiply(tf.constant(3), A, name="k"))[0] == [3, -6, 9]
    assert lists(tf.constant([1, 2, 3]) * A)[0] == [1, -4, 9]
    assert lists(tf.constant([1, 2, 3]) - A)[0] == [0, 4, 0]
    assert lists(tf.equal(A, B))[0] == [False, False, False]
    assert tf.multiply(2, 3).numpy() == 6


def test_assertions_share_a_handler(taught):
    def check(f, x, y):
        both = x.mask & y.mask
        return f(tf.boolean_mask(x.values, both), tf.boolean_mask(y.values, both))

    taught(tf.experimental.dispatch_for_binary_elementwise_assert_apis(Masked, Masked), check)

    assert tf.debugging.assert_less(A, B) is None
    with pytest.raises(tf.errors.InvalidArgumentError, match="x > y did not hold"):
        tf.debugging.assert_greater(A, B)


def test_two_targets_for_one_call_are_an_error(taught):
    taught(dispatch_for_api(tf.math.pow, {"x": Masked}), lambda x, y: 1)
    taught(dispatch_for_api(tf.math.pow, {"y": Masked}), lambda x, y: 2)

    assert (tf.pow(A, 1), tf.pow(1, A)) == (1, 2)
    with pytest.raises(ValueError, match="Multiple dispatch targets"):
        tf.pow(A, A)


def test_what_was_taught_can_be_forgotten():
    target = dispatch_for_api(tf.square, {"x": Masked})(lambda x: "square")

    assert tf.square(A) == "square"
    tf.experimental.unregister_dispatch_for(target)
    with pytest.raises(ValueError, match="one tensor"):
        tf.square(A)
    with pytest.raises(ValueError, match="was not registered"):
        tf.experimental.unregister_dispatch_for(target)


@pytest.mark.parametrize(
    ("register", "error", "message"),
    [
        (
            lambda: dispatch_for_api(tf.add, {"x": Masked})(lambda x: x),
            ValueError,
            "does not match API's signature",
        ),
        (
            lambda: dispatch_for_api(tf.add, {"z": Masked}),
            ValueError,
            "unknown parameter 'z'",
        ),
        (
            lambda: dispatch_for_api(tf.add)(lambda x, y: x),
            ValueError,
            "at least one signature",
        ),
        (lambda: dispatch_for_api(len, {"x": Masked}), ValueError, "does not support"),
        (lambda: dispatch_for_api(tf.add, [Masked]), TypeError, "must be dictionaries"),
        (
            lambda: dispatch_for_api(tf.add, {"x": tuple[Masked]}),
            ValueError,
            "not currently supported",
        ),
        (lambda: dispatch_for_api(tf.add, {"x": Masked})(3), TypeError, "to be callable"),
    ],
)
def test_what_cannot_be_registered_is_refused(register, error, message):
    with pytest.raises(error, match=message):
        register()
