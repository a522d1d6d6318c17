"""Variables that are shared by name, and older names of functions."""

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1


@pytest.fixture
def graph():
    with v1.Graph().as_default() as made:
        yield made


def test_scopes_prefix_names_of_variables_and_ops(graph):
    with v1.variable_scope("net"), v1.variable_scope("layer"):
        w = v1.get_variable("w", [2, 3])
        y = tf.constant(1.0, name="y")

    assert w.name == "net/layer/w:0"
    assert w.op.name == "net/layer/w"
    assert y.name == "net/layer/y:0"
    assert [v.name for v in v1.trainable_variables("net/")] == ["net/layer/w:0"]


def test_variables_are_shared_where_the_scope_says_so(graph):
    with v1.variable_scope("s") as scope:
        first = v1.get_variable("w", [2])
        with pytest.raises(ValueError, match="already exists"):
            v1.get_variable("w", [2])
    with v1.variable_scope(scope, reuse=True):
        assert v1.get_variable("w", [2]) is first
        with pytest.raises(ValueError, match="does not exist"):
            v1.get_variable("other", [2])
    with v1.variable_scope("s", reuse=v1.AUTO_REUSE):
        assert v1.get_variable("w", [2]) is first
        assert v1.get_variable("other", [2]).name == "s/other:0"
        with pytest.raises(ValueError, match="specified shape"):
            v1.get_variable("w", [3])


def test_a_default_name_is_made_unique(graph):
    names = []
    for _ in range(2):
        with v1.variable_scope(None, "block"):
            names.append(v1.get_variable("w", [1]).name)

    assert names == ["block/w:0", "block_1/w:0"]


def test_what_a_scope_sets_holds_inside(graph):
    def loss(w):
        return tf.reduce_sum(w)

    with v1.variable_scope("s", initializer=v1.constant_initializer(4.0), regularizer=loss):
        w = v1.get_variable("w", [2, 2])
    losses = v1.get_collection(v1.GraphKeys.REGULARIZATION_LOSSES)

    with v1.Session() as session:
        session.run(v1.global_variables_initializer())
        np.testing.assert_array_equal(session.run(w), np.full((2, 2), 4.0))
        assert session.run(losses) == [16.0]


def test_a_getter_may_change_variables(graph):
    def halved(getter, name, *args, **kwargs):
        return getter(name, *args, **kwargs) * 0.5

    with v1.variable_scope("s", custom_getter=halved):
        w = v1.get_variable("w", initializer=[4.0])

    with v1.Session() as session:
        session.run(v1.global_variables_initializer())
        np.testing.assert_array_equal(session.run(w), [2.0])


def test_local_variables_are_kept_apart(graph):
    made = v1.get_local_variable("l", [1])

    assert v1.local_variables() == [made]
    assert v1.global_variables() == []
    assert not made.trainable


def test_a_template_shares_its_variables(graph):
    scaled = v1.make_template("scale", lambda x: x * v1.get_variable("w", [1]))

    scaled(tf.constant([1.0]))
    scaled(tf.constant([2.0]))

    assert [v.name for v in v1.global_variables()] == ["scale/w:0"]


def test_eager_code_gets_variables_that_have_values():
    w = v1.get_variable("w", initializer=[1.0, 2.0])

    np.testing.assert_array_equal(w.numpy(), [1.0, 2.0])


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda x: v1.reduce_sum(x, reduction_indices=[0], keep_dims=True), [[4.0, 6.0]]),
        (lambda x: v1.argmax(x, dimension=1), [1, 1]),
        (lambda x: v1.expand_dims(x, dim=0), [[[1.0, 2.0], [3.0, 4.0]]]),
        (lambda x: v1.squeeze(x[:1], squeeze_dims=[0]), [1.0, 2.0]),
        (lambda x: v1.where([True, False], x, -x), [[1.0, 2.0], [-3.0, -4.0]]),
        (v1.to_int32, [[1, 2], [3, 4]]),
        (lambda _: v1.div(7, 2), 3),
        (lambda x: v1.norm(x, axis=1, keep_dims=True), [[5**0.5], [5.0]]),
        (v1.log, np.log([[1.0, 2.0], [3.0, 4.0]])),
        (lambda x: v1.matrix_band_part(x, 0, 0), [[1.0, 0.0], [0.0, 4.0]]),
        (lambda x: v1.math.reduce_max(x, keep_dims=True), [[4.0]]),
        (
            lambda x: v1.image.resize_nearest_neighbor(x[None, :, :, None], [1, 2])[0, 0, :, 0],
            [1.0, 2.0],
        ),
        (
            lambda x: v1.image.resize_bilinear(x[None, :, :, None], [2, 1], True)[0, :, 0, 0],
            [1.0, 3.0],
        ),
        (lambda x: v1.setdiff1d(x[0], [2.0])[1], [0]),
        (lambda _: v1.string_to_number(["1.5"]), [1.5]),
    ],
)
def test_older_names_and_arguments_work(make, expected):
    x = tf.constant([[1.0, 2.0], [3.0, 4.0]])

    np.testing.assert_allclose(make(x), expected, rtol=1e-6)


def test_a_missing_name_is_told():
    with pytest.raises(AttributeError, match=r"tf\.compat\.v1\.nowhere"):
        _ = v1.nowhere
