"""Optimizers of `tf.compat.v1.train`, with what TensorFlow 2.21 gave after four steps."""

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1
train = v1.train

X = np.array(
    [[0.5, -1.0, 2.0, 0.25], [1.5, 0.5, -0.5, 1.0], [-2.5, 1.0, 0.0, 0.75]], np.float32
)
Y = np.array([[1.0], [-0.5], [2.0]], np.float32)

OPTIMIZERS = {
    "sgd": lambda step: train.GradientDescentOptimizer(
        train.exponential_decay(0.1, step, 2, 0.5)
    ),
    "momentum": lambda _: train.MomentumOptimizer(0.1, 0.9, use_nesterov=True),
    "adam": lambda _: train.AdamOptimizer(0.1),
    "adagrad": lambda _: train.AdagradOptimizer(0.1),
    "rmsprop": lambda _: train.RMSPropOptimizer(0.1, centered=True, momentum=0.5),
    "ftrl": lambda _: train.FtrlOptimizer(0.1, l1_regularization_strength=0.01),
    "adadelta": lambda _: train.AdadeltaOptimizer(0.1),
}

# Loss, weights, first column of the table, names of the variables beside these.
EXPECTED = {
    "sgd": (
        0.156654,
        [-0.438569, 0.206844, 0.414153, 0.255026],
        [0.184684, 0.2, 0.191186],
        [],
    ),
    "momentum": (
        0.218821,
        [-0.629155, 0.222481, 0.834345, 0.460997],
        [0.175842, 0.2, 0.278676],
        ["e/Momentum", "w/Momentum"],
    ),
    "adam": (
        0.404015,
        [-0.289396, 0.427748, 0.481223, 0.382039],
        [0.38846, 0.2, 0.494422],
        ["beta1_power", "beta2_power", "e/Adam", "e/Adam_1", "w/Adam", "w/Adam_1"],
    ),
    "adagrad": (
        0.632055,
        [-0.149485, 0.300561, 0.349154, 0.289544],
        [0.198741, 0.2, 0.213325],
        ["e/Adagrad", "w/Adagrad"],
    ),
    "rmsprop": (
        0.025001,
        [-0.651641, 0.290858, 0.693782, 0.377201],
        [0.169968, 0.2, 0.20617],
        ["e/RMSProp", "e/RMSProp_1", "e/RMSProp_2", "w/RMSProp", "w/RMSProp_1", "w/RMSProp_2"],
    ),
    "ftrl": (
        0.724748,
        [-0.16234, 0.257568, 0.331957, 0.280614],
        [-0.005733, 0.2, 0.0],
        ["e/Ftrl", "e/Ftrl_1", "w/Ftrl", "w/Ftrl_1"],
    ),
    "adadelta": (
        1.740324,
        [0.099818, 0.100182, 0.100182, 0.100182],
        [0.200182, 0.2, 0.200182],
        ["e/Adadelta", "e/Adadelta_1", "w/Adadelta", "w/Adadelta_1"],
    ),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_in_a_graph_are_those_of_tensorflow(name):
    with v1.Graph().as_default(), v1.Session() as session:
        w = v1.get_variable("w", [4, 1], initializer=v1.constant_initializer(0.1))
        table = v1.get_variable("e", [3, 4], initializer=v1.constant_initializer(0.2))
        rows = tf.constant(X) + tf.nn.embedding_lookup(table, [0, 2, 2])
        loss = tf.reduce_mean(tf.square(tf.matmul(rows, w) - Y))
        step = train.get_or_create_global_step()
        update = OPTIMIZERS[name](step).minimize(loss, global_step=step)
        session.run(v1.global_variables_initializer())
        for _ in range(4):
            last, _ = session.run([loss, update])
        expected_loss, weights, column, others = EXPECTED[name]
        own = {"e", "w", "global_step"}
        names = {variable.op.name for variable in v1.global_variables()} - own

        np.testing.assert_allclose(last, expected_loss, rtol=1e-4)
        np.testing.assert_allclose(session.run(w).ravel(), weights, atol=2e-6)
        np.testing.assert_allclose(session.run(table)[:, 0], column, atol=2e-6)
        assert session.run(step) == 4
        assert names == set(others)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_eager_steps_are_the_same(name):
    w, table = tf.Variable(tf.fill([4, 1], 0.1)), tf.Variable(tf.fill([3, 4], 0.2))
    step = tf.Variable(0, dtype=tf.int64)

    def loss():
        rows = tf.constant(X) + tf.nn.embedding_lookup(table, [0, 2, 2])
        return tf.reduce_mean(tf.square(tf.matmul(rows, w) - Y))

    optimizer = OPTIMIZERS[name](step)
    for _ in range(4):
        optimizer.minimize(loss, global_step=step, var_list=[w, table])

    _, weights, column, _ = EXPECTED[name]
    np.testing.assert_allclose(w.numpy().ravel(), weights, atol=2e-6)
    np.testing.assert_allclose(table.numpy()[:, 0], column, atol=2e-6)
    assert step.numpy() == 4


def test_a_loss_without_variables_is_refused():
    with v1.Graph().as_default():
        v1.get_variable("w", [1])
        with pytest.raises(ValueError, match="No gradients provided"):
            train.AdamOptimizer().minimize(tf.constant(1.0))


def test_gradients_can_be_changed_before_they_are_applied():
    with v1.Graph().as_default(), v1.Session() as session:
        w = v1.get_variable("w", initializer=[1.0, 1.0])
        optimizer = train.GradientDescentOptimizer(1.0)
        pairs = optimizer.compute_gradients(tf.reduce_sum(w * [3.0, 5.0]))
        update = optimizer.apply_gradients(
            [(tf.clip_by_value(g, 0.0, 4.0), v) for g, v in pairs]
        )
        session.run(v1.global_variables_initializer())
        session.run(update)

        np.testing.assert_array_equal(session.run(w), [-2.0, -3.0])


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda s: train.polynomial_decay(1.0, s, 10, 0.0, power=2.0), 0.49),
        (lambda s: train.inverse_time_decay(1.0, s, 3, 0.5), 1 / 1.5),
        (lambda s: train.natural_exp_decay(1.0, s, 3, 0.5, staircase=True), np.exp(-0.5)),
        (lambda s: train.cosine_decay(1.0, s, 6), 0.5),
        (lambda s: train.piecewise_constant(s, [2, 3], [1.0, 0.5, 0.1]), 0.5),
        (lambda s: train.exponential_decay(1.0, s, 2, 0.25, staircase=True), 0.25),
    ],
)
def test_rates_follow_the_steps(make, expected):
    step = tf.constant(3, tf.int64)

    with v1.Graph().as_default(), v1.Session() as session:
        rate = session.run(make(tf.constant(3, tf.int64)))

    np.testing.assert_allclose(rate, expected, rtol=1e-6)
    np.testing.assert_allclose(make(step)(), expected, rtol=1e-6)
