"""Programs with tapes, custom gradients and Jacobians. Each is a function of `tf`."""

from __future__ import annotations


def custom_gradient_in_eager_and_graph(tf):
    @tf.custom_gradient
    def clip(x):
        def grad(dy):
            return tf.clip_by_value(dy, -0.5, 0.5) * 10.0

        return x * x, grad

    def g(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = clip(x) * 3.0
        return y, tape.gradient(y, x)

    return [h(tf.constant(2.0)) for h in (g, tf.function(g))]


def custom_gradient_of_several_tensors(tf):
    @tf.custom_gradient
    def f(x, y):
        def grad(da, db):
            return da * 2.0 + db, db * 3.0

        return (x * y, x + y), grad

    x, y = tf.constant(2.0), tf.constant(5.0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([x, y])
        a, b = f(x, y)
        c = a + 10.0 * b
    return [a, b, tape.gradient(c, [x, y]), tape.gradient(a, [x, y])]


def custom_gradient_with_variables(tf):
    v = tf.Variable(3.0)

    @tf.custom_gradient
    def f(x):
        y = x * v

        def grad(dy, variables=None):
            return dy * 100.0, [dy * 7.0 for _ in variables]

        return y, grad

    def g(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        return tape.gradient(y, [x, v])

    return [g(tf.constant(2.0)), tf.function(g)(tf.constant(2.0))]


def custom_gradient_with_keyword_arguments(tf):
    @tf.custom_gradient
    def f(x, scale=1.0):
        def grad(dy):
            return dy * scale * 2.0

        return x * scale, grad

    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x, scale=5.0)
    return [y, tape.gradient(y, x)]


def second_gradient_of_custom_gradient(tf):
    @tf.custom_gradient
    def f(x):
        def grad(dy):
            return dy * 3.0 * x**2

        return x**3, grad

    def g(x):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = f(x)
            d = tape.gradient(y, x)
        return d, outer.gradient(d, x)

    return [g(tf.constant(2.0)), tf.function(g)(tf.constant(2.0))]


def custom_gradient_inside_control_flow(tf):
    @tf.custom_gradient
    def f(x):
        return x * 2.0, lambda dy: dy * 50.0

    @tf.function
    def g(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            if x > 0.0:
                y = f(x)
            else:
                y = x
            for _ in tf.range(2):
                y = f(y)
        return y, tape.gradient(y, x)

    return [g(tf.constant(1.0)), g(tf.constant(-1.0))]


def recompute_grad(tf):
    w = tf.Variable([[1.0, 2.0], [3.0, 4.0]])

    @tf.recompute_grad
    def block(x):
        return tf.tanh(tf.matmul(x, w))

    def g(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(block(x) ** 2)
        return y, tape.gradient(y, [x, w])

    x = tf.constant([[0.1, -0.2]])
    return [g(x), tf.function(g)(x)]


def stop_gradient(tf):
    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.stop_gradient(x * x) * x + x
        return tape.gradient(y, x)

    return f(tf.constant(3.0))


def persistent_tape_in_a_function(tf):
    @tf.function
    def f(x):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            y = x * x
            z = y * y
        return tape.gradient(z, x), tape.gradient(y, x), tape.gradient(z, y)

    return f(tf.constant(3.0))


def spent_tape(tf):
    x = tf.constant(1.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * 2.0
    tape.gradient(y, x)
    return tape.gradient(y, x)


def unconnected_gradients(tf):
    x, z = tf.constant([1.0, 2.0]), tf.constant(3.0)
    out = []
    for kind in ("none", "zero"):
        with tf.GradientTape() as tape:
            tape.watch([x, z])
            y = z * 2.0
        out.append(tape.gradient(y, [x, z], unconnected_gradients=kind))
    return out


def gradients_function_in_graph(tf):
    @tf.function
    def f(x, w):
        y = tf.reduce_sum(x * w**2)
        gx, gw = tf.gradients(y, [x, w])
        (second,) = tf.gradients(gw, [w], grad_ys=[tf.ones_like(gw)])
        return gx, gw, second, tf.gradients([y, y * 2.0], x)

    return f(tf.constant([1.0, 2.0]), tf.constant([3.0, 4.0]))


def gradients_function_with_stop(tf):
    @tf.function
    def f(x):
        y = x * x
        z = y * x
        return tf.gradients(z, x, stop_gradients=[y])

    return f(tf.constant(3.0))


def gradient_of_a_gradient_in_a_function(tf):
    @tf.function
    def f(x):
        with tf.GradientTape() as t3:
            t3.watch(x)
            with tf.GradientTape() as t2:
                t2.watch(x)
                with tf.GradientTape() as t1:
                    t1.watch(x)
                    y = tf.sin(x) * x**3
                g1 = t1.gradient(y, x)
            g2 = t2.gradient(g1, x)
        return g1, g2, t3.gradient(g2, x)

    return f(tf.constant(0.7, tf.float64))


def function_inside_tapes(tf):
    v = tf.Variable(2.0)

    @tf.function
    def f(x):
        return v * x**2 if x > 0.0 else x

    x = tf.constant(3.0)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        g = tape.gradient(y, [x, v])
        total = g[0] + g[1]
    return [y, g, outer.gradient(total, [x, v])]


def jacobian_and_batch_jacobian(tf):
    def g(x):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            y = tf.stack([x[:, 0] * x[:, 1], tf.exp(x[:, 0]), x[:, 1] ** 2], 1)
        return tape.jacobian(y, x), tape.batch_jacobian(y, x)

    x = tf.constant([[1.0, 2.0], [0.5, -1.0]])
    return [g(x), tf.function(g)(x)]


def jacobian_without_pfor(tf):
    x = tf.constant([1.0, 2.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x**3
    return tape.jacobian(y, x, experimental_use_pfor=False)


def jacobian_of_variables_and_structures(tf):
    v = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
    x = tf.constant([1.0, -1.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.linalg.matvec(v, x)
    j = tape.jacobian(y, {"v": v, "x": x})
    return [j["v"], j["x"]]


def batch_jacobian_of_unknown_batch(tf):
    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32)])
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.stack([x[:, 0] * x[:, 1], x[:, 0] ** 2], 1)
        return tape.batch_jacobian(y, x)

    return [f(tf.ones([3, 2])), f(tf.constant([[2.0, 5.0]]))]


def jacobian_of_unknown_size(tf):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x * x
        return tape.jacobian(y, x)

    return [f(tf.constant([1.0, 2.0, 3.0])), f(tf.constant([4.0]))]


def hessian_by_nested_tapes(tf):
    x = tf.Variable([1.0, 2.0])
    with tf.GradientTape() as outer:
        with tf.GradientTape() as tape:
            y = tf.reduce_prod(x) * x[0]
        g = tape.gradient(y, x)
    return outer.jacobian(g, x)


def output_gradients(tf):
    x = tf.constant([1.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y, z = x * x, x * 3.0
    return tape.gradient(
        [y, z], x, output_gradients=[tf.constant([10.0, 1.0]), tf.constant([1.0, 2.0])]
    )


def watch_and_stop_recording(tf):
    @tf.function
    def f(x):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            y = x * 2.0
            with tape.stop_recording():
                z = y * 100.0
            y = y * 3.0 + z
        return tape.gradient(y, x)

    return f(tf.constant(1.0))


def reset_a_tape(tf):
    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
        tape.reset()
        tape.watch(x)
        y = y + x
    return tape.gradient(y, x)


def watched_variables(tf):
    a, b = tf.Variable(1.0), tf.Variable(2.0, trainable=False)
    c = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = a * b + c
    names = len(tape.watched_variables())
    return [names, tape.gradient(y, [a, b, c])]


def gradients_of_structures(tf):
    p = {"w": tf.Variable([1.0, 2.0]), "b": (tf.Variable(3.0),)}
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(p["w"] * 2.0) * p["b"][0]
    g = tape.gradient(y, p)
    return [g["w"], g["b"]]


def sparse_gradients_of_embeddings(tf):
    table = tf.Variable(tf.reshape(tf.range(8.0), [4, 2]))

    @tf.function
    def f(ids):
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(tf.nn.embedding_lookup(table, ids) ** 2)
        g = tape.gradient(y, table)
        return g.values, g.indices, tf.convert_to_tensor(g)

    return f(tf.constant([1, 3, 1]))


def complex_gradients(tf):
    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            z = tf.complex(x, x * 2.0)
            y = tf.math.real(z * tf.math.conj(z)) + tf.math.imag(z * z)
        return tape.gradient(y, x)

    return f(tf.constant([1.0, -2.0]))


def integers_and_casts(tf):
    x = tf.constant(3.0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = tf.cast(tf.cast(x, tf.int32), tf.float32) * x
        z = tf.cast(tf.cast(x, tf.float64) * 2.0, tf.float32)
    return [tape.gradient(y, x), tape.gradient(z, x)]


def py_function_gradient(tf):
    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.py_function(lambda t: t**3, [x], tf.float32)
            y.set_shape([])
        return y, tape.gradient(y, x)

    return f(tf.constant(2.0))


def forward_accumulator(tf):
    x = tf.constant([1.0, 2.0])
    with tf.autodiff.ForwardAccumulator(x, tf.constant([1.0, 0.5])) as acc:
        y = tf.reduce_sum(x**3) * x
    return acc.jvp(y)


def gradient_through_assign(tf):
    v = tf.Variable(2.0)

    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            v.assign(x * 3.0)
            y = v * x
        return y, tape.gradient(y, [x, v])

    return f(tf.constant(2.0))


def training_loop_in_a_function(tf):
    w, b = tf.Variable([0.5, -0.5]), tf.Variable(0.0)

    @tf.function
    def train(x, y, n):
        losses = tf.TensorArray(tf.float32, size=n)
        for i in tf.range(n):
            with tf.GradientTape() as tape:
                p = tf.linalg.matvec(x, w) + b
                loss = tf.reduce_mean((p - y) ** 2)
            gw, gb = tape.gradient(loss, [w, b])
            w.assign_sub(0.1 * gw)
            b.assign_sub(0.1 * gb)
            losses = losses.write(i, loss)
        return losses.stack()

    x = tf.constant([[1.0, 2.0], [3.0, -1.0], [0.5, 0.5]])
    return [train(x, tf.constant([1.0, 2.0, 3.0]), tf.constant(5)), w, b]


def tape_inside_a_loop_over_rows(tf):
    @tf.function
    def f(x):
        out = tf.zeros_like(x)
        for i in tf.range(tf.shape(x)[0]):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = x[i] ** 2 * tf.reduce_sum(x)
            out += tape.gradient(y, x)
        return out

    return f(tf.constant([1.0, 2.0, 3.0]))


def gradient_of_a_loop_inside_a_loop_with_tape(tf):
    @tf.function
    def f(x, n):
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.constant(0.0)
            for i in tf.range(n):
                y = x
                while y < 10.0:
                    y = y * x
                total += y * tf.cast(i, tf.float32)
        return total, tape.gradient(total, x)

    return f(tf.constant(1.7), tf.constant(3))


def gradient_through_switch_in_loop(tf):
    @tf.function
    def f(x, kinds):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for k in kinds:
                y = tf.switch_case(k, [lambda: tf.sin(y), lambda: y * y, lambda: y + x])
        return y, tape.gradient(y, x)

    return f(tf.constant(0.8), tf.constant([0, 1, 2, 2, 1]))


def gradient_with_dynamic_lists_and_concat(tf):
    @tf.function
    def f(x, n):
        with tf.GradientTape() as tape:
            tape.watch(x)
            a = tf.TensorArray(tf.float32, size=0, dynamic_size=True, infer_shape=False)
            for i in tf.range(n):
                a = a.write(i, tf.fill([i + 1], x) * tf.cast(i, tf.float32))
            c = a.concat()
            y = tf.reduce_sum(c * tf.cast(tf.range(tf.size(c)), tf.float32))
        return y, tape.gradient(y, x)

    return f(tf.constant(2.0), tf.constant(3))


def gradient_through_list_reads(tf):
    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            a = tf.TensorArray(tf.float32, size=4, clear_after_read=False).unstack(x)
            s = tf.constant(0.0)
            for i in tf.range(3):
                s += a.read(i) * a.read(i + 1)
            g = tf.reduce_sum(a.gather([0, 3]))
            y = s + g
        return tape.gradient(y, x)

    return f(tf.constant([1.0, 2.0, 3.0, 4.0]))


def gradient_of_while_with_lists_and_unknown_count(tf):
    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            a = tf.TensorArray(tf.float32, size=0, dynamic_size=True)
            y, i = x, 0
            while y < 30.0:
                a = a.write(i, y)
                y = y * x
                i += 1
            z = tf.reduce_sum(a.stack()) + y
        return z, tape.gradient(z, x)

    return [f(tf.constant(2.0)), f(tf.constant(3.0))]


def second_gradient_through_list_loop(tf):
    @tf.function
    def f(x):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as tape:
                tape.watch(x)
                a = tf.TensorArray(tf.float32, size=3)
                for i in tf.range(3):
                    a = a.write(i, x ** tf.cast(i + 1, tf.float32))
                y = tf.reduce_sum(a.stack())
            g = tape.gradient(y, x)
        return y, g, outer.gradient(g, x)

    return f(tf.constant(2.0))


def gradient_without_path_is_none(tf):
    x, y = tf.constant(1.0), tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        z = y * 2.0
    return [tape.gradient(z, x)]


def gradient_of_where_and_maximum(tf):
    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(tf.where(x > 1.0, x**2, -x)) + tf.reduce_max(x) * 2.0
        return tape.gradient(y, x)

    return f(tf.constant([0.5, 2.0, 3.0]))
