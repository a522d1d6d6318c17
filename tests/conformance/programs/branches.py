"""Programs with tf.cond, tf.case and tf.switch_case. Each is a function of `tf`."""

from __future__ import annotations


def cond_eager_and_in_graph(tf):
    def g(x):
        return tf.cond(x > 0, lambda: x * 2, lambda: x - 1)

    return [h(tf.constant(v)) for h in (g, tf.function(g)) for v in (3, -3)]


def cond_with_structures(tf):
    @tf.function
    def f(x):
        return tf.cond(
            x > 0,
            lambda: {"a": x, "b": [x + 1, (x + 2, tf.constant("yes"))]},
            lambda: {"a": -x, "b": [x - 1, (x - 2, tf.constant("no"))]},
        )

    return [f(tf.constant(1)), f(tf.constant(-1))]


def cond_with_python_values(tf):
    @tf.function
    def f(x):
        return tf.cond(x > 0, lambda: 1, lambda: 2), tf.cond(x > 0, lambda: 1.5, lambda: -1.5)

    return [f(tf.constant(1)), f(tf.constant(-1))]


def cond_with_composites(tf):
    @tf.function
    def f(x, c):
        r = tf.RaggedTensor.from_row_lengths(x, [1, 2])
        q = tf.cond(c, lambda: r, lambda: r * 2)
        s = tf.sparse.from_dense(x)
        t = tf.cond(c, lambda: s, lambda: tf.sparse.from_dense(x * 3))
        return q, tf.sparse.to_dense(t)

    x = tf.constant([1, 0, 3])
    return [f(x, tf.constant(True)), f(x, tf.constant(False))]


def cond_without_results(tf):
    v = tf.Variable(1.0)

    @tf.function
    def f(c):
        tf.cond(c, lambda: v.assign(5.0), lambda: v.assign_add(1.0))
        return v.read_value()

    return [f(tf.constant(False)), f(tf.constant(True)), v]


def cond_that_returns_none(tf):
    v = tf.Variable(1.0)

    @tf.function
    def f(c):
        def yes():
            v.assign(3.0)

        def no():
            pass

        r = tf.cond(c, yes, no)
        return v + 0.0, r is None

    return [f(tf.constant(False))[0], f(tf.constant(True))[0]]


def nested_conds(tf):
    @tf.function
    def f(x, y):
        return tf.cond(
            x > 0,
            lambda: tf.cond(y > 0, lambda: x + y, lambda: x - y),
            lambda: tf.cond(y > x, lambda: x * y, lambda: tf.constant(0)),
        )

    return [f(tf.constant(a), tf.constant(b)) for a, b in ((1, 2), (1, -2), (-1, 2), (-1, -2))]


def case_in_order(tf):
    @tf.function
    def f(x):
        return tf.case(
            [(x < 0, lambda: tf.constant("neg")), (x < 10, lambda: tf.constant("small"))],
            default=lambda: tf.constant("big"),
        )

    return [f(tf.constant(v)) for v in (-1, 5, 50)]


def case_without_default(tf):
    @tf.function
    def f(x):
        return tf.case([(x < 0, lambda: x * 2), (x < 10, lambda: x * 3)])

    return [f(tf.constant(-1)), f(tf.constant(5))]


def case_without_any_true_predicate(tf):
    @tf.function
    def f(x):
        return tf.case([(x < 0, lambda: x * 2), (x < 10, lambda: x * 3)])

    return f(tf.constant(50))


def case_exclusive_twice_true(tf):
    @tf.function
    def f(x):
        return tf.case(
            [(x < 5, lambda: x * 2), (x < 10, lambda: x * 3)], default=lambda: x, exclusive=True
        )

    return f(tf.constant(1))


def switch_case_with_default(tf):
    @tf.function
    def f(i, x):
        return tf.switch_case(
            i, {0: lambda: x, 1: lambda: x * 10, 3: lambda: x * 30}, default=lambda: -x
        )

    return [f(tf.constant(i), tf.constant(2)) for i in (-1, 0, 1, 2, 3, 9)]


def switch_case_without_default(tf):
    @tf.function
    def f(i, x):
        return tf.switch_case(i, [lambda: x, lambda: x * 10, lambda: x * 20])

    return [f(tf.constant(i), tf.constant(2)) for i in (-1, 0, 1, 2, 9)]


def switch_case_eager(tf):
    x = tf.constant(2)
    return [
        tf.switch_case(tf.constant(i), [lambda: x, lambda: x * 10], default=lambda: -x)
        for i in (-1, 0, 1, 7)
    ]


def gradient_of_cond(tf):
    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.cond(x > 1.0, lambda: x**3, lambda: tf.sin(x) * 2.0)
        return y, tape.gradient(y, x)

    return [f(tf.constant(2.0)), f(tf.constant(0.5))]


def second_gradient_of_cond(tf):
    @tf.function
    def f(x):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = tf.cond(x > 1.0, lambda: x**3, lambda: tf.sin(x))
            g = tape.gradient(y, x)
        return g, outer.gradient(g, x)

    return [f(tf.constant(2.0)), f(tf.constant(0.5))]


def gradient_outside_of_a_function_with_cond(tf):
    @tf.function
    def f(x, w):
        return tf.cond(tf.reduce_sum(x) > 1.0, lambda: x * w, lambda: x + w)

    w = tf.Variable(3.0)
    out = []
    for v in (2.0, 0.5):
        x = tf.constant(v)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = f(x, w.read_value()) if False else f(x, w)
        out.append(tape.gradient(y, [x, w]))
    return out


def gradient_of_switch_case(tf):
    @tf.function
    def f(i, x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.switch_case(i, [lambda: x * 2.0, lambda: x**2, lambda: tf.exp(x)])
        return tape.gradient(y, x)

    return [f(tf.constant(i), tf.constant(3.0)) for i in (0, 1, 2)]


def gradient_to_a_branch_that_does_not_use_it(tf):
    @tf.function
    def f(x, y):
        with tf.GradientTape() as tape:
            tape.watch([x, y])
            z = tf.cond(x > 0.0, lambda: x * 2.0, lambda: y * 3.0)
        return tape.gradient(z, [x, y])

    return [f(tf.constant(1.0), tf.constant(1.0)), f(tf.constant(-1.0), tf.constant(1.0))]


def gradient_through_variables_in_branches(tf):
    a, b = tf.Variable(2.0), tf.Variable(5.0)

    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            y = a * x if x > 0.0 else b * x * x
        return tape.gradient(y, [a, b])

    return [f(tf.constant(3.0)), f(tf.constant(-3.0))]


def assign_in_branches(tf):
    v = tf.Variable([1, 2, 3])

    @tf.function
    def f(x):
        if x > 0:
            v.assign(v * x)
            v[1].assign(100)
        else:
            v.scatter_update(tf.IndexedSlices([7], [0]))
        return tf.reduce_sum(v)

    return [f(tf.constant(2)), f(tf.constant(-2)), v]


def cond_on_a_known_value(tf):
    log = []

    @tf.function
    def f(x):
        def yes():
            log.append("yes")
            return x

        def no():
            log.append("no")
            return -x

        return tf.cond(tf.constant(True), yes, no)

    return [f(tf.constant(3))]


def cond_with_tensor_arrays(tf):
    @tf.function
    def f(c):
        a = tf.TensorArray(tf.int32, size=2)
        a = a.write(0, 1)
        if c:
            a = a.write(1, 5)
        else:
            a = a.write(1, 9)
        return a.stack()

    return [f(tf.constant(True)), f(tf.constant(False))]


def branches_of_functions(tf):
    @tf.function
    def up(x):
        return x + 1

    @tf.function
    def down(x):
        return x - 1

    @tf.function
    def f(x):
        return tf.cond(x > 0, lambda: up(x), lambda: down(x))

    return [f(tf.constant(1)), f(tf.constant(-1))]


def case_with_mapping_and_values(tf):
    @tf.function
    def f(x):
        r = tf.case(
            [(tf.equal(x, 1), lambda: (x, x + 1)), (tf.equal(x, 2), lambda: (x * 2, x))],
            default=lambda: (x, x),
        )
        return r

    return [f(tf.constant(v)) for v in (1, 2, 3)]


def checks_only_in_the_taken_branch(tf):
    @tf.function
    def f(x):
        if x > 0:
            tf.debugging.assert_less(x, 10)
            y = 100 // x
        else:
            y = -1
        return y

    return [f(tf.constant(0)), f(tf.constant(5))]


def check_that_fails_in_the_taken_branch(tf):
    @tf.function
    def f(x):
        if x > 0:
            tf.debugging.assert_less(x, 10)
        return x

    return f(tf.constant(50))


def division_by_zero_in_a_branch(tf):
    @tf.function
    def f(x, y):
        if y > 0:
            z = x // (y - 1)
        else:
            z = x
        return z

    return f(tf.constant(1), tf.constant(1))


def where_with_nans_and_gradients(tf):
    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(
                tf.cond(tf.reduce_any(x < 0.0), lambda: tf.abs(x), lambda: tf.sqrt(x))
            )
        return tape.gradient(y, x)

    return [f(tf.constant([-1.0, 4.0])), f(tf.constant([1.0, 4.0]))]
